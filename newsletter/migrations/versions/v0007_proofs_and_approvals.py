"""When an issue was put to its editors, and when an approved one goes out.

Revision ID: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("issues", sa.Column("proofed_at", sa.DateTime(timezone=True)))
    op.add_column("issues", sa.Column("goes_at", sa.DateTime(timezone=True)))
