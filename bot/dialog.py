"""The registration dialog: keeps a person's draft, walks its steps, submits it once.

A draft belongs to the person who began it. Every change is a compare-and-set, so two devices of
that person cannot undo each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import approval_asking as asking
from bot import registration_news as news
from bot import walk
from bot.crash import Point, crash_at
from bot.desk import Desk, Turn, bearer, microsofts, view
from bot.draft_expiry import DRAFT_LIFE, expire
from bot.registration_rules import Standing
from bot.registration_rules import State as Stage
from bot.replies import Reply, Where
from bot.resolver import Resolver
from bot.steps import BY_NAME, STEPS, Asked, Name, first_open, registration_of
from bot.store import approvals, drafts, handles, registrations
from bot.store.approvals import Approval, Subject
from bot.store.drafts import Draft, State
from bot.store.registrations import Submission
from bot.typed_answers import KEEP, read_typed
from bot.walk import Scene, Taken
from cards import actions
from cards.checklist import checklist_card
from cards.deal import DealView
from cards.registration import (
    DraftRow,
    Outcome,
    draft_closed_card,
    drafts_card,
    read_back_card,
    registered_card,
    registration_state_card,
    step_card,
)
from cards.wording import words
from partner_center import errors
from partner_center.referral import Referral
from partner_center.registration import fingerprint

INVITED = "_invited"
"""Kept with the answers: when Microsoft's referral of the engagement was made."""

FIRST_LOOK = timedelta(seconds=5)
"""When a submission is driven at the latest, should its card never be confirmed."""

WATCH_SECONDS = 600.0
MOST_DRAFTS = 10
ATTENTIVE = timedelta(minutes=30)
"""How long after its last change a draft takes any typed text for an answer."""

_BACK = frozenset({"back", "go back", "previous"})
_CANCEL = frozenset({"cancel", "stop", "quit", "abort"})
_SUBMIT = frozenset({"submit", "send", "send it", "yes", "register", "register it", *KEEP})


class _NotFree(Exception):
    """The referral has another registration on its way, or this very one is DONE."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A draft of the person who acts, with everything its cards need."""

    draft: Draft
    scene: Scene
    deal: DealView

    @property
    def answers(self) -> dict[str, str]:
        """The answers that still read as answers today."""
        return walk.usable(self.draft.answers, self.scene)

    @property
    def step(self) -> Name:
        """Where the draft stands; a step this version does not know is the first open one."""
        open_step = first_open(self.answers)
        if self.draft.step not in set(Name):
            return open_step
        return open_step if self.draft.step == Name.READ_BACK else Name(self.draft.step)


class Dialog:
    """Registrations as people talk about them."""

    def __init__(self, desk: Desk, resolver: Resolver) -> None:
        self._desk = desk
        self._resolver = resolver

    async def open(self, turn: Turn, referral_id: str) -> Reply:
        """Begin a registration, or go on with the one that was begun."""
        token = await bearer(self._desk, turn)
        referral = await self._desk.partner_center.get(token, referral_id)
        deal = await view(self._desk, turn, referral)
        stands = await self._stands(turn, deal)
        if stands is not None:
            return stands
        async with self._desk.store.read() as connection:
            mine = turn.person.tenant, turn.person.id, referral.id
            draft = await drafts.open_for(connection, *mine)
        if draft is not None:
            return await self._resumed(turn, draft, deal)
        async with asyncio.TaskGroup() as asking:
            partner = asking.create_task(self._desk.partner_center.partner_eligibility(token))
            checks = asking.create_task(
                self._desk.partner_center.referral_eligibility(token, referral.id)
            )
            microsoft = asking.create_task(microsofts(self._desk, turn, referral))
        if not (partner.result().is_eligible and checks.result().is_eligible):
            card = checklist_card(deal, partner.result(), checks.result(), turn.reader)
            return Reply(card=card, summary=f"#{deal.handle} cannot be registered yet")
        return await self._begun(turn, deal, microsoft.result())

    async def pressed(
        self, turn: Turn, action: actions.Action, inputs: Mapping[str, str]
    ) -> Reply | None:
        """A button of the dialog; None when it is none of ours."""
        match action:
            case actions.Register(deal=deal):
                return await self.open(turn, deal)
            case actions.Drafts():
                return await self.drafts(turn)
            case actions.LookAgain(registration=submission_id):
                return await self._look_again(turn, submission_id)
            case actions.Answer(draft=draft_id, step=step):
                return await self._with(turn, draft_id, self._answering(turn, step, inputs))
            case actions.GoTo(draft=draft_id, step=step):
                return await self._with(turn, draft_id, self._going(turn, step))
            case actions.Back(draft=draft_id):
                return await self._with(turn, draft_id, self._going_back(turn))
            case actions.Resume(draft=draft_id):
                return await self._with(turn, draft_id, self._showing(turn))
            case actions.Submit(draft=draft_id):
                return await self._with(turn, draft_id, self._submitting(turn))
            case actions.CancelDraft(draft=draft_id):
                return await self._with(turn, draft_id, self._cancelling(turn))
            case _:
                return None

    async def typed(self, turn: Turn, text: str) -> Reply | None:
        """Typed text as an answer to the person's own dialog here; None when there is none."""
        draft = await self._here(turn)
        if draft is None:
            return None
        opened = await self._opened(turn, draft)
        reply = await self._typed(turn, opened, text)
        return None if reply is None else replace(reply, where=Where.NEW)

    async def cancel_here(self, turn: Turn) -> Reply:
        """`cancel`: the dialog this person touched last in this conversation."""
        draft = await self._here(turn)
        if draft is None:
            return Reply(text="There is nothing to cancel here.")
        return await self._cancel(turn, await self._opened(turn, draft))

    async def drafts(self, turn: Turn) -> Reply:
        """Every registration this person has begun and not sent."""
        async with self._desk.store.read() as connection:
            found = await drafts.all_open(connection, turn.person.tenant, turn.person.id)
        rows = [row for each in found[:MOST_DRAFTS] if (row := await self._row(turn, each))]
        return Reply(card=drafts_card(rows, turn.reader), summary="Registrations not yet sent")

    async def watch(self) -> None:
        """Close drafts whose time is over, with a notice, until cancelled."""
        while True:
            await expire(self._desk.store, self._desk.now())
            await self._desk.sleep(WATCH_SECONDS)

    async def _stands(self, turn: Turn, deal: DealView) -> Reply | None:
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
            return Reply(card=card, summary=f"#{deal.handle} is registered already")
        return None

    async def _asked_already(self, turn: Turn, asked: Approval, handle: int) -> Reply:
        """A registration of this deal waits for approval: the request itself, to who asked."""
        if asked.requester == turn.person.id:
            return await asking.show(self._desk, turn, asked)
        message = news.waits_for_approval(handle)
        return Reply(card=message.card, summary=message.summary, only_me=True)

    def _on_its_way(self, turn: Turn, underway: Submission, handle: int) -> Reply:
        message = news.on_its_way(underway, handle, mine=_is_mine(turn, underway))
        return Reply(card=message.card, summary=message.summary, only_me=True)

    async def _begun(self, turn: Turn, deal: DealView, microsoft: Referral | None) -> Reply:
        now = self._desk.now()
        async with self._desk.store.begin() as connection:
            mine = turn.person.tenant, turn.person.id, deal.referral.id
            former = await drafts.latest_for(connection, *mine)
            kept = former.answers if former and former.state is State.SUBMITTED else {}
            invited = microsoft.created if microsoft else None
            scene = Scene(deal.referral, turn.reader, now, invited)
            answers = walk.usable(kept, scene)
            draft = Draft(
                id=self._desk.new_id(),
                tenant=turn.person.tenant,
                person=turn.person.id,
                referral_id=deal.referral.id,
                place=turn.place,
                message_id=turn.pressed,
                locale=turn.reader.locale,
                timezone=turn.reader.timezone,
                step=first_open(answers).value,
                answers=_kept(answers, invited),
                state=State.OPEN,
                created=now,
                updated=now,
                expires=now + DRAFT_LIFE,
            )
            if not await drafts.insert(connection, draft):
                draft = await drafts.open_for(connection, *mine) or draft
        return self._shown(Opened(draft, _scene(turn, draft, deal.referral, now), deal))

    async def _resumed(self, turn: Turn, draft: Draft, deal: DealView) -> Reply:
        opened = Opened(draft, _scene(turn, draft, deal.referral, self._desk.now()), deal)
        return await self._moved(turn, opened, opened.step)

    async def _here(self, turn: Turn) -> Draft | None:
        async with self._desk.store.read() as connection:
            found = await drafts.all_open(connection, turn.person.tenant, turn.person.id)
        now, here = self._desk.now(), turn.place
        living = [each for each in found if each.expires > now]
        same = [each for each in living if each.place.conversation_id == here.conversation_id]
        near = [each for each in living if each.place.channel == here.channel]
        return next(iter((*same, *near)), None)

    async def _with(
        self, turn: Turn, draft_id: str, act: Callable[[Opened], Awaitable[Reply]]
    ) -> Reply:
        """Do something with a draft that is open and this person's own; else say why not."""
        async with self._desk.store.read() as connection:
            draft = await drafts.find(connection, draft_id)
        if draft is None or draft.tenant != turn.person.tenant:
            return Reply(card=draft_closed_card("gone"), only_me=True)
        if draft.person != turn.person.id:
            return Reply(
                card=draft_closed_card("someone_else"),
                summary="This is someone else's registration",
                only_me=True,
            )
        if not draft.is_open:
            return await self._closed(turn, draft)
        if draft.expires <= self._desk.now():
            await expire(self._desk.store, self._desk.now())
            return Reply(card=draft_closed_card("expired"), summary="Registration expired")
        return await act(await self._opened(turn, draft))

    async def _closed(self, turn: Turn, draft: Draft) -> Reply:
        async with self._desk.store.read() as connection:
            submission = await registrations.of_draft(connection, draft.id)
        if draft.state is State.SUBMITTED and submission is not None:
            return await self._status(turn, submission)
        asked = await asking.standing_of(self._desk, Subject.DRAFT, draft.id)
        if asked is not None:
            return await asking.show(self._desk, turn, asked)
        return Reply(card=draft_closed_card(draft.state.value), summary="Registration closed")

    async def _opened(self, turn: Turn, draft: Draft) -> Opened:
        token = await bearer(self._desk, turn)
        referral = await self._desk.partner_center.get(token, draft.referral_id)
        deal = await view(self._desk, turn, referral)
        return Opened(draft, _scene(turn, draft, referral, self._desk.now()), deal)

    def _answering(
        self, turn: Turn, step: str, inputs: Mapping[str, str]
    ) -> Callable[[Opened], Awaitable[Reply]]:
        async def act(opened: Opened) -> Reply:
            return await self._answered(turn, opened, _step(step), inputs)

        return act

    def _going(self, turn: Turn, step: str) -> Callable[[Opened], Awaitable[Reply]]:
        async def act(opened: Opened) -> Reply:
            return await self._moved(turn, opened, _step(step))

        return act

    def _going_back(self, turn: Turn) -> Callable[[Opened], Awaitable[Reply]]:
        async def act(opened: Opened) -> Reply:
            return await self._moved(turn, opened, _before(opened.step))

        return act

    def _showing(self, turn: Turn) -> Callable[[Opened], Awaitable[Reply]]:
        async def act(opened: Opened) -> Reply:
            return await self._moved(turn, opened, opened.step)

        return act

    def _submitting(self, turn: Turn) -> Callable[[Opened], Awaitable[Reply]]:
        async def act(opened: Opened) -> Reply:
            return await self._submit(turn, opened)

        return act

    def _cancelling(self, turn: Turn) -> Callable[[Opened], Awaitable[Reply]]:
        async def act(opened: Opened) -> Reply:
            return await self._cancel(turn, opened)

        return act

    async def _typed(self, turn: Turn, opened: Opened, typed: str) -> Reply | None:
        said = " ".join(typed.casefold().split()).rstrip("!.")
        if said in _CANCEL:
            return await self._cancel(turn, opened)
        if said in _BACK:
            return await self._moved(turn, opened, _before(opened.step))
        if opened.step is Name.READ_BACK:
            return await self._typed_at_end(turn, opened, said)
        step = BY_NAME[opened.step]
        standing = walk.standing(step, opened.answers, opened.scene)
        if said in KEEP:
            return await self._answered(turn, opened, opened.step, standing)
        asked = Asked(opened.scene.referral, opened.answers, opened.scene.today)
        read = read_typed(step, typed, asked)
        taken = walk.take(step, standing | read, opened.answers, opened.scene)
        fits = any(name not in taken.entered or name in taken.readings for name in read)
        if not fits and self._desk.now() - opened.draft.updated > ATTENTIVE:
            return None
        return await self._took(turn, opened, opened.step, taken)

    async def _typed_at_end(self, turn: Turn, opened: Opened, said: str) -> Reply | None:
        if said in _SUBMIT:
            return await self._submit(turn, opened)
        wanted = said.removeprefix("change ").removeprefix("the ")
        for step in STEPS:
            if wanted in {step.name.value, step.title.plain.casefold()}:
                return await self._moved(turn, opened, step.name)
        return self._shown(opened) if said.startswith("change") else None

    async def _answered(
        self, turn: Turn, opened: Opened, name: Name, entered: Mapping[str, str]
    ) -> Reply:
        taken = walk.take(BY_NAME[name], entered, opened.answers, opened.scene)
        return await self._took(turn, opened, name, taken)

    async def _took(self, turn: Turn, opened: Opened, name: Name, taken: Taken) -> Reply:
        """Keep what was right; stay at the step when something was not, else go on."""
        after = first_open(taken.answers) if taken.is_complete else name
        saved = await self._save(turn, opened, after, taken.answers)
        if saved is None:
            return await self._overtaken(turn, opened)
        return self._shown(saved, None if taken.is_complete else taken)

    async def _moved(self, turn: Turn, opened: Opened, name: Name) -> Reply:
        saved = await self._save(turn, opened, name, opened.answers)
        return self._shown(saved) if saved else await self._overtaken(turn, opened)

    async def _save(
        self, turn: Turn, opened: Opened, step: Name, answers: Mapping[str, str]
    ) -> Opened | None:
        now, message_id = self._desk.now(), turn.pressed or opened.draft.message_id
        async with self._desk.store.begin() as connection:
            saved = await drafts.save(
                connection,
                opened.draft,
                now,
                step=step.value,
                answers=_kept(answers, opened.scene.invited),
                place=turn.place,
                message_id=message_id,
                expires=now + DRAFT_LIFE,
            )
        return None if saved is None else replace(opened, draft=saved)

    async def _overtaken(self, turn: Turn, opened: Opened) -> Reply:
        """Another device was faster: show what stands now."""
        async with self._desk.store.read() as connection:
            draft = await drafts.find(connection, opened.draft.id)
        if draft is None or not draft.is_open:
            return await self._closed(turn, draft or opened.draft)
        return self._shown(replace(opened, draft=draft))

    async def _cancel(self, turn: Turn, opened: Opened) -> Reply:
        async with self._desk.store.begin() as connection:
            cancelled = await drafts.save(
                connection, opened.draft, self._desk.now(), state=State.CANCELLED.value
            )
        if cancelled is None:
            return await self._overtaken(turn, opened)
        card = draft_closed_card("cancelled", opened.deal)
        return Reply(card=card, summary=f"#{opened.deal.handle}: registration cancelled")

    def _shown(self, opened: Opened, taken: Taken | None = None) -> Reply:
        """The card of the step the draft stands at."""
        draft, scene, deal = opened.draft, opened.scene, opened.deal
        answers, name = opened.answers, opened.step
        if name is Name.READ_BACK:
            problems = walk.final_problems(answers, scene)
            sections = walk.sections(answers, scene)
            card = read_back_card(deal, sections, problems, draft.id, scene.reader)
            summary = f"#{deal.handle}: check and submit"
        else:
            step = walk.step_view(name, taken or Taken(answers), scene)
            card = step_card(deal, step, draft.id, scene.reader)
            summary = f"#{deal.handle}: {BY_NAME[name].title.plain}"
        return Reply(card=card, summary=summary, shown=self._placed(draft))

    def _placed(self, draft: Draft) -> Callable[[str], Awaitable[None]]:
        async def placed(message_id: str) -> None:
            if message_id != draft.message_id:
                async with self._desk.store.begin() as connection:
                    await drafts.place_at(connection, draft.id, draft.place, message_id)

        return placed

    async def _submit(self, turn: Turn, opened: Opened) -> Reply:
        """Freeze the answers into an intent, once; the resolver carries it out."""
        answers, name = opened.answers, first_open(opened.answers)
        if name is not Name.READ_BACK or walk.final_problems(answers, opened.scene):
            return await self._moved(turn, opened, name)
        stands = await self._stands(turn, opened.deal)
        if stands is not None:
            return stands
        if asking.asks_to_register(self._desk, turn):
            return await self._ask(turn, opened)
        submission = self._submission(turn, opened)
        crash_at(Point.BEFORE_INTENT)
        try:
            saved = await self._intend(opened.draft, submission)
        except _NotFree:
            return await self._taken_meanwhile(turn, opened)
        if not saved:
            return await self._overtaken(turn, opened)
        crash_at(Point.AFTER_INTENT)
        return self._working(turn, opened.deal, submission)

    async def _ask(self, turn: Turn, opened: Opened) -> Reply:
        """The policy wants approval first: the answers are frozen into a request instead."""

        async def close(connection: AsyncConnection) -> bool:
            now = self._desk.now()
            saved = await drafts.save(connection, opened.draft, now, state=State.SUBMITTED.value)
            return saved is not None

        registration = registration_of(opened.answers)
        asked = asking.registration_asked(opened.draft, registration)
        return await asking.ask(self._desk, turn, opened.deal.referral, asked, close)

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

    async def _taken_meanwhile(self, turn: Turn, opened: Opened) -> Reply:
        async with self._desk.store.read() as connection:
            tenant, deal = turn.person.tenant, opened.deal.referral.id
            other = await registrations.latest(connection, tenant, deal)
        if other is None:
            return self._shown(opened)
        return self._on_its_way(turn, other, opened.deal.handle)

    def _working(self, turn: Turn, deal: DealView, submission: Submission) -> Reply:
        async def shown(message_id: str) -> None:
            """The card is there: from now on its end may take its place."""
            async with self._desk.store.begin() as connection:
                await registrations.place_at(connection, submission.id, message_id)
            await self._resolver.look_now(submission.id)

        card = registration_state_card(deal, Outcome.WORKING, submission.id, turn.reader)
        return Reply(card=card, summary=f"#{deal.handle}: registering", shown=shown)

    async def _look_again(self, turn: Turn, submission_id: str) -> Reply:
        """Look now, and say what is known."""
        async with self._desk.store.read() as connection:
            submission = await registrations.find(connection, submission_id)
        if submission is None or submission.tenant != turn.person.tenant:
            return Reply(card=draft_closed_card("gone"), only_me=True)
        if not _is_mine(turn, submission):
            return Reply(card=draft_closed_card("someone_else"), only_me=True)
        await bearer(self._desk, turn)
        if submission.state in (Stage.INTENT, Stage.UNKNOWN):
            await self._resolver.look_now(submission_id)
            await self._resolver.drive(submission_id)
        return await self._status(turn, submission)

    async def _status(self, turn: Turn, known: Submission) -> Reply:
        """What is known of a submission at this moment."""
        async with self._desk.store.begin() as connection:
            fresh = await registrations.find(connection, known.id) or known
            deal = fresh.referral_id
            handle = (await handles.number_of(connection, fresh.tenant, [deal]))[deal]
        now = self._desk.now()
        if fresh.state in (Stage.INTENT, Stage.UNKNOWN):
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
            message = news.ended(done, news.End.from_json(done.result), handle, now)
            return Reply(card=message.card, summary=message.summary)
        if not referral.registrations:
            message = news.ended(done, news.End.from_json(done.result), handle, now)
            return Reply(card=message.card, summary=message.summary)
        deal = DealView(referral, handle)
        card = registered_card(deal, referral.registrations[0], turn.reader)
        return Reply(card=card, summary=f"#{handle} is registered")

    async def _row(self, turn: Turn, draft: Draft) -> DraftRow | None:
        """A line of the list; a deal that can no longer be read has none."""
        try:
            opened = await self._opened(turn, draft)
        except (errors.NotFound, errors.Forbidden):
            return None
        name = opened.step
        title = BY_NAME[name].title if name in BY_NAME else words("Check and submit")
        return DraftRow(draft.id, opened.deal, title, draft.updated, draft.expires)


def _is_mine(turn: Turn, submission: Submission) -> bool:
    return (submission.tenant, submission.requester) == (turn.person.tenant, turn.person.id)


def _step(name: str) -> Name:
    """The step a card names. Raises UnknownAction for one there is not."""
    if name not in BY_NAME:
        raise actions.UnknownAction("no such step")
    return Name(name)


def _before(name: Name) -> Name:
    names = [*BY_NAME, Name.READ_BACK]
    return names[max(0, names.index(name) - 1)]


def _kept(answers: Mapping[str, str], invited: datetime | None) -> dict[str, str]:
    return {**answers, **({INVITED: invited.isoformat()} if invited else {})}


def _scene(turn: Turn, draft: Draft, referral: Referral, now: datetime) -> Scene:
    invited = draft.answers.get(INVITED)
    return Scene(referral, turn.reader, now, datetime.fromisoformat(invited) if invited else None)
