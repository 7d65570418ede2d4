"""What a person last saw of a deal: enough to mark what changed since, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.store import jsontext, rows
from bot.store.connection import AsyncConnection
from bot.store.schema import looks

_TABLE = looks.c


@dataclass(frozen=True, slots=True)
class Look:
    """When somebody last saw a deal, and the values that were shown, as plain text by field."""

    at: datetime
    shown: Mapping[str, str]


async def find(
    connection: AsyncConnection, tenant: str, person: str, referral_id: str
) -> Look | None:
    """The last look, or None when there was none, or it is forgotten."""
    statement = sa.select(_TABLE.at, _TABLE.shown).where(
        _TABLE.tenant == tenant, _TABLE.person == person, _TABLE.referral_id == referral_id
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    shown = jsontext.read(row.shown)
    if not isinstance(shown, Mapping):
        raise ValueError("a look that holds no values")
    return Look(row.at, {name: str(value) for name, value in shown.items()})


async def put(
    connection: AsyncConnection, tenant: str, person: str, referral_id: str, look: Look
) -> None:
    """Keeps a look in place of the one before."""
    await rows.put(
        connection,
        looks,
        ("tenant", "person", "referral_id"),
        {
            "tenant": tenant,
            "person": person,
            "referral_id": referral_id,
            "shown": jsontext.write(dict(look.shown)),
            "at": look.at,
        },
    )


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets looks from before a moment."""
    await connection.execute(looks.delete().where(_TABLE.at < before))
