"""Remembers which row of ours stands in which message, so that its end can take its place there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from bot.approval_view import owe_copies
from bot.conversation import Place
from bot.desk import Desk
from bot.replies import Row, Stand
from bot.store import approvals, drafts, registrations
from bot.store.connection import AsyncConnection
from bot.store.jsontext import Json

_log = structlog.get_logger(__name__)


async def remember_now(desk: Desk, standing: Stand, place: Place, message_id: str) -> None:
    """Remember it in a transaction of its own, unless that is known already. Raises StoreError.

    A power cut may take it back, as it may come before; but a copy that moved on is owed for sure.
    """
    if standing.message_id == message_id or standing.row is Row.SIGN_IN:
        return
    async with desk.store.begin(flush=standing.row is Row.APPROVAL) as connection:
        await _remember(desk, connection, standing, place, message_id)


AsksToSignIn = Callable[[AsyncConnection, Place, str, str], Awaitable[None]]
"""Told the person and the message of a line that asks to sign in, when it arrived late."""


async def remember(
    desk: Desk,
    asks: AsksToSignIn,
    connection: AsyncConnection,
    stored: Json,
    place: Place,
    message_id: str,
) -> None:
    """The same for what the outbox kept, in the transaction that notes the message as sent."""
    try:
        standing = Stand.from_json(stored)
    except ValueError as error:
        _log.error("standing cannot be read", error=str(error))
        return
    if standing.row is Row.SIGN_IN:
        await asks(connection, place, standing.id, message_id)
        return
    await _remember(desk, connection, standing, place, message_id)


async def _remember(
    desk: Desk, connection: AsyncConnection, standing: Stand, place: Place, message_id: str
) -> None:
    match standing.row:
        case Row.DRAFT:
            await drafts.place_at(connection, standing.id, place, message_id)
        case Row.REGISTRATION:
            await registrations.place_at(connection, standing.id, message_id)
        case Row.APPROVAL:
            await _add_copy(desk, connection, standing, place, message_id)


async def _add_copy(
    desk: Desk, connection: AsyncConnection, standing: Stand, place: Place, message_id: str
) -> None:
    """A copy of a request that moved on while it was on its way is brought up to date."""
    await approvals.add_card(connection, standing.id, place, message_id, for_person=standing.person)
    fresh = await approvals.find(connection, standing.id)
    if fresh is not None and fresh.version != standing.version:
        await owe_copies(connection, desk.policy, fresh, desk.now())
