"""No run of sends breaks a window of Teams, and nobody waits longer than a window asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.windows import (
    CATCH_UP,
    CONVERSATION,
    FEWEST,
    LEAST_LATE,
    MOST_LATE,
    NONE,
    PACE,
    TENANT,
    Limit,
    Windows,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Clock:
    """Time that moves only when told."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


def take(windows: Windows, tenant: str, conversation: str) -> timedelta:
    """Counts a send that begins now, and gives zero; or counts nothing and gives the wait."""
    wait = windows.wait(tenant, conversation)
    left = windows.leave(tenant, conversation)
    assert (left is None) == (wait > NONE)
    return wait


def left(windows: Windows, tenant: str, conversation: str) -> datetime:
    """Counts a send that begins now, which is allowed."""
    moment = windows.leave(tenant, conversation)
    assert moment is not None
    return moment


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
        assert take(windows, "t", "c") == NONE
    assert windows.wait("t", "c") == timedelta(seconds=wait)


def test_the_eighth_waits_for_its_second_and_the_ninth_for_its_two() -> None:
    clock = Clock()
    windows = Windows(clock)
    for _ in range(7):
        take(windows, "t", "c")
    clock.time += SECOND
    assert take(windows, "t", "c") == NONE
    assert windows.wait("t", "c") == SECOND


def test_an_hour_of_greed_stays_within_every_window() -> None:
    clock = Clock()
    windows = Windows(clock, tenant=(Limit(10_000, 1),))
    times: list[datetime] = []
    while clock.time < START + timedelta(hours=1, minutes=5):
        wait = take(windows, "t", "c")
        if wait == NONE:
            times.append(clock.time)
        clock.time += wait
    assert [most_in(times, limit) for limit in CONVERSATION] == [7, 8, 60, 1800]


def test_a_tenant_is_sent_fifty_a_second_and_others_do_not_wait_for_it() -> None:
    clock = Clock()
    windows = Windows(clock)
    for number in range(50):
        assert take(windows, "t", f"c{number}") == NONE
    assert take(windows, "t", "c-new") == SECOND
    assert windows.tenant_wait("t") == SECOND
    assert windows.tenant_wait("u") == NONE
    assert take(windows, "u", "c-new") == NONE
    clock.time += SECOND
    assert take(windows, "t", "c-new") == NONE


def test_what_was_refused_is_not_counted() -> None:
    windows = Windows(Clock(), conversation=(Limit(1, 10),))
    take(windows, "t", "c")
    for _ in range(3):
        assert take(windows, "t", "c") == timedelta(seconds=10)


def test_what_another_instance_sent_counts_in_any_order() -> None:
    clock = Clock()
    windows = Windows(clock, conversation=(Limit(2, 10),))
    take(windows, "t", "c")
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
        take(windows, "t", f"c{number}")
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
        if take(windows, "t", f"c{which}") == NONE:
            taken.setdefault(f"c{which}", []).append(clock.time)
        clock.time += timedelta(seconds=pause)
    for times in taken.values():
        assert all(most_in(times, limit) <= limit.most for limit in limits)
    everything = sorted(at for times in taken.values() for at in times)
    assert most_in(everything, Limit(4, 2)) <= 4


def test_what_left_late_delays_the_next() -> None:
    clock = Clock()
    windows = Windows(clock)
    reserved = [windows.reserve(f"c{number}") for number in range(50)]
    assert set(reserved) == {clock()}
    clock.time += SECOND * 0.4
    for number, at in enumerate(reserved):
        assert windows.leave("t", f"c{number}") == clock()
        windows.release(f"c{number}", at)
    assert windows.wait("t", "c") == SECOND
    clock.time += SECOND * 0.7
    assert windows.leave("t", "c") is None
    clock.time += SECOND * 0.3
    assert windows.leave("t", "c") == clock()


def answered_after(windows: Windows, clock: Clock, took: timedelta) -> None:
    """Teams answers as many of another tenant in this time as it takes to know it."""
    for _ in range(FEWEST):
        moment = left(windows, "elsewhere", "e")
        clock.time += took
        windows.arrived("elsewhere", "e", moment)
        clock.time += 10 * SECOND


def test_what_took_longer_than_the_quickest_is_counted_as_that_much_later() -> None:
    clock = Clock()
    windows = Windows(clock, tenant=(Limit(2, 1),))
    answered_after(windows, clock, SECOND * 0.1)
    quick, slow = left(windows, "t", "c0"), left(windows, "t", "c1")
    clock.time += SECOND * 0.1
    windows.arrived("t", "c0", quick)
    clock.time += SECOND * 0.2
    windows.arrived("t", "c1", slow)
    clock.time = quick + SECOND + LEAST_LATE
    assert windows.leave("t", "c2") == clock()
    assert windows.tenant_wait("t") == SECOND * 0.2


def test_how_late_something_is_counted_is_bounded_and_the_quickest_forgotten() -> None:
    clock = Clock()
    windows = Windows(clock, tenant=(Limit(1, 1),))
    for number in range(FEWEST):
        windows.arrived("t", f"c{number}", left(windows, "t", f"c{number}"))
        clock.time += 10 * SECOND
    pauses = []
    for _ in range(500):
        clock.time += 10 * SECOND
        moment = left(windows, "t", "c")
        clock.time += SECOND * 0.9
        windows.arrived("t", "c", moment)
        pauses.append(windows.tenant_wait("t"))
    assert pauses[:499] == [SECOND * 0.1 + MOST_LATE] * 499
    assert pauses[499] == SECOND * 0.1 + LEAST_LATE


def test_the_first_ones_count_as_late_as_they_are_confirmed() -> None:
    clock = Clock()
    windows = Windows(clock, tenant=(Limit(1, 1),))
    pauses = []
    for _ in range(FEWEST):
        clock.time += 10 * SECOND
        moment = left(windows, "t", "c")
        clock.time += SECOND * 0.1
        windows.arrived("t", "c", moment)
        pauses.append(windows.tenant_wait("t"))
    assert pauses[:-1] == [SECOND] * (FEWEST - 1)
    assert pauses[-1] == SECOND * 0.9 + LEAST_LATE


@settings(max_examples=100, deadline=None)
@given(late=st.lists(st.integers(0, 240), min_size=30, max_size=120))
def test_no_window_sees_too_many_arrive_however_late_each_is(late: list[int]) -> None:
    clock = Clock()
    windows = Windows(clock, tenant=(Limit(5, 1),))
    least = timedelta(milliseconds=20)
    arrivals: list[datetime] = []
    under_way: list[tuple[str, datetime, datetime]] = []
    answered_after(windows, clock, 2 * least)
    for number, each in enumerate(late):
        pause = windows.tenant_wait("t")
        while pause > NONE:
            clock.time += min([pause, *(answer - clock.time for _, _, answer in under_way)])
            for known in [one for one in under_way if one[2] <= clock.time]:
                under_way.remove(known)
                windows.arrived("t", known[0], known[1])
            pause = windows.tenant_wait("t")
        moment = left(windows, "t", f"c{number}")
        arrivals.append(moment + least + timedelta(milliseconds=each))
        under_way.append((f"c{number}", moment, arrivals[-1] + least))
    assert most_in(sorted(arrivals), Limit(5, 1)) <= 5


def test_each_reservation_has_a_moment_of_its_own() -> None:
    windows = Windows(Clock(), conversation=(Limit(2, 1),))
    found = [windows.reserve("c") - START for _ in range(6)]
    assert found == [NONE, NONE, SECOND, SECOND, 2 * SECOND, 2 * SECOND]
    for _ in range(2):
        windows.release("c", START + 2 * SECOND)
    assert windows.reserve("c") == START + 2 * SECOND


def test_a_reservation_comes_after_what_left_and_after_a_hold() -> None:
    windows = Windows(Clock(), conversation=(Limit(2, 1),))
    left(windows, "t", "c")
    assert [windows.reserve("c") - START for _ in range(2)] == [NONE, SECOND]
    windows.hold("c", START + 5 * SECOND)
    assert windows.reserve("c") == START + 5 * SECOND


def test_what_only_waits_for_its_moment_holds_nothing_back() -> None:
    clock = Clock()
    windows = Windows(clock, tenant=(Limit(2, 1),), conversation=(Limit(2, 1),))
    for number in range(4):
        windows.reserve("c")
        windows.reserve(f"c{number}")
    clock.time += SECOND / 2
    assert windows.wait("t", "c") == NONE
    assert [windows.leave("t", "c") for _ in range(2)] == [clock(), clock()]
    assert windows.wait("t", "c") == SECOND


def test_owed_messages_of_a_tenant_are_spread_a_little_and_lose_nothing_by_it() -> None:
    clock = Clock()
    windows = Windows(clock)
    found = []
    for number in range(100):
        clock.time += windows.tenant_wait("t")
        found.append(left(windows, "t", f"c{number}") - START)
    assert found[:50] == [number * PACE for number in range(50)]
    assert found[50:] == [SECOND + number * PACE for number in range(50)]


def test_what_was_held_up_makes_up_for_the_spread_but_not_without_end() -> None:
    clock = Clock()
    windows = Windows(clock)
    left(windows, "t", "c")
    clock.time += 4 * PACE
    for number in range(4):
        assert windows.tenant_wait("t") == NONE
        left(windows, "t", f"c{number}")
    assert windows.tenant_wait("t") == PACE
    clock.time += SECOND / 2
    bunch = 0
    while windows.tenant_wait("t") == NONE:
        left(windows, "t", f"d{bunch}")
        bunch += 1
    assert bunch == CATCH_UP // PACE + 1


def test_answers_take_the_room_of_what_waits() -> None:
    clock = Clock()
    windows = Windows(clock, tenant=(Limit(2, 1),))
    left(windows, "t", "c0")
    windows.answered("t", "c1")
    assert windows.leave("t", "c2") is None
    assert windows.tenant_wait("t") == SECOND
    clock.time += SECOND
    assert windows.leave("t", "c2") == clock()


def test_answers_count_and_as_much_room_again_is_left_for_them() -> None:
    clock = Clock()
    windows = Windows(clock)
    for number in range(10):
        windows.answered("t", f"a{number}")
    assert sum(take(windows, "t", f"c{number}") == NONE for number in range(50)) == 30
    clock.time += 2 * SECOND
    assert sum(take(windows, "t", f"d{number}") == NONE for number in range(60)) == 50


def test_a_flood_of_answers_leaves_the_outbox_most_of_its_room() -> None:
    clock = Clock()
    windows = Windows(clock, tenant=(Limit(40, 1),))
    for _ in range(4):
        clock.time += SECOND * 0.2
        for number in range(5):
            windows.answered("t", f"a{number}")
    assert sum(take(windows, "t", f"c{number}") == NONE for number in range(50)) == 10


def test_an_answer_in_a_conversation_leaves_room_for_one_more_there() -> None:
    windows = Windows(Clock())
    windows.answered("t", "c")
    assert sum(take(windows, "t", "c") == NONE for _ in range(10)) == 5
    assert sum(take(windows, "t", "d") == NONE for _ in range(10)) == 7


def test_what_answers_leave_behind_is_forgotten() -> None:
    clock = Clock()
    windows = Windows(clock)
    for number in range(5000):
        windows.answered("t", f"c{number}")
        clock.time += timedelta(minutes=1)
    assert len(windows._answered[1]) <= 1000


def earliest(times: list[datetime], limit: Limit, now: datetime) -> datetime:
    """The first moment from now on at which one more breaks no window, found by trying."""
    window = timedelta(seconds=limit.seconds)
    tried = sorted({now, *(at + window for at in times if at + window > now)})
    return next(each for each in tried if sum(each - window < at for at in times) < limit.most)


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["t", "u"]), st.integers(0, 1500)),
        min_size=1,
        max_size=80,
    ),
)
def test_whoever_waits_does_so_for_as_long_as_the_windows_ask_and_no_longer(
    steps: list[tuple[int, str, int]],
) -> None:
    clock = Clock()
    conversation, tenant = (Limit(2, 1), Limit(3, 4)), Limit(5, 2)
    windows = Windows(clock, conversation=conversation, tenant=(tenant,), pace=NONE)
    sent: dict[str, list[datetime]] = {}
    for which, there, pause in steps:
        clock.time += timedelta(milliseconds=pause)
        name = f"{there}-{which}"
        bounds = [earliest(sent.get(name, []), limit, clock()) for limit in conversation]
        allowed = max(*bounds, earliest(sent.get(there, []), tenant, clock()))
        assert windows.wait(there, name) == allowed - clock()
        if allowed > clock():
            assert windows.leave(there, name) is None
            clock.time = allowed
        assert windows.leave(there, name) == clock()
        for counted in (name, there):
            sent.setdefault(counted, []).append(clock())
    for name, times in sent.items():
        for limit in conversation if "-" in name else (tenant,):
            assert most_in(times, limit) <= limit.most
