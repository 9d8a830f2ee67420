"""What is asked of the Book without changing it, as SQL: who gets the next issue, pages, counts.

`audience` and `may_receive` are the two statements other tables are joined with: the first is frozen into an issue by
one INSERT … SELECT, the second is a condition asked again at claim and at intent. Both say: active and not suppressed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from subscribers.people import SUBSCRIBER, to_subscriber
from subscribers.subscriber import Counts, Status, Subscriber, Suppression
from subscribers.tables import subscribers, suppressions


def audience(at: datetime) -> sa.Select[Any]:
    """Everyone an issue frozen at `at` is for: subscriber_id, public_id, email, name, language, variant."""
    person = subscribers.alias("person")
    return sa.select(
        person.c.id.label("subscriber_id"),
        person.c.public_id,
        person.c.email,
        person.c.name,
        person.c.language,
        person.c.variant,
    ).where(person.c.status == Status.ACTIVE, person.c.confirmed_at <= at, ~_suppressed(person))


def may_receive(subscriber_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Whether the subscriber of that id may still be mailed, for a WHERE or CASE about any other table."""
    person = subscribers.alias("allowed")
    return (
        sa.select(sa.literal(1))
        .select_from(person)
        .where(person.c.id == subscriber_id, person.c.status == Status.ACTIVE, ~_suppressed(person))
        .correlate_except(person)
        .exists()
    )


def _suppressed(person: sa.FromClause) -> sa.ColumnElement[bool]:
    never = suppressions.alias("never")
    return (
        sa.select(sa.literal(1))
        .select_from(never)
        .where(never.c.address_hash == person.c.address_hash)
        .correlate_except(never)
        .exists()
    )


def suppression_of(connection: sa.Connection, address_hash: str) -> Suppression | None:
    """Why and since when an address is suppressed."""
    row = connection.execute(
        sa.select(suppressions.c.reason, suppressions.c.since).where(suppressions.c.address_hash == address_hash)
    ).one_or_none()
    return Suppression(*row) if row else None


def page(connection: sa.Connection, *, after: int, limit: int, status: Status | None) -> list[tuple[Subscriber, str]]:
    """The next `limit` subscribers after that id, each with the reason of its suppression, or ""."""
    reason = sa.func.coalesce(suppressions.c.reason, "").label("suppressed")
    statement = (
        sa.select(*SUBSCRIBER, reason)
        .join_from(subscribers, suppressions, suppressions.c.address_hash == subscribers.c.address_hash, isouter=True)
        .where(subscribers.c.id > after)
        .order_by(subscribers.c.id)
        .limit(limit)
    )
    if status is not None:
        statement = statement.where(subscribers.c.status == status)
    return [(to_subscriber(row), row.suppressed) for row in connection.execute(statement)]


def counts(connection: sa.Connection) -> Counts:
    """How many subscribers of each status, and how many suppressed addresses."""
    by_status = sa.select(subscribers.c.status, sa.func.count().label("people")).group_by(subscribers.c.status)
    found = {row.status: row.people for row in connection.execute(by_status)}
    never = connection.execute(sa.select(sa.func.count()).select_from(suppressions)).scalar_one()
    return Counts(**{status.value: found.get(status.value, 0) for status in Status}, suppressed=never)
