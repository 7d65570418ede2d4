"""Until when the bot was alive on this database, and between which times it does not know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.store import rows
from bot.store.connection import AsyncConnection
from bot.store.schema import lives

_ONE = "bot"
_TABLE = lives.c


@dataclass(frozen=True, slots=True)
class Life:
    """What a database says of itself."""

    alive: datetime
    """When the bot was last known to be alive on it."""
    copied: datetime | None
    """When it was copied, if it is a copy that nobody has started on yet."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Between these times the bot worked on a database that is no more."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether what happened then may have been told without this database knowing."""
        return self.start <= moment <= self.end


async def beat(connection: AsyncConnection, now: datetime) -> None:
    """Notes that the bot is alive."""
    if not await rows.insert_if_absent(connection, lives, id=_ONE, alive=now):
        await connection.execute(lives.update().where(_TABLE.alive < now).values(alive=now))


async def find(connection: AsyncConnection) -> Life | None:
    """What the database says of itself; held until the transaction ends."""
    asked = sa.select(_TABLE.alive, _TABLE.copied).with_for_update()
    row = (await connection.execute(asked)).one_or_none()
    return None if row is None else Life(row.alive, row.copied)


async def copied(connection: AsyncConnection, moment: datetime) -> None:
    """Notes that this database was put back, and knows nothing of what happened since."""
    await beat(connection, moment)
    await connection.execute(lives.update().values(copied=moment))


async def put_back(connection: AsyncConnection, since: datetime, now: datetime) -> None:
    """Notes the gap of an older copy that goes on now; it joins one that it overlaps."""
    earlier = await gap(connection)
    if earlier is not None and earlier.holds(since):
        since = earlier.start
    values = {"alive": now, "copied": None, "gap_from": since, "gap_to": now}
    await connection.execute(lives.update().values(values))


async def gap(connection: AsyncConnection) -> Gap | None:
    """The last time this database does not know about."""
    asked = sa.select(_TABLE.gap_from, _TABLE.gap_to).where(_TABLE.gap_to.is_not(None))
    row = (await connection.execute(asked)).one_or_none()
    return None if row is None else Gap(row.gap_from, row.gap_to)
