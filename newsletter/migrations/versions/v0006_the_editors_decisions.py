"""The editor's decisions are a log; what was marked on articles before becomes its first entries.

Revision ID: 0006
"""

import json
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ACTS = ("pin", "move", "swap", "drop", "hold", "edit", "intro", "subject", "insert")
STEPS = ("approve", "pull_back", "hold_issue", "release", "cancel", "undo")
WORDS = ("title", "dek", "url", "published")
QUARANTINE = "quarantine"


def upgrade() -> None:
    log = op.create_table(
        "decisions",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("slot_key", sa.String(20), nullable=False),
        sa.Column("act", sa.String(20), nullable=False),
        sa.Column("article_id", ROW_ID),
        sa.Column("other_id", ROW_ID),
        sa.Column("undoes", ROW_ID),
        sa.Column("by", sa.String(120), nullable=False, server_default=""),
        sa.Column("origin", sa.String(20), nullable=False, server_default=""),
        sa.Column("details", sa.Text(), nullable=False, server_default="{}"),
        sa.CheckConstraint(f"act IN ({', '.join(map(repr, ACTS + STEPS))})", name=op.f("ck_decisions_act")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_slot_key", "decisions", ["slot_key"])
    op.create_index("ix_decisions_article_id", "decisions", ["article_id"])
    entries = [entry for row in op.get_bind().execute(_marked()) for entry in _entries(row)]
    if entries:
        op.bulk_insert(log, entries)


def _marked() -> sa.Select[Any]:
    articles = sa.table(
        "articles",
        sa.column("id", sa.Integer),
        sa.column("edits", sa.Text),
        sa.column("dropped_at", sa.DateTime(timezone=True)),
        sa.column("held_until", sa.String),
        sa.column("changed_at", sa.DateTime(timezone=True)),
    )
    marked = sa.or_(
        articles.c.edits != "{}",
        articles.c.dropped_at.is_not(None),
        sa.and_(articles.c.held_until != "", articles.c.held_until != QUARANTINE),
    )
    return sa.select(articles).where(marked).order_by(articles.c.id)


def _entries(row: sa.Row[Any]) -> list[dict[str, Any]]:
    found = []
    words = {name: text for name, text in _words(row.edits).items() if name in WORDS and isinstance(text, str)}
    if words:
        found.append(("edit", row.changed_at, words))
    # A drop ends a hold, so what was both is held first.
    if row.held_until and row.held_until != QUARANTINE:
        found.append(("hold", row.changed_at, {"until": row.held_until}))
    if row.dropped_at is not None:
        found.append(("drop", row.dropped_at, {"ever": "yes"}))
    return [
        {
            "at": at if at.tzinfo else at.replace(tzinfo=UTC),
            "slot_key": "",
            "act": act,
            "article_id": row.id,
            "origin": "upgrade",
            "details": json.dumps(values, ensure_ascii=False, sort_keys=True),
        }
        for act, at, values in found
    ]


def _words(text: str) -> dict[str, Any]:
    try:
        words = json.loads(text)
    except ValueError:
        return {}
    return words if isinstance(words, dict) else {}
