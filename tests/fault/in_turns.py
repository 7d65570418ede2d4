"""SQLite for lives drawn from a seed: others get their turn before each statement, as they do
between processes, and a locked file is waited for in turns and not in seconds.

So a seed draws the same life again, however busy the machine is.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.store import sqlite_inline
from bot.store.engine import Store, open_store, upgrade
from bot.store.sqlite_inline import Values

MOST_TURNS = 10_000
"""How often others get their turn while a statement waits for a lock, before it is an error."""


class _Cursor(sqlite_inline.Cursor):
    async def execute(self, statement: str, values: Values = ()) -> None:
        for _ in range(MOST_TURNS):
            await asyncio.sleep(0)
            try:
                return await super().execute(statement, values)
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
        raise sqlite3.OperationalError("database is locked")


class _Connection(sqlite_inline.Connection):
    def cursor(self) -> sqlite_inline.Cursor:
        return _Cursor(self._connection.cursor(), self._patience)


async def _connected(database: str, **options: Any) -> sqlite_inline.Connection:  # noqa: ANN401
    return _Connection(sqlite3.connect(database, **options), lambda: 0.0)


def in_turns(store: Store) -> None:
    """Let this store, before its first use, work like that; it survives no power cut."""

    def here(_dialect: object, _record: object, _args: object, options: dict[str, Any]) -> None:
        options["async_creator_fn"] = _connected

    sa.event.listen(store.engine.sync_engine, "do_connect", here)
    sa.event.listen(store.engine.sync_engine, "connect", _hasty)


@contextlib.asynccontextmanager
async def two_stores(folder: Path) -> AsyncIterator[tuple[Store, Store]]:
    """Two processes' stores over one fresh file that need not survive a power cut."""
    url = f"sqlite+aiosqlite:///{folder / 'lives.db'}"
    stores = (open_store(url), open_store(url))
    for store in stores:
        in_turns(store)
    await upgrade(stores[0])
    try:
        yield stores
    finally:
        for store in stores:
            await store.close()


def _hasty(driver: Any, _record: object) -> None:  # noqa: ANN401 - the driver's connection
    cursor = driver.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()
