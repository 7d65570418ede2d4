"""A scripted service on a real socket: each request is kept as it came and gets the next step."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ssl import SSLContext
from typing import Any

from partner_center.client import Budget, PartnerCenter, make_http


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived: the target is not decoded, header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


Step = Callable[[asyncio.StreamWriter], Awaitable[None]]

REASONS = {200: "OK", 204: "No Content"}


def answer(
    status: int = 200,
    document: Any = None,  # noqa: ANN401
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Step:
    """A whole answer; `document` is sent as JSON, `body` as it is."""
    content = body if body is not None else b""
    if document is not None:
        content = json.dumps(document).encode()
    given = {"Content-Type": "application/json", **(headers or {})}
    if not any(name.lower() in ("content-length", "transfer-encoding") for name in given):
        given["Content-Length"] = str(len(content))
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in given.items()]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + content)


def raw(data: bytes) -> Step:
    """Exactly these bytes, then the connection stays open."""

    async def step(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return step


def cut(data: bytes = b"") -> Step:
    """These bytes, then an orderly end of the connection."""

    async def step(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return step


def reset(data: bytes = b"") -> Step:
    """These bytes, then a hard reset."""

    async def step(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.transport.abort()

    return step


def silence() -> Step:
    """Nothing, ever."""

    async def step(writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    return step


def drip(head: bytes, *, every: float = 0.01) -> Step:
    """A head, then one byte at a time without an end."""

    async def step(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            await writer.drain()
            await asyncio.sleep(every)
            writer.write(b" ")

    return step


class Service:
    """The requests that came, and the steps that answer them in turn; the last step repeats."""

    def __init__(self, *steps: Step) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._steps = list(steps)
        self.url = ""

    def then(self, *steps: Step) -> None:
        """Replace what is left of the script."""
        self._steps = list(steps)

    @property
    def last(self) -> Request:
        return self.requests[-1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while (request := await _read(reader)) is not None:
            self.requests.append(request)
            step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
            await step(writer)
            if writer.is_closing():
                return


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _version = first.split(" ")
    pairs = (line.partition(": ") for line in lines)
    headers = {name.lower(): value for name, _colon, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)


_TURNS_TO_CONNECT = 4
"""Turns of the event loop until a connection that was taken from the queue is told of: a caller
that waits for a moment only may be gone by then."""
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(handler: Handler, ssl: SSLContext | None = None) -> AsyncIterator[str]:
    """An address on a free loopback port; at the end every connection is closed and gone."""
    open_ones: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await handler(reader, writer)

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones[asyncio.create_task(handle(reader, writer))] = writer

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=ssl)
    scheme = "https" if ssl else "http"
    try:
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for _ in range(_TURNS_TO_CONNECT):
            await asyncio.sleep(0)
        for task, writer in open_ones.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*open_ones, return_exceptions=True)
        ends = (writer.wait_closed() for writer in open_ones.values())
        await asyncio.gather(*ends, return_exceptions=True)


@asynccontextmanager
async def serving(*steps: Step, ssl: SSLContext | None = None) -> AsyncIterator[Service]:
    """A scripted service."""
    service = Service(*steps)
    async with listening(service.serve, ssl) as service.url:
        yield service


class Clock:
    """Time that only moves when somebody sleeps or it is told to."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 2, 20, 12, 0, tzinfo=UTC)
        self.seconds = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)


class Token:
    """A person's token; a fresh one differs from the cached one."""

    def __init__(self, name: str = "ben") -> None:
        self.name = name
        self.asked: list[bool] = []

    async def __call__(self, *, fresh: bool = False) -> str:
        self.asked.append(fresh)
        return f"{self.name}-fresh" if fresh else f"{self.name}-token"


@dataclass(frozen=True, slots=True)
class Stage:
    """A client and what it talks to."""

    client: PartnerCenter
    service: Service
    clock: Clock
    bearer: Token


@asynccontextmanager
async def staged(*steps: Step, budget: Budget | None = None) -> AsyncIterator[Stage]:
    """A client on a scripted service, with a clock of its own and full jitter at its largest."""
    clock = Clock()
    async with serving(*steps) as service, make_http() as http:
        client = PartnerCenter(
            service.url,
            http,
            now=clock.now,
            sleep=clock.sleep,
            random=lambda: 1.0,
            monotonic=clock.monotonic,
            **({"budget": budget} if budget else {}),
        )
        yield Stage(client, service, clock, Token())
