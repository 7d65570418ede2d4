"""The addresses the bot answers at, and the guards in front of them.

Everything turned away gets a status and an empty body, and leaves one line in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from enum import StrEnum

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.serving import GATE, Gate
from bot.settings import Settings
from bot.store.errors import StoreError
from bot.teams.body import MAX_BYTES
from bot.teams.door import Door
from bot.teams.keys import Freshness
from bot.teams.refusal import Reason, Refused
from cards.drawn import as_json

MESSAGES = "/api/messages"
READ_SECONDS = 10.0
CHECK_SECONDS = 2.0
TIDY_SECONDS = 3600.0
DOOR = web.AppKey("door", Door)
_READ = web.AppKey("read", float)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

log = structlog.get_logger(__name__)


class Health(StrEnum):
    """How one part is."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


HealthCheck = Callable[[], Awaitable[Health]]
_KEYS = {
    Freshness.FRESH: Health.OK,
    Freshness.STALE: Health.DEGRADED,
    Freshness.MISSING: Health.DOWN,
}


def create_app(
    settings: Settings,
    *,
    door: Door,
    sign_in: Iterable[web.AbstractRouteDef] = (),
    webhooks: Iterable[web.AbstractRouteDef] = (),
    readiness: Mapping[str, HealthCheck] | None = None,
    read_seconds: float = READ_SECONDS,
) -> web.Application:
    """The application. `sign_in` are the routes open to browsers, `webhooks` the ones open to
    Partner Center; `readiness` adds named checks.

    A body has to be there within `read_seconds`.

    The door opens with the application. It finishes its turns at shutdown and closes last, after
    everything that is added to `cleanup_ctx` later.
    """
    app = web.Application(middlewares=[_guard], client_max_size=MAX_BYTES)
    app[DOOR] = door
    app[GATE] = Gate(last_orders=door.drain)
    app[_READ] = read_seconds
    checks = {"keys": _keys_of(door), "database": _database_of(door), **(readiness or {})}
    app.add_routes([web.post(MESSAGES, _messages), *sign_in, *webhooks])
    app.add_routes([web.get("/healthz", _alive), web.get("/readyz", _ready(checks))])
    app.on_response_prepare.append(_secure(https=settings.public_url.startswith("https:")))
    app.on_shutdown.append(_drain)
    app.cleanup_ctx.append(_open_door)
    return app


async def _messages(request: web.Request) -> web.Response:
    door = request.app[DOOR]
    try:
        check_head(request)
        verified = await door.verify(_authorization(request))
        answer = await door.receive(verified, await read_body(request))
    except Refused as refused:
        return turned_away(request, refused.status, refused.reason.value)
    if answer.body is None:
        return _empty(int(answer.status))
    return web.Response(
        status=int(answer.status), text=as_json(answer.body), content_type="application/json"
    )


def turned_away(request: web.Request, status: int, reason: str) -> web.Response:
    """The answer to a request that is not let in: a status, and nothing but the log says why."""
    log.warning("refused", status=status, reason=reason, path=request.path, peer=request.remote)
    return _empty(status)


def check_head(request: web.Request, most: int = MAX_BYTES) -> None:
    """Refuses a body that is not plain UTF-8 JSON of at most `most` bytes. Raises Refused."""
    if request.content_type != "application/json":
        raise Refused(415, Reason.TYPE)
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise Refused(415, Reason.TYPE)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused(415, Reason.ENCODING)
    if (request.content_length or 0) > most:
        raise Refused(413, Reason.TOO_LARGE)


def _authorization(request: web.Request) -> str | None:
    found = request.headers.getall("Authorization", [])
    if len(found) > 1:
        raise Refused(401, Reason.UNREADABLE_TOKEN)
    return found[0] if found else None


async def read_body(request: web.Request, most: int = MAX_BYTES) -> bytes:
    """The raw body, of at most `most` bytes and within the time for reading. Raises Refused."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(request.app[_READ]):
            async for part in request.content.iter_any():
                size += len(part)
                if size > most:
                    raise Refused(413, Reason.TOO_LARGE)
                parts.append(part)
    except TimeoutError as error:
        request.protocol.force_close()
        raise Refused(400, Reason.TOO_SLOW) from error
    except (web.RequestPayloadError, ConnectionError) as error:
        raise Refused(400, Reason.MALFORMED) from error
    return b"".join(parts)


def _empty(status: int) -> web.Response:
    return web.Response(status=status)


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    request.app[GATE].heard(request.protocol)
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        log.warning("refused", status=error.status, method=request.method, path=request.path)
        allowed = error.headers.get("Allow")
        return web.Response(status=error.status, headers={"Allow": allowed} if allowed else None)
    except Exception:
        log.exception("fault", method=request.method, path=request.path)
        return _empty(503)


def _secure(*, https: bool) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    headers = _HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if https else {})

    async def add(_request: web.Request, response: web.StreamResponse) -> None:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        response.headers.popall("Server", None)

    return add


async def _alive(_request: web.Request) -> web.Response:
    return web.json_response({"status": "alive"})


def _ready(
    checks: Mapping[str, HealthCheck],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def ready(request: web.Request) -> web.Response:
        found = dict(zip(checks, await asyncio.gather(*map(_ask, checks.values())), strict=True))
        if request.app[DOOR].is_stopping:
            found["door"] = Health.DOWN
        worst = next((at for at in (Health.DOWN, Health.DEGRADED) if at in found.values()), None)
        status = 503 if worst is Health.DOWN else 200
        return web.json_response({"status": worst or Health.OK, "checks": found}, status=status)

    return ready


async def _ask(check: HealthCheck) -> Health:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return Health.DOWN
    except Exception:
        log.exception("health check failed")
        return Health.DOWN


def _keys_of(door: Door) -> HealthCheck:
    async def keys() -> Health:
        return _KEYS[door.freshness]

    return keys


def _database_of(door: Door) -> HealthCheck:
    async def database() -> Health:
        try:
            await door.reach_store()
        except StoreError:
            return Health.DOWN
        return Health.OK

    return database


async def _drain(app: web.Application) -> None:
    await app[DOOR].drain()


async def _open_door(app: web.Application) -> AsyncIterator[None]:
    door = app[DOOR]
    await door.open()
    tidying = asyncio.create_task(_tidy(door))
    try:
        yield
    finally:
        tidying.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await tidying
        await door.close()


async def _tidy(door: Door) -> None:
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        try:
            await door.tidy()
        except StoreError as error:
            log.warning("deliveries not tidied", reason=str(error))
