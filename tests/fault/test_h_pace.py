"""Many messages owed at once leave as fast as Teams allows, and no faster.

The worker and its database are the real ones; in place of the connector stands a Teams that takes
its time, in a loop whose clock does not wait.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.answering import Answering
from bot.conversation import Message, Person, Place, PlaceKind, Seat
from bot.outbox import OutboxWorker
from bot.store import outbox
from bot.store.engine import open_store, upgrade
from bot.stored_messages import written
from bot.windows import PACE, Limit, Windows
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


async def told(
    folder: Path,
    places: Sequence[Place],
    teams: SlowTeams,
    meanwhile: Callable[[Windows], Awaitable[None]] | None = None,
) -> list[Sent]:
    """What was sent, when everything was owed at once."""
    loop, store = hurried_loop(), open_store(f"sqlite+aiosqlite:///{folder}/dealdesk.db")
    await upgrade(store)
    async with store.begin() as connection:
        for place in places:
            await outbox.put(connection, place, written(Message(text="won")), loop.now())
    windows = Windows(loop.now, tenant=(LIMIT,))
    worker = OutboxWorker(store, teams, loop.now, "bot-1", jitter=lambda: 0.0, windows=windows)
    running = [asyncio.create_task(worker.run())]
    if meanwhile is not None:
        running.append(asyncio.ensure_future(meanwhile(windows)))
    async with asyncio.timeout(3600):
        await teams.all_there.wait()
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await store.close()
    owed = [one.place.channel for one in teams.sent if one.place.kind is PlaceKind.CHANNEL]
    assert sorted(owed) == sorted(one.channel for one in places)
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


def most_in_a_window(sent: list[Sent]) -> int:
    """The most that arrived in any window."""
    times = [one.arrived for one in sent]
    return max(sum(a <= b < a + LIMIT.seconds for b in times) for a in times)


@pytest.mark.parametrize("seed", range(4))
def test_no_message_waits_while_its_window_has_room(tmp_path: Path, seed: int) -> None:
    teams = SlowTeams(150, (0.1, 0.3), random.Random(seed))  # noqa: S311
    sent = hurried(told(tmp_path, channels(150), teams))
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
    sent = hurried(told(tmp_path, places, teams))
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

    sent = hurried(told(tmp_path, channels(100), teams, asks))
    answers = [one.arrived for one in sent if one.place == person]
    assert len(answers) >= 10
    assert max(at - when for at, when in zip(answers, asked, strict=False)) < 2 * WORK
    settled = [one for one in sent if one.arrived >= 2 * LIMIT.seconds]
    assert most_in_a_window(settled) <= LIMIT.most
    assert sent[-1].arrived < 100 / (0.7 * LIMIT.most)
