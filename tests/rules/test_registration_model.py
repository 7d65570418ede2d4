"""Explores every order of events around the real registration rules.

World: one referral in versions 0..n (eTag = version; later versions are later in time). A PATCH may
be delayed without bound, lost, applied with its answer lost, or refused. Reads may be stale.
Colleagues edit the deal, touching what the registration was made from or not. Two instances share
one durable row, both may believe they own it, and either may crash at any point.
Checked in every state: never two registrations; DONE only if there is one; "not registered"
(FAILED, STOPPED, REJECTED) only if there is none, and none appears afterwards.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

import pytest

from bot import registration_rules as rules
from bot.registration_rules import (
    ENDS,
    OPEN,
    Attempt,
    Decision,
    Do,
    Limits,
    Outcome,
    Seen,
    Standing,
    State,
    Version,
)

SENT = datetime(2026, 2, 1, tzinfo=UTC)
DOUBLE = "double registration"
HOLLOW = "DONE but nothing registered"
FALSE_NO = "said not registered but it is"

Row = tuple[State, tuple[tuple[int, Outcome | None], ...]]


class Proc(NamedTuple):
    """One instance: what it does, the version it read or attempt it made, the row it saw."""

    doing: str
    number: int = -1
    row: Row | None = None
    outcome: Outcome | None = None


IDLE = Proc("idle")


class Letter(NamedTuple):
    """A PATCH under way."""

    owner: int
    attempt: int
    if_match: int | None


class Moment(NamedTuple):
    """Everything that is true at one moment."""

    ours: tuple[int, ...]
    inputs: tuple[int, ...]
    row: Row
    procs: tuple[Proc, ...]
    letters: tuple[Letter, ...]
    edits: int
    crashes: int


@cache
def version(number: int) -> Version:
    return Version(f'"{number}"', SENT + timedelta(seconds=number))


@cache
def standing(row: Row) -> Standing:
    attempts = tuple(
        Attempt(str(index), version(base), SENT, outcome)
        for index, (base, outcome) in enumerate(row[1])
    )
    return Standing(row[0], attempts)


AfterRead = Callable[[Standing, Seen, datetime, Limits], Decision]
AfterAnswer = Callable[[Standing], Decision]


def after_eligibility(row: Standing, seen: Seen | None, eligible: bool) -> Decision:
    return rules.after_eligibility(row, seen, eligible=eligible)


@dataclass(frozen=True)
class World:
    """The rules under test and how hostile their surroundings are."""

    after_read: AfterRead = rules.after_read
    after_answer: AfterAnswer = rules.after_answer
    after_eligibility: Callable[[Standing, Seen | None, bool], Decision] = after_eligibility
    limits: Limits = field(default_factory=lambda: Limits(max_sends=3))
    sends_if_match: bool = True
    honours_if_match: bool = True
    compare_and_set: bool = True
    stale: bool = False
    refusals: bool = False
    touching_edits: bool = False
    edits: int = 1
    crashes: int = 1
    instances: int = 2
    letters: int = 3
    begins: State = State.INTENT
    since: tuple[int, ...] = ()
    """How many are registered in each version made since the row was copied."""

    def start(self) -> Moment:
        row: Row = (self.begins, ())
        procs = (IDLE,) * self.instances
        ours = (0, *self.since)
        return Moment(ours, (0,) * len(ours), row, procs, (), self.edits, self.crashes)


@dataclass
class Found:
    """What an exploration met."""

    states: int = 0
    broken: set[str] = field(default_factory=set)
    ends: set[State] = field(default_factory=set)


def explore(world: World, until: str | None = None) -> Found:
    """Every state that can be reached, or as many as it takes to meet `until`."""
    start = world.start()
    seen, queue, found = {start}, deque([start]), Found()
    while queue:
        now = queue.popleft()
        found.states += 1
        found.ends.add(now.row[0])
        problem = check(now)
        if problem:
            found.broken.add(problem)
            if problem == until:
                break
            continue
        for after in successors(world, now):
            if after not in seen:
                seen.add(after)
                queue.append(after)
    return found


def check(now: Moment) -> str | None:
    if now.ours[-1] > 1:
        return DOUBLE
    if now.row[0] is State.DONE and not now.ours[-1]:
        return HOLLOW
    if now.row[0] not in OPEN and now.row[0] is not State.DONE and now.ours[-1]:
        return FALSE_NO
    return None


def successors(world: World, now: Moment) -> Iterator[Moment]:
    yield from edited(world, now)
    yield from delivered(world, now)
    for index, proc in enumerate(now.procs):
        if now.crashes and proc != IDLE:
            yield acting(now, index, IDLE)._replace(crashes=now.crashes - 1)
        yield from STEPS[proc.doing](world, now, index, proc)


def acting(now: Moment, index: int, proc: Proc, row: Row | None = None) -> Moment:
    procs = (*now.procs[:index], proc, *now.procs[index + 1 :])
    return now._replace(procs=procs, row=row or now.row)


def edited(world: World, now: Moment) -> Iterator[Moment]:
    if not now.edits:
        return
    for touch in (0, 1) if world.touching_edits else (0,):
        yield now._replace(
            ours=(*now.ours, now.ours[-1]),
            inputs=(*now.inputs, now.inputs[-1] + touch),
            edits=now.edits - 1,
        )


def delivered(world: World, now: Moment) -> Iterator[Moment]:
    """The network loses, delivers or answers any PATCH under way."""
    for place, letter in enumerate(now.letters):
        rest = now._replace(letters=(*now.letters[:place], *now.letters[place + 1 :]))
        yield rest
        fits = letter.if_match in (None, len(now.ours) - 1) or not world.honours_if_match
        reached = rest
        if fits:
            reached = rest._replace(
                ours=(*now.ours, now.ours[-1] + 1), inputs=(*now.inputs, now.inputs[-1])
            )
        yield reached
        waiting = now.procs[letter.owner]
        if waiting.doing == "waiting" and waiting.number == letter.attempt:
            outcome = Outcome.APPLIED if fits else Outcome.MOVED
            answer = waiting._replace(doing="answered", outcome=outcome)
            yield acting(reached, letter.owner, answer)
            if world.refusals:
                for no in (Outcome.REFUSED, Outcome.THROTTLED, Outcome.CONFLICT):
                    answer = waiting._replace(doing="answered", outcome=no)
                    yield acting(rest, letter.owner, answer)


def begin(world: World, now: Moment, index: int, proc: Proc) -> Iterator[Moment]:
    if now.row[0] not in OPEN:
        return
    facts = standing(now.row)
    late = rules.after_waiting(facts, None, world.limits.give_up, world.limits)
    for end in (late, rules.after_closed_door(facts)):
        if end.do in ENDS:
            yield acting(now, index, IDLE, (ENDS[end.do], now.row[1]))
    loaded = None if world.compare_and_set else now.row
    newest = len(now.ours) - 1
    for number in range(newest + 1) if world.stale else (newest,):
        yield acting(now, index, Proc("read", number, loaded))


def decide(world: World, now: Moment, index: int, proc: Proc) -> Iterator[Moment]:
    row = proc.row or now.row
    facts = standing(row)
    base = row[1][-1][0] if row[1] else proc.number
    changed = now.inputs[proc.number] != now.inputs[base]
    seen = Seen(version(proc.number), now.ours[proc.number], 0, changed)
    decisions = {
        world.after_read(facts, seen, SENT + waited, world.limits)
        for waited in (timedelta(), world.limits.settle)
    }
    if decisions & {Decision(Do.SEND), Decision(Do.LOOK)}:
        decisions.add(rules.after_waiting(facts, seen, world.limits.give_up, world.limits))
    for decision in decisions:
        if decision.do in ENDS:
            yield acting(now, index, IDLE, (ENDS[decision.do], row[1]))
        elif decision.do is Do.SEND:
            no = world.after_eligibility(facts, seen, False)
            if no.do in ENDS:
                yield acting(now, index, IDLE, (ENDS[no.do], row[1]))
            if len(row[1]) < world.letters:
                written = (State.UNKNOWN, (*row[1], (proc.number, None)))
                yield acting(now, index, Proc("written", len(row[1])), written)
    yield acting(now, index, IDLE)


def send(world: World, now: Moment, index: int, proc: Proc) -> Iterator[Moment]:
    base = now.row[1][proc.number][0] if proc.number < len(now.row[1]) else 0
    if_match = base if world.sends_if_match else None
    letters = tuple(sorted((*now.letters, Letter(index, proc.number, if_match)), key=str))
    yield acting(now, index, proc._replace(doing="waiting"))._replace(letters=letters)


def time_out(world: World, now: Moment, index: int, proc: Proc) -> Iterator[Moment]:
    yield acting(now, index, IDLE)


def record(world: World, now: Moment, index: int, proc: Proc) -> Iterator[Moment]:
    state, attempts = now.row
    mine = len(attempts) == proc.number + 1 and state is State.UNKNOWN
    if not mine:
        yield acting(now, index, IDLE)
        return
    noted: Row = (state, (*attempts[:-1], (attempts[-1][0], proc.outcome)))
    decision = world.after_answer(standing(noted))
    yield acting(now, index, IDLE, (ENDS.get(decision.do, state), noted[1]))


Step = Callable[[World, Moment, int, Proc], Iterator[Moment]]
STEPS: dict[str, Step] = {
    "idle": begin,
    "read": decide,
    "written": send,
    "waiting": time_out,
    "answered": record,
}


def without_read_back(row: Standing, seen: Seen, now: datetime, limits: Limits) -> Decision:
    return rules.after_read(row, replace(seen, same=0), now, limits)


def gives_up_at_once(row: Standing, seen: Seen, now: datetime, limits: Limits) -> Decision:
    decision = rules.after_read(row, seen, now, limits)
    if decision.do in {Do.LOOK, Do.SEND} and row.state is State.UNKNOWN:
        return Decision(Do.FAIL)
    return decision


def takes_older_for_newer(row: Standing, seen: Seen, now: datetime, limits: Limits) -> Decision:
    if row.base and seen.version.etag != row.base.etag:
        seen = replace(seen, version=replace(seen.version, updated=SENT + timedelta(days=1)))
    return rules.after_read(row, seen, now, limits)


def ignores_acceptance(row: Standing, seen: Seen, now: datetime, limits: Limits) -> Decision:
    blind = tuple(replace(each, outcome=None) for each in row.attempts)
    if row.was_accepted() and seen.version.etag == (row.base.etag if row.base else ""):
        return Decision(Do.FAIL)
    return rules.after_read(replace(row, attempts=blind), seen, now, limits)


def takes_412_for_no(row: Standing) -> Decision:
    if row.attempts[-1].outcome is Outcome.MOVED:
        return Decision(Do.FAIL)
    return rules.after_answer(row)


def trusts_any_refusal(row: Standing) -> Decision:
    if row.attempts[-1].outcome is Outcome.REFUSED:
        return Decision(Do.FAIL)
    return rules.after_answer(row)


def ineligible_ends_it(row: Standing, seen: Seen | None, eligible: bool) -> Decision:
    return Decision(Do.PROCEED if eligible else Do.REJECT)


def sends(number: int) -> Limits:
    return Limits(max_sends=number)


SAFE = {
    "fresh reads": World(),
    "stale reads": World(stale=True),
    "one send only": World(stale=True, limits=sends(1), letters=1),
    "stale reads and edits of what it was made from": World(stale=True, touching_edits=True),
    "refusals, throttling and conflicts": World(stale=True, refusals=True, letters=2),
    "two edits, two crashes": World(stale=True, edits=2, crashes=2, letters=2, limits=sends(2)),
    "three sends, two edits": World(stale=True, edits=2, crashes=1),
}
UNSAFE = {
    "blind retry": (World(sends_if_match=False, after_read=without_read_back), DOUBLE),
    "read-back without If-Match": (World(sends_if_match=False), DOUBLE),
    "412 taken as a failure": (World(after_answer=takes_412_for_no), FALSE_NO),
    "gives up at once": (World(after_read=gives_up_at_once), FALSE_NO),
    "without newer than base": (
        World(after_read=takes_older_for_newer, stale=True, limits=sends(1), letters=1),
        FALSE_NO,
    ),
    "without compare-and-set": (World(compare_and_set=False, stale=True, letters=2), FALSE_NO),
    "server ignores If-Match": (World(honours_if_match=False), DOUBLE),
    "server ignores If-Match, one instance, no crash": (
        World(honours_if_match=False, instances=1, crashes=0),
        DOUBLE,
    ),
    "a refusal ends it although an earlier PATCH is out": (
        World(after_answer=trusts_any_refusal, refusals=True, letters=2),
        FALSE_NO,
    ),
    "not eligible ends it although a PATCH is out": (
        World(after_eligibility=ineligible_ends_it, letters=2),
        FALSE_NO,
    ),
    "an older copy of the row that is not doubted": (World(since=(1,)), FALSE_NO),
    "an accepted PATCH is forgotten": (
        World(after_read=ignores_acceptance, stale=True, letters=1),
        FALSE_NO,
    ),
}


@pytest.mark.parametrize("name", SAFE)
def test_no_order_of_events_breaks_the_protocol(name: str) -> None:
    found = explore(SAFE[name])
    assert found.broken == set()
    assert found.ends >= {State.INTENT, State.UNKNOWN, State.DONE, State.FAILED, State.REJECTED}
    assert found.states > 400


@pytest.mark.parametrize("since", [(0,), (1,), (0, 1), (1, 1)])
def test_an_older_copy_of_the_row_says_no_only_when_it_is_so(since: tuple[int, ...]) -> None:
    found = explore(World(begins=State.UNKNOWN, since=since))
    assert found.broken == set()
    assert State.DONE in found.ends
    assert (State.FAILED in found.ends) is (since[-1] == 0)


@pytest.mark.parametrize("name", UNSAFE)
def test_each_rule_left_out_is_found_unsafe(name: str) -> None:
    world, harm = UNSAFE[name]
    assert harm in explore(world, until=harm).broken
