"""The catcher of `make demo`: mail sent to it lies in a Maildir, and it ends when told."""

from __future__ import annotations

import mailbox
import signal
import subprocess
import sys
from pathlib import Path

from newsletter.backends import load
from newsletter.backends.contract import example
from tests import catcher
from tests.smtp_servers import HOST
from tests.times import PATIENCE


def send(port: int, *, messages: int) -> None:
    connection = load("smtp", {"host": HOST, "port": port, "security": "none", "timeout": PATIENCE}, root=Path()).open()
    for number in range(messages):
        connection.offer(example(number))
        connection.hand_over()
    connection.close()


def test_what_is_sent_lies_in_the_maildir_with_the_trace_of_a_mail_server(tmp_path: Path) -> None:
    with catcher.running(tmp_path / "inbox") as port:
        send(port, messages=5)
    mails = sorted(mailbox.Maildir(tmp_path / "inbox", create=False), key=lambda mail: str(mail["Subject"]))
    assert [mail["Subject"] for mail in mails] == [f"Issue {number}" for number in range(5)]
    assert mails[3]["Return-Path"] == "<weekly@example.org>"
    assert mails[3]["Delivered-To"] == "reader3@example.com"
    (stored,) = (path.read_bytes() for path in (tmp_path / "inbox/new").iterdir() if b"Issue 3" in path.read_bytes())
    assert stored.endswith(example(3).data)


def test_as_a_program_it_says_its_port_and_ends_on_sigterm(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "tests.catcher", str(tmp_path / "inbox"), "--ready", str(ready)]
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as program:
        assert program.stdout is not None
        port = int(program.stdout.readline())
        assert int(ready.read_text()) == port
        send(port, messages=1)
        program.send_signal(signal.SIGTERM)
        assert program.wait(PATIENCE) == 0
    assert len(list((tmp_path / "inbox/new").iterdir())) == 1
