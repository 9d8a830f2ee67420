"""Single mails — confirmations, alerts — written in the transaction that causes them and sent by the same code as an
issue's, ahead of it. A mail's bytes are dropped once it has left: they hold a recipient's token.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from newsletter.backends import Message
from newsletter.database import Database
from newsletter.sending.ledger import Ledger
from newsletter.sending.states import OPEN, DeliveryState
from newsletter.sending.steps import step
from newsletter.sending.tables import attempts, outbox

# A confirmation that could not be handed over for this long is no use to anybody.
KEEP_TRYING = timedelta(hours=48)
KEEP_ENDED = timedelta(days=30)


def post(connection: sa.Connection, message: Message, *, kind: str, now: datetime) -> None:
    """Put a message into the outbox, inside the caller's transaction. `kind` is at most 20 characters."""
    connection.execute(
        outbox.insert().values(
            kind=kind,
            sender=message.sender,
            email=message.recipient,
            data=message.data,
            state=DeliveryState.WAITING,
            next_try_at=now,
            created_at=now,
            updated_at=now,
            expires_at=now + KEEP_TRYING,
        )
    )


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
