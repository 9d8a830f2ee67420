"""A frozen issue with an audience, for the tests of sending."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from newsletter.backends import Backend
from newsletter.database import Database
from newsletter.issues import FrozenPick, IssueRow, Issues, IssueState
from newsletter.letter import Blank, Letter, encode, token_of
from newsletter.sending import outbox
from newsletter.sending.alerts import Alerts
from newsletter.sending.audience import freeze_audience
from newsletter.sending.sender import Sender
from subscribers import Book, KeyRing, Link
from tests.conftest import IDENTITY, NONCE

KEYS = KeyRing.parse("k1:" + "QUFB" * 11 + "\n")


def sender_of(database: Database, book: Book, clock: Callable[[], datetime], *, rate: float = 0) -> Sender:
    issues = Issues(database)
    alerts = Alerts(database, issues, replace(IDENTITY, list=None), "1 Main Street", ("editor@example.org",), clock)
    return Sender(database, issues, book, alerts, KEYS.token, rate, clock)


def post_mail(connection: sa.Connection, address: str, *, now: datetime) -> None:
    """Put a confirmation into the outbox."""
    page = f"https://news.example.org/confirm/{token_of(NONCE, 0)}"
    confirmation = encode(
        f"<p><a href='{page}'>Confirm</a></p>",
        f"Confirm: {page}\n",
        subject="One step left",
        identity=replace(IDENTITY, list=None),
        nonce=NONCE,
        blanks=(Blank("confirm_token"),),
    )
    links = {"confirm_token": Link(b"confirm", bytes(16))}
    outbox.post(connection, confirmation, address=address, links=links, kind="confirm", now=now)


def freeze(
    database: Database,
    book: Book,
    letter: Letter,
    *,
    now: datetime,
    key: str = "2026-W47",
    on_doubt: str = "resend",
    variants: Mapping[str, Letter] | None = None,
    chosen: Sequence[FrozenPick] = (),
    lasts: timedelta = timedelta(days=3650),
) -> IssueRow:
    """Freeze the whole audience of the Book into an issue carrying `letter`, and those of other `variants`."""
    issues = Issues(database)
    with database.write() as connection:
        row = issues.open(connection, slot_key=key, slot_at=now, now=now)
        issues.step(connection, row, IssueState.APPROVED)
        issues.keep(connection, row, variants={"": letter, **(variants or {})}, chosen=chosen)
        number = freeze_audience(connection, issue_id=row.id, audience=book.audience(now), now=now)
    with database.write() as connection:
        issues.step(
            connection,
            issues.get(key),
            IssueState.SENDING,
            frozen=number,
            frozen_at=now,
            expires_at=now + lasts,
            subject=letter.subject,
            list_id="weekly.example.org",
            on_doubt=on_doubt,
        )
    return issues.get(key)


def add_subscribers(book: Book, number: int) -> list[str]:
    """Make `number` subscribers with consent; returns their addresses."""
    addresses = [f"reader{index:04d}@example.net" for index in range(number)]
    for address in addresses:
        book.add_confirmed(address, name=f"Reader {address[6:10]}")
    return addresses


def open_backend(kind: str, **options: object) -> Backend:
    from pathlib import Path

    from newsletter import backends

    return backends.load(kind, options, root=Path())
