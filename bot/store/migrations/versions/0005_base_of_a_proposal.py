"""Add when the version was made that a proposal is based on, to tell older reads from newer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("proposals", sa.Column("base_updated", sa.DateTime(timezone=True), nullable=True))
