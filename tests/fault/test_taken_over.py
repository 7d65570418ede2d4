"""One of two living processes is killed at a step of a registration or of a change; the other one,
which was there all along, ends it. The ledger is compared with the audit."""

from __future__ import annotations

import contextlib
import signal

import pytest

from bot.crash import Point
from tests.chaos import age
from tests.fault.pairs import looking_away, pair
from tests.fault.test_chaos import any_has, settled
from tests.fault.test_g1_crash import QUESTION, SETTLED_SECONDS, STEPS
from tests.scenario.conftest import signed_in
from tests.scenario.test_register import approved, begins, registered, walks_to_the_end
from tests.world import Refused, World

SAVING = (Point.WRITE_INTENDED, Point.WRITE_APPLIED, Point.WRITE_TOLD, Point.WRITE_DONE)
SAVED = "Saved in Partner Center"


@pytest.mark.parametrize("point", STEPS)
async def test_killed_in_a_registration_its_neighbour_registers_once(
    world: World, point: Point
) -> None:
    database = world.environment(0)["DEALDESK_DATABASE_URL"]
    first, second = await pair(world, database, point)
    await signed_in(world, "ben")
    await begins(world)
    await walks_to_the_end(world)
    async with looking_away(second, database):
        with contextlib.suppress(Refused):
            await world.clicks("ben", "Submit")
        assert await first.ended() == -signal.SIGKILL
        await age(database, 61)
    await world.post("bot", url=second.url)
    if point in QUESTION:
        assert await registered(world) == []
        await world.clicks("ben", "Submit")
    await world.sees("ben", approved, within=SETTLED_SECONDS)
    await settled(world, database, needs_approval=False)
    assert len(await registered(world)) == len(await world.ledger()) == 1


@pytest.mark.parametrize("point", SAVING)
async def test_killed_in_a_change_its_neighbour_saves_it_once(
    world: World, database: str, point: Point
) -> None:
    first, second = await pair(world, database, point)
    await signed_in(world, "ben")
    await world.says("ben", "update fabrikam analytics value 39k")
    await world.hears("ben", until="Save this change?")
    async with looking_away(second, database):
        with contextlib.suppress(Refused):
            await world.clicks("ben", "Save")
        assert await first.ended() == -signal.SIGKILL
        await age(database, 61)
    await world.post("bot", url=second.url)
    if point is Point.WRITE_INTENDED:
        await world.sees("ben", any_has("do not know yet"))
        await world.clicks("ben", "Check again")
    if point is Point.WRITE_DONE:
        await world.clicks("ben", "Save")
    await world.sees("ben", any_has(SAVED))
    await settled(world, database, needs_approval=False)
    assert len(await world.ledger()) == 1
