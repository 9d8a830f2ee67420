"""States and other choices are checked by the database, and every time carries its zone on PostgreSQL.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

DELIVERY = (
    "'waiting', 'claimed', 'handing over', 'accepted', 'refused', 'deferred', 'in doubt', 'skipped', 'expired', "
    "'cancelled'"
)
ISSUE = "'draft', 'review', 'approved', 'held', 'sending', 'closed', 'skipped', 'missed', 'cancelled'"
LEDGER = {
    "state": f"state IN ({DELIVERY})",
    "held": "(worker_id IS NOT NULL) = (state IN ('claimed', 'handing over'))",
}
CHECKS = {
    "attempts": {"ledger": "ledger IN ('deliveries', 'outbox')", "outcome": f"outcome IN ({DELIVERY})"},
    "deliveries": LEDGER,
    "issues": {"state": f"state IN ({ISSUE})", "on_doubt": "on_doubt IN ('resend', 'hold')"},
    "outbox": LEDGER,
}
TIMES = {
    "alerts": ("at",),
    "articles": ("published", "first_seen", "changed_at", "dropped_at"),
    "attempts": ("at",),
    "deliveries": ("next_try_at", "doubt_at", "updated_at"),
    "facts": ("at",),
    "issues": ("slot_at", "opened_at", "frozen_at", "closed_at", "expires_at"),
    "outbox": ("next_try_at", "doubt_at", "updated_at", "created_at", "expires_at"),
    "pace": ("free_at",),
    "pulls": ("pulled_at", "good_at"),
    "signals": ("at",),
    "workers": ("started_at", "ended_at"),
}


def upgrade() -> None:
    # A single mail that was forgotten on the wire kept its worker. Whom nobody holds, worker 0 does: it is found ended.
    for table in ("deliveries", "outbox"):
        held = "state IN ('claimed', 'handing over')"
        op.execute(f"UPDATE {table} SET worker_id = NULL WHERE NOT {held} AND worker_id IS NOT NULL")  # noqa: S608
        op.execute(f"UPDATE {table} SET worker_id = 0 WHERE {held} AND worker_id IS NULL")  # noqa: S608
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in TIMES.items():
            zoned = (f"ALTER COLUMN {column} TYPE timestamptz USING {column} AT TIME ZONE 'UTC'" for column in columns)
            op.execute(f"ALTER TABLE {table} {', '.join(zoned)}")
    for table, checks in CHECKS.items():
        with op.batch_alter_table(table) as batch:
            for name, rule in checks.items():
                batch.create_check_constraint(op.f(f"ck_{table}_{name}"), sa.text(rule))
