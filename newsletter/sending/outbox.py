"""Single mails — confirmations, alerts — written in the transaction that causes them and sent by the same code as an
issue's, ahead of it. A mail's bytes are dropped once it has left: they hold a person's token.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from newsletter.backends import Message
from newsletter.database import Database
from newsletter.sending.ledger import Ledger, outbox
from newsletter.sending.states import State

# A confirmation that could not be handed over for this long is no use to anybody.
KEEP_TRYING = timedelta(hours=48)


def post(connection: sa.Connection, message: Message, *, kind: str, now: datetime) -> None:
    """Put a message into the outbox, inside the caller's transaction. `kind` is at most 20 characters."""
    connection.execute(
        outbox.insert().values(
            kind=kind,
            sender=message.sender,
            email=message.recipient,
            data=message.data,
            state=State.WAITING,
            next_try_at=now,
            created_at=now,
            updated_at=now,
            expires_at=now + KEEP_TRYING,
        )
    )


def tidy(database: Database, *, now: datetime) -> None:
    """Expire what waited too long."""
    with database.write() as connection:
        connection.execute(
            outbox.update()
            .where(outbox.c.state.in_((State.WAITING, State.DEFERRED)), outbox.c.expires_at <= now)
            .values(state=State.EXPIRED, updated_at=now, data=None)
        )


def ledger(database: Database) -> Ledger:
    return Ledger(database, outbox)
