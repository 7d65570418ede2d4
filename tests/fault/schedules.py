"""A Partner Center at the wire that does its worst, and one random life of a registration.

Everything is drawn from one seed: what befalls each request, when a process dies or is paused,
when a colleague edits the deal, when a late PATCH arrives. At the end the line is healed and the
books are checked.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from bot.conversation import Person
from bot.registration_row import Parts
from bot.registration_rules import OPEN, State
from bot.resolver import Resolver
from bot.store import registrations, schema
from bot.store.engine import Store
from bot.store.registrations import Submission
from partner_center.client import PartnerCenter
from partner_center.eligibility import Policy
from tests.fault.in_turns import two_stores
from tests.fault.stand import FABRIKAM, intent, owed_by
from tests.store.places import SEALS

START = datetime(2026, 2, 20, 10, tzinfo=UTC)


def answer(status: int, body: object = None, **headers: str) -> httpx.Response:
    """A response that is read from the line like any other."""
    content = b"" if body is None else json.dumps(body).encode()
    kind = {"Content-Type": "application/json"} if content else {}
    return httpx.Response(status, headers=kind | headers, stream=httpx.ByteStream(content))


@dataclass(frozen=True, slots=True)
class Version:
    """One state of the deal."""

    number: int
    value: str
    registrations: tuple[object, ...] = ()

    @property
    def etag(self) -> str:
        return f'"{self.number}"'

    def body(self) -> dict[str, object]:
        """The referral as it is read."""
        return {
            "id": FABRIKAM,
            "engagementId": FABRIKAM,
            "name": "Fabrikam",
            "organizationId": "contoso",
            "status": "Active",
            "substatus": "Accepted",
            "type": "Shared",
            "eTag": self.etag,
            "updatedDateTime": (START + timedelta(seconds=self.number)).isoformat(),
            "createdDateTime": "2026-01-11T10:00:00Z",
            "customerProfile": {"name": "Fabrikam Inc"},
            "details": {
                "dealValue": int(self.value),
                "currency": "USD",
                "requirements": {"solutions": [{"id": "DEAL-123456-XYZ"}]},
            },
            "registrations": list(self.registrations),
        }


@dataclass
class Hostile:
    """The service: every answer is drawn. `healed` makes it behave."""

    draw: random.Random
    versions: list[Version] = field(default_factory=lambda: [Version(0, "30000")])
    late: list[tuple[str, bytes]] = field(default_factory=list)
    held: list[asyncio.Event] = field(default_factory=list)
    lags_at: Version | None = None
    """What every read shows while the replicas lag behind."""
    healed: bool = False

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """One request, after a while."""
        for _ in range(self.draw.randrange(4)):
            await asyncio.sleep(0)
        if request.method == "PATCH":
            return await self._patched(request)
        if request.method == "POST":
            return self._checked(request)
        if request.url.path.endswith("dealregistrationeligibility"):
            return self._maybe(request, {"isEligible": True, "policies": []})
        return self._maybe(request, self._seen().body())

    def _seen(self) -> Version:
        if self.healed:
            return self.versions[-1]
        if self.lags_at is not None:
            return self.lags_at
        stale = self.draw.random() < 0.15
        return self.draw.choice(self.versions) if stale else self.versions[-1]

    def _maybe(self, request: httpx.Request, body: object) -> httpx.Response:
        fate = 1.0 if self.healed else self.draw.random()
        if fate < 0.04:
            raise httpx.ReadError("reset", request=request)
        return answer(503) if fate < 0.10 else answer(200, body)

    def _checked(self, request: httpx.Request) -> httpx.Response:
        eligible = self.healed or self.draw.random() > 0.05
        item = {"isEligible": True, "referralProperties": {}}
        passed = [{"policyName": policy, **item} for policy in Policy]
        failed = [] if eligible else [{**passed.pop(), "isEligible": False}]
        return self._maybe(
            request,
            {"isEligible": eligible, "passedPolicies": passed, "failedPolicies": failed},
        )

    async def _patched(self, request: httpx.Request) -> httpx.Response:
        etag, body = request.headers["If-Match"], request.content
        fate = "apply" if self.healed else self.draw.choice(_FATES)
        if fate == "hold":
            gate = asyncio.Event()
            self.held.append(gate)
            await gate.wait()
            fate = self.draw.choice(("apply", "apply_and_lose", "lose"))
        match fate:
            case "late":
                self.late.append((etag, body))
                raise httpx.ReadTimeout("late", request=request)
            case "lose":
                raise httpx.ReadError("lost", request=request)
            case "unsent":
                raise httpx.ConnectError("no route", request=request)
            case "apply_and_lose":
                self.apply(etag, body)
                raise httpx.RemoteProtocolError("lost", request=request)
            case "apply_and_502":
                self.apply(etag, body)
                return answer(502)
            case "502":
                return answer(502)
            case "400" | "409" as status:
                return answer(int(status), {"error": {"code": "invalidRequest"}})
            case "429":
                return answer(429, {"statusCode": 429}, **{"Retry-After": "9"})
            case _:
                applied = self.apply(etag, body)
                error = {"error": {"code": "preconditionFailed"}}
                return answer(204) if applied else answer(412, error)

    def apply(self, etag: str, body: bytes) -> bool:
        """Make a new version, if the PATCH names the present one."""
        now = self.versions[-1]
        if etag != now.etag:
            return False
        (operation,) = json.loads(body)
        registration = {**operation["value"], "id": uuid.uuid4().hex, "status": "Approved"}
        held = (*now.registrations, registration)
        self.versions.append(Version(now.number + 1, now.value, held))
        return True

    def edit(self) -> None:
        """A colleague's change: seldom one that the registration was made from."""
        now = self.versions[-1]
        value = "45000" if self.draw.random() < 0.1 else now.value
        self.versions.append(Version(now.number + 1, value, now.registrations))

    def lag(self) -> None:
        """From now on reads show what is now, or once more what is."""
        self.lags_at = self.versions[-1] if self.lags_at is None else None

    def deliver(self) -> None:
        """One PATCH that was held back arrives."""
        if self.held:
            self.held.pop().set()
        elif self.late:
            self.apply(*self.late.pop(self.draw.randrange(len(self.late))))


_FATES = (
    *("apply", "apply", "apply", "apply_and_lose", "apply_and_lose", "apply_and_502"),
    *("late", "late", "hold", "hold", "lose", "502"),
    *("400", "409", "429", "unsent"),
)


class Token:
    """A token that is there, or is not for the moment."""

    def __init__(self, hostile: Hostile) -> None:
        self._hostile = hostile

    async def __call__(self, *, fresh: bool = False) -> str:
        return "ben"

    async def bearer(self, person: Person) -> Token:
        return self


@dataclass
class Line:
    """Two processes over one file, and the service they share. Made once, used for many lives."""

    stores: tuple[Store, Store]
    present: datetime = START
    hostile: Hostile = field(default_factory=lambda: Hostile(random.Random(0)))  # noqa: S311

    def now(self) -> datetime:
        return self.present

    async def sleep(self, seconds: float) -> None:
        self.present += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    def resolver(self, store: Store) -> Resolver:
        """A process just started."""
        http = httpx.MockTransport(lambda request: self.hostile.answer(request))
        partner_center = PartnerCenter(
            "https://pc.example", http, now=self.now, sleep=self.sleep, random=lambda: 0.0
        )
        parts = Parts(
            store,
            partner_center,
            Token(self.hostile),
            self.now,
            self.sleep,
            lambda: uuid.uuid4().hex,
            uuid.uuid4().hex,
            SEALS,
        )
        return Resolver(parts)


class Wrong(AssertionError):
    """The books do not agree."""


async def live(line: Line, seed: int) -> State:
    """One registration from intent to end under everything `seed` draws. Raises Wrong."""
    draw = random.Random(seed)  # noqa: S311
    line.hostile = hostile = Hostile(draw)
    line.present = START + timedelta(days=draw.randrange(1000))
    submission = intent(line.now())
    async with line.stores[0].begin() as connection:
        await registrations.insert(connection, submission)
    processes = [line.resolver(store) for store in line.stores]
    tasks: list[asyncio.Task[bool] | None] = [None, None]
    try:
        for _ in range(draw.randrange(8, 30)):
            await _happens(line, draw, processes, tasks, submission)
            await _audit(line, submission)
    finally:
        await _crash(tasks)
    hostile.healed = True
    state = await _heal(line, submission)
    while hostile.late or hostile.held:
        hostile.deliver()
    await _audit(line, submission)
    notices = await owed_by(line.stores[0], f"{submission.id}:end")
    if len(notices) != 1:
        raise Wrong(f"{len(notices)} final cards")
    return state


_EVENTS = (
    *("drive", "drive", "drive", "drive", "wait", "wait", "wait"),
    *("pass", "pass", "pass", "edit", "late", "lag", "die"),
)


async def _happens(
    line: Line,
    draw: random.Random,
    processes: list[Resolver],
    tasks: list[asyncio.Task[bool] | None],
    submission: Submission,
) -> None:
    which = draw.randrange(2)
    match draw.choice(_EVENTS):
        case "drive":
            task = tasks[which]
            if task is None or task.done():
                work = processes[which].drive(submission.id)
                tasks[which] = asyncio.create_task(work)
        case "wait":
            await asyncio.sleep(draw.choice((0, 0.002, 0.02)))
        case "pass":
            line.present += timedelta(seconds=draw.choice((1, 5, 30, 61, 100, 400)))
        case "edit":
            line.hostile.edit()
        case "late":
            line.hostile.deliver()
        case "lag":
            line.hostile.lag()
        case _:
            await _crash([tasks[which]])
            processes[which] = line.resolver(line.stores[which])
            tasks[which] = None


async def _crash(tasks: list[asyncio.Task[bool] | None]) -> None:
    """What runs ends here and now; nothing that follows is done."""
    for place, task in enumerate(tasks):
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            tasks[place] = None


async def _heal(line: Line, submission: Submission) -> State:
    """Let a fresh process work until it is over."""
    process = line.resolver(line.stores[1])
    for _ in range(60):
        line.present += timedelta(seconds=61)
        await process.drive(submission.id)
        found = await _row(line, submission)
        if found.state not in OPEN:
            return found.state
        line.hostile.deliver()
        if found.standing.can_still_land() or found.standing.sends >= 4:
            line.hostile.edit()
    raise Wrong(f"never over: {found.standing}")


async def _row(line: Line, submission: Submission) -> Submission:
    async with line.stores[0].read() as connection:
        found = await registrations.find(connection, submission.id)
    assert found is not None
    return found


async def _audit(line: Line, submission: Submission) -> None:
    """Never two; DONE means one; any other end means none."""
    found = await _row(line, submission)
    held = len(line.hostile.versions[-1].registrations)
    if held > 1:
        raise Wrong("registered twice")
    if found.state is State.DONE and held != 1:
        raise Wrong("DONE but not registered")
    if found.state not in OPEN and found.state is not State.DONE and held:
        raise Wrong(f"{found.state} but registered")


@contextlib.asynccontextmanager
async def open_line(folder: Path) -> AsyncIterator[Line]:
    """Two processes' stores over a fresh file."""
    async with two_stores(folder) as stores:
        yield Line(stores)


async def empty(line: Line) -> None:
    """Forget the lives so far, so that the next one finds the deal free."""
    async with line.stores[0].begin() as connection:
        await connection.execute(schema.registrations.delete())
        await connection.execute(schema.outbox.delete())
