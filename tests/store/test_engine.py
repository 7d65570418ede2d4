"""Opening, upgrading and committing: what may fail, and in which words."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import IntegrityError

from bot.store import handles, migrations, schema
from bot.store.engine import Store, open_store, upgrade
from bot.store.errors import (
    SchemaTooNew,
    StoreBusy,
    StoreFull,
    StoreUnavailable,
    UnknownDatabase,
)
from bot.store.migrations import upgrading
from tests.stopwatch import stopwatch
from tests.store.conftest import emptied

NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)


async def race(database: str, work: str, racers: int = 3) -> list[dict[str, int]]:
    """Runs the racer in several processes at once; what each printed."""
    running = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.store.racer",
            database,
            work,
            str(number),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for number in range(racers)
    ]
    ended = await asyncio.gather(*(one.communicate() for one in running))
    for process, (_, complaint) in zip(running, ended, strict=True):
        assert process.returncode == 0, complaint.decode()
    return [json.loads(said) for said, _ in ended]


async def seen_keys(store: Store) -> list[str]:
    async with store.read() as connection:
        return list((await connection.scalars(sa.select(schema.seen.c.key))).all())


def _see(key: str) -> sa.Insert:
    return schema.seen.insert().values(key=key, state="done", created=NOW)


async def _through_every_migration(store: Store) -> None:
    async with store.begin() as connection:
        await connection.run_sync(upgrading.run, store.label)


async def test_migrations_make_exactly_the_tables_of_the_schema(database: str) -> None:
    def difference(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        return list(compare_metadata(context, schema.metadata))

    store = open_store(database)
    try:
        await _through_every_migration(store)
        async with store.read() as connection:
            assert await connection.run_sync(difference) == []
    finally:
        await store.close()


def _shape(connection: sa.Connection) -> dict[str, object]:
    """Everything a database says of its tables, but in which order the columns stand."""
    seen = sa.inspect(connection)
    return {
        name: [
            sorted((c["name"], str(c["type"]), c["nullable"], c["default"]) for c in columns),
            seen.get_pk_constraint(name),
            *(
                sorted(map(repr, found(name)))
                for found in (
                    seen.get_unique_constraints,
                    seen.get_check_constraints,
                    seen.get_foreign_keys,
                )
            ),
            sorted(
                repr(
                    index
                    | {"dialect_options": {k: str(v) for k, v in index["dialect_options"].items()}}
                )
                for index in seen.get_indexes(name)
            ),
        ]
        for name in seen.get_table_names()
        for columns in [seen.get_columns(name)]
    }


async def test_an_empty_database_is_made_as_the_migrations_leave_one(
    database: str,
) -> None:
    shapes, numbers = [], []
    for make in (upgrade, _through_every_migration):
        sqlite = database.startswith("sqlite")
        store = open_store(f"{database}.{make.__name__}" if sqlite else await emptied(database))
        try:
            await make(store)
            async with store.read() as connection:
                shapes.append(await connection.run_sync(_shape))
                numbers.append(await connection.run_sync(migrations.found))
        finally:
            await store.close()
    assert shapes[0] == shapes[1]
    assert numbers == [migrations.newest()] * 2


def test_the_number_of_the_last_migration_is_the_newest_schema() -> None:
    assert migrations.newest() == upgrading.head()


async def test_processes_starting_at_once_upgrade_once_and_agree(database: str) -> None:
    given = await race(database, "number")
    assert all(one == given[0] for one in given)
    assert sorted(given[0].values()) == list(range(1001, 1061))


async def test_upgrading_again_keeps_what_is_there(store: Store) -> None:
    async with store.begin() as connection:
        await connection.execute(_see("kept"))
    await upgrade(store)
    assert await seen_keys(store) == ["kept"]


async def test_i2_a_newer_schema_is_refused_by_name(store: Store) -> None:
    async with store.begin() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew) as caught:
        await upgrade(store)
    assert store.label in str(caught.value)
    assert "9999" in str(caught.value)
    assert await seen_keys(store) == []


async def test_an_exception_takes_everything_back(store: Store) -> None:
    async def fail() -> None:
        async with store.begin() as connection:
            await connection.execute(_see("lost"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await seen_keys(store) == []


async def test_a_reader_sees_only_what_was_committed(store: Store) -> None:
    async with store.begin() as connection:
        await connection.execute(_see("half"))
        assert await seen_keys(store) == []
    assert await seen_keys(store) == ["half"]


async def test_a_constraint_stays_recognisable(store: Store) -> None:
    async with store.begin() as connection:
        await connection.execute(_see("a"))
    with pytest.raises(IntegrityError) as caught:
        async with store.begin() as connection:
            await connection.execute(_see("a"))
    assert "2026" not in str(caught.value)


@pytest.mark.parametrize("hours", [-11, 0, 14])
async def test_times_come_back_in_utc(store: Store, hours: int) -> None:
    told = NOW.astimezone(timezone(timedelta(hours=hours)))
    async with store.begin() as connection:
        await connection.execute(schema.seen.insert().values(key="k", state="done", created=told))
        found = await connection.scalar(sa.select(schema.seen.c.created))
        earlier = await connection.scalar(
            sa.select(schema.seen.c.key).where(schema.seen.c.created < NOW + timedelta(seconds=1))
        )
    assert found == NOW
    assert found.tzinfo is UTC
    assert earlier == "k"


async def test_a_time_without_zone_is_refused(store: Store) -> None:
    with pytest.raises(sa.exc.StatementError, match="without a zone"):
        async with store.begin() as connection:
            await connection.execute(
                schema.seen.insert().values(key="k", state="done", created=NOW.replace(tzinfo=None))
            )


async def test_sqlite_is_durable(tmp_path: Path) -> None:
    store = open_store(f"sqlite+aiosqlite:///{tmp_path}/dealdesk.db")
    await upgrade(store)
    async with store.begin() as connection:
        found = {
            name: await connection.scalar(sa.text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }
    await store.close()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 0,
        "foreign_keys": 1,
    }


async def test_only_a_note_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    store = await _sqlite(tmp_path)
    found = []
    for flush in (False, True, False, True):
        async with store.begin(flush=flush) as connection:
            found.append(await connection.scalar(sa.text("PRAGMA synchronous")))
    await store.close()
    assert found == [1, 2, 1, 2]


async def _sqlite(tmp_path: Path) -> Store:
    store = open_store(f"sqlite+aiosqlite:///{tmp_path}/dealdesk.db")
    await upgrade(store)
    return store


async def test_writers_of_one_process_take_turns(tmp_path: Path) -> None:
    store = await _sqlite(tmp_path)

    async def write(number: int) -> None:
        async with store.begin() as connection:
            await handles.number_of(connection, "tenant", [f"deal-{number}"])

    await asyncio.gather(*(write(number) for number in range(40)))
    async with store.read() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(schema.handles)) == 40
    await store.close()


async def test_i2_a_locked_file_is_waited_for_and_then_named(tmp_path: Path) -> None:
    store, other = await _sqlite(tmp_path), await _sqlite(tmp_path)
    started = asyncio.get_running_loop().time()
    async with other.begin(), stopwatch() as watch:
        with pytest.raises(StoreBusy, match=r"dealdesk\.db"):
            async with store.begin():
                pytest.fail("the lock was not respected")
        assert watch.seconds < 8
    assert asyncio.get_running_loop().time() - started > 4.5
    async with store.begin() as connection:
        await connection.execute(_see("after"))
    await store.close()
    await other.close()


async def test_a_locked_file_is_waited_for_between_other_turns(tmp_path: Path) -> None:
    store, other = await _sqlite(tmp_path), await _sqlite(tmp_path)

    async def write() -> None:
        async with store.begin() as connection:
            await connection.execute(_see("patient"))

    async with other.begin():
        waiting = asyncio.create_task(write())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waiting.done()
    await waiting
    assert await seen_keys(store) == ["patient"]
    await store.close()
    await other.close()


async def test_a_nested_transaction_ends_as_busy_and_not_as_a_dead_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await _sqlite(tmp_path)
    monkeypatch.setattr("bot.store.engine.BUSY_SECONDS", 0.05)
    async with store.begin():
        with pytest.raises(StoreBusy):
            async with store.begin():
                pytest.fail("two writers at once")
    await store.close()


async def test_i1_a_full_disk_says_so_and_recovers(tmp_path: Path) -> None:
    store = await _sqlite(tmp_path)

    async def write(key: str, size: int) -> None:
        async with store.begin() as connection:
            pages = await connection.scalar(sa.text("PRAGMA page_count"))
            await connection.execute(sa.text(f"PRAGMA max_page_count={pages + 1}"))
            await connection.execute(_see(key + "x" * size))

    with pytest.raises(StoreFull, match=r"dealdesk\.db"):
        await write("big", 100_000)
    await write("small", 10)
    assert await seen_keys(store) == ["small" + "x" * 10]
    await store.close()


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is not a database" * 1000)


def _folder(path: Path) -> None:
    path.mkdir()


async def test_writers_that_are_cut_off_do_not_keep_the_file_locked(tmp_path: Path) -> None:
    """What a cut-off task still refers to, here the results, must not hold the lock."""
    first, second = await _sqlite(tmp_path), await _sqlite(tmp_path)

    async def write(store: Store, key: str) -> None:
        async with store.begin() as connection:
            await connection.execute(_see(key))
            await asyncio.sleep(0)

    for number in range(60):
        stores = [(first, second)[each % 2] for each in range(6)]
        tasks = [
            asyncio.create_task(write(store, f"{number}-{each}"))
            for each, store in enumerate(stores)
        ]
        await asyncio.wait({tasks[0]}, timeout=number % 6 / 1000)
        for task in tasks:
            task.cancel()
        cut_off = await asyncio.gather(*tasks, return_exceptions=True)
        for store in (first, second):
            await write(store, f"{number}-{store is first}")
        del cut_off
    await first.close()
    await second.close()


@pytest.mark.parametrize("spoil", [_garbage, _folder])
async def test_i2_a_spoiled_file_is_named(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    spoil(tmp_path / "dealdesk.db")
    store = open_store(f"sqlite+aiosqlite:///{tmp_path}/dealdesk.db")
    with pytest.raises(StoreUnavailable, match=r"dealdesk\.db"):
        await upgrade(store)
    await store.close()
    assert tmp_path / "dealdesk.db" not in _open_files()


def _open_files() -> set[Path]:
    """A failed connection leaves no file open behind."""
    return {
        Path(os.readlink(handle))
        for handle in Path("/proc/self/fd").iterdir()
        if handle.is_symlink()
    }


async def test_postgresql_out_of_reach_is_named_without_its_password() -> None:
    store = open_store("postgresql+asyncpg://bot:canary@127.0.0.1:1/dealdesk")
    attempts: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: upgrade(store),
        lambda: seen_keys(store),
    )
    for attempt in attempts:
        with pytest.raises(StoreUnavailable) as caught:
            await attempt()
        assert "127.0.0.1:1/dealdesk" in str(caught.value)
        assert "canary" not in f"{caught.value} {store!r}"
    await store.close()


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql+aiomysql://x/y", "postgresql://x/y"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(UnknownDatabase):
        open_store(url)
