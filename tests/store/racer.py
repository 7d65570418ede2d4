"""One of several processes that race for the same database: `python -m tests.store.racer ...`."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta

from bot.store import handles, outbox
from bot.store.engine import Store, open_store, upgrade


async def _number(store: Store) -> dict[str, int]:
    """Numbers 60 deals in six transactions, in an order of its own."""
    given: dict[str, int] = {}
    deals = [f"deal-{n}" for n in range(60)]
    mine = sorted(deals, key=lambda deal: hash((sys.argv[3], deal)))
    for start in range(0, 60, 10):
        async with store.begin() as connection:
            given |= await handles.number_of(connection, "tenant", mine[start : start + 10])
    return given


async def _claim(store: Store) -> dict[str, int]:
    """Claims messages until none is left."""
    taken: dict[str, int] = {}
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    while True:
        async with store.begin() as connection:
            owed = await outbox.claim_ready(
                connection, now, sys.argv[3], now + timedelta(minutes=1), 3
            )
            for one in owed:
                taken[one.id] = taken.get(one.id, 0) + 1
                await outbox.mark_sent(connection, one, "activity", now)
        if not owed:
            return taken


async def main() -> None:
    """Upgrades, does what it is told, and prints the result as JSON."""
    work = {"number": _number, "claim": _claim}[sys.argv[2]]
    store = open_store(sys.argv[1])
    await upgrade(store)
    result = await work(store)
    await store.close()
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main())
