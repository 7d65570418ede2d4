"""Requests for approval: what is asked, who voted, which cards show it, and how it ended.

A request moves on only by compare-and-set on the version it was read at, so of two people who
decide in the same moment exactly one decides. A person's vote counts once, whoever they act for.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from bot.conversation import Place
from bot.store import jsontext, rows
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.jsontext import Json
from bot.store.schema import approval_cards, approval_votes, approvals

_TABLE = approvals.c
_VOTES = approval_votes.c
_CARDS = approval_cards.c


class Subject(StrEnum):
    """What the approval lets happen: a proposal's write or the registration of a draft."""

    PROPOSAL = "proposal"
    DRAFT = "draft"


class State(StrEnum):
    """WAITING for votes; APPROVED and to be carried out; everything else is an end."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    STALE = "stale"
    DONE = "done"
    FAILED = "failed"


class Verdict(StrEnum):
    """How somebody voted."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Approval:
    """One request, bound to the version of the deal and to exactly what shall be written."""

    id: str
    tenant: str
    requester: str
    requester_upn: str | None
    place: Place
    """Where it was asked."""
    referral_id: str
    kind: str
    subject: Subject
    subject_id: str
    operations: str
    """What shall be written, as text, compared whole."""
    base_etag: str
    fingerprint: str | None
    diff: Json
    approvers: tuple[str, ...]
    quorum: int
    state: State
    reason: str | None
    decided_by: str | None
    created: datetime
    expires: datetime
    updated: datetime
    version: int
    tries: int
    """How often carrying it out stumbled."""
    try_at: datetime | None
    """When it is tried again; None at once."""


@dataclass(frozen=True, slots=True)
class Vote:
    """What one person said, and for whom when standing in."""

    person: str
    verdict: Verdict
    acting_for: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CardCopy:
    """One message that shows the request."""

    place: Place
    message_id: str
    for_person: str | None
    """Whose personal chat it is in; None in the conversation where it was asked."""


async def create(
    connection: AsyncConnection,
    *,
    tenant: str,
    requester: str,
    requester_upn: str | None,
    place: Place,
    referral_id: str,
    kind: str,
    subject: Subject,
    subject_id: str,
    operations: str,
    base_etag: str,
    fingerprint: str | None,
    diff: Json,
    approvers: Sequence[str],
    quorum: int,
    expires: datetime,
    now: datetime,
) -> str | None:
    """Stores a waiting request and gives its id; None when its subject has an open one."""
    approval_id = uuid.uuid4().hex
    is_new = await rows.insert_if_absent(
        connection,
        approvals,
        id=approval_id,
        tenant=tenant,
        requester=requester,
        requester_upn=None if requester_upn is None else requester_upn.lower(),
        place=jsontext.write(place.to_json()),
        referral_id=referral_id,
        kind=kind,
        subject=subject.value,
        subject_id=subject_id,
        operations=operations,
        base_etag=base_etag,
        fingerprint=fingerprint,
        diff=jsontext.write(diff),
        approvers=jsontext.write(list(approvers)),
        quorum=quorum,
        state=State.WAITING.value,
        created=now,
        expires=expires,
        updated=now,
        version=1,
    )
    return approval_id if is_new else None


async def find(connection: AsyncConnection, approval_id: str) -> Approval | None:
    """The request with this id, whatever became of it."""
    found = await _all(connection, _TABLE.id == approval_id)
    return found[0] if found else None


async def of_subject(
    connection: AsyncConnection, subject: Subject, subject_id: str
) -> Approval | None:
    """The newest request for a proposal or draft."""
    found = await _all(
        connection, _TABLE.subject == subject.value, _TABLE.subject_id == subject_id, limit=1
    )
    return found[0] if found else None


async def granted(connection: AsyncConnection, subject: Subject, subject_id: str) -> str | None:
    """The id of the approval under which a proposal or draft is written, for its audit entry."""
    found = await of_subject(connection, subject, subject_id)
    written = {State.APPROVED, State.DONE, State.FAILED}
    return found.id if found is not None and found.state in written else None


async def open_for_deal(
    connection: AsyncConnection, tenant: str, referral_id: str, kind: str
) -> Approval | None:
    """The request of a kind about a deal that waits or is being carried out."""
    found = await _all(
        connection,
        _TABLE.tenant == tenant,
        _TABLE.referral_id == referral_id,
        _TABLE.kind == kind,
        _in((State.WAITING, State.APPROVED)),
        limit=1,
    )
    return found[0] if found else None


async def of_requester(
    connection: AsyncConnection,
    tenant: str,
    person: str,
    states: Sequence[State] = (State.WAITING, State.APPROVED),
) -> list[Approval]:
    """What a person asked for and is still open (or in other `states`), the newest first."""
    return await _all(connection, _TABLE.tenant == tenant, _TABLE.requester == person, _in(states))


async def waiting(connection: AsyncConnection, tenant: str) -> list[Approval]:
    """Every request of a tenant that waits for votes, the newest first."""
    return await _all(connection, _TABLE.tenant == tenant, _in((State.WAITING,)))


_ANY_DUE = (
    sa.select(_TABLE.id)
    .where(
        _TABLE.state == State.APPROVED.value,
        sa.or_(_TABLE.try_at.is_(None), _TABLE.try_at <= sa.bindparam("now")),
    )
    .limit(1)
)


async def any_due(connection: Runs, now: datetime) -> bool:
    """Whether an approved request is to be carried out now."""
    return (await connection.execute(_ANY_DUE, {"now": now})).one_or_none() is not None


async def due(connection: AsyncConnection, now: datetime, limit: int = 100) -> list[Approval]:
    """Approved requests to be carried out now, also those that another instance holds."""
    not_later = sa.or_(_TABLE.try_at.is_(None), _TABLE.try_at <= now)
    return await _all(connection, _in((State.APPROVED,)), not_later, limit=limit)


async def vote(
    connection: AsyncConnection,
    approval: Approval,
    person: str,
    verdict: Verdict,
    now: datetime,
    *,
    acting_for: str | None = None,
) -> bool:
    """Adds a person's vote to a request that waits and still is as it was read.

    False when it was decided or voted on meanwhile, its time is over, or the person has voted.
    The version goes up by one, also for the one who counts the votes afterwards.
    """
    open_still = await rows.changed(
        connection,
        approvals.update()
        .where(_as_read(approval), _in((State.WAITING,)), _TABLE.expires > now)
        .values(version=approval.version + 1, updated=now),
    )
    if not open_still:
        return False
    counted = await rows.insert_if_absent(
        connection,
        approval_votes,
        approval_id=approval.id,
        person=person,
        verdict=verdict.value,
        acting_for=acting_for,
        at=now,
    )
    if not counted:
        await connection.execute(
            approvals.update()
            .where(_TABLE.id == approval.id)
            .values(version=approval.version, updated=approval.updated)
        )
    return counted


async def votes(connection: AsyncConnection, approval_id: str) -> list[Vote]:
    """The votes of a request, the oldest first."""
    result = await connection.execute(
        approval_votes.select()
        .where(_VOTES.approval_id == approval_id)
        .order_by(_VOTES.at, _VOTES.person)
    )
    return [Vote(row.person, Verdict(row.verdict), row.acting_for, row.at) for row in result]


async def advance(
    connection: AsyncConnection,
    approval: Approval,
    to: State,
    now: datetime,
    *,
    reason: str | None = None,
    decided_by: str | None = None,
) -> Approval | None:
    """Moves a request on if it still is as it was read; the request as it is then, else None.

    `reason` and `decided_by` are stored when given and left alone when not.
    """
    values: dict[str, object] = {
        "state": to.value,
        "updated": now,
        "version": approval.version + 1,
        "lease_owner": None,
        "lease_until": None,
    }
    values |= {} if reason is None else {"reason": reason}
    values |= {} if decided_by is None else {"decided_by": decided_by}
    moved = await rows.changed(
        connection, approvals.update().where(_as_read(approval)).values(values)
    )
    return await find(connection, approval.id) if moved else None


async def decide(
    connection: AsyncConnection,
    approval: Approval,
    to: State,
    decided_by: str,
    now: datetime,
    *,
    reason: str | None = None,
) -> Approval | None:
    """Ends the waiting with a decision (APPROVED or REJECTED); None when somebody was faster."""
    if approval.state is not State.WAITING or approval.expires <= now:
        return None
    return await advance(connection, approval, to, now, reason=reason, decided_by=decided_by)


async def withdraw(
    connection: AsyncConnection, approval: Approval, now: datetime, *, reason: str | None = None
) -> Approval | None:
    """Takes a waiting request back; None when it was decided before."""
    if approval.state is not State.WAITING:
        return None
    return await advance(connection, approval, State.WITHDRAWN, now, reason=reason)


async def expire_due(connection: AsyncConnection, now: datetime, limit: int = 50) -> list[Approval]:
    """Ends waiting requests whose time is over and gives those that this call ended."""
    overdue = await _all(connection, _in((State.WAITING,)), _TABLE.expires <= now, limit=limit)
    ended = [await advance(connection, one, State.EXPIRED, now) for one in overdue]
    return [one for one in ended if one is not None]


async def claim(
    connection: AsyncConnection, approval_id: str, owner: str, now: datetime, until: datetime
) -> Approval | None:
    """Takes an approved request to carry it out; None while another instance has the lease, or
    when it has let it go for a while.

    The version goes up, so that one who held an earlier lease can no longer `advance` it.
    """
    free = sa.or_(_TABLE.lease_until.is_(None), _TABLE.lease_until <= now)
    is_time = sa.or_(_TABLE.try_at.is_(None), _TABLE.try_at <= now)
    taken = await rows.changed(
        connection,
        approvals.update()
        .where(_TABLE.id == approval_id, _in((State.APPROVED,)), free, is_time)
        .values(lease_owner=owner, lease_until=until, version=_TABLE.version + 1),
    )
    return await find(connection, approval_id) if taken else None


async def postpone(
    connection: AsyncConnection,
    approval_id: str,
    owner: str,
    now: datetime,
    until: datetime,
    *,
    reason: str | None = None,
) -> Approval | None:
    """Lets an approved request go that `owner` could not carry out, until a moment; None when
    another instance holds it.

    `reason` is stored when given and left alone when not. Since when it is approved stays.
    """
    ours = sa.or_(
        _TABLE.lease_until.is_(None), _TABLE.lease_until <= now, _TABLE.lease_owner == owner
    )
    values: dict[str, object] = {
        "tries": _TABLE.tries + 1,
        "try_at": until,
        "version": _TABLE.version + 1,
        "lease_owner": None,
        "lease_until": None,
    }
    values |= {} if reason is None else {"reason": reason}
    moved = await rows.changed(
        connection,
        approvals.update()
        .where(_TABLE.id == approval_id, _in((State.APPROVED,)), ours)
        .values(values),
    )
    return await find(connection, approval_id) if moved else None


async def forget_reason(connection: AsyncConnection, held: Approval) -> Approval | None:
    """Takes back why a request is not carried out yet; whoever holds it goes on holding it."""
    moved = await rows.changed(
        connection,
        approvals.update().where(_as_read(held)).values(reason=None, version=held.version + 1),
    )
    return await find(connection, held.id) if moved else None


async def add_card(
    connection: AsyncConnection,
    approval_id: str,
    place: Place,
    message_id: str,
    *,
    for_person: str | None = None,
) -> bool:
    """Remembers a message that shows the request; False when it is remembered already."""
    return await rows.insert_if_absent(
        connection,
        approval_cards,
        approval_id=approval_id,
        conversation=place.conversation_id,
        message_id=message_id,
        place=jsontext.write(place.to_json()),
        for_person=for_person,
    )


async def cards_of(connection: AsyncConnection, approval_id: str) -> list[CardCopy]:
    """Every message that shows the request."""
    result = await connection.execute(
        approval_cards.select()
        .where(_CARDS.approval_id == approval_id)
        .order_by(_CARDS.conversation, _CARDS.message_id)
    )
    return [
        CardCopy(Place.from_json(jsontext.read(row.place)), row.message_id, row.for_person)
        for row in result
    ]


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets requests that ended before a moment, with their votes and cards."""
    ended = sa.and_(~_in((State.WAITING, State.APPROVED)), _TABLE.updated < before)
    old = sa.select(_TABLE.id).where(ended)
    await connection.execute(approval_votes.delete().where(_VOTES.approval_id.in_(old)))
    await connection.execute(approval_cards.delete().where(_CARDS.approval_id.in_(old)))
    await connection.execute(approvals.delete().where(ended))


def _in(states: Sequence[State]) -> sa.ColumnElement[bool]:
    return _TABLE.state.in_([state.value for state in states])


def _as_read(approval: Approval) -> sa.ColumnElement[bool]:
    return sa.and_(
        _TABLE.id == approval.id,
        _TABLE.state == approval.state.value,
        _TABLE.version == approval.version,
    )


async def _all(
    connection: AsyncConnection, *conditions: sa.ColumnElement[bool], limit: int = 200
) -> list[Approval]:
    result = await connection.execute(
        approvals.select()
        .where(*conditions)
        .order_by(_TABLE.created.desc(), _TABLE.id)
        .limit(limit)
    )
    return [_approval(row) for row in result]


def _approval(row: sa.Row[tuple[object, ...]]) -> Approval:
    kept = row._mapping
    return Approval(
        id=kept["id"],
        tenant=kept["tenant"],
        requester=kept["requester"],
        requester_upn=kept["requester_upn"],
        place=Place.from_json(jsontext.read(kept["place"])),
        referral_id=kept["referral_id"],
        kind=kept["kind"],
        subject=Subject(kept["subject"]),
        subject_id=kept["subject_id"],
        operations=kept["operations"],
        base_etag=kept["base_etag"],
        fingerprint=kept["fingerprint"],
        diff=jsontext.read(kept["diff"]),
        approvers=_names(jsontext.read(kept["approvers"])),
        quorum=kept["quorum"],
        state=State(kept["state"]),
        reason=kept["reason"],
        decided_by=kept["decided_by"],
        created=kept["created"],
        expires=kept["expires"],
        updated=kept["updated"],
        version=kept["version"],
        tries=kept["tries"],
        try_at=kept["try_at"],
    )


def _names(stored: Json) -> tuple[str, ...]:
    if not isinstance(stored, list):
        raise ValueError("stored approvers must be a list")
    return tuple(str(name) for name in stored)
