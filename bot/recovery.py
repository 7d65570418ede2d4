"""After a crash: finds writes whose outcome nobody was told, looks, and corrects their cards."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from bot import outbox, proposals
from bot.conversation import Person
from bot.desk import Desk, Turn
from bot.identity import SignInNeeded, SignInUnavailable
from bot.replies import Reply
from bot.store import approvals, people
from bot.store import outbox as outbox_rows
from bot.store import proposals as rows
from bot.store.approvals import Subject
from bot.store.errors import StoreError
from bot.store.proposals import Proposal, State
from cards.reader import Reader
from partner_center.errors import PartnerCenterError

_log = structlog.get_logger(__name__)
ABANDONED = timedelta(seconds=60)
"""A write that is under way for longer has lost its process: a PATCH takes at most 30 s."""
EVERY = 20.0


async def watch_proposals(desk: Desk) -> None:
    """Look again and again, until cancelled."""
    while True:
        try:
            await recover_proposals(desk)
        except StoreError as error:
            _log.warning("recovery waits for the store", error=str(error))
        await asyncio.sleep(EVERY)


async def recover_proposals(desk: Desk) -> int:
    """Look once at every write left under way; how many were looked at."""
    async with desk.store.read() as connection:
        left = await rows.in_state(connection, State.APPLYING, before=desk.now() - ABANDONED)
    for proposal in left:
        try:
            await _recover(desk, proposal)
        except (PartnerCenterError, SignInNeeded, SignInUnavailable) as error:
            _log.info("write not judged yet", proposal=proposal.id, error=str(error))
    return len(left)


async def _recover(desk: Desk, proposal: Proposal) -> None:
    turn = await _turn_of(desk, proposal)
    reply = await proposals.recover(desk, turn, proposal)
    if reply is None:
        reply = await proposals.give_back(desk, turn, proposal)
    await _owe(desk, proposal, reply)


async def _owe(desk: Desk, proposal: Proposal, reply: Reply) -> None:
    """The card of what was found out; what was approved is shown by the cards of its request."""
    async with desk.store.begin() as connection:
        if await approvals.granted(connection, Subject.PROPOSAL, proposal.id) is not None:
            return
        await outbox_rows.put(
            connection,
            proposal.place,
            outbox.written(reply.message()),
            desk.now(),
            target_message=proposal.message_id,
            key=f"recovered:{proposal.id}:{proposal.version}",
        )


async def _turn_of(desk: Desk, proposal: Proposal) -> Turn:
    async with desk.store.read() as connection:
        known = await people.find(connection, proposal.tenant, proposal.person)
    person = known.person if known else Person(proposal.tenant, proposal.person, "", "")
    locale = known.locale if known and known.locale else "en-US"
    reader = Reader(locale, None, desk.now())
    return Turn(person, proposal.place, reader, "", pressed=proposal.message_id)
