"""Single sign-on offers already taken up: several clients of one person send the same one."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.store import rows
from bot.store.connection import AsyncConnection
from bot.store.schema import token_exchanges

_TABLE = token_exchanges.c


async def claim(
    connection: AsyncConnection, tenant: str, person: str, exchange_id: str, now: datetime
) -> bool:
    """True for the one caller who is to carry out this exchange."""
    return await rows.insert_if_absent(
        connection,
        token_exchanges,
        tenant=tenant,
        person=person,
        exchange_id=exchange_id,
        succeeded=None,
        created=now,
    )


async def settle(
    connection: AsyncConnection, tenant: str, person: str, exchange_id: str, succeeded: bool
) -> None:
    """Records how the exchange went, for everybody else who sends it."""
    await connection.execute(
        token_exchanges.update().where(_is(tenant, person, exchange_id)).values(succeeded=succeeded)
    )


async def outcome(
    connection: AsyncConnection, tenant: str, person: str, exchange_id: str
) -> bool | None:
    """How it went, or None while it is not known."""
    found: bool | None = await connection.scalar(
        sa.select(_TABLE.succeeded).where(_is(tenant, person, exchange_id))
    )
    return found


async def announce(connection: AsyncConnection, tenant: str, person: str, exchange_id: str) -> bool:
    """True for the one caller who is to carry on after an exchange that succeeded."""
    return await rows.changed(
        connection,
        token_exchanges.update()
        .where(_is(tenant, person, exchange_id))
        .where(_TABLE.succeeded.is_(sa.true()), _TABLE.announced.is_(sa.false()))
        .values(announced=True),
    )


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets exchanges made before a moment; Teams repeats one within seconds."""
    await connection.execute(token_exchanges.delete().where(_TABLE.created < before))


def _is(tenant: str, person: str, exchange_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        _TABLE.tenant == tenant, _TABLE.person == person, _TABLE.exchange_id == exchange_id
    )
