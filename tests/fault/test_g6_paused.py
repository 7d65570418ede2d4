"""Case G6: a process is stopped in the middle of a PATCH for longer than its lease."""

from __future__ import annotations

import asyncio
import signal

from sandbox.deals import FABRIKAM
from tests.scenario.conftest import patches, signed_in
from tests.scenario.test_register import begins, walks_to_the_end
from tests.world import World

LONG = 1000
"""Seconds of the sandbox's clock until the first PATCH is worked on."""


async def test_g6_another_process_takes_over_and_there_is_one_registration(world: World) -> None:
    first = await world.bot_process()
    await signed_in(world, "ben")
    await begins(world)
    await walks_to_the_end(world)
    await world.fault("delay", method="PATCH", seconds=LONG)
    await world.clicks("ben", "Submit")
    async with asyncio.timeout(20):
        while not await patches(world):
            await world.get("events", wait="1", person="ben")
    first.process.send_signal(signal.SIGSTOP)
    try:
        await world.bot_process()
        await world.sees("ben", lambda seen: "Approved" in seen[-1].words, within=90)
    finally:
        first.process.send_signal(signal.SIGCONT)
    await world.post("clock", advance=LONG)
    await world.get("events", wait="2", person="ben")

    assert len((await world.referral(FABRIKAM))["registrations"]) == 1
    assert len(await world.ledger()) == 1
    assert len(await patches(world)) == 2
    messages = await world.messages("ben")
    assert "Approved" in messages[-1].words
    assert sum("Approved" in message.words for message in messages) == 1
