"""Writes shown to a seller before they happen, from the first card to what became of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from bot.conversation import Place
from bot.store import jsontext, rows
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.jsontext import Json
from bot.store.schema import proposals

_TABLE = proposals.c
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
_NEW = proposals.insert()
_OF_ID = proposals.select().where(_TABLE.id == sa.bindparam("proposal"))
_SHOWN_IN = (
    proposals.update()
    .where(_TABLE.id == sa.bindparam("proposal"))
    .values(message_id=sa.bindparam("message"))
)


_SEALED = (
    proposals.update()
    .where(_TABLE.id == sa.bindparam("proposal"))
    .values(seal=sa.bindparam("sealed"))
)


class Kind(StrEnum):
    """What kind of write it is."""

    CHANGE = "change"
    MEMBER = "member"
    MOVE = "move"
    CREATE = "create"


class State(StrEnum):
    """Where a proposal stands. APPLYING is stored before the request leaves."""

    OPEN = "open"
    APPLYING = "applying"
    DONE = "done"
    DISCARDED = "discarded"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"
    FAILED = "failed"


class Why(StrEnum):
    """Why a proposal FAILED; its `result` keeps it."""

    REFUSED = "refused"
    ALTERED = "altered"
    """It is not what its person was shown, or not what was approved."""
    UNREADABLE = "unreadable"
    """Partner Center does not show the deal to its person any more."""
    LATE = "late"
    """It was approved, and could not be carried out within a day."""
    OUT_OF_DATE = "out_of_date"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposed write: the JSON Patch, the version it was made against, and what was shown.

    A new deal has its document as `operations`, no version, and no `referral_id` before it exists.
    """

    id: str
    tenant: str
    person: str
    place: Place
    message_id: str | None
    referral_id: str
    kind: Kind
    operations: Json
    base_etag: str
    base_updated: datetime | None
    """When that version was made, as Partner Center says."""
    base: Json
    """The fields shown, as they were."""
    after: Json
    """The same fields, as they shall be."""
    state: State
    client_request_id: str | None
    result: Json
    created: datetime
    updated: datetime
    version: int
    fingerprint: str | None = None
    """What a new deal says; two with the same are not sent at the same time."""
    seal: str | None = field(default=None, repr=False, compare=False)
    """Proves what its person was shown; without one nothing is sent."""


async def create(
    connection: Runs,
    *,
    tenant: str,
    person: str,
    place: Place,
    referral_id: str,
    kind: Kind,
    operations: Json,
    base_etag: str,
    base: Json,
    after: Json,
    now: datetime,
    base_updated: datetime | None = None,
    fingerprint: str | None = None,
    proposal_id: str | None = None,
    seal: Callable[[Proposal], str] | None = None,
) -> Proposal:
    """Stores an open proposal, whose id is `proposal_id` when given, with the seal it is given:
    that is in the row only."""
    new = Proposal(
        id=proposal_id or uuid.uuid4().hex,
        tenant=tenant,
        person=person,
        place=place,
        message_id=None,
        referral_id=referral_id,
        kind=kind,
        operations=operations,
        base_etag=base_etag,
        base_updated=base_updated,
        base=base,
        after=after,
        state=State.OPEN,
        client_request_id=None,
        result=None,
        created=now,
        updated=now,
        version=1,
        fingerprint=fingerprint,
    )
    await connection.execute(_NEW, {**_row(new), "seal": seal(new) if seal else None})
    return new


async def find(connection: Runs, proposal_id: str) -> Proposal | None:
    """The proposal with this id, whatever became of it."""
    result = await connection.execute(_OF_ID, {"proposal": proposal_id})
    row = result.one_or_none()
    return None if row is None else _proposal(row)


async def in_state(
    connection: AsyncConnection,
    state: State,
    *,
    before: datetime,
    since: datetime = _LONG_AGO,
    limit: int = 100,
) -> list[Proposal]:
    """Proposals left in a state since before a moment, oldest first: what recovery looks at."""
    result = await connection.execute(
        proposals.select()
        .where(_TABLE.state == state.value, _TABLE.updated < before, _TABLE.updated >= since)
        .order_by(_TABLE.updated)
        .limit(limit)
    )
    return [_proposal(row) for row in result]


async def advance(
    connection: AsyncConnection,
    proposal: Proposal,
    to: State,
    *,
    now: datetime,
    client_request_id: str | None = None,
    result: Json = None,
    referral_id: str | None = None,
) -> bool:
    """Moves a proposal on if it still is as it was read; says whether it did.

    `client_request_id`, `result` and `referral_id` are stored when given and left alone when not.
    """
    values: dict[str, object] = {
        "state": to.value,
        "updated": now,
        "version": proposal.version + 1,
    }
    if client_request_id is not None:
        values["client_request_id"] = client_request_id
    if result is not None:
        values["result"] = jsontext.write(result)
    if referral_id is not None:
        values["referral_id"] = referral_id
    return await rows.changed(
        connection, proposals.update().where(_as_read(proposal)).values(values)
    )


async def fail(connection: AsyncConnection, proposal: Proposal, why: Why, *, now: datetime) -> bool:
    """Moves a proposal to FAILED and keeps why, if it still is as it was read."""
    return await advance(connection, proposal, State.FAILED, now=now, result={"why": why.value})


def why_failed(proposal: Proposal) -> Why:
    """Why a proposal FAILED: refused, unless it says otherwise."""
    kept = proposal.result.get("why") if isinstance(proposal.result, Mapping) else None
    return Why(kept) if kept in set(Why) else Why.REFUSED


async def done_by(
    connection: AsyncConnection, tenant: str, person: str, *, limit: int = 20
) -> list[Proposal]:
    """What this person saved, the newest first."""
    result = await connection.execute(
        proposals.select()
        .where(
            _TABLE.tenant == tenant,
            _TABLE.person == person,
            _TABLE.state == State.DONE.value,
        )
        .order_by(_TABLE.updated.desc(), _TABLE.id)
        .limit(limit)
    )
    return [_proposal(row) for row in result]


async def twins(connection: AsyncConnection, proposal: Proposal) -> list[Proposal]:
    """Other new deals of the same person that say the same and were sent, the newest first."""
    sent = [state.value for state in (State.APPLYING, State.UNKNOWN, State.DONE)]
    result = await connection.execute(
        proposals.select()
        .where(
            _TABLE.tenant == proposal.tenant,
            _TABLE.person == proposal.person,
            _TABLE.state.in_(sent),
            _TABLE.fingerprint == proposal.fingerprint,
            _TABLE.id != proposal.id,
        )
        .order_by(_TABLE.updated.desc())
    )
    return [_proposal(row) for row in result]


async def part(connection: AsyncConnection, twin: Proposal) -> None:
    """Lets others say the same as this one again; a person decided so."""
    await connection.execute(
        proposals.update().where(_TABLE.id == twin.id).values(fingerprint=None)
    )


async def doubt_new_deals(connection: AsyncConnection, now: datetime) -> None:
    """Every new deal that was only shown may have been sent since: nobody knows."""
    await connection.execute(
        proposals.update()
        .where(_TABLE.kind == Kind.CREATE.value, _TABLE.state == State.OPEN.value)
        .values(
            state=State.UNKNOWN.value,
            result=jsontext.write({"sent": now.isoformat()}),
            fingerprint=None,
            updated=now,
            version=_TABLE.version + 1,
        )
    )


async def rebase(
    connection: AsyncConnection,
    proposal: Proposal,
    *,
    operations: Json,
    base_etag: str,
    base: Json,
    after: Json,
    now: datetime,
    base_updated: datetime | None = None,
) -> bool:
    """Opens a proposal again on a newer version of the deal, if it still is as it was read."""
    return await rows.changed(
        connection,
        proposals.update()
        .where(_as_read(proposal))
        .values(
            state=State.OPEN.value,
            operations=jsontext.write(operations),
            base_etag=base_etag,
            base_updated=base_updated,
            base=jsontext.write(base),
            after=jsontext.write(after),
            updated=now,
            version=proposal.version + 1,
        ),
    )


async def set_seal(connection: Runs, proposal_id: str, seal: str) -> None:
    """Keeps the seal of a proposal as it is now, in place of an earlier one."""
    await connection.execute(_SEALED, {"proposal": proposal_id, "sealed": seal})


async def set_message(connection: Runs, proposal_id: str, message_id: str) -> None:
    """Remembers which message shows the proposal; not a decision, so the version stays."""
    await connection.execute(_SHOWN_IN, {"proposal": proposal_id, "message": message_id})


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets proposals that ended before a moment."""
    ended = [state.value for state in (State.DONE, State.DISCARDED, State.FAILED)]
    await connection.execute(
        proposals.delete().where(_TABLE.state.in_(ended), _TABLE.updated < before)
    )


def _as_read(proposal: Proposal) -> sa.ColumnElement[bool]:
    return sa.and_(
        _TABLE.id == proposal.id,
        _TABLE.state == proposal.state.value,
        _TABLE.version == proposal.version,
    )


def _row(new: Proposal) -> dict[str, object]:
    return {
        "id": new.id,
        "tenant": new.tenant,
        "person": new.person,
        "place": jsontext.write(new.place.to_json()),
        "referral_id": new.referral_id,
        "kind": new.kind.value,
        "operations": jsontext.write(new.operations),
        "base_etag": new.base_etag,
        "base_updated": new.base_updated,
        "base": jsontext.write(new.base),
        "after": jsontext.write(new.after),
        "state": new.state.value,
        "created": new.created,
        "updated": new.updated,
        "version": new.version,
        "fingerprint": new.fingerprint,
    }


def _proposal(row: Any) -> Proposal:  # noqa: ANN401 - a row has the names of its columns
    return Proposal(
        id=row.id,
        tenant=row.tenant,
        person=row.person,
        place=Place.from_json(jsontext.read(row.place)),
        message_id=row.message_id,
        referral_id=row.referral_id,
        kind=Kind(row.kind),
        operations=jsontext.read(row.operations),
        base_etag=row.base_etag,
        base_updated=row.base_updated,
        base=jsontext.read(row.base),
        after=jsontext.read(row.after),
        state=State(row.state),
        client_request_id=row.client_request_id,
        result=None if row.result is None else jsontext.read(row.result),
        created=row.created,
        updated=row.updated,
        version=row.version,
        fingerprint=row.fingerprint,
        seal=row.seal,
    )
