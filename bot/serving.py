"""Listens for connections: a cap on how many, no room for silent ones, and an orderly end."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

KEEP_ALIVE_SECONDS = 75.0
SILENCE_SECONDS = 10.0
LINGER_SECONDS = 2.0
MAX_CONNECTIONS = 1000
_BACKLOG = 512
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Gate:
    """Watches new connections until their first request is read.

    `last_orders` is awaited at the end while requests are still answered.
    """

    def __init__(self, last_orders: Callable[[], Awaitable[None]]) -> None:
        self.last_orders = last_orders
        self._silent: dict[int, asyncio.TimerHandle] = {}

    def watch(self, connection: web.RequestHandler, seconds: float) -> None:
        """Close the connection unless something is heard on it in time."""
        loop = asyncio.get_running_loop()
        self._silent[id(connection)] = loop.call_later(seconds, self._close, connection)

    def heard(self, connection: web.RequestHandler) -> None:
        """A whole request head has come in."""
        handle = self._silent.pop(id(connection), None)
        if handle is not None:
            handle.cancel()

    def _close(self, connection: web.RequestHandler) -> None:
        self._silent.pop(id(connection), None)
        connection.force_close()


GATE = web.AppKey("gate", Gate)


class _TurnedAway(asyncio.Protocol):
    """Answers a connection beyond the cap."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(_FULL)
        transport.close()


@asynccontextmanager
async def listening(
    app: web.Application,
    host: str,
    port: int,
    *,
    silence: float = SILENCE_SECONDS,
    most: int = MAX_CONNECTIONS,
) -> AsyncIterator[int]:
    """Serves `app` inside the block and gives the port; `port` 0 takes a free one.

    At the end come the gate's last orders, then no new connection is taken, then the application
    is shut down and cleaned up.
    Bodies are never decompressed. Raises OSError when the address is taken.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        lingering_time=LINGER_SECONDS,
        shutdown_timeout=2.0,
    )
    await runner.setup()
    try:
        protocols = _protocols(runner, app[GATE], silence, most)
        server = await asyncio.get_running_loop().create_server(
            protocols, host, port, backlog=_BACKLOG
        )
        try:
            yield _port_of(server.sockets[0])
            await app[GATE].last_orders()
        finally:
            server.close()
    finally:
        await runner.cleanup()


def _protocols(
    runner: web.AppRunner, gate: Gate, silence: float, most: int
) -> Callable[[], asyncio.Protocol]:
    server = runner.server
    if server is None:
        raise RuntimeError("the application did not start")

    def protocol() -> asyncio.Protocol:
        if len(server.connections) >= most:
            return _TurnedAway()
        connection = server()
        gate.watch(connection, silence)
        return connection

    return protocol


def _port_of(listener: socket.socket) -> int:
    found: int = listener.getsockname()[1]
    return found


async def until_stopped() -> None:
    """Returns when the process is asked to end (SIGTERM or Ctrl-C)."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        await stop.wait()
    finally:
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)
