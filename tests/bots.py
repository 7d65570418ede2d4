"""The real bot, started for a test: in the test's own loop, or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp
from aiohttp import web

ROOT = Path(__file__).resolve().parent.parent
STARTED_SECONDS = 90.0
ENDED_SECONDS = 60.0
"""Patience, for busy machines."""
Environment = Callable[[int], Mapping[str, str]]
"""The settings of a bot on this port."""


@dataclass(slots=True)
class InProcess:
    """The bot in the test's own loop."""

    url: str
    app: web.Application
    runner: web.AppRunner
    stopped: bool = False

    async def stop(self) -> None:
        """Shut down as SIGTERM does; once."""
        if not self.stopped:
            self.stopped = True
            await self.runner.cleanup()


@dataclass(slots=True)
class AsProcess:
    """The bot as `python app.py`; `log` is where its output goes. `kept` holds its port for it, so
    that nobody is given it before it listens, or between a kill and a restart."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    kept: socket.socket

    async def stop(self) -> None:
        """SIGTERM, and wait for the end; the port is given back."""
        self.kept.close()
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL, and wait for the end; the port stays kept for a restart."""
        await self._end(signal.SIGKILL)

    async def ended(self) -> int:
        """Wait until it ended by itself (a crash point); gives its exit code."""
        return await asyncio.to_thread(self.process.wait, ENDED_SECONDS)

    async def seconds_to_end(self) -> float:
        """Wait until it ended; how long that took, without what it waited for a processor, as
        Linux counts it: how busy the machine is does not decide."""
        began, waited = time.monotonic(), self._waited()
        start = waited
        while self.process.poll() is None:
            waited = max(waited, self._waited())
            await asyncio.to_thread(_wait_for_end, self.process, 0.02)
        return time.monotonic() - began - (waited - start)

    def _waited(self) -> float:
        """Seconds for which it was ready to run and did not; 0 where nobody counts or it ended."""
        try:
            counted = Path(f"/proc/{self.process.pid}/schedstat").read_text("ascii").split()
        except OSError:
            return 0.0
        return int(counted[1]) / 1e9

    async def _end(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        await self.ended()


async def start_in_process(environment: Environment, clock: Callable[[], datetime]) -> InProcess:
    """Build the application and serve it on a free port."""
    from app import build
    from bot.settings import load

    listening = free_port()
    port: int = listening.getsockname()[1]
    given = {
        name.removeprefix("DEALDESK_").lower(): value for name, value in environment(port).items()
    }
    runner = web.AppRunner(build(load(None, **given), clock=clock), access_log=None)
    try:
        await runner.setup()
        await web.SockSite(runner, listening).start()
    except BaseException:
        listening.close()
        await runner.cleanup()
        raise
    return InProcess(f"http://127.0.0.1:{port}", runner.app, runner)


def inherited() -> dict[str, str]:
    """What a bot gets of our environment. Its modules are compiled once, as where it is installed,
    not at every start, which takes 0.3 s of CPU."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("DEALDESK_") and name != "PYTHONDONTWRITEBYTECODE"
    }


def start_process(environment: Environment, folder: Path, log: Path) -> AsProcess:
    """Start `python app.py` in `folder`; it is not ready yet."""
    kept = free_port()
    port: int = kept.getsockname()[1]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            [sys.executable, str(ROOT / "app.py")],
            cwd=folder,
            env={**inherited(), **environment(port)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return AsProcess(f"http://127.0.0.1:{port}", process, log, kept)


async def until_ready(bot: AsProcess, http: aiohttp.ClientSession) -> None:
    """Until `/readyz` says that there are tables and signing keys."""
    await until_alive(bot, http, "/readyz")


async def until_alive(bot: AsProcess, http: aiohttp.ClientSession, at: str = "/healthz") -> None:
    """Ask until the answer is yes; a process that ended instead is an error."""
    end = asyncio.get_running_loop().time() + STARTED_SECONDS
    while bot.process.poll() is None and asyncio.get_running_loop().time() < end:
        with contextlib.suppress(aiohttp.ClientConnectionError):
            async with http.get(f"{bot.url}{at}") as answer:
                if answer.status == 200:
                    return
        await asyncio.to_thread(_wait_for_end, bot.process, 0.05)
    raise AssertionError(f"the bot did not start:\n{bot.log.read_text()}")


def free_port() -> socket.socket:
    """A socket bound to a free port of this machine, not yet listening. Whoever names the port can
    listen there in its place, but nobody is given it for a free one as long as this is open."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    return bound


def _wait_for_end(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return
