"""Many messages owed at once leave as fast as Teams allows, and no faster.

The worker and its database are the real ones; in place of the connector stands a Teams that takes
its time, in a loop whose clock does not wait.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pytest

from bot.answering import Answering
from bot.conversation import Message, Person, Place, PlaceKind, Seat
from bot.outbox import OutboxWorker
from bot.store import outbox
from bot.store.engine import open_store, upgrade
from bot.stored_messages import written
from bot.windows import CONVERSATION, PACE, Limit, Windows
from tests.hurried import hurried, hurried_loop

LIMIT = Limit(10, 1)
WORK = 0.003
"""What a send takes of the processor, in seconds."""
SLACK = PACE.total_seconds() + 0.05


@dataclass(slots=True)
class Sent:
    """One message: when it arrived, and when that was confirmed; in seconds of the loop."""

    place: Place
    arrived: float
    confirmed: float = 0.0


@dataclass(slots=True)
class SlowTeams:
    """Takes messages, and answers after between these seconds."""

    wanted: int
    answers: tuple[float, float]
    chance: random.Random
    sent: list[Sent] = field(default_factory=list)
    confirmed: int = 0
    all_there: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, place: Place, message: Message, *, reply_to: str | None = None) -> str:
        assert reply_to is None
        loop = hurried_loop()
        loop.work(WORK)
        one = Sent(place, loop.time())
        self.sent.append(one)
        await asyncio.sleep(self.chance.uniform(*self.answers))
        one.confirmed = loop.time()
        self.confirmed += place.kind is PlaceKind.CHANNEL
        if self.confirmed >= self.wanted:
            self.all_there.set()
        return message.text or ""

    async def update(self, place: Place, activity_id: str, message: Message) -> None:
        raise NotImplementedError

    async def delete(self, place: Place, activity_id: str) -> None:
        raise NotImplementedError

    async def typing(self, place: Place) -> None:
        raise NotImplementedError

    async def open_personal(self, tenant: str, teams_id: str, service_url: str) -> Place:
        raise NotImplementedError

    async def members(self, place: Place) -> list[Person]:
        raise NotImplementedError

    async def roster(self, place: Place) -> list[Seat]:
        raise NotImplementedError


def channels(count: int, tenant: str = "tenant-1") -> list[Place]:
    """Channels of a tenant."""
    names = [f"19:{tenant}-{number}@thread.tacv2" for number in range(count)]
    url = "http://127.0.0.1:1/teams/"
    return [Place(PlaceKind.CHANNEL, tenant, name, url, "28:bot", name) for name in names]


def at_once(places: Sequence[Place]) -> list[tuple[float, Place]]:
    """All of it is owed from the start on."""
    return [(0.0, place) for place in places]


async def told(
    folder: Path,
    owed: Sequence[tuple[float, Place]],
    teams: SlowTeams,
    meanwhile: Callable[[Windows], Awaitable[None]] | None = None,
) -> list[Sent]:
    """What was sent of what was owed, from these seconds on, in their order."""
    loop, store = hurried_loop(), open_store(f"sqlite+aiosqlite:///{folder}/dealdesk.db")
    await upgrade(store)
    windows = Windows(loop.now, tenant=(LIMIT,))
    worker = OutboxWorker(store, teams, loop.now, "bot-1", jitter=lambda: 0.0, windows=windows)

    async def promise() -> None:
        for when, each in groupby(owed, itemgetter(0)):
            await asyncio.sleep(when - loop.time())
            async with store.begin() as connection:
                for _when, place in each:
                    content = written(Message(text="won"))
                    await outbox.put(connection, place, content, loop.now())
            worker.wake()

    running = [asyncio.create_task(promise()), asyncio.create_task(worker.run())]
    if meanwhile is not None:
        running.append(asyncio.ensure_future(meanwhile(windows)))
    async with asyncio.timeout(3600):
        await teams.all_there.wait()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await store.close()
    arrived = [one.place for one in teams.sent if one.place.kind is PlaceKind.CHANNEL]
    assert Counter(arrived) == Counter(place for _when, place in owed)
    return teams.sent


def idle(sent: list[Sent]) -> list[float]:
    """By how much each left later than allowed: by the one before it, and by its window, in which
    each of the former ones arrived when it was confirmed at the latest."""
    found = []
    for number in range(LIMIT.most, len(sent)):
        before = sent[:number]
        free = sorted(one.confirmed for one in before)[-LIMIT.most] + LIMIT.seconds
        found.append(sent[number].arrived - max(before[-1].arrived, free))
    return found


def most_in_a_window(sent: list[Sent], limit: Limit = LIMIT) -> int:
    """The most that arrived in any window."""
    times = [one.arrived for one in sent]
    return max(sum(a <= b < a + limit.seconds for b in times) for a in times)


@pytest.mark.parametrize("seed", range(4))
def test_no_message_waits_while_its_window_has_room(tmp_path: Path, seed: int) -> None:
    teams = SlowTeams(150, (0.1, 0.3), random.Random(seed))  # noqa: S311
    sent = hurried(told(tmp_path, at_once(channels(150)), teams))
    assert max(idle(sent)) < SLACK
    assert most_in_a_window(sent) <= LIMIT.most


@pytest.mark.parametrize("seed", range(2))
def test_a_tenant_does_not_wait_for_another(tmp_path: Path, seed: int) -> None:
    names = ("tenant-1", "tenant-2", "tenant-3")
    counts = (200, 150, 3)
    places = [
        place for name, count in zip(names, counts, strict=True) for place in channels(count, name)
    ]
    teams = SlowTeams(len(places), (0.1, 0.3), random.Random(seed))  # noqa: S311
    sent = hurried(told(tmp_path, at_once(places), teams))
    of = {name: [one for one in sent if one.place.tenant == name] for name in names}
    for name in names[:2]:
        assert max(idle(of[name])) < SLACK
        assert most_in_a_window(of[name]) <= LIMIT.most
    assert of["tenant-2"][0].arrived < 1
    assert of["tenant-3"][-1].arrived < 1.5


@pytest.mark.parametrize("seed", range(2))
def test_who_asks_meanwhile_is_answered_at_once_within_the_limit(tmp_path: Path, seed: int) -> None:
    teams = SlowTeams(100, (0.1, 0.2), random.Random(seed))  # noqa: S311
    person = Place(PlaceKind.PERSONAL, "tenant-1", "a:ben", "http://127.0.0.1:1/teams/", "28:bot")
    asked: list[float] = []

    async def asks(windows: Windows) -> None:
        loop = hurried_loop()
        answering = Answering(teams, windows, loop.now)
        while True:
            asked.append(loop.time())
            await answering.send(person, Message(text="help"))
            await asyncio.sleep(0.6)

    sent = hurried(told(tmp_path, at_once(channels(100)), teams, asks))
    answers = [one.arrived for one in sent if one.place == person]
    assert len(answers) >= 10
    assert max(at - when for at, when in zip(answers, asked, strict=False)) < 2 * WORK
    settled = [one for one in sent if one.arrived >= 2 * LIMIT.seconds]
    assert most_in_a_window(settled) <= LIMIT.most
    assert sent[-1].arrived < 100 / (0.7 * LIMIT.most)


@pytest.mark.parametrize("seed", range(2))
def test_whatever_comes_whenever_keeps_every_window(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    rooms = [*channels(8), *channels(6, "tenant-2")]
    owed = [
        (chance.uniform(0, 8), rooms[min(int(chance.expovariate(0.2)), len(rooms) - 1)])
        for _ in range(200)
    ]
    teams = SlowTeams(len(owed), (0.01, 0.05), chance)
    sent = hurried(told(tmp_path, sorted(owed, key=itemgetter(0)), teams))
    for tenant in {room.tenant for room in rooms}:
        assert most_in_a_window([one for one in sent if one.place.tenant == tenant]) <= LIMIT.most
    busiest, _count = Counter(place for _when, place in owed).most_common(1)[0]
    there = [one for one in sent if one.place == busiest]
    assert all(most_in_a_window(there, limit) <= limit.most for limit in CONVERSATION)
    assert sent[-1].arrived < 25
