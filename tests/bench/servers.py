"""The servers that are measured, each a process of its own, and what the kernel says of them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from cryptography.fernet import Fernet

from tests.bench.outside import APP_ID, NAMES, TENANT, Outside
from tests.bench.peers.install import Peer
from tests.bots import ROOT, AsProcess, free_port, start_process, until_alive

LIMIT, DEALDESK = "limit", "dealdesk"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server under its name in the table."""

    name: str
    running: AsProcess

    @property
    def messages_url(self) -> str:
        """Where activities are delivered."""
        return f"{self.running.url}/api/messages"

    def cpu_seconds(self) -> float:
        """CPU time of all its processes and threads so far, from the kernel's clocks."""
        return sum(time.clock_gettime(cpu_clock(pid)) for pid in self._tree())

    def resident_mb(self) -> float:
        """Resident memory of all its processes."""
        return sum(_resident_kb(pid) for pid in self._tree()) / 1024

    def told(self) -> str:
        """The end of its log."""
        return "\n" + self.running.log.read_text("utf-8", errors="replace")[-3000:]

    def _tree(self) -> Iterator[int]:
        waiting = [self.running.process.pid]
        while waiting:
            pid = waiting.pop()
            yield pid
            with contextlib.suppress(FileNotFoundError):
                for children in Path(f"/proc/{pid}/task").glob("*/children"):
                    waiting.extend(int(word) for word in children.read_text("ascii").split())


def cpu_clock(pid: int) -> int:
    """The id of a process's CPU clock, as clock_getcpuclockid(3) makes it on Linux."""
    return (~pid << 3) | 2


def _resident_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1])


@dataclass(frozen=True, slots=True)
class Settings:
    """What a Dealdesk of the benchmark is started with; two of them may share it."""

    world: Outside
    folder: Path
    database: str = ""
    """Empty for a SQLite file in the folder."""
    key: str = field(default_factory=lambda: Fernet.generate_key().decode(), repr=False)

    @property
    def database_url(self) -> str:
        """The address of the database."""
        return self.database or f"sqlite+aiosqlite:///{self.folder.resolve() / 'dealdesk.db'}"

    def environment(self, port: int) -> dict[str, str]:
        """The settings as `app.py` reads them."""
        return {
            "DEALDESK_MODE": "sandbox",
            "DEALDESK_SANDBOX": "external",
            "DEALDESK_PORT": str(port),
            "DEALDESK_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "DEALDESK_APP_ID": APP_ID,
            "DEALDESK_APP_SECRET": Fernet.generate_key().decode(),
            "DEALDESK_TENANT_ID": TENANT,
            "DEALDESK_AUTHORITY": f"{self.world.https}/{TENANT}",
            "DEALDESK_CA_FILE": str(self.world.ca_file),
            "DEALDESK_OPENID_METADATA_URL": self.world.metadata_url,
            "DEALDESK_CONNECTOR_HOSTS": self.world.https,
            "DEALDESK_PARTNER_CENTER_URL": self.world.partner_center,
            "DEALDESK_DATABASE_URL": self.database_url,
            "DEALDESK_ENCRYPTION_KEYS": self.key,
            "DEALDESK_LOG_FORMAT": "json",
        }


@asynccontextmanager
async def dealdesk(
    settings: Settings, http: aiohttp.ClientSession, name: str = DEALDESK
) -> AsyncIterator[Server]:
    """`python app.py` inside the block, once it answers."""
    running = start_process(settings.environment, settings.folder, settings.folder / f"{name}.log")
    async with _served(Server(name, running), http) as server:
        yield server


@asynccontextmanager
async def limit(
    world: Outside,
    folder: Path,
    http: aiohttp.ClientSession,
    answers: Mapping[str, object],
    database: str | None = None,
) -> AsyncIterator[Server]:
    """The bare server inside the block."""
    told = folder / "limit.json"
    told.write_text(
        json.dumps(
            {
                "metadata_url": world.metadata_url,
                "ca_file": str(world.ca_file),
                "answers": answers,
                "database": database,
            }
        ),
        "utf-8",
    )
    command = [sys.executable, "-m", "tests.bench.limit", "{port}", str(told.resolve())]
    async with _served(_started(LIMIT, command, folder, {}), http) as server:
        yield server


@asynccontextmanager
async def peer(
    wanted: Peer,
    world: Outside,
    folder: Path,
    http: aiohttp.ClientSession,
    answers: Mapping[str, object],
) -> AsyncIterator[Server]:
    """A minimal bot on another SDK inside the block. It believes in Microsoft's addresses, so its
    look-ups of their names are led to the stand-ins."""
    told = folder / "peers.json"
    told.write_text(json.dumps(answers), "utf-8")
    secure = int(world.https.rpartition(":")[2])
    environment = {
        "PEER_PORT": "{port}",
        "PEER_ANSWERS": str(told.resolve()),
        "PEER_ROADS": json.dumps(dict.fromkeys(NAMES, secure)),
        "PEER_APP_ID": APP_ID,
        "PEER_SECRET": Fernet.generate_key().decode(),
        "PEER_TENANT": TENANT,
        **dict.fromkeys(
            ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), str(world.ca_file)
        ),
    }
    async with _served(_started(wanted.name, wanted.command(), folder, environment), http) as made:
        yield made


def _started(
    name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> Server:
    kept = free_port()
    port: int = kept.getsockname()[1]
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            [part.replace("{port}", str(port)) for part in command],
            cwd=ROOT,
            env=os.environ
            | {key: value.replace("{port}", str(port)) for key, value in environment.items()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Server(name, AsProcess(f"http://127.0.0.1:{port}", process, log, kept))


@asynccontextmanager
async def _served(server: Server, http: aiohttp.ClientSession) -> AsyncIterator[Server]:
    try:
        await until_alive(server.running, http)
        yield server
    finally:
        await server.running.kill()
        server.running.kept.close()
