"""The process by itself: how long it takes to start, and what memory it keeps."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median

import aiohttp

from tests.bench.cases import HELP, NOTED
from tests.bench.lab import Found, Lab, Size, lab
from tests.bench.report import Verdict, at_most, medians
from tests.bench.servers import Server, Settings
from tests.bots import ROOT, inherited, start_process

_IMPORTS = "import aiohttp, botbuilder.core, app"
"""Importing `app` imports all of our own packages that serving needs."""
_LIBRARIES = """
import aiohttp.web, botbuilder.core, httpx, msal, pydantic_settings, sqlalchemy
import structlog, babel.dates, jwt, sqlalchemy.dialects.sqlite.aiosqlite, cryptography.fernet
status = open("/proc/self/status").read()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))
"""
_PATIENCE = 60.0
Took = tuple[float, float]
"""Seconds, and seconds of CPU time."""
SLOPE_SECONDS = 600.0
"""The slope is taken over 50,000 turns, or over as many as fit in this time."""


async def start(size: Size) -> Found:
    """From the start of the process to the first 200, and its imports alone, in turns."""
    pairs = []
    async with lab(size) as it:
        settings = it.settings()
        await _started(it, settings)
        for _ in range(max(size.rounds, 3)):
            pairs.append((await _started(it, settings), await asyncio.to_thread(_imported)))
    wall, walls = _against([(own[0], imports[0]) for own, imports in pairs])
    cpu, cpus = _against([(own[1], imports[1]) for own, imports in pairs])
    return Found(
        [
            at_most("start", "start to first 200 against the imports", wall, 1.2, absolute=walls),
            Verdict("start", "the same in CPU time", f"{cpu:.3g}x", absolute=cpus),
        ],
        notes={"start": pairs},
    )


def _against(pairs: Sequence[Took]) -> tuple[float, str]:
    """The median ratio of seconds, and the seconds."""
    seconds = medians((own for own, _ in pairs), (imports for _, imports in pairs), "s")
    return median(own / imports for own, imports in pairs), seconds


async def _started(it: Lab, settings: Settings) -> Took:
    began = time.perf_counter()
    bot = start_process(settings.environment, settings.folder, settings.folder / "start.log")
    server = Server("start", bot)
    try:
        while time.perf_counter() - began < _PATIENCE:
            try:
                async with it.http.get(f"{bot.url}/healthz") as answer:
                    if answer.status == 200:
                        return time.perf_counter() - began, server.cpu_seconds()
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.005)
    finally:
        await bot.kill()
        bot.kept.close()
    raise RuntimeError(f"it did not start:\n{bot.log.read_text('utf-8')}")


def _imported() -> Took:
    before, began = os.times(), time.perf_counter()
    _python(_IMPORTS)
    took, after = time.perf_counter() - began, os.times()
    used = after.children_user + after.children_system
    return took, used - before.children_user - before.children_system


def _python(code: str) -> str:
    """What a Python that only runs this prints."""
    ended = subprocess.run(  # noqa: S603 - our own program, no shell
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=inherited(),
        check=True,
        capture_output=True,
        text=True,
    )
    return ended.stdout


def _libraries_mb() -> float:
    """Resident memory of a Python that only imports what the bot is made with."""
    return float(_python(_LIBRARIES)) / 1024


async def memory(size: Size) -> Found:
    """Resident memory after the start, after 10,000 turns in 1,000 conversations, and on."""
    first, more = (2_000, 2_000) if size.quick else (10_000, 50_000)
    async with lab(size) as it:
        server = await it.dealdesk()
        await it.driver.run(server, HELP, turns=1, concurrency=1)
        at_start = server.resident_mb()
        await _said(it, server, first)
        at_first = server.resident_mb()
        done, end = 0, time.monotonic() + SLOPE_SECONDS
        while done < more and time.monotonic() < end:
            await _said(it, server, 1_000)
            done += 1_000
        slope = (server.resident_mb() - at_first) / done * 10_000
    return Found(
        [
            Verdict("memory", "RSS of its libraries alone", f"{_libraries_mb():.3g} MB"),
            at_most("memory", "RSS after start", at_start, 90, " MB"),
            at_most("memory", f"RSS after {first:,} turns", at_first, 110, " MB"),
            at_most("memory", f"slope per 10,000 turns, over {done:,}", slope, 1, " MB"),
        ]
    )


async def _said(it: Lab, server: Server, turns: int) -> None:
    """Nine in ten are `help`; the others are noted in the database."""
    for kind, share in ((HELP, 9), (NOTED, 1)):
        await it.driver.run(
            server, kind, turns=turns * share // 10, concurrency=16, conversations=1_000
        )
