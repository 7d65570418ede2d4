"""Notices that an older copy of the database was put back, and treats what it owes accordingly.

A copy made by `python app.py db backup` says so itself. Beside a SQLite file another one keeps the
time until which the bot was alive on it: a database that was alive less long is an older copy. For
any other way of copying, `python app.py db restored TIME` says it.

A change needs nothing from here: it is bound to the version of the deal it was made against and is
looked for before it is sent. A registration that was only decided may have been sent since: it is
looked for before anything else. A new deal has no version, so one that was only shown may have been
created since: it is looked for, and its old button creates nothing. Messages cannot be looked for,
so they say that they may be there.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from bot.store import handles, lives, outbox, proposals, registrations
from bot.store.engine import Store
from bot.store.errors import StoreError
from bot.store.lives import Life

_log = structlog.get_logger(__name__)
EVERY_SECONDS = 60.0
SLACK = timedelta(minutes=5)
"""How much less long a database may have been alive than the file beside it says."""
SKIPPED_NUMBERS = 1000
"""Numbers of deals that are left out: those given since the copy must not come to mean others."""


async def reconcile(store: Store, now: datetime) -> bool:
    """Before any work: whether this is an older copy. Raises StoreError.

    Then what it owes is marked as a possible repeat, and the time it knows nothing of is kept.
    """
    beside = await asyncio.to_thread(_alive_beside, store)
    async with store.begin() as connection:
        life = await lives.find(connection)
        since = _older_since(life, beside)
        if since is None:
            await lives.beat(connection, now)
            return False
        owed = await outbox.doubt_all(connection)
        await proposals.doubt_new_deals(connection, now)
        await registrations.doubt(connection, now)
        await handles.skip(connection, SKIPPED_NUMBERS)
        await lives.put_back(connection, since, now)
    _log.error("an older copy of the database was put back", knows_until=str(since), owed=owed)
    return True


async def watch(store: Store, now: Callable[[], datetime]) -> None:
    """Note that the bot is alive, again and again, until cancelled."""
    while True:
        try:
            await note_alive(store, now())
        except (StoreError, OSError) as error:
            _log.warning("not noted that the bot is alive", error=str(error))
        await asyncio.sleep(EVERY_SECONDS)


async def note_alive(store: Store, now: datetime) -> None:
    """Note it in the database first, so that the file beside never says less. Raises StoreError
    and OSError."""
    async with store.begin() as connection:
        await lives.beat(connection, now)
    path = _path_beside(store)
    if path is not None:
        await asyncio.to_thread(_write, path, now.isoformat())


def _older_since(life: Life | None, beside: datetime | None) -> datetime | None:
    if life is None:
        return None
    if life.copied is not None:
        return life.copied
    return life.alive if beside is not None and beside - life.alive > SLACK else None


def _path_beside(store: Store) -> Path | None:
    file = store.engine.url.database if store.is_sqlite else None
    return Path(f"{file}.alive") if file else None


def _alive_beside(store: Store) -> datetime | None:
    path = _path_beside(store)
    if path is None or not path.is_file():
        return None
    try:
        said = datetime.fromisoformat(path.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        _log.warning("cannot read until when the bot was alive", error=str(error))
        return None
    return said if said.tzinfo is not None else None


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(text, encoding="ascii")
    part.replace(path)
