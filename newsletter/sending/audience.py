"""The people of an issue: frozen into the ledger in one statement, and taken out of it by name when forgotten.

Nothing here holds the audience in memory.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from newsletter.database import RowId, UtcDateTime
from newsletter.sending.states import OPEN, State
from newsletter.sending.tables import FORGOTTEN, attempts, deliveries, outbox


def freeze_audience(connection: sa.Connection, *, issue_id: int, audience: sa.Select[Any], now: datetime) -> int:
    """Write one row per person of `audience` (`subscribers.Book.audience`) in one statement; gives how many."""
    people = audience.subquery()
    connection.execute(
        deliveries.insert().from_select(
            [
                "issue_id",
                "subscriber_id",
                "public_id",
                "email",
                "name",
                "variant",
                "state",
                "next_try_at",
                "updated_at",
            ],
            sa.select(
                sa.literal(issue_id, RowId),
                people.c.subscriber_id,
                people.c.public_id,
                people.c.email,
                people.c.name,
                sa.literal(""),
                sa.literal(State.WAITING.value),
                sa.literal(now, UtcDateTime),
                sa.literal(now, UtcDateTime),
            ),
        )
    )
    number: int = connection.execute(
        sa.select(sa.func.count()).select_from(deliveries).where(deliveries.c.issue_id == issue_id)
    ).scalar_one()
    return number


def count_audience(connection: sa.Connection, audience: sa.Select[Any]) -> int:
    number: int = connection.execute(sa.select(sa.func.count()).select_from(audience.subquery())).scalar_one()
    return number


def forget_address(connection: sa.Connection, address: str, *, now: datetime) -> int:
    """Take an address out of every row that names it; the rows stay, so that the sums do. Gives how many it named.

    To be called when the Book has forgotten the person: whoever is still waiting is then skipped at the claim.
    """
    named = 0
    for table in (deliveries, outbox):
        who = sa.func.lower(table.c.email) == address.lower()
        connection.execute(
            attempts.update()
            .where(attempts.c.ledger == table.name, attempts.c.row_id.in_(sa.select(table.c.id).where(who)))
            .values(text="")
        )
        values = {"email": FORGOTTEN, "text": "", "updated_at": now}
        if table is deliveries:
            values |= {"name": "", "public_id": ""}
        else:
            values |= {"data": None, "state": sa.case((table.c.state.in_(OPEN), State.CANCELLED), else_=table.c.state)}
        named += connection.execute(table.update().where(who).values(**values)).rowcount
    return named
