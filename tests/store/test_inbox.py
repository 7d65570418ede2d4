"""Announced events and polls: taken in once, worked by one instance, settled by its holder only."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.store import inbox, polls
from bot.store.connection import AsyncConnection
from bot.store.engine import Store
from bot.store.inbox import Arrived, State
from bot.store.polls import Poll
from tests.store.places import BEN, CLEO, NOW
from tests.store.test_decisions import contest, won

T, P = BEN.tenant, BEN.id
LEASE = timedelta(minutes=1)


async def arrive(
    connection: AsyncConnection, body: str = "b", business: str = "k", now: datetime = NOW
) -> bool:
    return await inbox.add(
        connection,
        body_hash=body,
        business_key=business,
        event_name="referral-updated",
        referral_id="deal",
        changed=NOW,
        now=now,
    )


async def claim(store: Store, now: datetime = NOW, owner: str = "bot-1") -> list[Arrived]:
    async with store.begin() as connection:
        return await inbox.claim_due(connection, now, owner, now + LEASE)


async def test_h4_the_same_event_is_taken_in_once(store: Store, other: Store) -> None:
    assert won(await contest(store, other, arrive)) == 1
    async with store.begin() as connection:
        assert not await arrive(connection, body="other body", business="k")
        assert not await arrive(connection, body="b", business="other key")
        assert await arrive(connection, body="b2", business="k2")
        assert await inbox.waiting(connection) == 2


async def test_an_event_is_worked_by_one_instance(store: Store, other: Store) -> None:
    async with store.begin() as connection:
        await arrive(connection)
    taken = await contest(
        store, other, lambda c: inbox.claim_due(c, NOW, "x", NOW + LEASE), rounds=3
    )
    assert won(taken) == 1
    assert await claim(store) == []


async def test_after_its_lease_an_instance_settles_nothing(store: Store, other: Store) -> None:
    async with store.begin() as connection:
        await arrive(connection)
    (paused,) = await claim(store)
    (taken,) = await claim(other, NOW + LEASE, "bot-2")
    assert (paused.attempts, taken.attempts) == (1, 2)
    async with store.begin() as connection:
        assert not await inbox.settle(connection, paused, State.DONE)
        assert not await inbox.put_back(connection, paused, NOW, "late")
        assert await inbox.settle(connection, taken, State.DONE)
        assert await inbox.waiting(connection) == 0


async def test_an_event_put_back_comes_again_later(store: Store) -> None:
    async with store.begin() as connection:
        await arrive(connection)
    (held,) = await claim(store)
    later = NOW + timedelta(minutes=5)
    async with store.begin() as connection:
        assert await inbox.put_back(connection, held, later, "no token")
    assert await claim(store, later - timedelta(seconds=1)) == []
    assert [one.referral_id for one in await claim(store, later)] == ["deal"]


async def test_only_settled_events_are_pruned(store: Store) -> None:
    async with store.begin() as connection:
        await arrive(connection, now=NOW - timedelta(seconds=1))
        await arrive(connection, "b2", "k2")
    first, second = await claim(store)
    after = NOW + timedelta(days=1)
    async with store.begin() as connection:
        assert await inbox.settle(connection, first, State.IGNORED)
        assert await inbox.put_back(connection, second, NOW, "later")
        await inbox.prune(connection, NOW - timedelta(seconds=1))
        assert not await arrive(connection)
        await inbox.prune(connection, after)
        assert await inbox.waiting(connection) == 1
        assert await arrive(connection)


async def poll(store: Store, now: datetime, owner: str = "bot-1") -> list[Poll]:
    async with store.begin() as connection:
        return await polls.due(connection, now, owner, now + LEASE)


async def test_a_person_is_polled_by_one_instance_at_a_time(store: Store, other: Store) -> None:
    async with store.begin() as connection:
        assert await polls.follow(connection, T, P, NOW)
        assert not await polls.follow(connection, T, P, NOW)
    taken = await contest(store, other, lambda c: polls.due(c, NOW, "x", NOW + LEASE), rounds=3)
    assert won(taken) == 1
    assert await poll(store, NOW + LEASE - timedelta(seconds=1)) == []
    (held,) = await poll(other, NOW + LEASE, "bot-2")
    (paused,) = next(one for one in taken if isinstance(one, list) and one)
    next_poll = NOW + timedelta(minutes=15)
    async with store.begin() as connection:
        news = {
            "last_polled": NOW,
            "next_poll": next_poll,
            "cursor": "2026-03-02T09:00:00Z",
            "failures": 0,
        }
        assert not await polls.save(connection, paused, **news)  # type: ignore[arg-type]
        assert await polls.save(connection, held, **news)  # type: ignore[arg-type]
        found = await polls.find(connection, T, P)
    assert found is not None
    assert (found.cursor, found.last_polled, found.next_poll) == (
        "2026-03-02T09:00:00Z",
        NOW,
        next_poll,
    )


async def test_a_poll_can_be_called_for_and_ended(store: Store) -> None:
    async with store.begin() as connection:
        await polls.follow(connection, T, P, NOW + timedelta(hours=1))
        assert await polls.due(connection, NOW, "x", NOW + LEASE) == []
        assert await polls.look_now(connection, T, P, NOW)
        assert not await polls.look_now(connection, T, CLEO.id, NOW)
        assert len(await polls.due(connection, NOW, "x", NOW + LEASE)) == 1
        assert await polls.drop(connection, T, P)
        assert not await polls.drop(connection, T, P)
