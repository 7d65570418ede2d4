"""The registration API of notifications: `/webhooks/v1/registration` (API reference 11)."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from sandbox import wire
from sandbox.clock import Clock
from sandbox.entra_tokens import PARTNER_CENTER_API, EntraTokens
from sandbox.gateway import MINUTE, json_answer
from sandbox.keys import BadToken
from sandbox.loopback import is_here
from sandbox.webhooks import EventName, Registration, Webhooks
from sandbox.wire import Document, Json

API_NAME = "webhooks"
"""What fault switches call this API."""
BASE = "/webhooks/v1/registration"
TESTS_A_MINUTE = 2


@dataclass(slots=True)
class WebhookApi:
    """The handlers. The app calls with a token of its own: no person has one for this API here."""

    webhooks: Webhooks
    tokens: EntraTokens
    clock: Clock

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        return [
            web.get(f"{BASE}/events", self.events),
            web.get(BASE, self.show),
            web.post(BASE, self.create),
            web.put(BASE, self.replace),
            web.post(f"{BASE}/validationEvents", self.test),
            web.get(f"{BASE}/validationEvents/{{id}}", self.result),
        ]

    async def events(self, request: web.Request) -> web.Response:
        """What can be asked for."""
        return self._refused(request) or json_answer(list(EventName))

    async def show(self, request: web.Request) -> web.Response:
        """The tenant's one registration."""
        if refused := self._refused(request):
            return refused
        found = self.webhooks.registration
        return _missing() if found is None else json_answer(_shown(found))

    async def create(self, request: web.Request) -> web.Response:
        """The first registration; a second one is refused."""
        if refused := self._refused(request):
            return refused
        if self.webhooks.registration is not None:
            return _trouble(409, "A registration exists already.")
        return await self._keep(request)

    async def replace(self, request: web.Request) -> web.Response:
        """Another registration in place of the one there is."""
        if refused := self._refused(request):
            return refused
        if self.webhooks.registration is None:
            return _missing()
        return await self._keep(request)

    async def test(self, request: web.Request) -> web.Response:
        """Send a test event, twice a minute at most."""
        if refused := self._refused(request):
            return refused
        now, tested = self.clock.now().timestamp(), self.webhooks.tested
        while tested and not 0 <= now - tested[0] < MINUTE:
            tested.popleft()
        if len(tested) >= TESTS_A_MINUTE:
            return _trouble(429, "At most two tests a minute.", {"Retry-After": "60"})
        check = self.webhooks.check()
        if check is None:
            return _trouble(400, "Not registered for test-created.")
        tested.append(now)
        return json_answer({"correlationId": check.id})

    async def result(self, request: web.Request) -> web.Response:
        """How a test went so far."""
        if refused := self._refused(request):
            return refused
        check = self.webhooks.checks.get(request.match_info["id"])
        if check is None:
            return _missing()
        results: list[Json] = [
            {
                "responseCode": _code(status),
                "responseMessage": "",
                "systemError": status is None,
                "dateTimeUtc": wire.stamp(check.delivery.at),
            }
            for status in check.delivery.statuses
        ]
        status = "completed" if check.delivery.done else "processing"
        return json_answer(
            {
                "correlationId": check.id,
                "partnerId": "",
                "status": status,
                "callbackUrl": check.url,
                "results": results,
            }
        )

    def _refused(self, request: web.Request) -> web.Response | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise BadToken("no bearer token")
            self.tokens.read_app(token, PARTNER_CENTER_API)
        except BadToken as error:
            return _trouble(401, f"Not authorized: {error}.")
        return None

    async def _keep(self, request: web.Request) -> web.Response:
        try:
            body = wire.read(await request.read())
        except wire.UnreadableJson:
            return _trouble(400, "The body is not JSON.")
        registration = read_registration(body)
        if registration is None:
            return _trouble(400, "The registration is not complete.")
        self.webhooks.registration = registration
        return json_answer({"SubscriberId": registration.subscriber, **_shown(registration)})


def read_registration(body: Json) -> Registration | None:
    """A registration of an endpoint on this machine, names of members in any case."""
    if not isinstance(body, dict):
        return None
    given = {name.lower(): value for name, value in body.items()}
    url, events = given.get("webhookurl"), given.get("webhookevents")
    if not isinstance(url, str) or not is_here(url):
        return None
    if not isinstance(events, list) or not events:
        return None
    named = tuple(event for event in events if isinstance(event, str) and event in set(EventName))
    if len(named) != len(events):
        return None
    return Registration(
        url, named, own_header=given.get("signaturetokentomssignatureheader") is True
    )


def _shown(registration: Registration) -> Document:
    return {"WebhookUrl": registration.url, "WebhookEvents": list(registration.events)}


def _code(status: int | None) -> str:
    if status is None:
        return ""
    return "OK" if status == 200 else str(status)


def _missing() -> web.Response:
    return _trouble(404, "There is no such registration.")


def _trouble(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    """The older error body of this API (API reference 12.1)."""
    body = wire.write({"code": status, "description": text, "data": [], "source": "webhooks"})
    return web.Response(status=status, text=body, content_type="application/json", headers=headers)
