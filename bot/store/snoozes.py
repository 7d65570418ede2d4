"""Who does not want to hear of which deal's expiry for a while."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.store import rows
from bot.store.connection import AsyncConnection
from bot.store.schema import snoozes

_TABLE = snoozes.c


async def put(
    connection: AsyncConnection, tenant: str, referral_id: str, person: str, until: datetime
) -> None:
    """Keeps a deal quiet for a person until a moment; a former one is replaced."""
    await rows.put(
        connection,
        snoozes,
        ("tenant", "referral_id", "person"),
        {"tenant": tenant, "referral_id": referral_id, "person": person, "until": until},
    )


async def until(
    connection: AsyncConnection, tenant: str, referral_id: str, person: str, now: datetime
) -> datetime | None:
    """Until when a deal is quiet for a person; None when it is not."""
    found: datetime | None = await connection.scalar(
        sa.select(_TABLE.until).where(
            _TABLE.tenant == tenant,
            _TABLE.referral_id == referral_id,
            _TABLE.person == person,
            _TABLE.until > now,
        )
    )
    return found


async def drop(connection: AsyncConnection, tenant: str, referral_id: str, person: str) -> bool:
    """Lets a person hear of a deal again; False when it was not quiet."""
    return await rows.changed(
        connection,
        snoozes.delete().where(
            _TABLE.tenant == tenant,
            _TABLE.referral_id == referral_id,
            _TABLE.person == person,
        ),
    )


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets what ended before a moment."""
    await connection.execute(snoozes.delete().where(_TABLE.until < before))
