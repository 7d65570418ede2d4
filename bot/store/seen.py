"""Deliveries already taken in, so that one sent twice has one effect and the same answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

import sqlalchemy as sa

from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.rows import changed, insert_if_absent
from bot.store.schema import seen
from cards.drawn import as_json


class _State(StrEnum):
    RUNNING = "running"
    DONE = "done"


_OF_KEY = sa.select(seen.c.state, seen.c.answer).where(seen.c.key == sa.bindparam("key"))
_SETTLED = (
    sa.update(seen)
    .where(seen.c.key == sa.bindparam("settled"))
    .values(state=_State.DONE, answer=sa.bindparam("answer"))
)


@dataclass(frozen=True, slots=True)
class Stored:
    """The answer a delivery was given: an HTTP status and a JSON body, never a token."""

    status: int
    body: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Mine:
    """The delivery is new, or was left behind; the caller runs it and then settles it."""


@dataclass(frozen=True, slots=True)
class Running:
    """Another process is at it."""


def key_of(*parts: str) -> str:
    """The key of a delivery: a digest, as the parts come from outside and may be long."""
    return sha256("\n".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()


async def claim(
    connection: Runs, key: str, *, now: datetime, abandoned: datetime
) -> Mine | Running | Stored:
    """Take the delivery in, or say what became of it.

    One that began before `abandoned` and was never settled belongs to a process that died, and
    is given out again.
    """
    new = {"key": key, "state": _State.RUNNING, "answer": None, "created": now}
    if await insert_if_absent(connection, seen, **new):
        return Mine()
    found = (await connection.execute(_OF_KEY, {"key": key})).one()
    if found.state == _State.DONE:
        return _stored(found.answer)
    again = (
        sa.update(seen)
        .where(seen.c.key == key, seen.c.state == _State.RUNNING, seen.c.created < abandoned)
        .values(created=now)
    )
    return Mine() if await changed(connection, again) else Running()


async def settle(connection: Runs, key: str, answer: Stored) -> None:
    """Keep the answer for whoever delivers the same again."""
    body = "null" if answer.body is None else as_json(answer.body)
    text = f'{{"status": {int(answer.status)}, "body": {body}}}'
    await connection.execute(_SETTLED, {"settled": key, "answer": text})


async def forget(connection: AsyncConnection, key: str) -> None:
    """Let the same be taken in again."""
    await connection.execute(sa.delete(seen).where(seen.c.key == key))


async def purge(connection: AsyncConnection, before: datetime, most: int) -> bool:
    """Drop at most so many of those taken in before a time; says whether there may be more.

    Teams repeats a delivery within minutes.
    """
    old = sa.select(seen.c.key).where(seen.c.created < before).limit(most)
    result = await connection.execute(sa.delete(seen).where(seen.c.key.in_(old)))
    return result.rowcount == most


def _stored(answer: str | None) -> Stored:
    parsed = json.loads(answer or "{}")
    return Stored(status=parsed["status"], body=parsed["body"])
