"""The registration dialog: keeps a person's draft, walks its steps, submits it once.

A draft belongs to the person who began it. Every change is a compare-and-set, so two devices of
that person cannot undo each other.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache

import structlog

from bot import approval_asking as asking
from bot import walk
from bot.conversation import Person
from bot.desk import Desk, Turn, bearer, microsofts, view
from bot.draft_expiry import DRAFT_LIFE, expire
from bot.keywords import english
from bot.opened import Opened, kept, opened
from bot.registration_news import NOT_SURELY_CHECKED
from bot.replies import Left, Reply, Row, Stand, Where
from bot.resolver import Resolver
from bot.sealed import is_as_checked, seal_of_answers
from bot.steps import BY_NAME, STEPS, Asked, Name, Step, first_open
from bot.store import drafts, registrations
from bot.store.approvals import Subject
from bot.store.drafts import Draft, State
from bot.store.errors import StoreError
from bot.submitting import Submitting
from bot.typed_answers import KEEP, read_typed
from bot.walk import Scene, Taken
from cards import actions
from cards.checklist import checklist_card
from cards.deal import DealView
from cards.language import Language, spoken
from cards.notice import notice_card
from cards.reader import Reader
from cards.registration import (
    DraftRow,
    answered_card,
    draft_closed_card,
    drafts_card,
    read_back_card,
    step_card,
)
from cards.wording import sentence, words
from partner_center import errors
from partner_center.referral import Referral

_log = structlog.get_logger(__name__)
WATCH_SECONDS = 600.0
MOST_DRAFTS = 10
ATTENTIVE = timedelta(minutes=30)
"""How long after its last change a draft takes any typed text for an answer."""

_BACK = frozenset({"back", "go back", "previous"})
_CANCEL = frozenset({"cancel", "stop", "quit", "abort"})
_SUBMIT = frozenset({"submit", "send", "send it", "yes", "register", "register it"})
"""Words that send it; what merely goes on to the next step does not, for sending is final."""


class Dialog:
    """Registrations as people talk about them."""

    def __init__(self, desk: Desk, resolver: Resolver) -> None:
        self._desk = desk
        self._resolver = resolver
        self._submitting = Submitting(desk, resolver)

    async def open(self, turn: Turn, referral_id: str) -> Reply:
        """Begin a registration, or go on with the one that was begun."""
        token = await bearer(self._desk, turn)
        referral = await self._desk.partner_center.get(token, referral_id)
        deal = await view(self._desk, turn, referral)
        stands = await self._submitting.stands(turn, deal)
        if stands is not None:
            return stands
        async with self._desk.store.read() as connection:
            mine = turn.person.tenant, turn.person.id, referral.id
            draft = await drafts.open_for(connection, *mine)
        if draft is not None:
            return await self._resumed(turn, draft, deal)
        partner, checks, microsoft = await asyncio.gather(
            self._desk.partner_center.partner_eligibility(token),
            self._desk.partner_center.referral_eligibility(token, referral.id),
            microsofts(self._desk, turn, referral),
        )
        if not (partner.is_eligible and checks.is_eligible):
            card = checklist_card(deal, partner, checks, turn.reader)
            return Reply(
                card=card,
                summary=sentence("#{handle} cannot be registered yet", handle=deal.handle),
            )
        return await self._begun(turn, deal, microsoft)

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
                return await self._submitting.look_again(turn, submission_id)
            case (
                actions.Answer()
                | actions.GoTo()
                | actions.Back()
                | actions.Resume()
                | actions.Submit()
                | actions.CancelDraft()
            ):
                mine = await self._mine(turn, action.draft)
                return (
                    mine if isinstance(mine, Reply) else await self._act(turn, mine, action, inputs)
                )
            case _:
                return None

    async def _act(
        self, turn: Turn, opened: Opened, action: actions.Action, inputs: Mapping[str, str]
    ) -> Reply:
        match action:
            case actions.Answer(step=step):
                return await self._answered(turn, opened, _step(step), inputs)
            case actions.GoTo(step=step):
                return await self._moved(turn, opened, _step(step))
            case actions.Back():
                return await self._moved(turn, opened, _before(opened.step))
            case actions.Submit():
                return await self._submit(turn, opened)
            case actions.CancelDraft():
                return await self._cancel(turn, opened)
            case _:
                return await self._shown_again(turn, opened)

    async def typed(self, turn: Turn, text: str) -> Reply | None:
        """Typed text as an answer to the person's own dialog here; None when there is none."""
        draft = await self._here(turn)
        if draft is None:
            return None
        opened = await self._opened(turn, draft)
        reply = await self._typed(turn, opened, text)
        if reply is None:
            return None
        return replace(reply, where=Where.NEW, leaves=_left(opened))

    async def claims(self, turn: Turn, text: str) -> Reply | None:
        """`change the dates` at the read-back, where it is about the answers and not a deal."""
        if _to_change(_spoken(text)) is None:
            return None
        draft = await self._here(turn)
        if draft is None or draft.step != Name.READ_BACK:
            return None
        return await self.typed(turn, text)

    async def cancel_here(self, turn: Turn) -> Reply:
        """`cancel`: the dialog this person touched last in this conversation."""
        draft = await self._here(turn)
        if draft is None:
            return Reply(text=sentence("There is nothing to cancel here."))
        opened = await self._opened(turn, draft)
        return replace(await self._cancel(turn, opened), leaves=_left(opened))

    async def drafts(self, turn: Turn) -> Reply:
        """Every registration this person has begun and not sent."""
        async with self._desk.store.each(writes=False) as connection:
            found = await drafts.all_open(connection, turn.person.tenant, turn.person.id)
        rows = [row for each in found[:MOST_DRAFTS] if (row := await self._row(turn, each))]
        card = drafts_card(rows, turn.reader) if rows else _no_drafts(spoken())
        return Reply(card=card, summary=sentence("Registrations not yet sent"))

    async def signed_in(self, person: Person) -> None:
        """This person has a token again: what waited for it goes on."""
        await self._resolver.signed_in(person)

    async def watch(self) -> None:
        """Close drafts whose time is over, with a notice, until cancelled."""
        while True:
            try:
                await expire(self._desk.store, self._desk.now())
            except StoreError as error:
                _log.warning("drafts wait for the store", error=str(error))
            await self._desk.sleep(WATCH_SECONDS)

    async def _begun(self, turn: Turn, deal: DealView, microsoft: Referral | None) -> Reply:
        now = self._desk.now()
        async with self._desk.store.begin() as connection:
            mine = turn.person.tenant, turn.person.id, deal.referral.id
            former = await drafts.latest_for(connection, *mine)
            before = former.answers if former and former.state is State.SUBMITTED else {}
            invited = microsoft.created if microsoft else None
            scene = Scene(deal.referral, turn.reader, now, invited)
            answers = walk.usable(before, scene)
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
                answers=kept(answers, invited),
                state=State.OPEN,
                created=now,
                updated=now,
                expires=now + DRAFT_LIFE,
            )
            seal = self._seal(draft, first_open(answers), draft.answers)
            if not await drafts.insert(connection, replace(draft, seal=seal)):
                draft = await drafts.open_for(connection, *mine) or draft
        return self._shown(opened(turn, draft, deal, now))

    async def _resumed(self, turn: Turn, draft: Draft, deal: DealView) -> Reply:
        return await self._shown_again(turn, opened(turn, draft, deal, self._desk.now()))

    async def _shown_again(self, turn: Turn, opened: Opened) -> Reply:
        """Where the draft stands; the card it stood in before, when another, loses its buttons."""
        reply = await self._moved(turn, opened, opened.step)
        if opened.draft.message_id == turn.pressed:
            return reply
        return replace(reply, leaves=_left(opened))

    async def _here(self, turn: Turn) -> Draft | None:
        async with self._desk.store.each(writes=False) as connection:
            found = await drafts.all_open(connection, turn.person.tenant, turn.person.id)
        now, here = self._desk.now(), turn.place
        living = [each for each in found if each.expires > now]
        same = [each for each in living if each.place.conversation_id == here.conversation_id]
        near = [each for each in living if each.place.channel == here.channel]
        return next(iter((*same, *near)), None)

    async def _mine(self, turn: Turn, draft_id: str) -> Opened | Reply:
        """A draft that is open and this person's own; else the answer that says why not."""
        async with self._desk.store.read() as connection:
            draft = await drafts.find(connection, draft_id)
        if draft is None or draft.tenant != turn.person.tenant:
            return Reply(card=draft_closed_card("gone"), only_me=True)
        if draft.person != turn.person.id:
            return Reply(
                card=draft_closed_card("someone_else"),
                summary=sentence("This is someone else's registration"),
                only_me=True,
            )
        if not draft.is_open:
            return await self._closed(turn, draft)
        if draft.expires <= self._desk.now():
            await expire(self._desk.store, self._desk.now())
            return Reply(
                card=draft_closed_card("expired"), summary=sentence("Registration expired")
            )
        return await self._opened(turn, draft)

    async def _closed(self, turn: Turn, draft: Draft) -> Reply:
        async with self._desk.store.read() as connection:
            submission = await registrations.of_draft(connection, draft.id)
        if draft.state is State.SUBMITTED and submission is not None:
            return await self._submitting.status(turn, submission)
        asked = await asking.standing_of(self._desk, Subject.DRAFT, draft.id)
        if asked is not None:
            return await asking.show(self._desk, turn, asked)
        return Reply(
            card=draft_closed_card(draft.state.value), summary=sentence("Registration closed")
        )

    async def _opened(self, turn: Turn, draft: Draft) -> Opened:
        token = await bearer(self._desk, turn)
        referral = await self._desk.partner_center.get(token, draft.referral_id)
        deal = await view(self._desk, turn, referral)
        return opened(turn, draft, deal, self._desk.now())

    async def _typed(self, turn: Turn, opened: Opened, typed: str) -> Reply | None:
        said = _spoken(typed)
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
        return await self._took(turn, opened, opened.step, taken.asked_on)

    async def _typed_at_end(self, turn: Turn, opened: Opened, said: str) -> Reply | None:
        if said in _SUBMIT:
            return await self._submit(turn, opened)
        if said in KEEP:
            return self._shown(opened)
        wanted = _to_change(said) or _to_change(f"change {said}")
        if wanted is not None:
            return await self._moved(turn, opened, wanted)
        return self._shown(opened) if said.startswith("change") else None

    async def _answered(
        self, turn: Turn, opened: Opened, name: Name, entered: Mapping[str, str]
    ) -> Reply:
        taken = walk.take(BY_NAME[name], entered, opened.answers, opened.scene)
        return await self._took(turn, opened, name, taken)

    async def _took(self, turn: Turn, opened: Opened, name: Name, taken: Taken) -> Reply:
        """Keep what was right; stay at the step when something was not, else go on."""
        after = walk.next_step(name, taken, opened.scene)
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
        stored = kept(answers, opened.scene.invited)
        async with self._desk.store.begin() as connection:
            saved = await drafts.save(
                connection,
                opened.draft,
                now,
                step=step.value,
                answers=stored,
                place=turn.place,
                message_id=message_id,
                expires=now + DRAFT_LIFE,
                seal=self._seal(opened.draft, step, stored),
            )
        return None if saved is None else replace(opened, draft=saved)

    def _seal(self, draft: Draft, step: Name, answers: Mapping[str, str]) -> str | None:
        """The read-back shows every answer: what it shows is sealed, and nothing else is sent."""
        at_end = step is Name.READ_BACK
        return seal_of_answers(self._desk.seals, draft, answers) if at_end else None

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
        return Reply(
            card=card,
            summary=sentence("#{handle}: registration cancelled", handle=opened.deal.handle),
        )

    def _shown(self, opened: Opened, taken: Taken | None = None) -> Reply:
        """The card of the step the draft stands at."""
        draft, scene, deal = opened.draft, opened.scene, opened.deal
        answers, name = opened.answers, opened.step
        if name is Name.READ_BACK:
            problems = walk.final_problems(answers, scene)
            sections = walk.sections(answers, scene)
            card = read_back_card(deal, sections, problems, draft.id, scene.reader)
            summary = sentence("#{handle}: check and submit", handle=deal.handle)
        else:
            step = walk.step_view(name, taken or Taken(answers), scene)
            card = step_card(deal, step, draft.id, scene.reader)
            summary = f"#{deal.handle}: {BY_NAME[name].title.plain}"
        return Reply(card=card, summary=summary, stands=_standing(draft))

    async def _submit(self, turn: Turn, opened: Opened) -> Reply:
        """Send complete answers that were shown and break no rule; else show where they stand."""
        answers, name = opened.answers, first_open(opened.answers)
        shown = name is Name.READ_BACK and opened.draft.step == Name.READ_BACK
        if not shown or walk.final_problems(answers, opened.scene):
            return await self._moved(turn, opened, name)
        if not is_as_checked(self._desk.seals, opened.draft):
            return _check_again(opened)
        reply = await self._submitting.submit(turn, opened)
        return reply or await self._overtaken(turn, opened)

    async def _row(self, turn: Turn, draft: Draft) -> DraftRow | None:
        """A line of the list; a deal that can no longer be read has none."""
        try:
            opened = await self._opened(turn, draft)
        except (errors.NotFound, errors.Forbidden):
            return None
        name = opened.step
        title = BY_NAME[name].title if name in BY_NAME else words("Check and submit")
        return DraftRow(draft.id, opened.deal, title, draft.updated, draft.expires)


@lru_cache(maxsize=len(Language))
def _no_drafts(_language: Language) -> Mapping[str, object]:
    """Most people have begun none; nobody changes the card."""
    return drafts_card((), Reader())


def _spoken(typed: str) -> str:
    return english(" ".join(typed.casefold().split()).rstrip("!."))


def _to_change(said: str) -> Name | None:
    """The step that `change the dates`, `change end date` or `change value to 300k` is about."""
    match = re.fullmatch(r"change (?:the |my )?(.+?)(?: to .+)?", said)
    return next((step.name for step in STEPS if match and match[1] in _called(step)), None)


def _called(step: Step) -> frozenset[str]:
    """What a person may call a step: its key, its title, or a field on it."""
    fields = (
        name for each in step.fields for name in (each.id, each.label.plain, each.brief.plain)
    )
    names = (step.name.value, step.title.plain, *fields)
    return frozenset(name.casefold() for name in names)


def _step(name: str) -> Name:
    """The step a card names. Raises UnknownAction for one there is not."""
    if name not in BY_NAME:
        raise actions.UnknownAction("no such step")
    return Name(name)


def _before(name: Name) -> Name:
    names = [*BY_NAME, Name.READ_BACK]
    return names[max(0, names.index(name) - 1)]


def _standing(draft: Draft) -> Stand:
    return Stand(Row.DRAFT, draft.id, message_id=draft.message_id)


def _check_again(opened: Opened) -> Reply:
    """What was shown is not surely what is stored; the button shows what is, sealed anew."""
    title = words("#{handle}: check and submit", handle=opened.deal.handle)
    look = words("Check and submit"), actions.Resume(opened.draft.id)
    card = notice_card(title, NOT_SURELY_CHECKED, words("Nothing was sent."), "", (look,))
    return Reply(card=card, summary=title.plain, stands=_standing(opened.draft))


def _left(opened: Opened) -> Left | None:
    """The card the draft stands in; another takes its place."""
    draft = opened.draft
    if draft.message_id is None:
        return None
    title = words("Check and submit")
    if opened.step is not Name.READ_BACK:
        title = BY_NAME[opened.step].title
    return Left(draft.place, draft.message_id, answered_card(opened.deal, title))
