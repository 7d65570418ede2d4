"""Feeds change by compare-and-set; an event is new once, however many learn of it at once."""

from __future__ import annotations

from datetime import timedelta

from bot.store import events, feeds, snoozes
from bot.store.connection import AsyncConnection
from bot.store.engine import Store
from bot.store.feeds import Feed, Kind, State
from tests.store.places import BEN, CLEO, NOW, place
from tests.store.test_decisions import contest, won

T, P = BEN.tenant, BEN.id


async def subscribe(
    store: Store, conversation: str = "19:wins@thread.tacv2", kind: Kind = Kind.WON
) -> Feed:
    async with store.begin() as connection:
        feed_id = await feeds.create(
            connection,
            place=place(conversation),
            owner=P,
            kind=kind,
            filters={"country": "DE"},
            flat=False,
            quiet={"from": "20:00", "to": "07:00"},
            locale="de-DE",
            now=NOW,
        )
        found = await feeds.find(connection, feed_id)
    assert found is not None
    return found


async def test_a_feed_comes_back_as_it_was_made(store: Store) -> None:
    feed = await subscribe(store)
    assert (feed.state, feed.owner, feed.kind, feed.flat) == (State.ON, P, Kind.WON, False)
    assert (feed.filters, feed.quiet) == ({"country": "DE"}, {"from": "20:00", "to": "07:00"})
    assert (feed.locale, feed.reason) == ("de-DE", None)


async def test_feeds_are_found_by_conversation_kind_and_owner(store: Store) -> None:
    threaded = await subscribe(store, "19:wins@thread.tacv2;messageid=1")
    expiring = await subscribe(store, "a:ben", Kind.EXPIRING)
    async with store.begin() as connection:
        assert await feeds.of_conversation(connection, T, "19:wins@thread.tacv2") == [threaded]
        assert await feeds.of_kind(connection, T, Kind.WON) == [threaded]
        assert await feeds.of_kind(connection, "tenant-2", Kind.WON) == []
        assert {one.id for one in await feeds.of_owner(connection, T, P)} == {
            threaded.id,
            expiring.id,
        }
        assert await feeds.set_state(connection, expiring, State.PAUSED, NOW)
        assert await feeds.of_kind(connection, T, Kind.EXPIRING) == []
        (paused,) = await feeds.of_kind(connection, T, Kind.EXPIRING, state=State.PAUSED)
        assert paused.id == expiring.id


async def test_of_two_changes_of_a_feed_at_once_one_is_made(store: Store, other: Store) -> None:
    feed = await subscribe(store)

    async def off(connection: AsyncConnection) -> bool:
        return await feeds.set_state(connection, feed, State.OFF, NOW, reason="403")

    assert won(await contest(store, other, off)) == 1
    async with store.begin() as connection:
        assert not await feeds.edit(connection, feed, NOW, filters=None, flat=True, quiet=None)
        off_now = await feeds.find(connection, feed.id)
        assert off_now is not None
        assert (off_now.state, off_now.reason) == (State.OFF, "403")
        assert await feeds.edit(connection, off_now, NOW, filters=None, flat=True, quiet=None)
        edited = await feeds.find(connection, feed.id)
        assert edited is not None
        assert (edited.filters, edited.flat, edited.quiet) == (None, True, None)
        assert await feeds.hand_over(connection, edited, CLEO.id, NOW)
        assert await feeds.of_owner(connection, T, P) == []
        assert await feeds.delete(connection, feed.id)
        assert not await feeds.delete(connection, feed.id)


async def test_an_event_is_new_once(store: Store, other: Store) -> None:
    async def note(connection: AsyncConnection) -> str | None:
        return await events.record(
            connection,
            tenant=T,
            referral_id="deal",
            kind="won",
            state_key="won",
            facts={"value": "10"},
            now=NOW,
        )

    results = await contest(store, other, note)
    assert won(results) == 1
    (event_id,) = [one for one in results if isinstance(one, str)]
    async with store.begin() as connection:
        found = await events.find(connection, event_id)
        assert await events.of_referral(connection, T, "deal") == [found]
        assert await events.since(connection, T, NOW) == [found]
        assert await events.since(connection, T, NOW + timedelta(seconds=1)) == []
        assert await events.is_recorded(connection, T, "deal", "won", "won")
        assert not await events.is_recorded(connection, T, "deal", "registered", "won")
    assert found is not None
    assert (found.kind, found.facts, found.at) == ("won", {"value": "10"}, NOW)


async def test_a_deal_is_quiet_for_one_person_until_a_moment(store: Store) -> None:
    until = NOW + timedelta(days=1)
    async with store.begin() as connection:
        await snoozes.put(connection, T, "deal", P, NOW)
        await snoozes.put(connection, T, "deal", P, until)
        assert await snoozes.until(connection, T, "deal", P, NOW) == until
        assert await snoozes.until(connection, T, "deal", P, until) is None
        assert await snoozes.until(connection, T, "deal", CLEO.id, NOW) is None
        await snoozes.prune(connection, until)
        assert await snoozes.drop(connection, T, "deal", P)
        assert not await snoozes.drop(connection, T, "deal", P)
