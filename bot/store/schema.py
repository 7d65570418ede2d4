"""Every table the bot keeps, for SQLite and PostgreSQL alike.

Times are aware UTC datetimes (`Utc`); ids are text (uuid4 hex); columns holding JSON are text that
the module of their noun writes and reads. States are closed sets kept by check constraints.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = sa.MetaData(naming_convention=NAMING)


class Utc(TypeDecorator[datetime]):
    """An aware datetime, kept and returned in UTC; a naive one is refused with ValueError."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _time(name: str, *, null: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, Utc, nullable=null)


def _whole(name: str, default: int) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=str(default))


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.Text, primary_key=True)


def _state(*known: str) -> tuple[sa.Column[str], sa.CheckConstraint]:
    listed = ", ".join(f"'{state}'" for state in known)
    return (
        sa.Column("state", sa.Text, nullable=False),
        sa.CheckConstraint(f"state IN ({listed})", name="state"),
    )


def _while(name: str, states: tuple[str, ...], *columns: str, unique: bool = False) -> sa.Index:
    listed = ", ".join(f"'{state}'" for state in states)
    condition = sa.text(f"state IN ({listed})")
    return sa.Index(name, *columns, unique=unique, sqlite_where=condition)


def _unique_while(name: str, states: tuple[str, ...], *columns: str) -> sa.Index:
    return _while(name, states, *columns, unique=True)


@sa.event.listens_for(metadata, "before_create")
def _say_to_postgresql(made: sa.MetaData, connection: sa.Connection, **_more: object) -> None:
    """PostgreSQL's indexes hold the same rows. An option of its own on an index would load
    SQLAlchemy's PostgreSQL, 2 MB, where none is used."""
    if connection.dialect.name != "postgresql":
        return
    for table in made.tables.values():
        for index in table.indexes:
            same = index.dialect_options["sqlite"]["where"]
            index.dialect_options["postgresql"]["where"] = same


handles = sa.Table(
    "handles",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    _text("referral_id"),
    sa.UniqueConstraint("tenant", "referral_id"),
)

handle_counters = sa.Table(
    "handle_counters",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("next_number", sa.Integer, nullable=False),
)

token_caches = sa.Table(
    "token_caches",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("blob", sa.LargeBinary, nullable=False),
    _text("key_id"),
    sa.Column("version", sa.BigInteger, nullable=False),
    _time("updated"),
)

token_exchanges = sa.Table(
    "token_exchanges",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("exchange_id", sa.Text, primary_key=True),
    sa.Column("succeeded", sa.Boolean, nullable=True),
    sa.Column("announced", sa.Boolean, nullable=False, server_default=sa.false()),
    _time("created"),
    sa.Index("ix_token_exchanges_created", "created"),
)

sign_ins = sa.Table(
    "sign_ins",
    metadata,
    sa.Column("state_hash", sa.Text, primary_key=True),
    _text("tenant"),
    _text("person"),
    _text("person_name"),
    _text("teams_id"),
    _text("place"),
    _text("reason"),
    _text("claims", null=True),
    sa.Column("flow", sa.LargeBinary, nullable=True),
    _time("created"),
    _time("expires"),
    _time("used", null=True),
    sa.Index("ix_sign_ins_of_person", "tenant", "person"),
    sa.Index("ix_sign_ins_expires", "expires"),
)

waiting = sa.Table(
    "waiting",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    _text("command"),
    _text("place"),
    _text("locale"),
    _text("timezone", null=True),
    _text("activity_id"),
    _time("created"),
    _time("claimed", null=True),
)

seen = sa.Table(
    "seen",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    _text("state"),
    _text("answer", null=True),
    _time("created"),
    sa.Index("ix_seen_created", "created"),
)

questions = sa.Table(
    "questions",
    metadata,
    _id(),
    _text("tenant"),
    _text("person"),
    _text("place"),
    _text("prompt"),
    _text("choices"),
    *_state("open", "answered"),
    _time("created"),
    sa.Index("ix_questions_created", "created"),
)

proposals = sa.Table(
    "proposals",
    metadata,
    _id(),
    _text("tenant"),
    _text("person"),
    _text("place"),
    _text("message_id", null=True),
    _text("referral_id"),
    _text("kind"),
    sa.CheckConstraint("kind IN ('change', 'member', 'move', 'create')", name="kind"),
    _text("operations"),
    _text("base_etag"),
    _time("base_updated", null=True),
    _text("base"),
    _text("after"),
    *_state("open", "applying", "done", "discarded", "conflict", "unknown", "failed"),
    _text("client_request_id", null=True),
    _text("result", null=True),
    _time("created"),
    _time("updated"),
    _whole("version", 1),
    _text("fingerprint", null=True),
    _text("seal", null=True),
    sa.Index("ix_proposals_of_person", "tenant", "person", "state"),
    sa.Index("ix_proposals_of_referral", "tenant", "referral_id", "state"),
    _unique_while("uq_proposals_same", ("applying", "unknown"), "tenant", "person", "fingerprint"),
    sa.Index("ix_proposals_of_state", "state", "updated"),
)

drafts = sa.Table(
    "drafts",
    metadata,
    _id(),
    _text("tenant"),
    _text("person"),
    _text("referral_id"),
    _text("place"),
    _text("message_id", null=True),
    _text("locale"),
    _text("timezone", null=True),
    _text("step"),
    _text("answers"),
    *_state("open", "submitted", "cancelled", "expired"),
    _whole("version", 1),
    _time("created"),
    _time("updated"),
    _time("expires"),
    _text("seal", null=True),
    _unique_while("uq_drafts_open", ("open",), "tenant", "person", "referral_id"),
    sa.Index("ix_drafts_expiry", "state", "expires"),
    sa.Index("ix_drafts_of_person", "tenant", "person", "referral_id"),
    sa.Index("ix_drafts_updated", "updated"),
)

registrations = sa.Table(
    "registrations",
    metadata,
    _id(),
    _text("tenant"),
    _text("referral_id"),
    _text("fingerprint"),
    _text("values_json"),
    _text("requester"),
    _text("approver", null=True),
    _text("draft_id"),
    _text("place"),
    _text("message_id", null=True),
    _text("locale"),
    _text("timezone", null=True),
    *_state("INTENT", "UNKNOWN", "DONE", "FAILED", "REJECTED", "STOPPED"),
    _text("base_etag", null=True),
    _time("base_updated", null=True),
    _text("base_inputs", null=True),
    _whole("attempt", 0),
    sa.Column("client_request_ids", sa.Text, nullable=False, server_default="[]"),
    _text("lease_owner", null=True),
    _time("lease_until", null=True),
    _whole("looks", 0),
    _time("look_at", null=True),
    _text("told", null=True),
    _text("result", null=True),
    _time("created"),
    _time("updated"),
    _whole("version", 1),
    _text("seal", null=True),
    _unique_while(
        "uq_registrations_same",
        ("INTENT", "UNKNOWN", "DONE"),
        "tenant",
        "referral_id",
        "fingerprint",
    ),
    _unique_while("uq_registrations_in_flight", ("INTENT", "UNKNOWN"), "tenant", "referral_id"),
    sa.Index("ix_registrations_due", "look_at"),
    sa.Index("ix_registrations_of_requester", "tenant", "requester", "state"),
    sa.Index("ix_registrations_of_referral", "tenant", "referral_id"),
    sa.Index("ix_registrations_of_draft", "draft_id"),
    sa.Index("ix_registrations_updated", "updated"),
    sa.Index(
        "ix_registrations_leased", "lease_owner", sqlite_where=sa.text("lease_owner IS NOT NULL")
    ),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column(
        "seq",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    _text("conversation"),
    _text("place"),
    _text("op"),
    sa.CheckConstraint("op IN ('send', 'update')", name="op"),
    _text("target_message", null=True),
    _text("message"),
    *_state("ready", "sending", "sent", "failed"),
    _text("activity_id", null=True),
    _whole("attempts", 0),
    _time("not_before"),
    sa.Column("key", sa.Text, nullable=True, unique=True),
    _text("lease_owner", null=True),
    _time("lease_until", null=True),
    _text("error", null=True),
    _time("created"),
    _time("sent", null=True),
    _text("feed_id", null=True),
    _whole("doubts", 0),
    _time("as_of", null=True),
    _text("stands", null=True),
    _while("ix_outbox_waiting", ("ready", "sending"), "seq"),
    _while("ix_outbox_of_conversation", ("ready", "sending"), "conversation", "seq"),
    sa.Index("ix_outbox_of_message", "target_message", "conversation"),
    sa.Index("ix_outbox_of_feed", "feed_id", "state"),
    sa.Index("ix_outbox_sent", "sent"),
    sa.Index("ix_outbox_created", "created"),
    sqlite_autoincrement=True,
)

people = sa.Table(
    "people",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    _text("teams_id"),
    _text("service_url"),
    _text("personal_conversation", null=True),
    _text("name"),
    _text("upn", null=True),
    _text("locale", null=True),
    _time("updated"),
)

audit = sa.Table(
    "audit",
    metadata,
    _id(),
    _time("at"),
    _text("tenant"),
    _text("person"),
    _text("kind"),
    _text("referral_id", null=True),
    _text("detail"),
    _text("client_request_id", null=True),
    _text("request_id", null=True),
    _text("outcome"),
    sa.Index("ix_audit_of_referral", "tenant", "referral_id", "at"),
    sa.Index("ix_audit_of_person", "tenant", "person", "at"),
)

approvals = sa.Table(
    "approvals",
    metadata,
    _id(),
    _text("tenant"),
    _text("requester"),
    _text("requester_upn", null=True),
    _text("place"),
    _text("referral_id"),
    _text("kind"),
    _text("subject"),
    sa.CheckConstraint("subject IN ('proposal', 'draft')", name="subject"),
    _text("subject_id"),
    _text("operations"),
    _text("base_etag"),
    _text("fingerprint", null=True),
    _text("diff"),
    _text("approvers"),
    sa.Column("quorum", sa.Integer, nullable=False),
    *_state("waiting", "approved", "rejected", "withdrawn", "expired", "stale", "done", "failed"),
    _text("reason", null=True),
    _text("decided_by", null=True),
    _text("lease_owner", null=True),
    _time("lease_until", null=True),
    _whole("tries", 0),
    _time("try_at", null=True),
    _time("created"),
    _time("expires"),
    _time("updated"),
    _whole("version", 1),
    _unique_while("uq_approvals_of_subject", ("waiting", "approved"), "subject", "subject_id"),
    sa.Index("ix_approvals_of_requester", "tenant", "requester", "state"),
    sa.Index("ix_approvals_of_referral", "tenant", "referral_id", "state"),
    sa.Index("ix_approvals_due", "state", "expires"),
    sa.Index("ix_approvals_of_subject", "subject_id", "subject"),
    sa.Index("ix_approvals_updated", "updated"),
)

approval_votes = sa.Table(
    "approval_votes",
    metadata,
    sa.Column("approval_id", sa.Text, sa.ForeignKey("approvals.id"), primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    _text("verdict"),
    sa.CheckConstraint("verdict IN ('approve', 'reject')", name="verdict"),
    _text("acting_for", null=True),
    _time("at"),
)

approval_cards = sa.Table(
    "approval_cards",
    metadata,
    sa.Column("approval_id", sa.Text, sa.ForeignKey("approvals.id"), primary_key=True),
    sa.Column("conversation", sa.Text, primary_key=True),
    sa.Column("message_id", sa.Text, primary_key=True),
    _text("place"),
    _text("for_person", null=True),
)

delegations = sa.Table(
    "delegations",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    _text("to_person"),
    _time("until"),
    _time("created"),
    sa.Index("ix_delegations_to_person", "tenant", "to_person", "until"),
    sa.Index("ix_delegations_until", "until"),
)

feeds = sa.Table(
    "feeds",
    metadata,
    _id(),
    _text("tenant"),
    _text("place"),
    _text("conversation"),
    _text("owner"),
    _text("kind"),
    sa.CheckConstraint(
        "kind IN ('won', 'registered', 'accepted', 'expiring', 'approvals')", name="kind"
    ),
    _text("filters"),
    sa.Column("flat", sa.Boolean, nullable=False),
    _text("quiet", null=True),
    *_state("on", "paused", "off"),
    _text("reason", null=True),
    _text("locale"),
    _time("created"),
    _time("updated"),
    _whole("version", 1),
    sa.Index("ix_feeds_of_kind", "tenant", "kind", "state"),
    sa.Index("ix_feeds_of_conversation", "tenant", "conversation"),
)

events = sa.Table(
    "events",
    metadata,
    _id(),
    _text("tenant"),
    _text("referral_id"),
    _text("kind"),
    _text("state_key"),
    _text("facts"),
    _time("at"),
    sa.UniqueConstraint("tenant", "referral_id", "kind", "state_key"),
    sa.Index("ix_events_at", "tenant", "at"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    _id(),
    sa.Column("body_hash", sa.Text, nullable=False, unique=True),
    sa.Column("business_key", sa.Text, nullable=False, unique=True),
    _text("event_name"),
    _text("referral_id"),
    _time("changed", null=True),
    _time("received"),
    *_state("ready", "working", "done", "ignored", "failed"),
    _whole("attempts", 0),
    _time("not_before"),
    _text("lease_owner", null=True),
    _time("lease_until", null=True),
    _text("error", null=True),
    sa.Index("ix_inbox_due", "state", "not_before"),
    sa.Index("ix_inbox_received", "received"),
)

polls = sa.Table(
    "polls",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    _time("last_polled", null=True),
    _time("next_poll"),
    _text("cursor", null=True),
    _whole("failures", 0),
    _text("lease_owner", null=True),
    _time("lease_until", null=True),
    _whole("version", 1),
    sa.Index("ix_polls_due", "next_poll"),
)

snoozes = sa.Table(
    "snoozes",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("referral_id", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    _time("until"),
    sa.Index("ix_snoozes_until", "until"),
)

looks = sa.Table(
    "looks",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("referral_id", sa.Text, primary_key=True),
    _text("shown"),
    _time("at"),
    sa.Index("ix_looks_at", "at"),
)

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("feed_id", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    *_state("put", "held", "folded"),
    _time("due", null=True),
    _time("at"),
    sa.Index("ix_notices_due", "state", "due"),
    sa.Index("ix_notices_of_feed", "feed_id", "at"),
    sa.Index("ix_notices_at", "at", "feed_id"),
)

lives = sa.Table(
    "lives",
    metadata,
    _id(),
    _time("alive"),
    _time("copied", null=True),
    _time("gap_from", null=True),
    _time("gap_to", null=True),
)

languages = sa.Table(
    "languages",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("conversation", sa.Text, primary_key=True),
    sa.Column("locale", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    _time("updated"),
)

team_rosters = sa.Table(
    "team_rosters",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("conversation", sa.Text, primary_key=True),
    _time("asked"),
    sa.Index("ix_team_rosters_asked", "asked"),
)

team_seats = sa.Table(
    "team_seats",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("conversation", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("is_owner", sa.Boolean, nullable=False),
    _text("upn", null=True),
)

seals = sa.Table(
    "seals",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    _text("seal"),
    _time("at"),
    sa.Index("ix_seals_at", "at"),
)
