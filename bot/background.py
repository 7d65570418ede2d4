"""Work beside the turns: what outlives its turn is not lost at an orderly end, and what runs while
the bot does never stops by a fault."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

import structlog

AGAIN_SECONDS = 5.0
"""How long after a fault it did not expect a piece of work begins anew."""
_log = structlog.get_logger(__name__)


async def without_end(
    work: Callable[[], Awaitable[None]], name: str, *, pause: float = AGAIN_SECONDS
) -> None:
    """Keep `work` going until cancelled: what it raises is logged, and it begins anew.

    So one fault, such as a store that is busy at the start, ends nothing until the next restart.
    """
    while True:
        try:
            await work()
        except Exception:
            _log.exception("work stumbled and begins anew", work=name)
        await asyncio.sleep(pause)


class Background:
    """The tasks that are under way. They are awaited at the end, for a while."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()

    def start(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        """Run `work` beside the turn; what it raises is logged under `name`."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def nap(self, seconds: float) -> bool:
        """Do nothing for a while; False when the end came first, which no nap holds up."""
        try:
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        except TimeoutError:
            return True
        return False

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("background work failed", work=task.get_name(), exc_info=task.exception())

    async def finish(self, seconds: float) -> None:
        """Wait for what is under way, at most `seconds`; then cancel the rest. Wakes who naps."""
        self._ending.set()
        if not self._tasks:
            return
        _done, late = await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
