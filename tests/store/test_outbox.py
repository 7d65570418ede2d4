"""What was promised is sent: in order, by one instance at a time, once where that can be known."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.store import outbox
from bot.store.engine import Store
from bot.store.outbox import Op, Owed
from tests.store.places import NOW, place
from tests.store.test_engine import race

LEASE = timedelta(minutes=1)


async def promise(store: Store, *texts: str, conversation: str = "a:one") -> None:
    async with store.begin() as connection:
        for text in texts:
            await outbox.put(connection, place(conversation), {"text": text}, NOW)


async def claim(
    store: Store, now: datetime = NOW, owner: str = "bot-1", limit: int = 20
) -> list[Owed]:
    async with store.begin() as connection:
        return await outbox.claim_ready(connection, now, owner, now + LEASE, limit)


async def sent(store: Store, owed: Owed) -> bool:
    async with store.begin() as connection:
        return await outbox.mark_sent(connection, owed, "activity-1", NOW)


async def test_a_conversation_gets_its_messages_one_by_one_in_order(store: Store) -> None:
    await promise(store, "1", "2", "3")
    for text in ("1", "2", "3"):
        (owed,) = await claim(store)
        assert (owed.message, owed.op, owed.attempts) == ({"text": text}, Op.SEND, 1)
        assert not owed.may_repeat
        assert await claim(store) == []
        assert await sent(store, owed)
    assert await claim(store) == []


async def test_conversations_do_not_wait_for_each_other(store: Store) -> None:
    await promise(store, "1", "2", conversation="a:one")
    await promise(store, "3", conversation="a:two")
    assert [one.message for one in await claim(store)] == [{"text": "1"}, {"text": "3"}]


async def test_the_limit_is_kept(store: Store) -> None:
    for number in range(5):
        await promise(store, "x", conversation=f"a:{number}")
    assert [len(await claim(store, limit=2)) for _ in range(4)] == [2, 2, 1, 0]


async def test_a_key_is_used_once_for_all_time(store: Store) -> None:
    async with store.begin() as connection:
        assert await outbox.put(connection, place(), {"n": 1}, NOW, key="won:deal")
        assert not await outbox.put(connection, place(), {"n": 2}, NOW, key="won:deal")
    (owed,) = await claim(store)
    await sent(store, owed)
    async with store.begin() as connection:
        await outbox.prune(connection, NOW + timedelta(days=400))
        assert not await outbox.put(connection, place(), {"n": 3}, NOW, key="won:deal")


async def test_an_update_names_its_message(store: Store) -> None:
    async with store.begin() as connection:
        await outbox.put(connection, place(), {"text": "x"}, NOW, target_message="m-1")
    (owed,) = await claim(store)
    assert (owed.op, owed.target_message, owed.place) == (Op.UPDATE, "m-1", place())


async def test_nothing_is_given_out_before_its_time(store: Store) -> None:
    async with store.begin() as connection:
        await outbox.put(
            connection, place(), {"text": "x"}, NOW, not_before=NOW + timedelta(seconds=2)
        )
    assert await claim(store, NOW + timedelta(seconds=1)) == []
    assert len(await claim(store, NOW + timedelta(seconds=2))) == 1


async def test_a_message_put_back_is_tried_again_later(store: Store) -> None:
    await promise(store, "1", "2")
    (owed,) = await claim(store)
    later = NOW + timedelta(seconds=30)
    async with store.begin() as connection:
        assert await outbox.put_back(connection, owed, later, "429")
    assert await claim(store) == []
    (again,) = await claim(store, later)
    assert (again.id, again.attempts, again.may_repeat) == (owed.id, 2, False)


async def test_a_failed_message_lets_the_next_one_through(store: Store) -> None:
    await promise(store, "1", "2")
    (owed,) = await claim(store)
    async with store.begin() as connection:
        assert await outbox.mark_failed(connection, owed, "403")
    assert [one.message for one in await claim(store)] == [{"text": "2"}]


async def test_g6_after_its_lease_an_instance_no_longer_decides(store: Store, other: Store) -> None:
    await promise(store, "1")
    (paused,) = await claim(store, owner="bot-1")
    assert await claim(other, NOW + LEASE - timedelta(seconds=1), "bot-2") == []
    (taken,) = await claim(other, NOW + LEASE, "bot-2")
    assert taken.may_repeat
    assert not await sent(store, paused)
    async with store.begin() as connection:
        assert not await outbox.mark_failed(connection, paused, "late")
        assert not await outbox.put_back(connection, paused, NOW, "late")
    assert await sent(other, taken)
    assert not await sent(other, taken)


async def test_the_same_instance_cannot_use_a_lease_it_lost(store: Store) -> None:
    await promise(store, "1")
    (first,) = await claim(store, owner="bot-1")
    (second,) = await claim(store, NOW + LEASE, "bot-1")
    assert not await sent(store, first)
    assert await sent(store, second)


async def test_processes_claiming_at_once_never_share_a_message(
    store: Store, database: str
) -> None:
    for number in range(24):
        await promise(store, "x", "y", conversation=f"a:{number}")
    taken = await race(database, "claim")
    everything = [message for one in taken for message in one]
    assert len(everything) == len(set(everything)) == 48
    assert {times for one in taken for times in one.values()} == {1}
    assert await claim(store) == []
