"""SQLite in the loop's own thread: as fast as it goes, and the same order of events every time.

A life drawn from a seed then really is what the seed draws; with a thread for each connection the
machine has a say in it. Other tasks get their turn before each statement, as they do there.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Generator
from typing import Any

import aiosqlite
import sqlalchemy as sa

from bot.store.engine import Store

MOST_TURNS = 10_000
"""How often others get their turn while a statement waits for a lock, before it is an error."""


class _Connection(aiosqlite.Connection):
    """The calls of aiosqlite without its thread."""

    def __await__(self) -> Generator[Any, None, aiosqlite.Connection]:
        return self._connect().__await__()

    async def _connect(self) -> aiosqlite.Connection:
        self._connection = self._connector()
        return self

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        if self._connection is None:
            raise ValueError("Connection closed")
        if fn.__name__ != "execute":
            return fn(*args, **kwargs)
        for _ in range(MOST_TURNS):
            await asyncio.sleep(0)
            try:
                return fn(*args, **kwargs)
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
        raise sqlite3.OperationalError("database is locked")

    def stop(self) -> asyncio.Future[None] | None:
        self._running = False
        if self._connection is not None:
            self._connection.rollback()
            self._connection.close()
            self._connection = None
        ended = asyncio.get_event_loop().create_future()
        ended.set_result(None)
        return ended


async def _connected(database: str, **options: Any) -> aiosqlite.Connection:  # noqa: ANN401
    def connector() -> sqlite3.Connection:
        opened: sqlite3.Connection = sqlite3.connect(database, **options | {"timeout": 0})
        return opened

    return await _Connection(connector, iter_chunk_size=64)


def in_one_thread(store: Store) -> None:
    """Let this store, before its first use, work in the loop's thread, and survive no power cut."""

    def here(_dialect: object, _record: object, _args: object, options: dict[str, Any]) -> None:
        options["async_creator_fn"] = _connected

    sa.event.listen(store.engine.sync_engine, "do_connect", here)
    sa.event.listen(store.engine.sync_engine, "connect", _hasty)


def _hasty(driver: Any, _record: object) -> None:  # noqa: ANN401 - the driver's connection
    cursor = driver.cursor()
    for pragma in ("synchronous=OFF", "busy_timeout=0"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
