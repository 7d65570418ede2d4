"""What a bot needs around it to be measured: a connector, Entra and Partner Center, on loopback.

They do the least that is true: no rules, no people, no faults, only a delay when told. They run in
the harness, so that their cost is never the server's. The connector and Entra speak TLS, also under
Microsoft's names, for servers whose addresses cannot be set.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.keys import KeyRing
from sandbox.tls import make_tls
from tests.bots import free_port
from tests.wire.samples import referral

ISSUER = "https://api.botframework.com"
TENANT = "7d3c9a52-4a1e-4f0b-9a86-0f2d54a9c1e7"
APP_ID = "c0a1b2d3-5e6f-4a7b-8c9d-0e1f2a3b4c5d"
TOKEN_SECONDS = 86_400
NAMES = ("login.microsoftonline.com", "login.botframework.com")
"""Servers of Microsoft that the stand-ins answer for."""
PAGE = 100
REFERRALS = "/v1.0/engagements/referrals"


@dataclass(frozen=True, slots=True)
class Counts:
    """What has reached the stand-ins so far."""

    replies: int
    connections: int
    token_calls: int
    upstream: int

    def since(self, before: Counts) -> Counts:
        """What came after `before`."""
        return Counts(
            self.replies - before.replies,
            self.connections - before.connections,
            self.token_calls - before.token_calls,
            self.upstream - before.upstream,
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """What a bot sent to the connector."""

    method: str
    body: bytes


@dataclass(slots=True)
class Delays:
    """Seconds until the stand-ins answer."""

    connector: float = 0.0
    conversations: str = ""
    """The connector is late only for conversations whose id begins so."""
    entra: float = 0.0
    partner_center: float = 0.0


@dataclass(slots=True)
class Outside:
    """The world outside the bot; `http` and `https` are its bases."""

    http: str
    https: str
    ca_file: Path
    keys: KeyRing = field(default_factory=lambda: KeyRing(endorsements=("msteams",)))
    delays: Delays = field(default_factory=Delays)
    deals: int = 30
    sent: list[Sent] = field(default_factory=list)
    """The last messages; only so many are kept."""
    asked: list[str] = field(default_factory=list)
    """The last paths and queries that Partner Center was asked for."""
    _replies: int = 0
    _token_calls: int = 0
    _upstream: int = 0
    _peers: set[object] = field(default_factory=set)
    _app_token: str = ""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def service_url(self) -> str:
        """The connector, as activities name it."""
        return f"{self.https}/teams/"

    @property
    def metadata_url(self) -> str:
        """Where the keys of inbound tokens are found."""
        return f"{self.http}/keys/openidconfiguration"

    @property
    def partner_center(self) -> str:
        """The base of Partner Center."""
        return f"{self.http}/partnercenter"

    def counts(self) -> Counts:
        """What has reached the stand-ins; a connection counts once it carried a message."""
        return Counts(self._replies, len(self._peers), self._token_calls, self._upstream)

    async def heard(self, replies: int) -> None:
        """Waits until so many messages have come."""
        while self._replies < replies:
            self._news.clear()
            await self._news.wait()

    def channel_token(self) -> str:
        """A token as Teams sends it with an activity: RS256, good for a day."""
        return self._token(ISSUER, APP_ID, serviceurl=self.service_url)

    def _token(self, issuer: str, audience: str, **more: str) -> str:
        now = int(time.time())
        life = {"nbf": now - 60, "iat": now - 60, "exp": now + TOKEN_SECONDS}
        return self.keys.sign({"iss": issuer, "aud": audience, **life, **more})

    def plain_routes(self) -> list[web.RouteDef]:
        """Signing keys and Partner Center."""
        return [
            web.get("/keys/openidconfiguration", self._metadata),
            web.get("/keys/jwks", self._jwks),
            web.get(f"/partnercenter{REFERRALS}", self._list),
            web.get(f"/partnercenter{REFERRALS}/{{id}}", self._referral),
        ]

    def tls_routes(self) -> list[web.RouteDef]:
        """The connector and Entra."""
        activities = "/teams/v3/conversations/{conversation}/activities"
        return [
            web.post(activities, self._message),
            web.post(activities + "/{activity}", self._message),
            web.put(activities + "/{activity}", self._message),
            web.get("/v1/.well-known/openidconfiguration", self._metadata),
            web.get("/v1/.well-known/keys", self._jwks),
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery),
            web.get("/common/discovery/instance", self._instances),
            web.post("/{tenant}/oauth2/v2.0/token", self._grant),
        ]

    async def _message(self, request: web.Request) -> web.Response:
        body = await request.read()
        _note(self.sent, Sent(request.method, body))
        self._replies += 1
        self._news.set()
        if request.transport is not None:
            self._peers.add(request.transport.get_extra_info("peername"))
        if request.match_info["conversation"].startswith(self.delays.conversations):
            await _pause(self.delays.connector)
        return web.json_response({"id": f"1:{self._replies}"})

    async def _metadata(self, request: web.Request) -> web.Response:
        keys = f"{self.http}/keys/jwks"
        if request.secure:
            keys = f"https://{request.host}/v1/.well-known/keys"
        found = {"issuer": ISSUER, "jwks_uri": keys}
        return web.json_response(
            found | {"id_token_signing_alg_values_supported": ["RS256"]},
        )

    async def _jwks(self, _request: web.Request) -> web.Response:
        return web.json_response(self.keys.jwks())

    async def _discovery(self, request: web.Request) -> web.Response:
        base = f"https://{request.host}/{request.match_info['tenant']}"
        await _pause(self.delays.entra)
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
            }
        )

    async def _instances(self, request: web.Request) -> web.Response:
        host = request.host
        found = {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
        tenant = f"https://{host}/common/v2.0/.well-known/openid-configuration"
        return web.json_response({"tenant_discovery_endpoint": tenant, "metadata": [found]})

    async def _grant(self, _request: web.Request) -> web.Response:
        self._token_calls += 1
        await _pause(self.delays.entra)
        self._app_token = self._app_token or self._token("https://login.example", ISSUER)
        return web.json_response(
            {
                "token_type": "Bearer",
                "expires_in": TOKEN_SECONDS,
                "access_token": self._app_token,
            }
        )

    async def _referral(self, request: web.Request) -> web.Response:
        self._was_asked(request)
        await _pause(self.delays.partner_center)
        deal = _document(request.match_info["id"])
        return web.Response(body=deal, content_type="application/json")

    async def _list(self, request: web.Request) -> web.Response:
        self._was_asked(request)
        await _pause(self.delays.partner_center)
        first = int(request.query.get("$skiptoken", "0"))
        last = min(first + PAGE, self.deals)
        deals = b",".join(_document(deal_id(number)) for number in range(first, last))
        following = b""
        if last < self.deals:
            link = f"{self.partner_center}{REFERRALS}?$skiptoken={last}"
            following = b'"@odata.nextLink":' + json.dumps(link).encode() + b","
        body = b"{" + following + b'"value":[' + deals + b"]}"
        return web.Response(body=body, content_type="application/json")

    def _was_asked(self, request: web.Request) -> None:
        self._upstream += 1
        _note(self.asked, request.path_qs)


def deal_id(number: int) -> str:
    """The id of the deal with this number."""
    return str(uuid.UUID(int=0xDEA1_0000_0000_4000_8000 << 48 | number))


def _document(id_of_it: str) -> bytes:
    return _DEAL.replace(b"@@", id_of_it.encode())


_DEAL = json.dumps(referral(id="@@", target=[], type="Independent")).encode()


def _note(kept: list[Any], found: object) -> None:
    kept.append(found)
    del kept[:-200]


async def _pause(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)


@asynccontextmanager
async def outside(folder: Path) -> AsyncIterator[Outside]:
    """Serves the stand-ins inside the block; `folder` keeps the certificate of their authority."""
    tls = make_tls(folder, NAMES)
    plain, secure = free_port(), free_port()
    world = Outside(
        f"http://127.0.0.1:{plain.getsockname()[1]}",
        f"https://127.0.0.1:{secure.getsockname()[1]}",
        tls.ca_file.resolve(),
    )
    runners = []
    try:
        for routes, listener, context in (
            (world.plain_routes(), plain, None),
            (world.tls_routes(), secure, tls.context),
        ):
            app = web.Application()
            app.add_routes(routes)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
            runners.append(runner)
            await runner.setup()
            await web.SockSite(runner, listener, ssl_context=context).start()
        yield world
    finally:
        for runner in runners:
            await runner.cleanup()
        plain.close()
        secure.close()
