"""Who decides for whom while somebody is away: one stand-in per person, until a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.store import rows
from bot.store.connection import AsyncConnection
from bot.store.schema import delegations

_TABLE = delegations.c


@dataclass(frozen=True, slots=True)
class Delegation:
    """`to_person` may decide as `person` until a moment. People are Entra object ids."""

    tenant: str
    person: str
    to_person: str
    until: datetime
    created: datetime


async def put(connection: AsyncConnection, delegation: Delegation) -> None:
    """Stores who stands in; a person's former stand-in is replaced."""
    await rows.put(
        connection,
        delegations,
        ("tenant", "person"),
        {
            "tenant": delegation.tenant,
            "person": delegation.person,
            "to_person": delegation.to_person,
            "until": delegation.until,
            "created": delegation.created,
        },
    )


async def of(
    connection: AsyncConnection, tenant: str, person: str, now: datetime
) -> Delegation | None:
    """Who stands in for a person now."""
    found = await _active(connection, tenant, now, _TABLE.person == person)
    return found[0] if found else None


async def active_for(
    connection: AsyncConnection, tenant: str, to_person: str, now: datetime
) -> list[Delegation]:
    """Whom a person stands in for now, the longest first."""
    return await _active(connection, tenant, now, _TABLE.to_person == to_person)


async def drop(connection: AsyncConnection, tenant: str, person: str) -> bool:
    """Ends a person's delegation; False when there was none."""
    return await rows.changed(
        connection,
        delegations.delete().where(_TABLE.tenant == tenant, _TABLE.person == person),
    )


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets delegations that ended before a moment."""
    await connection.execute(delegations.delete().where(_TABLE.until < before))


async def _active(
    connection: AsyncConnection, tenant: str, now: datetime, which: sa.ColumnElement[bool]
) -> list[Delegation]:
    result = await connection.execute(
        delegations.select()
        .where(_TABLE.tenant == tenant, _TABLE.until > now, which)
        .order_by(_TABLE.created, _TABLE.person)
    )
    return [
        Delegation(row.tenant, row.person, row.to_person, row.until, row.created) for row in result
    ]
