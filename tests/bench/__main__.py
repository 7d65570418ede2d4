"""`python -m tests.bench` or `make bench`: Dealdesk and the limit, side by side in one run."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from tests.bench.driver import Driver, Run
from tests.bench.outside import Outside, outside
from tests.bench.report import keep, summarise, table
from tests.bench.servers import Server, start_dealdesk, start_limit

OUT = Path("out/bench")
CONCURRENCY = (1, 16)
TEXT = "help"


async def measure(rounds: int, turns: int, warm_up: int) -> int:
    """Run everything, print the table, keep the JSON; gives how many turns were lost."""
    with TemporaryDirectory(dir=OUT) as name:
        folder = Path(name)
        async with outside(folder) as world, _client() as http:
            driver = Driver(world, http)
            async with servers(world, folder, http, driver) as both:
                memory = {server.name: {"start": server.resident_mb()} for server in both}
                for server in both:
                    await driver.run(server, TEXT, turns=warm_up, concurrency=max(CONCURRENCY))
                    memory[server.name][f"{warm_up} turns"] = server.resident_mb()
                found = [await one_round(driver, both, turns, number) for number in range(rounds)]
                total = warm_up + rounds * turns * len(CONCURRENCY)
                for server in both:
                    memory[server.name][f"{total} turns"] = server.resident_mb()
    lines = summarise(found)
    path = OUT / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    keep(path, found, lines, memory)
    print(f"`{TEXT}`, {rounds} rounds of {turns} turns, medians\n")  # noqa: T201
    print(f"{table(lines, memory)}\n\n{path}")  # noqa: T201
    return sum(line.lost for line in lines)


async def one_round(
    driver: Driver, servers: Sequence[Server], turns: int, number: int
) -> list[Run]:
    """Every case once, the servers in turn; which one is first changes with the round."""
    order = servers if number % 2 == 0 else servers[::-1]
    return [
        await driver.run(server, TEXT, turns=turns, concurrency=concurrency)
        for concurrency in CONCURRENCY
        for server in order
    ]


@asynccontextmanager
async def servers(
    world: Outside, folder: Path, http: aiohttp.ClientSession, driver: Driver
) -> AsyncIterator[Sequence[Server]]:
    """The limit and Dealdesk; the limit sends what Dealdesk was heard to send."""
    started: list[Server] = []
    try:
        started.append(await start_dealdesk(world, folder, http))
        await driver.run(started[0], TEXT, turns=2, concurrency=1)
        if not world.last_reply:
            raise SystemExit(f"no reply; the log says:\n{started[0].running.log.read_text()}")
        started.insert(0, await start_limit(world, folder, http, world.last_reply))
        yield started
    finally:
        for server in started:
            await server.running.stop()


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), trust_env=False)


def main() -> int:
    """Read the arguments and measure; 1 when turns were lost, as the numbers then say nothing."""
    if sys.platform != "linux":
        print("The benchmark reads CPU time and memory as Linux gives them.")  # noqa: T201
        return 2
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--turns", type=int, default=400, help="a run of one server")
    parser.add_argument("--warm-up", type=int, default=300, help="turns before the first round")
    given = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    return 1 if asyncio.run(measure(given.rounds, given.turns, given.warm_up)) else 0


if __name__ == "__main__":
    raise SystemExit(main())
