"""No run of sends breaks a window of Teams, and nobody waits longer than a window asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.windows import CONVERSATION, NONE, TENANT, Limit, Windows

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Clock:
    """Time that moves only when told."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


def most_in(times: list[datetime], limit: Limit) -> int:
    window = timedelta(seconds=limit.seconds)
    return max(sum(start <= at < start + window for at in times) for start in times)


def test_the_limits_are_those_teams_documents() -> None:
    assert [(limit.most, limit.seconds) for limit in CONVERSATION] == [
        (7, 1),
        (8, 2),
        (60, 30),
        (1800, 3600),
    ]
    assert [(limit.most, limit.seconds) for limit in TENANT] == [(50, 1)]


@pytest.mark.parametrize(
    ("sends", "wait"),
    [(6, 0.0), (7, 1.0)],
)
def test_seven_in_a_second(sends: int, wait: float) -> None:
    windows = Windows(Clock())
    for _ in range(sends):
        assert windows.take("t", "c") == NONE
    assert windows.wait("t", "c") == timedelta(seconds=wait)


def test_the_eighth_waits_for_its_second_and_the_ninth_for_its_two() -> None:
    clock = Clock()
    windows = Windows(clock)
    for _ in range(7):
        windows.take("t", "c")
    clock.time += SECOND
    assert windows.take("t", "c") == NONE
    assert windows.wait("t", "c") == SECOND


def test_an_hour_of_greed_stays_within_every_window() -> None:
    clock = Clock()
    windows = Windows(clock, tenant=(Limit(10_000, 1),))
    times: list[datetime] = []
    while clock.time < START + timedelta(hours=1, minutes=5):
        wait = windows.take("t", "c")
        if wait == NONE:
            times.append(clock.time)
        clock.time += wait
    assert [most_in(times, limit) for limit in CONVERSATION] == [7, 8, 60, 1800]


def test_a_tenant_is_sent_fifty_a_second_and_others_do_not_wait_for_it() -> None:
    clock = Clock()
    windows = Windows(clock)
    for number in range(50):
        assert windows.take("t", f"c{number}") == NONE
    assert windows.take("t", "c-new") == SECOND
    assert windows.tenant_wait("t") == SECOND
    assert windows.tenant_wait("u") == NONE
    assert windows.take("u", "c-new") == NONE
    clock.time += SECOND
    assert windows.take("t", "c-new") == NONE


def test_what_was_refused_is_not_counted() -> None:
    windows = Windows(Clock(), conversation=(Limit(1, 10),))
    windows.take("t", "c")
    for _ in range(3):
        assert windows.take("t", "c") == timedelta(seconds=10)


def test_what_another_instance_sent_counts_in_any_order() -> None:
    clock = Clock()
    windows = Windows(clock, conversation=(Limit(2, 10),))
    windows.take("t", "c")
    windows.note("t", "c", START - timedelta(seconds=4))
    assert windows.wait("t", "c") == timedelta(seconds=6)


def test_a_conversation_that_teams_holds_waits_and_the_longer_hold_counts() -> None:
    clock = Clock()
    windows = Windows(clock)
    windows.hold("c", START + timedelta(seconds=30))
    windows.hold("c", START + timedelta(seconds=5))
    assert windows.wait("t", "c") == timedelta(seconds=30)
    assert windows.wait("t", "d") == NONE
    clock.time += timedelta(seconds=31)
    assert windows.wait("t", "c") == NONE


def test_memory_does_not_grow_with_conversations_of_the_past() -> None:
    clock = Clock()
    windows = Windows(clock)
    for number in range(10_000):
        windows.hold(f"c{number}", clock.time)
        windows.take("t", f"c{number}")
        clock.time += timedelta(minutes=1)
    assert len(windows._sent[1]) <= 1000
    assert len(windows._held) <= 1000


@settings(max_examples=100, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(0, 3), st.floats(0, 3)), min_size=1, max_size=120),
)
def test_any_run_keeps_every_window(steps: list[tuple[int, float]]) -> None:
    clock = Clock()
    limits = (Limit(2, 1), Limit(3, 4))
    windows = Windows(clock, conversation=limits, tenant=(Limit(4, 2),))
    taken: dict[str, list[datetime]] = {}
    for which, pause in steps:
        if windows.take("t", f"c{which}") == NONE:
            taken.setdefault(f"c{which}", []).append(clock.time)
        clock.time += timedelta(seconds=pause)
    for times in taken.values():
        assert all(most_in(times, limit) <= limit.most for limit in limits)
    everything = sorted(at for times in taken.values() for at in times)
    assert most_in(everything, Limit(4, 2)) <= 4


def test_what_left_late_delays_the_next() -> None:
    clock = Clock()
    windows = Windows(clock)
    taken = clock()
    for number in range(50):
        assert windows.take("t", f"c{number}", taken) == NONE
    clock.time += SECOND * 0.4
    for number in range(50):
        windows.left("t", f"c{number}", taken)
    assert windows.wait("t", "c") == SECOND
    clock.time += SECOND * 0.7
    assert windows.wait("t", "c") > NONE
    clock.time += SECOND * 0.3
    assert windows.wait("t", "c") == NONE
