"""Messages the bot owes: put with the promise of them, claimed by lease, sent in order.

A conversation gets its messages in the order they were put; its next one is not given out before
the former is sent or has failed. A row whose lease ran out may have been sent already: it is given
out again and says so (`may_repeat`).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation import Place
from bot.store import jsontext, rows
from bot.store.jsontext import Json
from bot.store.schema import outbox

_TABLE = outbox.c
_WAITING = ("ready", "sending")


class Op(StrEnum):
    """A new message, or another content for one that was sent."""

    SEND = "send"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Owed:
    """One message, held under a lease by whoever claimed it."""

    id: str
    place: Place
    op: Op
    target_message: str | None
    message: Json
    attempts: int
    """How often it was claimed, this time included."""
    may_repeat: bool
    key: str | None
    created: datetime
    lease_owner: str


async def put(
    connection: AsyncConnection,
    place: Place,
    message: Json,
    now: datetime,
    *,
    target_message: str | None = None,
    key: str | None = None,
    not_before: datetime | None = None,
) -> bool:
    """Adds a message; one with a `target_message` replaces that message's content.

    With a `key` it is added once for all time: False when a row with that key exists already.
    """
    return await rows.insert_if_absent(
        connection,
        outbox,
        id=uuid.uuid4().hex,
        conversation=place.conversation_id,
        place=jsontext.write(place.to_json()),
        op=(Op.SEND if target_message is None else Op.UPDATE).value,
        target_message=target_message,
        message=jsontext.write(message),
        state="ready",
        attempts=0,
        not_before=not_before or now,
        key=key,
        created=now,
    )


async def claim_ready(
    connection: AsyncConnection,
    now: datetime,
    lease_owner: str,
    lease_until: datetime,
    limit: int = 20,
) -> list[Owed]:
    """Takes the due messages, at most the first of each conversation, under a lease."""
    result = await connection.execute(_due(now).limit(limit).with_for_update(skip_locked=True))
    claimed = []
    for row in result.all():
        taken = await rows.changed(
            connection,
            outbox.update()
            .where(_TABLE.id == row.id, _TABLE.state == row.state)
            .where(_TABLE.attempts == row.attempts)
            .values(
                state="sending",
                attempts=row.attempts + 1,
                lease_owner=lease_owner,
                lease_until=lease_until,
            ),
        )
        if taken:
            claimed.append(_owed(row, lease_owner))
    return claimed


async def mark_sent(
    connection: AsyncConnection, owed: Owed, activity_id: str, now: datetime
) -> bool:
    """Closes a message as sent; False when the lease has passed to somebody else meanwhile."""
    return await _close(
        connection, owed, state="sent", activity_id=activity_id, sent=now, error=None
    )


async def mark_failed(connection: AsyncConnection, owed: Owed, error: str) -> bool:
    """Gives a message up, with the reason for the log; False when the lease has passed on."""
    return await _close(connection, owed, state="failed", error=error)


async def put_back(
    connection: AsyncConnection, owed: Owed, not_before: datetime, error: str
) -> bool:
    """Returns a message that was definitely not sent, to be tried again from `not_before` on."""
    return await _close(connection, owed, state="ready", not_before=not_before, error=error)


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets messages sent before a moment, except those whose key must stay taken."""
    await connection.execute(
        outbox.delete().where(_TABLE.state == "sent", _TABLE.sent < before, _TABLE.key.is_(None))
    )


def _due(now: datetime) -> sa.Select[tuple[object, ...]]:
    former = outbox.alias("former")
    is_first = ~sa.exists().where(
        former.c.conversation == _TABLE.conversation,
        former.c.seq < _TABLE.seq,
        former.c.state.in_(_WAITING),
    )
    ready = sa.and_(_TABLE.state == "ready", _TABLE.not_before <= now)
    abandoned = sa.and_(_TABLE.state == "sending", _TABLE.lease_until <= now)
    return outbox.select().where(sa.or_(ready, abandoned), is_first).order_by(_TABLE.seq)


async def _close(connection: AsyncConnection, owed: Owed, **values: object) -> bool:
    return await rows.changed(
        connection,
        outbox.update()
        .where(
            _TABLE.id == owed.id,
            _TABLE.state == "sending",
            _TABLE.lease_owner == owed.lease_owner,
            _TABLE.attempts == owed.attempts,
        )
        .values(lease_owner=None, lease_until=None, **values),
    )


def _owed(row: sa.Row[tuple[object, ...]], lease_owner: str) -> Owed:
    kept = row._mapping
    return Owed(
        id=kept[_TABLE.id],
        place=Place.from_json(jsontext.read(kept[_TABLE.place])),
        op=Op(kept[_TABLE.op]),
        target_message=kept[_TABLE.target_message],
        message=jsontext.read(kept[_TABLE.message]),
        attempts=kept[_TABLE.attempts] + 1,
        may_repeat=kept[_TABLE.state] == "sending",
        key=kept[_TABLE.key],
        created=kept[_TABLE.created],
        lease_owner=lease_owner,
    )
