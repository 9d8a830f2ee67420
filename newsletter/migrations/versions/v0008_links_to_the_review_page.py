"""The editors' links to the review page.

Revision ID: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "review_links",
        sa.Column("nonce", sa.String(32), primary_key=True),
        sa.Column("slot_key", sa.String(20), nullable=False),
        sa.Column("editor", sa.String(254), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_review_links_slot_key", "review_links", ["slot_key"])
