"""Index the outbox by what waits, and note when a reply was true and what stands in its message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_WAITS = sa.text("state IN ('ready', 'sending')")


def upgrade() -> None:
    op.add_column("outbox", sa.Column("as_of", sa.DateTime(timezone=True), nullable=True))
    op.add_column("outbox", sa.Column("stands", sa.Text(), nullable=True))
    op.drop_index("ix_outbox_due", table_name="outbox")
    op.drop_index("ix_outbox_of_conversation", table_name="outbox")
    for name, columns in (
        ("ix_outbox_waiting", ["seq"]),
        ("ix_outbox_of_conversation", ["conversation", "seq"]),
    ):
        op.create_index(name, "outbox", columns, sqlite_where=_WAITS, postgresql_where=_WAITS)
    op.create_index("ix_outbox_of_message", "outbox", ["target_message", "conversation"])
    op.create_index("ix_outbox_of_feed", "outbox", ["feed_id", "state"])
    op.create_index("ix_outbox_created", "outbox", ["created"])
