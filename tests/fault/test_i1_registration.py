"""Case I1: the disk is full from some write of a registration on, whichever it is.

Nothing is sent that is not noted before; with room again it goes on by itself, once.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.registration_rules import State
from bot.store import registrations, sqlite_inline
from bot.store.errors import StoreError, StoreFull
from bot.store.registrations import Submission
from bot.store.sqlite_inline import Values
from tests.fault.stand import Process, Stand, drive_until, intent, open_stand, owed, submit

WRITES = 14
"""More than a registration that goes well makes."""
FEWEST = 4
"""Fewer than it makes."""


@dataclass(slots=True)
class Disk:
    """How many more statements that write find room; None: all."""

    left: int | None = None

    def write(self) -> None:
        if self.left is None:
            return
        if self.left == 0:
            raise sqlite3.OperationalError("database or disk is full")
        self.left -= 1


async def put_on(disk: Disk, process: Process) -> None:
    """From now on this process writes to that disk."""

    class Cursor(sqlite_inline.Cursor):
        async def execute(self, statement: str, values: Values = ()) -> None:
            if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
                disk.write()
            await super().execute(statement, values)

    class Connection(sqlite_inline.Connection):
        def cursor(self) -> sqlite_inline.Cursor:
            return Cursor(self._connection.cursor(), self._patience)

    async def connected(database: str, **options: Any) -> Connection:  # noqa: ANN401
        return Connection(sqlite3.connect(database, **options), lambda: 5.0)

    def here(_dialect: object, _record: object, _args: object, options: dict[str, Any]) -> None:
        options["async_creator_fn"] = connected

    await process.store.engine.dispose()
    sa.event.listen(process.store.engine.sync_engine, "do_connect", here)


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


async def stored(process: Process, submission: Submission) -> Submission | None:
    async with process.store.read() as connection:
        return await registrations.find(connection, submission.id)


async def test_I1_an_intent_without_room_is_no_intent(stand: Stand) -> None:
    process, disk = await stand.process(), Disk(0)
    await put_on(disk, process)
    submission = intent(stand.now())
    with pytest.raises(StoreFull):
        await submit(process, submission)
    assert await stored(process, submission) is None
    disk.left = None
    assert await submit(process, submission)
    await drive_until(process, submission, stand, State.DONE)
    assert len(stand.registered()) == stand.sent() == 1


@pytest.mark.parametrize("room", range(WRITES))
async def test_I1_full_at_any_later_write_nothing_is_sent_unnoted_and_it_ends_once(
    stand: Stand, room: int
) -> None:
    process, disk = await stand.process(), Disk()
    await put_on(disk, process)
    submission = intent(stand.now())
    assert await submit(process, submission)
    disk.left = room
    for _ in range(3):
        with contextlib.suppress(StoreError):
            await process.resolver.drive_due()
        kept = await stored(process, submission)
        assert kept is not None
        assert stand.sent() == 0 or kept.state in {State.UNKNOWN, State.DONE}
        stand.advance(10)
    full, disk.left = disk.left == 0, None
    assert full or room > FEWEST
    stand.advance(61)
    found = await stored(process, submission)
    assert found is not None
    if found.state is not State.DONE:
        assert full
        await drive_until(process, submission, stand, State.DONE)
    assert len(stand.registered()) == 1
    assert stand.sent() == 1
    assert len(await owed(process, f"registration:{submission.id}:end")) == 1
