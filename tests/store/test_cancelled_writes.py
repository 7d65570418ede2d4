"""A task that is cancelled in the middle of a transaction leaves no lock behind."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store.engine import Store, open_store, upgrade
from bot.store.schema import handle_counters

_NEW = handle_counters.insert()
_ALL = sa.select(handle_counters)


async def _write(store: Store, tenant: str, how: str) -> None:
    async with store.begin() if how == "begin" else store.each(flush=True) as connection:
        await connection.execute(_NEW, {"tenant": tenant, "next_number": 1})
        for _ in range(20):
            await connection.execute(_ALL)
            await asyncio.sleep(0)


@pytest.mark.parametrize("how", ["begin", "each"])
async def test_a_cancelled_write_gives_the_lock_back(tmp_path: Path, how: str) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}"
    one, other = open_store(url), open_store(url)
    await upgrade(one)
    for turns in range(60):
        task = asyncio.create_task(_write(one, f"one-{turns}", how))
        for _ in range(turns):
            await asyncio.sleep(0.0002)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        async with asyncio.timeout(60):
            await _write(other, f"other-{turns}", how)
    await one.close()
    await other.close()


async def test_a_transaction_cut_off_holds_nothing_back(store: Store, other: Store) -> None:
    """The same key can be written at once by another instance, on either database."""

    async def wait_inside(begun: asyncio.Event) -> None:
        async with store.begin() as connection:
            await connection.execute(_NEW, {"tenant": "t", "next_number": 1})
            begun.set()
            await asyncio.Event().wait()

    for _ in range(5):
        begun = asyncio.Event()
        task = asyncio.create_task(wait_inside(begun))
        await begun.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    async with asyncio.timeout(60):
        await _write(other, "t", "each")
    await _write(store, "u", "each")
