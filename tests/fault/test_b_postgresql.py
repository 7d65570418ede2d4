"""Case B7 with two instances on one real PostgreSQL: pressed at once, written once."""

from __future__ import annotations

import asyncio

import pytest

from tests.fault.test_b_approvals import approval_in, presses
from tests.scenario.conftest import signed_in
from tests.scenario.test_approvals import ADA, DANA, DONE, WAITING, asks_to_change, sees
from tests.store.conftest import emptied, postgres
from tests.world import World

__all__ = ["postgres"]

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("against", ["approve", "reject"])
async def test_B7_two_instances_share_a_postgresql(
    world: World, postgres: str, against: str
) -> None:
    shared = {
        "database_url": await emptied(postgres),
        "approval_policy": "value>40000 USD",
        "approvers": f"{DANA},{ADA}",
    }
    first = (await world.bot(**shared)).url  # type: ignore[arg-type]
    await signed_in(world, "ben")
    card = await asks_to_change(world, "group")
    other = await world.hears("ada", until=WAITING)
    second = (await world.bot(**shared)).url  # type: ignore[arg-type]
    data = {"approval": approval_in(card)}

    async def press(person: str, verb: str, message: str, url: str) -> int | None:
        await world.post("bot", url=url)
        why = {"reason": "Too early"} if verb == "reject" else {}
        return (await presses(world, person, verb, data | why, message)).status

    statuses = await asyncio.gather(
        press("dana", "approve", card.id, first), press("ada", against, other.id, second)
    )
    assert set(statuses) == {200}
    await world.sees("dana", lambda seen: any(DONE in m or "Rejected" in m for m in seen))
    writes = await world.ledger()
    end = DONE if writes else "Rejected"
    assert len(writes) <= 1
    for person, where in (("dana", "personal"), ("ada", "personal"), ("ben", "group")):
        await sees(world, person, end, where)
