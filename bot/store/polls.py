"""Whose deals are looked through for news, how far, and when again; by one instance at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.store import rows
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.schema import Utc, polls

_TABLE = polls.c
_NOW = sa.bindparam("now", type_=Utc())


@dataclass(frozen=True, slots=True)
class Poll:
    """One person whose deals are polled with their own token."""

    tenant: str
    person: str
    last_polled: datetime | None
    """When it last succeeded."""
    next_poll: datetime
    cursor: str | None
    failures: int
    """In a row."""
    version: int


async def follow(connection: AsyncConnection, tenant: str, person: str, now: datetime) -> bool:
    """Begins to poll for a person, at once; False when that is done already."""
    return await rows.insert_if_absent(
        connection, polls, tenant=tenant, person=person, next_poll=now, failures=0, version=1
    )


async def find(connection: AsyncConnection, tenant: str, person: str) -> Poll | None:
    """How polling stands for a person."""
    result = await connection.execute(polls.select().where(_of(tenant, person)))
    row = result.one_or_none()
    return None if row is None else _poll(row)


_ANY_DUE = (
    sa.select(_TABLE.person)
    .where(
        _TABLE.next_poll <= _NOW,
        sa.or_(_TABLE.lease_until.is_(None), _TABLE.lease_until <= _NOW),
    )
    .limit(1)
)


async def is_due(connection: Runs, now: datetime) -> bool:
    """Whether `due` would find anything; it only reads."""
    return (await connection.execute(_ANY_DUE, {"now": now})).one_or_none() is not None


async def due(
    connection: AsyncConnection,
    now: datetime,
    lease_owner: str,
    lease_until: datetime,
    limit: int = 10,
) -> list[Poll]:
    """Takes those whose time has come and that nobody holds under a lease, longest due first."""
    free = sa.or_(_TABLE.lease_until.is_(None), _TABLE.lease_until <= now)
    result = await connection.execute(
        polls.select()
        .where(_TABLE.next_poll <= now, free)
        .order_by(_TABLE.next_poll, _TABLE.tenant, _TABLE.person)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = []
    for found in map(_poll, result.all()):
        held = await rows.changed(
            connection,
            polls.update()
            .where(_of(found.tenant, found.person), _TABLE.version == found.version)
            .values(lease_owner=lease_owner, lease_until=lease_until, version=found.version + 1),
        )
        if held:
            taken.append(_next_version(found))
    return taken


async def save(
    connection: AsyncConnection,
    held: Poll,
    *,
    last_polled: datetime | None,
    next_poll: datetime,
    cursor: str | None,
    failures: int,
) -> bool:
    """Notes how a poll went and gives it free; False when its lease has passed on meanwhile."""
    return await rows.changed(
        connection,
        polls.update()
        .where(_of(held.tenant, held.person), _TABLE.version == held.version)
        .values(
            last_polled=last_polled,
            next_poll=next_poll,
            cursor=cursor,
            failures=failures,
            lease_owner=None,
            lease_until=None,
            version=held.version + 1,
        ),
    )


async def look_now(connection: AsyncConnection, tenant: str, person: str, now: datetime) -> bool:
    """Makes a person's poll due, as after a sign-in; False when nothing is polled for them."""
    return await rows.changed(
        connection, polls.update().where(_of(tenant, person)).values(next_poll=now, failures=0)
    )


async def drop(connection: AsyncConnection, tenant: str, person: str) -> bool:
    """Ends polling for a person; False when there was none."""
    return await rows.changed(connection, polls.delete().where(_of(tenant, person)))


def _of(tenant: str, person: str) -> sa.ColumnElement[bool]:
    return sa.and_(_TABLE.tenant == tenant, _TABLE.person == person)


def _next_version(poll: Poll) -> Poll:
    return Poll(
        poll.tenant,
        poll.person,
        poll.last_polled,
        poll.next_poll,
        poll.cursor,
        poll.failures,
        poll.version + 1,
    )


def _poll(row: sa.Row[tuple[object, ...]]) -> Poll:
    kept = row._mapping
    return Poll(
        tenant=kept["tenant"],
        person=kept["person"],
        last_polled=kept["last_polled"],
        next_poll=kept["next_poll"],
        cursor=kept["cursor"],
        failures=kept["failures"],
        version=kept["version"],
    )
