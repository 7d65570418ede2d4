"""What a bot needs around it to be measured: a connector, signing keys and Entra, all on loopback.

They do the least that is true: no rules, no people, no faults. They run in the harness, so that
their cost is never the server's.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from sandbox.keys import KeyRing
from sandbox.tls import make_tls
from tests.bots import free_port

ISSUER = "https://api.botframework.com"
TENANT = "7d3c9a52-4a1e-4f0b-9a86-0f2d54a9c1e7"
APP_ID = "c0a1b2d3-5e6f-4a7b-8c9d-0e1f2a3b4c5d"
TOKEN_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Counts:
    """What has reached the stand-ins so far."""

    replies: int
    connections: int
    token_calls: int

    def since(self, before: Counts) -> Counts:
        """What came after `before`."""
        return Counts(
            self.replies - before.replies,
            self.connections - before.connections,
            self.token_calls - before.token_calls,
        )


@dataclass(slots=True)
class Outside:
    """The world outside the bot; `http` and `https` are its bases."""

    http: str
    https: str
    ca_file: Path
    keys: KeyRing = field(default_factory=lambda: KeyRing(endorsements=("msteams",)))
    last_reply: bytes = b""
    _replies: int = 0
    _token_calls: int = 0
    _peers: set[object] = field(default_factory=set)

    @property
    def service_url(self) -> str:
        """The connector, as activities name it."""
        return f"{self.http}/teams/"

    @property
    def metadata_url(self) -> str:
        """Where the keys of inbound tokens are found."""
        return f"{self.http}/keys/openidconfiguration"

    def counts(self) -> Counts:
        """What has reached the stand-ins; a connection counts once it carried a request."""
        return Counts(self._replies, len(self._peers), self._token_calls)

    def channel_token(self) -> str:
        """A token as Teams sends it with an activity: RS256, good for an hour."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": APP_ID,
            "serviceurl": self.service_url,
            "nbf": now - 60,
            "exp": now + TOKEN_SECONDS,
        }
        return self.keys.sign(claims)

    def plain_routes(self) -> list[web.RouteDef]:
        """The connector and the signing keys."""
        activities = "/teams/v3/conversations/{conversation}/activities"
        return [
            web.post(activities, self._reply),
            web.post(activities + "/{activity}", self._reply),
            web.get("/keys/openidconfiguration", self._metadata),
            web.get("/keys/jwks", self._jwks),
        ]

    def tls_routes(self) -> list[web.RouteDef]:
        """Entra, which MSAL reaches over TLS only."""
        return [
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery),
            web.post("/{tenant}/oauth2/v2.0/token", self._token),
        ]

    async def _reply(self, request: web.Request) -> web.Response:
        self.last_reply = await request.read()
        self._replies += 1
        if request.transport is not None:
            self._peers.add(request.transport.get_extra_info("peername"))
        return web.json_response({"id": f"1:{self._replies}"})

    async def _metadata(self, _request: web.Request) -> web.Response:
        return web.json_response({"issuer": ISSUER, "jwks_uri": f"{self.http}/keys/jwks"})

    async def _jwks(self, _request: web.Request) -> web.Response:
        return web.json_response(self.keys.jwks())

    async def _discovery(self, _request: web.Request) -> web.Response:
        base = f"{self.https}/{TENANT}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
            }
        )

    async def _token(self, _request: web.Request) -> web.Response:
        self._token_calls += 1
        return web.json_response(
            {"token_type": "Bearer", "expires_in": TOKEN_SECONDS, "access_token": "for-the-bench"}
        )


@asynccontextmanager
async def outside(folder: Path) -> AsyncIterator[Outside]:
    """Serves the stand-ins inside the block; `folder` keeps the certificate of their authority."""
    tls = make_tls(folder)
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
            runner = web.AppRunner(app, access_log=None)
            runners.append(runner)
            await runner.setup()
            await web.SockSite(runner, listener, ssl_context=context).start()
        yield world
    finally:
        for runner in runners:
            await runner.cleanup()
        plain.close()
        secure.close()
