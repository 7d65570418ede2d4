"""Takes one deal registration to its end, exactly once, whatever happens on the way.

The steps are those of `exactly-once.md`; what each may do is decided by `registration_rules`. A
drive holds the row's lease: as soon as one of its writes finds the row changed, it stops.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot import registration_news as news
from bot import registration_rules as rules
from bot.crash import Point, crash_at, crash_soon
from bot.identity import SignInNeeded, SignInUnavailable
from bot.registration_facts import Look, inputs_of, look_of, outcome_of
from bot.registration_news import End, Verdict
from bot.registration_row import FREE, LeaseLost, Parts, Row
from bot.registration_rules import (
    ENDS,
    OPEN,
    Attempt,
    Decision,
    Do,
    Outcome,
    State,
)
from bot.sealed import is_as_decided
from bot.store import jsontext, registrations
from bot.store.jsontext import Json
from bot.store.registrations import Submission
from cards.language import speaking
from partner_center import errors
from partner_center.client import Bearer
from partner_center.eligibility import Checklist
from partner_center.patch import registration_document

READ_BACK_PAUSES = (0.0, 2.0, 2.0, 2.0)
"""Seconds before each read after an answer (API reference U30)."""

PATCH_SECONDS = 30.0
WATCH = timedelta(hours=1)
"""How long a finished registration is watched while another PATCH of it may be under way."""

SLOW = 3
"""Looks in vain before the card says that it takes long."""

_log = structlog.get_logger(__name__)


class Drive:
    """One process's work on one row, for as long as it holds the lease."""

    def __init__(self, parts: Parts, held: Submission) -> None:
        self._parts = parts
        self._row = Row(parts, held)
        self._verdict: Verdict | None = None
        self._facts: dict[str, Json] = {}
        self._retry_after: float | None = None

    async def run(self) -> None:
        """Go as far as is possible now. Raises LeaseLost; the row then belongs to another."""
        with speaking(self._row.held.locale):
            await self._run()

    async def _run(self) -> None:
        try:
            await self._walk()
        except (SignInNeeded, errors.Unauthorized):
            await self._ask_to_sign_in()
        except (errors.Forbidden, errors.NotFound) as error:
            self._note(error)
            await self._carry_out(rules.after_closed_door(self._row.standing), None)
        except errors.PartnerCenterError as error:
            self._note(error)
            await self._look_later(None)
        except SignInUnavailable:
            await self._look_later(None)

    async def _walk(self) -> None:
        """Read what was sent before; then steps 2 to 6 until nothing is to be sent any more."""
        if self._row.standing.state is State.INTENT and not self._is_as_decided():
            await self._carry_out(rules.after_broken_seal(self._row.standing, None), None)
            return
        token = await self._parts.identity.bearer(await self._row.person())
        look: Look | None = None
        if self._row.standing.state is not State.INTENT:
            decision, look = await self._read(token)
            if decision.do is not Do.SEND:
                await self._carry_out(decision, look)
                return
        while True:
            decision, look = await self._try(token, look)
            if decision.do is not Do.SEND:
                await self._carry_out(decision, look)
                return

    async def _try(self, token: Bearer, look: Look | None) -> tuple[Decision, Look | None]:
        """Steps 2 to 6 once. SEND: go round again."""
        decision = self._unless_late(Decision(Do.PROCEED), look)
        if decision.do is Do.PROCEED:
            decision = await self._check_eligibility(token, look)
        if decision.do is not Do.PROCEED:
            look = look or await self._glance(token)
            return rules.after_glance(decision, look.seen if look else None), look
        decision, look = await self._read(token)
        crash_at(Point.AFTER_GET)
        if decision.do is not Do.SEND:
            return decision, look
        decision = await self._send(token, look)
        if decision.do is Do.READ_BACK:
            return await self._read_back(token)
        return decision, look

    async def _check_eligibility(self, token: Bearer, look: Look | None) -> Decision:
        """Step 2, fresh every time. An answer that does not come is never a yes."""
        partner_center, deal = self._parts.partner_center, self._row.held.referral_id
        partner = await partner_center.partner_eligibility(token)
        checklist: Checklist | None = None
        if partner.is_eligible:
            checklist = await partner_center.referral_eligibility(token, deal)
        self._verdict = Verdict(partner, checklist)
        crash_at(Point.AFTER_ELIGIBILITY)
        return rules.after_eligibility(
            self._row.standing,
            look.seen if look else None,
            eligible=checklist is not None and checklist.is_eligible,
        )

    async def _read(self, token: Bearer) -> tuple[Decision, Look]:
        """Step 3, and the fence of step 7."""
        look = await self._look(token)
        now, limits = self._parts.now(), self._parts.limits
        decision = rules.after_read(self._row.standing, look.seen, now, limits)
        if decision.do in {Do.SEND, Do.LOOK}:
            decision = self._unless_late(decision, look)
        if decision.do is Do.SEND and not self._is_as_decided():
            decision = rules.after_broken_seal(self._row.standing, look.seen)
        return decision, look

    def _is_as_decided(self) -> bool:
        return is_as_decided(self._parts.seals, self._row.held)

    async def _look(self, token: Bearer) -> Look:
        referral = await self._parts.partner_center.get(token, self._row.held.referral_id)
        return look_of(self._row.held, referral)

    async def _glance(self, token: Bearer) -> Look | None:
        """The deal, before the row ends; that it cannot be read changes nothing."""
        try:
            return await self._look(token)
        except errors.PartnerCenterError as error:
            _log.info("no deal to show", id=self._row.held.id, error=str(error))
            return None

    async def _read_back(self, token: Bearer) -> tuple[Decision, Look]:
        """Read until the registration shows or there is something else to do."""
        decision, look = await self._read(token)
        for pause in READ_BACK_PAUSES[1:]:
            crash_at(Point.AFTER_READ_BACK)
            if decision.do is not Do.LOOK:
                break
            await self._parts.sleep(pause)
            decision, look = await self._read(token)
        return decision, look

    async def _send(self, token: Bearer, look: Look) -> Decision:
        """Steps 4 to 6: write down that it may be sent, send it, write down the answer."""
        now = self._parts.now()
        attempt = Attempt(str(uuid.uuid4()), look.seen.version, now)
        attempts = (*self._row.standing.attempts, attempt)
        crash_at(Point.BEFORE_UNKNOWN)
        await self._row.save(
            state=State.UNKNOWN.value,
            base_etag=attempt.base.etag,
            base_updated=attempt.base.updated,
            base_inputs=jsontext.write(inputs_of(look.referral)),
            attempt=len(attempts),
            client_request_ids=registrations.attempts_text(attempts),
            lease_until=now + self._parts.lease,
        )
        crash_at(Point.AFTER_UNKNOWN)
        outcome = await self._patch(token, attempt)
        crash_at(Point.PATCH_APPLIED)
        answered = (*attempts[:-1], replace(attempt, outcome=outcome))
        await self._row.save(
            client_request_ids=registrations.attempts_text(answered),
            lease_until=self._parts.now() + self._parts.lease,
        )
        return rules.after_answer(self._row.standing)

    async def _patch(self, token: Bearer, attempt: Attempt) -> Outcome:
        """Step 5: one PATCH, always with If-Match, never repeated here."""
        if not self._row.is_leased:
            raise LeaseLost(self._row.held.id)
        if not self._is_as_decided():
            return Outcome.NOT_SENT
        crash_soon(Point.PATCH_SENT)
        try:
            await self._parts.partner_center.patch(
                token,
                self._row.held.referral_id,
                registration_document(self._row.held.registration),
                etag=attempt.base.etag,
                client_request_id=attempt.client_request_id,
                deadline=PATCH_SECONDS,
            )
        except SignInNeeded:
            return Outcome.UNAUTHORIZED
        except SignInUnavailable:
            return Outcome.NOT_SENT
        except errors.PartnerCenterError as error:
            self._note(error)
            return outcome_of(error)
        return Outcome.APPLIED

    def _note(self, error: errors.PartnerCenterError) -> None:
        """Keep what support will ask for, and how long the service wants us to wait."""
        _log.warning("registration call failed", id=self._row.held.id, error=str(error))
        self._facts = {"status": error.status, "code": error.code, "request": error.request_id}
        self._retry_after = error.retry_after if isinstance(error, errors.Throttled) else None

    def _unless_late(self, decision: Decision, look: Look | None) -> Decision:
        seen = look.seen if look else None
        waited, limits = self._row.waited, self._parts.limits
        late = rules.after_waiting(self._row.standing, seen, waited, limits)
        return decision if late.do is Do.PROCEED else late

    def _still_open(self, do: Do, look: Look | None) -> Decision:
        if self._row.standing.state not in OPEN:
            return Decision(Do.LEAVE)
        return self._unless_late(Decision(do), look)

    async def _carry_out(self, decision: Decision, look: Look | None) -> None:
        match decision.do:
            case do if do in ENDS:
                await self._end(decision, look)
            case Do.SIGN_IN:
                await self._ask_to_sign_in()
            case Do.TELL:
                await self._give_to_a_person()
            case Do.LEAVE:
                await self._leave()
            case _:
                await self._look_later(look)

    async def _end(self, decision: Decision, look: Look | None) -> None:
        """The final state, its card and its audit entry, in one transaction."""
        now = self._parts.now()
        end = self._end_of(decision, look)
        crash_at(Point.BEFORE_DONE)
        async with self._row.saving(
            state=ENDS[decision.do].value,
            result=jsontext.write(end.to_json()),
            look_at=self._watch_from(decision, now),
            looks=0,
            told=None,
            **FREE,
        ) as connection:
            crash_at(Point.BEFORE_OUTBOX)
            handle = await self._row.handle(connection)
            message = news.ended(self._row.held, end, handle, now)
            if decision.do is Do.ALERT:
                _log.error("registered more than once", id=self._row.held.id)
                await self._row.show(connection, message, "alert")
                await self._row.tell(connection, message, "doubled")
            else:
                await self._row.show(connection, message, "end")
            why, request = decision.why, self._facts.get("request")
            await self._row.audit(
                connection,
                decision.do.value,
                why.value if why else None,
                str(request) if request else None,
            )
            crash_at(Point.AFTER_OUTBOX)
        crash_at(Point.AFTER_DONE)

    def _end_of(self, decision: Decision, look: Look | None) -> End:
        return End(
            decision=decision,
            referral=look.referral if look else None,
            same=look.same if look else (),
            others=look.others if look else (),
            already=not self._row.standing.attempts,
            changed=self._changed(look),
            verdict=self._verdict,
            facts=self._facts,
        )

    def _changed(self, look: Look | None) -> tuple[tuple[str, str, str], ...]:
        """The inputs that moved since the base: name, before, now."""
        before = self._row.held.base_inputs
        if look is None or not before:
            return ()
        after = inputs_of(look.referral)
        return tuple(
            (name, before.get(name, ""), value)
            for name, value in after.items()
            if before.get(name, "") != value
        )

    def _watch_from(self, decision: Decision, now: datetime) -> datetime | None:
        """When to look again although it is over: only where If-Match alone holds a PATCH back."""
        if decision.do is not Do.DONE:
            return None
        attempts = self._row.standing.attempts
        doubtful = sum(each.is_open for each in attempts)
        needed = 1 if attempts and not attempts[-1].is_open else 2
        return now + timedelta(seconds=self._parts.limits.then) if doubtful >= needed else None

    async def _leave(self) -> None:
        """It is over; a finished row stays watched for a while."""
        now, held, then = self._parts.now(), self._row.held, self._parts.limits.then
        watched = timedelta(seconds=(held.looks + 1) * then)
        more = held.state is State.DONE and watched < WATCH
        later = now + timedelta(seconds=then) if more else None
        await self._row.save(look_at=later, looks=held.looks + 1, **FREE)

    async def _look_later(self, look: Look | None) -> None:
        """Stay open, look again after a while, and say so once it takes long."""
        decision = self._still_open(Do.LOOK, look)
        if decision.do is not Do.LOOK:
            await self._carry_out(decision, look)
            return
        now, held = self._parts.now(), self._row.held
        looks = held.looks + 1
        slow = looks >= SLOW and held.told != "waiting"
        async with self._row.saving(
            looks=looks,
            look_at=self._next_look(now),
            told="waiting" if slow else held.told,
            **FREE,
        ) as connection:
            if slow:
                handle = await self._row.handle(connection)
                message = news.waiting(self._row.held, handle, now)
                await self._row.show(connection, message, "waiting")

    def _next_look(self, now: datetime) -> datetime:
        """After the next pause, or as soon as the last PATCH is settled; as late as asked for."""
        limits, row = self._parts.limits, self._row
        at = now + limits.pause(row.held.looks)
        attempts = [each for each in row.standing.attempts if each.is_open]
        settled = max((each.at + limits.settle for each in attempts), default=at)
        if now < settled < at:
            at = settled
        if self._retry_after is None:
            return at
        wait = min(self._retry_after, limits.give_up.total_seconds())
        return max(at, now + timedelta(seconds=wait))

    async def _ask_to_sign_in(self) -> None:
        """No token: the row waits as it is; its requester is asked, once until they did."""
        decision = self._still_open(Do.SIGN_IN, None)
        if decision.do is not Do.SIGN_IN:
            await self._carry_out(decision, None)
            return
        now, held = self._parts.now(), self._row.held
        async with self._row.saving(
            looks=held.looks + 1, look_at=self._next_look(now), told="sign_in", **FREE
        ) as connection:
            if held.told != "sign_in":
                handle = await self._row.handle(connection)
                message = news.sign_in(self._row.held, handle, now)
                await self._row.show(connection, message, "sign_in")
                await self._row.tell(connection, message, "ask")

    async def _give_to_a_person(self) -> None:
        """Nothing could be learnt in a day: stop looking by ourselves and say so."""
        now, held = self._parts.now(), self._row.held
        async with self._row.saving(look_at=None, told="person", **FREE) as connection:
            if held.told != "person":
                _log.error("registration needs a person", id=held.id)
                handle = await self._row.handle(connection)
                message = news.needs_a_person(self._row.held, handle, now)
                await self._row.show(connection, message, "person")
                await self._row.tell(connection, message, "tell")
