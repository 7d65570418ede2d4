"""Entra on loopback for tests of the sign-in: TLS for the bot, a plain page for the browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from ssl import SSLContext
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware
from cryptography.fernet import Fernet
from pydantic import SecretStr

from bot.conversation import Person, Place, PlaceKind
from bot.identity import Identity
from bot.settings import Settings, load
from bot.store.engine import Store
from sandbox.accounts import Accounts
from sandbox.entra import Entra
from sandbox.entra_routes import EntraRoutes
from sandbox.entra_tokens import EntraTokens
from sandbox.keys import KeyRing
from sandbox.people import APP_ID, BOT_ID, PEOPLE, TENANT_ID
from sandbox.tls import Tls

SECRET = "app-secret-canary"
PUBLIC_URL = "http://127.0.0.1:3978"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def person(key: str) -> Person:
    """One of the sandbox's people, as a verified activity would name them."""
    known = PEOPLE[key]
    return Person(TENANT_ID, known.oid, known.name, known.teams_id)


def personal(key: str) -> Place:
    """That person's chat with the bot."""
    return Place(
        PlaceKind.PERSONAL, TENANT_ID, f"a:personal-{key}", "http://127.0.0.1:1/teams/", BOT_ID
    )


@dataclass
class Clock:
    """A clock the test moves."""

    now: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Moves on, as in `advance(minutes=5)`."""
        self.now += timedelta(**by)


@dataclass
class Stand:
    """The running Entra and what the bot is told about it."""

    entra: Entra
    authority: str
    ca_file: Path
    keys: list[str] = field(default_factory=lambda: [Fernet.generate_key().decode()])
    before_token: Callable[[], Awaitable[web.StreamResponse | None]] | None = None

    def settings(self) -> Settings:
        """Settings that point at this Entra."""
        return load(
            None,
            app_id=APP_ID,
            app_secret=SecretStr(SECRET),
            tenant_id=TENANT_ID,
            authority=self.authority,
            ca_file=self.ca_file,
            public_url=PUBLIC_URL,
            encryption_keys=tuple(SecretStr(key) for key in self.keys),
        )

    def identity(self, store: Store, clock: Callable[[], datetime]) -> Identity:
        """A fresh Identity, as after a restart."""
        return Identity(self.settings(), store, clock)

    def grants(self, grant: str) -> int:
        """How many calls of the token endpoint used this grant."""
        return sum(call.grant == grant for call in self.entra.calls)


@asynccontextmanager
async def running(keys: KeyRing, tls: Tls) -> AsyncIterator[Stand]:
    """Serves Entra until the block ends."""
    accounts = Accounts()
    tokens = EntraTokens(keys, accounts, now=lambda: datetime.now(UTC).timestamp())
    entra = Entra(
        tokens, accounts, SECRET, redirect_uris=lambda: frozenset({f"{PUBLIC_URL}/auth/callback"})
    )
    stand = Stand(entra, "", tls.ca_file)
    routes = EntraRoutes(entra, "", "")
    app = web.Application(middlewares=[_before_token(stand)])
    app.router.add_routes(
        [
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", _served(stand, "metadata")),
            web.get("/{tenant}/discovery/v2.0/keys", routes.keys),
            web.post("/{tenant}/oauth2/v2.0/token", routes.token),
        ]
    )
    async with _site(app, tls.context) as base:
        stand.authority = f"{base}/{TENANT_ID}"
        tokens.issuer_v2 = f"{stand.authority}/v2.0"
        yield stand


def browse(stand: Stand, url: str, who: str, *, password_only: bool = False) -> dict[str, str]:
    """Picks a person on the authorize page; the query the browser comes back with."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    wanted = stand.entra.authorize(query)
    back = stand.entra.pick(wanted, who, password_only=password_only)
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


def files(folder: Path) -> bytes:
    """Everything the database left on disk."""
    return b"".join(path.read_bytes() for path in folder.glob("dealdesk.db*"))


def state_of(link: str) -> str:
    """The secret in a sign-in link."""
    return parse_qs(urlsplit(link).query)["state"][0]


async def sign_in(stand: Stand, identity: Identity, who: str) -> None:
    """The whole way through the browser."""
    link = await identity.sign_in_link(person(who), personal(who))
    started = await identity.start(state_of(link))
    await identity.finish(browse(stand, started.url, who), {started.cookie_name: started.cookie})


def cookies_of(header: str) -> dict[str, str]:
    """Name and value of a Set-Cookie header."""
    return {name: morsel.value for name, morsel in SimpleCookie(header).items()}


def _served(stand: Stand, name: str) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        base = stand.authority.rpartition("/")[0]
        served: Handler = getattr(EntraRoutes(stand.entra, base, "http://127.0.0.1:1"), name)
        return await served(request)

    return handler


def _before_token(stand: Stand) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.endswith("/token") and stand.before_token is not None:
            answer = await stand.before_token()
            if answer is not None:
                return answer
        return await handler(request)

    return middleware


@asynccontextmanager
async def _site(app: web.Application, context: SSLContext) -> AsyncIterator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        for connection in runner.server.connections if runner.server else ():
            if connection.transport is not None:
                connection.transport.abort()
        await runner.cleanup()
