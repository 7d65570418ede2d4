"""The command a person gave before they were signed in: one each, carried out once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.conversation import Place
from bot.store import jsontext, rows
from bot.store.connection import AsyncConnection
from bot.store.schema import waiting

_TABLE = waiting.c
STALE_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What was said, where, and in which language and time zone."""

    command: str
    place: Place
    locale: str
    timezone: str | None
    activity_id: str
    created: datetime


async def put(connection: AsyncConnection, tenant: str, person: str, command: Waiting) -> None:
    """Keeps a command in place of any other this person left waiting."""
    await rows.put(
        connection,
        waiting,
        ("tenant", "person"),
        {
            "tenant": tenant,
            "person": person,
            "command": command.command,
            "place": jsontext.write(command.place.to_json()),
            "locale": command.locale,
            "timezone": command.timezone,
            "activity_id": command.activity_id,
            "created": command.created,
            "claimed": None,
        },
    )


async def take(
    connection: AsyncConnection, tenant: str, person: str, now: datetime
) -> Waiting | None:
    """The waiting command, to exactly one caller; None when there is none or it is stale.

    Stale is older than an hour: by then a person no longer expects it to happen.
    """
    result = await connection.execute(
        waiting.update()
        .where(_TABLE.tenant == tenant, _TABLE.person == person, _TABLE.claimed.is_(None))
        .values(claimed=now)
        .returning(waiting)
    )
    row = result.one_or_none()
    if row is None or row.created < now - STALE_AFTER:
        return None
    return Waiting(
        command=row.command,
        place=Place.from_json(jsontext.read(row.place)),
        locale=row.locale,
        timezone=row.timezone,
        activity_id=row.activity_id,
        created=row.created,
    )


async def drop(connection: AsyncConnection, tenant: str, person: str) -> None:
    """Forgets what a person left waiting, as when they sign out."""
    await connection.execute(
        waiting.delete().where(_TABLE.tenant == tenant, _TABLE.person == person)
    )
