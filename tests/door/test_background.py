"""The orderly end of work that outlived its turn, and work that no fault ends."""

import asyncio

from bot.background import Background, without_end
from bot.store.errors import StoreBusy


async def test_the_end_wakes_who_naps_and_waits_for_who_works() -> None:
    background, done = Background(), list[str]()

    async def napping() -> None:
        done.append("slept" if await background.nap(3600) else "woken")

    async def working() -> None:
        await background.nap(0.01)
        await asyncio.to_thread(done.append, "worked")

    for work in (napping, working):
        background.start(work(), work.__name__)
    await background.finish(60)
    assert sorted(done) == ["woken", "worked"]


async def test_a_nap_that_nothing_breaks_off_says_so() -> None:
    assert await Background().nap(0.01)


async def test_work_that_met_a_fault_begins_anew_until_it_is_cancelled() -> None:
    begun, goes_on = list[str](), asyncio.Event()

    async def work() -> None:
        begun.append("begun")
        if len(begun) < 3:
            raise StoreBusy("database is locked")
        goes_on.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(without_end(work, "registrations", pause=0.0))
    async with asyncio.timeout(60):
        await goes_on.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert len(begun) == 3
