"""Bot processes side by side on one SQLite file, against the sandbox's Partner Center over HTTP.

Each process has its own connections to the database and its own client. Time moves only when told:
what the bot sleeps, the clock skips.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa

from bot.conversation import Person, Place, PlaceKind
from bot.identity import Reason, SignInNeeded
from bot.registration_row import Parts
from bot.registration_rules import Limits, Standing, State
from bot.resolver import Resolver
from bot.sealed import sealed_submission
from bot.store import jsontext, registrations, schema
from bot.store.engine import Store, open_store, upgrade
from bot.store.jsontext import Json
from bot.store.registrations import Submission
from partner_center.client import PartnerCenter, make_http
from partner_center.patch import registration_document
from partner_center.registration import (
    DealRegistration,
    DeployedOn,
    Pricing,
    Term,
    fingerprint,
)
from sandbox import deals
from sandbox.people import PEOPLE, TENANT_ID
from sandbox.wire import Document, objects_at
from tests.sandbox.partner_center import Desk, open_desk
from tests.store.places import SEALS

FABRIKAM = deals.FABRIKAM
REGISTRATION = DealRegistration(
    currency="USD",
    value=Decimal(120000),
    term=Term.FINITE,
    sign=date(2026, 2, 10),
    start=date(2026, 2, 15),
    end=date(2027, 2, 14),
    solution_id="DEAL-123456-XYZ",
    solution_value=Decimal(100000),
    solution_currency="USD",
    deployed_on_azure=True,
    deployment=DeployedOn.CUSTOMER,
    pricing=Pricing.OTHER,
    marketplace=False,
    marketplace_date=None,
)


class Badge:
    """The token of a person, by name; it can be taken away."""

    def __init__(self, stand: Stand, key: str) -> None:
        self._stand = stand
        self._key = key

    async def __call__(self, *, fresh: bool = False) -> str:
        if self._key not in self._stand.signed_in:
            raise SignInNeeded(Reason.EXPIRED)
        return self._key


class Badges:
    """Whose token is there."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand

    async def bearer(self, person: Person) -> Badge:
        key = next(each.key for each in PEOPLE.values() if each.oid == person.id)
        badge = Badge(self._stand, key)
        await badge()
        return badge


@dataclass(frozen=True, slots=True)
class Process:
    """One instance of the bot, as far as registrations go."""

    store: Store
    partner_center: PartnerCenter
    resolver: Resolver


@dataclass(slots=True)
class Stand:
    """The outside world, and as many processes as were started."""

    desk: Desk
    path: Path
    stack: AsyncExitStack
    signed_in: set[str] = field(default_factory=lambda: set(PEOPLE))

    def now(self) -> datetime:
        """The present of everybody."""
        return self.desk.world.clock.now()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.desk.world.clock.advance(seconds)

    async def sleep(self, seconds: float) -> None:
        """What a process sleeps."""
        self.advance(seconds)

    async def process(self, limits: Limits | None = None) -> Process:
        """Start another instance."""
        store = open_store(f"sqlite+aiosqlite:///{self.path}")
        self.stack.push_async_callback(store.close)
        await upgrade(store)
        http = make_http(None)
        self.stack.push_async_callback(http.aclose)
        partner_center = PartnerCenter(
            self.desk.url(""), http, now=self.now, sleep=self.sleep, random=lambda: 0.0
        )
        parts = Parts(
            store,
            partner_center,
            Badges(self),
            self.now,
            self.sleep,
            lambda: uuid.uuid4().hex,
            uuid.uuid4().hex,
            SEALS,
            limits or Limits(),
        )
        return Process(store, partner_center, Resolver(parts))

    def fault(self, kind: str, method: str = "PATCH", **more: object) -> int:
        """Set a fault for the next matching call."""
        given = {"api": "partner_center", "kind": kind, "method": method, **more}
        return self.desk.world.faults.add(given)

    def registered(self) -> list[Document]:
        """The registrations that Partner Center really holds of the deal."""
        return objects_at(self.desk.world.referral(FABRIKAM), "registrations")

    def edit(self, path: str = "/details/notes", value: object = "A colleague was here.") -> None:
        """Somebody's own change in the portal."""
        operations = [{"op": "replace", "path": path, "value": value}]
        self.desk.world.edit(FABRIKAM, operations)  # type: ignore[arg-type]

    def register_in_portal(self, registration: DealRegistration = REGISTRATION) -> None:
        """A colleague registers the deal in the portal."""
        (operation,) = registration_document(registration)
        value = {**dict(operation.value), "id": str(uuid.uuid4())}  # type: ignore[arg-type]
        value["status"] = "Approved"
        operations = [{"op": "add", "path": "/registrations/-", "value": value}]
        self.desk.world.edit(FABRIKAM, operations)  # type: ignore[arg-type]

    def sent(self) -> int:
        """How many PATCHes reached Partner Center."""
        return sum(each.method == "PATCH" for each in self.desk.world.ledger.requests)


def ben() -> Person:
    """The seller whose deal it is."""
    person = PEOPLE["ben"]
    return Person(TENANT_ID, person.oid, person.name, "29:ben")


PLACE = Place(PlaceKind.PERSONAL, TENANT_ID, "a:personal-ben", "https://example.com/", "28:app")


def intent(now: datetime, registration: DealRegistration = REGISTRATION) -> Submission:
    """What a seller decided just now."""
    decided = Submission(
        id=uuid.uuid4().hex,
        tenant=TENANT_ID,
        referral_id=FABRIKAM,
        fingerprint=fingerprint(registration),
        registration=registration,
        requester=ben().id,
        approver=None,
        draft_id=uuid.uuid4().hex,
        place=PLACE,
        message_id="card-1",
        locale="en-US",
        timezone=None,
        standing=Standing(State.INTENT),
        base_inputs={},
        looks=0,
        look_at=now,
        told=None,
        result=None,
        lease_owner=None,
        lease_until=None,
        created=now,
        updated=now,
        version=1,
    )
    return sealed_submission(SEALS, decided)


async def submit(process: Process, submission: Submission) -> bool:
    """Store an intent."""
    async with process.store.begin() as connection:
        return await registrations.insert(connection, submission)


async def fetch(process: Process, submission: Submission) -> Submission:
    """The submission as it stands."""
    async with process.store.read() as connection:
        found = await registrations.find(connection, submission.id)
    assert found is not None
    return found


async def owed(process: Process, what: str = "") -> list[Json]:
    """The messages put into the outbox, oldest first, those with `what` in their key."""
    return await owed_by(process.store, what)


async def owed_by(store: Store, what: str) -> list[Json]:
    """The same of a database."""
    async with store.read() as connection:
        rows = await connection.execute(
            sa.select(schema.outbox.c.message)
            .where(schema.outbox.c.key.contains(what))
            .order_by(schema.outbox.c.seq)
        )
        return [jsontext.read(row.message) for row in rows]


async def drive_until(
    process: Process, submission: Submission, stand: Stand, state: State, seconds: float = 900
) -> Submission:
    """Let time pass and the process look when it wants to, until the row is in this state."""
    ends = stand.now() + timedelta(seconds=seconds)
    while stand.now() < ends:
        await process.resolver.drive_due()
        found = await fetch(process, submission)
        if found.state is state:
            return found
        stand.advance(1)
    raise AssertionError(f"{found.state} after {seconds} s, {found.standing.attempts}")


@asynccontextmanager
async def open_stand(folder: Path) -> AsyncIterator[Stand]:
    """Partner Center as at the start, no process yet."""
    async with open_desk() as desk, AsyncExitStack() as stack:
        yield Stand(desk, folder / "bot.db", stack)
