"""The whole pool an issue was chosen from, what older newsletters carried, and when an editor attended an issue.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("issues", sa.Column("attended_at", sa.DateTime(timezone=True)))
    op.create_table(
        "considered",
        sa.Column("issue_id", ROW_ID, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("article_id", ROW_ID),
        sa.Column("place", sa.Integer),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("article", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_considered_issue_id")),
        sa.PrimaryKeyConstraint("issue_id", "number", name=op.f("pk_considered")),
    )
    op.create_table(
        "learned",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("date", sa.String(10), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("article", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learned")),
    )
    op.create_index("ix_learned_date", "learned", ["date"])
