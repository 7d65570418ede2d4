"""Partner Center's notifications: who asked for them, and their signed, stubborn delivery."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import aiohttp

from sandbox import wire
from sandbox.clock import Clock
from sandbox.listing import is_own
from sandbox.webhook_certificates import FILE, Certificates, Kind
from sandbox.wire import Document

RESOURCE = "https://api.partnercenter.microsoft.com/engagements/v1/referrals"
"""What the documented address of a changed referral begins with (API reference C9)."""
TEST_RESOURCE = "https://api.partnercenter.microsoft.com/webhooks/v1/registration/test"
ATTEMPTS = 10
FIRST_PAUSE = 1.0
"""Seconds after the first failed attempt; doubled after each further one (API reference U32)."""
WAIT_SECONDS = 10.0
CERTIFICATE_PATH = "/certificates"


class EventName(StrEnum):
    """What can be asked for."""

    CREATED = "referral-created"
    UPDATED = "referral-updated"
    RELATED_CREATED = "related-referral-created"
    RELATED_UPDATED = "related-referral-updated"
    TEST = "test-created"


@dataclass(frozen=True, slots=True)
class Registration:
    """Where the tenant wants its notifications, and which."""

    url: str
    events: tuple[str, ...]
    own_header: bool
    """The signature comes in `x-ms-signature` instead of `Authorization`."""
    subscriber: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(slots=True)
class Delivery:
    """One notification and how it fares; `statuses` has None for no answer."""

    seq: int
    at: datetime
    event: str
    referral: str | None
    body: str
    statuses: list[int | None] = field(default_factory=list)
    done: bool = False


@dataclass(slots=True)
class Manners:
    """How deliveries misbehave on demand."""

    copies: int = 1
    """Every notification is delivered this often."""
    hold: bool = False
    """Nothing is delivered until it is released, the newest first."""
    lose: bool = False
    """Nothing is delivered at all."""
    certificate: Kind = Kind.GOOD


@dataclass(slots=True)
class Check:
    """A test somebody asked for."""

    id: str
    delivery: Delivery
    url: str


class Webhooks:
    """The service. `address` is the base of the server that hands the certificates out."""

    def __init__(
        self, clock: Clock, session: aiohttp.ClientSession, address: str, start: str | None = None
    ) -> None:
        self.certificates = Certificates()
        self.manners = Manners()
        self.deliveries: list[Delivery] = []
        self.checks: dict[str, Check] = {}
        self.tested: deque[float] = deque()
        """When the last tests were asked for, in epoch seconds."""
        self.registration: Registration | None = None
        self._clock = clock
        self._session = session
        self._address = address
        self._start = start
        self._held: list[Delivery] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.reset()

    def reset(self) -> None:
        """Nobody but who was there at the start gets notifications; nothing is on its way."""
        for task in self._tasks:
            task.cancel()
        self._held.clear()
        self.deliveries.clear()
        self.checks.clear()
        self.tested.clear()
        self.certificates.fetched.clear()
        self.manners = Manners()
        self.registration = (
            Registration(self._start, tuple(EventName), own_header=True) if self._start else None
        )

    async def close(self) -> None:
        """Give up what is on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def changed(self, before: Document | None, after: Document) -> None:
        """A referral was made or changed: notify of it, or of the other party's."""
        created = before is None
        if is_own(after):
            name = EventName.CREATED if created else EventName.UPDATED
        else:
            name = EventName.RELATED_CREATED if created else EventName.RELATED_UPDATED
        moment = wire.moment(after.get("updatedDateTime")) or self._clock.now()
        self.announce(name, wire.text_at(after, "id"), moment)

    def announce(self, name: str, referral: str | None, moment: datetime) -> Delivery | None:
        """Notify of an event, if somebody asked for it."""
        registration = self.registration
        if registration is None or name not in registration.events or self.manners.lose:
            return None
        delivery = self._made(name, payload(name, referral, moment), referral)
        if self.manners.hold:
            self._held.append(delivery)
        else:
            for _ in range(self.manners.copies):
                self._send(registration, delivery)
        return delivery

    def release(self) -> int:
        """Deliver what was held, the newest first; gives how many."""
        self.manners.hold = False
        released, self._held = self._held[::-1], []
        if self.registration is not None and released:
            self._start_task(self._in_order(self.registration, released))
        return len(released)

    def check(self) -> Check | None:
        """Send a test event, as validationEvents does; None when nobody asked for tests."""
        delivery = self.announce(EventName.TEST, None, self._clock.now())
        if delivery is None or self.registration is None:
            return None
        made = Check(str(uuid.uuid4()), delivery, self.registration.url)
        self.checks[made.id] = made
        return made

    async def deliver(
        self,
        body: bytes,
        headers: Mapping[str, str | None],
        kind: Kind = Kind.GOOD,
        *,
        instead: bytes | None = None,
        url: str | None = None,
    ) -> int | None:
        """Post any body once, signed but for what `headers` replaces (None takes one away).

        With `instead` that body is sent and the other one signed; it goes to `url`, or to who is
        registered. Gives the answer's status. Raises LookupError when nobody is registered.
        """
        if self.registration is None:
            raise LookupError("nobody is registered for notifications")
        signed = self._headers(self.registration, body, kind)
        named = {name.lower(): value for name, value in headers.items()}
        kept = {name: value for name, value in signed.items() if name.lower() not in named}
        given = {name: value for name, value in headers.items() if value is not None}
        sent = body if instead is None else instead
        return await self._post(url or self.registration.url, sent, {**kept, **given})

    def _made(self, name: str, body: bytes, referral: str | None) -> Delivery:
        number = len(self.deliveries) + 1
        made = Delivery(number, self._clock.now(), name, referral, body.decode())
        self.deliveries.append(made)
        return made

    def _send(self, registration: Registration, delivery: Delivery) -> None:
        self._start_task(self._attempts(registration, delivery))

    def _start_task(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _in_order(self, registration: Registration, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            for _ in range(self.manners.copies):
                await self._attempts(registration, delivery)

    async def _attempts(self, registration: Registration, delivery: Delivery) -> None:
        """Ten attempts with doubled pauses, by the sandbox's clock."""
        body = delivery.body.encode()
        for number in range(ATTEMPTS):
            headers = self._headers(registration, body, self.manners.certificate)
            status = await self._post(registration.url, body, headers)
            delivery.statuses.append(status)
            if status is not None and 200 <= status < 300:
                break
            if number + 1 < ATTEMPTS:
                await self._clock.sleep(FIRST_PAUSE * 2**number)
        delivery.done = True

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        wait = aiohttp.ClientTimeout(total=WAIT_SECONDS)
        try:
            async with self._session.post(
                url, data=body, headers=headers, allow_redirects=False, timeout=wait
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return None

    def _headers(self, registration: Registration, body: bytes, kind: Kind) -> dict[str, str]:
        signature = base64.b64encode(self.certificates.pair(kind).sign(body)).decode()
        header = "x-ms-signature" if registration.own_header else "Authorization"
        return {
            "Content-Type": "application/json; charset=utf-8",
            header: f"Signature {signature}",
            "X-MS-Certificate-Url": self.certificate_url(kind),
            "X-MS-Signature-Algorithm": "rsa-sha256",
        }

    def certificate_url(self, kind: Kind) -> str:
        """Where a certificate is handed out."""
        return f"{self._address}{CERTIFICATE_PATH}/{kind.value}/{FILE}"


def payload(name: str, referral: str | None, moment: datetime) -> bytes:
    """The documented body: no facts of the deal, no user (API reference 11)."""
    resource = TEST_RESOURCE if referral is None else f"{RESOURCE}/{referral}"
    body: Document = {
        "EventName": name,
        "ResourceUri": resource,
        "ResourceName": "test" if referral is None else "referral",
        "AuditUri": None,
        "ResourceChangeUtcDate": f"{moment:%Y-%m-%dT%H:%M:%S.%f}0+00:00",
    }
    return wire.write(body).encode()
