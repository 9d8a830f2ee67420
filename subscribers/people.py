"""Rows of `subscribers` ↔ `Subscriber`: find one, insert one, change one. Decides nothing."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from subscribers.address import Address
from subscribers.subscriber import Status, Subscriber
from subscribers.tables import insert_new, subscribers

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
    """The subscriber `who` holds for; `lock` keeps the row still until the transaction ends."""
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
    """A pending subscriber; when the address appeared in this very moment, the one that is there."""
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
    person = one(connection, subscribers.c.email_key == address.key, lock=True)
    assert person is not None
    return person


def change(connection: sa.Connection, person: Subscriber, **values: Any) -> Subscriber:
    """Set some columns of one row and read it again."""
    mine = subscribers.c.id == person.id
    connection.execute(sa.update(subscribers).where(mine).values(values))
    changed = one(connection, mine)
    assert changed is not None
    return changed


def new_public_id() -> str:
    """128 random bits in hex: the name of a subscriber outside."""
    return secrets.token_hex(16)


def to_subscriber(row: sa.Row[*tuple[Any, ...]]) -> Subscriber:
    """A row that begins with the columns of `SUBSCRIBER` → the noun."""
    values = dict(zip(_FIELDS, row, strict=False))
    return Subscriber(**{**values, "status": Status(values["status"])})
