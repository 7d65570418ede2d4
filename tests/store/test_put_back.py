"""Case I11, on both databases: what an older copy owes when it is put back."""

from __future__ import annotations

from datetime import timedelta

from bot import put_back
from bot.conversation import Message
from bot.store import lives, outbox
from bot.store.engine import Store
from bot.stored_messages import written
from tests.store.places import NOW, place

SOON = NOW + timedelta(minutes=1)


async def test_I11_a_message_caught_on_its_way_goes_once_more_and_says_so(
    store: Store, other: Store
) -> None:
    assert not await put_back.reconcile(store, NOW)
    async with store.begin() as connection:
        await outbox.put(connection, place(), written(Message(text="Hello")), NOW)
        (owed,) = await outbox.claim_ready(connection, NOW, "me", SOON)
        assert await outbox.begin(connection, owed, SOON)
        await lives.copied(connection, NOW)
    assert await put_back.reconcile(store, NOW + timedelta(hours=5))
    assert not await put_back.reconcile(other, NOW + timedelta(hours=5))
    async with other.begin() as connection:
        (again,) = await outbox.claim_ready(connection, NOW, "you", SOON)
        assert not await outbox.claim_ready(connection, NOW, "you", SOON)
    assert again.may_repeat
    assert again.doubts == 1


async def test_I11_gaps_that_overlap_become_one(store: Store) -> None:
    await put_back.reconcile(store, NOW)
    for start, end in ((0, 5), (3, 8), (20, 21)):
        async with store.begin() as connection:
            await lives.copied(connection, NOW + timedelta(hours=start))
        assert await put_back.reconcile(store, NOW + timedelta(hours=end))
        async with store.begin() as connection:
            gap = await lives.gap(connection)
        assert gap is not None
        assert gap.end == NOW + timedelta(hours=end)
        assert gap.start == NOW + timedelta(hours=0 if start < 20 else start)
