"""How to reach an approver: their personal chat, opened when they never talked to the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from bot.conversation import Place, SendFailed
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
    if place is not None:
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
    return opened


async def meet(desk: Desk, tenant: str, service_url: str, names: Iterable[str]) -> None:
    """Learn who the approvers are, so that the first card names them; never for long."""
    strangers = [name for name in names if "@" not in name]
    asked = [
        asyncio.create_task(personal_chat(desk, tenant, service_url, name)) for name in strangers
    ]
    if asked:
        await asyncio.wait(asked, timeout=SOON)
    for task in asked:
        if task.done():
            task.result()
        else:
            task.cancel()
