"""PostgreSQL past SQLAlchemy: a statement on the driver itself, prepared when first used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError

from bot.store.sqlite_inline import Kind

_NOTHING = ";"
_ENDED = asyncpg.InternalClientError
"""What the driver raises when it was told that the other side ends the connection, until the end
itself arrives."""
_GONE = (asyncpg.PostgresError, asyncpg.InterfaceError, _ENDED)


class Connection:
    """One open connection. What the database refuses is raised as SQLAlchemy does: DBAPIError,
    or IntegrityError for a constraint."""

    def __init__(self, opened: asyncpg.Connection) -> None:
        self._opened = opened

    def is_closed(self) -> bool:
        """Whether it is known to be gone."""
        return bool(self._opened.is_closed())

    async def answers(self) -> bool:
        """Whether the other side is still there."""
        try:
            await self._opened.fetchrow(_NOTHING)
        except (*_GONE, OSError):
            return False
        return True

    async def begin(self, kind: Kind) -> None:
        """Nothing has to be said: every statement is a transaction by itself, and flushed."""

    async def run(
        self, text: str, values: Sequence[object], *, gives: bool
    ) -> tuple[Sequence[Sequence[Any]], int]:
        """The rows that a statement gives, and how many it was about."""
        with _as_sqlalchemy(text):
            if gives:
                found = await self._opened.fetch(text, *values)
                return found, len(found)
            status: str = await self._opened.execute(text, *values)
            return (), int(status.rpartition(" ")[2])


@contextmanager
def _as_sqlalchemy(text: str) -> Iterator[None]:
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError(text, None, error, hide_parameters=True) from error
    except _GONE as error:
        raise DBAPIError(text, None, error, hide_parameters=True) from error
