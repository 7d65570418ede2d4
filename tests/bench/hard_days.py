"""What others do to a turn: slow servers outside, many deals, many rows, a second process."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles

import sqlalchemy as sa

from bot.conversation import Place, PlaceKind
from bot.store.engine import open_store, upgrade
from bot.store.schema import approvals, audit, drafts, outbox
from tests.bench import fan_out as fans
from tests.bench.cases import DURABLE, HELP, LIST
from tests.bench.driver import Kind, Run
from tests.bench.lab import Found, Lab, Size, lab, postgresql
from tests.bench.outside import TENANT
from tests.bench.people import sign_in
from tests.bench.report import Verdict, at_least, at_most, cpu, medians, pick, ratio
from tests.bench.servers import Server, Settings

LATE = 5.0
LATE_ONES = 90_000
"""From this number on people meet what is late."""
WATCHED_SECONDS = 3.5
"""So long is watched while something is late: what is begun then, and typing, is still late."""
LOOK = 100
"""Turns whose p95 is one look."""


@dataclass(frozen=True, slots=True)
class Window:
    """What others met at one bot for a while, all in ms: the p95 of `help` at each look, and how
    long each `/healthz` took."""

    looks: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)

    @property
    def lag(self) -> float:
        """The p95."""
        return quantiles(self.lags, n=20, method="inclusive")[18]


Windows = tuple[Window, Window]
"""Of the bot where people wait, and of its twin where nobody does, at the same time."""


async def slow(size: Size) -> Found:
    """`help` of some people while the turns of others wait for 5 s, and in turns at a twin."""
    found = Found()
    for name, kind in (("connector", HELP), ("entra", DURABLE), ("partner_center", DURABLE)):
        async with lab(size) as it:
            settings = it.settings()
            server = await it.dealdesk(settings, signed_in=True)
            twin = await it.dealdesk(signed_in=True, name="twin")
            for each in (server, twin):
                await it.calm(each, turns=1_000)
                await it.calm(each, DURABLE, 16)
            rounds = []
            for number in range(size.rounds):
                first = LATE_ONES + 8 * number
                await sign_in(settings, 8, first=first, seconds=60 if name == "entra" else 86_400)
                rounds.append(await _while_late(it, server, twin, name, kind, first))
        found.notes[f"slow {name}"] = rounds
        found.verdicts += _of_slow(name, rounds)
    return found


async def _while_late(
    it: Lab, server: Server, twin: Server, name: str, kind: Kind, first: int
) -> Windows:
    """What others met while eight people wait. Raises RuntimeError when those did not wait."""
    it.world.delays.conversations = f"a:1bench-{LATE_ONES // 10_000}"
    setattr(it.world.delays, name, LATE)
    turns = it.driver.run(server, kind, turns=8, concurrency=8, conversations=8, first=first)
    late = asyncio.create_task(turns)
    windows = await _watched(it, server, twin)
    over = late.done()
    await late
    if over:
        raise RuntimeError("nothing was late any more while it was watched")
    setattr(it.world.delays, name, 0.0)
    return windows


async def _watched(it: Lab, server: Server, twin: Server) -> Windows:
    """`help` by four people at one and then at the other, on and on, and what their loops alone
    answer, all the time; once what was begun before is under way."""
    await asyncio.sleep(0.3)
    windows = (Window(), Window())
    both = list(zip((server, twin), windows, strict=True))
    watching = [asyncio.create_task(_healthz(it, each, window.lags)) for each, window in both]
    end = time.monotonic() + WATCHED_SECONDS
    try:
        while time.monotonic() < end:
            for each, window in both:
                run = await it.driver.run(each, HELP, turns=LOOK, concurrency=4, waits=False)
                window.looks.append(run.p95_ms)
            both.reverse()
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    return windows


async def _healthz(it: Lab, server: Server, lags: list[float]) -> None:
    while True:
        began = time.perf_counter()
        async with it.http.get(f"{server.running.url}/healthz") as answer:
            await answer.read()
        lags.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.02)


def _of_slow(name: str, rounds: Sequence[Windows]) -> list[Verdict]:
    lags = [(own.lag, other.lag) for own, other in rounds]
    looks = [pair for own, other in rounds for pair in zip(own.looks, other.looks, strict=True)]
    more = median(own - other for own, other in lags)
    times = median(own / other for own, other in looks)
    longest = [(max(own.lags), max(other.lags)) for own, other in rounds]
    worst = max(own for own, _ in longest)
    said = f"{name} takes 5 s"
    return [
        at_most("slow", f"{said}: loop lag, p95, more than else", more, 50, " ms", _both(lags)),
        at_most("slow", f"{said}: help p95 against else", times, 1.2, absolute=_both(looks)),
        Verdict("slow", f"{said}: the longest lag", f"{worst:.3g} ms", absolute=_both(longest)),
    ]


def _both(pairs: Sequence[tuple[float, float]]) -> str:
    return medians((own for own, _ in pairs), (other for _, other in pairs), "ms")


async def listing(size: Size) -> Found:
    """`list` over 10,000 deals beside `list` over 100."""
    found = Found()
    async with lab(size) as it:
        server = await it.dealdesk(signed_in=True)
        it.world.deals = 100
        await it.calm(server, LIST, 64)
        pairs, before = [], server.resident_mb()
        for _ in range(it.size.rounds):
            it.world.deals = 100
            short = await _lists(it, server, replace(LIST, name="list of 100"))
            it.world.deals = 10_000
            pairs.append((await _lists(it, server, LIST), short))
        far = await _lists(it, server, replace(LIST, name="list page 11", text="list all page 11"))
        after, large = server.resident_mb(), pairs[-1][0]
        found.runs += [run for pair in pairs for run in pair] + [far]
    ours, small = [ours for ours, _ in pairs], [other for _, other in pairs]
    costs = medians(map(cpu, ours), map(cpu, small), "ms")
    found.verdicts += [
        at_most("list", "requests until the first card", large.upstream / large.turns, 1, ""),
        at_most("list", "requests for page 11 (rows 101 to 110)", far.upstream / far.turns, 2, ""),
        at_most("list", "RSS, more than after lists of 100", after - before, 3, " MB"),
        at_most("list", "CPU against a list of 100", ratio(ours, small, cpu), 1.2, absolute=costs),
    ]
    return found


async def _lists(it: Lab, server: Server, kind: Kind) -> Run:
    return await it.driver.run(server, kind, turns=40, concurrency=4)


ROWS = (1_000, 100_000, 1_000_000)
DAYS = 25
"""So far back they go: less than anything is kept for, and the last one is not of today."""
_PLACE = Place(PlaceKind.PERSONAL, TENANT, "a:1bench", "https://smba.trafficmanager.net/", "28:b")


async def growth(size: Size) -> Found:
    """Three Dealdesks on databases of three sizes, in turns. The rows are shared among tables."""
    steps = ROWS[:2] if size.quick else ROWS
    kinds = (DURABLE, Kind("drafts", text="drafts"), Kind("approvals", text="approvals"))
    async with lab(size) as it:
        servers = []
        for rows in steps:
            settings = it.settings()
            await fill(settings, rows)
            servers.append(await it.dealdesk(settings, signed_in=True, name=f"{rows} rows"))
        runs = await it.in_turns(
            [
                replace(server, name=f"{rows} rows")
                for rows, server in zip(steps, servers, strict=True)
            ],
            kinds,
            (4,),
        )
    return Found(
        [_of_growth(runs, kind, rows, steps[0]) for rows in steps[1:] for kind in kinds], runs
    )


def _of_growth(runs: Sequence[Run], kind: Kind, rows: int, few: int) -> Verdict:
    own, other = (pick(runs, f"{number} rows", kind.name, 4) for number in (rows, few))
    return at_most(
        "growth",
        f"{kind.name}: CPU with {rows} rows against {few}",
        ratio(own, other, cpu),
        1.2,
        absolute=medians(map(cpu, own), map(cpu, other), "ms"),
    )


async def fill(settings: Settings, rows: int) -> None:
    """A quarter of the rows each in audit, approvals, outbox and drafts, all of them ended."""
    store = open_store(settings.database_url)
    try:
        await upgrade(store)
        async with store.begin() as connection:
            for table in (audit, approvals, outbox, drafts):
                await connection.execute(table.insert(), _rows(table))
    finally:
        await store.close()
    path = sa.make_url(settings.database_url).database or ""
    await asyncio.to_thread(_multiply, path, rows // 4 // DAYS)


_ENDED = {"approvals": "done", "outbox": "sent", "drafts": "submitted"}
_TIMES = frozenset({"expires", "not_before"})
_ALLOWED = re.compile(r"(\w+) IN \('([^']*)'")
"""A column that takes certain words only, and the first of them."""


def _rows(table: sa.Table) -> list[dict[str, object]]:
    """One of each day."""
    now = datetime.now(UTC)
    return [
        _row(table, now - timedelta(days=ago)) | {"id": uuid.uuid4().hex}
        for ago in range(2, 2 + DAYS)
    ]


def _row(table: sa.Table, now: datetime) -> dict[str, object]:
    values: dict[str, object] = {}
    for column in table.columns:
        if column.nullable and column.name not in {"referral_id", "sent"}:
            continue
        kind = column.type
        if isinstance(kind, sa.Integer):
            values[column.name] = 1
        elif not isinstance(kind, sa.Text):
            later = timedelta(days=7) if column.name in _TIMES else timedelta()
            values[column.name] = now + later
        else:
            known = {"tenant": TENANT, "place": json.dumps(_PLACE.to_json())}
            values[column.name] = known.get(column.name, "{}")
    for check in table.constraints:
        if isinstance(check, sa.CheckConstraint):
            allowed = _ALLOWED.match(str(check.sqltext))
            if allowed is not None:
                values[allowed[1]] = allowed[2]
    if table.name in _ENDED:
        values["state"] = _ENDED[table.name]
    values.pop("seq", None)
    return values


def _multiply(path: str, times: int) -> None:
    """Copies each row so often, for other people, deals and conversations."""
    own = {"person", "requester", "referral_id", "conversation", "subject_id", "target_message"}
    with closing(sqlite3.connect(path)) as opened, opened:
        for table in (audit, approvals, outbox, drafts):
            names = [column.name for column in table.columns if column.name not in {"seq"}]
            made = [
                "lower(hex(randomblob(16)))"
                if name == "id"
                else f"'{name}-' || n"
                if name in own
                else name
                for name in names
            ]
            opened.execute(
                f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers"  # noqa: S608
                f" WHERE n < {times}), kept AS (SELECT * FROM {table.name})"
                f" INSERT INTO {table.name} ({', '.join(names)})"
                f" SELECT {', '.join(made)} FROM kept, numbers"
            )


async def two_processes(size: Size) -> Found:
    """Turns a second of two Dealdesks on one PostgreSQL against one alone."""
    pairs = []
    with postgresql() as address:
        async with lab(size) as it:
            settings = it.settings(address)
            one = await it.dealdesk(settings, signed_in=True)
            two = await it.dealdesk(settings, name="second")
            for server in (one, two):
                await it.calm(server, DURABLE, 64)
            for _ in range(size.rounds):
                alone = await it.driver.run(one, DURABLE, turns=96, concurrency=32)
                began = time.perf_counter()
                await asyncio.gather(
                    *(
                        it.driver.run(each, DURABLE, turns=96, concurrency=16, waits=False)
                        for each in (one, two)
                    )
                )
                pairs.append((192 / (time.perf_counter() - began), alone.turns_per_second))
    times = median(both / alone for both, alone in pairs)
    rates = medians((both for both, _ in pairs), (alone for _, alone in pairs), "turns/s")
    verdict = at_least("two-processes", "turns/s against one process", times, 1.8, absolute=rates)
    cores = os.cpu_count() or 1
    if cores < 4:
        told = f"turns/s against one process; {cores} cores for both, the database and the driver"
        verdict = replace(verdict, what=told, reached=None)
    return Found([verdict], notes={"two-processes": pairs})


async def fan_out(size: Size) -> Found:
    """One win to a thousand channels."""
    channels = 150 if size.quick else 1000
    teams, took = await fans.run(channels, 0.1)
    sent, least, lasted = len(teams.arrived), fans.allowed_seconds(channels), took.last - took.first
    requests = (sent + teams.other_requests) / channels
    once = Verdict("fan-out", "told not at all or twice", "none", "none", fans.is_good(teams, took))
    return Found(
        [
            at_least(
                "fan-out",
                "of the rate that Teams allows",
                least / lasted * 100,
                95,
                " %",
                f"{lasted:.1f} : {least:.1f} s",
            ),
            at_most("fan-out", "requests a send", requests, 1, ""),
            at_most("fan-out", "token requests for all of it", took.token_requests, 0, ""),
            once if once.reached else replace(once, found="some"),
        ],
        notes={"fan-out": took},
    )
