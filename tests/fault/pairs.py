"""Two processes of the bot that live on one database, of which one is killed and the other not."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

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


@contextlib.contextmanager
def looking_away(process: AsProcess, folder: Path) -> Iterator[None]:
    """Stopped inside the block, so that it is the other one that comes to the point; then it goes
    on where it was. It is not stopped in the middle of a write to the file."""
    while True:
        process.process.send_signal(signal.SIGSTOP)
        if _may_write(folder / "dealdesk.db"):
            break
        process.process.send_signal(signal.SIGCONT)
    try:
        yield
    finally:
        process.process.send_signal(signal.SIGCONT)


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
