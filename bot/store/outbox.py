"""Messages the bot owes: put with the promise of them, claimed by lease, sent in order.

A conversation gets its messages in the order they were put; its next one is not given out before
the former is sent or has failed. A message is marked `sending` right before it leaves: one that is
found so when its lease has run out may have arrived, and says so (`may_repeat`). One that was only
claimed has not left, and is given out again as if nothing had been.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from bot.conversation import Place
from bot.store import jsontext, rows
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.jsontext import Json
from bot.store.schema import Utc, outbox

_TABLE = outbox.c
_WAITING = sa.text("outbox.state IN ('ready', 'sending')")
"""Written out, so that the databases see that the index of what waits is meant."""
_MOST_COUNTED = 20_000
_FORGOTTEN = jsontext.write(None)
_CLAIMED = {
    "state": "ready",
    "attempts": _TABLE.attempts + 1,
    "doubts": _TABLE.doubts + sa.case((_TABLE.state == "sending", 1), else_=0),
}
"""What becomes of a row that is claimed; `_owed` says the same of the message."""


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
    as_of: datetime | None
    """When what a reply shows was true; None for what was true when it was put."""
    stands: Json
    """Which row of ours stands in the message, once its id is known; None for none."""
    created: datetime
    lease_owner: str

    @property
    def may_repeat(self) -> bool:
        """Whether it may have arrived already."""
        return self.doubts > 0


@dataclass(frozen=True, slots=True)
class Sent:
    """When something was sent to a conversation, for counting."""

    id: str
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
    as_of: datetime | None = None,
    stands: Json = None,
) -> bool:
    """Adds a message; one with a `target_message` replaces that message's content.

    With a `key` it is added once for all time: False when a row with that key exists already.
    `feed_id` names the feed it is sent for, which goes off when Teams takes nothing there.
    `may_repeat`: what it tells may have been told before this database began to know.
    `as_of` is when what a reply shows was true. Of two states of one message only the later one is
    sent, and False says that this one was the earlier.
    """
    shown, row_id = as_of or now, uuid.uuid4().hex
    if target_message is not None and await _is_overtaken(connection, place, target_message, shown):
        return False
    is_new = await rows.insert_if_absent(
        connection,
        outbox,
        id=row_id,
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
        as_of=as_of,
        stands=None if stands is None else jsontext.write(stands),
        created=now,
    )
    if is_new and target_message is not None:
        former = _of_message(place.conversation_id, target_message), _shown() <= shown
        await _supersede(connection, *former, _TABLE.id != row_id)
    return is_new


async def overtake(
    connection: AsyncConnection, conversation: str, target_message: str, shown: datetime
) -> int:
    """Gives up the replies of before a moment that wait to take the place of a message, because a
    later one is there already; how many."""
    earlier = _TABLE.as_of.is_not(None), _TABLE.as_of <= shown
    return await _supersede(connection, _of_message(conversation, target_message), *earlier)


async def _supersede(connection: AsyncConnection, *which: sa.ColumnElement[bool]) -> int:
    result = await connection.execute(
        outbox.update()
        .where(*which, _TABLE.state == "ready", _TABLE.lease_owner.is_(None))
        .values(state="failed", error="superseded")
    )
    return result.rowcount


async def _is_overtaken(
    connection: AsyncConnection, place: Place, target_message: str, shown: datetime
) -> bool:
    """Whether a later state of a message was sent or waits to be."""
    found = await connection.scalar(
        sa.select(_TABLE.seq)
        .where(_of_message(place.conversation_id, target_message), _shown() > shown)
        .where(_TABLE.state != "failed")
        .limit(1)
    )
    return found is not None


def _of_message(conversation: str, target_message: str) -> sa.ColumnElement[bool]:
    return sa.and_(_TABLE.target_message == target_message, _TABLE.conversation == conversation)


def _shown() -> sa.ColumnElement[datetime]:
    """When what a message shows was true."""
    return sa.func.coalesce(_TABLE.as_of, _TABLE.created)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that waits to take the place of a message."""

    conversation: str
    target_message: str
    as_of: datetime


_REPLIES = (
    sa.select(_TABLE.conversation, _TABLE.target_message, _TABLE.as_of)
    .where(_WAITING, _TABLE.target_message.is_not(None), _TABLE.as_of.is_not(None))
    .limit(1000)
)


async def replies_waiting(connection: Runs) -> list[Reply]:
    """Replies that wait to take the place of a message, in any order, as many as are looked at."""
    result = await connection.execute(_REPLIES)
    return [Reply(row.conversation, row.target_message, row.as_of) for row in result]


async def is_due(connection: Runs, now: datetime) -> bool:
    """Whether a claim would find anything; it only reads."""
    return (await connection.execute(_ANY_DUE, {"now": now})).one_or_none() is not None


async def claim_ready(
    connection: AsyncConnection,
    now: datetime,
    lease_owner: str,
    lease_until: datetime,
    limit: int = 20,
    *,
    but_for: Collection[str] = (),
) -> list[Owed]:
    """Takes the due messages, at most the first of each conversation, under a lease, but for those
    of some tenants. Whoever else claims waits for the end of the transaction, or passes over them.
    """
    due = _due(outbox).where(*(~_is_of(tenant) for tenant in but_for))
    result = await connection.execute(
        due.limit(limit).with_for_update(skip_locked=True), {"now": now}
    )
    claimed = []
    for row in result.all():
        try:
            claimed.append(_owed(row, lease_owner))
        except ValueError:
            await _spoilt(connection, row)
    if claimed:
        taken = outbox.update().where(_TABLE.id.in_([owed.id for owed in claimed])).values(_CLAIMED)
        await connection.execute(taken, {"lease_owner": lease_owner, "lease_until": lease_until})
    return claimed


async def begin(connection: AsyncConnection, owed: Owed, lease_until: datetime) -> bool:
    """Marks a message as about to leave; False when its lease has passed to somebody else."""
    return await rows.changed(connection, _BEGUN, _holding(owed) | {"until": lease_until})


async def mark_sent(
    connection: AsyncConnection, owed: Owed, activity_id: str, now: datetime
) -> bool:
    """Closes a message as sent; False when the lease has passed to somebody else meanwhile."""
    return await rows.changed(
        connection, _SENT, _holding(owed) | {"as_activity": activity_id, "at": now}
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
        .where(_WAITING, _TABLE.op == Op.SEND.value)
        .values(state="ready", doubts=1, lease_owner=None, lease_until=None)
    )
    return result.rowcount


async def waiting(connection: AsyncConnection) -> int:
    """How many messages are still to be sent."""
    found = await connection.scalar(sa.select(sa.func.count()).select_from(outbox).where(_WAITING))
    return found or 0


_SENT_SINCE = (
    sa.select(_TABLE.id, _TABLE.place, _TABLE.sent)
    .where(
        _TABLE.sent > sa.bindparam("moment"),
        sa.or_(_TABLE.lease_owner.is_(None), _TABLE.lease_owner != sa.bindparam("not_by")),
    )
    .order_by(_TABLE.sent.desc())
    .limit(_MOST_COUNTED)
)


async def sent_since(connection: Runs, moment: datetime, not_by: str) -> list[Sent]:
    """What instances other than `not_by` sent after a moment, oldest first; the latest of it when
    it is very much."""
    result = await connection.execute(_SENT_SINCE, {"moment": moment, "not_by": not_by})
    found = []
    for row in reversed(list(result)):
        place = Place.from_json(jsontext.read(row.place))
        found.append(Sent(row.id, place.tenant, place.channel, row.sent))
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


def _due(*columns: sa.Table | sa.ColumnElement[int]) -> sa.Select[Any]:
    """What may be taken at `:now`, the oldest first: found by walking along what waits, so that it
    costs the same however much was sent before."""
    now = sa.bindparam("now", type_=Utc())
    former = outbox.alias("former")
    is_first = ~sa.exists().where(
        former.c.conversation == _TABLE.conversation,
        former.c.seq < _TABLE.seq,
        sa.text("former.state IN ('ready', 'sending')"),
    )
    free = sa.or_(_TABLE.lease_until.is_(None), _TABLE.lease_until <= now)
    ready = sa.and_(_TABLE.state == "ready", _TABLE.not_before <= now, free)
    abandoned = sa.and_(_TABLE.state == "sending", _TABLE.lease_until <= now)
    return (
        sa.select(*columns).where(_WAITING, sa.or_(ready, abandoned), is_first).order_by(_TABLE.seq)
    )


_ANY_DUE = _due(_TABLE.seq).limit(1)


def _is_of(tenant: str) -> sa.ColumnElement[bool]:
    """Whether a message goes to a tenant. Its place is stored in one canonical form, in which no
    other value can look like this, as quotes inside of values are escaped."""
    member = jsontext.write({"tenant": tenant}).strip("{}")
    return _TABLE.place.contains(member, autoescape=True)


async def _spoilt(connection: AsyncConnection, row: sa.Row[tuple[object, ...]]) -> None:
    """A row that cannot be read is given up, so that it does not hold up the others."""
    await connection.execute(
        outbox.update()
        .where(_TABLE.id == row._mapping["id"])
        .values(state="failed", error="unreadable", lease_owner=None, lease_until=None)
    )


_HELD = sa.and_(
    _TABLE.id == sa.bindparam("message_id"),
    _WAITING,
    _TABLE.lease_owner == sa.bindparam("held_by"),
    _TABLE.attempts == sa.bindparam("taken"),
)
"""The row of a message that is held still; `_holding` gives the values."""
_BEGUN = (
    outbox.update()
    .where(_HELD, _TABLE.state == "ready")
    .values(state="sending", lease_until=sa.bindparam("until"))
)
_SENT = (
    outbox.update()
    .where(_HELD)
    .values(
        state="sent",
        activity_id=sa.bindparam("as_activity"),
        sent=sa.bindparam("at"),
        error=None,
        lease_until=None,
    )
)


def _holding(owed: Owed) -> dict[str, object]:
    return {"message_id": owed.id, "held_by": owed.lease_owner, "taken": owed.attempts}


async def _free(connection: AsyncConnection, owed: Owed, **values: object) -> bool:
    return await rows.changed(
        connection,
        outbox.update().where(_HELD).values({"lease_owner": None, "lease_until": None, **values}),
        _holding(owed),
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
        as_of=kept[_TABLE.as_of],
        stands=None if kept[_TABLE.stands] is None else jsontext.read(kept[_TABLE.stands]),
        created=kept[_TABLE.created],
        lease_owner=lease_owner,
    )
