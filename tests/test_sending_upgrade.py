"""A database that the version before had brought half-way through a send is migrated and finished."""

from __future__ import annotations

import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

from newsletter.backends.memory import box, throw_away
from newsletter.database import Database
from newsletter.issues import IssueState
from newsletter.sending.audit import audit
from subscribers import Book
from tests.frozen_issue import KEYS, open_backend, sender_of
from tests.times import NOW, Clock

# 40 recipients: 13 accepted (one after a doubt), 1 refused, 1 deferred, 3 on the wire and 22 claimed when the process
# was killed; one of those left afterwards.
HALF_SENT = Path(__file__).with_name("half_sent_0008.sql")


def test_a_send_that_the_version_before_had_begun_is_finished_and_nobody_is_lost_or_doubled(tmp_path: Path) -> None:
    throw_away()
    file = tmp_path / "newsletter.db"
    with sqlite3.connect(file) as connection:
        connection.executescript(HALF_SENT.read_text(encoding="utf-8"))
        accepted = {email for (email,) in connection.execute("SELECT email FROM deliveries WHERE state = 'accepted'")}
        on_the_wire = {
            email for (email,) in connection.execute("SELECT email FROM deliveries WHERE state = 'handing over'")
        }
    connection.close()
    database, clock = Database(f"sqlite:///{file}"), Clock()
    database.migrate(now=NOW)
    (found,) = audit(database)
    assert (found.wrong, len(found.ever_in_doubt)) == ((), 1)
    sender = sender_of(database, Book(database, KEYS, now=clock, post=lambda *_: None), clock)
    clock.forward(timedelta(minutes=6))
    report = sender.send(sender.issues.get("2026-W47"), open_backend("memory"), stop=threading.Event())
    assert report.totals == {"accepted": 38, "refused": 1, "skipped": 1}
    assert report.state == IssueState.CLOSED
    (found,) = audit(database)
    assert not found.wrong
    assert on_the_wire <= {doubt.address for doubt in found.ever_in_doubt}
    mailed = [message.recipient for message in box().messages if message.recipient != "editor@example.org"]
    assert len(mailed) == len(set(mailed)) == 25
    assert not accepted & set(mailed)
    assert on_the_wire <= set(mailed)
    database.dispose()
    throw_away()
