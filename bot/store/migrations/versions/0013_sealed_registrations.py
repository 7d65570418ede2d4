"""Seal what a registration sends: the answers that its person checked, and what they decided.

What was stored before bears no seal. Nothing of it is sent: its person checks it once more.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("drafts", "registrations"):
        op.add_column(table, sa.Column("seal", sa.Text(), nullable=True))
