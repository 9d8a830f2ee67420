"""An alert is about an issue, a source, the sign-ups: its column is named so and holds the longest of their names.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.drop_index(op.f("ix_alerts_slot_key"), table_name="alerts")
    with op.batch_alter_table("alerts") as batch:
        batch.alter_column(
            "slot_key",
            new_column_name="about",
            existing_type=sa.String(20),
            type_=sa.String(80),
            existing_nullable=False,
        )
    op.create_index(op.f("ix_alerts_about"), "alerts", ["about"], unique=False)
