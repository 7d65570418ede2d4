"""Cases F2, F5 and B9 when reads lag behind: no version decides that is not newer than the base."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from sandbox.deals import FABRIKAM
from tests.scenario.conftest import patches, signed_in
from tests.scenario.test_approvals import (
    DONE,
    asks_to_change,
    open_house,
    sees,
    value,
)
from tests.world import World

SAVE = "Save this change?"
UNKNOWN = "do not know yet"
CONFLICT = "changed this deal meanwhile"


def to(amount: int) -> list[dict[str, object]]:
    """A colleague's edit of the deal value."""
    return [{"op": "replace", "path": "/details/dealValue", "value": amount}]


@pytest.fixture
async def ben(world: World) -> World:
    await world.bot()
    await signed_in(world, "ben")
    return world


async def proposes(world: World) -> None:
    await world.says("ben", "update fabrikam analytics value 45k")
    await world.hears("ben", until=SAVE)


async def test_F2_a_412_is_not_judged_by_the_version_it_contradicts(ben: World) -> None:
    await proposes(ben)
    await ben.edit(FABRIKAM, to(41000))
    await ben.fault("stale_read", method="GET", times=3)
    await ben.clicks("ben", "Save")
    told = await ben.hears("ben", until=UNKNOWN)
    assert "another version of this deal" in told.words
    assert CONFLICT not in told.words
    await ben.clicks("ben", "Check again")
    assert "USD 41,000" in (await ben.hears("ben", until=CONFLICT)).words
    assert await ben.ledger() == []


async def test_F5_a_change_that_arrived_is_never_shown_as_a_conflict(ben: World) -> None:
    """The answer is lost, the reads are old, and the very same is sent again: 412."""
    await proposes(ben)
    await ben.fault("apply_then_drop", method="PATCH")
    await ben.fault("stale_read", method="GET", times=3)
    await ben.clicks("ben", "Save")
    await ben.hears("ben", until=UNKNOWN)
    await ben.fault("stale_read", method="GET", times=4)
    await ben.clicks("ben", "Check again")
    await ben.sees("ben", lambda seen: any("another version" in one for one in seen))
    await ben.clicks("ben", "Check again")
    await ben.hears("ben", until="Saved in Partner Center")
    assert not any(CONFLICT in one for one in await ben.messages("ben"))
    assert len(await patches(ben)) == 2
    assert len(await ben.ledger()) == 1
    assert await value(ben) == 45000


async def test_B7_an_end_given_by_another_instance_stands_when_this_one_is_answered(
    ben: World,
) -> None:
    """The other one took over while our request was on its way, which now gets its 412."""
    await proposes(ben)
    await ben.fault("delay", method="PATCH", seconds=60)
    pressed = asyncio.create_task(ben.clicks("ben", "Save"))
    while not await patches(ben):
        await ben.get("events", wait="0", person="ben")
    await ben.edit(FABRIKAM, to(43000))
    books = ben.folder / "dealdesk.db"
    with closing(sqlite3.connect(books)) as rows, rows:
        rows.execute("UPDATE proposals SET state = 'done', version = version + 1")
    await ben.post("clock", advance=60)
    await pressed
    await ben.hears("ben", until="Saved in Partner Center")
    with closing(sqlite3.connect(books)) as rows:
        assert rows.execute("SELECT state FROM proposals").fetchall() == [("done",)]
        ends = "SELECT outcome FROM audit WHERE kind LIKE 'proposal.%' ORDER BY at"
        assert rows.execute(ends).fetchall() == [("applying",)]


async def test_F5_a_version_from_before_the_base_decides_nothing(ben: World) -> None:
    """Another eTag alone is not newer: the read shows what was there before the base."""
    await ben.advance(3600)
    await ben.edit(FABRIKAM, to(41000))
    await proposes(ben)
    await ben.fault("apply_then_drop", method="PATCH")
    await ben.fault("stale_read", method="GET", seconds=1800, times=3)
    await ben.clicks("ben", "Save")
    told = await ben.hears("ben", until=UNKNOWN)
    assert "answer did not arrive" in told.words
    await ben.clicks("ben", "Check again")
    await ben.hears("ben", until="Saved in Partner Center")
    assert len(await patches(ben)) == len(await ben.ledger()) == 1


async def test_B9_an_earlier_version_ends_neither_the_question_nor_the_approval(
    world: World,
) -> None:
    house = await open_house(world)
    await house.advance(3600)
    await house.edit(FABRIKAM, to(39000))
    await proposes(house)
    await house.fault("stale_read", method="GET", seconds=1800)
    await house.clicks("ben", "Save")
    assert "Nothing was changed" in (await house.hears("ben", until="is behind")).words
    await house.clicks("ben", "Try again")
    await house.hears("dana", until="Waiting for approval")
    await house.fault("stale_read", method="GET", seconds=1800)
    await house.clicks("dana", "Approve")
    await sees(house, "dana", DONE)
    assert await value(house) == 45000
    assert not any("has changed since" in one for one in await house.messages("ben"))


async def test_B9_a_newer_version_still_ends_it(world: World) -> None:
    house = await open_house(world)
    await asks_to_change(house)
    await house.edit(FABRIKAM, to(41000))
    await house.clicks("dana", "Approve")
    await sees(house, "ben", "has changed since")
    assert await house.ledger() == []
