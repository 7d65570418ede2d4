"""What a channel or a person asked to hear about, and whether it still goes there."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from bot.conversation import Place
from bot.store import jsontext, rows
from bot.store.connection import AsyncConnection
from bot.store.jsontext import Json
from bot.store.schema import feeds

_TABLE = feeds.c


class Kind(StrEnum):
    """What a feed tells of."""

    WON = "won"
    REGISTERED = "registered"
    ACCEPTED = "accepted"
    EXPIRING = "expiring"
    APPROVALS = "approvals"


class State(StrEnum):
    """ON is told; PAUSED by a person; OFF because Teams no longer takes messages there."""

    ON = "on"
    PAUSED = "paused"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Feed:
    """One subscription of one conversation."""

    id: str
    tenant: str
    place: Place
    owner: str
    """Who subscribed, an Entra object id; told when the feed goes off."""
    kind: Kind
    filters: Json
    flat: bool
    """Notices stand by themselves instead of in one thread."""
    quiet: Json
    state: State
    reason: str | None
    """Why it is not on."""
    locale: str
    created: datetime
    updated: datetime
    version: int

    @property
    def conversation(self) -> str:
        """The conversation it goes to, without a thread."""
        return self.place.channel


async def create(
    connection: AsyncConnection,
    *,
    place: Place,
    owner: str,
    kind: Kind,
    filters: Json,
    flat: bool,
    quiet: Json,
    locale: str,
    now: datetime,
) -> str:
    """Stores a feed that is on, and gives its id."""
    feed_id = uuid.uuid4().hex
    await connection.execute(
        feeds.insert().values(
            id=feed_id,
            tenant=place.tenant,
            place=jsontext.write(place.to_json()),
            conversation=place.channel,
            owner=owner,
            kind=kind.value,
            filters=jsontext.write(filters),
            flat=flat,
            quiet=None if quiet is None else jsontext.write(quiet),
            state=State.ON.value,
            locale=locale,
            created=now,
            updated=now,
            version=1,
        )
    )
    return feed_id


async def find(connection: AsyncConnection, feed_id: str) -> Feed | None:
    """The feed with this id, on or not."""
    found = await _all(connection, _TABLE.id == feed_id)
    return found[0] if found else None


async def of_conversation(
    connection: AsyncConnection, tenant: str, conversation: str
) -> list[Feed]:
    """Every feed of a conversation (`Place.channel`), the oldest first."""
    return await _all(connection, _TABLE.tenant == tenant, _TABLE.conversation == conversation)


async def of_owner(connection: AsyncConnection, tenant: str, owner: str) -> list[Feed]:
    """Every feed a person made, the oldest first."""
    return await _all(connection, _TABLE.tenant == tenant, _TABLE.owner == owner)


async def of_kind(
    connection: AsyncConnection, tenant: str, kind: Kind, *, state: State = State.ON
) -> list[Feed]:
    """The feeds of a kind in a state (those that are on, unless said), the oldest first."""
    return await _all(
        connection,
        _TABLE.tenant == tenant,
        _TABLE.kind == kind.value,
        _TABLE.state == state.value,
    )


async def set_state(
    connection: AsyncConnection,
    feed: Feed,
    to: State,
    now: datetime,
    *,
    reason: str | None = None,
) -> bool:
    """Turns a feed on, off or to a pause if it still is as it was read; says whether it did."""
    return await _change(connection, feed, now, state=to.value, reason=reason)


async def edit(
    connection: AsyncConnection,
    feed: Feed,
    now: datetime,
    *,
    filters: Json,
    flat: bool,
    quiet: Json,
) -> bool:
    """Changes what a feed tells if it still is as it was read; says whether it did."""
    return await _change(
        connection,
        feed,
        now,
        filters=jsontext.write(filters),
        flat=flat,
        quiet=None if quiet is None else jsontext.write(quiet),
    )


async def renew(
    connection: AsyncConnection,
    feed: Feed,
    now: datetime,
    *,
    place: Place,
    owner: str,
    filters: Json,
    flat: bool,
    quiet: Json,
    locale: str,
) -> bool:
    """Turns a feed on for a new wish if it still is as it was read; says whether it did. What it
    was told of, and what it holds back, stays noted."""
    return await _change(
        connection,
        feed,
        now,
        place=jsontext.write(place.to_json()),
        owner=owner,
        filters=jsontext.write(filters),
        flat=flat,
        quiet=None if quiet is None else jsontext.write(quiet),
        locale=locale,
        state=State.ON.value,
        reason=None,
    )


async def hand_over(connection: AsyncConnection, feed: Feed, owner: str, now: datetime) -> bool:
    """Gives a feed another owner if it still is as it was read; says whether it did."""
    return await _change(connection, feed, now, owner=owner)


async def delete(connection: AsyncConnection, feed_id: str) -> bool:
    """Forgets a feed; False when there was none."""
    return await rows.changed(connection, feeds.delete().where(_TABLE.id == feed_id))


async def _change(connection: AsyncConnection, feed: Feed, now: datetime, **values: object) -> bool:
    return await rows.changed(
        connection,
        feeds.update()
        .where(_TABLE.id == feed.id, _TABLE.version == feed.version)
        .values(updated=now, version=feed.version + 1, **values),
    )


async def _all(connection: AsyncConnection, *conditions: sa.ColumnElement[bool]) -> list[Feed]:
    result = await connection.execute(
        feeds.select().where(*conditions).order_by(_TABLE.created, _TABLE.id)
    )
    return [_feed(row) for row in result]


def _feed(row: sa.Row[tuple[object, ...]]) -> Feed:
    kept = row._mapping
    return Feed(
        id=kept["id"],
        tenant=kept["tenant"],
        place=Place.from_json(jsontext.read(kept["place"])),
        owner=kept["owner"],
        kind=Kind(kept["kind"]),
        filters=jsontext.read(kept["filters"]),
        flat=kept["flat"],
        quiet=None if kept["quiet"] is None else jsontext.read(kept["quiet"]),
        state=State(kept["state"]),
        reason=kept["reason"],
        locale=kept["locale"],
        created=kept["created"],
        updated=kept["updated"],
        version=kept["version"],
    )
