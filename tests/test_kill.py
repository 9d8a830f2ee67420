"""`kill -9` at every step of the protocol: nobody is skipped, and who got two is named.

The children are real processes and what arrived is counted in a real Maildir, or at a real SMTP server.
"""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections import Counter
from email import message_from_bytes, policy
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from newsletter.database import Database
from newsletter.letter import Letter
from newsletter.sending.audit import audit
from subscribers import Book
from tests import catcher, sending_child
from tests.frozen_issue import add_subscribers, freeze
from tests.sending_child import POINTS
from tests.times import NOW, PATIENCE

KEY = "k1:" + "QUFB" * 11 + "\n"
# Where a message is on the wire: only there may a kill leave a doubt, and so a second copy.
ON_THE_WIRE = {"after intend", "before hand over", "after hand over", "before turn", "after turn"}


# Children come from a clean process that has everything imported: a real process each, a hundredth of a second away.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.sending_child"])


def start(url: str, backend: dict[str, object], *fault: str) -> BaseProcess:
    child = PROCESSES.Process(target=sending_child.main, args=(url, KEY, json.dumps(backend), *fault))
    child.start()
    return child


def end_of(child: BaseProcess) -> int | None:
    child.join(PATIENCE)
    code = child.exitcode
    child.close()
    return code


def finish(url: str, backend: dict[str, object]) -> None:
    assert end_of(start(url, backend)) == 0


def arrived(maildir: Path) -> Counter[str]:
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in (maildir / "new").iterdir()]
    copies = [(mail["to"].addresses[0].addr_spec, mail["message-id"]) for mail in mails]
    copies = [(address, message_id) for address, message_id in copies if address != "editor@example.org"]
    count = Counter(address for address, _ in copies)
    assert len(set(copies)) == len(count), "a second copy has to carry the same id"
    return count


# With so few copies there is one claim that finds somebody, one intent that is not made along with an answer, and one
# close.
ONCE = {"claim", "intend", "close"}
TIMES = [(point, number) for point in POINTS for number in "13" if number == "1" or not ONCE & {*point.split()}]


@pytest.mark.parametrize(("point", "number"), TIMES)
def test_a_kill_anywhere_skips_nobody_and_doubles_only_who_is_named(
    database: Database, database_url: str, book: Book, letter: Letter, tmp_path: Path, point: str, number: str
) -> None:
    addresses = add_subscribers(book, 6)
    freeze(database, book, letter, now=NOW)
    backend: dict[str, object] = {"kind": "maildir", "path": str(tmp_path / "mail")}
    assert end_of(start(database_url, backend, point, number)) == -signal.SIGKILL
    finish(database_url, backend)
    (found,) = audit(database)
    assert not found.wrong
    assert found.counts["accepted"] == 6
    count = arrived(tmp_path / "mail")
    assert set(count) == set(addresses)
    doubled = {address for address, number in count.items() if number > 1}
    named = {doubt.address for doubt in found.ever_in_doubt}
    assert doubled <= named
    # The answer to a message is written down when the next has been offered.
    answered = number == "3" and "offer" in point
    assert len(named) == (1 if point in ON_THE_WIRE or answered else 0)
    assert all(doubt.settled == "accepted" for doubt in found.ever_in_doubt)


def test_killed_again_and_again_over_smtp_with_four_connections_the_audit_adds_up(
    database: Database, database_url: str, book: Book, letter: Letter, tmp_path: Path
) -> None:
    addresses = add_subscribers(book, 240)
    freeze(database, book, letter, now=NOW)
    kills = 5
    with catcher.running(tmp_path / "mail") as port:
        backend: dict[str, object] = {
            "kind": "smtp",
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "connections": 4,
        }
        for number in range(kills):
            child = start(database_url, backend, "after hand over", str(11 + 7 * number))
            assert end_of(child) == -signal.SIGKILL
        finish(database_url, backend)
    (found,) = audit(database)
    assert not found.wrong
    assert found.counts["accepted"] == found.frozen == 240
    count = arrived(tmp_path / "mail")
    assert set(count) == set(addresses)
    named = {doubt.address for doubt in found.ever_in_doubt}
    assert {address for address, number in count.items() if number > 1} <= named
    assert kills <= len(found.ever_in_doubt) <= kills * 4


def test_two_workers_at_once_mail_everybody_once(
    database: Database, database_url: str, book: Book, letter: Letter, tmp_path: Path
) -> None:
    addresses = add_subscribers(book, 150)
    freeze(database, book, letter, now=NOW)
    backend: dict[str, object] = {"kind": "maildir", "path": str(tmp_path / "mail")}
    children = [start(database_url, backend) for _ in range(2)]
    assert [end_of(child) for child in children] == [0, 0]
    finish(database_url, backend)
    (found,) = audit(database)
    assert found.counts["accepted"] == 150
    assert not found.wrong
    assert not found.ever_in_doubt
    assert arrived(tmp_path / "mail") == Counter(dict.fromkeys(addresses, 1))
