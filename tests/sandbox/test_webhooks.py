"""The sandbox's notifications: its registration API, its signatures, ten attempts, misbehaviour."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox.accounts import Accounts
from sandbox.clock import Clock
from sandbox.deals import FABRIKAM, FABRIKAM_MICROSOFT
from sandbox.entra_tokens import BOT_FRAMEWORK, PARTNER_CENTER, PARTNER_CENTER_API, EntraTokens
from sandbox.keys import KeyRing
from sandbox.webhook_api import BASE, WebhookApi
from sandbox.webhooks import ATTEMPTS, EventName, Registration, Webhooks
from sandbox.wire import Json
from sandbox.world import World

NOTES: Json = [{"op": "replace", "path": "/details/notes", "value": "Hello."}]


@dataclass(slots=True)
class Ear:
    """An endpoint that keeps what it is sent and answers as told."""

    status: int = 200
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.heard.append(
            ({n.lower(): v for n, v in request.headers.items()}, await request.read())
        )
        return web.Response(status=self.status)

    @property
    def events(self) -> list[dict[str, object]]:
        return [json.loads(body) for _headers, body in self.heard]


@dataclass(slots=True)
class Office:
    """A world whose changes are announced to an ear."""

    world: World
    webhooks: Webhooks
    tokens: EntraTokens
    ear: Ear
    url: str
    api: str
    session: aiohttp.ClientSession

    async def call(
        self, method: str, path: str = "", body: object = None, token: str | None = None
    ) -> tuple[int, object]:
        """One call of the registration API, with the app's token unless another is given."""
        given = token if token is not None else self.tokens.app_access(PARTNER_CENTER_API)
        async with self.session.request(
            method,
            f"{self.api}{BASE}{path}",
            json=body,
            headers={"Authorization": f"Bearer {given}"},
        ) as answer:
            return answer.status, await answer.json()

    async def tried(self, times: int) -> None:
        """Wait until the first delivery was tried so often."""
        (delivery,) = self.webhooks.deliveries
        await self.until(lambda: len(delivery.statuses) == times)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while True:
                if holds():
                    return
                await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(*routes: web.RouteDef) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(routes)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    ear = Ear()
    world = World(Clock(lambda: now))
    tokens = EntraTokens(KeyRing(), Accounts(), lambda: world.clock.now().timestamp())
    async with (
        aiohttp.ClientSession() as session,
        serving(web.post("/ear", ear.take)) as origin,
    ):
        webhooks = Webhooks(world.clock, session, "https://127.0.0.1:1")
        world.deals.on_change = webhooks.changed
        async with serving(*WebhookApi(webhooks, tokens, world.clock).routes()) as api:
            yield Office(world, webhooks, tokens, ear, f"{origin}/ear", api, session)
        await webhooks.close()


def register(office: Office, *events: str, own_header: bool = True) -> None:
    office.webhooks.registration = Registration(office.url, events or tuple(EventName), own_header)


@pytest.mark.parametrize("own_header", [True, False])
async def test_a_change_is_announced_as_documented(office: Office, own_header: bool) -> None:
    register(office, own_header=own_header)
    after = office.world.edit(FABRIKAM, NOTES)
    await office.until(lambda: bool(office.ear.heard))
    ((headers, body),) = office.ear.heard
    said = json.loads(body)
    assert said["EventName"] == "referral-updated"
    assert said["ResourceUri"] == (
        f"https://api.partnercenter.microsoft.com/engagements/v1/referrals/{FABRIKAM}"
    )
    assert set(said) == {
        "EventName",
        "ResourceUri",
        "ResourceName",
        "AuditUri",
        "ResourceChangeUtcDate",
    }
    assert said["ResourceChangeUtcDate"][:26] == str(after["updatedDateTime"])[:26]
    scheme, _, signature = headers["x-ms-signature" if own_header else "authorization"].partition(
        " "
    )
    pair = office.webhooks.certificates.pair()
    key = x509.load_der_x509_certificate(pair.certificate).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(signature), body, padding.PKCS1v15(), hashes.SHA256())
    assert (scheme, headers["x-ms-signature-algorithm"]) == ("Signature", "rsa-sha256")


async def test_another_partys_referral_is_a_related_one(office: Office) -> None:
    register(office)
    office.world.edit(FABRIKAM_MICROSOFT, NOTES)
    await office.until(lambda: bool(office.ear.heard))
    (said,) = office.ear.events
    assert said["EventName"] == "related-referral-updated"
    assert str(said["ResourceUri"]).endswith(FABRIKAM_MICROSOFT)


async def test_only_what_was_asked_for_is_announced_and_a_reset_is_silent(office: Office) -> None:
    register(office, EventName.CREATED)
    office.world.edit(FABRIKAM, NOTES)
    office.world.reset()
    assert office.webhooks.deliveries == []


async def test_ten_attempts_with_doubled_pauses(office: Office) -> None:
    register(office)
    office.ear.status = 503
    office.world.edit(FABRIKAM, NOTES)
    (delivery,) = office.webhooks.deliveries
    pauses = [2**number for number in range(ATTEMPTS - 1)]
    for number, pause in enumerate(pauses, start=1):
        await office.tried(number)
        office.world.clock.advance(pause - 0.01)
        await asyncio.sleep(0)
        assert len(delivery.statuses) == number
        office.world.clock.advance(0.01)
    await office.until(lambda: delivery.done)
    assert delivery.statuses == [503] * ATTEMPTS
    office.world.clock.advance(10_000)
    assert len(office.ear.heard) == ATTEMPTS


async def test_doubles_losses_and_disorder_on_demand(office: Office) -> None:
    register(office)
    office.webhooks.manners.lose = True
    office.world.edit(FABRIKAM, NOTES)
    office.webhooks.manners.lose = False
    office.webhooks.manners.copies, office.webhooks.manners.hold = 2, True
    for _ in range(3):
        office.world.edit(FABRIKAM, NOTES)
    assert office.ear.heard == []
    assert office.webhooks.release() == 3
    await office.until(lambda: len(office.ear.heard) == 6)
    moments = [str(said["ResourceChangeUtcDate"]) for said in office.ear.events]
    assert moments == sorted(moments, reverse=True)
    assert len(set(moments)) == 3


async def test_the_registration_api(office: Office) -> None:
    assert await office.call("GET", "/events") == (200, list(EventName))
    assert (await office.call("GET"))[0] == 404
    wanted = {
        "WebhookUrl": office.url,
        "WebhookEvents": ["referral-updated"],
        "SignatureTokenToMsSignatureHeader": True,
    }
    assert (await office.call("PUT", body=wanted))[0] == 404
    status, made = await office.call("POST", body=wanted)
    assert status == 200
    assert isinstance(made, dict)
    assert set(made) == {"SubscriberId", "WebhookUrl", "WebhookEvents"}
    assert (await office.call("POST", body=wanted))[0] == 409
    assert (await office.call("POST", "/validationEvents"))[0] == 400
    more = wanted | {"WebhookEvents": ["referral-updated", "test-created"]}
    assert (await office.call("PUT", body=more))[0] == 200
    assert await office.call("GET") == (
        200,
        {"WebhookUrl": office.url, "WebhookEvents": ["referral-updated", "test-created"]},
    )
    for wrong in (
        {},
        wanted | {"WebhookUrl": "https://example.com/x"},
        wanted | {"WebhookEvents": []},
        wanted | {"WebhookEvents": ["invoice-ready"]},
    ):
        assert (await office.call("PUT", body=wrong))[0] == 400


async def test_two_tests_a_minute(office: Office) -> None:
    register(office)
    status, made = await office.call("POST", "/validationEvents")
    assert status == 200
    assert isinstance(made, dict)
    await office.until(lambda: office.webhooks.deliveries[0].done)
    status, found = await office.call("GET", f"/validationEvents/{made['correlationId']}")
    assert isinstance(found, dict)
    assert (found["status"], found["callbackUrl"]) == ("completed", office.url)
    assert [result["responseCode"] for result in found["results"]] == ["OK"]
    assert office.ear.events[0]["EventName"] == "test-created"
    assert (await office.call("POST", "/validationEvents"))[0] == 200
    assert (await office.call("POST", "/validationEvents"))[0] == 429
    office.world.clock.advance(60)
    assert (await office.call("POST", "/validationEvents"))[0] == 200


async def test_a_clock_set_back_and_a_reset_allow_tests_again(office: Office) -> None:
    async def asked(times: int) -> list[int]:
        return [(await office.call("POST", "/validationEvents"))[0] for _ in range(times)]

    register(office)
    assert await asked(3) == [200, 200, 429]
    office.world.clock.advance(-86_400)
    assert await asked(3) == [200, 200, 429]
    office.webhooks.reset()
    register(office)
    assert await asked(1) == [200]


async def test_only_the_apps_own_token_for_this_service_is_taken(office: Office) -> None:
    for audience in (BOT_FRAMEWORK, PARTNER_CENTER):
        assert (await office.call("GET", token=office.tokens.app_access(audience)))[0] == 401
    assert (await office.call("GET", token="no.such.token"))[0] == 401
