"""Two processes of the bot that live on one database, of which one is killed and the other not."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from bot.crash import Point
from tests.bots import AsProcess
from tests.world import World


async def pair(
    world: World, database: str, point: Point, **settings: str
) -> tuple[AsProcess, AsProcess]:
    """One that dies at this point and hears what people say, and one that has started as well."""
    env = {"DEALDESK_DATABASE_URL": database, **settings}
    second = await world.bot_process(env)
    first = await world.bot_process({**env, "DEALDESK_CRASH_AT": point.value})
    return first, second


@contextlib.asynccontextmanager
async def looking_away(process: AsProcess, database: str) -> AsyncIterator[None]:
    """Stopped inside the block, so that it is the other one that comes to the point; then it goes
    on where it was. It is not stopped in the middle of a transaction, which nobody would end."""
    while True:
        process.process.send_signal(signal.SIGSTOP)
        if not await _holds_something(database):
            break
        process.process.send_signal(signal.SIGCONT)
        await asyncio.sleep(0)
    try:
        yield
    finally:
        process.process.send_signal(signal.SIGCONT)


_TRANSACTIONS = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
)


async def _holds_something(database: str) -> bool:
    """Whether a transaction is under way, of anybody's: SQLite does not say whose."""
    address = sa.make_url(database)
    if address.drivername.startswith("postgresql"):
        engine = create_async_engine(address, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            count = await connection.scalar(_TRANSACTIONS)
        await engine.dispose()
        return bool(count)
    return not _may_write(Path(str(address.database)))


def _may_write(file: Path) -> bool:
    """Whether nobody holds the file; one that is not there is held by nobody."""
    if not file.is_file():
        return True
    with closing(sqlite3.connect(file, timeout=0.2, isolation_level=None)) as rows:
        try:
            rows.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        rows.execute("ROLLBACK")
        return True
