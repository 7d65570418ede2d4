"""Who speaks to the bot while it tells many others is answered before them."""

import sqlalchemy as sa

from bot.conversation import Message, Place, PlaceKind
from bot.outbox import written
from bot.store import outbox, schema
from bot.store.engine import Store, open_store
from sandbox.chats import WINS
from sandbox.people import APP_ID, TENANT_ID
from tests.world import World

MANY = 60
"""More than one channel gets within 14 s."""


async def owe_many(world: World, store: Store) -> None:
    """Promise a message to as many threads of a channel."""
    async with store.begin() as connection:
        for number in range(MANY):
            url, name = f"{world.sandbox.page}teams/", f"{WINS};messageid={number}"
            place = Place(PlaceKind.CHANNEL, TENANT_ID, name, url, f"28:{APP_ID}")
            content = written(Message(text=f"A deal was won: {number}"))
            await outbox.put(connection, place, content, world.clock())


async def told(store: Store) -> int:
    """How many of them have left by now."""
    async with store.read() as connection:
        count = sa.select(sa.func.count()).select_from(schema.outbox)
        return await connection.scalar(count.where(schema.outbox.c.state == "sent")) or 0


async def test_help_is_answered_at_once_while_many_wait_to_be_told(office: World) -> None:
    store = open_store(office.environment(0)["DEALDESK_DATABASE_URL"])
    await owe_many(office, store)
    await office.sees("ben", lambda seen: any("A deal was won" in each for each in seen), "wins")
    for _ in range(3):
        before = await told(store)
        await office.says("ben", "help")
        await office.hears("ben")
        assert await told(store) - before < MANY / 3
    assert await told(store) < MANY
    await store.close()
