"""Add until when the bot was alive on this database, to notice that an older copy was put back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lives",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("alive", sa.DateTime(timezone=True), nullable=False),
        sa.Column("copied", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gap_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gap_to", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lives")),
    )
