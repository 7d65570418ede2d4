"""What the door stands between: Microsoft's servers on one side, a recording bot on the other."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import ipaddress
import itertools
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import jwt
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from bot.conversation import (
    Answer,
    Exchanged,
    Installed,
    Message,
    Place,
    PlaceKind,
    Pressed,
    Said,
)
from bot.serving import listening
from bot.settings import Settings, check, load
from bot.store.engine import Store, open_store, upgrade
from bot.teams.door import Door, Patience
from bot.teams.parts import Teams
from bot.web import create_app

APP_ID = "0a1b2c3d-1111-4222-8333-444455556666"
TENANT = "7f6e5d4c-1111-4222-8333-444455556666"
ADA = "91587c2a-633e-4263-a000-307fa96d1741"
BOT_ID = f"28:{APP_ID}"
ISSUER = "https://api.botframework.com"
AT_START = 1
"""Tokens of its own that the bot asks Entra for while it starts."""
START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
SIGNING = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_ids = itertools.count(1)


class Clock:
    """Wall and monotonic time that move only when told."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> dt.datetime:
        return START + dt.timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    def advance(self, seconds: float) -> None:
        self.passed += seconds


def jwk(key: rsa.RSAPrivateKey, kid: str, endorsements: list[str] | None) -> dict[str, object]:
    found: dict[str, object] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    found |= {"kid": kid, "use": "sig"}
    return found if endorsements is None else found | {"endorsements": endorsements}


class KeyServer:
    """Bot Framework's OpenID metadata and keys."""

    def __init__(self) -> None:
        self.keys = [jwk(SIGNING, "one", ["msteams"])]
        self.fetches = 0
        self.status = 200
        self.fetched = asyncio.Event()
        self.hold: asyncio.Event | None = None
        self.origin = ""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openidconfiguration", self._metadata)
        app.router.add_get("/keys", self._keys)
        return app

    async def _metadata(self, _request: web.Request) -> web.Response:
        self.fetches += 1
        self.fetched.set()
        if self.hold is not None:
            await self.hold.wait()
        document = {"issuer": ISSUER, "jwks_uri": f"{self.origin}/keys"}
        return web.json_response(document, status=self.status)

    async def _keys(self, _request: web.Request) -> web.Response:
        return web.json_response({"keys": self.keys})


@dataclass(frozen=True, slots=True)
class Call:
    """One request the connector received."""

    method: str
    path: str
    body: Mapping[str, object] | None
    authorization: str | None
    content_type: str | None


Reaction = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ConnectorServer:
    """Bot Connector: takes every send and counts connections."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.connections: set[object] = set()
        self.reactions: list[Reaction] = []
        self.change = asyncio.Condition()
        self.origin = ""

    @property
    def service_url(self) -> str:
        return f"{self.origin}/teams/"

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self._take)
        return app

    async def _take(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.calls.append(
            Call(
                request.method,
                request.raw_path,
                json.loads(raw) if raw else None,
                request.headers.get("Authorization"),
                request.headers.get("Content-Type"),
            )
        )
        async with self.change:
            self.change.notify_all()
        if request.transport is not None:
            self.connections.add(request.transport.get_extra_info("peername"))
        if self.reactions:
            return await self.reactions.pop(0)(request)
        return web.json_response({"id": f"sent-{len(self.calls)}"}, status=201)

    async def has_taken(self, count: int) -> None:
        """Returns when `count` calls have come."""
        async with self.change:
            await self.change.wait_for(lambda: len(self.calls) >= count)

    def answers(
        self, status: int, body: object = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """The next call is answered so."""

        async def react(_request: web.Request) -> web.Response:
            return web.json_response(body, status=status, headers=headers)

        self.reactions.append(react)


class EntraServer:
    """Entra's discovery and token endpoints, over TLS as MSAL demands."""

    def __init__(self, folder: Path) -> None:
        self.requests = 0
        self.change = asyncio.Condition()
        self.expires_in = 3600
        self.status = 200
        self.origin = ""
        self.ca_file = folder / "ca.pem"
        self._key_file = folder / "server.pem"
        certificate, secret = _certificate()
        self.ca_file.write_bytes(certificate)
        self._key_file.write_bytes(secret + certificate)

    def trust(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._key_file)
        return context

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery)
        app.router.add_post("/{tenant}/token", self._token)
        app.on_response_prepare.append(self._close_after)
        return app

    async def has_granted(self, count: int) -> None:
        """Returns when `count` tokens were asked for."""
        async with self.change:
            await self.change.wait_for(lambda: self.requests >= count)

    async def _close_after(self, _request: web.Request, answer: web.StreamResponse) -> None:
        """An open TLS connection would outlive the event loop of a test."""
        answer.headers["Connection"] = "close"
        answer.force_close()

    async def _discovery(self, request: web.Request) -> web.Response:
        base = f"{self.origin}/{request.match_info['tenant']}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "jwks_uri": f"{base}/keys",
            }
        )

    async def _token(self, request: web.Request) -> web.Response:
        self.requests += 1
        async with self.change:
            self.change.notify_all()
        form = await request.post()
        if self.status != 200:
            return web.json_response({"error": "invalid_client"}, status=self.status)
        assert form["grant_type"] == "client_credentials"
        token = f"app-token-{self.requests}"
        return web.json_response(
            {"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in}
        )


@functools.cache
def _certificate() -> tuple[bytes, bytes]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM), secret


@dataclass
class Recorder:
    """A Listener that remembers what it was told and answers as set."""

    heard: list[Said | Pressed | Exchanged | Installed] = field(default_factory=list)
    answer: Answer | None = None
    exchange: bool = True
    repeatable: bool = False
    chosen: str | None = None
    react: Callable[[object], Awaitable[None]] | None = None
    change: asyncio.Condition = field(default_factory=asyncio.Condition)

    def may_repeat(self, heard: Said | Pressed) -> bool:
        return self.repeatable

    def locale(self, place: Place, wished: str) -> str:
        return self.chosen or wished

    def not_taken_in(self, heard: Said | Pressed, error: Exception) -> Message:
        return Message(text=f"Not begun: {type(error).__name__}")

    async def said(self, said: Said) -> None:
        await self._note(said)

    async def pressed(self, pressed: Pressed) -> Answer | None:
        await self._note(pressed)
        return self.answer

    async def exchanged(self, exchanged: Exchanged) -> bool:
        await self._note(exchanged)
        return self.exchange

    async def installed(self, installed: Installed) -> None:
        await self._note(installed)

    async def has_heard(self, count: int) -> None:
        """Returns when `count` things were heard."""
        async with self.change:
            await self.change.wait_for(lambda: len(self.heard) >= count)

    async def _note(self, what: Said | Pressed | Exchanged | Installed) -> None:
        async with self.change:
            self.heard.append(what)
            self.change.notify_all()
        if self.react is not None:
            await self.react(what)


@dataclass(frozen=True, slots=True)
class Reply:
    """What an HTTP client got back."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> object:
        return json.loads(self.body)


@dataclass
class Stage:
    """The running door and everything around it."""

    clock: Clock
    keys: KeyServer
    connector: ConnectorServer
    entra: EntraServer
    listener: Recorder
    settings: Settings
    store: Store
    teams: Teams
    door: Door
    base: str
    http: aiohttp.ClientSession
    stop: Callable[[], Awaitable[None]]

    def token(
        self,
        *,
        key: rsa.RSAPrivateKey = SIGNING,
        headers: Mapping[str, object] | None = None,
        without: tuple[str, ...] = (),
        **claims: object,
    ) -> str:
        """A token as Teams signs it, but for what is said otherwise."""
        moment = self.clock.now().timestamp()
        said: dict[str, object] = {
            "iss": ISSUER,
            "aud": APP_ID,
            "nbf": moment - 60,
            "exp": moment + 3600,
            "serviceurl": self.connector.service_url,
        }
        said |= claims
        for name in without:
            del said[name]
        return jwt.encode(said, key, algorithm="RS256", headers={"kid": "one", **(headers or {})})

    def activity(self, **changes: object) -> dict[str, object]:
        """A message in a personal chat, as Teams sends it; a change to None leaves a field out."""
        found: dict[str, object] = {
            "type": "message",
            "id": f"17410000{next(_ids)}",
            "timestamp": "2026-03-02T09:00:00.1234567Z",
            "channelId": "msteams",
            "serviceUrl": self.connector.service_url,
            "from": {"id": "29:1ada", "name": "Ada Lindqvist", "aadObjectId": ADA},
            "recipient": {"id": BOT_ID, "name": "Dealdesk"},
            "conversation": {
                "id": "a:personal-ada",
                "conversationType": "personal",
                "tenantId": TENANT,
            },
            "channelData": {"tenant": {"id": TENANT}},
            "text": "list",
            "locale": "en-GB",
            "entities": [{"type": "clientInfo", "locale": "en-GB", "timezone": "Europe/Stockholm"}],
        }
        found |= changes
        return {key: value for key, value in found.items() if value is not None}

    def invoke(self, name: str, value: object, **changes: object) -> dict[str, object]:
        return self.activity(type="invoke", name=name, value=value, text=None, **changes)

    def execute(self, verb: str = "show", **changes: object) -> dict[str, object]:
        value = {
            "action": {"type": "Action.Execute", "verb": verb, "data": {"deal": "x"}},
            "trigger": "manual",
        }
        return self.invoke("adaptiveCard/action", value, replyToId="m1", **changes)

    async def post(
        self,
        body: object = None,
        *,
        token: str | None = None,
        raw: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
        method: str = "POST",
    ) -> Reply:
        """Sends an activity to the door, with a valid token unless said otherwise."""
        sent = {
            "Authorization": f"Bearer {token or self.token()}",
            "Content-Type": "application/json; charset=utf-8",
            **(headers or {}),
        }
        data = raw if raw is not None else json.dumps(body).encode()
        async with self.http.request(
            method,
            f"{self.base}/api/messages",
            data=data,
            headers={name: value for name, value in sent.items() if value is not None},
            skip_auto_headers=["Content-Type"],
        ) as answer:
            return Reply(answer.status, await answer.read(), dict(answer.headers))

    async def get(self, path: str) -> Reply:
        async with self.http.get(f"{self.base}{path}") as answer:
            return Reply(answer.status, await answer.read(), dict(answer.headers))

    async def fetch(self, url: str, *, limit: int) -> bytes:
        """A document, as the door's own session fetches it."""
        async with self.http.get(url) as answer:
            return await answer.content.read(limit)

    @property
    def place(self) -> Place:
        return Place(
            PlaceKind.PERSONAL, TENANT, "a:personal-ada", self.connector.service_url, BOT_ID
        )


@asynccontextmanager
async def serving(app: web.Application, trust: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A stand-in on a free port; gives its origin."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=trust)
        await site.start()
        yield f"{'https' if trust else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def stage(
    folder: Path,
    *,
    patience: Patience | None = None,
    read_seconds: float = 5.0,
    silence: float = 5.0,
    most: int = 1000,
    webhooks: Callable[[Store, Clock], Iterable[web.AbstractRouteDef]] | None = None,
    **overrides: object,
) -> AsyncIterator[Stage]:
    """Everything running; the database and certificates are in `folder`."""
    clock, keys, connector = Clock(), KeyServer(), ConnectorServer()
    entra, listener = EntraServer(folder), Recorder()
    async with AsyncExitStack() as stack:
        keys.origin = await stack.enter_async_context(serving(keys.app()))
        connector.origin = await stack.enter_async_context(serving(connector.app()))
        entra.origin = await stack.enter_async_context(serving(entra.app(), entra.trust()))
        given: dict[str, object] = {
            "app_id": APP_ID,
            "app_secret": "a-client-secret",
            "tenant_id": TENANT,
            "authority": f"{entra.origin}/{TENANT}",
            "ca_file": str(entra.ca_file),
            "openid_metadata_url": f"{keys.origin}/.well-known/openidconfiguration",
            "connector_hosts": connector.origin.removeprefix("http://"),
            "partner_center_url": "http://127.0.0.1:9/partnercenter",
            "database_url": f"sqlite+aiosqlite:///{folder}/door.db",
        }
        settings = load(None, **(given | overrides))
        check(settings)
        store = open_store(settings.database_url)
        stack.push_async_callback(store.close)
        await upgrade(store)
        teams = Teams(settings, now=clock.now, monotonic=clock.monotonic)
        door = teams.door(store, listener, patience)
        more = webhooks(store, clock) if webhooks is not None else ()
        app = create_app(settings, door=door, webhooks=more, read_seconds=read_seconds)
        served = await stack.enter_async_context(AsyncExitStack())
        port = await served.enter_async_context(
            listening(app, "127.0.0.1", 0, silence=silence, most=most)
        )
        http = await stack.enter_async_context(aiohttp.ClientSession())
        await entra.has_granted(AT_START)
        yield Stage(
            clock,
            keys,
            connector,
            entra,
            listener,
            settings,
            store,
            teams,
            door,
            f"http://127.0.0.1:{port}",
            http,
            served.aclose,
        )
