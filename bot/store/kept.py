"""Keeps some connections of the pool at hand: taking one out costs more than a statement does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.store.connection import AsyncConnection, AsyncEngine
from bot.store.direct import Opened
from bot.store.sqlite_inline import Kind

MOST_IDLE = 8
"""So many are kept while nobody uses them; the rest of the pool is for everything else."""
TRUSTED_SECONDS = 1.0
"""How long after its last use a connection is believed to be there."""


@dataclass(slots=True)
class Taken:
    """A connection in use, or kept for it."""

    opened: Opened
    place: AsyncConnection
    """Its place in the pool."""
    used: float


class Kept:
    """Connections of one pool, the one used last first; `see` shows a driver's as it is needed.

    One on which anything failed is closed, and the statement under way ends with it.
    """

    def __init__(self, engine: AsyncEngine, see: Callable[[Any], Opened]) -> None:
        self._engine = engine
        self._see = see
        self._idle: list[Taken] = []

    async def take(self, kind: Kind) -> Taken:
        """A connection for statements that are transactions of this kind each. It has to be given
        back, or dropped."""
        taken = await self._from_idle() or await self._from_pool()
        try:
            await taken.opened.begin(kind)
        except BaseException:
            await self.drop(taken)
            raise
        return taken

    async def give_back(self, taken: Taken) -> None:
        """One on which nothing failed."""
        taken.used = time.monotonic()
        if len(self._idle) < MOST_IDLE:
            self._idle.append(taken)
        else:
            await taken.place.close()

    async def drop(self, taken: Taken) -> None:
        """Closes one on which something failed."""
        await taken.place.invalidate()
        await taken.place.close()

    async def close(self) -> None:
        """Gives back every one that is not in use."""
        idle, self._idle = self._idle, []
        for taken in idle:
            await taken.place.close()

    async def _from_idle(self) -> Taken | None:
        while self._idle:
            taken = self._idle.pop()
            try:
                if await _is_there(taken):
                    return taken
            except BaseException:
                await self.drop(taken)
                raise
            await self.drop(taken)
        return None

    async def _from_pool(self) -> Taken:
        place = await self._engine.connect()
        try:
            driver = await place.run_sync(_driver)
        except BaseException:
            await place.close()
            raise
        return Taken(self._see(driver), place, time.monotonic())


def _driver(place: sa.Connection) -> object:
    return place.connection.driver_connection


async def _is_there(taken: Taken) -> bool:
    """Asking costs as much as a statement does, so one used a moment ago is only looked at."""
    if taken.opened.is_closed():
        return False
    return time.monotonic() - taken.used <= TRUSTED_SECONDS or await taken.opened.answers()
