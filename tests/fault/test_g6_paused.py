"""Case G6: a process is stopped in the middle of a PATCH for longer than its lease."""

from __future__ import annotations

import asyncio

from sandbox.deals import FABRIKAM
from tests.fault.pairs import looking_away
from tests.scenario.conftest import patches, signed_in
from tests.scenario.test_register import approved, begins, walks_to_the_end
from tests.world import PATIENCE_SECONDS, Heard, World

LONG = 1000
"""Seconds of the sandbox's clock until the first PATCH is worked on."""


async def test_g6_another_process_takes_over_and_there_is_one_registration(world: World) -> None:
    first = await world.bot_process()
    await signed_in(world, "ben")
    await begins(world)
    await walks_to_the_end(world)
    await world.fault("delay", method="PATCH", seconds=LONG)
    await world.clicks("ben", "Submit")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await patches(world):
            await world.get("events", wait="1", person="ben")
    async with looking_away(first, world.environment(0)["DEALDESK_DATABASE_URL"]):
        await world.bot_process()
        await world.sees("ben", approved, within=180)
    await world.post("clock", advance=LONG)
    await world.get("events", wait="2", person="ben")

    assert len((await world.referral(FABRIKAM))["registrations"]) == 1
    assert len(await world.ledger()) == 1
    assert len(await patches(world)) == 2
    told = _of_the_deal(await world.messages("ben"))
    assert "Approved" in told[-1]
    assert sum("Approved" in each for each in told) == 1


def _of_the_deal(seen: list[Heard]) -> list[Heard]:
    """What is said of Fabrikam's deal: reminders of other deals may come at any time."""
    return [each for each in seen if "#1001" in each]
