"""The thread that pulls when a hook asks for it, with real children: what is read, when, and how often."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from newsletter.app import Project
from newsletter.web import PullThread
from tests.hook_samples import ALL, Cms, hooked
from tests.site import Site, running
from tests.times import PATIENCE, Clock, time_of_day
from tests.web_project import served


@pytest.fixture
def project(tmp_path: Path, clock: Clock) -> Project:
    return hooked(tmp_path / "project", clock=clock)


@contextmanager
def logged(logger: str, text: str) -> Iterator[threading.Event]:
    """Set when that logger says that."""
    said = threading.Event()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if text in record.getMessage():
                said.set()

    listener, where = Listener(), logging.getLogger(logger)
    level = where.level
    where.addHandler(listener)
    where.setLevel(logging.INFO)
    try:
        yield said
    finally:
        where.removeHandler(listener)
        where.setLevel(level)


def feed(title: str, now: datetime) -> bytes:
    date = format_datetime(now - timedelta(hours=1))
    return (
        f'<rss version="2.0"><channel><title>Marquee</title><item><title>{title}</title>'
        f"<link>https://www.marquee.example/ferry</link><pubDate>{date}</pubDate>"
        "<description>What happened, in a line or two.</description></item></channel></rss>"
    ).encode()


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        yield site


@pytest.fixture
def live(tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose children are the real program, so by the real clock."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    return hooked(tmp_path / "live", clock=Clock(time_of_day()), site=site.url)


def titles(project: Project) -> list[str]:
    return [one.article.title for one in project.shelf.since(project.clock() - timedelta(days=7))]


def test_what_is_published_is_on_the_shelf_after_the_hook(live: Project, site: Site) -> None:
    assert isinstance(live.clock, Clock)
    site.page("/feed.xml", feed("A ferry, at last", live.clock()), Content_Type="application/rss+xml")
    thread = PullThread(live)
    with (
        logged("newsletter.web.pull_thread", "the pull of site ended with 0") as ended,
        served(live, beside=(thread,), pull=thread.pull) as client,
    ):
        cms = Cms(client, live.clock)
        assert cms.publish({"data": {"source": "site"}}, webhook_id="another").status == 403
        assert (site.asked, titles(live)) == ([], [])
        assert cms.publish({"data": {"url": f"{site.url}/ferry"}}).status == 202
        assert ended.wait(PATIENCE)
    assert titles(live) == ["A ferry, at last"]
    assert [path for path, _ in site.asked] == ["/feed.xml"]


def test_a_pull_that_fails_is_logged_and_the_next_one_works(
    live: Project, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    thread = PullThread(live)
    with logged("newsletter.web.pull_thread", "ended with 1") as failed:
        thread.start()
        thread.pull(["site"])
        assert failed.wait(PATIENCE)
    assert "pull: site: failed, " in caplog.text
    site.page("/feed.xml", feed("A ferry, at last", live.clock()), Content_Type="application/rss+xml")
    with logged("newsletter.web.pull_thread", "ended with 0") as ended:
        thread.pull(["site"])
        assert ended.wait(PATIENCE)
    thread.stop()
    assert titles(live) == ["A ferry, at last"]


# Says that it runs, and ends when it is told to; or by SIGTERM.
WAITS = "import sys; open(sys.argv[1], 'w').write('runs'); open(sys.argv[2]).read()"


class Pulls:
    """The command lines a thread runs: each child says that it runs and waits; `runs` and `end` are pipes to it."""

    def __init__(self, root: Path) -> None:
        self.runs, self.end = root / "runs", root / "end"
        self.asked: list[list[str]] = []
        os.mkfifo(self.runs)
        os.mkfifo(self.end)

    def __call__(self, names: Sequence[str]) -> list[str]:
        self.asked.append(list(names))
        return [sys.executable, "-c", WAITS, str(self.runs), str(self.end)]

    def await_one(self) -> None:
        assert self.runs.read_text() == "runs"

    def end_one(self) -> None:
        self.end.write_text("end")


def test_many_hooks_while_a_pull_runs_are_one_more_pull(project: Project, clock: Clock) -> None:
    pulls = Pulls(project.root)
    thread = PullThread(project, command=pulls)
    with served(project, beside=(thread,), pull=thread.pull) as client:
        cms = Cms(client, clock)
        cms.publish({"data": {"source": "site"}}, name="first")
        pulls.await_one()
        for number, name in enumerate(("notes", "site", "notes", "site", "notes")):
            assert cms.publish({"data": {"source": name}}, name=f"msg_{number}").status == 202
        assert pulls.asked == [["site"]]
        with logged("newsletter.web.pull_thread", "the pull of site, notes ended with 0") as ended:
            pulls.end_one()
            pulls.await_one()
            pulls.end_one()
            assert ended.wait(PATIENCE)
    assert pulls.asked == [["site"], ["site", "notes"]]


def test_stopping_ends_a_pull_and_forgets_what_waits(project: Project) -> None:
    pulls = Pulls(project.root)
    thread = PullThread(project, command=pulls)
    thread.start()
    thread.pull(["site"])
    pulls.await_one()
    thread.pull(["notes"])
    thread.stop()
    assert pulls.asked == [["site"]]
    PullThread(project).stop()  # one that never started


def test_a_program_that_is_not_there_is_logged(project: Project) -> None:
    thread = PullThread(project, command=lambda _: [str(project.root / "no such program")])
    with logged("newsletter.web.pull_thread", "could not be started") as said:
        thread.start()
        thread.pull(["site"])
        assert said.wait(PATIENCE)
    thread.stop()


def test_the_child_is_this_very_program(project: Project) -> None:
    start = (sys.executable, "-m", "newsletter", "-C", str(project.root), "pull")
    assert PullThread(project).pull_command(["site", "notes"]) == (*start, "--source=site", "--source=notes")
    assert PullThread(project).pull_command(ALL) == start
