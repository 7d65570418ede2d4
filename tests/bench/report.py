"""Verdicts: what was measured against what must be reached, as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from tests.bench.driver import Run


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the table. `reached` is None for what has no target of its own; `absolute` is
    what a ratio was taken of."""

    measure: str
    what: str
    found: str
    target: str = ""
    reached: bool | None = None
    absolute: str = ""


def at_most(
    measure: str, what: str, value: float, most: float, unit: str = "x", absolute: str = ""
) -> Verdict:
    """Reached when the value is no more than `most`."""
    shown = f"{value:.3g}{unit}"
    return Verdict(measure, what, shown, f"<= {most:g}{unit}", value <= most, absolute)


def at_least(
    measure: str, what: str, value: float, least: float, unit: str = "x", absolute: str = ""
) -> Verdict:
    """Reached when the value is no less than `least`."""
    shown = f"{value:.3g}{unit}"
    return Verdict(measure, what, shown, f">= {least:g}{unit}", value >= least, absolute)


def medians(own: Iterable[float], other: Iterable[float], unit: str) -> str:
    """Both sides of a ratio; the ratio of these is not quite the median of the ratios."""
    return f"{median(own):.3g} : {median(other):.3g} {unit}"


Number = Callable[[Run], float]


def pick(runs: Iterable[Run], server: str, kind: str, concurrency: int) -> list[Run]:
    """The runs of one case, in the order of the rounds."""
    return [
        run
        for run in runs
        if (run.server, run.kind, run.concurrency) == (server, kind, concurrency)
    ]


def ratio(own: Sequence[Run], other: Sequence[Run], number: Number) -> float:
    """The median over the rounds of a ratio taken within each round."""
    return median(number(a) / number(b) for a, b in zip(own, other, strict=True))


def cpu(run: Run) -> float:
    """CPU time a turn."""
    return run.cpu_ms_per_turn


_RUNS = (
    "kind", "at once", "server", "CPU ms/turn", "x limit", "turns/s", "p50 ms", "p99 ms",
    "connections/turn", "logins/turn", "lost", "harness",
)  # fmt: skip


def runs_table(runs: Sequence[Run], limit: str) -> str:
    """Medians of every case; counts over all rounds."""
    cases = dict.fromkeys((run.kind, run.concurrency, run.server) for run in runs)
    lines = [_RUNS]
    for kind, concurrency, server in sorted(cases, key=lambda case: (case[0], case[1])):
        own = pick(runs, server, kind, concurrency)
        against = pick(runs, limit, kind, concurrency)
        turns = sum(run.turns for run in own)
        lines.append(
            (
                kind,
                str(concurrency),
                server,
                f"{median(map(cpu, own)):.2f}",
                f"{ratio(own, against, cpu):.2f}",
                f"{median(run.turns_per_second for run in own):.0f}",
                f"{median(run.p50_ms for run in own):.1f}",
                f"{median(run.p99_ms for run in own):.1f}",
                f"{sum(run.new_connections for run in own) / turns:.3f}",
                f"{sum(run.token_calls for run in own) / turns:.3f}",
                str(sum(run.lost for run in own)),
                f"{median(run.harness_busy for run in own):.0%}",
            )
        )
    return aligned(lines)


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """Every verdict in a line."""
    said = {True: "reached", False: "NOT REACHED", None: ""}
    rows = [("measure", "what", "found", "must reach", "of", "verdict")]
    rows += [(v.measure, v.what, v.found, v.target, v.absolute, said[v.reached]) for v in verdicts]
    return aligned(rows, left=6)


def aligned(rows: Sequence[Sequence[str]], left: int = 3) -> str:
    """Columns; the first `left` begin where their heads do, the others end there."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number < left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def keep(path: Path, verdicts: Sequence[Verdict], details: Mapping[str, object]) -> None:
    """Write everything that was measured, the single runs too."""
    kept = {
        "machine": {
            "cpus": os.cpu_count(),
            "load": os.getloadavg(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "verdicts": [asdict(verdict) for verdict in verdicts],
        "details": details,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept, indent=2, default=asdict) + "\n", "utf-8")
