"""What was promised is sent: in order, by one instance at a time, once where that can be known."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.store import outbox, schema
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


async def test_tenants_are_passed_over_and_no_conversation_that_is_named_like_them(
    store: Store,
) -> None:
    named = '{"tenant":"tenant-1"}_%'
    async with store.begin() as connection:
        for tenant, conversation in (("tenant-1", "a:1"), ("tenant_1", "a:2"), ("other", named)):
            there = replace(place(conversation), tenant=tenant)
            await outbox.put(connection, there, {"text": tenant}, NOW)
    async with store.begin() as connection:
        claimed = await outbox.claim_ready(
            connection, NOW, "bot-1", NOW + LEASE, but_for=["tenant-1", "te%", "tenant-_"]
        )
    assert [one.message for one in claimed] == [{"text": "tenant_1"}, {"text": "other"}]
    assert [one.message for one in await claim(store)] == [{"text": "tenant-1"}]


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


async def begin(store: Store, owed: Owed, now: datetime = NOW) -> bool:
    async with store.begin() as connection:
        return await outbox.begin(connection, owed, now + LEASE)


async def test_g6_after_its_lease_an_instance_no_longer_decides(store: Store, other: Store) -> None:
    await promise(store, "1")
    (paused,) = await claim(store, owner="bot-1")
    assert await begin(store, paused)
    assert await claim(other, NOW + LEASE - timedelta(seconds=1), "bot-2") == []
    (taken,) = await claim(other, NOW + LEASE, "bot-2")
    assert taken.may_repeat
    assert not await sent(store, paused)
    async with store.begin() as connection:
        assert not await outbox.begin(connection, paused, NOW + LEASE)
        assert not await outbox.mark_failed(connection, paused, "late")
        assert not await outbox.put_back(connection, paused, NOW, "late")
        assert not await outbox.put_back_in_doubt(connection, paused, NOW, "late")
        assert not await outbox.replace(connection, paused, {"text": "late"}, NOW, "late")
        assert not await outbox.defer(connection, paused, NOW)
    assert await begin(other, taken, NOW + LEASE)
    assert await sent(other, taken)
    assert not await sent(other, taken)


async def test_h8_what_was_only_claimed_has_not_left(store: Store, other: Store) -> None:
    await promise(store, "1")
    (paused,) = await claim(store, owner="bot-1")
    (taken,) = await claim(other, NOW + LEASE, "bot-2")
    assert (taken.may_repeat, taken.attempts) == (False, 2)
    assert not await begin(store, paused)
    assert await begin(other, taken, NOW + LEASE)
    assert not await begin(other, taken, NOW + LEASE)


async def test_h9_a_message_in_doubt_says_so_every_time(store: Store) -> None:
    await promise(store, "1")
    (owed,) = await claim(store)
    later = NOW + LEASE
    async with store.begin() as connection:
        assert await outbox.put_back_in_doubt(connection, owed, later, "502")
    assert await claim(store) == []
    (again,) = await claim(store, later)
    async with store.begin() as connection:
        assert await outbox.put_back(connection, again, later, "429")
    (third,) = await claim(store, later)
    assert (owed.doubts, again.doubts, third.doubts) == (0, 1, 1)


async def test_a_message_can_be_deferred_without_counting_and_replaced(store: Store) -> None:
    await promise(store, "1", "2")
    (owed,) = await claim(store)
    later = NOW + timedelta(seconds=1)
    async with store.begin() as connection:
        assert await outbox.defer(connection, owed, later)
    assert await claim(store) == []
    (again,) = await claim(store, later)
    assert (again.id, again.attempts) == (owed.id, 1)
    async with store.begin() as connection:
        assert await outbox.replace(connection, again, {"text": "short"}, later, "413")
    (short,) = await claim(store, later)
    assert (short.id, short.message) == (owed.id, {"text": "short"})


async def test_what_is_left_of_a_feed_can_be_given_up(store: Store) -> None:
    async with store.begin() as connection:
        for feed_id in ("feed-1", "feed-1", "feed-2"):
            await outbox.put(connection, place("a:one"), {"n": feed_id}, NOW, feed_id=feed_id)
    (first,) = await claim(store)
    assert first.feed_id == "feed-1"
    async with store.begin() as connection:
        assert await outbox.drop_of_feed(connection, "feed-1", "403") == 1
    assert await sent(store, first)
    assert [one.feed_id for one in await claim(store)] == ["feed-2"]


async def test_a_row_nobody_can_read_holds_nobody_up(store: Store) -> None:
    await promise(store, "1", "2")
    async with store.begin() as connection:
        first = sa.select(sa.func.min(schema.outbox.c.seq)).scalar_subquery()
        await connection.execute(
            schema.outbox.update().where(schema.outbox.c.seq == first).values(place="{}")
        )
    assert await claim(store) == []
    assert [one.message for one in await claim(store)] == [{"text": "2"}]


async def test_what_others_sent_can_be_counted(store: Store) -> None:
    thread = "19:wins@thread.tacv2;messageid=1"
    await promise(store, "1", conversation=thread)
    (owed,) = await claim(store, owner="bot-1")
    await sent(store, owed)
    async with store.read() as connection:
        before = NOW - timedelta(seconds=1)
        (noted,) = await outbox.sent_since(connection, before, "bot-2")
        assert noted == outbox.Sent(owed.id, "tenant-1", "19:wins@thread.tacv2", NOW)
        assert await outbox.sent_since(connection, before, "bot-1") == []
        assert await outbox.sent_since(connection, NOW, "bot-2") == []


async def test_pruning_forgets_contents_and_keeps_keys(store: Store) -> None:
    await promise(store, "sent")
    async with store.begin() as connection:
        await outbox.put(connection, place("a:two"), {"text": "keyed"}, NOW, key="k")
        await outbox.put(connection, place("a:three"), {"text": "failed"}, NOW)
        await outbox.put(connection, place("a:four"), {"text": "waits"}, NOW)
    plain, keyed, failed, waits = await claim(store)
    await sent(store, plain)
    await sent(store, keyed)
    async with store.begin() as connection:
        await outbox.mark_failed(connection, failed, "403")
        await outbox.put_back(connection, waits, NOW, "503")
        await outbox.prune(connection, NOW)
        await outbox.prune(connection, NOW + timedelta(seconds=1))
        left = await connection.execute(sa.select(schema.outbox.c.key, schema.outbox.c.message))
    assert sorted(map(tuple, left), key=str) == [("k", "null"), (None, '{"text":"waits"}')]


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


async def owes(
    store: Store, text: str, at: datetime, *, as_of: datetime | None = None, key: str | None = None
) -> bool:
    """Another content for one message."""
    async with store.begin() as connection:
        return await outbox.put(
            connection, place(), {"text": text}, at, target_message="m", as_of=as_of, key=key
        )


async def test_of_two_states_of_a_message_only_the_later_is_sent(store: Store) -> None:
    assert await owes(store, "old", NOW)
    assert await owes(store, "new", NOW + timedelta(seconds=1))
    (owed,) = await claim(store, NOW + LEASE)
    assert owed.message == {"text": "new"}
    await sent(store, owed)
    assert await claim(store, NOW + LEASE) == []


async def test_a_reply_from_before_a_state_that_waits_or_was_sent_is_not_put(store: Store) -> None:
    later = NOW + timedelta(seconds=1)
    assert await owes(store, "result", later)
    assert not await owes(store, "working", later, as_of=NOW)
    (owed,) = await claim(store, NOW + LEASE)
    await sent(store, owed)
    assert not await owes(store, "working", later, as_of=NOW)
    assert await owes(store, "after", later, as_of=later + timedelta(seconds=1))


async def test_a_state_that_was_promised_before_is_not_lost_when_promised_again(
    store: Store,
) -> None:
    assert await owes(store, "state", NOW, key="k")
    assert not await owes(store, "state", NOW + timedelta(seconds=1), key="k")
    assert [one.message for one in await claim(store, NOW + LEASE)] == [{"text": "state"}]


async def test_a_reply_is_overtaken_by_what_a_person_saw_later(store: Store) -> None:
    await owes(store, "reply", NOW, as_of=NOW)
    async with store.begin() as connection:
        (waiting,) = await outbox.replies_waiting(connection)
        assert waiting == outbox.Reply(place().conversation_id, "m", NOW)
        before = NOW - timedelta(seconds=1)
        assert await outbox.overtake(connection, waiting.conversation, "m", before) == 0
        assert await outbox.overtake(connection, waiting.conversation, "m", NOW) == 1
    assert await claim(store) == []


async def test_whether_anything_is_due_is_known_by_reading(store: Store) -> None:
    async with store.read() as connection:
        assert not await outbox.is_due(connection, NOW)
    await promise(store, "1")
    async with store.read() as connection:
        assert not await outbox.is_due(connection, NOW - timedelta(seconds=1))
        assert await outbox.is_due(connection, NOW)
