"""After a crash: finds writes whose outcome nobody was told, looks, and corrects their cards."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from bot import proposals
from bot.conversation import Person
from bot.desk import Desk, Turn
from bot.identity import SignInNeeded, SignInUnavailable
from bot.store import approvals, people
from bot.store import proposals as rows
from bot.store.approvals import Subject
from bot.store.errors import StoreError
from bot.store.proposals import Proposal, State
from cards.reader import Reader
from partner_center.errors import PartnerCenterError

_log = structlog.get_logger(__name__)
EVERY = 20.0
LOOKED_AT_FOR = timedelta(hours=24)
"""How long a write of unknown outcome is looked at after the seller was told."""
UNKNOWN_EVERY = timedelta(minutes=5)


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
    reply = await proposals.recover(desk, turn, proposal)
    if reply is None and proposal.state is State.APPLYING:
        reply = await proposals.give_back(desk, turn, proposal)
    if reply is None:
        return
    async with desk.store.read() as connection:
        if await approvals.granted(connection, Subject.PROPOSAL, proposal.id) is not None:
            return
    await proposals.owe_outcome(desk, proposal, reply)


async def _turn_of(desk: Desk, proposal: Proposal) -> Turn:
    async with desk.store.read() as connection:
        known = await people.find(connection, proposal.tenant, proposal.person)
    person = known.person if known else Person(proposal.tenant, proposal.person, "", "")
    locale = known.locale if known and known.locale else "en-US"
    reader = Reader(locale, None, desk.now())
    return Turn(person, proposal.place, reader, "", pressed=proposal.message_id)
