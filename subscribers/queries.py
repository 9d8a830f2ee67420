"""The queries of the Book: rows of `subscribers` ↔ `Subscriber`, the recipients of the next issue, pages, counts.

`audience` and `may_receive` are joined with other packages' tables: the first is frozen into an issue by one
INSERT … SELECT, the second is a condition evaluated again at claim and at intent. Both mean: active and not suppressed.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from subscribers.address import Address
from subscribers.subscriber import Counts, Status, Subscriber, Suppression
from subscribers.tables import insert_new, subscribers, suppressions

_FIELDS = (
    "id",
    "public_id",
    "email",
    "address_hash",
    "name",
    "language",
    "status",
    "variant",
    "sections",
    "origin",
    "created_at",
    "confirmed_at",
    "unsubscribed_at",
)
SUBSCRIBER = tuple(subscribers.c[field] for field in _FIELDS)


def one(connection: sa.Connection, who: sa.ColumnElement[bool], *, lock: bool = False) -> Subscriber | None:
    """The subscriber that matches `who`; `lock` locks the row until the transaction ends."""
    statement = sa.select(*SUBSCRIBER).where(who)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    return to_subscriber(row) if row else None


def insert_pending(
    connection: sa.Connection,
    address: Address,
    *,
    address_hash: str,
    origin: str,
    now: datetime,
    name: str = "",
    language: str = "",
) -> Subscriber:
    """Insert a pending subscriber; when another transaction was faster, return the one that is there."""
    row = {
        "public_id": new_public_id(),
        "email": address.email,
        "email_key": address.key,
        "address_hash": address_hash,
        "name": name,
        "language": language,
        "status": Status.PENDING,
        "origin": origin,
        "created_at": now,
    }
    connection.execute(insert_new(connection, subscribers).values(row))
    subscriber = one(connection, subscribers.c.email_key == address.key, lock=True)
    assert subscriber is not None
    return subscriber


def change(connection: sa.Connection, subscriber: Subscriber, **values: Any) -> Subscriber:
    """Set some columns of one row and read it again."""
    mine = subscribers.c.id == subscriber.id
    connection.execute(sa.update(subscribers).where(mine).values(values))
    changed = one(connection, mine)
    assert changed is not None
    return changed


def new_public_id() -> str:
    """128 random bits in hex: the public identifier of a subscriber."""
    return secrets.token_hex(16)


def to_subscriber(row: sa.Row[*tuple[Any, ...]]) -> Subscriber:
    """A row that begins with the columns of `SUBSCRIBER` → a `Subscriber`."""
    values = dict(zip(_FIELDS, row, strict=False))
    return Subscriber(**{**values, "status": Status(values["status"])})


def audience(at: datetime) -> sa.Select[Any]:
    """The recipients of an issue frozen at `at`: subscriber_id, public_id, email, name, language, variant."""
    subscriber = subscribers.alias("subscriber")
    return sa.select(
        subscriber.c.id.label("subscriber_id"),
        subscriber.c.public_id,
        subscriber.c.email,
        subscriber.c.name,
        subscriber.c.language,
        subscriber.c.variant,
    ).where(subscriber.c.status == Status.ACTIVE, subscriber.c.confirmed_at <= at, ~_suppressed(subscriber))


def may_receive(subscriber_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Whether the subscriber of that id may still be mailed, for a WHERE or CASE about any other table."""
    subscriber = subscribers.alias("allowed")
    return (
        sa.select(sa.literal(1))
        .select_from(subscriber)
        .where(subscriber.c.id == subscriber_id, subscriber.c.status == Status.ACTIVE, ~_suppressed(subscriber))
        .correlate_except(subscriber)
        .exists()
    )


def _suppressed(subscriber: sa.FromClause) -> sa.ColumnElement[bool]:
    suppression = suppressions.alias("suppression")
    return (
        sa.select(sa.literal(1))
        .select_from(suppression)
        .where(suppression.c.address_hash == subscriber.c.address_hash)
        .correlate_except(suppression)
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
    by_status = sa.select(subscribers.c.status, sa.func.count().label("number")).group_by(subscribers.c.status)
    found = {row.status: row.number for row in connection.execute(by_status)}
    suppressed = connection.execute(sa.select(sa.func.count()).select_from(suppressions)).scalar_one()
    return Counts(**{status.value: found.get(status.value, 0) for status in Status}, suppressed=suppressed)
