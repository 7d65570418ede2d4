"""From a complete draft to the intent that is carried out, and what becomes of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot import approval_asking as asking
from bot import registration_news as news
from bot.conversation import Message
from bot.crash import Point, crash_at
from bot.desk import Desk, Turn, bearer
from bot.opened import Opened
from bot.registration_rules import OPEN, Standing
from bot.registration_rules import State as Stage
from bot.replies import Reply, Row, Stand
from bot.resolver import Resolver
from bot.sealed import sealed_submission
from bot.steps import registration_of
from bot.store import approvals, drafts, handles, registrations
from bot.store.approvals import Approval
from bot.store.connection import AsyncConnection
from bot.store.drafts import Draft, State
from bot.store.registrations import Submission
from cards.deal import DealView
from cards.registered import Outcome, registered_card, registration_state_card
from cards.registration import draft_closed_card
from cards.wording import sentence
from partner_center import errors
from partner_center.registration import fingerprint

FIRST_LOOK = timedelta(seconds=5)
"""When a submission is driven at the latest, should its card never be confirmed."""


class _NotFree(Exception):
    """The referral has another registration on its way, or this very one is DONE."""


class Submitting:
    """Submits drafts and tells what became of them."""

    def __init__(self, desk: Desk, resolver: Resolver) -> None:
        self._desk = desk
        self._resolver = resolver

    async def submit(self, turn: Turn, opened: Opened) -> Reply | None:
        """Freeze complete answers into an intent, once; None when another device was faster."""
        stands = await self.stands(turn, opened.deal)
        if stands is not None:
            return stands
        if asking.asks_to_register(self._desk, turn):
            return await self._ask(turn, opened)
        submission = sealed_submission(self._desk.seals, self._submission(turn, opened))
        crash_at(Point.BEFORE_INTENT)
        try:
            saved = await self._intend(opened.draft, submission)
        except _NotFree:
            return await self._taken_meanwhile(turn, opened)
        if not saved:
            return None
        crash_at(Point.AFTER_INTENT)
        return self._working(turn, opened.deal, submission)

    async def stands(self, turn: Turn, deal: DealView) -> Reply | None:
        """The answer when this deal is registered already, or a registration is on its way."""
        async with self._desk.store.read() as connection:
            tenant = turn.person.tenant
            underway = await registrations.in_flight(connection, tenant, deal.referral.id)
            asked = await approvals.open_for_deal(connection, tenant, deal.referral.id, "register")
        if underway is not None:
            return self._on_its_way(turn, underway, deal.handle)
        if asked is not None:
            return await self._asked_already(turn, asked, deal.handle)
        if deal.referral.registrations:
            card = registered_card(deal, deal.referral.registrations[0], turn.reader)
            return Reply(
                card=card, summary=sentence("#{handle} is registered already", handle=deal.handle)
            )
        return None

    async def _ask(self, turn: Turn, opened: Opened) -> Reply:
        """The policy wants approval first: the answers are frozen into a request instead."""

        async def close(connection: AsyncConnection) -> bool:
            now = self._desk.now()
            saved = await drafts.save(connection, opened.draft, now, state=State.SUBMITTED.value)
            return saved is not None

        registration = registration_of(opened.answers)
        asked = asking.registration_asked(opened.draft, registration)
        return await asking.ask(self._desk, turn, opened.deal.referral, asked, close)

    async def _asked_already(self, turn: Turn, asked: Approval, handle: int) -> Reply:
        """A registration of this deal waits for approval: the request itself, to who asked."""
        if asked.requester == turn.person.id:
            return await asking.show(self._desk, turn, asked)
        message = news.waits_for_approval(handle)
        return Reply(card=message.card, summary=message.summary, only_me=True)

    def _on_its_way(self, turn: Turn, underway: Submission, handle: int) -> Reply:
        message = news.on_its_way(underway, handle, mine=_is_mine(turn, underway))
        return Reply(card=message.card, summary=message.summary, only_me=True)

    def _submission(self, turn: Turn, opened: Opened) -> Submission:
        now, registration = self._desk.now(), registration_of(opened.answers)
        return Submission(
            id=self._desk.new_id(),
            tenant=turn.person.tenant,
            referral_id=opened.deal.referral.id,
            fingerprint=fingerprint(registration),
            registration=registration,
            requester=turn.person.id,
            approver=None,
            draft_id=opened.draft.id,
            place=turn.place,
            message_id=turn.pressed,
            locale=turn.reader.locale,
            timezone=turn.reader.timezone,
            standing=Standing(Stage.INTENT),
            base_inputs={},
            looks=0,
            look_at=now + FIRST_LOOK,
            told=None,
            result=None,
            lease_owner=None,
            lease_until=None,
            created=now,
            updated=now,
            version=1,
        )

    async def _intend(self, draft: Draft, submission: Submission) -> bool:
        """Step 1: the draft is over and the intent is there, in one transaction."""
        async with self._desk.store.begin() as connection:
            now = self._desk.now()
            saved = await drafts.save(connection, draft, now, state=State.SUBMITTED.value)
            if saved is None:
                return False
            if not await registrations.insert(connection, submission):
                raise _NotFree(submission.referral_id)
        return True

    async def _taken_meanwhile(self, turn: Turn, opened: Opened) -> Reply | None:
        async with self._desk.store.read() as connection:
            tenant, deal = turn.person.tenant, opened.deal.referral.id
            other = await registrations.latest(connection, tenant, deal)
        if other is None:
            return None
        return self._on_its_way(turn, other, opened.deal.handle)

    def _working(self, turn: Turn, deal: DealView, submission: Submission) -> Reply:
        async def shown(_message_id: str) -> None:
            """The card is there: from now on its end may take its place."""
            await self._resolver.look_now(submission.id)

        card = registration_state_card(deal, Outcome.WORKING, submission.id, turn.reader)
        return Reply(
            card=card,
            summary=sentence("#{handle}: registering", handle=deal.handle),
            stands=Stand(Row.REGISTRATION, submission.id),
            shown=shown,
        )

    async def look_again(self, turn: Turn, submission_id: str) -> Reply:
        """Look now, and say what is known."""
        async with self._desk.store.read() as connection:
            submission = await registrations.find(connection, submission_id)
        if submission is None or submission.tenant != turn.person.tenant:
            return Reply(card=draft_closed_card("gone"), only_me=True)
        if not _is_mine(turn, submission):
            return Reply(card=draft_closed_card("someone_else"), only_me=True)
        await bearer(self._desk, turn)
        if submission.state in OPEN:
            await self._resolver.look_now(submission_id)
            await self._resolver.drive(submission_id)
        return await self.status(turn, submission)

    async def status(self, turn: Turn, known: Submission) -> Reply:
        """What is known of a submission at this moment."""
        async with self._desk.store.begin() as connection:
            fresh = await registrations.find(connection, known.id) or known
            deal = fresh.referral_id
            handle = (await handles.number_of(connection, fresh.tenant, [deal]))[deal]
        now = self._desk.now()
        if fresh.state in OPEN:
            message = news.waiting(fresh, handle, now)
        elif fresh.state is Stage.DONE:
            return await self._registered(turn, fresh, handle, now)
        else:
            message = news.ended(fresh, news.End.from_json(fresh.result), handle, now)
        return Reply(card=message.card, summary=message.summary)

    async def _registered(self, turn: Turn, done: Submission, handle: int, now: datetime) -> Reply:
        """The registration as Partner Center shows it now, else as it was."""
        token = await bearer(self._desk, turn)
        try:
            referral = await self._desk.partner_center.get(token, done.referral_id)
        except errors.PartnerCenterError:
            return _reply(news.ended(done, news.End.from_json(done.result), handle, now))
        if not referral.registrations:
            return _reply(news.ended(done, news.End.from_json(done.result), handle, now))
        deal = DealView(referral, handle)
        card = registered_card(deal, referral.registrations[0], turn.reader)
        return Reply(card=card, summary=sentence("#{handle} is registered", handle=handle))


def _is_mine(turn: Turn, submission: Submission) -> bool:
    return (submission.tenant, submission.requester) == (turn.person.tenant, turn.person.id)


def _reply(message: Message) -> Reply:
    return Reply(card=message.card, summary=message.summary)
