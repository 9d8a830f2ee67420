"""Single mails — confirmations, alerts — written in the transaction that causes them and sent by the same code as an
issue's, ahead of it.

A row holds the Letter with its blanks, and what the token of each link is made of, never a token: who steals the
database can confirm, leave and release nothing. The tokens are derived with the key file when the mail leaves, so a key
that is added while it waits signs it. All of it is dropped once the mail has left.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from newsletter.backends import Message
from newsletter.database import Database
from newsletter.letter import Letter, dumps, loads
from newsletter.sending import addressing
from newsletter.sending.ledger import Ledger
from newsletter.sending.states import OPEN, DeliveryState
from newsletter.sending.steps import step
from newsletter.sending.tables import attempts, outbox
from subscribers import Link

Derive = Callable[[Link], str]
"""Returns the token of a link; it has the key file. Raises `ValueError` for a link that nothing can be made of."""

# A confirmation that could not be handed over for this long is no use to anybody.
KEEP_TRYING = timedelta(hours=48)
KEEP_ENDED = timedelta(days=30)


def post(
    connection: sa.Connection, letter: Letter, *, address: str, links: Mapping[str, Link], kind: str, now: datetime
) -> None:
    """Put a letter to one recipient into the outbox, inside the caller's transaction. `kind` is at most 20 characters.

    `links` has, for every blank that is a token, what it will be made of. A recipient is never greeted by name: anybody
    may have entered it, with anything in it. Raises `ValueError` for a blank without a link and for an address that
    cannot be mailed.
    """
    head = {
        "id": secrets.token_hex(16),
        "links": {blank: [link.purpose.decode(), link.payload.hex()] for blank, link in links.items()},
    }
    # What would be refused when the mail leaves is refused here, where somebody is told.
    addressing.single(letter, address=address, name="", tokens=dict.fromkeys(links, "x"), unique="x", at=now)
    connection.execute(
        outbox.insert().values(
            kind=kind,
            sender=letter.sender,
            email=address,
            domain=address.rpartition("@")[2].lower(),
            data=json.dumps(head).encode() + b"\n" + dumps(letter),
            state=DeliveryState.WAITING,
            next_try_at=now,
            created_at=now,
            updated_at=now,
            expires_at=now + KEEP_TRYING,
        )
    )


def message(row: Mapping[str, Any], *, derive: Derive) -> Message:
    """The Message of a row: the same bytes however often it is handed over, but for a key that was added meanwhile."""
    data: bytes = row["data"]
    if not data.startswith(b"{"):  # finished bytes, put in by a version that stored those
        return Message(row["sender"], row["email"], data)
    first_line, _, letter = data.partition(b"\n")
    head = json.loads(first_line)
    links = head["links"].items()
    return addressing.single(
        loads(letter),
        address=row["email"],
        name="",
        tokens={blank: derive(Link(purpose.encode(), bytes.fromhex(payload))) for blank, (purpose, payload) in links},
        unique=head["id"],
        at=row["created_at"],
    )


def waiting(database: Database, *, kind: str) -> int:
    """How many single mails of a kind have not left yet."""
    query = sa.select(sa.func.count()).where(outbox.c.kind == kind, outbox.c.state.in_(OPEN))
    with database.read() as connection:
        return int(connection.execute(query).scalar_one())


def tidy(database: Database, *, now: datetime) -> None:
    """Expire what waited too long, and take out what ended long ago: it holds an address for no purpose."""
    with database.write() as connection:
        old = sa.select(outbox.c.id).where(outbox.c.state.not_in(OPEN), outbox.c.updated_at <= now - KEEP_ENDED)
        connection.execute(attempts.delete().where(attempts.c.ledger == outbox.name, attempts.c.row_id.in_(old)))
        connection.execute(outbox.delete().where(outbox.c.id.in_(old)))
        late = outbox.c.expires_at <= now
        connection.execute(step(outbox, DeliveryState.EXPIRED, at=now).where(late))
        # Until now it could have turned out that the server had refused everybody, and it would have waited again.
        refused = outbox.c.state == DeliveryState.REFUSED
        connection.execute(outbox.update().where(refused, late, outbox.c.data.is_not(None)).values(data=None))


def ledger(database: Database) -> Ledger:
    return Ledger(database, outbox)
