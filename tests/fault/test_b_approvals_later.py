"""Cases B and F: what was approved and could not be sent yet is tried again when that is sensible,
by whichever process, never twice, and the cards say so meanwhile."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import proposals as writing
from bot.approval_work import LASTS, PAUSES
from bot.conversation import Message, Person, Place
from bot.desk import Turn
from bot.identity import SignInUnavailable
from bot.store import approvals
from bot.store.approvals import Approval, State
from cards import actions
from cards.reader import Reader
from tests.fault.approval_lives import (
    BEN,
    DANA,
    TENANT,
    Badges,
    Instance,
    Line,
    Service,
    Teams,
    asked,
    open_line,
    press,
)

UNCHANGED = "Nothing was changed so far."
SLOW_DOWN = {"statusCode": 429}
Answer = Callable[[httpx.Request], httpx.Response]


@dataclass
class Script(Service):
    """Answers PATCHes and GETs as the scripts say, one after the other, and then as it should."""

    patches: list[Answer] = field(default_factory=list)
    reads: list[Answer] = field(default_factory=list)
    clock: Callable[[], datetime] = datetime.now
    tried: list[datetime] = field(default_factory=list)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        if request.method == "PATCH":
            self.tried.append(self.clock())
            return self.patches.pop(0)(request) if self.patches else self._patched(request, "apply")
        if self.reads:
            return self.reads.pop(0)(request)
        self.healed = True
        return await super().answer(request)


@dataclass
class Chats(Teams):
    """Keeps what every message says now."""

    shown: dict[tuple[str, str], str] = field(default_factory=dict)

    async def send(self, place: Place, message: Message, *, reply_to: str | None = None) -> str:
        sent = await super().send(place, message, reply_to=reply_to)
        self.shown[place.conversation_id, sent] = str(message.card or message.text)
        return sent

    async def update(self, place: Place, activity_id: str, message: Message) -> None:
        self.shown[place.conversation_id, activity_id] = str(message.card or message.text)

    def says(self, person: str) -> str:
        """The request as it stands in a person's chat."""
        return next(words for (chat, _id), words in self.shown.items() if chat == f"a:{person}")


class Waiting(Line):
    """A line whose request has just been approved."""

    service: Script
    teams: Chats

    async def row(self) -> Approval:
        """The request as it is stored."""
        async with self.stores[0].read() as connection:
            (found,) = await approvals.of_requester(connection, TENANT, BEN, tuple(State))
        return found

    async def lease(self) -> tuple[object, object]:
        """Who holds it, and until when."""
        async with self.stores[0].read() as connection:
            held = await connection.exec_driver_sql(
                "SELECT lease_owner, lease_until FROM approvals"
            )
            row = held.mappings().one()
        return row["lease_owner"], row["lease_until"]

    async def looks(self, instance: Instance, until: timedelta) -> None:
        """Let a process look once a second for so long, and send what is owed."""
        end = self.present + until
        while self.present < end:
            await instance.look()
            await instance.outbox.send_due()
            self.present += timedelta(seconds=1)


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Waiting]:
    async with open_line(tmp_path) as opened:
        line = Waiting(opened.stores)
        line.monotonic = lambda: line.present.timestamp()
        line.service = Script(random.Random(0), clock=line.now)  # noqa: S311
        line.teams = Chats(random.Random(0), healed=True)  # noqa: S311
        first = line.instance(line.stores[0], 1)
        await asked(line, first)
        async with line.stores[0].begin() as connection:
            row = await line.row()
            await approvals.add_card(connection, row.id, row.place, "ben-1", for_person=BEN)
        await line.looks(first, timedelta(seconds=2))
        await press(line, first, DANA, actions.Approve)
        assert (await line.row()).state is State.APPROVED
        yield line


def slow_down(seconds: int) -> Answer:
    """Partner Center's own 429."""
    return lambda _request: _json(429, SLOW_DOWN, {"Retry-After": str(seconds)})


def unsent(request: httpx.Request) -> httpx.Response:
    """No connection."""
    raise httpx.ConnectError("no route", request=request)


def lost(request: httpx.Request) -> httpx.Response:
    """Nobody knows whether it arrived."""
    raise httpx.ReadError("lost", request=request)


def unavailable(_request: httpx.Request) -> httpx.Response:
    return _json(503, {}, {})


def locked(_request: httpx.Request) -> httpx.Response:
    return _json(423, {"error": {"code": "locked"}}, {})


def _json(status: int, body: object, headers: dict[str, str]) -> httpx.Response:
    kind = {"Content-Type": "application/json"}
    content = httpx.ByteStream(json.dumps(body).encode())
    return httpx.Response(status, headers=kind | headers, stream=content)


def gaps(times: list[datetime]) -> list[float]:
    """Seconds between tries."""
    return [(later - sooner).total_seconds() for sooner, later in pairwise(times)]


@pytest.mark.parametrize("who", ["the same", "another", "restarted"])
async def test_F3_an_approved_change_is_sent_when_retry_after_is_over(
    line: Waiting, who: str
) -> None:
    line.service.patches = [slow_down(9)]
    first = line.instance(line.stores[0], 1)
    await first.look()
    assert await line.lease() == (None, None)
    if who == "restarted":
        await first.die()
    store = line.stores[1 if who == "another" else 0]
    later = first if who == "the same" else line.instance(store, 1)
    await line.looks(later, timedelta(seconds=12))
    assert [round(gap) for gap in gaps(line.service.tried)] == [9]
    assert len(line.service.writes) == 1
    assert (await line.row()).state is State.DONE


async def test_F6_the_pauses_between_tries_grow(line: Waiting) -> None:
    line.service.patches = [unsent] * 6
    await line.looks(line.instance(line.stores[0], 1), timedelta(seconds=170))
    found = gaps(line.service.tried)
    wanted = [*PAUSES, PAUSES[-1]]
    assert all(pause <= gap < pause + 2 for pause, gap in zip(wanted, found, strict=False)), found
    assert len(found) >= 5 or (await line.row()).state is State.DONE


async def test_F4_an_open_circuit_is_waited_for(line: Waiting) -> None:
    instance = line.instance(line.stores[0], 1)
    circuit = instance.desk.partner_center.circuit
    for _ in range(5):
        circuit.failed()
    await instance.look()
    assert line.service.tried == []
    assert (await line.row()).state is State.APPROVED
    opens = line.present + timedelta(seconds=circuit.opens_in)
    await line.looks(instance, timedelta(seconds=40))
    (sent,) = line.service.tried
    assert opens <= sent <= opens + timedelta(seconds=2)
    assert (await line.row()).state is State.DONE


async def test_F4_reads_that_fail_are_tried_again_soon(line: Waiting) -> None:
    line.service.reads = [unavailable] * 3
    await line.looks(line.instance(line.stores[0], 1), timedelta(seconds=10))
    assert len(line.service.tried) == len(line.service.writes) == 1


class Busy(Waiting):
    """Somebody holds the database until the first pause."""

    held: sqlite3.Connection | None = None

    async def sleep(self, seconds: float) -> None:
        if seconds and self.held is not None:
            self.held.rollback()
            self.held.close()
            self.held = None
        await super().sleep(seconds)


async def test_a_busy_database_does_not_keep_the_lease(line: Waiting, tmp_path: Path) -> None:
    busy = Busy(line.stores, line.present, line.service, line.teams, line.monotonic)

    def hold(request: httpx.Request) -> httpx.Response:
        """The deal is read when the request is taken already, before anything is noted."""
        busy.held = sqlite3.connect(tmp_path / "lives.db", check_same_thread=False)
        busy.held.execute("BEGIN IMMEDIATE")
        return _json(200, line.service.versions[-1].body(), {})

    line.service.reads = [hold]
    instance = busy.instance(line.stores[0], 1)
    await instance.look()
    assert busy.held is None
    assert line.service.tried == []
    assert await line.lease() == (None, None)
    await busy.looks(instance, timedelta(seconds=8))
    assert (await line.row()).state is State.DONE
    assert len(line.service.writes) == 1


class NoSignIn(Badges):
    """Microsoft's sign-in does not answer."""

    async def bearer(self, person: Person) -> Any:  # noqa: ANN401 - it never gives any
        raise SignInUnavailable("no answer")


async def test_B7_who_stumbles_does_not_let_go_what_another_holds(line: Waiting) -> None:
    first, second = (line.instance(store, 1) for store in line.stores)
    object.__setattr__(second.desk, "identity", NoSignIn())

    reached, go_on = asyncio.Event(), asyncio.Event()
    answer = line.service.answer

    async def slow(request: httpx.Request) -> httpx.Response:
        reached.set()
        await go_on.wait()
        return await answer(request)

    line.service.answer = slow  # type: ignore[method-assign]
    under_way = asyncio.create_task(first.look())
    await reached.wait()
    held = await line.lease()
    assert held[0] is not None
    await second.look()
    assert await line.lease() == held
    go_on.set()
    await under_way
    assert (await line.row()).state is State.DONE
    assert len(line.service.tried) == len(line.service.writes) == 1


@pytest.mark.parametrize(
    ("stumble", "said"),
    [
        (slow_down(20), "has sent Partner Center too many requests."),
        (unsent, "Partner Center is not answering."),
        (locked, "Partner Center is working on this deal itself."),
    ],
    ids=["throttled", "unreachable", "locked"],
)
async def test_everybody_reads_why_it_waits_and_then_that_it_is_done(
    line: Waiting, stumble: Answer, said: str
) -> None:
    line.service.patches = [stumble]
    instance = line.instance(line.stores[0], 1)
    await line.looks(instance, timedelta(seconds=2))
    for person in (BEN, DANA):
        words = line.teams.says(person)
        assert said in words
        assert UNCHANGED in words
        assert "I keep trying" in words
        assert "I try again after" not in words
    await line.looks(instance, timedelta(seconds=30))
    for person in (BEN, DANA):
        assert "Approved and done" in line.teams.says(person)


async def test_F3_a_long_wait_is_shown_with_its_end(line: Waiting) -> None:
    line.service.patches = [slow_down(3600)]
    instance = line.instance(line.stores[0], 1)
    end = line.present + timedelta(hours=1)
    await line.looks(instance, timedelta(seconds=3))
    moment = Reader("en-US", None, line.present).moment(end).plain
    for person in (BEN, DANA):
        assert f"I try again after {moment}." in line.teams.says(person)
    line.present = end - timedelta(seconds=5)
    await line.looks(instance, timedelta(seconds=5))
    assert len(line.service.tried) == 1
    await line.looks(instance, timedelta(seconds=3))
    assert (await line.row()).state is State.DONE


async def test_F5_once_it_was_sent_nobody_says_that_nothing_was_changed(line: Waiting) -> None:
    line.service.patches = [unsent, lost]
    instance = line.instance(line.stores[0], 1)
    await line.looks(instance, timedelta(seconds=2))
    assert UNCHANGED in line.teams.says(DANA)
    await line.looks(instance, timedelta(seconds=4))
    assert len(line.service.tried) == 2
    for person in (BEN, DANA):
        assert UNCHANGED not in line.teams.says(person)
        assert "Saving…" in line.teams.says(person)
    await line.looks(instance, timedelta(seconds=70))
    assert (await line.row()).state is State.DONE
    assert len(line.service.writes) == 1


async def test_what_stumbles_for_a_day_has_failed(line: Waiting) -> None:
    line.service.patches = [slow_down(7 * 86400), unsent]
    instance = line.instance(line.stores[0], 1)
    await instance.look()
    line.present += LASTS + timedelta(seconds=2)
    await line.looks(instance, timedelta(seconds=2))
    assert (await line.row()).state is State.FAILED
    assert "could not be carried out within a day" in line.teams.says(DANA)
    assert line.service.writes == []


async def test_I4_after_a_crash_a_tampered_change_is_not_called_refused(line: Waiting) -> None:
    """The process ended between closing the change and ending its request."""
    first, second = (line.instance(store, 1) for store in line.stores)
    row = await line.row()
    async with line.stores[0].begin() as connection:
        changed = await connection.exec_driver_sql('UPDATE proposals SET after = \'{"value":"9"}\'')
        assert changed.rowcount == 1
    turn = Turn(
        Person(TENANT, BEN, "Ben", "29:x"),
        row.place,
        Reader("en-US", None, line.now()),
        "",
        approval=row.id,
    )
    await writing.save(first.desk, turn, row.subject_id)
    assert (await line.row()).state is State.APPROVED
    await line.looks(second, timedelta(seconds=3))
    assert (await line.row()).state is State.FAILED
    for person in (BEN, DANA):
        words = line.teams.says(person)
        assert "What is stored is not what was approved" in words
        assert "refused" not in words
        assert "did not take it" not in words
    pressed = await writing.save(second.desk, replace(turn, approval=None), row.subject_id)
    assert "Somebody altered it in my storage" in str(pressed.card)
    assert line.service.tried == []


async def test_who_asks_reads_why_a_change_was_closed(line: Waiting) -> None:
    line.service.reads = [lambda _request: _json(404, {"error": {"code": "notFound"}}, {})]
    instance = line.instance(line.stores[0], 1)
    await line.looks(instance, timedelta(seconds=2))
    row = await line.row()
    assert row.state is State.FAILED
    assert "does not show this deal" in line.teams.says(DANA)
    turn = Turn(
        Person(TENANT, BEN, "Ben", "29:x"), row.place, Reader("en-US", None, line.now()), ""
    )
    pressed = await writing.save(instance.desk, turn, row.subject_id)
    assert "does not know this deal" in str(pressed.card)
    assert "refused" not in str(pressed.card)
