"""Turns beside the limit and beside other SDKs: help, card, press, and the durable command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tests.bench.cases import (
    CARD,
    DURABLE,
    HELP,
    NOTED_PRESS,
    PRESS,
    as_activities,
    learnt,
)
from tests.bench.driver import Kind, Run
from tests.bench.lab import Found, Lab, Size, lab, postgresql
from tests.bench.peers.install import PEERS, installed
from tests.bench.report import Verdict, at_least, at_most, cpu, medians, pick, ratio
from tests.bench.servers import DEALDESK, LIMIT, Server, Settings, limit, peer

AT_ONCE = (1, 16, 64)
LAPS = 40
"""So often each conversation speaks when an answer takes 100 ms, some 4.5 s in all."""


async def turns(size: Size) -> Found:
    """Everything that is measured on the same turns, in one run."""
    async with lab(size) as it:
        server = await it.dealdesk(signed_in=True)
        kinds = (HELP, CARD, PRESS, NOTED_PRESS)
        answers = await learnt(it.driver, server, kinds)
        bare = await it.stack.enter_async_context(limit(it.world, it.folder, it.http, answers))
        shared = {kind.key: answers[kind.key] for kind in (HELP, CARD)}
        others, absent = [], []
        for wanted in PEERS:
            problem = installed(wanted)
            if problem is not None:
                absent.append(problem)
                continue
            started = peer(wanted, it.world, it.folder, it.http, as_activities(shared))
            others.append(await it.stack.enter_async_context(started))
        runs = await it.in_turns([bare, server, *others], (HELP, CARD), AT_ONCE)
        runs += await it.in_turns([bare, server], (PRESS, NOTED_PRESS), AT_ONCE)
        steady = await _steady(it, server)
    found = Found(_verdicts(runs, [each.name for each in others]), [*runs, steady])
    new = steady.new_connections / steady.turns
    found.verdicts.append(at_most("connections", "new connections a turn", new, 0.02, ""))
    found.verdicts += [Verdict("peers", problem, "not measured") for problem in absent]
    return found


async def _steady(it: Lab, server: Server) -> Run:
    """64 at once without a pause: between runs in turns, idle connections are closed."""
    await it.driver.run(server, HELP, turns=192, concurrency=64)
    kind = replace(HELP, name="steady help")
    return await it.driver.run(server, kind, turns=256 if it.size.quick else 1000, concurrency=64)


def against_limit(runs: Sequence[Run], kind: Kind, measure: str, most: float) -> Verdict:
    """CPU of Dealdesk against the limit's: the median of all rounds and concurrencies."""
    at_once = sorted({run.concurrency for run in runs})
    own = [run for number in at_once for run in pick(runs, DEALDESK, kind.name, number)]
    other = [run for number in at_once for run in pick(runs, LIMIT, kind.name, number)]
    return at_most(
        measure,
        f"{kind.name}: CPU against the limit",
        ratio(own, other, cpu),
        most,
        absolute=medians(map(cpu, own), map(cpu, other), "ms"),
    )


def _verdicts(runs: Sequence[Run], others: Sequence[str]) -> list[Verdict]:
    own = [run for run in runs if run.server == DEALDESK]
    count = sum(run.turns for run in own)
    late, other = (pick(runs, name, HELP.name, 64) for name in (DEALDESK, LIMIT))
    p99s = medians((run.p99_ms for run in late), (run.p99_ms for run in other), "ms")
    p99 = ratio(late, other, lambda run: run.p99_ms)
    verdicts = [
        against_limit(runs, HELP, "help", 1.5),
        against_limit(runs, CARD, "card", 2.0),
        against_limit(runs, PRESS, "press", 2.0),
        against_limit(runs, NOTED_PRESS, "press", 2.0),
        at_most("logins", "login calls a turn", sum(r.token_calls for r in own) / count, 0, ""),
        at_most("p99", "help at 64: p99 against the limit's", p99, 3, absolute=p99s),
    ]
    for name in others:
        for kind in (HELP, CARD):
            theirs, ours = (pick(runs, each, kind.name, 16) for each in (name, DEALDESK))
            what, times = f"{kind.name}: CPU of {name} against ours", ratio(theirs, ours, cpu)
            both = medians(map(cpu, theirs), map(cpu, ours), "ms")
            verdicts.append(at_least("peers", what, times, 1, absolute=both))
    return verdicts


async def durable(size: Size) -> Found:
    """A command that reads and writes durable state, on both databases."""
    found = Found()
    async with lab(size) as it:
        await _durable(it, found, "durable-sqlite", it.settings(), str(it.folder / "limit.db"))
    with postgresql() as address:
        async with lab(size) as it:
            other = await _second(address)
            await _durable(it, found, "durable-postgresql", it.settings(address), other)
    return found


async def _durable(it: Lab, found: Found, measure: str, settings: Settings, database: str) -> None:
    server = await it.dealdesk(settings, signed_in=True)
    kind = replace(DURABLE, name=measure)
    answers = await learnt(it.driver, server, (kind,))
    bare: Server = await it.stack.enter_async_context(
        limit(it.world, it.folder, it.http, answers, database)
    )
    runs = await it.in_turns([bare, server], (kind,), (16,))
    found.runs += runs
    found.verdicts.append(against_limit(runs, kind, measure, 3.0))
    found.notes[measure] = answers[kind.key]["gets"]


async def _second(address: str) -> str:
    """Another database on the same server, as asyncpg takes its address."""
    engine = create_async_engine(address, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(sa.text("CREATE DATABASE limits"))
    await engine.dispose()
    url = sa.make_url(address).set(database="limits", drivername="postgresql")
    return url.render_as_string(hide_password=False)


async def latency(size: Size) -> Found:
    """100 ms to the connector and to Entra, 64 at once, with every connection open."""
    at_once, laps = AT_ONCE[-1], 10 if size.quick else LAPS
    async with lab(size) as it:
        server = await it.dealdesk()
        answers = await learnt(it.driver, server, (HELP,))
        bare = await it.stack.enter_async_context(limit(it.world, it.folder, it.http, answers))
        it.world.delays.connector = it.world.delays.entra = 0.1
        runs = []
        for number in range(size.rounds):
            for each in (bare, server)[:: -1 if number % 2 else 1]:
                await it.driver.run(each, HELP, turns=2 * at_once, concurrency=at_once)
                runs.append(
                    await it.driver.run(each, HELP, turns=laps * at_once, concurrency=at_once)
                )
    own, other = (pick(runs, name, HELP.name, at_once) for name in (DEALDESK, LIMIT))
    times = ratio(own, other, _rate)
    rates = medians(map(_rate, own), map(_rate, other), "turns/s")
    verdict = at_least("latency", "turns/s against the limit's", times, 0.9, absolute=rates)
    return Found([verdict], runs)


def _rate(run: Run) -> float:
    return run.turns_per_second
