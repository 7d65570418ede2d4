"""A power cut in the middle of a change: after the restart its card tells the truth."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

from sandbox.deals import FABRIKAM
from tests.scenario.conftest import patches, signed_in
from tests.world import World

SAVE = "Save this change?"


async def interrupted(world: World) -> None:
    """A change whose row says that its request left, and the message that was pressed for it; its
    process is no more."""
    bot = await world.bot()
    await signed_in(world, "ben")
    await world.says("ben", "update fabrikam analytics value 45k")
    card = await world.hears("ben", until=SAVE)
    await bot.stop()
    long_ago = datetime.now(UTC) - timedelta(minutes=2)
    with closing(sqlite3.connect(world.folder / "dealdesk.db")) as rows, rows:
        changed = rows.execute(
            "UPDATE proposals SET state = 'applying', version = version + 1, updated = ?, "
            "message_id = ? WHERE message_id IS NULL",
            (long_ago.replace(tzinfo=None).isoformat(sep=" "), card.id),
        )
        assert changed.rowcount == 1


async def test_a_write_that_arrived_is_shown_as_saved(world: World) -> None:
    await interrupted(world)
    wanted = [{"op": "replace", "path": "/details/dealValue", "value": 45000}]
    await world.edit(FABRIKAM, wanted, "portal")
    await world.bot()
    shown = await world.hears("ben", until="Saved in Partner Center")
    assert "USD 45,000" in shown.words
    assert await patches(world) == []


async def test_a_write_that_did_not_arrive_waits_for_its_person(world: World) -> None:
    await interrupted(world)
    await world.bot()
    await world.hears("ben", until="do not know yet")
    assert await patches(world) == []
    await world.clicks("ben", "Check again")
    await world.hears("ben", until="Saved in Partner Center")
    assert len(await patches(world)) == len(await world.ledger()) == 1


async def test_a_deal_that_moved_on_meanwhile_is_a_conflict(world: World) -> None:
    await interrupted(world)
    other = [{"op": "replace", "path": "/details/dealValue", "value": 41000}]
    await world.edit(FABRIKAM, other, "portal")
    await world.bot()
    shown = await world.hears("ben", until="changed this deal meanwhile")
    assert "USD 41,000" in shown.words
    assert await world.ledger() == []
