"""Claims have numbers, every attempt is on record, a delivery knows its domain, a worker has a heartbeat.

Revision ID: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

# Everything after the last @, written as both databases understand it.
DOMAIN = "lower(substr(email, length(rtrim(email, replace(email, '@', ''))) + 1))"


def upgrade() -> None:
    for table in ("deliveries", "outbox"):
        op.add_column(table, sa.Column("claim", sa.Integer, nullable=False, server_default="0"))
        op.add_column(table, sa.Column("domain", sa.String(255), nullable=False, server_default=""))
        op.execute(f"UPDATE {table} SET domain = {DOMAIN}")  # noqa: S608
    due, columns = sa.text("state = 'waiting'"), ["issue_id", "domain", "next_try_at", "id"]
    op.create_index("ix_deliveries_domain", "deliveries", columns, sqlite_where=due, postgresql_where=due)
    op.add_column("workers", sa.Column("seen_at", sa.DateTime(timezone=True)))
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("attempts", sa.Column("claim", sa.Integer, nullable=False, server_default="0"))
    op.add_column("attempts", sa.Column("subscriber_id", big))
    # What was noted before claims had numbers has one of its own, which no claim will ever have.
    op.execute("UPDATE attempts SET claim = -id")
    op.execute(
        "UPDATE attempts SET subscriber_id = (SELECT subscriber_id FROM deliveries WHERE deliveries.id = row_id) "
        "WHERE ledger = 'deliveries'"
    )
    op.execute(
        "INSERT INTO attempts (ledger, row_id, subscriber_id, claim, number, at, outcome, code, text) "
        "SELECT 'deliveries', id, subscriber_id, 0, attempts, updated_at, 'accepted', code, text FROM deliveries "
        "WHERE state = 'accepted' AND NOT EXISTS (SELECT 1 FROM attempts AS noted WHERE noted.ledger = 'deliveries' "
        "AND noted.row_id = deliveries.id AND noted.outcome = 'accepted') ORDER BY id"
    )
    op.drop_index("ix_attempts_row", "attempts")
    op.drop_index("ix_attempts_outcome", "attempts")
    op.create_index("ix_attempts_claim", "attempts", ["ledger", "row_id", "claim", "outcome"], unique=True)
    doubts = sa.text("outcome = 'in doubt'")
    op.create_index("ix_attempts_doubt", "attempts", ["ledger", "row_id"], sqlite_where=doubts, postgresql_where=doubts)
