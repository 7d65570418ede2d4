"""Deals get numbers from 1001 on, one each, for ever."""

from __future__ import annotations

import asyncio

from bot.store import handles
from bot.store.engine import Store


async def number(store: Store, *deals: str, tenant: str = "tenant") -> dict[str, int]:
    async with store.begin() as connection:
        return await handles.number_of(connection, tenant, deals)


async def test_numbers_begin_at_1001_in_the_order_asked(store: Store) -> None:
    assert await number(store, "b", "a", "b") == {"b": 1001, "a": 1002}
    assert await number(store, "c", "a", "b") == {"b": 1001, "a": 1002, "c": 1003}
    assert await number(store) == {}


async def test_every_tenant_counts_for_itself(store: Store) -> None:
    await number(store, "a", "b")
    assert await number(store, "b", tenant="other") == {"b": 1001}
    async with store.read() as connection:
        assert await handles.referral_of(connection, "tenant", 1002) == "b"
        assert await handles.referral_of(connection, "other", 1002) is None


async def test_numbers_nobody_has(store: Store) -> None:
    await number(store, "a")
    async with store.read() as connection:
        for unknown in (0, -1, 1000, 1002, 2**31, 10**40):
            assert await handles.referral_of(connection, "tenant", unknown) is None


async def test_a_long_list_is_numbered_at_once(store: Store) -> None:
    deals = [f"deal-{n}" for n in range(1200)]
    given = await number(store, *deals)
    assert [given[deal] for deal in deals] == list(range(1001, 2201))


async def test_a_transaction_that_fails_gives_its_numbers_back(store: Store) -> None:
    async def fail() -> None:
        async with store.begin() as connection:
            await handles.number_of(connection, "tenant", ["lost"])
            raise ZeroDivisionError

    await asyncio.gather(fail(), return_exceptions=True)
    assert await number(store, "kept") == {"kept": 1001}


async def test_two_instances_asking_at_once_agree(store: Store, other: Store) -> None:
    deals = [f"deal-{n}" for n in range(12)]
    asked = [(one, deals[n : n + 4]) for n in range(9) for one in (store, other)]
    given = await asyncio.gather(*(number(one, *part) for one, part in asked))
    final = await number(store, *deals)
    assert sorted(final.values()) == list(range(1001, 1013))
    for part in given:
        assert part.items() <= final.items()
