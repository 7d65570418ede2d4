"""Brings the cards of requests to those who may decide, and remembers where each one is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.approval_people import deciders, named
from bot.approval_reach import personal_chat
from bot.approval_view import message_for, owe_copies
from bot.desk import Desk
from bot.outbox import written
from bot.store import approval_copies, approvals, outbox
from bot.store.approval_copies import Promised
from bot.store.approvals import Approval, State
from bot.store.connection import AsyncConnection
from bot.team_roles import WATCHED, renew

RECENT = timedelta(minutes=10)
"""How long cards that were on their way are looked after once a request has ended."""
REACH_AGAIN = timedelta(minutes=5)
LOOK_AGAIN = timedelta(seconds=30)
"""When a request whose cards are all there is looked at again: somebody may stand in by then."""
LOOK_SOON = timedelta(seconds=3)
"""The same while an approver is known by a sign-in name only."""


class Cards:
    """What is known of the cards under way. Everything else is in the store."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._unreached: dict[tuple[str, str], datetime] = {}
        self._complete: dict[str, tuple[int, datetime]] = {}

    async def bring(self) -> None:
        """Every approver gets the card once, and every card that was sent is remembered."""
        now = self._desk.now()
        async with self._desk.store.each(writes=False) as alone:
            live = await approval_copies.live(alone, now - RECENT)
        self._complete = {each: at for each, at in self._complete.items() if each in live}
        self._unreached = {each: at for each, at in self._unreached.items() if each[0] in live}
        for approval_id, version in live.items():
            known, until = self._complete.get(approval_id, (0, now))
            if known != version or until <= now:
                await self._bring_one(approval_id, now)

    async def _bring_one(self, approval_id: str, now: datetime) -> None:
        async with self._desk.store.read() as connection:
            approval = await approvals.find(connection, approval_id)
            if approval is None:
                return
        if approval.state is State.WAITING:
            roles = self._desk.policy.at(approval.tenant, approval.place.channel).roles
            await renew(self._desk, approval.place, roles, older_than=WATCHED)
        async with self._desk.store.read() as connection:
            wanted = await deciders(connection, self._desk.policy, approval, now)
            sent = await self._promised(connection, approval, wanted)
            strangers = await self._strangers(connection, approval)
            copies = await approvals.cards_of(connection, approval.id)
        known = {(copy.place.conversation_id, copy.message_id) for copy in copies}
        new = [
            each
            for each in sent
            if each.message_id and (each.place.conversation_id, each.message_id) not in known
        ]
        if new:
            await self._adopt(approval, new, now)
        reached = {each.person for each in sent} | {copy.for_person for copy in copies}
        missing = [person for person in wanted if person not in reached]
        if approval.state is State.WAITING:
            for person in missing:
                await self._reach(approval, person, now)
        if not new and not missing and all(each.message_id for each in sent):
            again = LOOK_SOON if strangers else LOOK_AGAIN
            self._complete[approval.id] = (approval.version, now + again)

    async def _strangers(self, connection: AsyncConnection, approval: Approval) -> bool:
        """Whether an approver is listed by a sign-in name that nobody has signed in with yet."""
        rules = self._desk.policy.at(approval.tenant, approval.place.channel)
        listed = [name for name in rules.approvers if "@" in name]
        return any([await named(connection, approval.tenant, name) is None for name in listed])

    async def _promised(
        self, connection: AsyncConnection, approval: Approval, wanted: Sequence[str]
    ) -> list[Promised]:
        """Cards that are on their way or there, also to people who may decide no longer."""
        persons = set(wanted)
        for name in approval.approvers:
            known = await named(connection, approval.tenant, name)
            persons |= {known.person.id} if known else {name}
        return await approval_copies.promised(connection, approval.id, sorted(persons))

    async def _adopt(self, approval: Approval, sent: Sequence[Promised], now: datetime) -> None:
        """Remember cards that were sent, and bring them up to what happened meanwhile."""
        async with self._desk.store.begin() as connection:
            for each in sent:
                if each.message_id is not None:
                    await approvals.add_card(
                        connection,
                        approval.id,
                        each.place,
                        each.message_id,
                        for_person=each.person,
                    )
            fresh = await approvals.find(connection, approval.id)
            if fresh is not None and fresh.version > 1:
                await owe_copies(connection, self._desk.policy, fresh, now)

    async def _reach(self, approval: Approval, person: str, now: datetime) -> None:
        """Promise somebody the card in their personal chat; one who has none is tried again."""
        tried = self._unreached.get((approval.id, person))
        if tried is not None and now - tried < REACH_AGAIN:
            return
        place = await personal_chat(self._desk, approval.tenant, approval.place.service_url, person)
        if place is None:
            self._unreached[approval.id, person] = now
            return
        async with self._desk.store.begin() as connection:
            fresh = await approvals.find(connection, approval.id)
            if fresh is None or fresh.state is not State.WAITING:
                return
            message = await message_for(connection, self._desk.policy, fresh, person, now)
            key = approval_copies.key_of(approval.id, person)
            await outbox.put(connection, place, written(message), now, key=key)
