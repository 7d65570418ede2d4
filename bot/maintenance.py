"""`python app.py db ...`: what whoever runs the bot does with its database."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bot.settings import Settings
from bot.store import lives, migrations, outbox
from bot.store.engine import Store, open_store, upgrade
from bot.store.errors import StoreError, StoreFull, StoreUnavailable

USAGE = "python app.py db upgrade|backup [FILE]|check|restored TIME"
_PRIVATE = 0o600
_WAIT_SECONDS = 60.0

Say = Callable[[str], None]


async def run(settings: Settings, words: Sequence[str], say: Say) -> int:
    """Do what `words` ask for, while the bot may go on running.

    0: done, and all is well; 1: not so; 2: not understood.
    """
    match words:
        case ["upgrade"] | ["check"]:
            task, given = _TASKS[words[0]], None
        case ["backup", *more] if len(more) <= 1:
            task, given = _backup, more[0] if more else None
        case ["restored", moment]:
            task, given = _restored, moment
        case _:
            say(f"Say: {USAGE}")
            return 2
    store = open_store(settings.database_url)
    try:
        return await task(store, given, say)
    except (StoreError, OSError) as error:
        say(f"It did not work: {error}.")
        return 1
    finally:
        await store.close()


async def _upgrade(store: Store, _given: str | None, say: Say) -> int:
    await upgrade(store)
    say(f"{store.label} has schema {migrations.newest()}.")
    return 0


async def _check(store: Store, _given: str | None, say: Say) -> int:
    if store.is_sqlite:
        problems = await asyncio.to_thread(_problems_of, _file_of(store))
        for problem in problems:
            say(f"{store.label}: {problem}")
        if problems:
            return 1
    async with store.read() as connection:
        found = await connection.run_sync(migrations.found)
        newest = migrations.newest()
        if found != newest:
            say(f"{store.label} has schema {found or 'none'}; this version needs {newest}.")
            return 1
        waiting = await outbox.waiting(connection)
    say(f"{store.label} is sound, with schema {newest}; {waiting} messages wait to be sent.")
    return 0


async def _backup(store: Store, given: str | None, say: Say) -> int:
    if not store.is_sqlite:
        say(f"{store.label} is backed up with PostgreSQL's own tool:")
        say("  pg_dump --format=custom --file=dealdesk.dump DATABASE")
        say("It may run while the bot runs. Stop the bot for pg_restore, and say after it:")
        say("  python app.py db restored TIME_OF_THE_DUMP")
        return 1
    source = _file_of(store)
    target = Path(given) if given else _default_target(source)
    await asyncio.to_thread(_copy, source, target)
    say(f"{store.label} is copied to {target}; the copy was read and is sound.")
    say("It holds sealed tokens: keep it like the encryption keys, and apart from them.")
    return 0


async def _restored(store: Store, given: str | None, say: Say) -> int:
    """For copies that were not made by `backup`, which say it themselves."""
    try:
        moment = datetime.fromisoformat(given or "")
    except ValueError:
        say("Say when the copy was made, like 2026-03-31T22:00+01:00.")
        return 2
    made = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    await upgrade(store)
    async with store.begin() as connection:
        await lives.copied(connection, made)
    say(f"{store.label} is taken for a copy made at {made:%Y-%m-%d %H:%M} UTC at the next start.")
    return 0


_TASKS: Mapping[str, Callable[[Store, str | None, Say], Awaitable[int]]] = {
    "upgrade": _upgrade,
    "check": _check,
}


def _file_of(store: Store) -> Path:
    path = Path(store.engine.url.database or "")
    if not path.is_file():
        raise StoreUnavailable(f"there is no database file {store.label}")
    return path


def _default_target(source: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return source.with_name(f"{source.stem}-{stamp}{source.suffix}")


def _copy(source: Path, target: Path) -> None:
    """A consistent copy while others write; it gets its name when it is whole and sound."""
    _reserve(target)
    part = target.with_name(f"{target.name}.part")
    try:
        _reserve(part)
        with closing(_opened(source)) as read, closing(sqlite3.connect(part)) as written:
            read.backup(written)
            written.execute("PRAGMA journal_mode=DELETE")
            _stamp(written, datetime.now(UTC))
        if problems := _problems_of(part):
            raise StoreUnavailable(f"the copy is not sound: {problems[0]}")
        part.replace(target)
    except BaseException as error:
        part.unlink(missing_ok=True)
        target.unlink(missing_ok=True)
        if isinstance(error, sqlite3.DatabaseError):
            kind = StoreFull if "full" in str(error) else StoreUnavailable
            raise kind(f"{source} cannot be copied: {error}") from error
        raise


def _stamp(copy: sqlite3.Connection, now: datetime) -> None:
    """The copy says that it is one, so that whoever starts on it knows what it cannot know."""
    moment = now.replace(tzinfo=None).isoformat(" ", "microseconds")
    known = "SELECT 1 FROM sqlite_master WHERE name = 'lives'"
    with copy:
        if copy.execute(known).fetchone():
            copy.execute("UPDATE lives SET copied = ?", (moment,))


def _reserve(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _PRIVATE))
    except FileExistsError as error:
        raise StoreUnavailable(f"{path} exists already and is not overwritten") from error


def _problems_of(path: Path) -> list[str]:
    try:
        with closing(_opened(path)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
            broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    lost = [f"a row of {row[0]} belongs to nothing" for row in broken]
    return [line for line in found if line != "ok"] + lost


def _opened(path: Path) -> sqlite3.Connection:
    address = f"{path.resolve().as_uri()}?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=_WAIT_SECONDS)
