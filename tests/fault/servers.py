"""A PostgreSQL server of a test's own, which processes share and which can be made to fall over."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tests.postgresql import patiently, served


@dataclass(frozen=True, slots=True)
class Server:
    """One server on a socket of its own."""

    running: Any

    @property
    def address(self) -> str:
        """Where the bot finds it, from any process of this machine."""
        return str(self.running.get_uri(driver="asyncpg"))

    def crash(self) -> None:
        """Every connection ends at once, nothing is tidied up: an immediate shutdown."""
        os.kill(self.running.get_pid(), signal.SIGQUIT)

    async def restart(self) -> None:
        """Start again after a crash; what was committed is there."""
        await asyncio.to_thread(patiently, self.running.ensure_postgres_running)

    async def emptied(self) -> str:
        """The address, with nothing left in the database."""
        engine = create_async_engine(self.address, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(sa.text("DROP SCHEMA public CASCADE"))
            await connection.execute(sa.text("CREATE SCHEMA public"))
        await engine.dispose()
        return self.address


@contextmanager
def postgresql() -> Iterator[Server]:
    """A server that lives inside the block."""
    with served() as server:
        yield Server(server)
