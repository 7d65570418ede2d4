"""Explores every order of events around the real rules of creating a deal.

One row, several tries of a person to create it, a POST that may be delayed without bound, lost,
applied with its answer lost, refused by the service or by something in between; a crash at any
moment, another process that calls the row unknown, and a list that shows any part of what is there.
Checked in every state: one deal at most; "created" only if it is there; "not created" only if it is
not and cannot appear any more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from bot.creation_rules import SETTLED, Do, Outcome, after_look, outcome_of
from partner_center import errors

SENT = datetime(2026, 3, 2, tzinfo=UTC)
MOST_SENDS = 3
DOUBLE = "two deals of one row"
HOLLOW = "said created, but there is none"
FALSE_NO = "said not created, but it is or may be"

Judge = Callable[[errors.PartnerCenterError], Outcome]
ANSWERS: tuple[errors.PartnerCenterError, ...] = (
    errors.Refused(status=400, own_body=True),
    errors.Refused(status=400),
    errors.Forbidden(status=403),
    errors.Throttled(status=429, own_body=True),
    errors.Throttled(status=429),
    errors.Unauthorized(status=401, own_body=True),
    errors.OutcomeUnknown("deadline"),
    errors.OutcomeUnknown(status=503),
    errors.NotSent("connect_error"),
)
HONEST = (errors.NotSent, errors.Unauthorized)
"""Answers that come only when the POST was not applied and is under way no more."""


class World(NamedTuple):
    """The row, POSTs under way, deals there, sends, whether a process waits and SETTLED is over."""

    row: str = "open"
    under_way: int = 0
    deals: int = 0
    sends: int = 0
    waits: bool = False
    late: bool = False


def following(now: World, judge: Judge, *, resend: bool) -> Iterator[World]:
    """Every world that may come next."""
    if now.row == "open" and now.sends < MOST_SENDS:
        yield now._replace(
            row="applying", under_way=now.under_way + 1, sends=now.sends + 1, waits=True
        )
    if now.under_way:
        yield now._replace(under_way=now.under_way - 1)
        yield now._replace(under_way=now.under_way - 1, deals=now.deals + 1)
    if now.waits:
        yield from _answered(now, judge)
        yield now._replace(waits=False)
    if now.row == "applying":
        yield now._replace(row="unknown")
    if now.row == "unknown":
        yield from _looked(now)
        if resend:
            yield now._replace(row="open")
    if not now.late:
        yield now._replace(late=True)


def _answered(now: World, judge: Judge) -> Iterator[World]:
    done = now._replace(waits=False)
    if now.deals:
        yield done._replace(row="created")
    for error in ANSWERS:
        told = {Outcome.NOT_APPLIED: "open", Outcome.REFUSED: "refused", Outcome.UNKNOWN: "unknown"}
        certain = error.own_body or isinstance(error, HONEST)
        certain = certain and not isinstance(error, errors.OutcomeUnknown)
        if certain and (now.deals or now.under_way != 1):
            continue
        under_way = 0 if certain else now.under_way
        yield done._replace(row=told[judge(error)], under_way=under_way)


def _looked(now: World) -> Iterator[World]:
    at = SENT + (SETTLED if now.late else timedelta())
    for shown in range(now.deals + 1):
        match after_look(shown, SENT, at, None):
            case Do.DONE | Do.DOUBLED:
                yield now._replace(row="created")
            case Do.WAIT | Do.ASK:
                yield now


def wrong(now: World) -> str | None:
    """What must never be."""
    if now.deals > 1:
        return DOUBLE
    if now.row == "created" and not now.deals:
        return HOLLOW
    if now.row == "refused" and (now.deals or now.under_way):
        return FALSE_NO
    return None


def explored(judge: Judge = outcome_of, *, resend: bool = False) -> tuple[set[World], set[str]]:
    """Every world that can be reached, and what is wrong in them."""
    seen, found = {World()}, set()
    todo = deque(seen)
    while todo:
        now = todo.popleft()
        problem = wrong(now)
        if problem is not None:
            found.add(problem)
            continue
        for each in following(now, judge, resend=resend):
            if each not in seen:
                seen.add(each)
                todo.append(each)
    return seen, found


def test_no_order_of_events_doubles_a_deal_or_makes_a_card_lie() -> None:
    worlds, found = explored()
    assert found == set()
    assert len(worlds) > 30
    assert {each.row for each in worlds} == {"open", "applying", "unknown", "created", "refused"}


def test_sending_again_after_a_lost_answer_would_double_it() -> None:
    assert DOUBLE in explored(resend=True)[1]


@pytest.mark.parametrize(
    ("believing", "problem"),
    [
        (lambda _error: Outcome.REFUSED, FALSE_NO),
        (lambda _error: Outcome.NOT_APPLIED, DOUBLE),
    ],
)
def test_believing_what_is_not_certain_would_be_wrong(believing: Judge, problem: str) -> None:
    assert problem in explored(believing)[1]
