"""The stopwatch of tests about time: waiting and computing count, a busy machine does not."""

import asyncio
import time

from tests.stopwatch import stopwatch


async def test_waiting_counts() -> None:
    async with stopwatch() as watch:
        await asyncio.sleep(0.3)
        assert watch.seconds > 0.2


async def test_computing_counts() -> None:
    async with stopwatch() as watch:
        await asyncio.sleep(0)
        until = time.process_time() + 0.3
        while time.process_time() < until:
            pass
        await asyncio.sleep(0.1)
        assert watch.seconds > 0.25


async def test_what_the_machine_takes_away_does_not_count() -> None:
    async with stopwatch() as watch:
        await asyncio.sleep(0)
        time.sleep(1)  # noqa: ASYNC251 - as if the processor were somebody else's
        await asyncio.sleep(0.1)
        assert watch.seconds < 0.5
