"""Statements past SQLAlchemy: they give and keep what those through it do, and wait for them."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.store import (
    approval_copies,
    approvals,
    inbox,
    notices,
    outbox,
    polls,
    registrations,
    seen,
    sqlite_inline,
    token_caches,
)
from bot.store.direct import Direct, Runs
from bot.store.engine import Store, open_store, upgrade
from bot.store.errors import StoreBusy, StoreUnavailable
from bot.store.kept import MOST_IDLE
from bot.store.schema import seen as table

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone(timedelta(hours=5)))
_NEW = table.insert()
_END_OTHERS = (
    sa.select(sa.func.count(sa.func.pg_terminate_backend(sa.column("pid"))))
    .select_from(sa.text("pg_stat_activity"))
    .where(
        sa.column("datname") == sa.func.current_database(),
        sa.column("pid") != sa.func.pg_backend_pid(),
    )
)
_ROWS = sa.select(table.c.key, table.c.answer, table.c.created).order_by(table.c.key)


def _row(key: str) -> dict[str, object]:
    return {"key": key, "state": "done", "created": NOON}


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


async def test_a_transaction_is_kept_as_a_whole(store: Store, other: Store) -> None:
    async with store.begin() as connection:
        await seen.claim(connection, "one", now=NOON, abandoned=NOON)
        await seen.claim(connection, "two", now=NOON, abandoned=NOON)
        assert await _keys(store) == await _keys(other) == []
    assert await _keys(store) == await _keys(other) == ["one", "two"]


async def test_an_exception_takes_all_of_a_transaction_back(store: Store) -> None:
    async def fail() -> None:
        async with store.begin() as connection:
            await seen.claim(connection, "lost", now=NOON, abandoned=NOON)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await _keys(store) == []
    async with store.begin() as connection:
        await seen.claim(connection, "kept", now=NOON, abandoned=NOON)
    assert await _keys(store) == ["kept"]


async def test_a_constraint_stays_recognisable(store: Store) -> None:
    async def twice() -> None:
        async with store.begin() as connection:
            await connection.execute(_NEW, _row("a"))
            await connection.execute(_NEW, _row("a"))

    with pytest.raises(IntegrityError) as caught:
        await twice()
    assert "2026" not in str(caught.value)
    async with store.each() as alone:
        await alone.execute(_NEW, _row("a"))
        with pytest.raises(IntegrityError):
            await alone.execute(_NEW, _row("a"))
    assert await _keys(store) == ["a"]


async def test_what_the_database_refuses_is_translated(store: Store) -> None:
    async with store.begin() as connection:
        await connection.run_sync(table.drop)
    for opened in (store.each(), store.each(flush=True), store.begin()):
        with pytest.raises(StoreUnavailable):
            async with opened as connection:
                await seen.claim(connection, "one", now=NOON, abandoned=NOON)


async def test_only_what_is_to_be_flushed_waits_for_the_disk(tmp_path: Path) -> None:
    store, found = await _sqlite(tmp_path), []
    for flush in (False, True, False, True):
        async with store.each(flush=flush) as alone:
            found.append(await _level(alone))
    await store.close()
    assert found == [1, 2, 1, 2]


async def test_a_connection_that_rested_is_asked_before_it_is_used(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.kept.TRUSTED_SECONDS", -1.0)
    for key in ("one", "two", "three"):
        async with store.each() as alone:
            assert await seen.claim(alone, key, now=NOON, abandoned=NOON) == seen.Mine()


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_connections_that_were_closed_are_opened_anew(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.kept.TRUSTED_SECONDS", -1.0)
    for key in ("one", "two"):
        async with store.each() as alone:
            await seen.claim(alone, key, now=NOON, abandoned=NOON)
        async with other.begin() as connection:
            assert await connection.scalar(_END_OTHERS)
    assert await _keys(other) == ["one", "two"]


_TOLD_TO_END = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"
"""The fields of what PostgreSQL says before it ends a connection: admin_shutdown."""


async def _told_to_end(store: Store, way: str) -> None:
    """The connection used next hears that it ends, as from a PostgreSQL that shuts down; the end
    itself is still on its way."""
    async with getattr(store, way)() as used:
        await used.execute(_ROWS)
        if isinstance(used, Direct):
            driver = cast("Any", used)._opened._opened
        else:
            driver = await used.run_sync(lambda there: there.connection.driver_connection)
    length = (len(_TOLD_TO_END) + 4).to_bytes(4, "big")
    driver._protocol.data_received(b"E" + length + _TOLD_TO_END)


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("way", ["each", "begin", "read"])
async def test_a_connection_that_is_about_to_end_is_replaced_after_a_pause(
    store: Store, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    await _told_to_end(store, way)
    monkeypatch.setattr("bot.store.kept.TRUSTED_SECONDS", -1.0)
    monkeypatch.setattr("bot.store.engine.TRUSTED_SECONDS", -1.0)
    async with getattr(store, way)() as connection:
        assert list(await connection.execute(_ROWS)) == []


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("way", ["each", "begin", "read"])
async def test_a_connection_that_is_about_to_end_is_named_and_not_used_again(
    store: Store, way: str
) -> None:
    await _told_to_end(store, way)
    with pytest.raises(StoreUnavailable):
        async with getattr(store, way)() as connection:
            await connection.execute(_ROWS)
    async with getattr(store, way)() as connection:
        assert list(await connection.execute(_ROWS)) == []


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_more_at_once_than_connections_are_kept(store: Store) -> None:
    async def one(number: int) -> object:
        async with store.each() as alone:
            return await seen.claim(alone, f"{number}", now=NOON, abandoned=NOON)

    for start in (0, 100):
        numbers = range(start, start + 2 * MOST_IDLE)
        assert set(await asyncio.gather(*map(one, numbers))) == {seen.Mine()}


async def _keys(store: Store) -> list[str]:
    async with store.each(writes=False) as alone:
        return [row.key for row in await alone.execute(_ROWS)]


async def _level(connection: Runs) -> int:
    """How SQLite waits for the disk on this connection."""
    opened = cast("sqlite_inline.Connection", cast("Direct", connection)._opened)
    found, _count = await opened.run("PRAGMA synchronous", (), gives=True)
    return int(found[0][0])


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


async def test_what_an_idle_bot_asks_is_answered_past_the_machinery(store: Store) -> None:
    async with store.each(writes=False) as alone:
        assert await outbox.sent_since(alone, NOON, "bot-1") == []
        assert await outbox.replies_waiting(alone) == []
        assert not await outbox.is_due(alone, NOON)
        assert not await inbox.is_due(alone, NOON)
        assert not await polls.is_due(alone, NOON)
        assert not await approvals.any_due(alone, NOON)
        assert not await approval_copies.any_overdue(alone, NOON)
        assert await approval_copies.live(alone, NOON) == {}
        assert await registrations.due(alone, NOON) == []
        assert await notices.feeds_due(alone, NOON) == []
        assert await notices.registered_untold(alone, NOON) == []
        assert await notices.approvals_untold(alone, NOON, "approved") == []


async def test_what_is_due_is_found_past_the_machinery(store: Store) -> None:
    async with store.begin() as connection:
        await polls.follow(connection, "t-1", "p-1", NOON)
        await inbox.add(
            connection,
            body_hash="one",
            business_key="one",
            event_name="changed",
            referral_id="r-1",
            changed=None,
            now=NOON,
        )
    early = NOON - timedelta(seconds=1)
    async with store.each(writes=False) as alone:
        assert await polls.is_due(alone, NOON)
        assert not await polls.is_due(alone, early)
        assert await inbox.is_due(alone, NOON)
        assert not await inbox.is_due(alone, early)
    async with store.begin() as connection:
        assert await inbox.claim_due(connection, NOON, "bot-1", NOON + timedelta(minutes=1))
        assert await polls.due(connection, NOON, "bot-1", NOON + timedelta(minutes=1))
    async with store.each(writes=False) as alone:
        assert not await polls.is_due(alone, NOON)
        assert not await inbox.is_due(alone, NOON)
        assert await polls.is_due(alone, NOON + timedelta(minutes=1))
        assert await inbox.is_due(alone, NOON + timedelta(minutes=1))
