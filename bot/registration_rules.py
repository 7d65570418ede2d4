"""What to do next with a registration on its way: rows and observations in, decisions out.

The protocol is `exactly-once.md`, step by step. Nothing here reads a clock, a database or the
network, so that the exhaustive model test explores these very functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class State(StrEnum):
    """Where a registration stands. INTENT and UNKNOWN are open and lock the referral."""

    INTENT = "INTENT"
    """Decided by a person; nothing was sent yet."""
    UNKNOWN = "UNKNOWN"
    """A PATCH may have left; only a read can tell. Without an attempt: this is an older copy of the
    row, and what was done since is not in it."""
    DONE = "DONE"
    """A read showed it."""
    FAILED = "FAILED"
    """Not registered, and no earlier PATCH can land any more."""
    REJECTED = "REJECTED"
    """Not eligible, so not sent."""
    STOPPED = "STOPPED"
    """Not registered by us; a person has to decide."""


OPEN = frozenset({State.INTENT, State.UNKNOWN})


class Outcome(StrEnum):
    """What the answer to one PATCH says about it."""

    APPLIED = "applied"
    """2xx."""
    MOVED = "moved"
    """412: the deal is newer than the version the PATCH named."""
    CONFLICT = "conflict"
    """409."""
    REFUSED = "refused"
    """400, 403, 404 or 422 with an error body of the API."""
    UNAUTHORIZED = "unauthorized"
    """401, also after one fresh token."""
    THROTTLED = "throttled"
    """429 with the API's own body."""
    NOT_SENT = "not_sent"
    """No byte left this machine."""
    UNKNOWN = "unknown"
    """Time-out, reset, 5xx, a truncated or foreign answer."""


NOT_APPLIED = frozenset(Outcome) - {Outcome.APPLIED, Outcome.UNKNOWN}
"""Answers that say: this PATCH did not change the deal and never will."""

_NEVER_JUDGED = frozenset({Outcome.UNAUTHORIZED, Outcome.THROTTLED, Outcome.NOT_SENT})


class Age(StrEnum):
    """How a version that was read compares with the base of the last PATCH."""

    OLDER = "older"
    SAME = "same"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a referral: its eTag, byte for byte, and when it was made (UTC)."""

    etag: str
    updated: datetime | None

    def age_of(self, seen: Version) -> Age:
        """NEWER only with another eTag and a later time: everything doubtful is OLDER (step 7)."""
        if seen.etag == self.etag:
            return Age.SAME
        if seen.updated is None or self.updated is None or seen.updated <= self.updated:
            return Age.OLDER
        return Age.NEWER


@dataclass(frozen=True, slots=True)
class Attempt:
    """One PATCH, written down before it left. No outcome: no answer was ever recorded."""

    client_request_id: str
    base: Version
    at: datetime
    outcome: Outcome | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may have been applied, as far as its own answer tells."""
        return self.outcome not in NOT_APPLIED


@dataclass(frozen=True, slots=True)
class Standing:
    """The durable facts that decide: the state, and every PATCH so far, oldest first."""

    state: State
    attempts: tuple[Attempt, ...] = ()

    @property
    def base(self) -> Version | None:
        """The version that the last PATCH named."""
        return self.attempts[-1].base if self.attempts else None

    @property
    def sends(self) -> int:
        """How many PATCHes Partner Center may have judged."""
        return sum(attempt.outcome not in _NEVER_JUDGED for attempt in self.attempts)

    def can_still_land(self) -> bool:
        """Whether a PATCH is out that the present base would still let in.

        A PATCH that named an older base is fenced: the base only moves to a version that was read.
        """
        base = self.base.etag if self.base else None
        return any(each.is_open and each.base.etag == base for each in self.attempts)

    def may_be_there(self) -> bool:
        """Whether it may be registered as far as this row knows, and no read has told yet."""
        copied = self.state is State.UNKNOWN and not self.attempts
        return copied or self.was_accepted() or self.can_still_land()

    def was_accepted(self) -> bool:
        """Whether Partner Center ever answered 2xx."""
        return any(attempt.outcome is Outcome.APPLIED for attempt in self.attempts)

    def is_settled(self, now: datetime, settle: timedelta) -> bool:
        """Whether every PATCH without a definite answer left at least `settle` ago."""
        return all(now - attempt.at >= settle for attempt in self.attempts if attempt.is_open)


@dataclass(frozen=True, slots=True)
class Seen:
    """One read of the referral: its version and what stands in `registrations`."""

    version: Version
    same: int = 0
    """Registrations that match ours."""
    others: int = 0
    """Registrations that do not."""
    changed: bool = False
    """Whether something ours was made from differs from what it was at the base."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers of the protocol (exactly-once 3.3; waiting: DESIGN section 4)."""

    settle: timedelta = timedelta(seconds=60)
    max_sends: int = 4
    give_up: timedelta = timedelta(hours=24)
    backoff: tuple[float, ...] = (0, 2, 5, 15, 60)
    then: float = 300

    def pause(self, looks: int) -> timedelta:
        """How long to wait before look number `looks` (from 0)."""
        return timedelta(seconds=self.backoff[looks] if looks < len(self.backoff) else self.then)


class Do(StrEnum):
    """The next thing to do."""

    LEAVE = "leave"
    PROCEED = "proceed"
    SEND = "send"
    READ_BACK = "read_back"
    LOOK = "look"
    WAIT = "wait"
    SIGN_IN = "sign_in"
    TELL = "tell"
    DONE = "done"
    ALERT = "alert"
    FAIL = "fail"
    STOP = "stop"
    REJECT = "reject"


ENDS: dict[Do, State] = {
    Do.DONE: State.DONE,
    Do.ALERT: State.DONE,
    Do.FAIL: State.FAILED,
    Do.STOP: State.STOPPED,
    Do.REJECT: State.REJECTED,
}
"""The state each final decision ends in."""


class Why(StrEnum):
    """Why it ended otherwise than registered."""

    REFUSED = "refused"
    GAVE_UP = "gave_up"
    OTHER_REGISTRATION = "other_registration"
    DEAL_CHANGED = "deal_changed"
    CONFLICT = "conflict"
    NOT_ELIGIBLE = "not_eligible"
    NO_LONGER_ALLOWED = "no_longer_allowed"
    ALTERED = "altered"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and why when it ends badly."""

    do: Do
    why: Why | None = None


def after_eligibility(row: Standing, seen: Seen | None, *, eligible: bool) -> Decision:
    """Step 2. `seen` is the read that led here, when there was one.

    "Not eligible" may only end the row when nothing sent before can still land.
    """
    if row.state not in OPEN:
        return Decision(Do.LEAVE)
    if eligible:
        return Decision(Do.PROCEED)
    if _may_be_there(row, seen):
        return Decision(Do.LOOK)
    return Decision(Do.REJECT, Why.NOT_ELIGIBLE)


def after_broken_seal(row: Standing, seen: Seen | None) -> Decision:
    """The row is not surely what its person decided: nothing of it is sent."""
    if row.state not in OPEN:
        return Decision(Do.LEAVE)
    if _may_be_there(row, seen):
        return Decision(Do.LOOK)
    return Decision(Do.STOP, Why.ALTERED)


def after_glance(decision: Decision, seen: Seen | None) -> Decision:
    """Before it is said that nothing was registered: a read that shows it is believed."""
    if seen is None or not seen.same or decision.do not in ENDS:
        return decision
    return Decision(Do.ALERT if seen.same > 1 else Do.DONE)


def after_read(row: Standing, seen: Seen, now: datetime, limits: Limits) -> Decision:
    """Steps 3 and 7: what a read of the referral allows."""
    if seen.same > 1:
        return Decision(Do.ALERT)
    if row.state not in OPEN:
        return Decision(Do.LEAVE)
    if seen.same:
        return Decision(Do.DONE)
    if row.base is None:
        return _first_send(seen)
    age = row.base.age_of(seen.version)
    if row.was_accepted() or age is Age.OLDER or not row.is_settled(now, limits.settle):
        return Decision(Do.LOOK)
    return _after_newer(row, seen, limits) if age is Age.NEWER else _after_same(row, seen, limits)


def _first_send(seen: Seen) -> Decision:
    return Decision(Do.STOP, Why.OTHER_REGISTRATION) if seen.others else Decision(Do.SEND)


def _after_same(row: Standing, seen: Seen, limits: Limits) -> Decision:
    """The deal reads as it did before the last PATCH: that PATCH may still land."""
    last = row.attempts[-1].outcome
    if seen.others or last is Outcome.CONFLICT:
        why = Why.OTHER_REGISTRATION if seen.others else Why.CONFLICT
        return Decision(Do.LOOK) if row.can_still_land() else Decision(Do.STOP, why)
    if last is Outcome.REFUSED and not row.can_still_land():
        return Decision(Do.FAIL, Why.REFUSED)
    if last in {Outcome.MOVED, Outcome.REFUSED} or row.sends >= limits.max_sends:
        return Decision(Do.LOOK)
    return Decision(Do.SEND)


def _after_newer(row: Standing, seen: Seen, limits: Limits) -> Decision:
    """The deal moved on without our registration: no PATCH sent so far can land any more."""
    if seen.others:
        return Decision(Do.STOP, Why.OTHER_REGISTRATION)
    if seen.changed:
        return Decision(Do.STOP, Why.DEAL_CHANGED)
    if row.attempts[-1].outcome is Outcome.REFUSED:
        return Decision(Do.FAIL, Why.REFUSED)
    if row.sends >= limits.max_sends:
        return Decision(Do.FAIL, Why.GAVE_UP)
    return Decision(Do.SEND)


def after_answer(row: Standing) -> Decision:
    """Step 6: the last attempt of `row` bears the answer's outcome."""
    if row.state not in OPEN or not row.attempts:
        return Decision(Do.LEAVE)
    match row.attempts[-1].outcome:
        case Outcome.REFUSED:
            landing = row.can_still_land()
            return Decision(Do.LOOK) if landing else Decision(Do.FAIL, Why.REFUSED)
        case Outcome.UNAUTHORIZED:
            return Decision(Do.SIGN_IN)
        case Outcome.THROTTLED | Outcome.NOT_SENT:
            return Decision(Do.WAIT)
        case _:
            return Decision(Do.READ_BACK)


def after_waiting(row: Standing, seen: Seen | None, waited: timedelta, limits: Limits) -> Decision:
    """Before another try: a row that never came to rest is given up or given to a person."""
    if row.state not in OPEN or waited < limits.give_up:
        return Decision(Do.PROCEED)
    if _may_be_there(row, seen):
        return Decision(Do.TELL)
    return Decision(Do.FAIL, Why.GAVE_UP)


def after_closed_door(row: Standing) -> Decision:
    """The deal cannot be read any more (403, 404): it ends unless something can still land."""
    if row.state not in OPEN:
        return Decision(Do.LEAVE)
    if row.may_be_there():
        return Decision(Do.LOOK)
    return Decision(Do.FAIL, Why.NO_LONGER_ALLOWED)


def _may_be_there(row: Standing, seen: Seen | None) -> bool:
    """The same after a read: one that lacks it tells, unless a PATCH may land on what it shows."""
    if seen is None or row.was_accepted():
        return row.may_be_there()
    return row.can_still_land() and not _is_fenced(row, seen)


def _is_fenced(row: Standing, seen: Seen) -> bool:
    return row.base is not None and not seen.same and row.base.age_of(seen.version) is Age.NEWER
