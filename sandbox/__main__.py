"""`python -m sandbox`: serves the outside world on loopback until it is told to end or its stdin
ends, as it does when its parent is gone."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
import threading
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from sandbox.apps import plain_app, tls_app
from sandbox.house import Addresses, build
from sandbox.loopback import HOST, is_here
from sandbox.start_deals import DEFAULT_COUNT
from sandbox.tls import make_tls
from sandbox.world import World

SHUTDOWN_SECONDS = 2.0
HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the command line says."""

    port: int
    bot: str
    state: Path | None
    deals: int
    notify: bool


def read_arguments(line: list[str]) -> Arguments:
    """Parse the command line; a bot that is not on this machine is refused, and no such port."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=3979, help="0 takes a free one")
    parser.add_argument("--bot", default="http://127.0.0.1:3978", help="where the bot answers")
    parser.add_argument("--state", type=Path, help="folder for the authority's certificate")
    parser.add_argument("--deals", type=int, default=DEFAULT_COUNT, help="deals at the start")
    parser.add_argument("--notify", action="store_true", help="register the bot for notifications")
    given = parser.parse_args(line)
    if not 0 <= given.port <= HIGHEST_PORT:
        parser.error(f"a port is a number up to {HIGHEST_PORT}")
    if not is_here(given.bot):
        parser.error("the bot must be on this machine")
    return Arguments(given.port, given.bot, given.state, given.deals, given.notify)


async def serve(arguments: Arguments) -> None:
    """Serve until told to end; says where on stdout, as one JSON line, once it is ready."""
    end = _watch_for_the_end()
    async with AsyncExitStack() as stack:
        folder = arguments.state or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="dealdesk-sandbox-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        plain_socket, tls_socket = _listen(arguments.port), _listen(0)
        addresses = Addresses(
            plain=f"http://{HOST}:{plain_socket.getsockname()[1]}",
            tls=f"https://{HOST}:{tls_socket.getsockname()[1]}",
        )
        tls = make_tls(folder)
        session = await stack.enter_async_context(aiohttp.ClientSession(trust_env=False))
        house = build(
            World(count=arguments.deals),
            addresses,
            bot_url=arguments.bot,
            ca_file=tls.ca_file,
            session=session,
            notify=arguments.notify,
        )
        stack.push_async_callback(house.webhooks.close)
        stack.push_async_callback(house.teams.close)
        for app, listening, context in (
            (plain_app(house), plain_socket, None),
            (tls_app(house), tls_socket, tls.context),
        ):
            runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_SECONDS, access_log=None)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.SockSite(runner, listening, ssl_context=context).start()
        ready = {"page": f"{addresses.plain}/", "settings": house.settings()}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await end.wait()


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise OSError(f"it cannot listen on port {port}: {error.strerror}") from error
    listening.setblocking(False)
    return listening


def _watch_for_the_end() -> asyncio.Event:
    """Set by SIGTERM, SIGINT or the end of stdin."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    threading.Thread(target=_watch_stdin, args=(loop, end), daemon=True).start()
    return end


def _watch_stdin(loop: asyncio.AbstractEventLoop, end: asyncio.Event) -> None:
    """Read stdin to its end, on a thread because it may be a pipe, a terminal or a file."""
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            continue
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(end.set)


def main() -> None:
    """Run until the end. What keeps it from starting is said on stdout, for whoever waits there
    for the ready line."""
    arguments = read_arguments(sys.argv[1:])
    try:
        asyncio.run(serve(arguments))
    except OSError as error:
        sys.stdout.write(f"The sandbox did not start: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
