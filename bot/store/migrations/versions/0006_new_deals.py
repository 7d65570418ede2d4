"""Let a proposal create a deal, and keep two equal ones from being sent at the same time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KIND = "kind IN ('change', 'member', 'move', 'create')"


def upgrade() -> None:
    """SQLite cannot change a check: there the table is made anew and its rows are moved over."""
    with op.batch_alter_table("proposals") as batch:
        batch.add_column(sa.Column("fingerprint", sa.Text(), nullable=True))
        batch.drop_constraint(op.f("ck_proposals_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_proposals_kind"), KIND)
    op.create_index(
        "uq_proposals_same",
        "proposals",
        ["tenant", "person", "fingerprint"],
        unique=True,
        sqlite_where=sa.text("state IN ('applying', 'unknown')"),
        postgresql_where=sa.text("state IN ('applying', 'unknown')"),
    )
