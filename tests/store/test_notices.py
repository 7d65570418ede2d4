"""Notices on both databases: who was told of what, once, and what is held back and folded."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from bot.conversation import Place, PlaceKind
from bot.desk import Desk
from bot.feed_rules import Kept, Quiet, Wish
from bot.store import feeds, notices, schema
from bot.store.engine import Store
from bot.store.feeds import Kind
from bot.won_deals import noticed, tell_held
from cards.samples.deals import NOW, WON
from tests.store.places import SEALS

TENANT = "11111111-1111-4111-8111-111111111111"
QUIET = Quiet(0, 23 * 60)


def desk_of(store: Store, hours: float = 0) -> Desk:
    build: Callable[..., Desk] = Desk
    return build(
        store,
        None,
        None,
        None,
        lambda: NOW + timedelta(hours=hours),
        None,
        None,
        "28:app",
        seals=SEALS,
    )


async def follow(store: Store, number: int, quiet: Quiet | None = None) -> str:
    place = Place(
        PlaceKind.CHANNEL, TENANT, f"19:{number}@thread.tacv2", "https://example.com", "28:app"
    )
    began = NOW - timedelta(days=1)
    wish = Wish(quiet=quiet)
    async with store.begin() as connection:
        return await feeds.create(
            connection,
            place=place,
            owner="o",
            kind=Kind.WON,
            filters=Kept(wish, began, outsiders=False).to_json(),
            flat=True,
            quiet=quiet.to_json() if quiet else None,
            locale="en-US",
            now=began,
        )


async def promised(store: Store) -> list[str]:
    async with store.read() as connection:
        return sorted(await connection.scalars(sa.select(schema.outbox.c.key)))


async def test_H4_two_instances_get_the_same_win_together(store: Store, other: Store) -> None:
    for number in range(20):
        await follow(store, number)
    deal = replace(WON.referral, closed=NOW)
    both = [desk_of(store), desk_of(other)]
    told = await asyncio.gather(
        *(noticed(desk, TENANT, deal, source="webhook") for desk in both * 5)
    )
    assert sum(told) == 20
    assert len(await promised(store)) == 20


async def test_what_is_held_is_folded_once_by_one_instance(store: Store, other: Store) -> None:
    feed = await follow(store, 1, QUIET)
    for _ in range(3):
        deal = replace(WON.referral, id=str(uuid.uuid4()), closed=NOW)
        assert await noticed(desk_of(store), TENANT, deal, source="webhook") == 1
    assert await promised(store) == []
    assert await tell_held(desk_of(store, hours=1)) == 0
    told = await asyncio.gather(
        *(tell_held(desk_of(each, hours=24)) for each in (store, other, store, other))
    )
    assert sum(told) == 1
    (key,) = await promised(store)
    assert key.startswith("folded:")
    assert key.endswith(feed)


async def test_a_single_held_notice_is_told_as_itself(store: Store) -> None:
    await follow(store, 1, QUIET)
    deal = replace(WON.referral, closed=NOW)
    await noticed(desk_of(store), TENANT, deal, source="webhook")
    assert await tell_held(desk_of(store, hours=24)) == 1
    (key,) = await promised(store)
    assert key.startswith("event:")


async def test_what_a_feed_that_ended_held_is_forgotten(store: Store) -> None:
    feed = await follow(store, 1, QUIET)
    await noticed(desk_of(store), TENANT, replace(WON.referral, closed=NOW), source="webhook")
    async with store.begin() as connection:
        await feeds.delete(connection, feed)
        await notices.forget(connection, feed)
    assert await tell_held(desk_of(store, hours=24)) == 0
    assert await promised(store) == []


async def test_old_notices_are_pruned_and_held_ones_are_not(store: Store) -> None:
    told, held = await follow(store, 1), await follow(store, 2, QUIET)
    await noticed(desk_of(store), TENANT, replace(WON.referral, closed=NOW), source="webhook")
    async with store.begin() as connection:
        await notices.prune(connection, NOW + timedelta(days=1))
        left = await notices.loads(connection, NOW - timedelta(days=9))
    assert told not in left
    assert left[held].recent == 1
    assert left[held].held_until == NOW.replace(hour=23, minute=0)
