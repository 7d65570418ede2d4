"""A loop in which nobody waits: when nothing is left to do, its clock is put to the next moment."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

_T = TypeVar("_T")
_START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class _NoWait(selectors.SelectSelector):
    """Lets the time go by for which it is asked to wait. Only timers can end that wait."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is not None:
            self.seconds += timeout
        return ready


class HurriedLoop(asyncio.SelectorEventLoop):
    """`now` is its time of day; `work` keeps it busy, as a computation does."""

    def __init__(self) -> None:
        self._clock = _NoWait()
        super().__init__(self._clock)

    def time(self) -> float:
        """Its clock."""
        return self._clock.seconds

    def now(self) -> datetime:
        """The same, aware."""
        return _START + timedelta(seconds=self.time())

    def work(self, seconds: float) -> None:
        """Nothing else is done for so long."""
        self._clock.seconds += seconds


def hurried_loop() -> HurriedLoop:
    """The loop that runs."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, HurriedLoop):
        raise TypeError("not inside hurried()")
    return loop


def hurried(main: Coroutine[Any, Any, _T]) -> _T:
    """Runs something in such a loop."""
    with asyncio.Runner(loop_factory=HurriedLoop) as runner:
        return runner.run(main)
