"""One random life of a change that needs approval, from asking to the end, drawn from a seed.

Two instances over one database; people press, colleagues edit, answers get lost, messages are not
confirmed, instances die. Then everything is healed and the books are compared.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from bot import approval_asking, approvals
from bot.approval_work import ApprovalWork
from bot.conversation import Message, Person, Place, PlaceKind, SendFailed, SendFailure
from bot.desk import Desk, Turn
from bot.outbox import OutboxWorker
from bot.policy import parse_policy
from bot.recovery import recover_proposals
from bot.sealed import seal_of
from bot.store import approvals as requests
from bot.store import people, proposals, schema
from bot.store.engine import Store
from cards import actions
from cards.reader import Reader
from partner_center.client import PartnerCenter
from partner_center.patch import changes_document, encode
from partner_center.referral import Change, Field
from tests.chaos import OPEN_WRITES, OWED, Books, Posted, Written, books, compare
from tests.fault.in_turns import two_stores
from tests.store.places import SEALS

TENANT = "aaaaaaaa-0000-4000-8000-000000000001"
DEAL = "bbbbbbbb-0000-4000-8000-000000000002"
BEN, DANA, ADA, CLEO = (f"cccccccc-0000-4000-8000-00000000000{n}" for n in range(1, 5))
REACHED = 0.8
"""How often the approvers have their cards before anything goes wrong."""
CALM = 0.6
"""How often a step is over before the next one begins."""
LONGEST_STEP = 2.0
START = datetime(2026, 2, 20, 10, tzinfo=UTC)
OPERATIONS = changes_document([Change(Field.VALUE, Decimal(45000))])


@dataclass(frozen=True, slots=True)
class Version:
    """One state of the deal."""

    number: int
    value: int = 30000
    notes: str = ""

    @property
    def etag(self) -> str:
        return f'"{self.number}"'

    def body(self) -> dict[str, object]:
        """The referral as it is read."""
        return {
            "id": DEAL,
            "engagementId": DEAL,
            "name": "Fabrikam",
            "organizationId": "contoso",
            "status": "Active",
            "substatus": "Accepted",
            "type": "Independent",
            "eTag": self.etag,
            "updatedDateTime": (START + timedelta(seconds=self.number)).isoformat(),
            "createdDateTime": "2026-01-11T10:00:00Z",
            "customerProfile": {"name": "Fabrikam Inc"},
            "details": {"dealValue": self.value, "currency": "USD", "notes": self.notes},
        }


_FATES = (
    *("apply", "apply", "apply", "apply_and_lose", "apply_and_lose", "apply_and_502"),
    *("late", "late", "lose", "502", "400", "429", "unsent"),
)


@dataclass
class Service:
    """Partner Center, whose every answer is drawn. `healed` makes it behave."""

    draw: random.Random
    versions: list[Version] = field(default_factory=lambda: [Version(0)])
    late: list[httpx.Request] = field(default_factory=list)
    writes: list[Written] = field(default_factory=list)
    sent: int = 0
    healed: bool = False

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """One request, after a while."""
        for _ in range(self.draw.randrange(4)):
            await asyncio.sleep(0)
        if request.method == "PATCH":
            self.sent += 1
            fate = "apply" if self.healed else self.draw.choice(_FATES)
            return self._patched(request, fate)
        if not self.healed and self.draw.random() < 0.05:
            raise httpx.ReadError("reset", request=request)
        return _json(200, self.versions[-1].body())

    def _patched(self, request: httpx.Request, fate: str) -> httpx.Response:
        match fate:
            case "late":
                self.late.append(request)
                raise httpx.ReadTimeout("late", request=request)
            case "lose":
                raise httpx.ReadError("lost", request=request)
            case "unsent":
                raise httpx.ConnectError("no route", request=request)
            case "apply_and_lose":
                self.apply(request)
                raise httpx.RemoteProtocolError("lost", request=request)
            case "apply_and_502":
                self.apply(request)
                return _json(502, {})
            case "502":
                return _json(502, {})
            case "400":
                return _json(400, {"error": {"code": "invalidRequest"}})
            case "429":
                return _json(429, {"statusCode": 429}, **{"Retry-After": "9"})
            case _:
                done = self.apply(request)
                error = {"error": {"code": "preconditionFailed"}}
                return _json(200, self.versions[-1].body()) if done else _json(412, error)

    def apply(self, request: httpx.Request) -> bool:
        """Make a new version, if the PATCH names the present one."""
        now = self.versions[-1]
        if request.headers["If-Match"] != now.etag:
            return False
        operations = json.loads(request.content)
        value = operations[0]["value"]
        self.versions.append(Version(now.number + 1, value, now.notes))
        name = next(key for key in request.headers if "request" in key.lower())
        who = request.headers["Authorization"].removeprefix("Bearer ")
        written = Written(who, DEAL, request.headers[name], operations, now.etag)
        self.writes.append(written)
        return True

    def edit(self) -> None:
        """A colleague's change of something else."""
        now = self.versions[-1]
        self.versions.append(Version(now.number + 1, now.value, f"note {now.number}"))

    def deliver(self) -> None:
        """A PATCH that was held back arrives."""
        if self.late:
            self.apply(self.late.pop(self.draw.randrange(len(self.late))))


def _json(status: int, body: object, **headers: str) -> httpx.Response:
    kind = {"Content-Type": "application/json"}
    content = httpx.ByteStream(json.dumps(body).encode())
    return httpx.Response(status, headers=kind | headers, stream=content)


@dataclass
class Teams:
    """Takes messages; now and then it does not say so, or does not take them."""

    draw: random.Random
    posts: list[Posted] = field(default_factory=list)
    healed: bool = False

    async def send(self, place: Place, message: Message, *, reply_to: str | None = None) -> str:
        fate = 1.0 if self.healed else self.draw.random()
        await asyncio.sleep(0)
        if fate < 0.1:
            raise SendFailed(SendFailure.NOT_SENT)
        activity = str(len(self.posts) + 1)
        text = json.dumps([message.text, message.card], sort_keys=True, default=str)
        self.posts.append(Posted(place.conversation_id, activity, text))
        await asyncio.sleep(0)
        if fate < 0.2:
            raise SendFailed(SendFailure.UNKNOWN)
        return activity

    async def update(self, place: Place, activity_id: str, message: Message) -> None:
        await asyncio.sleep(0)
        if not self.healed and self.draw.random() < 0.1:
            raise SendFailed(SendFailure.NOT_SENT)

    async def open_personal(self, tenant: str, teams_id: str, service_url: str) -> Place:
        raise SendFailed(SendFailure.FORBIDDEN)

    async def members(self, place: Place) -> list[Person]:
        return []

    async def roster(self, place: Place) -> list[Any]:
        return []


class Badges:
    """Everybody's token is there; it bears their id."""

    async def bearer(self, person: Person) -> Callable[..., Coroutine[None, None, str]]:
        async def token(*, fresh: bool = False) -> str:
            return person.id

        return token

    async def account(self, person: Person) -> None:
        return None


class Nobody:
    """No registration is ever looked at here."""

    async def look_now(self, submission_id: str) -> None:
        return None


@dataclass(slots=True)
class Instance:
    """One process: its desk, its workers, and what it is doing."""

    desk: Desk
    work: ApprovalWork
    outbox: OutboxWorker
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def start(self, work: Coroutine[None, None, Any]) -> None:
        """Do something beside."""
        self.tasks.add(asyncio.create_task(work))

    async def look(self) -> None:
        """Everything about requests that is due, to its end."""
        await self.work._look_around()
        if self.work._busy:
            await asyncio.wait(set(self.work._busy.values()))

    async def die(self) -> None:
        """What runs ends here and now."""
        running = [*self.tasks, *self.work._busy.values(), *self.outbox._sending]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@dataclass
class Line:
    """Two stores over one file; made once, used for many lives."""

    stores: tuple[Store, Store]
    present: datetime = START
    service: Service = field(default_factory=lambda: Service(random.Random(0)))  # noqa: S311
    teams: Teams = field(default_factory=lambda: Teams(random.Random(0)))  # noqa: S311
    monotonic: Callable[[], float] = time.monotonic

    def now(self) -> datetime:
        return self.present

    async def sleep(self, seconds: float) -> None:
        self.present += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    def instance(self, store: Store, quorum: int) -> Instance:
        """A process just started."""
        transport = httpx.MockTransport(lambda request: self.service.answer(request))
        partner_center = PartnerCenter(
            "https://pc.example",
            transport,
            now=self.now,
            sleep=self.sleep,
            random=lambda: 0.0,
            monotonic=self.monotonic,
        )
        build: Callable[..., Desk] = Desk
        desk = build(
            *(store, partner_center, Badges(), self.teams, self.now, lambda: uuid.uuid4().hex),
            *(self.sleep, "28:app"),
            policy=parse_policy(f"value>40000 USD, quorum={quorum}", [BEN, DANA, ADA]),
            gate=approval_asking.gate,
            seals=SEALS,
        )
        owner = uuid.uuid4().hex
        post: Callable[..., OutboxWorker] = OutboxWorker
        worker = post(store, self.teams, self.now, owner, jitter=lambda: 0.0, sleep=self.sleep)
        return Instance(
            desk, ApprovalWork(desk, Nobody(), asyncio.Event(), owner, worker.wake), worker
        )


def _person(oid: str) -> Person:
    return Person(TENANT, oid, {BEN: "Ben", DANA: "Dana", ADA: "Ada", CLEO: "Cleo"}[oid], "29:x")


def _chat(oid: str) -> Place:
    return Place(PlaceKind.PERSONAL, TENANT, f"a:{oid}", "https://teams.example/", "28:app")


def _turn(line: Line, oid: str, pressed: str | None = None) -> Turn:
    return Turn(_person(oid), _chat(oid), Reader("en-US", None, line.now()), "act", pressed)


async def live(line: Line, seed: int) -> str:
    """One request under everything `seed` draws; how it ended. Raises chaos.Wrong."""
    draw = random.Random(seed)  # noqa: S311
    line.service, line.teams = Service(draw), Teams(draw)
    line.present = START + timedelta(days=draw.randrange(1000))
    quorum = draw.choice((1, 1, 2))
    instances = [line.instance(store, quorum) for store in line.stores]
    proposal = await asked(line, instances[0])
    try:
        for _ in range(draw.randrange(6, 16)):
            await _happens(line, draw, instances, quorum, proposal)
            running = {task for each in instances for task in each.tasks if not task.done()}
            if running and draw.random() < CALM:
                await asyncio.wait(running, timeout=LONGEST_STEP)
    finally:
        for each in instances:
            await each.die()
    line.service.healed = line.teams.healed = True
    kept = await _heal(line, quorum)
    while line.service.late:
        line.service.deliver()
    compare(kept, line.service.writes, line.teams.posts, needs_approval=True)
    return str(kept.approvals[0]["state"])


async def asked(line: Line, instance: Instance) -> str:
    """Everybody has met the bot; Ben asks for a change."""
    async with line.stores[0].begin() as connection:
        for oid in (BEN, DANA, ADA, CLEO):
            await people.remember(
                connection,
                _person(oid),
                "https://teams.example/",
                line.now(),
                personal_conversation=f"a:{oid}",
            )
            await people.note_upn(connection, TENANT, oid, f"{_person(oid).name}@contoso.example")
        proposal = await proposals.create(
            connection,
            tenant=TENANT,
            person=BEN,
            place=_chat(BEN),
            referral_id=DEAL,
            kind=proposals.Kind.CHANGE,
            operations=encode(OPERATIONS).decode(),
            base_etag=line.service.versions[0].etag,
            base={"value": "30000"},
            after={"value": "45000"},
            now=line.now(),
            seal=partial(seal_of, SEALS),
        )
    line.service.healed = True
    await approvals_asked(line, instance, proposal.id)
    line.service.healed = False
    if line.service.draw.random() < REACHED:
        line.teams.healed = True
        await instance.look()
        await instance.outbox.send_due()
        await instance.look()
        line.teams.healed = False
    return proposal.id


async def approvals_asked(line: Line, instance: Instance, proposal_id: str) -> None:
    """Ben presses Save, which the policy turns into a request; its card is message 1 of his."""
    async with line.stores[0].read() as connection:
        proposal = await proposals.find(connection, proposal_id)
    assert proposal is not None
    turn = _turn(line, BEN, "ben-1")
    reply = await instance.desk.gate(instance.desk, turn, proposal, asking=True)
    assert reply is not None
    assert reply.shown is not None
    await reply.shown("ben-1")


_EVENTS = (
    *("approve", "approve", "approve", "approve", "look", "look", "look", "look", "send", "send"),
    *("reject", "withdraw", "own", "stranger", "wait", "wait", "pass", "pass", "pass"),
    *("edit", "late", "die", "recover", "save"),
)


async def _happens(
    line: Line, draw: random.Random, instances: list[Instance], quorum: int, proposal_id: str
) -> None:
    which = draw.randrange(2)
    instance = instances[which]
    match draw.choice(_EVENTS):
        case "approve":
            instance.start(press(line, instance, draw.choice((DANA, ADA)), actions.Approve))
        case "reject" if draw.random() < 0.3:
            instance.start(press(line, instance, draw.choice((DANA, ADA)), actions.Reject))
        case "withdraw" if draw.random() < 0.3:
            instance.start(press(line, instance, BEN, actions.Withdraw))
        case "own":
            instance.start(press(line, instance, BEN, actions.Approve))
        case "stranger":
            instance.start(press(line, instance, CLEO, actions.Approve))
        case "look":
            instance.start(instance.look())
        case "send":
            instance.start(instance.outbox.send_due())
        case "recover":
            instance.start(recover_proposals(instance.desk))
        case "save":
            turn = _turn(line, BEN, "ben-1")
            instance.start(_saves(instance.desk, turn, proposal_id))
        case "wait":
            for _ in range(draw.choice((1, 20, 200))):
                await asyncio.sleep(0)
        case "pass":
            line.present += timedelta(seconds=draw.choice((1, 5, 30, 61, 100, 400)))
        case "edit" if draw.random() < 0.3:
            line.service.edit()
        case "late":
            line.service.deliver()
        case "die":
            await instance.die()
            instances[which] = line.instance(line.stores[which], quorum)


async def _saves(desk: Desk, turn: Turn, proposal_id: str) -> None:
    """Ben presses Save under his first card again: never a way around the request."""
    from bot import proposals as writing
    from partner_center.errors import PartnerCenterError

    with contextlib.suppress(PartnerCenterError):
        await writing.save(desk, turn, proposal_id)


async def press(line: Line, instance: Instance, who: str, kind: Callable[[str], Any]) -> None:
    """A press on the card this person has; on none when it is not there yet."""
    async with line.stores[0].read() as connection:
        (found,) = await requests.of_requester(connection, TENANT, BEN) or (None,)
        if found is None:
            return
        cards = await requests.cards_of(connection, found.id)
    mine = [one.message_id for one in cards if one.place.conversation_id == f"a:{who}"]
    turn = _turn(line, who, next(iter(mine), "forwarded"))
    await approvals.pressed(instance.desk, turn, kind(found.id), {"reason": "No"})


async def _heal(line: Line, quorum: int) -> Books:
    """Let a fresh instance work until nothing is owed."""
    instance = line.instance(line.stores[1], quorum)
    for _ in range(12):
        line.present += timedelta(seconds=61)
        await instance.look()
        await recover_proposals(instance.desk)
        while await instance.outbox.send_due():
            line.present += timedelta(seconds=2)
        kept = await books(line.stores[0])
        open_still = (
            any(row["state"] in OPEN_WRITES for row in kept.proposals)
            or any(row["state"] == "approved" for row in kept.approvals)
            or any(row["state"] in OWED for row in kept.outbox)
        )
        if not open_still:
            break
        line.service.deliver()
    return kept


@contextlib.asynccontextmanager
async def open_line(folder: Path) -> AsyncIterator[Line]:
    """Two processes' stores over a fresh file that need not survive a power cut."""
    async with two_stores(folder) as stores:
        yield Line(stores)


async def empty(line: Line) -> None:
    """Forget the lives so far."""
    async with line.stores[0].begin() as connection:
        for table in reversed(schema.metadata.sorted_tables):
            if table.name != "handle_counters":
                await connection.exec_driver_sql(f"DELETE FROM {table.name}")  # noqa: S608
