"""Keep the seal of a proposal in its own row: it is stored and read with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("proposals", sa.Column("seal", sa.Text(), nullable=True))
    op.execute(
        "UPDATE proposals SET seal = "
        "(SELECT seals.seal FROM seals WHERE seals.subject = 'proposal:' || proposals.id)"
    )
    op.execute("DELETE FROM seals WHERE subject LIKE 'proposal:%'")
