"""What may be said and sent after the POST of a new deal left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.creation_rules import (
    AGAIN_WITHIN,
    SETTLED,
    Do,
    Outcome,
    after_look,
    blocks,
    outcome_of,
    was_accepted,
)
from partner_center import errors

SENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOON = SENT + SETTLED - timedelta(seconds=1)
LATER = SENT + SETTLED


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (errors.NotSent("connect_error"), Outcome.NOT_APPLIED),
        (errors.Unauthorized(status=401), Outcome.NOT_APPLIED),
        (errors.MfaRequired(status=401), Outcome.NOT_APPLIED),
        (errors.Throttled(status=429, own_body=True), Outcome.NOT_APPLIED),
        (errors.Throttled(status=429), Outcome.UNKNOWN),
        (errors.Locked(status=423, own_body=True), Outcome.NOT_APPLIED),
        (errors.Refused(status=400, own_body=True), Outcome.REFUSED),
        (errors.Refused(status=400), Outcome.UNKNOWN),
        (errors.Refused(status=409, own_body=True), Outcome.REFUSED),
        (errors.Conflict(status=412, own_body=True), Outcome.REFUSED),
        (errors.Forbidden(status=403, own_body=True), Outcome.REFUSED),
        (errors.Forbidden(status=403), Outcome.UNKNOWN),
        (errors.NotFound(status=404, own_body=True), Outcome.REFUSED),
        (errors.OutcomeUnknown(status=500, own_body=True), Outcome.UNKNOWN),
        (errors.OutcomeUnknown("deadline"), Outcome.UNKNOWN),
        (errors.UnexpectedAnswer("not_json"), Outcome.UNKNOWN),
    ],
)
def test_only_the_services_own_word_says_no(
    error: errors.PartnerCenterError, outcome: Outcome
) -> None:
    assert outcome_of(error) is outcome


@pytest.mark.parametrize(
    ("found", "now", "status", "do"),
    [
        (1, SENT, None, Do.DONE),
        (1, LATER, 201, Do.DONE),
        (2, SENT, None, Do.DOUBLED),
        (0, SENT, None, Do.WAIT),
        (0, SOON, None, Do.WAIT),
        (0, LATER, None, Do.ASK),
        (0, LATER, 503, Do.ASK),
        (0, LATER, 201, Do.WAIT),
        (0, LATER + timedelta(days=9), 204, Do.WAIT),
    ],
)
def test_a_deal_that_is_not_found_is_never_said_not_to_exist(
    found: int, now: datetime, status: int | None, do: Do
) -> None:
    assert after_look(found, SENT, now, status) is do


def test_an_equal_deal_waits_for_the_first_one_unless_its_person_was_asked() -> None:
    assert blocks(SENT, SOON, None, done=False)
    assert not blocks(SENT, LATER, None, done=False)
    assert blocks(SENT, LATER, 201, done=False), "it is there, only not shown"
    assert blocks(SENT, SENT + AGAIN_WITHIN - timedelta(seconds=1), None, done=True)
    assert not blocks(SENT, SENT + AGAIN_WITHIN, None, done=True)


@pytest.mark.parametrize(
    ("status", "yes"), [(None, False), (200, True), (204, True), (302, False), (500, False)]
)
def test_only_a_2xx_says_that_it_was_created(status: int | None, yes: bool) -> None:
    assert was_accepted(status) is yes
