"""What happened to a deal, noted once for all time however often and by whichever way we learn it.

The promises of the notices (outbox rows) belong in the same transaction, under a key made of the
event's id and the feed's.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.store import jsontext, rows
from bot.store.connection import AsyncConnection
from bot.store.jsontext import Json
from bot.store.schema import events

_TABLE = events.c


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that became true of a deal."""

    id: str
    tenant: str
    referral_id: str
    kind: str
    state_key: str
    """Tells one occurrence of the kind from another, e.g. a registration's id and state."""
    facts: Json
    at: datetime


async def record(
    connection: AsyncConnection,
    *,
    tenant: str,
    referral_id: str,
    kind: str,
    state_key: str,
    facts: Json,
    now: datetime,
) -> str | None:
    """Notes an event and gives its id; None when it has been noted before."""
    event_id = uuid.uuid4().hex
    is_new = await rows.insert_if_absent(
        connection,
        events,
        id=event_id,
        tenant=tenant,
        referral_id=referral_id,
        kind=kind,
        state_key=state_key,
        facts=jsontext.write(facts),
        at=now,
    )
    return event_id if is_new else None


async def is_recorded(
    connection: AsyncConnection, tenant: str, referral_id: str, kind: str, state_key: str
) -> bool:
    """Whether this has been noted."""
    found = await connection.scalar(
        sa.select(_TABLE.id).where(
            _TABLE.tenant == tenant,
            _TABLE.referral_id == referral_id,
            _TABLE.kind == kind,
            _TABLE.state_key == state_key,
        )
    )
    return found is not None


async def find(connection: AsyncConnection, event_id: str) -> Event | None:
    """The event with this id."""
    found = await _all(connection, _TABLE.id == event_id)
    return found[0] if found else None


async def of_referral(connection: AsyncConnection, tenant: str, referral_id: str) -> list[Event]:
    """What happened to a deal, oldest first."""
    return await _all(connection, _TABLE.tenant == tenant, _TABLE.referral_id == referral_id)


async def since(
    connection: AsyncConnection, tenant: str, moment: datetime, limit: int = 500
) -> list[Event]:
    """What happened since a moment, that moment included, oldest first."""
    return await _all(connection, _TABLE.tenant == tenant, _TABLE.at >= moment, limit=limit)


async def _all(
    connection: AsyncConnection, *conditions: sa.ColumnElement[bool], limit: int = 500
) -> list[Event]:
    result = await connection.execute(
        events.select().where(*conditions).order_by(_TABLE.at, _TABLE.id).limit(limit)
    )
    return [
        Event(
            row.id,
            row.tenant,
            row.referral_id,
            row.kind,
            row.state_key,
            jsontext.read(row.facts),
            row.at,
        )
        for row in result
    ]
