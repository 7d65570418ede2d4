"""Add which feed was told of which event, and what is held back for quiet hours and bursts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('put', 'held', 'folded')", name=op.f("ck_notices_state")),
        sa.PrimaryKeyConstraint("feed_id", "event_id", name=op.f("pk_notices")),
    )
    op.create_index("ix_notices_due", "notices", ["state", "due"], unique=False)
    op.create_index("ix_notices_of_feed", "notices", ["feed_id", "at"], unique=False)
