"""The whole way, with the real program in processes of its own and a real mail server: from the sign-up box to the last
letter, through kills, stops, restarts and everything being changed in the middle of a send.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import time, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from newsletter.app import Project
from newsletter.issue import DAYS
from newsletter.slots import Schedule, current
from newsletter.ticker import Ticker
from tests.catcher import Catcher
from tests.command_line import ACTIVE, WEEK, demo, run, set_line, start
from tests.smtp_servers import in_loop
from tests.times import PATIENCE, time_of_day
from tests.web_project import WebClient, form_token

SUBSCRIBER = "somebody.new@reader.example"


class Arriving(Catcher):
    """A catcher that tells of every message when it is kept, and refuses whom it is told to."""

    def __init__(self, maildir: Path, *, refused: str = "") -> None:
        super().__init__(maildir)
        self.arrived: queue.Queue[EmailMessage] = queue.Queue()
        self.refused = refused
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == self.refused:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    def _keep(self, envelope: Envelope, recipient: str) -> str:
        name = super()._keep(envelope, recipient)
        self.arrived.put(parsed((self.maildir / "new" / name).read_bytes()))
        return name

    def wait_for(self, number: int) -> list[EmailMessage]:
        """The next messages, as soon as there are so many."""
        return [self.arrived.get(timeout=PATIENCE) for _ in range(number)]

    def kept(self) -> list[bytes]:
        """Every message so far, oldest first, without the trace lines."""
        files = sorted((self.maildir / "new").iterdir())
        return [file.read_bytes().split(b"\r\n", 2)[2] for file in files]

    @property
    def settings(self) -> dict[str, str]:
        return {
            "NEWSLETTER_BACKEND__KIND": "smtp",
            "NEWSLETTER_BACKEND__HOST": "127.0.0.1",
            "NEWSLETTER_BACKEND__PORT": str(self.port),
            "NEWSLETTER_BACKEND__SECURITY": "none",
        }


def parsed(data: bytes) -> EmailMessage:
    mail = message_from_bytes(data, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def part(mail: EmailMessage, subtype: str) -> str:
    found = mail.get_body((subtype,))
    assert found is not None
    return str(found.get_content())


@contextlib.contextmanager
def catching(maildir: Path, *, refused: str = "") -> Iterator[Arriving]:
    catcher = Arriving(maildir, refused=refused)
    with in_loop(catcher.protocol) as catcher.port:
        yield catcher


@contextlib.contextmanager
def serving(project: Path, catcher: Arriving) -> Iterator[WebClient]:
    """A real `newsletter serve`, by the real clock, on a free port; told to end at the end, which it does well."""
    process = subprocess.Popen(
        [sys.executable, "-m", "newsletter", "-C", project, "serve", "--port", "0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **catcher.settings}, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        said = next(line for line in process.stderr if "listening on" in line)
        found = re.search(r"127\.0\.0\.1:(\d+)", said)
        assert found
        client = WebClient(int(found[1]), host="127.0.0.1:8080")
        yield client
        process.terminate()
        _, log = process.communicate(timeout=PATIENCE)
        assert (process.returncode, "Traceback" in log) == (0, False), log
        client.log += log.splitlines()
    finally:
        process.kill()
        process.communicate()


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=PATIENCE)
    return process.returncode, stdout, stderr


def link(mail: EmailMessage, path: str) -> str:
    """The path of the address in a letter's text that goes to one of our pages."""
    found = re.search(rf"http://127\.0\.0\.1:8080({path}\S*)", part(mail, "plain"))
    assert found
    return found[1]


def status_of(project: Path) -> str:
    return str(
        json.loads(run("subscribers", "show", SUBSCRIBER, "--json", project=project).stdout)["subscriber"]["status"]
    )


def test_from_the_sign_up_box_to_the_last_letter_and_out_again_with_one_click(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time_of_day()
    monkeypatch.setattr("tests.command_line.NOW", now.isoformat())
    assert run("init", str(tmp_path / "project"), "--demo").exit_code == 0
    project = tmp_path / "project"
    set_line(project, "[issue]\n", "[issue]\nmin = 1\n")
    far = f"{now + timedelta(days=3):%A}".lower()  # no slot comes while this goes on, so the ticker keeps quiet
    set_line(project, 'day = "thursday"', f'day = "{far}"')
    rule = Schedule(DAYS.index(far) + 1, time.fromisoformat("16:00"), ZoneInfo("Europe/Lisbon"))
    this_week, next_week = (current(rule, now=now + timedelta(weeks=weeks)).key for weeks in (0, 1))

    def send(key: str) -> None:
        monkeypatch.setattr("tests.command_line.NOW", time_of_day().isoformat())
        sending = start("send", "--slot", key, "--yes", project=project, environment=catcher.settings)
        code, _, stderr = finished(sending)
        assert code == 0, stderr

    with catching(tmp_path / "mail") as catcher, serving(project, catcher) as client:
        page = client.get("/").text
        for _ in range(50):  # a form sent back at once is a robot's: a person presses the button again
            page = client.post_form(
                "/subscribe", f"email={SUBSCRIBER}&name=Some+Body&website=&form_token={form_token(page)}"
            ).text
            if 'name="form_token"' not in page:
                break
        (confirmation,) = catcher.wait_for(1)
        assert confirmation["To"] == SUBSCRIBER
        confirm = link(confirmation, "/confirm/")
        for method in ("GET", "HEAD", "GET"):
            assert client.ask(method, confirm).status == 200
        assert status_of(project) == "pending"
        for _ in range(2):
            assert client.post_form(confirm, "").status == 200
        assert status_of(project) == "active"

        send(this_week)
        first = {mail["To"].addresses[0].addr_spec: mail for mail in catcher.wait_for(ACTIVE + 1)}
        letter = first[SUBSCRIBER]
        assert "Some" in part(letter, "plain")
        shown = client.get(link(letter, f"/issues/{this_week}"))
        assert shown.status == 200
        assert part(letter, "plain").splitlines()[0] in shown.text
        assert SUBSCRIBER not in shown.text

        leave = urlsplit(letter["List-Unsubscribe"].strip("<>")).path
        assert leave == link(letter, "/unsubscribe/")
        assert client.get(leave).status == 200
        assert status_of(project) == "active"
        for _ in range(2):
            answer = client.post_form(leave, "List-Unsubscribe=One-Click")
            assert answer.status == 200
            assert not {"location", "set-cookie"} & set(answer.headers)
        assert status_of(project) == "unsubscribed"

        send(next_week)
        second = [mail["To"].addresses[0].addr_spec for mail in catcher.wait_for(ACTIVE)]
        assert set(second) == set(first) - {SUBSCRIBER}
    assert catcher.arrived.empty()


def add_subscribers(project: Path, number: int) -> list[str]:
    addresses = [f"reader{index:04d}@crowd.example" for index in range(number)]
    (project / "crowd.csv").write_text("email\n" + "\n".join(addresses) + "\n")
    assert run("subscribers", "import", str(project / "crowd.csv"), "--confirmed", project=project).exit_code == 0
    return addresses


def upset(project: Path) -> None:
    """Change everything a letter is made with: templates, looks, subject, shelf, the logo and the whole site."""
    (project / "templates" / "weekly").mkdir(parents=True)
    (project / "templates" / "weekly" / "body.html.j2").write_text("<p>{{ broken")
    (project / "templates" / "weekly" / "body.txt.j2").write_text("something else")
    set_line(project, 'subject = "{{ lead.title }}"', 'subject = "Something else"')
    set_line(project, 'accent = "#5b2a86"', 'accent = "#ff0000"')
    set_line(project, 'brand = "Tramlight"', 'brand = "Somebody else"')
    set_line(project, 'name = "Tramlight"', 'name = "Somebody else"')
    set_line(project, 'from = "Tramlight <weekly@tramlight.example>"', 'from = "other@other.example"')
    set_line(project, 'list_id = "weekly.tramlight.example"', 'list_id = "other.other.example"')
    set_line(project, "http://127.0.0.1:8080", "https://other.example")
    set_line(project, "9 Lampwick Street", "1 Other Street")
    shutil.rmtree(project / "site")
    with contextlib.closing(sqlite3.connect(project / "newsletter.db")) as connection, connection:
        connection.execute("UPDATE articles SET content = '{}', carried_by = ''")


def of_nobody(data: bytes) -> bytes:
    """A message without what makes it one recipient's: address, tokens, id and date."""
    mail = parsed(data)
    (recipient,) = mail["To"].addresses
    token = mail["List-Unsubscribe"].strip("<>").rpartition("/")[2]
    data = data.replace(token.encode(), b"TOKEN").replace(recipient.addr_spec.encode(), b"ADDRESS")
    return re.sub(rb"(?m)^(Message-ID|Date): .*\r$", rb"\1", data)


def test_killed_twice_and_everything_changed_in_mid_send_all_get_the_letter_that_was_frozen(tmp_path: Path) -> None:
    project = demo(tmp_path)
    crowd = add_subscribers(project, 400)
    with catching(tmp_path / "mail") as catcher:
        environment = {**catcher.settings, "NEWSLETTER_BACKEND__CONNECTIONS": "3"}
        for number in (120, 130):
            process = start("send", "--yes", project=project, environment=environment)
            catcher.wait_for(number)
            process.kill()
            assert finished(process)[0] == -signal.SIGKILL
            if (project / "site").exists():
                upset(project)
        code, stdout, stderr = finished(start("send", project=project, environment=environment))
        assert code == 0, stderr
        assert "a worker had died before" in stdout
        kept = catcher.kept()
    audited = run("audit", "--json", project=project)
    assert audited.exit_code == 0, audited.stdout
    (one,) = json.loads(audited.stdout)
    assert one["frozen"] == sum(one["states"].values()) == one["states"]["accepted"] == ACTIVE + 400

    letters = [data for data in kept if str(parsed(data)["Feedback-ID"]).startswith(WEEK)]
    copies = Counter(parsed(data)["To"].addresses[0].addr_spec for data in letters)
    named = {doubt["address"] for doubt in one["ever_in_doubt"]}
    assert len(copies) == ACTIVE + 400
    assert set(crowd) <= set(copies)
    assert {address for address, number in copies.items() if number > 1} <= named
    assert len(one["ever_in_doubt"]) <= 2 * 3
    assert len({parsed(data)["Message-ID"] for data in letters}) == len(copies)
    assert len({of_nobody(data) for data in letters if b"\r\nTo: reader" in data}) == 1


def test_a_second_send_says_one_line_and_a_stopped_one_that_nothing_is_lost(tmp_path: Path) -> None:
    project = demo(tmp_path, "pulled")
    with catching(tmp_path / "mail") as catcher:
        slow = {**catcher.settings, "NEWSLETTER_PACE__RATE": "0.02"}  # the second mail only after a minute
        first = start("send", "--yes", project=project, environment=slow)
        catcher.wait_for(1)
        code, stdout, stderr = finished(start("send", "--yes", project=project, environment=slow))
        assert (code, stdout) == (2, "")
        assert len(stderr.splitlines()) == 1
        assert "another `newsletter send` is at work here" in stderr
        first.send_signal(signal.SIGTERM)
        code, _, stderr = finished(first)
        assert code == 128 + signal.SIGTERM
        assert stderr.splitlines()[-1] == (
            "stopped; nothing is lost: run `newsletter send` again, and it goes on where it was"
        )
        assert len(catcher.kept()) < ACTIVE
    (one,) = json.loads(run("audit", "--json", project=project).stdout)
    assert one["frozen"] == ACTIVE == one["states"]["accepted"] + one["states"]["waiting"]
    assert one["states"]["accepted"] == len(catcher.kept())


def test_two_tickers_and_a_restarted_one_send_a_due_slot_once_and_raise_no_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time_of_day()
    came = now - timedelta(minutes=5)
    monkeypatch.setattr("tests.command_line.NOW", (now - timedelta(hours=1)).isoformat())
    project = tmp_path / "project"
    assert run("init", str(project), "--demo").exit_code == 0  # it began an hour ago
    set_line(project, 'timezone = "Europe/Lisbon"', 'timezone = "UTC"')
    set_line(project, 'day = "thursday"', f'day = "{came:%A}"'.lower())
    set_line(project, 'time = "16:00"', f'time = "{came:%H:%M}"')
    gone = "ada@harbourlight.example"
    with catching(tmp_path / "mail", refused=gone) as catcher:
        with serving(project, catcher) as one, serving(project, catcher) as other:
            reached = [mail["To"].addresses[0].addr_spec for mail in catcher.wait_for(ACTIVE - 1)]
            while json.loads(run("issues", "list", "--json", project=project).stdout)[0]["state"] == "sending":
                assert {one.get("/healthz").status, other.get("/healthz").status} == {200}
        with serving(project, catcher) as again:
            assert again.get("/healthz").status == 200
        assert len(set(reached)) == ACTIVE - 1
        assert len(catcher.kept()) == ACTIVE - 1
    issue, *coming = json.loads(run("issues", "list", "--json", project=project).stdout)
    assert {one["state"] for one in coming} == {"planned"}
    assert issue["state"] == "closed"
    shown = json.loads(run("issues", "show", issue["slot"], "--json", project=project).stdout)
    assert shown["states"] == {"accepted": ACTIVE - 1, "refused": 1}
    assert shown["alerts"] == []
    assert "tried again every" not in "\n".join([*one.log, *other.log, *again.log])


def test_two_tickers_at_the_same_moment_send_a_due_slot_once_and_raise_no_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time_of_day()
    came = now - timedelta(minutes=5)
    monkeypatch.setattr("tests.command_line.NOW", (now - timedelta(hours=1)).isoformat())
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    folder = tmp_path / "project"
    assert run("init", str(folder), "--demo").exit_code == 0
    set_line(folder, 'timezone = "Europe/Lisbon"', 'timezone = "UTC"')
    set_line(folder, 'day = "thursday"', f'day = "{came:%A}"'.lower())
    set_line(folder, 'time = "16:00"', f'time = "{came:%H:%M}"')
    barrier = threading.Barrier(2)

    def tick(project: Project) -> None:
        ticker = Ticker(project)
        barrier.wait()
        ticker.tick()

    with catching(tmp_path / "mail") as catcher:
        for name, value in catcher.settings.items():
            monkeypatch.setenv(name, value)
        projects = [Project(folder), Project(folder)]
        threads = [threading.Thread(target=tick, args=(project,)) for project in projects]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(catcher.kept()) == ACTIVE
    (row,) = projects[0].issues.newest()
    assert row.state == "closed"
    assert projects[0].issues.alerts(row.slot_key) == []
    for project in projects:
        project.close()
