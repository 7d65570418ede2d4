"""The sandbox's clock: real time plus an offset that a control route may move."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

FARTHEST = timedelta(days=36_525)
"""How far from the machine's own time the clock may be moved."""


def wall_time() -> datetime:
    """The machine's own time, in UTC."""
    return datetime.now(UTC)


class Clock:
    """Time that can be moved; whoever sleeps on it wakes when the move reaches their moment.

    `source` is where unmoved time comes from: a fixed one makes a clock that stands still.
    """

    def __init__(self, source: Callable[[], datetime] = wall_time) -> None:
        self._source = source
        self._offset = timedelta()
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        """The sandbox's present, UTC."""
        return self._source() + self._offset

    def before(self, seconds: float) -> datetime:
        """The time so many seconds ago."""
        return self.now() - timedelta(seconds=seconds)

    def advance(self, seconds: float) -> datetime:
        """Move by seconds (negative: back) and say the new time. Raises ValueError for too far."""
        return self._move(self._offset.total_seconds() + seconds)

    def set(self, moment: datetime) -> datetime:
        """Make it this time now; it goes on from there. Raises ValueError without a time zone, or
        for too far."""
        if moment.tzinfo is None:
            raise ValueError("the clock needs a time with a zone")
        return self._move((moment - self._source()).total_seconds())

    def reset(self) -> None:
        """Back to unmoved time."""
        self._offset = timedelta()
        self._wake()

    async def sleep(self, seconds: float) -> None:
        """Wait until this clock shows that many seconds more, by passing or by being moved."""
        await self.reach(self.now() + timedelta(seconds=seconds))

    async def reach(self, due: datetime) -> None:
        """Wait until this clock shows that moment or a later one."""
        while (left := (due - self.now()).total_seconds()) > 0:
            moved = self._moved
            try:
                await asyncio.wait_for(moved.wait(), timeout=left)
            except TimeoutError:
                continue

    def _move(self, offset: float) -> datetime:
        if not abs(offset) <= FARTHEST.total_seconds():
            raise ValueError("the clock moves a hundred years at most")
        self._offset = timedelta(seconds=offset)
        self._wake()
        return self.now()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
