"""Roles of a team: its owners, and its members without guests, as Teams' roster tells them.

The one lookup for everything that a role in a team may do. A team is what a channel belongs to;
in group chats and personal chats nobody has a role.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from bot.conversation import Person, Place, PlaceKind, Seat, SendFailed
from bot.desk import Desk
from bot.policy import TeamRole
from bot.store import people, team_seats
from bot.store.connection import AsyncConnection
from bot.store.team_seats import TeamSeat

_log = structlog.get_logger(__name__)
LOOK_SECONDS = 1.2
"""How long a press may wait for the roster."""
ASK_SECONDS = 5.0
"""How long asking for an approval waits for it: who asks is told "working on it" meanwhile."""
FRESH = timedelta(seconds=30)
"""How old a roster may be that decides who may press, when Teams does not give a newer one."""
AT_ONCE = timedelta(0)
SHOWN = timedelta(minutes=1)
"""How old a roster may be that says only what a card shows."""
WATCHED = timedelta(minutes=5)
"""How often the roster is read while something waits there."""
MOST_OWNERS = 20
"""Owners who get a card of their own; a roster is not for writing to everybody (teams.md 2.1)."""
MOST_MEMBERS = 60
"""Members whose clients are told that there is a card of their own (teams.md 2.2)."""


class Held(StrEnum):
    """Whether somebody has a role."""

    YES = "yes"
    NO = "no"
    UNSEEN = "unseen"
    """Nobody knows: the roster cannot be read, and what was read is too old to decide on."""


def has_team(place: Place) -> bool:
    """Whether a conversation belongs to a team."""
    return place.kind is PlaceKind.CHANNEL


async def renew(
    desk: Desk,
    place: Place,
    roles: Collection[TeamRole],
    *,
    older_than: timedelta,
    within: float = LOOK_SECONDS,
) -> None:
    """Read the roster anew when what is kept of it is older; what cannot be read stays as it is.

    Whoever owns the team is remembered too, to be named and reached.
    """
    if not roles or not has_team(place):
        return
    asked = desk.now()
    async with desk.store.read() as connection:
        kept = await team_seats.asked_at(connection, place.tenant, place.channel)
    if kept is not None and asked - kept < older_than:
        return
    try:
        async with asyncio.timeout(within):
            roster = await desk.sender.roster(place)
    except (SendFailed, TimeoutError) as error:
        _log.warning("team not seen", conversation=place.channel, error=str(error))
        return
    inside = [seat for seat in roster if not seat.is_outsider]
    if not any(seat.is_owner for seat in inside):
        _log.info("roster names no owner", conversation=place.channel, people=len(inside))
    seats = [TeamSeat(seat.person, seat.is_owner, seat.upn) for seat in inside]
    async with desk.store.begin() as connection:
        if await team_seats.put(connection, place.tenant, place.channel, seats, asked):
            await _remember(connection, place, inside, asked)


async def _remember(
    connection: AsyncConnection, place: Place, inside: Collection[Seat], now: datetime
) -> None:
    """Note whom cards will name; somebody the bot has met is known better than the roster tells."""
    owners = [seat for seat in inside if seat.is_owner][:MOST_OWNERS]
    for seat in dict.fromkeys([*owners, *list(inside)[:MOST_MEMBERS]]):
        known = await people.find(connection, place.tenant, seat.person)
        if known is None and seat.teams_id:
            who = Person(place.tenant, seat.person, seat.name, seat.teams_id)
            await people.remember(connection, who, place.service_url, now, upn=seat.upn)
        elif known is not None and known.upn is None and seat.upn is not None:
            await people.note_upn(connection, place.tenant, seat.person, seat.upn)


async def held(
    connection: AsyncConnection,
    place: Place,
    person: str,
    roles: Collection[TeamRole],
    *,
    since: datetime | None = None,
) -> Held:
    """Whether somebody has one of the roles, by a roster asked for since a moment when given."""
    if not roles or not has_team(place):
        return Held.NO
    if since is not None:
        asked = await team_seats.asked_at(connection, place.tenant, place.channel)
        if asked is None or asked < since:
            return Held.UNSEEN
    seat = await team_seats.find(connection, place.tenant, place.channel, person)
    has = seat is not None and (TeamRole.MEMBERS in roles or seat.is_owner)
    return Held.YES if has else Held.NO


async def holds_now(desk: Desk, place: Place, person: str, roles: Collection[TeamRole]) -> bool:
    """Whether somebody has one of the roles at this moment; False when nobody can tell."""
    await renew(desk, place, roles, older_than=AT_ONCE)
    async with desk.store.read() as connection:
        since = desk.now() - FRESH
        return await held(connection, place, person, roles, since=since) is Held.YES


async def owners_of(connection: AsyncConnection, place: Place) -> list[TeamSeat]:
    """The owners as last seen, at most MOST_OWNERS."""
    if not has_team(place):
        return []
    return await team_seats.some(
        connection, place.tenant, place.channel, owners=True, limit=MOST_OWNERS
    )


async def holders_of(
    connection: AsyncConnection, place: Place, roles: Collection[TeamRole]
) -> list[TeamSeat]:
    """Some of those who have one of the roles as last seen, at most MOST_MEMBERS."""
    if not roles or not has_team(place):
        return []
    owners = TeamRole.MEMBERS not in roles
    return await team_seats.some(
        connection, place.tenant, place.channel, owners=owners, limit=MOST_MEMBERS
    )
