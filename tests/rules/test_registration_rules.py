"""What each observation allows, row by row; the model test shows that together they are safe."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.registration_facts import outcome_of
from bot.registration_rules import (
    Age,
    Attempt,
    Decision,
    Do,
    Limits,
    Outcome,
    Seen,
    Standing,
    State,
    Version,
    Why,
    after_answer,
    after_broken_seal,
    after_closed_door,
    after_eligibility,
    after_glance,
    after_read,
    after_waiting,
)
from partner_center import errors

NOW = datetime(2026, 2, 20, 10, tzinfo=UTC)
LIMITS = Limits()
BASE = Version('"5"', NOW)
OLDER = Version('"4"', NOW - timedelta(seconds=1))
NEWER = Version('"6"', NOW + timedelta(seconds=1))


def tried(*outcomes: Outcome | None, state: State = State.UNKNOWN) -> Standing:
    attempts = tuple(
        Attempt(str(place), BASE, NOW, outcome) for place, outcome in enumerate(outcomes)
    )
    return Standing(state, attempts)


def read(row: Standing, seen: Seen, seconds: float = 61) -> Decision:
    return after_read(row, seen, NOW + timedelta(seconds=seconds), LIMITS)


READS = [
    (tried(state=State.INTENT), Seen(BASE), Do.SEND, None),
    (tried(state=State.INTENT), Seen(BASE, same=1), Do.DONE, None),
    (tried(state=State.INTENT), Seen(BASE, others=1), Do.STOP, Why.OTHER_REGISTRATION),
    (tried(), Seen(BASE), Do.SEND, None),
    (tried(), Seen(BASE, same=1), Do.DONE, None),
    (tried(None), Seen(BASE, same=1), Do.DONE, None),
    (tried(None), Seen(OLDER, same=1), Do.DONE, None),
    (tried(None), Seen(BASE, same=2), Do.ALERT, None),
    (tried(None), Seen(OLDER), Do.LOOK, None),
    (tried(None), Seen(BASE), Do.SEND, None),
    (tried(None), Seen(BASE, others=1), Do.LOOK, None),
    (tried(None), Seen(NEWER), Do.SEND, None),
    (tried(None), Seen(NEWER, others=1), Do.STOP, Why.OTHER_REGISTRATION),
    (tried(None), Seen(NEWER, changed=True), Do.STOP, Why.DEAL_CHANGED),
    (tried(None, None, None, None), Seen(BASE), Do.LOOK, None),
    (tried(None, None, None, None), Seen(NEWER), Do.FAIL, Why.GAVE_UP),
    (tried(Outcome.APPLIED), Seen(BASE), Do.LOOK, None),
    (tried(Outcome.APPLIED), Seen(NEWER), Do.LOOK, None),
    (tried(Outcome.MOVED), Seen(BASE), Do.LOOK, None),
    (tried(Outcome.MOVED), Seen(NEWER), Do.SEND, None),
    (tried(Outcome.CONFLICT), Seen(BASE), Do.STOP, Why.CONFLICT),
    (tried(None, Outcome.CONFLICT), Seen(BASE), Do.LOOK, None),
    (tried(Outcome.REFUSED), Seen(BASE), Do.FAIL, Why.REFUSED),
    (tried(None, Outcome.REFUSED), Seen(BASE), Do.LOOK, None),
    (tried(None, Outcome.REFUSED), Seen(NEWER), Do.FAIL, Why.REFUSED),
    (tried(Outcome.THROTTLED), Seen(BASE), Do.SEND, None),
    (tried(None, state=State.DONE), Seen(BASE, same=1), Do.LEAVE, None),
    (tried(None, state=State.DONE), Seen(NEWER, same=2), Do.ALERT, None),
    (tried(None, state=State.FAILED), Seen(NEWER, same=1), Do.LEAVE, None),
]


@pytest.mark.parametrize(("row", "seen", "do", "why"), READS)
def test_what_a_read_allows(row: Standing, seen: Seen, do: Do, why: Why | None) -> None:
    assert read(row, seen) == Decision(do, why)


def test_nothing_is_sent_or_denied_before_the_settling() -> None:
    for seen in (Seen(BASE), Seen(NEWER), Seen(NEWER, changed=True)):
        assert read(tried(None), seen, seconds=59) == Decision(Do.LOOK)
        assert read(tried(Outcome.UNKNOWN), seen, seconds=59) == Decision(Do.LOOK)


def test_a_definite_answer_needs_no_settling() -> None:
    assert read(tried(Outcome.MOVED), Seen(NEWER), seconds=0) == Decision(Do.SEND)
    assert read(tried(Outcome.NOT_SENT), Seen(BASE), seconds=0) == Decision(Do.SEND)


AGES = [
    (Version('"5"', NOW + timedelta(days=1)), Age.SAME),
    (NEWER, Age.NEWER),
    (OLDER, Age.OLDER),
    (Version('"6"', NOW), Age.OLDER),
    (Version('"6"', None), Age.OLDER),
]


@pytest.mark.parametrize(("seen", "age"), AGES)
def test_newer_needs_another_etag_and_a_later_time(seen: Version, age: Age) -> None:
    assert BASE.age_of(seen) is age


ANSWERS = [
    (tried(Outcome.APPLIED), Decision(Do.READ_BACK)),
    (tried(Outcome.MOVED), Decision(Do.READ_BACK)),
    (tried(Outcome.CONFLICT), Decision(Do.READ_BACK)),
    (tried(Outcome.UNKNOWN), Decision(Do.READ_BACK)),
    (tried(Outcome.REFUSED), Decision(Do.FAIL, Why.REFUSED)),
    (tried(None, Outcome.REFUSED), Decision(Do.LOOK)),
    (tried(Outcome.APPLIED, Outcome.REFUSED), Decision(Do.LOOK)),
    (tried(Outcome.MOVED, Outcome.REFUSED), Decision(Do.FAIL, Why.REFUSED)),
    (tried(Outcome.UNAUTHORIZED), Decision(Do.SIGN_IN)),
    (tried(Outcome.THROTTLED), Decision(Do.WAIT)),
    (tried(Outcome.NOT_SENT), Decision(Do.WAIT)),
    (tried(Outcome.APPLIED, state=State.DONE), Decision(Do.LEAVE)),
]


@pytest.mark.parametrize(("row", "decision"), ANSWERS)
def test_what_an_answer_means(row: Standing, decision: Decision) -> None:
    assert after_answer(row) == decision


def test_not_eligible_ends_only_what_cannot_land() -> None:
    rejected = Decision(Do.REJECT, Why.NOT_ELIGIBLE)
    intent = tried(state=State.INTENT)
    assert after_eligibility(intent, None, eligible=False) == rejected
    assert after_eligibility(intent, None, eligible=True) == Decision(Do.PROCEED)
    assert after_eligibility(tried(None), Seen(BASE), eligible=False) == Decision(Do.LOOK)
    assert after_eligibility(tried(None), Seen(NEWER), eligible=False) == rejected
    applied = tried(Outcome.APPLIED)
    assert after_eligibility(applied, Seen(NEWER), eligible=False) == Decision(Do.LOOK)


def test_after_a_day_it_is_given_up_or_given_to_a_person() -> None:
    day = timedelta(hours=24)
    gave_up = Decision(Do.FAIL, Why.GAVE_UP)
    assert after_waiting(tried(None), None, timedelta(hours=23), LIMITS).do is Do.PROCEED
    assert after_waiting(tried(None), None, day, LIMITS).do is Do.TELL
    assert after_waiting(tried(None), Seen(BASE), day, LIMITS).do is Do.TELL
    assert after_waiting(tried(None), Seen(NEWER), day, LIMITS) == gave_up
    assert after_waiting(tried(Outcome.APPLIED), Seen(NEWER), day, LIMITS).do is Do.TELL
    assert after_waiting(tried(state=State.INTENT), None, day, LIMITS) == gave_up
    assert after_waiting(tried(), None, day, LIMITS).do is Do.TELL
    assert after_waiting(tried(), Seen(BASE), day, LIMITS) == gave_up


def test_a_deal_that_cannot_be_read_any_more() -> None:
    ended = Decision(Do.FAIL, Why.NO_LONGER_ALLOWED)
    assert after_closed_door(tried(state=State.INTENT)) == ended
    assert after_closed_door(tried(None)) == Decision(Do.LOOK)
    assert after_closed_door(tried(Outcome.REFUSED)) == ended
    assert after_closed_door(tried()) == Decision(Do.LOOK)


def test_a_broken_seal_ends_only_what_cannot_land() -> None:
    stopped = Decision(Do.STOP, Why.ALTERED)
    assert after_broken_seal(tried(state=State.INTENT), None) == stopped
    assert after_broken_seal(tried(), None) == Decision(Do.LOOK)
    assert after_broken_seal(tried(), Seen(BASE)) == stopped
    assert after_broken_seal(tried(None), Seen(BASE)) == Decision(Do.LOOK)
    assert after_broken_seal(tried(None), Seen(NEWER)) == stopped
    assert after_broken_seal(tried(Outcome.NOT_SENT), Seen(BASE)) == stopped
    assert after_broken_seal(tried(Outcome.APPLIED), Seen(NEWER)) == Decision(Do.LOOK)
    assert after_broken_seal(tried(state=State.DONE), None) == Decision(Do.LEAVE)


@pytest.mark.parametrize("said", [Do.FAIL, Do.REJECT, Do.STOP])
def test_a_glance_that_shows_it_is_believed_over_any_no(said: Do) -> None:
    no = Decision(said, Why.GAVE_UP)
    assert after_glance(no, None) == after_glance(no, Seen(BASE, others=1)) == no
    assert after_glance(no, Seen(BASE, same=1)) == Decision(Do.DONE)
    assert after_glance(no, Seen(BASE, same=2)) == Decision(Do.ALERT)
    assert after_glance(Decision(Do.LOOK), Seen(BASE, same=1)) == Decision(Do.LOOK)


def test_pauses_grow_and_then_stay() -> None:
    pauses = [LIMITS.pause(looks).total_seconds() for looks in range(8)]
    assert pauses == [0, 2, 5, 15, 60, 300, 300, 300]


ERRORS = [
    (errors.NotSent("dns"), Outcome.NOT_SENT),
    (errors.OutcomeUnknown("timeout"), Outcome.UNKNOWN),
    (errors.Conflict(status=412), Outcome.MOVED),
    (errors.Refused(status=409, code="invalidRequest"), Outcome.CONFLICT),
    (errors.Refused(status=409), Outcome.UNKNOWN),
    (errors.Refused(status=400, code="invalidRequest"), Outcome.REFUSED),
    (errors.Refused(status=422, code="invalidRequest"), Outcome.REFUSED),
    (errors.Refused(status=400), Outcome.UNKNOWN),
    (errors.Refused(status=413, code="invalidRequest"), Outcome.UNKNOWN),
    (errors.Forbidden(status=403, code="accessDenied"), Outcome.REFUSED),
    (errors.NotFound(status=404, code="itemNotFound"), Outcome.REFUSED),
    (errors.NotFound(status=404), Outcome.UNKNOWN),
    (errors.Throttled(status=429, own_body=True), Outcome.THROTTLED),
    (errors.Throttled(status=429, own_body=False), Outcome.UNKNOWN),
    (errors.Unauthorized(status=401), Outcome.UNAUTHORIZED),
    (errors.MfaRequired(status=401), Outcome.UNAUTHORIZED),
    (errors.ClaimsChallenge(status=401), Outcome.UNAUTHORIZED),
    (errors.Locked(status=423, code="locked"), Outcome.UNKNOWN),
    (errors.UnexpectedAnswer("html"), Outcome.UNKNOWN),
]


@pytest.mark.parametrize(("error", "outcome"), ERRORS)
def test_what_an_error_says_about_its_patch(
    error: errors.PartnerCenterError, outcome: Outcome
) -> None:
    assert outcome_of(error) is outcome
