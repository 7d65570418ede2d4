"""SQLAlchemy's engine and connections from asyncio, as far as the bot uses them.

They do what those of `sqlalchemy.ext.asyncio` do, which loads the whole ORM: 6 MB of memory. Each
call runs in a greenlet of SQLAlchemy's, in which the driver may wait for the loop. A result holds
all its rows, as the adapted drivers fetch them at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, TypeVarTuple, overload

import sqlalchemy as sa
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.sql.selectable import TypedReturnsRows
from sqlalchemy.util import greenlet_spawn

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")
Values = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None


class AsyncConnection:
    """A connection that was taken out of the pool; given back at the end of an `async with`."""

    def __init__(self, taken: sa.Connection) -> None:
        self._taken = taken

    @property
    def dialect(self) -> Dialect:
        return self._taken.dialect

    async def run_sync(self, call: Callable[[sa.Connection, *_Ts], _T], *args: *_Ts) -> _T:
        """What `call` gives, which gets SQLAlchemy's own connection."""
        return await greenlet_spawn(call, self._taken, *args)

    async def execute(
        self, statement: sa.Executable, parameters: Values = None, /
    ) -> sa.CursorResult[*tuple[Any, ...]]:
        """Runs a statement, for each of `parameters` when they are many."""
        return await greenlet_spawn(self._taken.execute, statement, parameters)

    @overload
    async def scalar(self, statement: TypedReturnsRows[_T], /) -> _T | None: ...
    @overload
    async def scalar(self, statement: sa.Executable, /) -> Any: ...  # noqa: ANN401
    async def scalar(self, statement: sa.Executable, /) -> Any:
        """The first value of the first row, None without one."""
        return (await self.execute(statement)).scalar()

    @overload
    async def scalars(self, statement: TypedReturnsRows[_T], /) -> sa.ScalarResult[_T]: ...
    @overload
    async def scalars(self, statement: sa.Executable, /) -> sa.ScalarResult[Any]: ...
    async def scalars(self, statement: sa.Executable, /) -> sa.ScalarResult[Any]:
        """The first value of every row."""
        return (await self.execute(statement)).scalars()

    async def exec_driver_sql(
        self,
        text: str,
        parameters: Any = None,  # noqa: ANN401 - the driver's own
        /,
    ) -> sa.CursorResult[*tuple[Any, ...]]:
        """Runs what the driver understands, as it is."""
        return await greenlet_spawn(self._taken.exec_driver_sql, text, parameters)

    async def invalidate(self) -> None:
        """Closes the driver's connection: it does not go back into the pool."""
        await greenlet_spawn(self._taken.invalidate)

    async def close(self) -> None:
        """Gives it back; what was begun on it ends."""
        await greenlet_spawn(self._taken.close)

    async def __aenter__(self) -> AsyncConnection:
        return self

    async def __aexit__(self, *_raised: object) -> None:
        if self.dialect.name == "sqlite":  # never waits, so nothing can cut it off
            await self.close()
        else:
            await _to_its_end(self.close())


class AsyncEngine:
    """A pool of connections to one database."""

    def __init__(self, sync_engine: sa.Engine) -> None:
        self.sync_engine = sync_engine

    @property
    def dialect(self) -> Dialect:
        return self.sync_engine.dialect

    @property
    def url(self) -> URL:
        return self.sync_engine.url

    def execution_options(self, **options: Any) -> AsyncEngine:  # noqa: ANN401
        """The same pool, with other options for all that is run."""
        return AsyncEngine(self.sync_engine.execution_options(**options))

    async def connect(self) -> AsyncConnection:
        """A connection of the pool. Raises sqlalchemy.exc.TimeoutError when none becomes free."""
        return AsyncConnection(await greenlet_spawn(self.sync_engine.connect))

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction: committed at the end, rolled back on an exception."""
        async with await self.connect() as connection:
            await connection.run_sync(sa.Connection.begin)
            try:
                yield connection
            except BaseException:
                await connection.run_sync(sa.Connection.rollback)
                raise
            await connection.run_sync(sa.Connection.commit)

    async def dispose(self) -> None:
        """Closes every connection that is in the pool."""
        await greenlet_spawn(self.sync_engine.dispose)


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Waits for `work` also when the waiting task is cancelled, which then goes on being so: a
    connection that is given back halfway would be lost to the pool."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
