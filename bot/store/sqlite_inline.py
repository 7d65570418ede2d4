"""SQLite in the event loop: a statement takes microseconds, handing it to a thread ten times that.

Looks like an aiosqlite connection to SQLAlchemy (`async_creator_fn`). What may last is not waited
for in the loop: a file that somebody has locked is asked for again between other turns.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy.exc import DBAPIError, IntegrityError

_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.05
_PRIMARY = 0xFF
"""The part of an extended result code that holds the plain one."""

Values = Sequence[object]


class Kind(StrEnum):
    """What a transaction is for."""

    NONE = "none"
    """Statements that SQLite runs outside transactions only."""
    READING = "reading"
    """It sees the file as it was at its first statement, and waits for no writer."""
    EACH = "each"
    """Every statement is one by itself; the disk is not waited for."""
    SURE = "sure"
    """Every statement is one by itself, and on the disk when it ends."""
    NOTED = "noted"
    """It writes, but the disk is not waited for."""
    FLUSHED = "flushed"
    """It writes, and what it wrote is on the disk when it ends."""


_BEGIN = {Kind.READING: "BEGIN", Kind.NOTED: "BEGIN IMMEDIATE", Kind.FLUSHED: "BEGIN IMMEDIATE"}
_UNFLUSHED = {Kind.EACH, Kind.NOTED}
_NORMAL = 1
"""The level of `PRAGMA synchronous` at which the disk is waited for only now and then."""


class Connection:
    """One open file. `patience` tells for how many seconds a locked file is asked for again."""

    def __init__(self, opened: sqlite3.Connection, patience: Callable[[], float]) -> None:
        self._connection = opened
        self._patience = patience
        self._level, self._usual_level = -1, -1

    def cursor(self) -> Cursor:
        return Cursor(self._connection.cursor(), self._patience)

    async def begin(self, kind: Kind) -> None:
        """Begins a transaction. Raises sqlite3.OperationalError when the file stays locked."""
        if self._usual_level < 0:
            found = self._connection.execute("PRAGMA synchronous").fetchone()
            self._level = self._usual_level = int(found[0])
        wanted = min(self._usual_level, _NORMAL) if kind in _UNFLUSHED else self._usual_level
        if wanted != self._level:
            self._connection.execute(f"PRAGMA synchronous={wanted}")
            self._level = wanted
        if kind in _BEGIN:
            await self.cursor().execute(_BEGIN[kind])

    async def run(
        self, text: str, values: Values, *, gives: bool
    ) -> tuple[Sequence[Sequence[Any]], int]:
        """The rows that a statement gives, and how many it was about. What SQLite refuses is
        raised as SQLAlchemy does: DBAPIError, or IntegrityError for a constraint."""
        cursor = self.cursor()
        try:
            await cursor.execute(text, values)
            return await cursor.fetchall() if gives else (), cursor.rowcount
        except sqlite3.IntegrityError as error:
            raise IntegrityError(text, None, error, hide_parameters=True) from error
        except sqlite3.Error as error:
            raise DBAPIError(text, None, error, hide_parameters=True) from error
        finally:
            await cursor.close()

    def is_closed(self) -> bool:
        """A file is not lost as long as it is open."""
        return False

    async def answers(self) -> bool:
        """A file is always there."""
        return True

    async def commit(self) -> None:
        self._connection.commit()

    async def rollback(self) -> None:
        self._connection.rollback()

    async def close(self) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends its transaction too: SQLite keeps a closed connection and its locks for as long as
        a cursor of it is still about, and a cancelled task leaves one."""
        if self._is_open():
            self._connection.rollback()
            self._connection.close()

    async def create_function(self, *described: Any, **options: Any) -> None:  # noqa: ANN401
        self._connection.create_function(*described, **options)

    def _is_open(self) -> bool:
        try:
            return self._connection.total_changes >= 0
        except sqlite3.ProgrammingError:
            return False


class Cursor:
    """Runs one statement at a time."""

    def __init__(self, opened: sqlite3.Cursor, patience: Callable[[], float]) -> None:
        self._opened = opened
        self._patience = patience

    async def __aenter__(self) -> Cursor:
        return self

    @property
    def description(self) -> object:
        return self._opened.description

    @property
    def rowcount(self) -> int:
        return self._opened.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._opened.lastrowid

    async def execute(self, statement: str, values: Values = ()) -> None:
        """Runs `statement`. Raises OperationalError when the file stays locked for too long."""
        pause, waited = _FIRST_PAUSE, 0.0
        while True:
            try:
                self._opened.execute(statement, values)
                return
            except sqlite3.OperationalError as error:
                if not _is_locked(error) or waited >= self._patience():
                    raise
            await asyncio.sleep(pause)
            waited += pause
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def executemany(self, statement: str, values: Sequence[Values]) -> None:
        """Runs `statement` once for each of `values`, inside a transaction that has the lock."""
        self._opened.executemany(statement, values)

    async def fetchall(self) -> list[Any]:
        return self._opened.fetchall()

    async def close(self) -> None:
        self._opened.close()


def _is_locked(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & _PRIMARY == sqlite3.SQLITE_BUSY
