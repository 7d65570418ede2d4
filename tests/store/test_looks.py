"""What a person last saw: kept for each person and deal, the newest in place of the one before."""

from __future__ import annotations

from datetime import timedelta

from bot.store import looks
from bot.store.engine import Store
from bot.store.looks import Look
from tests.store.places import BEN, CLEO, NOW

T = BEN.tenant
FIRST = Look(NOW, {"value": "30000", "name": "Ümläut “x”"})
SECOND = Look(NOW + timedelta(hours=1), {"value": "45000"})


async def test_a_look_takes_the_place_of_the_one_before(store: Store) -> None:
    async with store.begin() as connection:
        assert await looks.find(connection, T, BEN.id, "deal") is None
        await looks.put(connection, T, BEN.id, "deal", FIRST)
        assert await looks.find(connection, T, BEN.id, "deal") == FIRST
        await looks.put(connection, T, BEN.id, "deal", SECOND)
        assert await looks.find(connection, T, BEN.id, "deal") == SECOND


async def test_everybody_has_looks_of_their_own(store: Store) -> None:
    async with store.begin() as connection:
        await looks.put(connection, T, BEN.id, "deal", FIRST)
        for who in ((T, CLEO.id, "deal"), (T, BEN.id, "other"), ("elsewhere", BEN.id, "deal")):
            assert await looks.find(connection, *who) is None


async def test_old_looks_are_forgotten(store: Store) -> None:
    async with store.begin() as connection:
        await looks.put(connection, T, BEN.id, "deal", FIRST)
        await looks.put(connection, T, BEN.id, "other", SECOND)
        await looks.prune(connection, SECOND.at)
        assert await looks.find(connection, T, BEN.id, "deal") is None
        assert await looks.find(connection, T, BEN.id, "other") == SECOND
