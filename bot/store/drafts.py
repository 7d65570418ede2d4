"""Registrations being filled in: one open draft per person and deal, changed by compare-and-set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from bot.conversation import Place
from bot.store import jsontext, rows
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.schema import drafts

_TABLE = drafts.c


class State(StrEnum):
    """Where a draft stands."""

    OPEN = "open"
    SUBMITTED = "submitted"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


_NEWEST = drafts.select().order_by(_TABLE.updated.desc(), _TABLE.created.desc(), _TABLE.id)
_OPEN_OF = _NEWEST.where(
    _TABLE.tenant == sa.bindparam("of_tenant"),
    _TABLE.person == sa.bindparam("of_person"),
    _TABLE.state == State.OPEN.value,
).limit(50)


@dataclass(frozen=True, slots=True)
class Draft:
    """The answers of one person for one deal so far. `answers` are in one canonical spelling:
    amounts plain, days ISO, choices by their value."""

    id: str
    tenant: str
    person: str
    referral_id: str
    place: Place
    message_id: str | None
    locale: str
    timezone: str | None
    step: str
    answers: Mapping[str, str]
    state: State
    created: datetime
    updated: datetime
    expires: datetime
    version: int = 1
    seal: str | None = None
    """The seal of what the person was shown to check; none while it is being filled in."""

    @property
    def is_open(self) -> bool:
        """Whether it can still be answered."""
        return self.state is State.OPEN


async def insert(connection: AsyncConnection, new: Draft) -> bool:
    """Stores an open draft; False when the person has one for this deal already."""
    return await rows.insert_if_absent(
        connection,
        drafts,
        id=new.id,
        tenant=new.tenant,
        person=new.person,
        referral_id=new.referral_id,
        place=jsontext.write(new.place.to_json()),
        message_id=new.message_id,
        locale=new.locale,
        timezone=new.timezone,
        step=new.step,
        answers=jsontext.write(dict(new.answers)),
        state=new.state.value,
        created=new.created,
        updated=new.updated,
        expires=new.expires,
        version=new.version,
        seal=new.seal,
    )


async def find(connection: AsyncConnection, draft_id: str) -> Draft | None:
    """The draft with this id, whatever became of it."""
    return await _first(connection, _TABLE.id == draft_id)


async def open_for(
    connection: AsyncConnection, tenant: str, person: str, referral_id: str
) -> Draft | None:
    """The person's open draft for a deal."""
    return await _first(
        connection,
        _TABLE.tenant == tenant,
        _TABLE.person == person,
        _TABLE.referral_id == referral_id,
        _TABLE.state == State.OPEN.value,
    )


async def latest_for(
    connection: AsyncConnection, tenant: str, person: str, referral_id: str
) -> Draft | None:
    """The person's newest draft for a deal, ended ones included."""
    return await _first(
        connection,
        _TABLE.tenant == tenant,
        _TABLE.person == person,
        _TABLE.referral_id == referral_id,
    )


async def all_open(connection: Runs, tenant: str, person: str) -> list[Draft]:
    """A person's open drafts, the one touched last first."""
    found = await connection.execute(_OPEN_OF, {"of_tenant": tenant, "of_person": person})
    return [_draft(row) for row in found]


async def overdue(connection: AsyncConnection, now: datetime, limit: int = 50) -> list[Draft]:
    """Open drafts whose time is over."""
    return await _all(
        connection, _TABLE.state == State.OPEN.value, _TABLE.expires <= now, limit=limit
    )


async def save(
    connection: AsyncConnection,
    held: Draft,
    now: datetime,
    *,
    answers: Mapping[str, str] | None = None,
    place: Place | None = None,
    **values: object,
) -> Draft | None:
    """Writes to an open draft as it was when `held` was read.

    None when it is no longer open or another device was faster.
    """
    if answers is not None:
        values["answers"] = jsontext.write(dict(answers))
    if place is not None:
        values["place"] = jsontext.write(place.to_json())
    kept = await rows.changed(
        connection,
        drafts.update()
        .where(
            _TABLE.id == held.id,
            _TABLE.version == held.version,
            _TABLE.state == State.OPEN.value,
        )
        .values(updated=now, version=held.version + 1, **values),
    )
    return await find(connection, held.id) if kept else None


async def place_at(
    connection: AsyncConnection, draft_id: str, place: Place, message_id: str
) -> None:
    """Notes which message shows this draft."""
    await connection.execute(
        drafts.update()
        .where(_TABLE.id == draft_id)
        .values(place=jsontext.write(place.to_json()), message_id=message_id)
    )


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets drafts that ended before a moment."""
    await connection.execute(
        drafts.delete().where(_TABLE.state != State.OPEN.value, _TABLE.updated < before)
    )


async def _first(connection: AsyncConnection, *conditions: sa.ColumnElement[bool]) -> Draft | None:
    found = await _all(connection, *conditions, limit=1)
    return found[0] if found else None


async def _all(
    connection: AsyncConnection, *conditions: sa.ColumnElement[bool], limit: int = 50
) -> list[Draft]:
    result = await connection.execute(_NEWEST.where(*conditions).limit(limit))
    return [_draft(row) for row in result]


def _draft(row: Any) -> Draft:  # noqa: ANN401 - a row has the names of its columns
    return Draft(
        id=row.id,
        tenant=row.tenant,
        person=row.person,
        referral_id=row.referral_id,
        place=Place.from_json(jsontext.read(row.place)),
        message_id=row.message_id,
        locale=row.locale,
        timezone=row.timezone,
        step=row.step,
        answers=_answers(row.answers),
        state=State(row.state),
        created=row.created,
        updated=row.updated,
        expires=row.expires,
        version=row.version,
        seal=row.seal,
    )


def _answers(stored: str) -> dict[str, str]:
    """The answers kept; what no version of ours can have written counts as not answered."""
    try:
        kept = jsontext.read(stored)
    except ValueError:
        return {}
    if not isinstance(kept, Mapping):
        return {}
    return {name: value for name, value in kept.items() if isinstance(value, str)}
