"""Takes the time that the bot needs, without the time that a busy machine keeps it from running."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

TICK_SECONDS = 0.02


class Stopwatch:
    """Runs while the event loop, which test and bot share, could run: when the loop comes late and
    this process did not compute meanwhile, the processor was somebody else's."""

    def __init__(self) -> None:
        self._lost = 0.0
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """What has passed by now."""
        return time.monotonic() - self._began - self._lost

    async def run(self) -> None:
        """Look again and again how late the loop comes, until cancelled."""
        while True:
            wall, own = time.monotonic(), time.process_time()
            await asyncio.sleep(TICK_SECONDS)
            late = time.monotonic() - wall - TICK_SECONDS
            self._lost += max(0.0, late - (time.process_time() - own))


@asynccontextmanager
async def stopwatch() -> AsyncIterator[Stopwatch]:
    """One that runs inside the block."""
    watch = Stopwatch()
    running = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        running.cancel()
        await asyncio.wait({running})
