"""Whole journeys through the command line as its users start it: processes, a mail server, the public pages."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from newsletter.app import Project
from newsletter.cli import commands
from newsletter.demo import subscribers, write_site
from newsletter.schedule import Ticker
from tests.command_line import ACTIVE, demo, run, set_line, spawn, start
from tests.watched_catcher import Taken, Watched, watched
from tests.web_project import Visitor

READERS = sorted(reader.email for reader in subscribers() if reader.state == "active")
ROOT = Path(__file__).parent.parent
NEWCOMER = "newcomer@example.org"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path / "caught") as server:
        yield server


def audited(project: Path) -> dict[str, object]:
    """The one issue's audit, by the command."""
    answered = run("audit", "--json", project=project)
    assert answered.exit_code == 0, answered.output
    (found,) = json.loads(answered.stdout)
    assert found["wrong"] == []
    assert sum(found["states"].values()) == found["frozen"]
    return dict(found)


def test_a_first_project_is_made_sent_and_audited_and_the_second_send_mails_nobody(
    tmp_path: Path, server: Watched
) -> None:
    project = tmp_path / "first"
    made = spawn("init", str(project), "--demo")
    assert made.returncode == 0, made.stderr
    sent = spawn("send", "--yes", project=project, environment=server.environment)
    assert sent.returncode == 0, sent.stderr
    assert f"accepted {ACTIVE}" in sent.stdout
    assert server.recipients() == READERS
    audit = spawn("audit", "--json", project=project)
    assert audit.returncode == 0
    (found,) = json.loads(audit.stdout)
    assert found["frozen"] == found["states"]["accepted"] == ACTIVE
    assert found["ever_in_doubt"] == found["wrong"] == []
    again = spawn("send", "--yes", project=project, environment=server.environment)
    assert again.returncode == 0
    assert "already; nobody was mailed now" in again.stdout
    assert len(server.taken) == ACTIVE


# A send that is killed, and one that is asked to stop.


def sending(project: Path, server: Watched, *, at: int, with_signal: int) -> subprocess.CompletedProcess[str]:
    """A real send that gets a signal while the server has taken message `at` of it and not answered yet."""
    before = len(server.taken)
    started: list[subprocess.Popen[str]] = []

    def strike(one: Taken) -> None:
        if one.number == before + at:
            started[0].send_signal(with_signal)
            if with_signal == signal.SIGKILL:
                started[0].wait()

    server.on_message = strike
    environment = {**server.environment, "NEWSLETTER_BACKEND__CONNECTIONS": "2"}
    process = start("send", "--yes", project=project, environment=environment)
    started.append(process)
    stdout, stderr = process.communicate(timeout=60)
    server.on_message = lambda _: None
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def test_kill_9_in_mid_send_skips_nobody_and_names_whoever_got_two(tmp_path: Path, server: Watched) -> None:
    project = demo(tmp_path, "pulled")
    assert sending(project, server, at=5, with_signal=signal.SIGKILL).returncode == -signal.SIGKILL
    assert 5 <= len(server.taken) < ACTIVE
    assert sending(project, server, at=4, with_signal=signal.SIGKILL).returncode == -signal.SIGKILL
    finished = spawn("send", "--yes", project=project, environment=server.environment)
    assert finished.returncode == 0, finished.stderr
    found = audited(project)
    assert found["frozen"] == ACTIVE
    assert found["states"]["accepted"] == ACTIVE  # type: ignore[index]
    readers = Counter(one.recipient for one in server.taken if one.recipient in READERS)
    assert sorted(readers) == READERS
    named = {doubt["address"] for doubt in found["ever_in_doubt"]}  # type: ignore[attr-defined]
    doubled = {address for address, number in readers.items() if number > 1}
    assert doubled <= named
    assert 2 <= len(named) <= 4
    for address in doubled:
        copies = {one.mail.as_bytes() for one in server.taken if one.recipient == address}
        assert len(copies) == 1, "a second copy is the same message"


def test_sigterm_lets_the_message_in_hand_finish_and_the_next_send_goes_on(tmp_path: Path, server: Watched) -> None:
    project = demo(tmp_path, "pulled")
    stopped = sending(project, server, at=4, with_signal=signal.SIGTERM)
    assert stopped.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in stopped.stderr
    assert "nothing is lost" in stopped.stderr
    found = audited(project)
    assert found["states"]["accepted"] == len(server.taken) < ACTIVE  # type: ignore[index]
    assert found["states"]["claimed"] == found["states"]["handing over"] == 0  # type: ignore[index]
    assert found["ever_in_doubt"] == []
    finished = spawn("send", "--yes", project=project, environment=server.environment)
    assert finished.returncode == 0, finished.stderr
    assert server.recipients() == READERS


# Served.


@contextlib.contextmanager
def served(project: Path, server: Watched) -> Iterator[tuple[Visitor, subprocess.Popen[str]]]:
    """`newsletter serve` in a process of its own, by the real clock, until SIGTERM."""
    process = subprocess.Popen(
        [sys.executable, "-m", "newsletter", "-C", str(project), "serve", "--port", "0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **server.environment}, cwd=ROOT,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        line = next(line for line in process.stderr if "listening on" in line)
        port = re.search(r":(\d+) for", line)
        assert port is not None, line
        yield Visitor(int(port[1]), "127.0.0.1:8080"), process
    finally:
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=30)
        assert process.returncode == 0, rest
        assert "Traceback" not in rest


def at(now: datetime, *arguments: str, project: Path) -> str:
    """A command of another day, in this process."""
    done = CliRunner().invoke(commands, ["-C", str(project), "--now", now.isoformat(), *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def due_project(folder: Path) -> tuple[Path, datetime]:
    """A demo project that began yesterday, and whose slot of the week was an hour ago; and what time it is."""
    now = datetime.now(UTC)
    project = folder / "project"
    done = CliRunner().invoke(
        commands, ["--now", (now - timedelta(days=1)).isoformat(), "init", str(project), "--demo"]
    )
    assert done.exit_code == 0, done.output
    slot = (now - timedelta(hours=1)).astimezone(ZoneInfo("Europe/Lisbon"))
    set_line(project, 'day = "thursday"', f'day = "{slot:%A}"')
    set_line(project, 'time = "16:00"', f'time = "{slot:%H:%M}"')
    write_site(project / "site", now=now)
    return project, now


def test_a_reader_joins_gets_the_next_issue_and_leaves_and_every_due_slot_is_sent_once(
    tmp_path: Path, server: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    project, now = due_project(tmp_path)

    with served(project, server) as (visitor, process):
        # The slot is due: its issue goes out by itself.
        assert process.stderr is not None
        assert next(line for line in process.stderr if "ended well" in line)
        assert server.recipients() == READERS

        # Somebody signs up, is asked whether it was them, and says yes.
        answer = visitor.ask(
            "POST", "/api/subscribe", json.dumps({"email": NEWCOMER, "name": "New Comer"}),
            {"Content-Type": "application/json"},
        )  # fmt: skip
        assert answer.status == 202, answer.text
        confirmation = server.next(NEWCOMER).mail
        text = confirmation.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        path = re.search(r"http://127\.0\.0\.1:8080(/confirm/\S+)", text)
        assert path is not None
        assert visitor.ask("GET", path[1]).status == 200
        assert status(project, NEWCOMER) == "pending"
        assert visitor.ask("POST", path[1]).status == 200
        assert status(project, NEWCOMER) == "active"

        # The next week's issue reaches them, and nobody twice.
        next_week = now + timedelta(days=7)
        write_site(project / "site", now=next_week)
        at(next_week, "send", "--yes", project=project)
        assert server.recipients() == sorted([*READERS, *READERS, NEWCOMER, NEWCOMER])
        issue = server.next(NEWCOMER).mail
        html = issue.get_body(("html",)).get_content()  # type: ignore[union-attr]
        assert issue["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

        # What an issue carried is in no other.
        first, second = (set(carried(project, key)) for key in slots_of(project))
        assert len(first) > 3
        assert len(second) > 2
        assert not first & second

        # They leave with one click, and the issue after that does not reach them.
        leave = issue["List-Unsubscribe"].strip("<>").removeprefix("http://127.0.0.1:8080")
        assert leave in html
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert visitor.ask("POST", leave, "List-Unsubscribe=One-Click", form).status == 200
        third_week = now + timedelta(days=14)
        write_news(project / "site", now=third_week)
        at(third_week, "send", "--yes", project=project)
        assert server.recipients() == sorted([*READERS * 3, NEWCOMER, NEWCOMER])

    before = len(server.taken)
    with served(project, server) as (visitor, _):
        assert visitor.ask("GET", "/healthz").status == 200
    assert len(server.taken) == before
    for found in json.loads(at(now, "audit", "--json", project=project)):
        assert found["wrong"] == found["ever_in_doubt"] == []


def status(project: Path, address: str) -> str:
    return str(
        json.loads(run("subscribers", "show", address, "--json", project=project).stdout)["subscriber"]["status"]
    )


def write_news(site: Path, *, now: datetime) -> None:
    """Six articles that nobody has seen before."""
    for thing in ("cinema", "harbour", "bakery", "archive", "observatory", "swimming pool"):
        article = {
            "title": f"What nobody told you about the {thing}",
            "url": f"https://tramlight.example/{thing}",
            "date": (now - timedelta(hours=1)).isoformat(),
            "categories": ["News"],
            "subject": thing,
        }
        (site / f"{thing}.json").write_text(json.dumps(article))


def slots_of(project: Path) -> list[str]:
    return [one["slot"] for one in json.loads(run("issues", "list", "--json", project=project).stdout)]


def carried(project: Path, key: str) -> list[str]:
    return [pick["url"] for pick in json.loads(run("issues", "show", key, "--json", project=project).stdout)["picks"]]


def test_two_tickers_at_once_send_a_due_slot_once_and_alarm_nobody(
    tmp_path: Path, server: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    folder, _ = due_project(tmp_path)
    gate = threading.Barrier(2)

    def tick(project: Project) -> None:
        ticker = Ticker(project)
        gate.wait()
        ticker.tick()

    projects = [Project(folder), Project(folder)]
    threads = [threading.Thread(target=tick, args=(project,)) for project in projects]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.recipients() == READERS
    assert audited(folder)["state"] == "closed"
    (key,) = slots_of(folder)
    assert projects[0].issues.alerts(key) == []
    for project in projects:
        project.close()
