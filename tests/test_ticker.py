"""The ticker, on a real database and with real child processes: who is started, when, and what is put on record."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.app import Project
from newsletter.issues import IssueState
from newsletter.letter import Letter
from newsletter.locks import try_lock
from newsletter.sending import alerts, outbox
from newsletter.ticker import AFTER_FAILURE, Ticker, send_command
from tests.projects import TOML, make_project
from tests.times import PATIENCE, Clock, time_of_day
from tests.web_project import freeze_issue, mails

BEGAN = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)  # a Monday; the slot is on Thursdays at 07:00
SLOT = datetime(2026, 11, 19, 7, 0, tzinfo=UTC)
WEEK = timedelta(weeks=1)

# Stands for `newsletter send`: takes its lock, makes the issue of the slot unless it is there, and says so.
SEND = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from newsletter.database import Database
from newsletter.issues import Issues, IssueState
from newsletter.locks import try_lock
root, key = Path(sys.argv[1]), sys.argv[2]
database = Database(f"sqlite:///{root / 'newsletter.db'}")
lock = try_lock(database, "send")
if lock is None:
    sys.exit(2)
with lock, database.write() as connection:
    now = datetime.now(UTC)
    row = Issues(database).open(connection, slot_key=key, slot_at=now, now=now)
    if row.state == IssueState.DRAFT:
        Issues(database).step(connection, row, IssueState.SKIPPED, reason="made by the test's child", closed_at=now)
        with (root / "made").open("a") as made:
            made.write(key + chr(10))
print("did", key)
"""


class Children:
    """The command lines a ticker runs: a script of the test's own, and a list of the keys it was asked for."""

    def __init__(self, root: Path, script: str = SEND) -> None:
        self.root = root
        self.script = script
        self.asked: list[str] = []

    def __call__(self, key: str) -> list[str]:
        self.asked.append(key)
        return [sys.executable, "-c", self.script, str(self.root), key]

    def made(self) -> list[str]:
        file = self.root / "made"
        return file.read_text().split() if file.exists() else []


@contextmanager
def opened(root: Path, clock: Clock) -> Iterator[Project]:
    project = make_project(root, clock=clock, began=BEGAN)
    yield project
    project.database.dispose()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    return tmp_path / "project"


@pytest.fixture
def due(root: Path, clock: Clock) -> Iterator[Project]:
    """A project whose first slot has come five minutes ago."""
    clock.time = SLOT + timedelta(minutes=5)
    with opened(root, clock) as project:
        yield project


def test_a_due_slot_is_sent_by_one_child(due: Project, root: Path, caplog: pytest.LogCaptureFixture) -> None:
    children = Children(root)
    ticker = Ticker(due, command=children)
    with caplog.at_level(logging.INFO, logger="newsletter.ticker"):
        ticker.tick()
        ticker.tick()
    assert children.asked == ["2026-W47"]
    assert children.made() == ["2026-W47"]
    assert "2026-W47: did 2026-W47" in caplog.text
    assert "ended well" in caplog.text


def test_nothing_is_started_before_the_slot(root: Path, clock: Clock) -> None:
    clock.time = SLOT - timedelta(seconds=1)
    with opened(root, clock) as project:
        children = Children(root)
        Ticker(project, command=children).tick()
        assert children.asked == []


def test_a_project_that_just_began_owes_no_earlier_slot(root: Path, clock: Clock) -> None:
    clock.time = BEGAN + timedelta(minutes=1)
    with opened(root, clock) as project:
        children = Children(root)
        Ticker(project, command=children).tick()
        assert children.asked == []
        assert project.issues.newest() == []


def test_two_tickers_make_one_issue_of_a_slot(due: Project, root: Path, clock: Clock) -> None:
    children = Children(root)
    with opened(root, clock) as other:
        tickers = [Ticker(due, command=children), Ticker(other, command=children)]
        threads = [threading.Thread(target=ticker.tick) for ticker in tickers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for ticker in tickers:
            ticker.tick()
    assert children.made() == ["2026-W47"]
    assert [row.slot_key for row in due.issues.newest()] == ["2026-W47"]


def test_a_restart_makes_no_second_issue(due: Project, root: Path) -> None:
    for _ in range(2):
        Ticker(due, command=Children(root)).tick()
    assert Children(root).made() == ["2026-W47"]


def test_a_missed_slot_is_on_record_and_the_editor_is_told_once(due: Project, root: Path, clock: Clock) -> None:
    clock.time = SLOT + WEEK + timedelta(hours=1)
    children = Children(root)
    for _ in range(2):
        Ticker(due, command=children).tick()
    missed = due.issues.get("2026-W47")
    assert missed.state == IssueState.MISSED
    assert "2026-11-19 07:00 UTC" in missed.reason
    assert [alert.text for alert in due.issues.alerts("2026-W47")] == [f"this issue was missed: {missed.reason}"]
    assert outbox.ledger(due.database).counts() == {"waiting": 1}
    assert children.made() == ["2026-W48"]


def test_a_slot_later_than_its_grace_is_missed_and_not_sent(due: Project, root: Path, clock: Clock) -> None:
    clock.time = SLOT + timedelta(hours=24, minutes=1)
    children = Children(root)
    Ticker(due, command=children).tick()
    assert children.asked == []
    assert due.issues.get("2026-W47").state == IssueState.MISSED


def test_a_failing_send_waits_a_quarter_of_an_hour_and_is_told(due: Project, root: Path, clock: Clock) -> None:
    children = Children(root, "print('the key file is missing'); raise SystemExit(2)")
    ticker = Ticker(due, command=children)
    for _ in range(2):
        ticker.tick()
    assert len(children.asked) == 1
    told = due.issues.alerts("2026-W47")
    assert "exit code 2" in told[0].text
    assert "the key file is missing" in told[0].text
    clock.forward(AFTER_FAILURE)
    ticker.tick()
    assert len(children.asked) == 2
    assert due.issues.alerts("2026-W47") == told


def test_a_failing_send_is_told_though_a_source_was_told_of_before(due: Project, root: Path) -> None:
    due.alerts.tell(alerts.source("site"), "the source site could not be read: no answer")
    Ticker(due, command=Children(root, "print('weekly/body.html.j2:3: unknown tag'); raise SystemExit(2)")).tick()
    assert "unknown tag" in due.issues.alerts("2026-W47")[-1].text


def test_what_a_failing_send_has_told_itself_is_not_told_again(due: Project, root: Path) -> None:
    due.alerts.tell(alerts.issue("2026-W47"), "the letter of 2026-W47 has 3 errors")
    said = "newsletter: the letter of 2026-W47 has 3 errors; nobody was mailed"
    Ticker(due, command=Children(root, f"print({said!r}); raise SystemExit(1)")).tick()
    assert len(due.issues.alerts("2026-W47")) == 1


def test_an_unfinished_issue_with_somebody_due_goes_on(due: Project, root: Path, clock: Clock, letter: Letter) -> None:
    due.book.add_confirmed("reader@example.net")
    freeze_issue(due, letter, now=clock())
    children = Children(root)
    Ticker(due, command=children).tick()
    assert children.asked == ["2026-W47"]


def test_an_unfinished_issue_waits_until_the_deferred_are_due(
    due: Project, root: Path, clock: Clock, letter: Letter
) -> None:
    due.book.add_confirmed("reader@example.net")
    freeze_issue(due, letter, now=clock())
    with due.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE deliveries SET state = 'deferred', next_try_at = '2026-11-19 08:00:00.000000'"
        )
    children = Children(root)
    ticker = Ticker(due, command=children)
    ticker.tick()
    assert children.asked == []
    clock.time = SLOT + timedelta(hours=1)
    ticker.tick()
    assert children.asked == ["2026-W47"]


def test_nobody_is_started_while_a_send_is_at_work(due: Project, root: Path) -> None:
    children = Children(root)
    lock = try_lock(due.database, "send")
    assert lock
    with lock:
        Ticker(due, command=children).tick()
    assert children.asked == []


# Says that it is there, waits for SIGTERM, and takes its time to finish.
PATIENT = """
import signal, sys
from pathlib import Path
def finish(*_):
    print("finishing the message in hand", flush=True)
    (Path(sys.argv[1]) / "finished").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, finish)
import os
fifo = os.open(Path(sys.argv[1]) / "ready", os.O_WRONLY)
os.write(fifo, b"ready")
os.close(fifo)
signal.pause()
"""


def test_stopping_asks_the_child_to_end_and_waits_for_it(
    due: Project, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.mkfifo(root / "ready")
    ticker = Ticker(due, command=Children(root, PATIENT))
    with caplog.at_level(logging.INFO, logger="newsletter.ticker"):
        ticker.start()
        assert (root / "ready").read_bytes() == b"ready"
        ticker.stop()
    assert (root / "finished").exists()
    assert "finishing the message in hand" in caplog.text
    assert due.issues.alerts("2026-W47") == []


def test_ctrl_c_in_the_terminal_does_not_reach_the_child(due: Project, root: Path) -> None:
    script = "import os, sys, pathlib; pathlib.Path(sys.argv[1], 'group').write_text(str(os.getpgrp()))"
    Ticker(due, command=Children(root, script)).tick()
    assert int((root / "group").read_text()) != os.getpgrp()


def test_a_ticker_ticks_at_once_and_ends_when_told(due: Project, root: Path) -> None:
    ticked, tidied = threading.Event(), threading.Event()
    children = Children(root)

    def command(key: str) -> list[str]:
        ticked.set()
        return children(key)

    ticker = Ticker(due, hourly=[tidied.set], command=command)
    ticker.start()
    assert ticked.wait(PATIENCE)
    assert tidied.wait(PATIENCE)
    ticker.stop()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_tick_that_fails_is_logged_and_the_next_one_works(
    due: Project, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    children = Children(root)

    def command(key: str) -> list[str]:
        return children(key) if children.asked or caplog.records else [str(root / "no such program")]

    ticker = Ticker(due, command=command)
    ticker.tick()
    assert "this tick failed" in caplog.text
    ticker.tick()
    assert children.made() == ["2026-W47"]


def test_one_tidying_that_fails_does_not_stop_the_others(due: Project, caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def fail() -> None:
        raise OSError("no room")

    Ticker(due, hourly=[fail, lambda: done.append("second")]).tidy()
    assert done == ["second"]
    assert "tidying failed" in caplog.text


def test_a_due_slot_becomes_mail_in_a_mailbox(root: Path) -> None:
    """The whole way, with the real program as the child, so by the real clock."""
    now = time_of_day()
    came = now - timedelta(minutes=10)
    articles = root / "articles"
    articles.mkdir(parents=True)
    for number, title in enumerate(("Ferry", "Lighthouse", "Bakery", "Tuba")):
        (articles / f"{number}.md").write_text(
            f'---\ntitle: "{title} returns"\nurl: "https://www.marquee.example/{title.lower()}"\n'
            f'published: "{(now - timedelta(hours=2)).isoformat()}"\n---\nA story about {title}, told at length.\n'
        )
    source = '[[sources]]\nname = "newsroom"\nkind = "folder"\npath = "articles"\n'
    text = TOML.replace('"thursday"', f'"{came:%A}"'.lower()).replace('"07:00"', f'"{came:%H:%M}"')
    clock = Clock(now)
    project = make_project(root, clock=clock, began=now - timedelta(hours=1), text=text, more=source)
    project.book.add_confirmed("reader@example.net")
    ticker = Ticker(project)
    ticker.tick()
    issue = project.issues.newest()[0]
    assert issue.state == IssueState.CLOSED, project.issues.alerts(issue.slot_key)
    assert [mail["To"] for mail in mails(root / "mail")] == ["reader@example.net"]
    ticker.tick()
    assert len(mails(root / "mail")) == 1
    project.database.dispose()


def test_the_child_is_this_very_program(tmp_path: Path) -> None:
    command = send_command(tmp_path)("2026-W47")
    assert command == (
        sys.executable, "-m", "newsletter", "-C", str(tmp_path), "send", "--scheduled", "--yes", "--slot", "2026-W47",
    )  # fmt: skip
