"""Registrations on their way to Partner Center: what was decided, every attempt, and the end.

Nothing changes a row but a compare-and-set on its version by whoever holds its lease, so an
instance that was asleep while another took over finds its writes refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa

from bot.conversation import Place
from bot.registration_rules import OPEN, Attempt, Outcome, Standing, State, Version
from bot.store import jsontext, rows
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.jsontext import Json
from bot.store.schema import Utc, registrations
from partner_center.money import plain
from partner_center.registration import DealRegistration, DeployedOn, Pricing, Term

_TABLE = registrations.c
_NOW = sa.bindparam("now", type_=Utc())
_OPEN = tuple(sorted(state.value for state in OPEN))


@dataclass(frozen=True, slots=True)
class Submission:
    """One deal registration that a person decided to send, frozen, and what became of it."""

    id: str
    tenant: str
    referral_id: str
    fingerprint: str
    registration: DealRegistration
    requester: str
    approver: str | None
    draft_id: str
    place: Place
    message_id: str | None
    locale: str
    timezone: str | None
    standing: Standing
    base_inputs: Mapping[str, str]
    """What the registration was made from, as the deal held it at the base."""
    looks: int
    """How often it was looked at in vain since something last happened."""
    look_at: datetime | None
    """When to look next; None: only when asked."""
    told: str | None
    """What the requester was last asked or told while it is open."""
    result: Json
    lease_owner: str | None
    lease_until: datetime | None
    created: datetime
    updated: datetime
    version: int
    seal: str | None = None
    """The seal of what was decided."""

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.standing.state


async def insert(connection: AsyncConnection, new: Submission) -> bool:
    """Stores an intent. False when the referral has one on its way or this very one is DONE."""
    return await rows.insert_if_absent(
        connection,
        registrations,
        id=new.id,
        tenant=new.tenant,
        referral_id=new.referral_id,
        fingerprint=new.fingerprint,
        values_json=jsontext.write(values_of(new.registration)),
        requester=new.requester,
        approver=new.approver,
        draft_id=new.draft_id,
        place=jsontext.write(new.place.to_json()),
        message_id=new.message_id,
        locale=new.locale,
        timezone=new.timezone,
        state=new.state.value,
        attempt=0,
        client_request_ids="[]",
        looks=0,
        look_at=new.look_at,
        created=new.created,
        updated=new.updated,
        version=1,
        seal=new.seal,
    )


async def find(connection: AsyncConnection, submission_id: str) -> Submission | None:
    """The submission with this id, whatever became of it."""
    return await _first(connection, _TABLE.id == submission_id)


async def in_flight(
    connection: AsyncConnection, tenant: str, referral_id: str
) -> Submission | None:
    """The one that locks this referral, if any."""
    return await _first(
        connection,
        _TABLE.tenant == tenant,
        _TABLE.referral_id == referral_id,
        _TABLE.state.in_(_OPEN),
    )


async def latest(connection: AsyncConnection, tenant: str, referral_id: str) -> Submission | None:
    """The newest submission for this referral, ended ones included."""
    return await _first(connection, _TABLE.tenant == tenant, _TABLE.referral_id == referral_id)


async def of_draft(connection: AsyncConnection, draft_id: str) -> Submission | None:
    """The submission a draft led to."""
    return await _first(connection, _TABLE.draft_id == draft_id)


_DUE = (
    sa.select(_TABLE.id)
    .where(
        _TABLE.look_at <= _NOW,
        sa.or_(_TABLE.lease_until.is_(None), _TABLE.lease_until <= _NOW),
    )
    .order_by(_TABLE.look_at)
    .limit(20)
)


async def due(connection: Runs, now: datetime) -> list[str]:
    """Ids of those to look at now that nobody holds, the longest waiting first."""
    return [row.id for row in await connection.execute(_DUE, {"now": now})]


async def look_now(
    connection: AsyncConnection, now: datetime, *which: sa.ColumnElement[bool]
) -> None:
    """Makes open submissions due: all of them, or those of `by_id` or `by_requester`."""
    await connection.execute(
        registrations.update()
        .where(_TABLE.state.in_(_OPEN), *which)
        .values(look_at=now, looks=0, told=None)
    )


def by_id(submission_id: str) -> sa.ColumnElement[bool]:
    """The submission with this id, for `look_now`."""
    return _TABLE.id == submission_id


def by_requester(tenant: str, person: str) -> sa.ColumnElement[bool]:
    """A person's submissions, for `look_now`."""
    return sa.and_(_TABLE.tenant == tenant, _TABLE.requester == person)


async def place_at(connection: AsyncConnection, submission_id: str, message_id: str) -> None:
    """Notes which message shows this submission."""
    await connection.execute(
        registrations.update().where(_TABLE.id == submission_id).values(message_id=message_id)
    )


async def lease_owners(connection: AsyncConnection) -> list[str]:
    """Everybody who holds a lease, run out or not."""
    result = await connection.execute(
        sa.select(_TABLE.lease_owner).where(_TABLE.lease_owner.is_not(None)).distinct()
    )
    return [str(owner) for owner in result.scalars()]


async def free(connection: AsyncConnection, owner: str) -> None:
    """Takes back the leases of a process that is no more."""
    await connection.execute(
        registrations.update()
        .where(_TABLE.lease_owner == owner)
        .values(lease_owner=None, lease_until=None, version=_TABLE.version + 1)
    )


async def claim(
    connection: AsyncConnection, submission_id: str, owner: str, now: datetime, until: datetime
) -> Submission | None:
    """Takes the lease until a moment; None while another instance holds it."""
    free = sa.or_(
        _TABLE.lease_owner.is_(None), _TABLE.lease_owner == owner, _TABLE.lease_until <= now
    )
    taken = await rows.changed(
        connection,
        registrations.update()
        .where(_TABLE.id == submission_id, free)
        .values(lease_owner=owner, lease_until=until, version=_TABLE.version + 1),
    )
    return await find(connection, submission_id) if taken else None


async def save(
    connection: AsyncConnection, held: Submission, now: datetime, **values: object
) -> Submission | None:
    """Writes to a submission as it was when `held` was read; None when it has changed since."""
    kept = await rows.changed(
        connection,
        registrations.update()
        .where(
            _TABLE.id == held.id,
            _TABLE.version == held.version,
            _TABLE.lease_owner == held.lease_owner,
        )
        .values(updated=now, version=held.version + 1, **values),
    )
    return await find(connection, held.id) if kept else None


async def doubt(connection: AsyncConnection, now: datetime) -> None:
    """Whatever was only decided may have been sent since: nobody knows."""
    await connection.execute(
        registrations.update()
        .where(_TABLE.state == State.INTENT.value)
        .values(state=State.UNKNOWN.value, updated=now, version=_TABLE.version + 1)
    )


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets submissions that came to nothing before a moment; one that was made is kept, as it
    keeps the same from being sent again."""
    ended = [state.value for state in (State.FAILED, State.REJECTED, State.STOPPED)]
    await connection.execute(
        registrations.delete().where(_TABLE.state.in_(ended), _TABLE.updated < before)
    )


def attempts_text(attempts: Sequence[Attempt]) -> str:
    """The column `client_request_ids`: every attempt with its base and outcome."""
    return jsontext.write(
        [
            {
                "id": attempt.client_request_id,
                "etag": attempt.base.etag,
                "updated": attempt.base.updated.isoformat() if attempt.base.updated else None,
                "at": attempt.at.isoformat(),
                "outcome": attempt.outcome.value if attempt.outcome else None,
            }
            for attempt in attempts
        ]
    )


async def _first(
    connection: AsyncConnection, *conditions: sa.ColumnElement[bool]
) -> Submission | None:
    result = await connection.execute(
        registrations.select()
        .where(*conditions)
        .order_by(_TABLE.created.desc(), _TABLE.id)
        .limit(1)
    )
    row = result.one_or_none()
    return None if row is None else _submission(row)


def _submission(row: sa.Row[tuple[object, ...]]) -> Submission:
    kept = row._mapping
    return Submission(
        id=kept["id"],
        tenant=kept["tenant"],
        referral_id=kept["referral_id"],
        fingerprint=kept["fingerprint"],
        registration=registration_from(jsontext.read(kept["values_json"])),
        requester=kept["requester"],
        approver=kept["approver"],
        draft_id=kept["draft_id"],
        place=Place.from_json(jsontext.read(kept["place"])),
        message_id=kept["message_id"],
        locale=kept["locale"],
        timezone=kept["timezone"],
        standing=Standing(
            State(kept["state"]), _attempts(jsontext.read(kept["client_request_ids"]))
        ),
        base_inputs=_texts(jsontext.read(kept["base_inputs"] or "{}")),
        looks=kept["looks"],
        look_at=kept["look_at"],
        told=kept["told"],
        result=jsontext.read(kept["result"] or "null"),
        lease_owner=kept["lease_owner"],
        lease_until=kept["lease_until"],
        created=kept["created"],
        updated=kept["updated"],
        version=kept["version"],
        seal=kept["seal"],
    )


def _attempts(stored: Json) -> tuple[Attempt, ...]:
    if not isinstance(stored, list):
        raise ValueError("stored attempts must be a list")
    return tuple(_attempt(_object(each)) for each in stored)


def _attempt(stored: Mapping[str, Json]) -> Attempt:
    updated, outcome = stored["updated"], stored["outcome"]
    return Attempt(
        client_request_id=str(stored["id"]),
        base=Version(
            etag=str(stored["etag"]),
            updated=datetime.fromisoformat(str(updated)) if updated else None,
        ),
        at=datetime.fromisoformat(str(stored["at"])),
        outcome=Outcome(str(outcome)) if outcome else None,
    )


def values_of(registration: DealRegistration) -> dict[str, Json]:
    """A registration's values as they are stored."""
    return {
        "currency": registration.currency,
        "value": plain(registration.value),
        "term": registration.term.value,
        "sign": registration.sign.isoformat(),
        "start": registration.start.isoformat(),
        "end": registration.end.isoformat() if registration.end else None,
        "solution_id": registration.solution_id,
        "solution_value": plain(registration.solution_value),
        "solution_currency": registration.solution_currency,
        "deployed_on_azure": registration.deployed_on_azure,
        "deployment": registration.deployment.value,
        "pricing": registration.pricing.value,
        "marketplace": registration.marketplace,
        "marketplace_date": (
            registration.marketplace_date.isoformat() if registration.marketplace_date else None
        ),
    }


def registration_from(stored: Json) -> DealRegistration:
    """The registration whose values were stored. Raises KeyError or ValueError."""
    kept = _object(stored)
    return DealRegistration(
        currency=str(kept["currency"]),
        value=Decimal(str(kept["value"])),
        term=Term(str(kept["term"])),
        sign=date.fromisoformat(str(kept["sign"])),
        start=date.fromisoformat(str(kept["start"])),
        end=_day(kept["end"]),
        solution_id=str(kept["solution_id"]),
        solution_value=Decimal(str(kept["solution_value"])),
        solution_currency=str(kept["solution_currency"]),
        deployed_on_azure=kept["deployed_on_azure"] is True,
        deployment=DeployedOn(str(kept["deployment"])),
        pricing=Pricing(str(kept["pricing"])),
        marketplace=kept["marketplace"] is True,
        marketplace_date=_day(kept["marketplace_date"]),
    )


def _day(stored: Json) -> date | None:
    return date.fromisoformat(stored) if isinstance(stored, str) else None


def _object(stored: Json) -> Mapping[str, Json]:
    if not isinstance(stored, Mapping):
        raise ValueError("a stored registration must be an object")
    return stored


def _texts(stored: Json) -> dict[str, str]:
    return {name: str(value) for name, value in _object(stored).items()}
