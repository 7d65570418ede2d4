"""How to reach an approver: their personal chat, opened when they never talked to the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from bot.conversation import Place, PlaceKind, SendFailed
from bot.desk import Desk
from bot.store import people

_log = structlog.get_logger(__name__)
SOON = 1.0
"""Seconds a press may wait until the bot has met the approvers; later they are met all the same."""


async def personal_chat(desk: Desk, tenant: str, service_url: str, person: str) -> Place | None:
    """The personal chat with a person, named by object id; None when there can be none now."""
    async with desk.store.read() as connection:
        known = await people.find(connection, tenant, person)
    place = desk.personal(known) if known else None
    if known is not None and place is not None:
        if known.upn is None:
            await _learn_name(desk, tenant, person, place)
        return place
    address = known.person.teams_id if known and known.person.teams_id else person
    try:
        opened = await desk.sender.open_personal(tenant, address, service_url)
        there = await desk.sender.members(opened)
    except SendFailed as error:
        _log.warning("approver not reached", person=person, error=str(error))
        return None
    async with desk.store.begin() as connection:
        for one in there:
            if one.id == person:
                await people.remember(
                    connection,
                    one,
                    service_url,
                    desk.now(),
                    personal_conversation=opened.conversation_id,
                )
    await _learn_name(desk, tenant, person, opened)
    return opened


async def _learn_name(desk: Desk, tenant: str, person: str, chat: Place) -> None:
    """Note a sign-in name from the roster: aliases and guests are known by it (case B4)."""
    try:
        seats = await desk.sender.roster(chat)
    except SendFailed as error:
        _log.info("sign-in name not learnt", person=person, error=str(error))
        return
    async with desk.store.begin() as connection:
        for seat in seats:
            if seat.person == person and seat.upn is not None:
                await people.note_upn(connection, tenant, person, seat.upn)


async def meet(desk: Desk, place: Place, names: Iterable[str]) -> None:
    """Learn who the approvers are, so that the first card names them; never for long.

    One listed by a sign-in name is looked for among those in the conversation.
    """
    listed = sorted(names)
    by_name = frozenset(name for name in listed if "@" in name)
    asked: list[asyncio.Task[object]] = [
        asyncio.create_task(personal_chat(desk, place.tenant, place.service_url, name))
        for name in listed
        if name not in by_name
    ]
    if by_name and place.kind is not PlaceKind.PERSONAL:
        asked.append(asyncio.create_task(_look_among(desk, place, by_name)))
    if asked:
        await asyncio.wait(asked, timeout=SOON)
    for task in asked:
        if task.done():
            task.result()
        else:
            task.cancel()


async def _look_among(desk: Desk, place: Place, names: frozenset[str]) -> None:
    async with desk.store.read() as connection:
        found = [await people.find_by_upn(connection, place.tenant, name) for name in names]
    if all(known is not None for known in found):
        return
    try:
        seats = await desk.sender.roster(place)
        there = await desk.sender.members(place)
    except SendFailed as error:
        _log.info("approvers not looked for", error=str(error))
        return
    upns = {seat.person: seat.upn for seat in seats if seat.upn in names and not seat.is_outsider}
    async with desk.store.begin() as connection:
        for one in there:
            if upn := upns.get(one.id):
                await people.remember(connection, one, place.service_url, desk.now(), upn=upn)
