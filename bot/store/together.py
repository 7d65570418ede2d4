"""Runs small writes of many tasks in few transactions: what comes while one is under way goes
together into the next, so that a burst costs a handful of commits instead of one each. After one
the next waits a little, as the disk is waited for in the loop, where everything else waits, too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from bot.store.connection import AsyncConnection
from bot.store.engine import Store

PAUSE_SECONDS = 0.05
"""From the end of one transaction to the next."""
_T = TypeVar("_T")
Write = Callable[[AsyncConnection], Awaitable[Any]]


class Together:
    """Gathers writes to one store. A write must be able to share a transaction with any other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Write, asyncio.Future[Any]]] = []
        self._work: asyncio.Task[None] | None = None
        self._next = 0.0

    async def write(self, write: Callable[[AsyncConnection], Awaitable[_T]]) -> _T:
        """What `write` gives, once it is committed.

        Raises what the transaction raised (StoreError): then none of those in it were written.
        """
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, future))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._write_all(), name="write together")
        return await future

    async def finish(self) -> None:
        """Until everything that was handed in is written or has failed."""
        if self._work is not None:
            await asyncio.gather(self._work, return_exceptions=True)

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await asyncio.sleep(self._next - loop.time())
            taken, self._waiting = self._waiting, []
            try:
                async with self._store.begin() as connection:
                    found = [await write(connection) for write, _future in taken]
            except Exception as error:
                for _write, future in taken:
                    if not future.done():
                        future.set_exception(error)
                continue
            finally:
                self._next = loop.time() + PAUSE_SECONDS
            for (_write, future), each in zip(taken, found, strict=True):
                if not future.done():
                    future.set_result(each)
