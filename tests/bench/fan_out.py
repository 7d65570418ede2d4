"""`python -m tests.bench.fan_out`: one won deal to 1,000 channels, beside what Teams allows.

The bot is `python app.py` on SQLite and sends over HTTP; Teams and Entra are stand-ins that answer
and count. The deal is noticed in the harness on the same database, so that what is measured is
the bot that finds a thousand messages in its outbox.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from aiohttp import web
from cryptography.fernet import Fernet

from bot import log
from bot.conversation import Place, PlaceKind
from bot.desk import Desk
from bot.feed_rules import Filters, Kept, Wish
from bot.identity import Identity
from bot.seals import Seals
from bot.settings import load
from bot.store import feeds, outbox
from bot.store.engine import Store, open_store
from bot.store.feeds import Kind
from bot.teams.app_token import AppToken, Entra
from bot.teams.connector import Connector
from bot.teams.hosts import Hosts
from bot.teams.outside import Outside
from bot.windows import TENANT
from bot.won_deals import noticed
from cards.samples.deals import WON
from partner_center.client import PartnerCenter
from partner_center.exchange import make_http
from sandbox.tls import make_tls
from tests.bots import AsProcess, free_port, start_process, until_alive

OUT = Path("out/bench")
TENANT_ID = "7d3c9a52-4a1e-4f0b-9a86-0f2d54a9c1e7"
APP_ID = "c0a1b2d3-5e6f-4a7b-8c9d-0e1f2a3b4c5d"
(LIMIT,) = TENANT


@dataclass(slots=True)
class Teams:
    """The connector, and Entra's token endpoint: they answer, late if told, and count."""

    wanted: int
    answer_seconds: float
    http: str = ""
    https: str = ""
    arrived: list[float] = field(default_factory=list)
    """When each message came, in seconds of the harness's clock."""
    to: Counter[str] = field(default_factory=Counter)
    other_requests: int = 0
    token_requests: int = 0
    signed_in: asyncio.Event = field(default_factory=asyncio.Event)
    """The bot has its token, as one that runs has."""
    peers: set[object] = field(default_factory=set)
    all_there: asyncio.Event = field(default_factory=asyncio.Event)

    def plain_routes(self) -> list[web.RouteDef]:
        """The connector; a call of another kind is counted as well."""
        path = "/teams/v3/conversations/{conversation}/activities"
        return [web.post(path, self._message), web.route("*", "/teams/{path:.*}", self._other)]

    def tls_routes(self) -> list[web.RouteDef]:
        """Entra, which MSAL reaches over TLS only."""
        return [
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery),
            web.post("/{tenant}/oauth2/v2.0/token", self._token),
        ]

    def most_in_a_second(self) -> int:
        """The most messages that arrived within any second."""
        most = first = 0
        for last, at in enumerate(self.arrived):
            while at - self.arrived[first] >= LIMIT.seconds:
                first += 1
            most = max(most, last - first + 1)
        return most

    async def _message(self, request: web.Request) -> web.Response:
        self.arrived.append(time.monotonic())
        self.to[request.match_info["conversation"]] += 1
        if request.transport is not None:
            self.peers.add(request.transport.get_extra_info("peername"))
        await request.read()
        await asyncio.sleep(self.answer_seconds)
        if len(self.to) >= self.wanted:
            self.all_there.set()
        return web.json_response({"id": f"1:{len(self.arrived)}"})

    async def _other(self, _request: web.Request) -> web.Response:
        self.other_requests += 1
        return web.json_response({})

    async def _discovery(self, _request: web.Request) -> web.Response:
        base = f"{self.https}/{TENANT_ID}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
            }
        )

    async def _token(self, _request: web.Request) -> web.Response:
        self.token_requests += 1
        self.signed_in.set()
        return web.json_response(
            {"token_type": "Bearer", "expires_in": 3600, "access_token": "for-the-bench"}
        )


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of the bot in MB."""

    now: float
    most: float


@dataclass(frozen=True, slots=True)
class Found:
    """What one fan-out took; times in seconds after the deal was noticed."""

    promised: int
    promising: float
    first: float
    last: float
    cpu: float
    before: Memory
    after: Memory
    unsent: int
    token_requests: int


def memory_of(bot: AsProcess) -> Memory:
    """As Linux gives it."""
    lines = Path(f"/proc/{bot.process.pid}/status").read_text("ascii").splitlines()
    kept = dict(line.split(":", 1) for line in lines)
    return Memory(*(int(kept[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")))


def cpu_of(bot: AsProcess) -> float:
    """CPU seconds of all its threads, from the kernel's clock of the process (Linux)."""
    return time.clock_gettime((~bot.process.pid << 3) | 2)


@asynccontextmanager
async def standing_in(teams: Teams, folder: Path) -> AsyncIterator[Path]:
    """Serves the stand-ins inside the block; gives the file of their authority."""
    tls = make_tls(folder)
    plain, secure = free_port(), free_port()
    teams.http = f"http://127.0.0.1:{plain.getsockname()[1]}"
    teams.https = f"https://127.0.0.1:{secure.getsockname()[1]}"
    runners = []
    try:
        for routes, listener, context in (
            (teams.plain_routes(), plain, None),
            (teams.tls_routes(), secure, tls.context),
        ):
            app = web.Application()
            app.add_routes(routes)
            runner = web.AppRunner(app, access_log=None)
            runners.append(runner)
            await runner.setup()
            await web.SockSite(runner, listener, ssl_context=context).start()
        yield tls.ca_file.resolve()
    finally:
        for runner in runners:
            await runner.cleanup()
        plain.close()
        secure.close()


def environment(teams: Teams, ca_file: Path, folder: Path, port: int) -> dict[str, str]:
    """The bot's settings."""
    return {
        "DEALDESK_MODE": "sandbox",
        "DEALDESK_SANDBOX": "external",
        "DEALDESK_PORT": str(port),
        "DEALDESK_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DEALDESK_APP_ID": APP_ID,
        "DEALDESK_APP_SECRET": Fernet.generate_key().decode(),
        "DEALDESK_TENANT_ID": TENANT_ID,
        "DEALDESK_AUTHORITY": f"{teams.https}/{TENANT_ID}",
        "DEALDESK_CA_FILE": str(ca_file),
        "DEALDESK_OPENID_METADATA_URL": f"{teams.http}/keys/openidconfiguration",
        "DEALDESK_CONNECTOR_HOSTS": teams.http.removeprefix("http://"),
        "DEALDESK_PARTNER_CENTER_URL": f"{teams.http}/partnercenter",
        "DEALDESK_DATABASE_URL": f"sqlite+aiosqlite:///{folder.resolve() / 'dealdesk.db'}",
        "DEALDESK_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "DEALDESK_LOG_FORMAT": "json",
    }


def utc_now() -> datetime:
    """The present, aware."""
    return datetime.now(UTC)


@asynccontextmanager
async def desk_of(given: dict[str, str]) -> AsyncIterator[Desk]:
    """The harness's own desk on the bot's database; it sends nothing."""
    settings = load(None, **{k.removeprefix("DEALDESK_").lower(): v for k, v in given.items()})
    store, http = open_store(settings.database_url), make_http(str(settings.ca_file))
    bot_id = f"28:{APP_ID}"
    identity = Identity(settings, store, utc_now)
    connector = Connector(
        bot_id=bot_id,
        hosts=Hosts(settings.connector_hosts),
        outside=Outside(settings.ca_file),
        token=AppToken(Entra(settings), time.monotonic),
        now=utc_now,
    )
    partner_center = PartnerCenter(settings.partner_center_url, http, now=utc_now)
    try:
        yield Desk(
            store,
            partner_center,
            identity,
            connector,
            utc_now,
            lambda: uuid.uuid4().hex,
            asyncio.sleep,
            bot_id,
            seals=Seals([key.get_secret_value() for key in settings.encryption_keys]),
        )
    finally:
        identity.close()
        await http.aclose()
        await store.close()


async def subscribe(store: Store, service_url: str, channels: int) -> None:
    """As many channels as asked for want to hear of won deals."""
    kept = Kept(Wish(Filters()), utc_now(), outsiders=False)
    async with store.begin() as connection:
        for number in range(channels):
            channel = f"19:channel-{number}@thread.tacv2"
            await feeds.create(
                connection,
                place=Place(
                    PlaceKind.CHANNEL, TENANT_ID, channel, service_url, f"28:{APP_ID}", channel
                ),
                owner=str(uuid.UUID(int=number)),
                kind=Kind.WON,
                filters=kept.to_json(),
                flat=True,
                quiet=None,
                locale="en-US",
                now=utc_now(),
            )


async def fan_out(teams: Teams, desk: Desk, bot: AsProcess, patience: float) -> Found:
    """Win a deal, and wait until every channel was told and the bot has ended in order."""
    async with asyncio.timeout(patience):
        await teams.signed_in.wait()
    before, tokens = memory_of(bot), teams.token_requests
    cpu, begun = cpu_of(bot), time.monotonic()
    won = replace(WON.referral, closed=utc_now(), updated=utc_now())
    promised = await noticed(desk, TENANT_ID, won, source="webhook")
    promising = time.monotonic() - begun
    async with asyncio.timeout(patience):
        await teams.all_there.wait()
    after, cpu = memory_of(bot), cpu_of(bot) - cpu
    await bot.stop()
    async with desk.store.read() as connection:
        unsent = await outbox.waiting(connection)
    first, last = teams.arrived[0] - begun, teams.arrived[-1] - begun
    tokens = teams.token_requests - tokens
    return Found(promised, promising, first, last, cpu, before, after, unsent, tokens)


def told(teams: Teams, found: Found) -> str:
    """What is printed."""
    sent, asked = len(teams.arrived), teams.wanted
    least = allowed_seconds(asked)
    sending = found.last - found.first
    lines = (
        ("promised", f"{found.promised} notices in {found.promising:.2f} s, one transaction"),
        ("first arrived", f"{found.first:.2f} s after the deal was noticed"),
        ("first to last", f"{sending:.1f} s; Teams allows {least:.1f} s: x {sending / least:.2f}"),
        ("most in 1 s", f"{teams.most_in_a_second()} of {LIMIT.most}, as they arrived"),
        ("requests/send", f"{sent / asked:.3f}, and {teams.other_requests} calls of another kind"),
        ("connections", f"{len(teams.peers)}"),
        ("token requests", f"{found.token_requests}"),
        ("CPU", f"{1000 * found.cpu / sent:.2f} ms/send"),
        ("memory", f"{found.before.now:.1f} MB before, {found.after.most:.1f} MB at most"),
        ("lost, repeated", f"{asked - len(teams.to)}, {sent - len(teams.to)}"),
    )
    width = max(len(name) for name, _said in lines)
    return "\n".join(f"{name.ljust(width)}  {said}" for name, said in lines)


def allowed_seconds(messages: int) -> float:
    """From the first message to the last, at the tenant's limit: its number may go at once, and
    the same again after each window."""
    return max(-(-messages // LIMIT.most) - 1, 1) * LIMIT.seconds


def is_good(teams: Teams, found: Found) -> bool:
    """Every channel was told once, and nothing is left to be sent."""
    once = len(teams.arrived) == len(teams.to) == teams.wanted == found.promised
    return once and not found.unsent


async def measure(channels: int, answer_seconds: float) -> int:
    """Run it and print it; 1 when a channel was told not at all or twice."""
    teams, found = await run(channels, answer_seconds)
    print(f"a won deal to {channels} channels, answers after {answer_seconds * 1000:.0f} ms\n")  # noqa: T201
    print(told(teams, found))  # noqa: T201
    return 0 if is_good(teams, found) else 1


async def run(channels: int, answer_seconds: float) -> tuple[Teams, Found]:
    """One fan-out: what reached Teams, and what it took."""
    teams = Teams(channels, answer_seconds)
    with TemporaryDirectory(dir=OUT) as name:
        folder = Path(name)
        async with standing_in(teams, folder) as ca_file, aiohttp.ClientSession() as http:
            given: dict[str, str] = {}

            def settle(port: int) -> dict[str, str]:
                given.update(environment(teams, ca_file, folder, port))
                return given

            bot = start_process(settle, folder, folder / "dealdesk.log")
            try:
                await until_alive(bot, http)
                async with desk_of(given) as desk:
                    await subscribe(desk.store, f"{teams.http}/teams/", channels)
                    patience = 60 + 5 * allowed_seconds(channels)
                    found = await fan_out(teams, desk, bot, patience)
            finally:
                await bot.stop()
    return teams, found


def main(words: Sequence[str] | None = None) -> int:
    """Read the arguments and measure."""
    if sys.platform != "linux":
        print("The benchmark reads CPU time and memory as Linux gives them.")  # noqa: T201
        return 2
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fan_out", description=__doc__)
    parser.add_argument("--channels", type=int, default=1000)
    parser.add_argument("--answer-ms", type=float, default=100, help="how long Teams takes")
    given = parser.parse_args(words)
    OUT.mkdir(parents=True, exist_ok=True)
    log.configure(json=False, level="WARNING")
    return asyncio.run(measure(given.channels, given.answer_ms / 1000))


if __name__ == "__main__":
    raise SystemExit(main())
