"""The queries of the Book: rows of `subscribers` ↔ `Subscriber`, the recipients of the next issue, pages, counts.

`audience` and `may_receive` are joined with other packages' tables: the first is frozen into an issue by one
INSERT … SELECT, the second is a condition evaluated again at claim and at intent. Both mean: active and not suppressed.
"""

from __future__ import annotations

import secrets
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from subscribers.subscriber import Counts, Entry, Status, Subscriber, Suppression
from subscribers.tables import Act, insert_new, subscribers, suppressions

SUBSCRIBER = tuple(subscribers.c[field.name] for field in fields(Subscriber))


def one(connection: sa.Connection, who: sa.ColumnElement[bool], *, lock: bool = False) -> Subscriber | None:
    """The subscriber that matches `who`; `lock` locks the row until the transaction ends."""
    statement = sa.select(*SUBSCRIBER).where(who)
    row = connection.execute(statement.with_for_update() if lock else statement).mappings().one_or_none()
    return _subscriber(row) if row else None


def insert_pending(act: Act, entry: Entry) -> Subscriber:
    """Insert a pending subscriber; when another transaction was faster, return the one that is there."""
    act.connection.execute(insert_new(act.connection, subscribers).values(new_row(act, entry)))
    subscriber = one(act.connection, subscribers.c.email_key == entry.key, lock=True)
    assert subscriber is not None
    return subscriber


def new_row(act: Act, entry: Entry, *, status: Status = Status.PENDING) -> dict[str, object]:
    """The row of a new subscriber."""
    return {
        "public_id": secrets.token_hex(16),
        "email": entry.email,
        "email_key": entry.key,
        "address_hash": entry.address_hash,
        "name": entry.name,
        "language": entry.language,
        "status": status,
        "origin": act.provenance.via,
        "created_at": act.now,
        "confirmed_at": act.now if status is Status.ACTIVE else None,
    }


def change(connection: sa.Connection, subscriber: Subscriber, **values: Any) -> Subscriber:
    """Set some columns of one row and read it again."""
    mine = subscribers.c.id == subscriber.id
    connection.execute(sa.update(subscribers).where(mine).values(values))
    changed = one(connection, mine)
    assert changed is not None
    return changed


def audience(at: datetime) -> sa.Select[Any]:
    """The recipients of an issue frozen at `at`: subscriber_id, public_id, email, name, language, variant."""
    subscriber = subscribers.alias("subscriber")
    c = subscriber.c
    columns = (c.id.label("subscriber_id"), c.public_id, c.email, c.name, c.language, c.variant)
    return sa.select(*columns).where(c.status == Status.ACTIVE, c.confirmed_at <= at, ~_suppressed(subscriber))


def may_receive(subscriber_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Whether the subscriber of that id may still be mailed, for a WHERE or CASE about any other table."""
    subscriber = subscribers.alias("allowed")
    allowed = (subscriber.c.id == subscriber_id, subscriber.c.status == Status.ACTIVE, ~_suppressed(subscriber))
    return sa.exists().where(*allowed).correlate_except(subscriber)


def hold_consent(subscriber_id: sa.ColumnElement[int]) -> sa.Select[int]:
    """A statement that lets the consent of that subscriber stay as it is until the transaction ends.

    Whoever leaves, or is suppressed, changes their row (`lock=True`), and waits for it.
    """
    mine = subscribers.c.id == subscriber_id
    return sa.select(subscribers.c.id).where(mine).with_for_update(read=True)


def _suppressed(subscriber: sa.FromClause) -> sa.ColumnElement[bool]:
    suppression = suppressions.alias("suppression")
    mine = suppression.c.address_hash == subscriber.c.address_hash
    return sa.exists().where(mine).correlate_except(suppression)


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
    return [(_subscriber(row), row["suppressed"]) for row in connection.execute(statement).mappings()]


def counts(connection: sa.Connection) -> Counts:
    """How many subscribers of each status, and how many suppressed addresses."""
    by_status = sa.select(subscribers.c.status, sa.func.count().label("number")).group_by(subscribers.c.status)
    found = {row.status: row.number for row in connection.execute(by_status)}
    suppressed = connection.execute(sa.select(sa.func.count()).select_from(suppressions)).scalar_one()
    return Counts(**found, suppressed=suppressed)


def _subscriber(row: sa.RowMapping) -> Subscriber:
    values = {column.name: row[column] for column in SUBSCRIBER}
    return Subscriber(**{**values, "status": Status(values["status"])})
