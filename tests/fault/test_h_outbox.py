"""Case H9 and what belongs to it: every way a message that is owed can fail at Teams.

The worker and its connector are the real ones, against the sandbox's connector; only the worker's
clock is the test's.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.answering import Answering, Latest
from bot.conversation import Message, Person, Place, PlaceKind, SendFailed
from bot.outbox import LEASE, MOST_AGE, MOST_AT_ONCE, SETTLE, OutboxWorker
from bot.settings import load
from bot.store import feeds, outbox, people, schema
from bot.store.engine import Store, open_store, upgrade
from bot.store.feeds import Feed, Kind, State
from bot.store.outbox import Owed
from bot.stored_messages import written
from bot.teams.app_token import AppToken, Entra
from bot.teams.connector import Connector
from bot.teams.hosts import Hosts
from bot.teams.outside import Outside
from bot.windows import Limit, Windows
from cards.elements import card, paragraph, words
from sandbox.chats import DEAL_ROOM, WINS
from sandbox.people import APP_ID, PEOPLE, TENANT_ID
from tests.seen import Heard
from tests.world import World

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REPEAT = "You may have got this message already."
BEN = PEOPLE["ben"]


class Clock:
    """Time that moves only when told."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


async def no_time(_seconds: float) -> None:
    """Waits without any time going by: what waits for a moment goes back to the outbox."""


@dataclass(slots=True)
class Post:
    """The outbox of one database, and instances that work it."""

    world: World
    store: Store
    clock: Clock
    connector: Connector
    worker: OutboxWorker

    def instance(self, name: str, store: Store) -> OutboxWorker:
        """Another instance of the bot."""
        return OutboxWorker(
            store, self.connector, self.clock, name, jitter=lambda: 0.0, sleep=no_time
        )

    def place(self, conversation: str = WINS) -> Place:
        """A conversation of the sandbox."""
        kind = {"a": PlaceKind.PERSONAL, DEAL_ROOM: PlaceKind.GROUP}.get(
            conversation.partition(":")[0] if conversation.startswith("a:") else conversation,
            PlaceKind.CHANNEL,
        )
        url = f"{self.world.sandbox.page}teams/"
        return Place(kind, TENANT_ID, conversation, url, f"28:{APP_ID}")

    async def owe(
        self,
        message: Message | str,
        conversation: str = WINS,
        *,
        feed: Feed | None = None,
        target: str | None = None,
    ) -> None:
        """Promise a message."""
        content = Message(text=message) if isinstance(message, str) else message
        async with self.store.begin() as connection:
            await outbox.put(
                connection,
                self.place(conversation),
                written(content),
                self.clock(),
                feed_id=feed.id if feed else None,
                target_message=target,
            )

    async def feed(self, conversation: str = WINS, owner: str = "ben") -> Feed:
        """A feed of won deals, made by somebody who has a personal chat with the bot."""
        person = PEOPLE[owner]
        place = self.place(conversation)
        async with self.store.begin() as connection:
            await people.remember(
                connection,
                Person(TENANT_ID, person.oid, person.name, person.teams_id),
                place.service_url,
                self.clock(),
                personal_conversation=f"a:personal-{owner}",
            )
            feed_id = await feeds.create(
                connection,
                place=place,
                owner=person.oid,
                kind=Kind.WON,
                filters=None,
                flat=True,
                quiet=None,
                locale="en-US",
                now=self.clock(),
            )
        return await self.reread(feed_id)

    async def reread(self, feed_id: str) -> Feed:
        """A feed as it stands."""
        async with self.store.read() as connection:
            found = await feeds.find(connection, feed_id)
        assert found is not None
        return found

    async def states(self) -> list[str]:
        """Where the rows stand, oldest first."""
        async with self.store.read() as connection:
            found = await connection.scalars(
                sa.select(schema.outbox.c.state).order_by(schema.outbox.c.seq)
            )
            return list(found)

    async def told(self, conversation: str = WINS, person: str = "ben") -> list[Heard]:
        """What the bot said there."""
        return await self.world.messages(person, conversation)

    async def statuses(self) -> list[int | None]:
        """How the connector answered every call, None where no answer left."""
        return [call["status"] for call in await self.world.connector()]

    async def work(self, seconds: float = 0) -> None:
        """Let time pass, then send until nothing is due."""
        self.clock.advance(seconds)
        while await self.worker.send_due():
            continue


@pytest.fixture
async def post(world: World) -> AsyncIterator[Post]:
    settings = load(
        None,
        **{
            name.removeprefix("DEALDESK_").lower(): value
            for name, value in world.environment(1).items()
        },
    )
    async with AsyncExitStack() as stack:
        store = open_store(settings.database_url)
        stack.push_async_callback(store.close)
        await upgrade(store)
        outside = Outside(settings.ca_file)
        await outside.open()
        stack.push_async_callback(outside.close)
        clock = Clock()
        token = AppToken(Entra(settings), time.monotonic)
        stack.push_async_callback(token.close)
        connector = Connector(
            bot_id=f"28:{APP_ID}",
            hosts=Hosts(settings.connector_hosts),
            outside=outside,
            token=token,
            now=clock,
        )
        worker = OutboxWorker(store, connector, clock, "bot-1", jitter=lambda: 0.0, sleep=no_time)
        yield Post(world, store, clock, connector, worker)


def notice(text: str, lines: int = 1) -> Message:
    """A card."""
    drawn = card([paragraph(words(text))] * lines, summary=words("A deal was won"))
    return Message(card=drawn, summary="A deal was won")


async def refuse(post: Post, status: int, code: str = "", **more: object) -> None:
    """Make Teams answer the next send in this way."""
    body = {"error": {"code": code, "message": "no"}} if code else None
    await post.world.fault("status", api="connector", status=status, body=body, **more)


async def test_what_is_owed_is_sent_once(post: Post) -> None:
    await post.owe("one")
    await post.owe(notice("two"))
    await post.work()
    first, second = await post.told()
    assert (first.text, "two" in second) == ("one", True)
    assert await post.states() == ["sent", "sent"]
    await post.work(3600)
    assert len(await post.told()) == 2


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "BotNotInConversationRoster"),
        (403, "BotDisabledByAdmin"),
        (403, "MessageWritesBlocked"),
        (404, "ConversationNotFound"),
    ],
)
async def test_h9_403_and_404_switch_the_feed_off_and_tell_its_owner_once(
    post: Post, status: int, code: str
) -> None:
    feed = await post.feed()
    await refuse(post, status, code)
    await post.owe(notice("won"), feed=feed)
    await post.owe(notice("won too"), feed=feed)
    await post.work()
    off = await post.reread(feed.id)
    assert off.state is State.OFF
    assert off.reason
    assert await post.told() == []
    (note,) = await post.told("a:personal-ben")
    assert "switched off" in note
    assert "a channel" in note
    assert "won deals" in note
    await post.work(3600)
    assert await post.statuses() == [status, 201]
    assert await post.states() == ["failed", "failed", "sent"]


async def test_h9_all_feeds_of_a_blocked_conversation_go_off_with_one_note_an_owner(
    post: Post,
) -> None:
    mine, also_mine = await post.feed(), await post.feed()
    hers = await post.feed(owner="cleo")
    elsewhere = await post.feed(DEAL_ROOM)
    await refuse(post, 403, "BotNotInConversationRoster")
    await post.owe(notice("won"), feed=mine)
    await post.owe(notice("won"), feed=also_mine)
    await post.owe(notice("won"), DEAL_ROOM, feed=elsewhere)
    await post.work()
    states = [(await post.reread(feed.id)).state for feed in (mine, also_mine, hers, elsewhere)]
    assert states == [State.OFF, State.OFF, State.OFF, State.ON]
    assert len(await post.told("a:personal-ben")) == 1
    assert len(await post.told("a:personal-cleo", "cleo")) == 1
    assert len(await post.told(DEAL_ROOM)) == 1


async def test_h9_a_thread_that_is_gone_closes_its_own_feed_only(post: Post) -> None:
    feed, other = await post.feed(f"{WINS};messageid=1"), await post.feed()
    await refuse(post, 404, "ConversationNotFound")
    await post.owe(notice("won"), f"{WINS};messageid=1", feed=feed)
    await post.work()
    assert (await post.reread(feed.id)).state is State.OFF
    assert (await post.reread(other.id)).state is State.ON


async def test_h9_a_personal_feed_that_is_blocked_goes_off_in_silence(post: Post) -> None:
    feed = await post.feed("a:personal-ben")
    await refuse(post, 403, "MessageWritesBlocked")
    await post.owe(notice("won"), "a:personal-ben", feed=feed)
    await post.work()
    assert (await post.reread(feed.id)).state is State.OFF
    assert await post.states() == ["failed"]


async def test_h9_an_owner_without_a_personal_chat_is_given_one(post: Post) -> None:
    feed = await post.feed()
    async with post.store.begin() as connection:
        await connection.execute(schema.people.update().values(personal_conversation=None))
    await refuse(post, 403, "BotNotInConversationRoster")
    await post.owe(notice("won"), feed=feed)
    await post.work()
    (note,) = await post.told("a:personal-ben")
    assert "switched off" in note


async def test_h9_a_403_of_something_else_touches_no_feed(post: Post) -> None:
    feed = await post.feed()
    await refuse(post, 403, "BotNotInConversationRoster")
    await post.owe("an answer")
    await post.owe(notice("won"), feed=feed)
    await post.work()
    assert (await post.reread(feed.id)).state is State.ON
    assert await post.states() == ["failed", "sent"]


async def test_h9_413_is_sent_shortened_as_text(post: Post) -> None:
    await post.owe(notice("won " * 100, lines=40))
    await refuse(post, 413, "MessageSizeTooBig")
    await post.work()
    (message,) = await post.told()
    assert message.card is None
    assert message.text.startswith("A deal was won")
    assert "shortened" in message.text
    assert await post.states() == ["sent"]


async def test_h9_a_text_that_is_really_too_big_for_teams_is_cut(post: Post) -> None:
    await post.owe("Ünïcode " * 20_000)
    await post.work()
    (message,) = await post.told()
    assert len(message.text) < 1200
    assert await post.statuses() == [413, 201]


async def test_h9_413_twice_is_given_up_and_the_next_goes(post: Post) -> None:
    await refuse(post, 413, "MessageSizeTooBig", times=2)
    await post.owe(notice("won"))
    await post.owe("next")
    await post.work()
    assert [message.text for message in await post.told()] == ["next"]
    assert await post.states() == ["failed", "sent"]


@pytest.mark.parametrize("seconds", [30, 400])
async def test_h9_429_waits_as_long_as_teams_says_and_keeps_the_order(
    post: Post, seconds: int
) -> None:
    await refuse(post, 429, "Throttled", headers={"Retry-After": str(seconds)})
    await post.owe("one")
    await post.owe("two")
    await post.work()
    await post.owe("in a thread", f"{WINS};messageid=1")
    await post.work(seconds - 1)
    assert await post.told() == []
    await post.work(1)
    said = [message.text for message in await post.told()]
    assert [text for text in said if text != "in a thread"] == ["one", "two"]
    assert len(said) == 3
    assert (await post.statuses()).count(429) == 1


@pytest.mark.parametrize(("status", "code"), [(412, "PreconditionFailed"), (429, "Throttled")])
async def test_h9_412_and_429_without_a_time_back_off_longer_each_time(
    post: Post, status: int, code: str
) -> None:
    await refuse(post, status, code, times=4)
    await post.owe("one")
    gaps = []
    while await post.states() != ["sent"]:
        before = len(await post.statuses())
        waited = 0
        while len(await post.statuses()) == before:
            await post.work(1)
            waited += 1
        gaps.append(waited)
    assert gaps[1:] == sorted(gaps[1:])
    assert gaps[-1] >= 8
    assert [message.text for message in await post.told()] == ["one"]
    assert REPEAT not in (await post.told())[0]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
async def test_h9_an_answer_that_leaves_doubt_is_repeated_once_after_a_minute_and_marked(
    post: Post, status: int
) -> None:
    await refuse(post, status)
    await post.owe("one")
    await post.work()
    await post.work(SETTLE.total_seconds() - 1)
    assert await post.told() == []
    await post.work(1)
    (message,) = await post.told()
    assert message.text == f"one ({REPEAT})"
    assert await post.states() == ["sent"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "apply_then_drop"},
        {"kind": "truncate", "size": 3},
        {"kind": "reset", "size": 2},
    ],
    ids=["time-out after accept", "truncated", "reset"],
)
async def test_h9_what_arrived_without_our_knowing_is_repeated_once_and_marked(
    post: Post, fault: dict[str, object]
) -> None:
    await post.world.fault(api="connector", **fault)  # type: ignore[arg-type]
    await post.owe(notice("won"))
    await post.owe("next")
    await post.work()
    assert len(await post.told()) == 1
    await post.work(60)
    first, second, after = await post.told()
    assert REPEAT not in first
    assert second.words.startswith(REPEAT)
    assert "won" in second
    assert after.text == "next"
    await post.work(3600)
    assert len(await post.told()) == 3


async def test_h9_2xx_without_an_id_is_never_sent(post: Post) -> None:
    await post.world.fault("status", api="connector", status=201, body={})
    await post.owe("one")
    await post.work()
    assert await post.states() == ["ready"]
    await post.work(60)
    assert [message.text for message in await post.told()] == [f"one ({REPEAT})"]


async def test_h9_in_doubt_twice_it_is_not_sent_a_third_time_and_the_owner_is_told(
    post: Post,
) -> None:
    feed = await post.feed()
    await post.world.fault("apply_then_drop", api="connector", times=2)
    await post.owe(notice("won"), feed=feed)
    await post.work()
    await post.work(60)
    await post.work(3600)
    assert len(await post.told()) == 2
    (note,) = await post.told("a:personal-ben")
    assert "may be missing" in note
    assert (await post.reread(feed.id)).state is State.ON
    assert await post.states() == ["failed", "sent"]


async def test_h9_a_notice_that_teams_does_not_take_is_told_to_the_owner(post: Post) -> None:
    feed = await post.feed()
    await refuse(post, 400, "BadSyntax", times=2)
    await post.owe(notice("won"), feed=feed)
    await post.work()
    (note,) = await post.told("a:personal-ben")
    assert "could not be sent" in note
    assert (await post.reread(feed.id)).state is State.ON


async def test_h9_an_update_in_doubt_is_simply_made_again(post: Post) -> None:
    await post.owe("one")
    await post.work()
    (shown,) = await post.told()
    await refuse(post, 502, times=3)
    await post.owe(notice("changed"), target=shown.id)
    await post.work()
    for _ in range(20):
        await post.work(5)
    (message,) = await post.told()
    assert "changed" in message
    assert REPEAT not in message
    assert await post.states() == ["sent", "sent"]


async def test_h9_an_update_of_a_message_that_is_gone_switches_nothing_off(post: Post) -> None:
    feed = await post.feed()
    await post.owe(notice("changed"), feed=feed, target="no-such-message")
    await post.work()
    assert await post.states() == ["failed"]
    assert (await post.reread(feed.id)).state is State.ON


async def test_h9_a_refusal_that_stays_does_not_hold_up_the_conversation(post: Post) -> None:
    await refuse(post, 400, "BadSyntax")
    await post.owe("one")
    await post.owe("two")
    await post.work()
    assert [message.text for message in await post.told()] == ["two"]
    assert await post.states() == ["failed", "sent"]


async def test_h9_what_did_not_leave_is_tried_for_a_day_unmarked(post: Post) -> None:
    await post.world.fault("status", api="entra", times=1000, status=503)
    await post.owe("one")
    await post.work()
    for _ in range(10):
        await post.work(300)
    assert await post.states() == ["ready"]
    await post.work(MOST_AGE.total_seconds())
    assert await post.states() == ["failed"]
    assert await post.statuses() == []


async def test_windows_are_kept_and_the_order_too(post: Post) -> None:
    for number in range(20):
        await post.owe(str(number))
    sent_at: list[datetime] = []
    for _ in range(100):
        before = len(sent_at)
        await post.work(0.25)
        count = (await post.states()).count("sent")
        sent_at += [post.clock()] * (count - before)
    assert [message.text for message in await post.told()] == [str(n) for n in range(20)]
    for most, seconds in ((7, 1), (8, 2), (60, 30)):
        window = timedelta(seconds=seconds)
        assert max(sum(a <= b < a + window for b in sent_at) for a in sent_at) <= most


async def test_a_tenant_is_sent_fifty_a_second_and_the_rest_waits_untouched(post: Post) -> None:
    for number in range(120):
        await post.owe("won", f"{WINS};messageid={number}")
    post.worker._windows = Windows(post.clock, conversation=(Limit(1000, 1),))
    sent = []
    for _ in range(3):
        await post.work()
        sent.append((await post.states()).count("sent"))
        async with post.store.read() as connection:
            waited = await connection.scalar(
                sa.select(sa.func.count()).where(schema.outbox.c.not_before > post.clock())
            )
        assert waited is not None
        assert waited <= MOST_AT_ONCE
        post.clock.advance(1)
    assert sent == [50, 100, 120]


async def test_what_arrived_is_noted_once_the_store_can_again(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = post.store.engine.url.database
    blocker = sqlite3.connect(str(path), isolation_level=None, check_same_thread=False)
    slept: list[float] = []
    monkeypatch.setattr("bot.store.engine.BUSY_SECONDS", 0.05)
    deliver = post.worker._deliver

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            blocker.execute("ROLLBACK")

    async def delivered(owed: Owed) -> str:
        found = await deliver(owed)
        blocker.execute("BEGIN IMMEDIATE")
        return found

    post.worker._sleep = sleep
    monkeypatch.setattr(post.worker, "_deliver", delivered)
    await post.owe("one")
    await post.worker.send_due()
    blocker.close()
    assert len(slept) == 1
    assert await post.states() == ["sent"]
    assert [message.text for message in await post.told()] == ["one"]


async def test_windows_are_shared_with_what_other_instances_sent(post: Post) -> None:
    other = post.instance("bot-2", post.store)
    for number in range(7):
        await post.owe(str(number))
    await post.work()
    assert len(await post.told()) == 7
    await post.owe("eighth")
    while await other.send_due():
        continue
    assert len(await post.told()) == 7
    post.clock.advance(1)
    while await other.send_due():
        continue
    assert len(await post.told()) == 8


async def test_two_instances_never_send_the_same_row(post: Post) -> None:
    second = open_store(str(post.store.engine.url))
    other = post.instance("bot-2", second)
    for number in range(12):
        await post.owe(f"{number % 6}", (WINS, DEAL_ROOM)[number % 2])
    for _ in range(30):
        await asyncio.gather(post.worker.send_due(), other.send_due())
        post.clock.advance(0.5)
    said = [*await post.told(), *await post.told(DEAL_ROOM)]
    assert len(said) == 12
    assert not any(REPEAT in message for message in said)
    await second.close()


async def test_h8_an_instance_that_died_while_sending_leaves_one_marked_message(
    post: Post,
) -> None:
    await post.owe(notice("won"))
    async with post.store.begin() as connection:
        (held,) = await outbox.claim_ready(connection, post.clock(), "died", post.clock() + LEASE)
        assert await outbox.begin(connection, held, post.clock() + LEASE)
    await post.work(LEASE.total_seconds() - 1)
    assert await post.told() == []
    await post.work(1)
    (message,) = await post.told()
    assert message.words.startswith(REPEAT)


async def test_g6_an_instance_that_slept_beyond_its_lease_sends_nothing(post: Post) -> None:
    await post.owe("one")
    async with post.store.begin() as connection:
        (held,) = await outbox.claim_ready(connection, post.clock(), "bot-1", post.clock() + LEASE)
    other = post.instance("bot-2", post.store)
    post.clock.advance(LEASE.total_seconds())
    assert await other.send_due() == 1
    await post.worker._settle(held)
    assert [message.text for message in await post.told()] == ["one"]


async def test_the_worker_is_woken_and_finishes_what_it_began(post: Post) -> None:
    arrived = asyncio.Event()
    deliver = post.worker._deliver

    async def slowly(owed: Owed) -> str:
        found = await deliver(owed)
        arrived.set()
        await asyncio.sleep(0)
        return found

    post.worker._deliver = slowly  # type: ignore[method-assign]
    running = asyncio.create_task(post.worker.run())
    await post.owe("one")
    post.worker.wake()
    async with asyncio.timeout(60):
        await arrived.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await post.states() == ["sent"]


async def test_i7_what_has_not_left_when_the_process_ends_is_owed_as_before(post: Post) -> None:
    waits = asyncio.Event()

    async def never(tenant: str, channel: str) -> datetime | None:
        waits.set()
        await asyncio.Event().wait()
        return None

    post.worker._leave = never  # type: ignore[method-assign]
    running = asyncio.create_task(post.worker.run())
    await post.owe("one")
    post.worker.wake()
    async with asyncio.timeout(60):
        await waits.wait()
    assert await post.states() == ["sending"]
    for task in post.worker._sending:
        task.cancel()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await post.states() == ["ready"]


async def test_what_the_worker_stumbles_over_does_not_end_it(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim_ready, stumbled = outbox.claim_ready, asyncio.Event()

    async def stumble(*given: object, **more: object) -> list[Owed]:
        if not stumbled.is_set():
            stumbled.set()
            raise ZeroDivisionError
        return await claim_ready(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(outbox, "claim_ready", stumble)
    await post.owe("one")
    running = asyncio.create_task(post.worker.run())
    async with asyncio.timeout(60):
        await stumbled.wait()
        post.worker.wake()
        await post.world.sees("ben", lambda seen: [each.text for each in seen] == ["one"], "wins")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_an_idle_worker_takes_no_lock(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(_store: Store) -> None:
        raise AssertionError("an idle worker began to write")

    await post.owe("one")
    await post.work()
    monkeypatch.setattr(Store, "begin", begin)
    for _ in range(5):
        post.clock.advance(60)
        assert await post.worker.send_due() == 0


async def test_h9_a_card_that_teams_refuses_arrives_as_text_at_once(post: Post) -> None:
    await refuse(post, 400, "BadSyntax")
    await post.owe(notice("won"))
    await post.work()
    (message,) = await post.told()
    assert message.card is None
    assert message.text.startswith("A deal was won")
    assert await post.statuses() == [400, 201]
    assert await post.states() == ["sent"]


async def test_answers_count_and_leave_the_outbox_what_is_left(post: Post) -> None:
    windows = Windows(post.clock)
    answering = Answering(post.connector, windows, post.clock)
    worker = OutboxWorker(
        post.store, post.connector, post.clock, "bot-3", sleep=no_time, windows=windows
    )
    for number in range(4):
        await answering.send(post.place(), Message(text=f"answer {number}"))
    for number in range(4):
        await post.owe(f"owed {number}")
    while await worker.send_due():
        continue
    assert len(await post.told()) == 6
    post.clock.advance(2)
    while await worker.send_due():
        continue
    assert len(await post.told()) == 8


async def test_h9_an_answer_that_gets_429_holds_the_outbox_there_too(post: Post) -> None:
    windows = Windows(post.clock)
    answering = Answering(post.connector, windows, post.clock)
    worker = OutboxWorker(
        post.store, post.connector, post.clock, "bot-3", sleep=no_time, windows=windows
    )
    await refuse(post, 429, "Throttled", headers={"Retry-After": "30"})
    with pytest.raises(SendFailed):
        await answering.send(post.place(), Message(text="answer"))
    await post.owe("owed")
    while await worker.send_due():
        continue
    assert await post.told() == []
    post.clock.advance(30)
    while await worker.send_due():
        continue
    assert [message.text for message in await post.told()] == ["owed"]


async def test_an_owed_reply_never_overwrites_what_was_shown_later(post: Post) -> None:
    await post.owe("one")
    await post.work()
    (shown,) = await post.told()
    latest = Latest(post.clock)
    worker = OutboxWorker(
        post.store, post.connector, post.clock, "bot-3", sleep=no_time, latest=latest
    )
    async with post.store.begin() as connection:
        await outbox.put(
            connection,
            post.place(),
            written(Message(text="older")),
            post.clock(),
            target_message=shown.id,
            as_of=post.clock(),
        )
    latest.note(post.place().conversation_id, shown.id, post.clock() + timedelta(seconds=1))
    while await worker.send_due():
        continue
    assert [message.text for message in await post.told()] == ["one"]
    assert await post.states() == ["sent", "failed"]
