"""The tables of what is sent: a row per recipient per issue, a row per single mail, every attempt, and who sends."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from newsletter.database import RowId, UtcDateTime, metadata, one_of
from newsletter.sending.states import HELD, DeliveryState

_HELD: dict[str, Any] = {
    "sqlite_where": sa.text("worker_id IS NOT NULL"),
    "postgresql_where": sa.text("worker_id IS NOT NULL"),
}

_DUE = sa.text("state = 'waiting'")
_DOUBT = sa.text("outcome = 'in doubt'")


def _ledger() -> list[sa.schema.SchemaItem]:
    """What deliveries and outbox rows have in common: everything the protocol reads or writes."""
    return [
        sa.Column("id", RowId, primary_key=True, autoincrement=True),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False, server_default=""),
        sa.Column("worker_id", RowId),
        # Counts the claims of this row; whatever is written about a claim names its number.
        sa.Column("claim", sa.Integer, nullable=False, server_default="0"),
        sa.Column("domain", sa.String(255), nullable=False, server_default=""),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_try_at", UtcDateTime, nullable=False),
        sa.Column("doubt_at", UtcDateTime),
        sa.Column("code", sa.Integer),
        sa.Column("text", sa.String(500), nullable=False, server_default=""),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        one_of("state", DeliveryState),
        # A worker holds what it has claimed until it knows what became of it, and nothing else.
        sa.CheckConstraint(f"(worker_id IS NOT NULL) = ({one_of('state', HELD).sqltext})", name="held"),
    ]


deliveries = sa.Table(
    "deliveries",
    metadata,
    *_ledger(),
    sa.Column("issue_id", RowId, sa.ForeignKey("issues.id"), nullable=False),
    sa.Column("subscriber_id", RowId, nullable=False),
    sa.Column("public_id", sa.String(40), nullable=False),
    sa.Column("name", sa.String(200), nullable=False, server_default=""),
    sa.Column("variant", sa.String(40), nullable=False, server_default=""),
    sa.UniqueConstraint("issue_id", "subscriber_id"),
    sa.Index("ix_deliveries_due", "issue_id", "state", "next_try_at", "id"),
    sa.Index(
        "ix_deliveries_domain", "issue_id", "domain", "next_try_at", "id", sqlite_where=_DUE, postgresql_where=_DUE
    ),
    # Only what somebody holds: a handful of rows, whatever the size of the audience.
    sa.Index("ix_deliveries_worker", "worker_id", "state", **_HELD),
)

outbox = sa.Table(
    "outbox",
    metadata,
    *_ledger(),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("sender", sa.String(320), nullable=False),
    sa.Column("data", sa.LargeBinary),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Index("ix_outbox_due", "state", "next_try_at", "id"),
    sa.Index("ix_outbox_worker", "worker_id", "state", **_HELD),
)

LEDGERS = (deliveries, outbox)

# Append-only: what became of every claim that was begun, each outcome once. Nothing here is ever changed, but that a
# text which names a forgotten address is emptied.
attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("ledger", sa.String(20), nullable=False),
    sa.Column("row_id", RowId, nullable=False),
    sa.Column("subscriber_id", RowId),
    sa.Column("claim", sa.Integer, nullable=False, server_default="0"),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("code", sa.Integer),
    sa.Column("text", sa.String(500), nullable=False, server_default=""),
    sa.Index("ix_attempts_claim", "ledger", "row_id", "claim", "outcome", unique=True),
    sa.Index("ix_attempts_doubt", "ledger", "row_id", sqlite_where=_DOUBT, postgresql_where=_DOUBT),
    one_of("ledger", (table.name for table in LEDGERS)),
    one_of("outcome", DeliveryState),
)

# A worker is alive while its lock is held and its heart beats (`workers`); only one that has not ended may claim and
# intend. `seen_at` is by the database's clock.
workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("token", sa.String(32), nullable=False, unique=True),
    sa.Column("host", sa.String(100), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Index("ix_workers_ended_at", "ended_at"),
)

# Stands in a row for an address that was forgotten.
FORGOTTEN = "(forgotten)"
