"""The servers that are measured, each a process of its own, and what the kernel says of them."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from cryptography.fernet import Fernet

from tests.bench.outside import APP_ID, TENANT, Outside
from tests.bots import ROOT, AsProcess, free_port, start_process, until_alive


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
        """CPU time of all its threads so far, from the kernel's clock of that process."""
        return time.clock_gettime(cpu_clock(self.running.process.pid))

    def resident_mb(self) -> float:
        """Its resident memory."""
        status = Path(f"/proc/{self.running.process.pid}/status").read_text("ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024


def cpu_clock(pid: int) -> int:
    """The id of a process's CPU clock, as clock_getcpuclockid(3) makes it on Linux."""
    return (~pid << 3) | 2


async def start_dealdesk(world: Outside, folder: Path, http: aiohttp.ClientSession) -> Server:
    """`python app.py` with an empty SQLite database; waits until it answers."""

    def environment(port: int) -> dict[str, str]:
        return {
            "DEALDESK_MODE": "sandbox",
            "DEALDESK_SANDBOX": "external",
            "DEALDESK_PORT": str(port),
            "DEALDESK_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "DEALDESK_APP_ID": APP_ID,
            "DEALDESK_APP_SECRET": Fernet.generate_key().decode(),
            "DEALDESK_TENANT_ID": TENANT,
            "DEALDESK_AUTHORITY": f"{world.https}/{TENANT}",
            "DEALDESK_CA_FILE": str(world.ca_file),
            "DEALDESK_OPENID_METADATA_URL": world.metadata_url,
            "DEALDESK_CONNECTOR_HOSTS": world.http.removeprefix("http://"),
            "DEALDESK_PARTNER_CENTER_URL": f"{world.http}/partnercenter",
            "DEALDESK_DATABASE_URL": f"sqlite+aiosqlite:///{folder.resolve() / 'dealdesk.db'}",
            "DEALDESK_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "DEALDESK_LOG_FORMAT": "json",
        }

    running = start_process(environment, folder, folder / "dealdesk.log")
    return await _alive(Server("dealdesk", running), http)


async def start_limit(
    world: Outside, folder: Path, http: aiohttp.ClientSession, reply: bytes
) -> Server:
    """The bare server, answering with `reply`; waits until it answers."""
    return await _alive(Server("limit", _limit_process(world, folder, reply)), http)


def _limit_process(world: Outside, folder: Path, reply: bytes) -> AsProcess:
    reply_file, log = folder / "reply.json", folder / "limit.log"
    reply_file.write_bytes(reply)
    with free_port() as listening:
        port: int = listening.getsockname()[1]
    arguments = (str(port), world.metadata_url, str(reply_file.resolve()))
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            [sys.executable, "-m", "tests.bench.limit", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return AsProcess(f"http://127.0.0.1:{port}", process, log)


async def _alive(server: Server, http: aiohttp.ClientSession) -> Server:
    try:
        await until_alive(server.running, http)
    except BaseException:
        await server.running.kill()
        raise
    return server
