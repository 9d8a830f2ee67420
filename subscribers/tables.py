"""The tables of consent, and the little that differs between SQLite and PostgreSQL.

`consents` is append-only: rows are added, and only `forget` and the purge of sign-ups that were never confirmed erase
their personal fields. Its `subscriber_id` is no foreign key, because the record outlives that row. Ids are never used
twice, so an old id never names another subscriber.

What it does not know: where the database is. It is given a `Store`.
"""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from subscribers.subscriber import Provenance, Status, Subscriber


class Store(Protocol):
    """The database as this package sees it."""

    def read(self) -> AbstractContextManager[sa.Connection]: ...

    def write(self) -> AbstractContextManager[sa.Connection]:
        """One transaction (BEGIN IMMEDIATE on SQLite, READ COMMITTED on PostgreSQL): commits, or undoes all."""


@dataclass(frozen=True, slots=True)
class Act:
    """An act of a subscriber, or of the operator for them: its transaction, time and circumstances.

    `changes` collects what a listener is told after the commit: what happened, and to whom.
    """

    connection: sa.Connection
    now: datetime
    provenance: Provenance
    changes: list[tuple[str, Subscriber]] = field(default_factory=list)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Aware times in and out, UTC inside. SQLite keeps them as text that sorts. The one time type of both packages.

    Raises `ValueError` for a time without a zone.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone; give an aware time.")
        inside = value.astimezone(UTC)
        return inside.replace(tzinfo=None) if dialect.name == "sqlite" else inside

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    }
)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, default="", server_default="")


subscribers = sa.Table(
    "subscribers",
    metadata,
    _id(),
    sa.Column("public_id", sa.String(32), nullable=False, unique=True),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("email_key", sa.String(254), nullable=False, unique=True),
    sa.Column("address_hash", sa.String(64), nullable=False),
    _text("name"),
    _text("language"),
    sa.Column("status", sa.String(12), nullable=False),
    _text("variant"),
    _text("sections"),
    _text("origin"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("confirmed_at", UtcDateTime),
    sa.Column("unsubscribed_at", UtcDateTime),
    sa.CheckConstraint(f"status IN ({', '.join(repr(status.value) for status in Status)})", name="status"),
    sa.CheckConstraint("status <> 'active' OR confirmed_at IS NOT NULL", name="active_is_confirmed"),
    sa.Index(None, "status", "id"),  # pages and counts of one status
    sa.Index(None, "address_hash"),
    sqlite_autoincrement=True,
)

suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("address_hash", sa.String(64), primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
)

consents = sa.Table(
    "consents",
    metadata,
    _id(),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("what", sa.String(20), nullable=False),
    sa.Column("address_hash", sa.String(64), nullable=False),
    sa.Column("subscriber_id", sa.BigInteger),
    _text("via"),
    _text("form"),
    _text("wording"),
    _text("wording_hash"),
    _text("ip"),
    _text("user_agent"),
    _text("detail"),
    sa.Index(None, "address_hash", "id"),
    sqlite_autoincrement=True,
)

# Mails that a sign-up caused: confirmations (with the hash of their token) and "you are already subscribed". Keyed by
# mailbox too, so that the limits survive the purge of the subscriber.
sign_up_mails = sa.Table(
    "sign_up_mails",
    metadata,
    _id(),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("subscriber_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("mailbox_hash", sa.String(64), nullable=False),
    sa.Column("token_hash", sa.String(64), unique=True),
    _text("name"),
    _text("language"),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime),
    sa.Index(None, "mailbox_hash", "at"),
)

# A sign-up that passed, for the sliding limits; at most `Limits.overall` rows an hour.
guard_passes = sa.Table(
    "guard_passes",
    metadata,
    _id(),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Column("network", sa.String(64), nullable=False),
    sa.Column("domain", sa.String(254), nullable=False),
    sa.Column("nonce", sa.String(64), unique=True),
    sa.Index(None, "network", "at"),
    sa.Index(None, "domain", "at"),
)

# How many sign-ups the guard turned away: one row per hour and reason, so a flood cannot fill the disk.
guard_trips = sa.Table(
    "guard_trips",
    metadata,
    sa.Column("hour", UtcDateTime, primary_key=True),
    sa.Column("reason", sa.String(40), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("last_network", sa.String(64), nullable=False),
)


def insert_into(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT with ON CONFLICT, which both databases spell alike."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def insert_new(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that does nothing when the row is there already, also when another transaction has just inserted it.

    Its `rowcount` says which: without the option, SQLAlchemy reports -1 for an INSERT on PostgreSQL.
    """
    return insert_into(connection, table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def one_at_a_time(connection: sa.Connection, name: str) -> None:
    """Wait until no other transaction holds `name`, then hold it to the end of this one.

    SQLite needs nothing: BEGIN IMMEDIATE lets one writer in.
    """
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(f"subscribers|{name}".encode()).digest()[:8], "big", signed=True)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
