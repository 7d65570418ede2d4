"""Index what is looked for and what is forgotten by age, so that history costs nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_INDEXES = (
    ("approvals", "ix_approvals_of_subject", ["subject_id", "subject"]),
    ("approvals", "ix_approvals_updated", ["updated"]),
    ("drafts", "ix_drafts_of_person", ["tenant", "person", "referral_id"]),
    ("drafts", "ix_drafts_updated", ["updated"]),
    ("registrations", "ix_registrations_of_draft", ["draft_id"]),
    ("registrations", "ix_registrations_updated", ["updated"]),
    ("proposals", "ix_proposals_of_state", ["state", "updated"]),
    ("questions", "ix_questions_created", ["created"]),
    ("delegations", "ix_delegations_until", ["until"]),
    ("snoozes", "ix_snoozes_until", ["until"]),
    ("token_exchanges", "ix_token_exchanges_created", ["created"]),
    ("notices", "ix_notices_at", ["at", "feed_id"]),
    ("team_rosters", "ix_team_rosters_asked", ["asked"]),
)
_LEASED = sa.text("lease_owner IS NOT NULL")


def upgrade() -> None:
    for table, name, columns in _INDEXES:
        op.create_index(name, table, columns)
    op.create_index(
        "ix_registrations_leased",
        "registrations",
        ["lease_owner"],
        sqlite_where=_LEASED,
        postgresql_where=_LEASED,
    )
