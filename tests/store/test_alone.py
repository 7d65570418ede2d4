"""Single statements: they give and keep what transactions do, and wait for them."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store import seen, token_caches
from bot.store.engine import Store, open_store, upgrade
from bot.store.errors import StoreBusy
from bot.store.schema import seen as table

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone(timedelta(hours=5)))
_ROWS = sa.select(table.c.key, table.c.answer, table.c.created).order_by(table.c.key)


async def test_a_statement_alone_gives_what_it_gives_in_a_transaction(store: Store) -> None:
    async with store.each() as alone:
        assert await seen.claim(alone, "one", now=NOON, abandoned=NOON) == seen.Mine()
        assert await seen.claim(alone, "one", now=NOON, abandoned=NOON) == seen.Running()
        await seen.settle(alone, "one", seen.Stored(200, {"said": "sí"}))
    async with store.begin() as connection:
        await seen.claim(connection, "two", now=NOON, abandoned=NOON)
    async with store.each(writes=False) as alone:
        shown = [(row.key, row.answer, row.created) for row in await alone.execute(_ROWS)]
    async with store.read() as connection:
        kept = [(row.key, row.answer, row.created) for row in await connection.execute(_ROWS)]
    assert shown == kept
    assert [row[0] for row in kept] == ["one", "two"]
    assert kept[0][2] == NOON
    assert kept[0][2].tzinfo is UTC


async def test_bytes_come_back_and_what_is_not_there_is_none(store: Store) -> None:
    async with store.begin() as connection:
        saved = await token_caches.save(
            connection, "t", "p", b"\x00sealed\xff", "key", expected=0, now=NOON
        )
    async with store.each(writes=False) as alone:
        held = await token_caches.load(alone, "t", "p")
        absent = await token_caches.load(alone, "t", "nobody")
    assert saved
    assert held is not None
    assert held.blob == b"\x00sealed\xff"
    assert absent is None


async def _sqlite(tmp_path: Path) -> Store:
    store = open_store(f"sqlite+aiosqlite:///{tmp_path / 'alone.db'}")
    await upgrade(store)
    return store


async def test_it_waits_for_a_transaction_of_this_process(tmp_path: Path) -> None:
    store, order = await _sqlite(tmp_path), []

    async def alone() -> None:
        async with store.each() as connection:
            await seen.claim(connection, "alone", now=NOON, abandoned=NOON)
        order.append("alone")

    async with store.begin() as connection:
        waiting = asyncio.create_task(alone())
        await seen.claim(connection, "first", now=NOON, abandoned=NOON)
        for _ in range(10):
            await asyncio.sleep(0)
        order.append("first")
    await waiting
    await store.close()
    assert order == ["first", "alone"]


async def test_a_file_that_stays_locked_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await _sqlite(tmp_path)
    monkeypatch.setattr("bot.store.engine.BUSY_SECONDS", 0.05)
    other = sqlite3.connect(tmp_path / "alone.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match=r"alone\.db"):
        async with store.each() as connection:
            await seen.claim(connection, "one", now=NOON, abandoned=NOON)
    other.execute("ROLLBACK")
    async with store.each() as connection:
        assert await seen.claim(connection, "one", now=NOON, abandoned=NOON) == seen.Mine()
    other.close()
    await store.close()
