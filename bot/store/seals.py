"""The seals of approvals and votes, kept beside them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.store import rows
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.schema import seals

_TABLE = seals.c


async def put(connection: Runs, subject: str, seal: str, now: datetime) -> None:
    """Keeps the seal of a subject as it is now, in place of an earlier one."""
    await rows.put(connection, seals, ("subject",), {"subject": subject, "seal": seal, "at": now})


async def find(connection: AsyncConnection, subject: str) -> str | None:
    """The seal of a subject."""
    found: str | None = await connection.scalar(
        sa.select(_TABLE.seal).where(_TABLE.subject == subject)
    )
    return found


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets seals made before a moment."""
    await connection.execute(seals.delete().where(_TABLE.at < before))
