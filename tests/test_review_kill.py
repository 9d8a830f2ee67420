"""A review page that is killed between two clicks, and in the middle of one: the log replays to the same issue."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from newsletter.app import Project
from newsletter.decisions import decisions
from newsletter.letter import digest_of
from newsletter.shelf.tables import articles
from tests.command_line import NEXT_WEEK, demo, start
from tests.projects import open_project
from tests.times import NOW, PATIENCE, Clock

EDITOR = "odalys@tramlight.example"
# Milliseconds of work that the server is left to do on a click before it is killed in the middle of it.
LEFT_TO_DO = (0, 3, 10, 30, 60, 100, 160)


@dataclass
class Desk:
    """An editor at the page of a server that may be killed at any moment."""

    root: Path
    path: str
    port: int = 0
    pid: int = 0
    html: str = ""
    fields: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, form: str = "") -> tuple[int, str]:
        with closing(self._sent(method, path, form)) as connection:
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def _sent(self, method: str, path: str, form: str) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        connection.request(method, path, form or None, headers)
        return connection

    def look(self) -> None:
        status, self.html = self.ask("GET", self.path)
        assert status == 200
        self.fields = dict(re.findall(r'name="(token|seen|slot|digest)" value="([^"]*)"', self.html))

    def form(self, do: str, **more: str) -> str:
        return urlencode({**self.fields, "do": do, **more})

    def worked(self) -> float:
        """Milliseconds that the server has worked so far."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6

    def killed_in_the_middle(self, form: str, *, after: float) -> None:
        """Send a form, and kill the server when it has worked on it for so many milliseconds, or has answered."""
        until = self.worked() + after
        connection = self._sent("POST", self.path, form)
        assert connection.sock is not None
        connection.sock.setblocking(False)
        while self.worked() < until and not _answered(connection):
            pass
        os.kill(self.pid, signal.SIGKILL)
        connection.close()

    def stories(self) -> list[str]:
        return re.findall(r'data-article="(\d+)"', self.html)


def _answered(connection: http.client.HTTPConnection) -> bool:
    try:
        return bool(connection.sock.recv(1))
    except BlockingIOError:
        return False


@contextmanager
def serving(desk: Desk) -> Iterator[Desk]:
    server = start("serve", "--port", "0", project=desk.root)
    try:
        assert server.stderr is not None
        for line in server.stderr:
            if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
                desk.port, desk.pid = int(found[1]), server.pid
                break
        else:
            pytest.fail("the server did not start")
        desk.look()
        yield desk
    finally:
        server.kill()
        server.communicate()


def opened(root: Path) -> Project:
    return open_project(root, clock=Clock(NOW.replace(hour=18)))


def digest(project: Project) -> str:
    letter = project.weekly.compose(project.slot(NEXT_WEEK)).letter
    assert letter is not None
    return digest_of({"": letter})


def replayed(project: Project, before: Path, folder: Path) -> str:
    """What the log makes of the shelf as it was before the first click."""
    root = Path(shutil.copytree(before, folder))
    with project.database.read() as connection:
        log = [dict(row) for row in connection.execute(sa.select(decisions)).mappings()]
    fresh = opened(root)
    with fresh.database.write() as connection:
        connection.execute(decisions.insert(), log)
        for (number,) in connection.execute(sa.select(articles.c.id)).all():
            fresh.shelf.mark(connection, number, now=project.clock())
    return digest(fresh)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    root = demo(tmp_path, "sent")  # so that the coming week is the one to decide on
    project = opened(root)
    link = project.weekly.proofs.link(project.slot(NEXT_WEEK), EDITOR)
    project.close()  # as long as somebody has it open, SQLite does not look for what a killed process had committed
    return Desk(root, project.review_url(link).removeprefix(project.publication.public_url))


def test_a_kill_between_and_in_the_middle_of_clicks_leaves_each_whole_or_undone(desk: Desk, tmp_path: Path) -> None:
    before = Path(shutil.copytree(desk.root, tmp_path / "before"))
    made: list[tuple[str, str]] = []
    stands = ""
    for turn, after in enumerate(LEFT_TO_DO):
        with serving(desk):
            assert stands in ("", desk.fields["digest"]), "the page shows another issue after the kill"
            assert desk.fields["seen"] == str(len(made))
            first, *_, last = desk.stories()
            clicks = [
                ("drop", f"drop {first}", {}),
                ("move", f"up {last}", {}),
                ("intro", "intro", {"text": f"Words of turn {turn}."}),
                ("edit", f"edit {last}", {"title": f"A title of turn {turn}", "dek": "", "image": ""}),
            ]
            act, do, more = clicks[turn % len(clicks)]
            assert desk.ask("POST", desk.path, desk.form(do, **more))[0] == 303
            made.append((act, "answered"))
            desk.look()
            act, do, more = clicks[(turn + 1) % len(clicks)]
            desk.killed_in_the_middle(desk.form(do, **more), after=after)
        project = opened(desk.root)
        log = project.decisions.log()
        if len(log) > len(made):
            made.append((act, "killed"))
        assert [one.act for one in log] == [act for act, _ in made], "a click was lost, doubled or done by half"
        stands = digest(project)
        assert replayed(project, before, tmp_path / f"replay-{turn}") == stands
        project.close()
    assert {how for _, how in made} == {"answered", "killed"}, "no kill came late enough to find its click done"
    assert sum(how == "killed" for _, how in made) < len(LEFT_TO_DO), "no kill came in time"


def test_a_form_that_is_sent_again_after_a_kill_decides_nothing_twice(desk: Desk) -> None:
    with serving(desk):
        form = desk.form(f"drop {desk.stories()[0]}")
        assert desk.ask("POST", desk.path, form)[0] == 303
        os.kill(desk.pid, signal.SIGKILL)
    with serving(desk):
        status, page = desk.ask("POST", desk.path, form)
        assert status in (303, 400, 409)
        project = opened(desk.root)
        assert len(project.decisions.log()) == 1
        assert status == 303 or 'role="alert"' in page
