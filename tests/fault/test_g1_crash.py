"""Case G1: the bot is killed at every point of a registration and started again."""

from __future__ import annotations

import contextlib
import signal
from typing import Any

import pytest

from bot.crash import Point
from sandbox.deals import FABRIKAM
from tests.scenario.conftest import signed_in
from tests.scenario.test_register import approved, begins, walks_to_the_end
from tests.world import Refused, World

STEPS = list(Point)[: list(Point).index(Point.AFTER_OUTBOX) + 1]
"""The points a registration comes by; those behind them belong to approvals and notices."""
SETTLED_SECONDS = 180.0
"""Patience. Where a PATCH may be under way, or may not have left, it is sent again after a minute
(AFTER_UNKNOWN, PATCH_SENT)."""

QUESTION = {Point.BEFORE_INTENT}
"""Nothing was promised yet: the dialog waits where it was."""


async def _registered(world: World) -> list[Any]:
    held: list[Any] = (await world.referral(FABRIKAM))["registrations"]
    return held


@pytest.mark.parametrize("point", STEPS)
async def test_g1_killed_at_any_point_it_ends_in_one_registration_and_one_card(
    world: World, point: Point
) -> None:
    first = await world.bot_process({"DEALDESK_CRASH_AT": point.value})
    await signed_in(world, "ben")
    await begins(world)
    await walks_to_the_end(world)
    with contextlib.suppress(Refused):
        await world.clicks("ben", "Submit")
    assert await first.ended() == -signal.SIGKILL

    await world.bot_process()
    if point in QUESTION:
        assert await _registered(world) == []
        await world.clicks("ben", "Submit")
    await world.sees("ben", approved, within=SETTLED_SECONDS)
    messages = await world.messages("ben")
    assert sum("Approved" in message.words for message in messages) == 1
    assert len(await _registered(world)) == 1
    assert len(await world.ledger()) == 1
