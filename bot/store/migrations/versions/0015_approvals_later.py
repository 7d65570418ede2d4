"""Keep how often carrying out an approval stumbled, and when it is tried again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tries = sa.Column("tries", sa.Integer(), nullable=False, server_default="0")
    op.add_column("approvals", tries)
    op.add_column("approvals", sa.Column("try_at", sa.DateTime(timezone=True), nullable=True))
