"""Who sat in a team when its roster was last read: owners and members, never guests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.store import rows
from bot.store.connection import AsyncConnection
from bot.store.schema import team_rosters, team_seats

_SEATS = team_seats.c
_READS = team_rosters.c
_AT_ONCE = 500
"""Rows written by one statement: both databases bound the number of parameters."""


@dataclass(frozen=True, slots=True)
class TeamSeat:
    """One person of a team, by Entra object id."""

    person: str
    is_owner: bool
    upn: str | None
    """The sign-in name, lower-case."""


async def put(
    connection: AsyncConnection,
    tenant: str,
    conversation: str,
    seats: Collection[TeamSeat],
    asked: datetime,
) -> bool:
    """Keeps a roster that was asked for at a moment; False when a later one is kept already."""
    first = await rows.insert_if_absent(
        connection, team_rosters, tenant=tenant, conversation=conversation, asked=asked
    )
    if not first and not await rows.changed(
        connection,
        team_rosters.update()
        .where(_of(team_rosters, tenant, conversation), _READS.asked < asked)
        .values(asked=asked),
    ):
        return False
    kept = await _kept(connection, tenant, conversation)
    now = {seat.person: seat for seat in seats}
    gone = [person for person, seat in kept.items() if now.get(person) != seat]
    new = [seat for person, seat in now.items() if kept.get(person) != seat]
    for start in range(0, len(gone), _AT_ONCE):
        await connection.execute(
            team_seats.delete().where(
                _of(team_seats, tenant, conversation),
                _SEATS.person.in_(gone[start : start + _AT_ONCE]),
            )
        )
    if new:
        await connection.execute(
            team_seats.insert(),
            [
                {
                    "tenant": tenant,
                    "conversation": conversation,
                    "person": seat.person,
                    "is_owner": seat.is_owner,
                    "upn": seat.upn,
                }
                for seat in new
            ],
        )
    return True


async def asked_at(connection: AsyncConnection, tenant: str, conversation: str) -> datetime | None:
    """When the roster that is kept was asked for; None when none was."""
    result = await connection.execute(
        sa.select(_READS.asked).where(_of(team_rosters, tenant, conversation))
    )
    row = result.one_or_none()
    return None if row is None else row.asked


async def find(
    connection: AsyncConnection, tenant: str, conversation: str, person: str
) -> TeamSeat | None:
    """The seat of one person."""
    result = await connection.execute(
        team_seats.select().where(_of(team_seats, tenant, conversation), _SEATS.person == person)
    )
    row = result.one_or_none()
    return None if row is None else TeamSeat(row.person, bool(row.is_owner), row.upn)


async def some(
    connection: AsyncConnection, tenant: str, conversation: str, *, owners: bool, limit: int
) -> list[TeamSeat]:
    """Seats of a team, only its owners' with `owners`, in a fixed order, at most `limit`."""
    wanted = [_of(team_seats, tenant, conversation), *([_SEATS.is_owner] if owners else [])]
    result = await connection.execute(
        team_seats.select().where(*wanted).order_by(_SEATS.person).limit(limit)
    )
    return [TeamSeat(row.person, bool(row.is_owner), row.upn) for row in result]


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets rosters that nobody asked for since a moment."""
    old = sa.select(_READS.conversation).where(
        _READS.tenant == _SEATS.tenant,
        _READS.conversation == _SEATS.conversation,
        _READS.asked < before,
    )
    await connection.execute(team_seats.delete().where(old.exists()))
    await connection.execute(team_rosters.delete().where(_READS.asked < before))


async def _kept(
    connection: AsyncConnection, tenant: str, conversation: str
) -> Mapping[str, TeamSeat]:
    result = await connection.execute(
        team_seats.select().where(_of(team_seats, tenant, conversation))
    )
    return {row.person: TeamSeat(row.person, bool(row.is_owner), row.upn) for row in result}


def _of(table: sa.Table, tenant: str, conversation: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.tenant == tenant, table.c.conversation == conversation)
