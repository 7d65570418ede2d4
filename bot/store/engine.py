"""Opens the database and gives out transactions.

SQLite keeps its file in WAL mode with `synchronous=FULL` (a committed intent survives a power cut)
and takes the write lock when a transaction begins, so that nothing read in it can change under it.
Its statements run in the loop, so the file belongs on a disk of this machine.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Protocol, cast

import sqlalchemy as sa
from sqlalchemy.engine import URL, AdaptedConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from bot.store import migrations, sqlite_inline
from bot.store.connection import AsyncConnection, AsyncEngine
from bot.store.direct import Direct, Opened, Runs
from bot.store.errors import StoreBusy, StoreError, StoreFull, StoreUnavailable, UnknownDatabase
from bot.store.kept import TRUSTED_SECONDS, Kept
from bot.store.sqlite_inline import Kind

BUSY_SECONDS = 5.0
UPGRADE_SECONDS = 60.0
_KIND = "dealdesk_kind"
_USED = "dealdesk_used"
_UPGRADE_LOCK = 0x6465616C
_BUSY = ("locked", "deadlock detected", "could not serialize access")
"""What a database says when the same may succeed a moment later."""
_PRAGMAS = ("PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON")


class _Cursor(Protocol):
    def execute(self, statement: str) -> object: ...
    def close(self) -> None: ...


class _Driver(Protocol):
    def cursor(self) -> _Cursor: ...
    def close(self) -> None: ...


class _AsyncpgConnection(Protocol):
    def is_closed(self) -> bool: ...


class _PostgresqlDriver(Protocol):
    @property
    def driver_connection(self) -> _AsyncpgConnection: ...
    def ping(self) -> None: ...


class Store:
    """One open database. `begin()` writes, `read()` only reads; both roll back on an exception."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._kinds = {kind: engine.execution_options(**self._options(kind)) for kind in Kind}
        self._writer = asyncio.Lock()
        self._waiting = 0
        url = engine.url
        self.label = url.database or "memory" if self.is_sqlite else url.render_as_string()
        """What to call this database in a message: the file, or the address without secrets."""
        self.kept = Kept(engine, _seen_of(engine.dialect.name))

    def __repr__(self) -> str:
        return f"Store({self.label})"

    @asynccontextmanager
    async def begin(self, *, flush: bool = True) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write, committed at the end of the block.

        Without `flush` a power cut (not the end of the process) may take it back as long as no
        later transaction was flushed: for notes that nothing rests on but what is noted later.
        Raises StoreBusy, StoreFull or StoreUnavailable; constraint violations stay
        `sqlalchemy.exc.IntegrityError`. Not to be nested inside another one.
        """
        engine = self._kinds[Kind.FLUSHED if flush else Kind.NOTED]
        async with self._turn(), _translated(self.label), engine.begin() as connection:
            yield connection

    def each(
        self, *, writes: bool = True, flush: bool = False
    ) -> AbstractAsyncContextManager[Runs]:
        """Statements made once that are each a transaction of their own: for one that decides,
        notes or reads something by itself, as it costs a fraction of what `begin` does. Without
        `flush` the disk is not waited for.
        """
        return _Each(self, Kind.SURE if flush else Kind.EACH, writes=writes)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads; it never waits for a writer."""
        async with _translated(self.label), self._kinds[Kind.READING].begin() as connection:
            yield connection

    def _options(self, kind: Kind) -> dict[str, object]:
        """PostgreSQL shows every statement the newest rows, in a transaction or not: where nothing
        is taken back, BEGIN and COMMIT would only be two more waits for the network."""
        alone = not self.is_sqlite and kind is Kind.READING
        return {_KIND: kind} | ({"isolation_level": "AUTOCOMMIT"} if alone else {})

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        await self.take_turn()
        try:
            yield
        finally:
            self.end_turn()

    async def take_turn(self) -> None:
        """Waits until nobody else here writes to the file. Raises StoreBusy."""
        if not self.is_sqlite:
            return
        if self._writer.locked() or self._waiting:
            await self._wait_for_turn()
        else:
            await self._writer.acquire()

    async def _wait_for_turn(self) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout(BUSY_SECONDS):
                await self._writer.acquire()
        except TimeoutError as error:
            raise StoreBusy(f"{self.label} is busy") from error
        finally:
            self._waiting -= 1

    def end_turn(self) -> None:
        """Lets the next one write."""
        if self.is_sqlite:
            self._writer.release()

    async def close(self) -> None:
        """Gives back every connection."""
        await self.kept.close()
        await self.engine.dispose()


class _Each:
    """As `Store.each` says. A class, as a turn does this again and again: nested generators took
    longer than the statements."""

    __slots__ = ("_kind", "_store", "_taken", "_writes")

    def __init__(self, store: Store, kind: Kind, *, writes: bool) -> None:
        self._store = store
        self._kind = kind
        self._writes = writes

    async def __aenter__(self) -> Runs:
        store = self._store
        if self._writes:
            await store.take_turn()
        try:
            self._taken = await store.kept.take(self._kind)
        except BaseException as error:
            self._end()
            _translate(error, store.label)
            raise
        return Direct(self._taken.opened, store.engine.dialect)

    async def __aexit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        try:
            if error is None:
                await self._store.kept.give_back(self._taken)
            else:
                await self._store.kept.drop(self._taken)
        finally:
            self._end()
        if error is not None:
            _translate(error, self._store.label)

    def _end(self) -> None:
        if self._writes:
            self._store.end_turn()


def open_store(url: str) -> Store:
    """The store at a `sqlite+aiosqlite:` or `postgresql+asyncpg:` address (DESIGN section 2).

    Nothing is read yet; `upgrade` creates or checks the tables. Raises UnknownDatabase.
    """
    address = sa.make_url(url)
    match address.drivername:
        case "sqlite+aiosqlite":
            return Store(_sqlite(address))
        case "postgresql+asyncpg":
            return Store(_postgresql(address))
        case other:
            raise UnknownDatabase(f"Dealdesk does not know databases of the kind {other!r}")


async def upgrade(store: Store) -> None:
    """Brings the tables up to this version, one process at a time.

    Everything happens in one transaction that holds the lock, so a killed upgrade leaves the
    former schema. Raises SchemaTooNew (naming the database) when a newer Dealdesk was here, and
    StoreBusy when another process upgrades for longer than a minute.
    """
    try:
        async with asyncio.timeout(UPGRADE_SECONDS), _translated(store.label):
            if store.is_sqlite:
                await _switch_to_wal(store)
            async with store.begin() as connection:
                if not store.is_sqlite:
                    await connection.execute(
                        sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK))
                    )
                await connection.run_sync(migrations.run, store.label)
    except TimeoutError as error:
        raise StoreBusy(f"another process is upgrading {store.label}") from error


async def _switch_to_wal(store: Store) -> None:
    """SQLite does not wait for other processes here, so we do."""
    alone = store.engine.execution_options(**{_KIND: Kind.NONE})
    while True:
        try:
            async with await alone.connect() as connection:
                await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                return
        except DBAPIError as error:
            if not isinstance(_meaning(error.orig, store.label), StoreBusy):
                raise
            await asyncio.sleep(0.05)


async def _connected(database: str, **options: object) -> sqlite_inline.Connection:
    opened: sqlite3.Connection = sqlite3.connect(database, **options)  # type: ignore[call-overload]
    return sqlite_inline.Connection(opened, lambda: BUSY_SECONDS)


def _seen_of(dialect: str) -> Callable[[Any], Opened]:
    """How a driver's own connection is used past SQLAlchemy."""
    if dialect == "sqlite":
        return lambda driver: cast("sqlite_inline.Connection", driver)
    from bot.store import postgresql

    return postgresql.Connection


def _sqlite(address: URL) -> AsyncEngine:
    engine = sa.create_engine(
        address,
        connect_args={
            "isolation_level": None,
            "timeout": 0.0,
            "async_creator_fn": _connected,
        },
        hide_parameters=True,
        pool_timeout=BUSY_SECONDS,
        pool_use_lifo=True,
    )
    sa.event.listen(engine, "connect", _set_pragmas)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return AsyncEngine(engine)


def _postgresql(address: URL) -> AsyncEngine:
    engine = sa.create_engine(
        address,
        pool_size=10,
        max_overflow=10,
        pool_timeout=BUSY_SECONDS,
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        connect_args={"timeout": BUSY_SECONDS, "command_timeout": 30},
    )
    sa.event.listen(engine, "checkin", _note_use)
    failure = engine.dialect.loaded_dbapi.Error
    sa.event.listen(engine, "checkout", partial(_look_after_pause, failure))
    return AsyncEngine(engine)


def _note_use(_driver: object, record: ConnectionPoolEntry) -> None:
    record.info[_USED] = time.monotonic()


def _look_after_pause(
    failure: type[Exception],
    driver: _PostgresqlDriver,
    record: ConnectionPoolEntry,
    _given: object,
) -> None:
    """Asking whether a connection still answers costs as much as what it is wanted for, so one
    that was in use a moment ago is only looked at. Else the pool opens another."""
    if driver.driver_connection.is_closed():
        raise sa.exc.InvalidatePoolError("closed by the other side")
    used = record.info.get(_USED)
    if used is not None and time.monotonic() - used > TRUSTED_SECONDS:
        try:
            driver.ping()
        except failure as error:
            raise sa.exc.InvalidatePoolError("does not answer") from error


def _set_pragmas(driver: _Driver, _record: object) -> None:
    """A connection that cannot be set up is closed here: its file would stay open otherwise."""
    try:
        cursor = driver.cursor()
        try:
            for pragma in _PRAGMAS:
                cursor.execute(pragma)
        finally:
            cursor.close()
    except BaseException:
        driver.close()
        raise


def _begin_sqlite(connection: sa.Connection) -> None:
    kind = connection.get_execution_options().get(_KIND, Kind.FLUSHED)
    driver = cast("AdaptedConnection", connection.connection.dbapi_connection)
    driver.run_async(lambda opened: opened.begin(kind))


@asynccontextmanager
async def _translated(label: str) -> AsyncIterator[None]:
    try:
        yield
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        _translate(error, label)
        raise


def _translate(error: BaseException, label: str) -> None:
    """Raises what an error of a driver means; does nothing about any other."""
    match error:
        case sa.exc.IntegrityError():
            return
        case PoolTimeout():
            raise StoreBusy(f"every connection to {label} is in use") from error
        case DBAPIError():
            raise _meaning(error.orig, label) from error
        case sqlite3.Error():
            raise _meaning(error, label) from error
        case OSError():
            raise StoreUnavailable(f"{label} does not answer") from error


def _meaning(error: BaseException | None, label: str) -> StoreError:
    words = str(error).lower()
    if any(each in words for each in _BUSY):
        return StoreBusy(f"{label} is busy")
    if "disk is full" in words or "no space left" in words or "disk i/o error" in words:
        return StoreFull(f"{label} has no room left to save")
    return StoreUnavailable(f"{label} cannot be used")
