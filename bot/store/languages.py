"""Which language a conversation has chosen; without a choice everybody's own Teams decides."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.store import rows
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.schema import feeds, languages

_TABLE = languages.c
_CHOSEN = sa.select(_TABLE.locale).where(
    _TABLE.tenant == sa.bindparam("tenant"), _TABLE.conversation == sa.bindparam("conversation")
)


async def find(connection: Runs, tenant: str, conversation: str) -> str | None:
    """The locale a conversation has chosen, if it has."""
    found = await connection.execute(_CHOSEN, {"tenant": tenant, "conversation": conversation})
    chosen = found.one_or_none()
    return None if chosen is None else chosen.locale


async def choose(
    connection: AsyncConnection,
    tenant: str,
    conversation: str,
    locale: str,
    person: str,
    now: datetime,
) -> None:
    """Notes the choice of a conversation; its feeds are written in it from now on."""
    await rows.put(
        connection,
        languages,
        ("tenant", "conversation"),
        {
            "tenant": tenant,
            "conversation": conversation,
            "locale": locale,
            "person": person,
            "updated": now,
        },
    )
    await connection.execute(
        feeds.update()
        .where(feeds.c.tenant == tenant, feeds.c.conversation == conversation)
        .values(locale=locale)
    )


async def drop(connection: AsyncConnection, tenant: str, conversation: str) -> None:
    """Forgets the choice."""
    await connection.execute(
        languages.delete().where(_TABLE.tenant == tenant, _TABLE.conversation == conversation)
    )
