"""What happens after a press: the write as the requester, and the same end on every card.

Whatever is open is found again in the store, so that nothing is lost with a process.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot import creation
from bot import proposals as writing
from bot.approval_acts import record, told_expired
from bot.approval_asking import print_of
from bot.approval_cards import Cards
from bot.approval_view import (
    NEEDS_SIGN_IN,
    age_at,
    base_of,
    changes_text,
    difference,
    is_delayed,
    is_unsent,
    locale_of,
    owe_copies,
    reason_of,
    tell,
)
from bot.conversation import Message, Person, Place
from bot.crash import Point, crash_at
from bot.desk import Desk, Turn
from bot.identity import SignInNeeded, SignInUnavailable
from bot.registration_rules import Age, Standing
from bot.registration_rules import State as Stage
from bot.replies import Reply
from bot.sealed import is_granted, sealed_submission
from bot.store import (
    approval_copies,
    approvals,
    jsontext,
    people,
    proposals,
    registrations,
)
from bot.store.approvals import Approval, State, Subject
from bot.store.connection import AsyncConnection
from bot.store.errors import StoreError
from bot.store.proposals import Proposal, Why
from bot.store.registrations import Submission
from cards.actions import SignIn
from cards.approval import Delay
from cards.changes import FieldChange
from cards.language import speaking
from cards.notice import notice_card
from cards.reader import Reader
from cards.wording import marked, sentence, words
from partner_center import errors
from partner_center.client import Bearer
from partner_center.referral import Referral
from partner_center.registration import fingerprint

_log = structlog.get_logger(__name__)
LEASE = timedelta(seconds=60)
"""How long one try to carry something out may take; after it another instance may try."""
LASTS = timedelta(hours=24)
"""How long an approval is tried to be carried out before a person is told."""
PAUSES = (2.0, 5.0, 15.0, 60.0)
"""Seconds before each further try after one that stumbled; the last again and again."""
IDLE_SECONDS = 1.0
AT_ONCE = 8
"""Approvals carried out at the same time."""
FINISH_SECONDS = 8.0
READ_AGAIN = (0.0, 1.0, 3.0, 8.0)
"""Seconds before each read of the deal while Partner Center shows an earlier version."""


class Looks(Protocol):
    """Drives a registration that is due."""

    async def look_now(self, submission_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class End:
    """How carrying it out ended."""

    state: State
    reason: str | None = None
    reply: Message | None = None


class ApprovalWork:
    """Carries out what was approved. `bell` is rung when something is to be done."""

    def __init__(
        self,
        desk: Desk,
        looks: Looks,
        bell: asyncio.Event,
        owner: str,
        wake_outbox: Callable[[], None],
    ) -> None:
        self._desk = desk
        self._looks = looks
        self._bell = bell
        self._owner = owner
        self._wake_outbox = wake_outbox
        self._cards = Cards(desk)
        self._busy: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Until cancelled; what is being carried out then is finished."""
        try:
            while True:
                self._bell.clear()
                try:
                    await self._look_around()
                except StoreError as error:
                    _log.warning("approvals wait for the store", error=str(error))
                except Exception:
                    _log.exception("approvals stumbled")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_SECONDS):
                        await self._bell.wait()
        finally:
            await self._let_finish()

    async def _look_around(self) -> None:
        """Everything that is due now; carrying out goes on beside."""
        await self._expire()
        await self._cards.bring()
        self._wake_outbox()
        now = self._desk.now()
        async with self._desk.store.each(writes=False) as alone:
            if not await approvals.any_due(alone, now):
                return
        async with self._desk.store.read() as connection:
            due = await approvals.due(connection, now)
        for approval in due:
            if approval.id not in self._busy and len(self._busy) < AT_ONCE:
                task = asyncio.create_task(self._carry_on(approval), name=approval.id)
                self._busy[approval.id] = task
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._busy.pop(task.get_name(), None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("approval not carried out", approval=task.get_name(), exc_info=error)
        self._wake_outbox()

    async def _let_finish(self) -> None:
        if self._busy:
            await asyncio.wait(set(self._busy.values()), timeout=FINISH_SECONDS)
        for task in list(self._busy.values()):
            task.cancel()

    async def _expire(self) -> None:
        now = self._desk.now()
        async with self._desk.store.each(writes=False) as alone:
            if not await approval_copies.any_overdue(alone, now):
                return
        async with self._desk.store.begin() as connection:
            for ended in await approvals.expire_due(connection, now):
                await told_expired(connection, self._desk, ended, now)

    async def _carry_on(self, approval: Approval) -> None:
        try:
            if approval.subject is Subject.PROPOSAL:
                await self._write(approval)
            else:
                await self._register(approval)
        except (SignInNeeded, errors.Unauthorized):
            await self._ask_to_sign_in(approval)
        except (errors.Forbidden, errors.NotFound):
            await self._give_up(approval, Why.UNREADABLE)
        except (errors.PartnerCenterError, SignInUnavailable, StoreError) as error:
            _log.warning("approval not carried out yet", approval=approval.id, error=str(error))
            await self._stumbled(approval, error)

    async def _stumbled(self, approval: Approval, error: Exception) -> None:
        """Let it go until the next try. While the store cannot note that, it is tried again here;
        after that the lease runs out by itself."""
        wait = error.retry_after if isinstance(error, errors.PartnerCenterError) else None
        for pause in PAUSES[:-1]:
            try:
                await self._later(approval, _delay_after(error), wait)
                return
            except StoreError as busy:
                _log.warning("approval not let go yet", approval=approval.id, error=str(busy))
                await self._desk.sleep(pause)

    async def _later(
        self, approval: Approval, delay: Delay | None, retry_after: float | None = None
    ) -> None:
        """Try it again after a while, as late as asked for; everybody's card says so while nothing
        was sent. After a day it has failed."""
        if self._desk.now() - approval.updated > LASTS:
            await self._give_up(approval, Why.LATE)
        pause = PAUSES[min(approval.tries, len(PAUSES) - 1)]
        wait = min(timedelta(seconds=max(pause, retry_after or 0)), LASTS)
        now = self._desk.now()
        async with self._desk.store.begin() as connection:
            told = delay is not None and await is_unsent(connection, approval)
            reason = reason_of(delay) if delay is not None and told else None
            let_go = await approvals.postpone(
                connection, approval.id, self._owner, now, now + wait, reason=reason
            )
            is_news = approval.reason != reason or wait.total_seconds() > PAUSES[-1]
            if let_go is not None and told and is_news:
                await owe_copies(connection, self._desk.policy, let_go, now)

    async def _give_up(self, approval: Approval, why: Why) -> None:
        """Say that it failed, unless something was sent that may have arrived."""
        async with self._desk.store.begin() as connection:
            fresh = await approvals.find(connection, approval.id)
            if fresh is None or fresh.state is not State.APPROVED:
                return
            end = await self._known_end(connection, fresh, why)
            if end is not None:
                await self._end(connection, fresh, end, self._desk.now())

    async def _known_end(
        self, connection: AsyncConnection, approval: Approval, why: Why
    ) -> End | None:
        """FAILED when nothing was sent; None when nobody knows yet."""
        if approval.subject is Subject.DRAFT:
            sent = await registrations.of_draft(connection, approval.subject_id) is not None
            return None if sent else End(State.FAILED, _REASONS[why])
        proposal = await proposals.find(connection, approval.subject_id)
        if proposal is not None and proposal.state is proposals.State.DONE:
            return End(State.DONE)
        if proposal is not None and proposal.state is proposals.State.OPEN:
            failed = await proposals.fail(connection, proposal, why, now=self._desk.now())
            return End(State.FAILED, _REASONS[why]) if failed else None
        return None

    async def _write(self, approval: Approval) -> None:
        """A proposal: written as its requester, bound to the version it was approved on."""
        async with self._desk.store.read() as connection:
            proposal = await proposals.find(connection, approval.subject_id)
        if proposal is None:
            await self._finish_now(approval, End(State.FAILED, _GONE))
            return
        open_still = proposal.state is proposals.State.OPEN
        quiet = self._desk.now() - proposal.updated < LEASE
        if proposal.state in _UNDER_WAY and quiet:
            return
        if not open_still and proposal.state not in _UNDER_WAY:
            await self._finish_now(approval, await self._end_of(approval, proposal, None))
            return
        turn = await self._turn(approval, proposal.place)
        token = await self._desk.identity.bearer(turn.person)
        held = await self._claimed(approval)
        if held is None:
            return
        if not await self._is_granted(held, proposal):
            return
        creates = proposal.kind is proposals.Kind.CREATE
        if creates and not _is_what_was_approved(approval, proposal):
            await self._finish(held, End(State.FAILED, _ALTERED))
            return
        if open_still and not creates and not await self._is_still_so(held, token):
            return
        save = creation.save if creates else writing.save
        with speaking(turn.reader.locale):
            reply = await save(self._desk, turn, proposal.id)
        async with self._desk.store.read() as connection:
            after = await proposals.find(connection, proposal.id) or proposal
        match after.state:
            case proposals.State.OPEN if creates and creation.is_out_of_date(after, turn.today):
                await self._give_up(held, Why.OUT_OF_DATE)
            case proposals.State.OPEN:
                await self._later(held, None)
            case state if state in _UNDER_WAY:
                async with self._desk.store.begin() as connection:
                    await self._not_unsent(connection, held)
            case _:
                await self._finish(held, await self._end_of(approval, after, reply))

    async def _not_unsent(self, connection: AsyncConnection, held: Approval) -> None:
        """It was sent or soon is: no card says any longer that nothing was."""
        if not is_delayed(held):
            return
        kept = await approvals.forget_reason(connection, held)
        if kept is not None:
            await owe_copies(connection, self._desk.policy, kept, self._desk.now())

    async def _end_of(self, approval: Approval, proposal: Proposal, reply: Reply | None) -> End:
        message = reply.message() if reply is not None and reply.card is not None else None
        match proposal.state:
            case proposals.State.DONE:
                return End(State.DONE, reply=message)
            case proposals.State.CONFLICT:
                turn = await self._turn(approval, approval.place)
                token = await self._desk.identity.bearer(turn.person)
                referral = await self._desk.partner_center.get(token, approval.referral_id)
                return End(State.STALE, _moved(approval, referral), message)
            case _:
                return End(State.FAILED, _REASONS[proposals.why_failed(proposal)], message)

    async def _is_still_so(self, held: Approval, token: Bearer) -> bool:
        """Whether the deal is as it was when this was asked. A newer version ends the request;
        an earlier one tells nothing: it is read again, and then tried again later."""
        for seconds in READ_AGAIN:
            await self._desk.sleep(seconds)
            referral = await self._desk.partner_center.get(token, held.referral_id)
            age = age_at(held, referral)
            if age is Age.NEWER:
                await self._stale(held, referral)
            if age is not Age.OLDER:
                return age is Age.SAME
        _log.info("approval waits for a read that is not behind", approval=held.id)
        await self._later(held, Delay.BEHIND)
        return False

    async def _stale(self, held: Approval, referral: Referral) -> None:
        """The deal moved on: the approval does not apply, and nothing was sent under it."""
        now = self._desk.now()
        async with self._desk.store.begin() as connection:
            if held.subject is Subject.PROPOSAL:
                proposal = await proposals.find(connection, held.subject_id)
                if proposal is None or proposal.state is not proposals.State.OPEN:
                    return
                await proposals.advance(connection, proposal, proposals.State.CONFLICT, now=now)
            elif await registrations.of_draft(connection, held.subject_id) is not None:
                return
            await self._end(connection, held, End(State.STALE, _moved(held, referral)), now)

    async def _register(self, approval: Approval) -> None:
        """A registration: its intent is stored with the approval; the protocol does the rest."""
        async with self._desk.store.read() as connection:
            submission = await registrations.of_draft(connection, approval.subject_id)
        if submission is not None:
            await self._follow(approval, submission)
            return
        turn = await self._turn(approval, approval.place)
        token = await self._desk.identity.bearer(turn.person)
        held = await self._claimed(approval)
        if held is None or not await self._is_granted(held, None):
            return
        if not await self._is_still_so(held, token):
            return
        intent = sealed_submission(self._desk.seals, self._intent(held, turn))
        async with self._desk.store.begin() as connection:
            kept = await approvals.advance(connection, held, State.APPROVED, self._desk.now())
            if kept is None:
                return
            if intent.fingerprint != approval.fingerprint:
                await self._end(connection, kept, End(State.FAILED, _ALTERED), self._desk.now())
                return
            if not await registrations.insert(connection, intent):
                await self._end(connection, kept, End(State.FAILED, _OTHER), self._desk.now())
                return
            await self._not_unsent(connection, kept)
        await self._looks.look_now(intent.id)

    async def _follow(self, approval: Approval, submission: Submission) -> None:
        """A registration under way ends the request with it."""
        match submission.state:
            case Stage.DONE:
                await self._finish_now(approval, End(State.DONE))
            case Stage.INTENT | Stage.UNKNOWN:
                if submission.told == "sign_in":
                    await self._ask_to_sign_in(approval)
            case _:
                await self._finish_now(approval, End(State.FAILED, _NOT_REGISTERED))

    def _intent(self, approval: Approval, turn: Turn) -> Submission:
        now = self._desk.now()
        registration = registrations.registration_from(jsontext.read(approval.operations))
        return Submission(
            id=self._desk.new_id(),
            tenant=approval.tenant,
            referral_id=approval.referral_id,
            fingerprint=fingerprint(registration),
            registration=registration,
            requester=approval.requester,
            approver=approval.decided_by,
            draft_id=approval.subject_id,
            place=approval.place,
            message_id=None,
            locale=turn.reader.locale,
            timezone=turn.reader.timezone,
            standing=Standing(Stage.INTENT),
            base_inputs={},
            looks=0,
            look_at=now,
            told=None,
            result=None,
            lease_owner=None,
            lease_until=None,
            created=now,
            updated=now,
            version=1,
        )

    async def _ask_to_sign_in(self, approval: Approval) -> None:
        """No token: the requester is asked, once; after signing in it goes on by itself."""
        now = self._desk.now()
        async with self._desk.store.begin() as connection:
            fresh = await approvals.find(connection, approval.id)
            if fresh is None or fresh.state is not State.APPROVED:
                return
            if fresh.reason == NEEDS_SIGN_IN:
                late = now - fresh.updated > LASTS
                end = await self._known_end(connection, fresh, Why.LATE) if late else None
                if end is not None:
                    await self._end(connection, fresh, end, now)
                return
            kept = await approvals.advance(
                connection, fresh, State.APPROVED, now, reason=NEEDS_SIGN_IN
            )
            if kept is None:
                return
            await owe_copies(connection, self._desk.policy, kept, now)
            with speaking(await locale_of(connection, kept, kept.requester)):
                message = _sign_in()
            key = f"approval:{kept.id}:sign_in"
            await tell(connection, kept, kept.requester, message, key, now)

    async def _is_granted(self, held: Approval, proposal: Proposal | None) -> bool:
        """Whether what is about to be written was really approved; else the request ends here."""
        async with self._desk.store.read() as connection:
            if await is_granted(connection, self._desk.seals, held, proposal):
                return True
        await self._give_up(held, Why.ALTERED)
        return False

    async def _claimed(self, approval: Approval) -> Approval | None:
        now = self._desk.now()
        async with self._desk.store.begin() as connection:
            held = await approvals.claim(connection, approval.id, self._owner, now, now + LEASE)
        crash_at(Point.APPROVAL_CLAIMED)
        return held

    async def _finish(self, held: Approval, end: End) -> None:
        async with self._desk.store.begin() as connection:
            await self._end(connection, held, end, self._desk.now())
        crash_at(Point.APPROVAL_ENDED)

    async def _finish_now(self, approval: Approval, end: End) -> None:
        """End a request as it is in the store now, if it still is to be carried out."""
        async with self._desk.store.begin() as connection:
            fresh = await approvals.find(connection, approval.id)
            if fresh is not None and fresh.state is State.APPROVED:
                await self._end(connection, fresh, end, self._desk.now())

    async def _end(
        self, connection: AsyncConnection, held: Approval, end: End, now: datetime
    ) -> None:
        """The end, its audit entry and the promise of every card, in one transaction."""
        ended = await approvals.advance(connection, held, end.state, now, reason=end.reason)
        if ended is None:
            return
        await record(connection, ended, ended.requester, end.state.value, now)
        await owe_copies(connection, self._desk.policy, ended, now)
        if end.reply is not None:
            key = f"approval:{ended.id}:result"
            await tell(connection, ended, ended.requester, end.reply, key, now)

    async def _turn(self, approval: Approval, place: Place) -> Turn:
        """The requester's turn, under this approval."""
        async with self._desk.store.read() as connection:
            known = await people.find(connection, approval.tenant, approval.requester)
        person = known.person if known else Person(approval.tenant, approval.requester, "", "")
        locale = known.locale if known and known.locale else "en-US"
        reader = Reader(locale, None, self._desk.now())
        return Turn(person, place, reader, "", approval=approval.id)


def _delay_after(error: Exception) -> Delay:
    """What a stumble is called on the cards."""
    match error:
        case errors.Throttled():
            return Delay.THROTTLED
        case errors.Locked():
            return Delay.LOCKED
        case SignInUnavailable():
            return Delay.SIGN_IN
        case StoreError():
            return Delay.STORE
        case _:
            return Delay.UNANSWERED


def _is_what_was_approved(approval: Approval, proposal: Proposal) -> bool:
    """A new deal has no version: its document is compared instead."""
    document = str(proposal.operations)
    return document == approval.operations and print_of(document) == approval.fingerprint


def _moved(approval: Approval, referral: Referral) -> str:
    changes: tuple[FieldChange, ...] = difference(base_of(approval), referral)
    return jsontext.write(changes_text(changes))


_UNDER_WAY = frozenset({proposals.State.UNKNOWN, proposals.State.APPLYING})
_REASONS = {
    Why.REFUSED: marked("Partner Center refused the change."),
    Why.ALTERED: marked(
        "What is stored is not what was approved; ask again, and tell your administrator."
    ),
    Why.UNREADABLE: marked("Partner Center does not show this deal to the requester any more."),
    Why.LATE: marked("It could not be carried out within a day; ask again."),
    Why.OUT_OF_DATE: marked("What it says was right when it was shown, and is not any more."),
}
_GONE = marked("The change itself is no longer there.")
_ALTERED = marked("What was asked for does not match its fingerprint.")
_OTHER = marked("Another registration of this deal is on its way or done.")
_NOT_REGISTERED = marked("The requester was told why, in their personal chat.")


def _sign_in() -> Message:
    return Message(
        card=notice_card(
            words("Approved: please sign in"),
            words("What you asked for was approved, but your sign-in has ended."),
            words("Nothing was changed so far."),
            words("Sign in, and it happens by itself."),
            ((words("Sign in"), SignIn()),),
        ),
        summary=sentence("Approved: please sign in"),
    )
