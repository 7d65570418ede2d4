"""Cases H4, H5, H8 and H10: each channel hears of a win once, whatever repeats, dies or is lost."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa

from bot.conversation import Place, PlaceKind
from bot.desk import Desk
from bot.feed_rules import Kept, Wish
from bot.store import feeds, polls, schema
from bot.store.engine import Store, open_store, upgrade
from bot.store.feeds import Kind
from bot.won_deals import noticed
from cards.samples.deals import NOW, WON
from partner_center.referral import Referral
from sandbox.deals import FABRIKAM
from sandbox.people import APP_ID, PEOPLE, TENANT_ID
from tests.chaos import moment
from tests.scenario.conftest import signed_in
from tests.scenario.test_feeds import looks, notices, subscribes, wins_in_portal
from tests.seen import Heard
from tests.store.places import SEALS
from tests.world import PATIENCE_SECONDS, World

BEN = PEOPLE["ben"]
REPEAT = "You may have got this message already"
STEPS = (
    "before_event",
    "after_event",
    "in_fan_out",
    "before_fan_out",
    "after_fan_out",
    "outbox_claimed",
    "outbox_sending",
    "outbox_sent",
)


@dataclass(slots=True)
class Clock:
    """Time that moves only when told."""

    time: datetime = NOW

    def __call__(self) -> datetime:
        return self.time


def desk_of(store: Store, now: Callable[[], datetime]) -> Desk:
    """As much of a desk as telling needs."""
    build: Callable[..., Desk] = Desk
    return build(
        store, None, None, None, now, lambda: uuid.uuid4().hex, None, "28:app", seals=SEALS
    )


def channel(number: int = 0, url: str = "https://example.com/") -> Place:
    """A channel of the tests' team."""
    return Place(PlaceKind.CHANNEL, TENANT_ID, f"19:{number}@thread.tacv2", url, f"28:{APP_ID}")


async def follow(store: Store, place: Place, now: datetime, kind: Kind = Kind.WON) -> str:
    """A feed as `subscribe` stores it, by Ben."""
    kept = Kept(Wish(), now, outsiders=False, email=BEN.email)
    async with store.begin() as connection:
        return await feeds.create(
            connection,
            place=place,
            owner=BEN.oid,
            kind=kind,
            filters=kept.to_json(),
            flat=True,
            quiet=None,
            locale="en-US",
            now=now,
        )


async def owed(store: Store) -> list[str]:
    """The conversations that are owed a message, one entry a message."""
    async with store.read() as connection:
        found = await connection.scalars(sa.select(schema.outbox.c.conversation))
        return sorted(found)


@asynccontextmanager
async def instances(path: Path, count: int) -> AsyncIterator[list[Desk]]:
    """Several instances on one database file, each with connections of its own."""
    clock = Clock()
    stores = [open_store(f"sqlite+aiosqlite:///{path / 'bot.db'}") for _ in range(count)]
    try:
        await upgrade(stores[0])
        yield [desk_of(store, clock) for store in stores]
    finally:
        for store in stores:
            await store.close()


def won(at: datetime = NOW) -> Referral:
    """A deal that was won just now."""
    return replace(WON.referral, closed=at, updated=at)


async def test_H4_the_same_win_ten_times_in_two_instances_is_one_notice(tmp_path: Path) -> None:
    async with instances(tmp_path, 2) as desks:
        for number in range(3):
            await follow(desks[0].store, channel(number), NOW - timedelta(days=1))
        told = await asyncio.gather(
            *(noticed(desk, TENANT_ID, won(), source="webhook") for _ in range(5) for desk in desks)
        )
        assert sum(told) == 3
        assert await owed(desks[0].store) == [channel(number).channel for number in range(3)]


@pytest.mark.parametrize("later", [timedelta(hours=1), timedelta(days=31)])
async def test_H4_a_replay_later_is_no_second_notice(tmp_path: Path, later: timedelta) -> None:
    async with instances(tmp_path, 2) as desks:
        await follow(desks[0].store, channel(), NOW - timedelta(days=1))
        assert await noticed(desks[0], TENANT_ID, won(), source="webhook") == 1
        cast("Clock", desks[1].now).time = NOW + later
        assert await noticed(desks[1], TENANT_ID, won(), source="poll") == 0
        assert len(await owed(desks[0].store)) == 1


async def test_H5_won_before_active_is_one_won_notice(tmp_path: Path) -> None:
    async with instances(tmp_path, 1) as (desk,):
        began = NOW - timedelta(days=1)
        await follow(desk.store, channel(1), began, Kind.WON)
        await follow(desk.store, channel(2), began, Kind.ACCEPTED)
        active = replace(
            won(),
            status="Active",
            substatus="Accepted",
            direction="Incoming",
            closed=None,
            accepted=NOW - timedelta(minutes=5),
        )
        assert await noticed(desk, TENANT_ID, won(), source="webhook") == 1
        assert await noticed(desk, TENANT_ID, active, source="webhook") == 1
        assert await noticed(desk, TENANT_ID, won(), source="webhook") == 0
        assert await owed(desk.store) == [channel(1).channel, channel(2).channel]


async def test_H4_a_feed_is_not_told_what_happened_before_it(tmp_path: Path) -> None:
    async with instances(tmp_path, 1) as (desk,):
        await follow(desk.store, channel(), NOW)
        long_ago = won(NOW - timedelta(days=5))
        assert await noticed(desk, TENANT_ID, long_ago, source="poll") == 0
        assert await owed(desk.store) == []


async def test_a_row_nobody_of_ours_wrote_keeps_nobody_else_from_being_told(
    tmp_path: Path,
) -> None:
    async with instances(tmp_path, 1) as (desk,):
        broken = await follow(desk.store, channel(1), NOW - timedelta(days=1))
        await follow(desk.store, channel(2), NOW - timedelta(days=1))
        async with desk.store.begin() as connection:
            table = schema.feeds
            await connection.execute(
                table.update().where(table.c.id == broken).values(filters='"py/object"')
            )
        assert await noticed(desk, TENANT_ID, won(), source="webhook") == 1
        assert await owed(desk.store) == [channel(2).channel]


async def settled(world: World, store: Store) -> None:
    """Wait until nothing is owed any more."""
    table = schema.outbox.c
    waiting = sa.select(table.id).where(table.state.in_(("ready", "sending"))).limit(1)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            last = (await world.get("events", wait="0", person="dana"))["last"]
            async with store.read() as connection:
                if await connection.scalar(waiting) is None:
                    return
            await world.get("events", after=str(last), wait="1", person="dana")


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    """The database of a world's bot."""
    store = open_store(f"sqlite+aiosqlite:///{folder / 'dealdesk.db'}")
    try:
        yield store
    finally:
        await store.close()


async def told_in(world: World, channels: list[str]) -> dict[str, list[Heard]]:
    """What each channel was told, once all of them were told something."""
    for each in channels:
        await world.sees("dana", lambda seen: bool(notices(seen)), each)
    return {each: notices(await world.messages("dana", each)) for each in channels}


@pytest.mark.parametrize("step", STEPS)
async def test_H8_killed_at_each_step_of_a_fan_out_to_20_channels(world: World, step: str) -> None:
    channels = await world.post("teams/channels", count=20)
    bot = await world.bot()
    await signed_in(world, "ben")
    await bot.stop()
    async with opened(world.folder) as store:
        await killed_in_a_fan_out(world, store, channels, step)


async def arrived_unnoted(world: World, store: Store, channels: list[str]) -> list[str]:
    """The channels that have their notice although no row says so: what was in flight."""
    table = schema.outbox.c
    async with store.read() as connection:
        found = await connection.scalars(sa.select(table.conversation).where(table.state == "sent"))
        noted = set(found)
    return [
        each
        for each in channels
        if each not in noted and notices(await world.messages("dana", each))
    ]


async def quiet(world: World) -> None:
    """Until Teams has taken what was on its way when the bot died."""
    before = -1
    while before < (before := len(await world.connector())):
        await moment(world)


async def killed_in_a_fan_out(world: World, store: Store, channels: list[str], step: str) -> None:
    """Ben marks a deal as won, the bot dies at `step`, and another one goes on."""
    place = channel(url=f"{world.sandbox.page}teams/")
    for each in channels:
        await follow(store, replace(place, conversation_id=each), world.clock())
    process = await world.bot_process({"DEALDESK_CRASH_AT": step})
    await world.says("ben", f"won {FABRIKAM}")
    await world.hears("ben", until="Mark this deal as won?")
    await world.clicks("ben", "Mark as won")
    assert await process.ended() == -9
    await quiet(world)
    in_flight = await arrived_unnoted(world, store, channels)
    assert bool(in_flight) == (step == "outbox_sent")
    async with store.begin() as connection:
        await polls.follow(connection, TENANT_ID, BEN.oid, world.clock())
    await world.advance(700)
    await world.bot()
    await told_in(world, channels)
    await settled(world, store)
    told = await told_in(world, channels)
    repeated = [each for each in channels if len(told[each]) > 1]
    assert repeated == in_flight
    for each in repeated:
        assert len(told[each]) == 2
        assert REPEAT in told[each][-1]
    async with store.read() as connection:
        rows = await connection.execute(
            sa.select(schema.outbox.c.conversation).where(schema.outbox.c.key.contains("event:"))
        )
        assert sorted(rows.scalars()) == sorted(channels)


async def test_H10_a_win_whose_webhook_was_missed_for_a_day_is_told_once(world: World) -> None:
    await world.bot()
    await signed_in(world, "ben")
    await subscribes(world, "ben", "won")
    await wins_in_portal(world)
    await world.fault("status", path=".*referrals.*", method="GET", times=3, status=503)
    await world.advance(86_400)
    seen = await looks(world, "dana", where="wins")
    await world.advance(3_600)
    await world.advance(3_600)
    assert len(notices(seen)) == 1
    assert len(notices(await world.messages("dana", "wins"))) == 1
