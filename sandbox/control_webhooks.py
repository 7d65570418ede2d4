"""Control routes for notifications: who gets them, how they misbehave, and forged ones."""

from __future__ import annotations

import base64
from typing import cast

from aiohttp import web

from sandbox.body import BadCall, Body, answer
from sandbox.house import House
from sandbox.webhook_api import read_registration
from sandbox.webhook_certificates import Kind
from sandbox.webhooks import EventName, payload
from sandbox.wire import Json


def routes(house: House) -> list[web.RouteDef]:
    """All of them, below `/_sandbox`."""
    control = WebhookControl(house)
    return [
        web.get("/_sandbox/webhooks", control.show),
        web.post("/_sandbox/webhooks", control.change),
        web.post("/_sandbox/webhooks/release", control.release),
        web.post("/_sandbox/webhooks/roll", control.roll),
        web.post("/_sandbox/webhooks/announce", control.announce),
        web.post("/_sandbox/webhooks/deliver", control.deliver),
    ]


class WebhookControl:
    """The handlers."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.webhooks = house.webhooks

    async def show(self, request: web.Request) -> web.Response:
        """The registration, every notification with its answers, and certificates asked for."""
        webhooks = self.webhooks
        return answer(
            {
                "registration": webhooks.registration,
                "manners": webhooks.manners,
                "deliveries": webhooks.deliveries,
                "fetched": webhooks.certificates.fetched,
                "certificates": {kind: webhooks.certificate_url(kind) for kind in Kind},
            }
        )

    async def change(self, request: web.Request) -> web.Response:
        """`{"url", "events", "own_header"}` registers, as the API does; `{"url": ""}` ends it.
        `{"copies", "hold", "lose", "certificate"}`: how deliveries misbehave."""
        body = await Body.of(request)
        url = body.optional("url")
        if url == "":
            self.webhooks.registration = None
        elif url is not None:
            events = body.members.get("events", list(EventName))
            document = {
                "WebhookUrl": url,
                "WebhookEvents": events,
                "SignatureTokenToMsSignatureHeader": body.flag("own_header", True),
            }
            registration = read_registration(cast("Json", document))
            if registration is None:
                raise BadCall("url is on this machine and events are known ones")
            self.webhooks.registration = registration
        manners = self.webhooks.manners
        manners.copies = body.count("copies", manners.copies)
        manners.hold = body.flag("hold", manners.hold)
        manners.lose = body.flag("lose", manners.lose)
        manners.certificate = _kind(body, manners.certificate)
        return await self.show(request)

    async def release(self, request: web.Request) -> web.Response:
        """Deliver what was held, the newest first."""
        return answer({"released": self.webhooks.release()})

    async def roll(self, request: web.Request) -> web.Response:
        """Sign with new keys under the same addresses."""
        self.webhooks.certificates.roll()
        return answer({})

    async def announce(self, request: web.Request) -> web.Response:
        """`{"event", "referral", "age"}`: a notification of a change `age` seconds ago."""
        body = await Body.of(request)
        clock = self.house.world.clock
        moment = clock.before(body.count("age", 0))
        made = self.webhooks.announce(body.text("event"), body.optional("referral"), moment)
        return answer({"seq": made.seq if made else None})

    async def deliver(self, request: web.Request) -> web.Response:
        """`{"event", "referral", "age"}` or `{"body" | "body64"}`, with `headers` that replace
        the signed ones (null takes one away) and `certificate`: one delivery, never repeated.

        `then` is a body that is sent in place of the signed one, `to` another address.
        """
        body = await Body.of(request)
        headers = {
            name: None if value is None else str(value)
            for name, value in body.mapping("headers").items()
        }
        signed = self._signed(body)
        then, to = body.optional("then"), body.here("to")
        try:
            status = await self.webhooks.deliver(
                signed,
                headers,
                _kind(body, Kind.GOOD),
                instead=then.encode() if then else None,
                url=to,
            )
        except LookupError as error:
            raise BadCall(str(error)) from error
        return answer({"status": status, "body": signed.decode("utf-8", "replace")})

    def _signed(self, body: Body) -> bytes:
        given, encoded = body.optional("body"), body.optional("body64")
        if encoded is not None:
            try:
                return base64.b64decode(encoded, validate=True)
            except ValueError as error:
                raise BadCall("body64 is not base64") from error
        if given is not None:
            return given.encode()
        moment = self.house.world.clock.before(body.count("age", 0))
        return payload(body.text("event"), body.optional("referral"), moment)


def _kind(body: Body, default: Kind) -> Kind:
    name = body.text("certificate", default.value)
    if name not in set(Kind):
        raise BadCall(f"there is no certificate {name!r}")
    return Kind(name)
