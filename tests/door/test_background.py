"""The orderly end of work that outlived its turn."""

import asyncio

from bot.background import Background


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
