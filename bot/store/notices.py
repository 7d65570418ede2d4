"""Which feed was told of which event, once; and what a feed holds back to tell later in one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.store import rows
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.schema import approvals, events, feeds, notices, registrations

_TABLE = notices.c


async def add(
    connection: AsyncConnection,
    feed_id: str,
    event_id: str,
    now: datetime,
    *,
    held_until: datetime | None = None,
) -> bool:
    """Notes that a feed is told of an event, now or later; False when it was noted before.

    With `held_until` None the message itself belongs in the outbox in the same transaction.
    """
    return await rows.insert_if_absent(
        connection,
        notices,
        feed_id=feed_id,
        event_id=event_id,
        state="put" if held_until is None else "held",
        due=held_until,
        at=now,
    )


async def is_told(connection: AsyncConnection, feed_id: str, event_id: str) -> bool:
    """Whether a feed was told of an event, or holds it."""
    found = await connection.scalar(
        sa.select(_TABLE.event_id).where(_TABLE.feed_id == feed_id, _TABLE.event_id == event_id)
    )
    return found is not None


@dataclass(frozen=True, slots=True)
class Load:
    """What a feed got, or holds, lately, and when what it holds is due."""

    recent: int
    held_until: datetime | None


async def loads(connection: AsyncConnection, since: datetime) -> dict[str, Load]:
    """The load of every feed that got a notice since a moment, or holds one."""
    lately = await connection.scalars(sa.select(_TABLE.feed_id).where(_TABLE.at >= since))
    counts = Counter(lately)
    held = await connection.execute(
        sa.select(_TABLE.feed_id, _TABLE.due).where(_TABLE.state == "held").order_by(_TABLE.due)
    )
    first: dict[str, datetime | None] = {}
    for feed_id, due in held:
        first.setdefault(feed_id, due)
    return {each: Load(counts[each], first.get(each)) for each in counts.keys() | first.keys()}


_FEEDS_DUE = (
    sa.select(_TABLE.feed_id)
    .join(feeds, feeds.c.id == _TABLE.feed_id)
    .where(_TABLE.state == "held", _TABLE.due <= sa.bindparam("now"), feeds.c.state == "on")
    .distinct()
    .limit(100)
)


async def feeds_due(connection: Runs, now: datetime) -> list[str]:
    """Feeds that are on and hold something which is due: a paused one holds it on."""
    return [row.feed_id for row in await connection.execute(_FEEDS_DUE, {"now": now})]


async def fold(connection: AsyncConnection, feed_id: str, now: datetime) -> list[str]:
    """Takes what a feed holds and is due, the oldest first; each event is given out once.

    The message that tells of them belongs in the outbox in the same transaction.
    """
    result = await connection.execute(
        sa.select(_TABLE.event_id)
        .where(_TABLE.feed_id == feed_id, _TABLE.state == "held", _TABLE.due <= now)
        .order_by(_TABLE.at, _TABLE.event_id)
        .with_for_update()
    )
    taken = []
    for event_id in list(result.scalars()):
        ours = await rows.changed(
            connection,
            notices.update()
            .where(_TABLE.feed_id == feed_id, _TABLE.event_id == event_id, _TABLE.state == "held")
            .values(state="folded"),
        )
        if ours:
            taken.append(event_id)
    return taken


async def release(connection: AsyncConnection, feed_id: str, now: datetime) -> None:
    """Makes what a feed holds due: its quiet is over sooner than was thought."""
    await connection.execute(
        notices.update()
        .where(_TABLE.feed_id == feed_id, _TABLE.state == "held", _TABLE.due > now)
        .values(due=now)
    )


async def forget(connection: AsyncConnection, feed_id: str) -> None:
    """Drops what a feed that ended still holds."""
    await connection.execute(
        notices.delete().where(_TABLE.feed_id == feed_id, _TABLE.state == "held")
    )


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets notices put before a moment; their events' rows keep them from coming again."""
    await connection.execute(notices.delete().where(_TABLE.state != "held", _TABLE.at < before))


_REGISTERED_UNTOLD = (
    sa.select(registrations.c.tenant, registrations.c.referral_id, registrations.c.requester)
    .where(
        registrations.c.state == "DONE",
        registrations.c.updated >= sa.bindparam("since"),
        ~sa.exists().where(
            events.c.tenant == registrations.c.tenant,
            events.c.referral_id == registrations.c.referral_id,
            events.c.kind == "registered",
        ),
    )
    .order_by(registrations.c.updated)
    .limit(20)
)


async def registered_untold(connection: Runs, since: datetime) -> list[tuple[str, str, str]]:
    """Registrations that ended well since a moment and of which no event is noted: tenant,
    referral, requester."""
    result = await connection.execute(_REGISTERED_UNTOLD, {"since": since})
    return [(row.tenant, row.referral_id, row.requester) for row in result]


async def first_registered(
    connection: AsyncConnection, tenant: str, person: str, since: datetime
) -> datetime | None:
    """When a person made the oldest of their registrations since a moment; None without any."""
    found: datetime | None = await connection.scalar(
        sa.select(registrations.c.created)
        .where(
            registrations.c.tenant == tenant,
            registrations.c.requester == person,
            registrations.c.state == "DONE",
            registrations.c.created >= since,
        )
        .order_by(registrations.c.created)
        .limit(1)
    )
    return found


_APPROVALS_UNTOLD = (
    sa.select(approvals.c.id)
    .where(
        approvals.c.state != sa.bindparam("but"),
        approvals.c.updated >= sa.bindparam("since"),
        ~sa.exists().where(
            events.c.tenant == approvals.c.tenant,
            events.c.referral_id == approvals.c.referral_id,
            events.c.kind == "approvals",
            events.c.state_key == approvals.c.id + ":" + approvals.c.state,
        ),
    )
    .order_by(approvals.c.updated)
    .limit(50)
)


async def approvals_untold(connection: Runs, since: datetime, but: str) -> list[str]:
    """Ids of requests for approval that came into a state, `but` for one, since a moment and of
    which no event is noted. The state key of such an event is `ID:STATE`.

    What a state is not, no index serves: by one of states SQLite would go through all the ended
    requests there ever were, for the few of late.
    """
    result = await connection.execute(_APPROVALS_UNTOLD, {"since": since, "but": but})
    return [row.id for row in result]
