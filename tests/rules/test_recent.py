"""A memory that is bounded in number and age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.recent import Recent

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class _Clock:
    def __init__(self) -> None:
        self.present = NOW

    def __call__(self) -> datetime:
        return self.present


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def test_a_value_is_believed_for_its_age_and_no_longer(clock: _Clock) -> None:
    recent: Recent[str, int] = Recent(2, timedelta(minutes=1), clock)
    recent.put("a", 1)
    clock.present += timedelta(minutes=1)
    assert recent.get("a") == 1
    clock.present += timedelta(seconds=1)
    assert recent.get("a") is None
    clock.present = NOW
    assert recent.get("a") is None


def test_a_clock_that_was_set_back_makes_nothing_young_again(clock: _Clock) -> None:
    recent: Recent[str, int] = Recent(2, timedelta(minutes=1), clock)
    recent.put("a", 1)
    clock.present -= timedelta(hours=1)
    assert recent.get("a") is None


def test_the_oldest_goes_first_and_a_new_value_makes_young(clock: _Clock) -> None:
    recent: Recent[str, int] = Recent(2, timedelta(minutes=1), clock)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        recent.put(key, value)
    assert [recent.get(key) for key in "abc"] == [3, None, 4]


def test_what_was_dropped_is_not_known(clock: _Clock) -> None:
    recent: Recent[str, int] = Recent(2, timedelta(minutes=1), clock)
    recent.put("a", 1)
    recent.drop("a")
    recent.drop("b")
    assert recent.get("a") is None
