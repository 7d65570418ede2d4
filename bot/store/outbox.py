"""Messages the bot owes: put with the promise of them, claimed by lease, sent in order.

A conversation gets its messages in the order they were put; its next one is not given out before
the former is sent or has failed. A message is marked `sending` right before it leaves: one that is
found so when its lease has run out may have arrived, and says so (`may_repeat`). One that was only
claimed has not left, and is given out again as if nothing had been.
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
_FORGOTTEN = jsontext.write(None)


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
    doubts: int
    """How often it left without our learning whether it arrived."""
    key: str | None
    feed_id: str | None
    created: datetime
    lease_owner: str

    @property
    def may_repeat(self) -> bool:
        """Whether it may have arrived already."""
        return self.doubts > 0


@dataclass(frozen=True, slots=True)
class Sent:
    """When something was sent to a conversation, for counting."""

    tenant: str
    channel: str
    at: datetime


async def put(
    connection: AsyncConnection,
    place: Place,
    message: Json,
    now: datetime,
    *,
    target_message: str | None = None,
    key: str | None = None,
    not_before: datetime | None = None,
    feed_id: str | None = None,
    may_repeat: bool = False,
) -> bool:
    """Adds a message; one with a `target_message` replaces that message's content.

    With a `key` it is added once for all time: False when a row with that key exists already.
    `feed_id` names the feed it is sent for, which goes off when Teams takes nothing there.
    `may_repeat`: what it tells may have been told before this database began to know.
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
        feed_id=feed_id,
        doubts=int(may_repeat),
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
        try:
            owed = _owed(row, lease_owner)
        except ValueError:
            await _spoilt(connection, row)
            continue
        taken = await rows.changed(
            connection,
            outbox.update()
            .where(_TABLE.id == row.id, _TABLE.state == row.state)
            .where(_TABLE.attempts == row.attempts)
            .values(
                state="ready",
                attempts=owed.attempts,
                doubts=owed.doubts,
                lease_owner=lease_owner,
                lease_until=lease_until,
            ),
        )
        if taken:
            claimed.append(owed)
    return claimed


async def begin(connection: AsyncConnection, owed: Owed, lease_until: datetime) -> bool:
    """Marks a message as about to leave; False when its lease has passed to somebody else."""
    return await rows.changed(
        connection,
        outbox.update()
        .where(_held(owed), _TABLE.state == "ready")
        .values(state="sending", lease_until=lease_until),
    )


async def mark_sent(
    connection: AsyncConnection, owed: Owed, activity_id: str, now: datetime
) -> bool:
    """Closes a message as sent; False when the lease has passed to somebody else meanwhile."""
    return await rows.changed(
        connection,
        outbox.update()
        .where(_held(owed))
        .values(state="sent", activity_id=activity_id, sent=now, error=None, lease_until=None),
    )


async def mark_failed(connection: AsyncConnection, owed: Owed, error: str) -> bool:
    """Gives a message up, with the reason for the log; False when the lease has passed on."""
    return await _free(connection, owed, state="failed", error=error)


async def put_back(
    connection: AsyncConnection, owed: Owed, not_before: datetime, error: str
) -> bool:
    """Returns a message that was definitely not sent, to be tried again from `not_before` on."""
    return await _free(connection, owed, state="ready", not_before=not_before, error=error)


async def put_back_in_doubt(
    connection: AsyncConnection, owed: Owed, not_before: datetime, error: str
) -> bool:
    """Returns a message that may have arrived, to be sent again from `not_before` on."""
    return await _free(
        connection,
        owed,
        state="ready",
        not_before=not_before,
        error=error,
        doubts=owed.doubts + 1,
    )


async def replace(
    connection: AsyncConnection, owed: Owed, message: Json, now: datetime, error: str
) -> bool:
    """Returns a message that was not taken as it is with another content, due at once."""
    return await _free(
        connection,
        owed,
        state="ready",
        not_before=now,
        message=jsontext.write(message),
        error=error,
    )


async def defer(connection: AsyncConnection, owed: Owed, not_before: datetime) -> bool:
    """Returns a message that was not tried: its turn comes at `not_before`."""
    return await _free(
        connection, owed, state="ready", not_before=not_before, attempts=owed.attempts - 1
    )


async def drop_of_feed(connection: AsyncConnection, feed_id: str, error: str) -> int:
    """Gives up what is still to be sent for a feed and nobody is sending; how many."""
    result = await connection.execute(
        outbox.update()
        .where(_TABLE.feed_id == feed_id, _TABLE.state == "ready", _TABLE.lease_owner.is_(None))
        .values(state="failed", error=error)
    )
    return result.rowcount


async def doubt_all(connection: AsyncConnection) -> int:
    """Marks every message still to be sent as one that may have arrived; how many."""
    result = await connection.execute(
        outbox.update()
        .where(_TABLE.state.in_(_WAITING), _TABLE.op == Op.SEND.value)
        .values(state="ready", doubts=1, lease_owner=None, lease_until=None)
    )
    return result.rowcount


async def waiting(connection: AsyncConnection) -> int:
    """How many messages are still to be sent."""
    found = await connection.scalar(
        sa.select(sa.func.count()).select_from(outbox).where(_TABLE.state.in_(_WAITING))
    )
    return found or 0


async def sent_since(connection: AsyncConnection, moment: datetime, not_by: str) -> list[Sent]:
    """What instances other than `not_by` sent after a moment, oldest first."""
    result = await connection.execute(
        sa.select(_TABLE.place, _TABLE.sent)
        .where(
            _TABLE.sent > moment,
            sa.or_(_TABLE.lease_owner.is_(None), _TABLE.lease_owner != not_by),
        )
        .order_by(_TABLE.sent)
    )
    found = []
    for stored, at in result.all():
        place = Place.from_json(jsontext.read(stored))
        found.append(Sent(place.tenant, place.channel, at))
    return found


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets messages that were sent, or put and given up, before a moment.

    Of those with a key, which must stay taken, only the content goes.
    """
    over = sa.or_(
        sa.and_(_TABLE.state == "sent", _TABLE.sent < before),
        sa.and_(_TABLE.state == "failed", _TABLE.created < before),
    )
    await connection.execute(outbox.delete().where(over, _TABLE.key.is_(None)))
    await connection.execute(
        outbox.update().where(over, _TABLE.message != _FORGOTTEN).values(message=_FORGOTTEN)
    )


def _due(now: datetime) -> sa.Select[tuple[object, ...]]:
    former = outbox.alias("former")
    is_first = ~sa.exists().where(
        former.c.conversation == _TABLE.conversation,
        former.c.seq < _TABLE.seq,
        former.c.state.in_(_WAITING),
    )
    free = sa.or_(_TABLE.lease_until.is_(None), _TABLE.lease_until <= now)
    ready = sa.and_(_TABLE.state == "ready", _TABLE.not_before <= now, free)
    abandoned = sa.and_(_TABLE.state == "sending", _TABLE.lease_until <= now)
    return outbox.select().where(sa.or_(ready, abandoned), is_first).order_by(_TABLE.seq)


async def _spoilt(connection: AsyncConnection, row: sa.Row[tuple[object, ...]]) -> None:
    """A row that cannot be read is given up, so that it does not hold up the others."""
    await connection.execute(
        outbox.update()
        .where(_TABLE.id == row._mapping["id"])
        .values(state="failed", error="unreadable", lease_owner=None, lease_until=None)
    )


def _held(owed: Owed) -> sa.ColumnElement[bool]:
    return sa.and_(
        _TABLE.id == owed.id,
        _TABLE.state.in_(_WAITING),
        _TABLE.lease_owner == owed.lease_owner,
        _TABLE.attempts == owed.attempts,
    )


async def _free(connection: AsyncConnection, owed: Owed, **values: object) -> bool:
    return await rows.changed(
        connection,
        outbox.update()
        .where(_held(owed))
        .values({"lease_owner": None, "lease_until": None, **values}),
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
        doubts=kept[_TABLE.doubts] + (kept[_TABLE.state] == "sending"),
        key=kept[_TABLE.key],
        feed_id=kept[_TABLE.feed_id],
        created=kept[_TABLE.created],
        lease_owner=lease_owner,
    )
