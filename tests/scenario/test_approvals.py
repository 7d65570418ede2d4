"""Approvals as people live them: asked, decided, carried out once, the same on every card."""

from __future__ import annotations

import pytest

from tests.scenario.conftest import patches, signed_in
from tests.scenario.test_register import begins, registered, walks_to_the_end
from tests.world import World

POLICY = "register, won, lost, value>40000 USD"
WAITING = "Waiting for approval"


@pytest.fixture
async def house(world: World) -> World:
    """A bot with a policy; Ben is signed in, Dana may approve and has never said a word."""
    await world.bot(approval_policy=POLICY)
    await signed_in(world, "ben")
    return world


async def asks_to_change(world: World, where: str = "personal", value: str = "45k") -> None:
    await world.says("ben", f"update fabrikam analytics value {value}", where)
    await world.hears("ben", where, until="Save this change?")
    await world.clicks("ben", "Save", where=where)
    await world.hears("ben", where, until=WAITING)


async def test_register_needs_approval_and_happens_once_as_the_requester(house: World) -> None:
    await begins(house, where="group")
    await walks_to_the_end(house, where="group")
    await house.clicks("ben", "Submit", where="group")
    await house.hears("cleo", "group", until=WAITING)
    asked = await house.hears("dana", until=WAITING)
    for piece in ("Ben Okafor", "USD 250,000", "Fabrikam", "Approve", "Reject", "Ask back"):
        assert piece in asked.words
    assert await patches(house) == []

    pressed = await house.clicks("dana", "Approve")
    assert pressed.status == 200
    for person, where in (("dana", "personal"), ("ben", "group"), ("cleo", "group")):
        await house.hears(person, where, until="Approved and done", within=20)
    assert len(await registered(house)) == 1
    (write,) = await house.ledger()
    assert write["owner"] == "ben"
    await house.hears("ben", until="USD 250,000", within=10)
