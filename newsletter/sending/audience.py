"""The recipients of an issue: frozen into the ledger in one statement, and taken out of it by name when forgotten.

Nothing here holds the audience in memory.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from newsletter.database import RowId, UtcDateTime
from newsletter.issues import issues, letters
from newsletter.sending.states import DeliveryState
from newsletter.sending.steps import step
from newsletter.sending.tables import FORGOTTEN, attempts, deliveries, outbox


def freeze_audience(connection: sa.Connection, *, issue_id: int, audience: sa.Select[Any], now: datetime) -> int:
    """Write one row per recipient of `audience` (`subscribers.Book.audience`) in one statement; returns how many.

    The issue's Letters are stored before: each recipient gets the one of their variant.
    """
    recipients = audience.subquery()
    its_letters = sa.select(letters.c.variant).where(letters.c.issue_id == issue_id)
    row = {
        "issue_id": sa.literal(issue_id, RowId),
        **{name: recipients.c[name] for name in ("subscriber_id", "public_id", "email", "name")},
        # A subscriber of a variant that this issue has no letter of gets the default one.
        "variant": sa.case((recipients.c.variant.in_(its_letters), recipients.c.variant), else_=""),
        "domain": domain_of(recipients.c.email),
        "state": sa.literal(DeliveryState.WAITING.value),
        "next_try_at": sa.literal(now, UtcDateTime),
        "updated_at": sa.literal(now, UtcDateTime),
    }
    connection.execute(deliveries.insert().from_select(list(row), sa.select(*row.values())))
    return connection.scalar(sa.select(sa.func.count()).where(deliveries.c.issue_id == issue_id)) or 0


def domain_of(email: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """What stands after the last @ of an address, in small letters, as both databases understand it."""
    upto = sa.func.length(sa.func.rtrim(email, sa.func.replace(email, "@", "")))
    return sa.func.lower(sa.func.substr(email, upto + 1))


def count_audience(connection: sa.Connection, audience: sa.Select[Any]) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(audience.subquery())) or 0


def forget_recipient(connection: sa.Connection, address: str, *, subscriber_id: int | None, now: datetime) -> int:
    """Take a recipient's address out of every row that names it; the rows stay, so that the sums do. Returns how many.

    `subscriber_id` is their id in the Book, from before it forgot them: with it their deliveries are found by index;
    without it every row is looked at. A recipient who is still waiting is then skipped at the claim.
    """
    by_address = sa.func.lower(deliveries.c.email) == address.lower()
    by_index = sa.and_(deliveries.c.issue_id.in_(sa.select(issues.c.id)), deliveries.c.subscriber_id == subscriber_id)
    who = by_address if subscriber_id is None else by_index
    named = _forget(connection, deliveries, who, {"name": "", "public_id": ""}, now=now)
    # Single mails that have ended are kept for a month; the others are few. One on the wire keeps its state: what the
    # server says of it is still written down.
    who = sa.func.lower(outbox.c.email) == address.lower()
    connection.execute(step(outbox, DeliveryState.CANCELLED, at=now).where(who))
    return named + _forget(connection, outbox, who, {"data": None}, now=now)


def _forget(
    connection: sa.Connection, table: sa.Table, who: sa.ColumnElement[bool], values: dict[str, Any], *, now: datetime
) -> int:
    rows = sa.select(table.c.id).where(who)
    connection.execute(
        attempts.update().where(attempts.c.ledger == table.name, attempts.c.row_id.in_(rows)).values(text="")
    )
    values = {"email": FORGOTTEN, "domain": "", "text": "", "updated_at": now, **values}
    return connection.execute(table.update().where(who).values(**values)).rowcount
