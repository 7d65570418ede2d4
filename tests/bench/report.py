"""Turns runs into the table that is printed and the JSON that is kept."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from tests.bench.driver import Run

LIMIT = "limit"
_HEAD = (
    "server", "at once", "CPU ms/turn", "x limit", "turns/s", "p50 ms", "p99 ms",
    "connections/turn", "logins/turn", "lost",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """Medians over the rounds of one server at one concurrency; counts are over all rounds."""

    server: str
    concurrency: int
    cpu_ms_per_turn: float
    times_limit: float
    turns_per_second: float
    p50_ms: float
    p99_ms: float
    connections_per_turn: float
    logins_per_turn: float
    lost: int


def summarise(rounds: Sequence[Sequence[Run]]) -> list[Line]:
    """One line for each server and concurrency. A ratio is taken within its round only."""
    cases = sorted({(run.concurrency, run.server) for runs in rounds for run in runs})
    return [_line(rounds, server, concurrency) for concurrency, server in cases]


def _line(rounds: Sequence[Sequence[Run]], server: str, concurrency: int) -> Line:
    own = [_pick(runs, server, concurrency) for runs in rounds]
    limits = [_pick(runs, LIMIT, concurrency) for runs in rounds]
    turns = sum(run.turns for run in own)

    def middle(value: Callable[[Run], float]) -> float:
        return median(value(run) for run in own)

    return Line(
        server=server,
        concurrency=concurrency,
        cpu_ms_per_turn=middle(lambda run: run.cpu_ms_per_turn),
        times_limit=median(
            run.cpu_ms_per_turn / limit.cpu_ms_per_turn
            for run, limit in zip(own, limits, strict=True)
        ),
        turns_per_second=middle(lambda run: run.turns_per_second),
        p50_ms=middle(lambda run: run.p50_ms),
        p99_ms=middle(lambda run: run.p99_ms),
        connections_per_turn=sum(run.new_connections for run in own) / turns,
        logins_per_turn=sum(run.token_calls for run in own) / turns,
        lost=sum(run.lost for run in own),
    )


def _pick(runs: Sequence[Run], server: str, concurrency: int) -> Run:
    return next(run for run in runs if (run.server, run.concurrency) == (server, concurrency))


def table(lines: Sequence[Line], memory: Mapping[str, Mapping[str, float]]) -> str:
    """Both tables, for a terminal."""
    rows = [
        (
            line.server,
            str(line.concurrency),
            f"{line.cpu_ms_per_turn:.2f}",
            f"{line.times_limit:.2f}",
            f"{line.turns_per_second:.0f}",
            f"{line.p50_ms:.1f}",
            f"{line.p99_ms:.1f}",
            f"{line.connections_per_turn:.4f}",
            f"{line.logins_per_turn:.4f}",
            str(line.lost),
        )
        for line in lines
    ]
    moments = list(next(iter(memory.values())))
    sizes = [(name, *(f"{found[at]:.1f}" for at in moments)) for name, found in memory.items()]
    return f"{_aligned([_HEAD, *rows])}\n\n{_aligned([('RSS MB', *moments), *sizes])}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def keep(
    path: Path,
    rounds: Sequence[Sequence[Run]],
    lines: Sequence[Line],
    memory: Mapping[str, Mapping[str, float]],
) -> None:
    """Write everything that was measured, the single runs too."""
    kept = {
        "machine": {
            "cpus": os.cpu_count(),
            "load": os.getloadavg(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "lines": [asdict(line) for line in lines],
        "resident_mb": memory,
        "rounds": [[asdict(run) for run in runs] for runs in rounds],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept, indent=2) + "\n", "utf-8")
