"""The short numbers people call deals by: `#1042` is the same deal for everybody in a tenant."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from bot.store import rows
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.schema import handle_counters, handles

FIRST_NUMBER = 1001
_AT_ONCE = 500
_OF_NUMBER = sa.select(handles.c.referral_id).where(
    handles.c.tenant == sa.bindparam("tenant"), handles.c.number == sa.bindparam("number")
)


async def number_of(
    connection: AsyncConnection, tenant: str, referral_ids: Sequence[str]
) -> dict[str, int]:
    """The number of each referral, given out in the order asked when it is seen the first time.

    A number is never given twice and never changes. Two processes asking at once agree: whoever
    gives out numbers holds the tenant's counter until its transaction ends.
    """
    wanted = list(dict.fromkeys(referral_ids))
    held = await known(connection, tenant, wanted)
    if len(held) == len(wanted):
        return held
    following = await _hold_counter(connection, tenant)
    held = await known(connection, tenant, wanted)
    missing = [referral_id for referral_id in wanted if referral_id not in held]
    given = {referral_id: following + place for place, referral_id in enumerate(missing)}
    if given:
        await connection.execute(
            handles.insert(),
            [{"tenant": tenant, "number": n, "referral_id": r} for r, n in given.items()],
        )
        await connection.execute(
            handle_counters.update()
            .where(handle_counters.c.tenant == tenant)
            .values(next_number=following + len(given))
        )
    return held | given


async def referral_of(connection: Runs, tenant: str, number: int) -> str | None:
    """The referral behind a number, or None when that number was never given out."""
    if not 0 < number < 2**31:
        return None
    found = await connection.execute(_OF_NUMBER, {"tenant": tenant, "number": number})
    row = found.one_or_none()
    return None if row is None else row.referral_id


async def skip(connection: AsyncConnection, count: int) -> None:
    """Leave the next numbers out, in every tenant: they may have been given before."""
    await connection.execute(
        handle_counters.update().values(next_number=handle_counters.c.next_number + count)
    )


async def known(
    connection: AsyncConnection, tenant: str, referral_ids: Sequence[str]
) -> dict[str, int]:
    """The numbers of those that have one."""
    found: dict[str, int] = {}
    for start in range(0, len(referral_ids), _AT_ONCE):
        part = referral_ids[start : start + _AT_ONCE]
        result = await connection.execute(
            sa.select(handles.c.referral_id, handles.c.number).where(
                handles.c.tenant == tenant, handles.c.referral_id.in_(part)
            )
        )
        found.update({row.referral_id: row.number for row in result})
    return found


async def _hold_counter(connection: AsyncConnection, tenant: str) -> int:
    await rows.insert_if_absent(
        connection, handle_counters, tenant=tenant, next_number=FIRST_NUMBER
    )
    counter = handle_counters.c
    following: int | None = await connection.scalar(
        sa.select(counter.next_number).where(counter.tenant == tenant).with_for_update()
    )
    return FIRST_NUMBER if following is None else following
