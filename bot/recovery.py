"""After a crash: finds writes whose outcome nobody was told, looks, and corrects their cards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import structlog

from bot import creation, proposals
from bot.conversation import Person
from bot.desk import Desk, Turn
from bot.identity import SignInNeeded, SignInUnavailable
from bot.replies import Reply
from bot.store import approvals, people
from bot.store import proposals as rows
from bot.store.approvals import Subject
from bot.store.errors import StoreError
from bot.store.proposals import Kind, Proposal, State
from cards.language import speaking
from cards.reader import Reader
from partner_center.errors import PartnerCenterError

_log = structlog.get_logger(__name__)
EVERY = 20.0
LOOKED_AT_FOR = timedelta(hours=24)
"""How long a write of unknown outcome is looked at after the seller was told."""
UNKNOWN_EVERY = timedelta(minutes=5)


async def settle_later(
    desk: Desk, turn: Turn, proposal_id: str, nap: Callable[[float], Awaitable[bool]]
) -> None:
    """Keep looking after the seller was told "unknown", and correct the card when it is known.

    A nap that says False was broken off, because the bot ends: the next one looks as it starts.
    """
    for seconds in proposals.LATER:
        if not await nap(seconds):
            return
        try:
            async with desk.store.read() as connection:
                proposal = await rows.find(connection, proposal_id)
            if proposal is None or proposal.state not in {State.UNKNOWN, State.APPLYING}:
                return
            reply = await _look(desk, turn, proposal)
        except (PartnerCenterError, SignInNeeded, SignInUnavailable, StoreError) as error:
            _log.info("outcome still unknown", proposal=proposal_id, error=str(error))
            continue
        if reply is None:
            continue
        await proposals.owe_outcome(desk, proposal, reply)
        return


async def watch_proposals(desk: Desk) -> None:
    """Look again and again, until cancelled."""
    unknown_at = desk.now()
    while True:
        try:
            await recover_proposals(desk)
            if desk.now() >= unknown_at:
                unknown_at = desk.now() + UNKNOWN_EVERY
                await look_at_unknown(desk)
        except StoreError as error:
            _log.warning("recovery waits for the store", error=str(error))
        await asyncio.sleep(EVERY)


async def recover_proposals(desk: Desk) -> int:
    """Look once at every write left under way; how many were looked at."""
    async with desk.store.read() as connection:
        left = await rows.in_state(
            connection, State.APPLYING, before=desk.now() - proposals.UNDER_WAY
        )
    for proposal in left:
        await _try(desk, proposal)
    return len(left)


async def look_at_unknown(desk: Desk) -> None:
    """Keep the promise of a card that says "unknown" when nobody else keeps it any more."""
    settled = timedelta(seconds=sum(proposals.LATER))
    async with desk.store.read() as connection:
        left = await rows.in_state(
            connection,
            State.UNKNOWN,
            before=desk.now() - settled,
            since=desk.now() - LOOKED_AT_FOR,
        )
    for proposal in left:
        await _try(desk, proposal)


async def _try(desk: Desk, proposal: Proposal) -> None:
    try:
        await _recover(desk, proposal)
    except (PartnerCenterError, SignInNeeded, SignInUnavailable) as error:
        _log.info("write not judged yet", proposal=proposal.id, error=str(error))
    except (TypeError, ValueError, LookupError):
        _log.exception("write cannot be judged", proposal=proposal.id)


async def _recover(desk: Desk, proposal: Proposal) -> None:
    turn = await _turn_of(desk, proposal)
    with speaking(turn.reader.locale):
        reply = await _look(desk, turn, proposal)
        if reply is None and proposal.kind is not Kind.CREATE and proposal.state is State.APPLYING:
            reply = await proposals.give_back(desk, turn, proposal)
    if reply is None:
        return
    async with desk.store.read() as connection:
        approved = await approvals.granted(connection, Subject.PROPOSAL, proposal.id) is not None
        fresh = await rows.find(connection, proposal.id)
    if approved:
        if proposal.kind is not Kind.CREATE or fresh is None or fresh.state is not State.UNKNOWN:
            return
        proposal = replace(proposal, message_id=None)
        # The cards of the request stay as they are; its requester is asked beside them.
    await proposals.owe_outcome(desk, proposal, reply)


async def _look(desk: Desk, turn: Turn, proposal: Proposal) -> Reply | None:
    """What became of a write, whatever kind it is; None when nobody knows yet."""
    if proposal.kind is Kind.CREATE:
        return await creation.recover(desk, turn, proposal)
    return await proposals.recover(desk, turn, proposal)


async def _turn_of(desk: Desk, proposal: Proposal) -> Turn:
    async with desk.store.read() as connection:
        known = await people.find(connection, proposal.tenant, proposal.person)
    person = known.person if known else Person(proposal.tenant, proposal.person, "", "")
    locale = known.locale if known and known.locale else "en-US"
    reader = Reader(locale, None, desk.now())
    return Turn(person, proposal.place, reader, "", pressed=proposal.message_id)
