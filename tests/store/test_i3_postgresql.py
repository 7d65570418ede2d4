"""Case I3: PostgreSQL is there, but not for us now: we are busy, nothing is kept, then it works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import sqlalchemy as sa

from bot.store import lives
from bot.store.engine import Store, open_store, upgrade
from bot.store.errors import StoreBusy
from bot.store.schema import snoozes
from tests.store.conftest import emptied
from tests.store.places import NOW

pytestmark = pytest.mark.postgres
CONNECTIONS = 20


@pytest.fixture
async def shared(postgres: str) -> AsyncIterator[Store]:
    """A PostgreSQL with our tables and two rows."""
    store = open_store(await emptied(postgres))
    await upgrade(store)
    rows = [{"tenant": "t", "referral_id": deal, "person": "p", "until": NOW} for deal in "ab"]
    async with store.begin() as connection:
        await connection.execute(snoozes.insert(), rows)
    yield store
    await store.close()


def renamed(deal: str, tenant: str) -> sa.Update:
    return snoozes.update().where(snoozes.c.referral_id == deal).values(tenant=tenant)


async def tenants(store: Store) -> list[str]:
    async with store.read() as connection:
        asked = sa.select(snoozes.c.tenant).order_by(snoozes.c.referral_id)
        return list((await connection.execute(asked)).scalars())


async def test_I3_no_connection_left_is_busy_and_passes(shared: Store) -> None:
    store = open_store(shared.engine.url.render_as_string(hide_password=False))
    async with AsyncExitStack() as held:
        for _ in range(CONNECTIONS):
            await held.enter_async_context(store.read())
        with pytest.raises(StoreBusy, match="in use"):
            async with store.begin() as connection:
                await lives.beat(connection, NOW)
    async with store.begin() as connection:
        await lives.beat(connection, NOW)
    await store.close()


async def test_I3_of_two_that_wait_for_each_other_one_is_busy_and_nothing_is_half(
    shared: Store,
) -> None:
    both_began = asyncio.Barrier(2)

    async def change(first: str, second: str, tenant: str) -> str:
        async with shared.begin() as connection:
            await connection.execute(renamed(first, tenant))
            await both_began.wait()
            await connection.execute(renamed(second, tenant))
        return tenant

    ended = await asyncio.gather(
        change("a", "b", "one"), change("b", "a", "two"), return_exceptions=True
    )
    (kept,) = [each for each in ended if isinstance(each, str)]
    (lost,) = [each for each in ended if not isinstance(each, str)]
    assert isinstance(lost, StoreBusy)
    assert await tenants(shared) == [kept, kept]


async def test_I3_a_serialisation_failure_is_busy_and_nothing_is_kept(shared: Store) -> None:
    strict = sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

    async def too_late() -> None:
        async with shared.begin() as late:
            await late.execute(strict)
            await late.execute(sa.select(snoozes))
            async with shared.begin() as early:
                await early.execute(renamed("a", "early"))
            await late.execute(renamed("a", "late"))

    with pytest.raises(StoreBusy):
        await too_late()
    assert await tenants(shared) == ["early", "t"]
