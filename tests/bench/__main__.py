"""`python -m tests.bench [MEASURE ...]` or `make bench`: Dealdesk beside the limit and its peers.

Without a measure everything is measured. Nothing is compared but what ran in turns in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot import log
from tests.bench.lab import OUT, Found, Size
from tests.bench.measures import MEASURES, Suite
from tests.bench.report import Verdict, keep, runs_table, verdict_table
from tests.bench.servers import LIMIT


async def measured(suites: Sequence[Suite], size: Size, path: Path) -> dict[str, Found]:
    """What each suite found, kept as soon as it is; one that failed is told and does not end the
    others."""
    found: dict[str, Found] = {}
    for suite in suites:
        name, began = suite.__name__, time.monotonic()
        print(f"… {name}", flush=True)  # noqa: T201
        try:
            found[name] = await suite(size)
        except Exception as error:
            found[name] = Found([Verdict(name, type(error).__name__, "failed", "", False)])
            traceback.print_exc()
        limits = {(run.kind, run.concurrency) for run in found[name].runs if run.server == LIMIT}
        if limits:
            shown = [r for r in found[name].runs if (r.kind, r.concurrency) in limits]
            print(f"\n{runs_table(shown, LIMIT)}\n")  # noqa: T201
        print(verdict_table(found[name].verdicts), f"({time.monotonic() - began:.0f} s)\n")  # noqa: T201
        keep(path, verdicts_of(found), {name: [f.runs, f.notes] for name, f in found.items()})
    return found


def verdicts_of(found: Mapping[str, Found]) -> list[Verdict]:
    """Those of every suite."""
    return [verdict for each in found.values() for verdict in each.verdicts]


def main() -> int:
    """Read the arguments and measure; 1 when a target was not reached or turns were lost."""
    if sys.platform != "linux":
        print("The benchmark reads CPU time and memory as Linux gives them.")  # noqa: T201
        return 2
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=", ".join(MEASURES))
    parser.add_argument("--rounds", type=int, default=5, help="rounds of every case")
    parser.add_argument("--quick", action="store_true", help="two short rounds, to see it work")
    given = parser.parse_args()
    unknown = set(given.measures) - set(MEASURES)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; measures: {', '.join(MEASURES)}")
    size = Size(2, 0.2, quick=True) if given.quick else Size(max(given.rounds, 2))
    wanted = given.measures or list(MEASURES)
    suites = list(dict.fromkeys(MEASURES[name].suite for name in wanted))
    path = OUT / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    log.configure(json=False, level="WARNING")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends what was started, as Ctrl-C
    found = asyncio.run(measured(suites, size, path))
    verdicts = verdicts_of(found)
    print(f"{verdict_table(verdicts)}\n\n{path}")  # noqa: T201
    lost = sum(run.lost for each in found.values() for run in each.runs)
    if lost:
        print(f"{lost} turns were lost")  # noqa: T201
    return 1 if lost or any(verdict.reached is False for verdict in verdicts) else 0


if __name__ == "__main__":
    raise SystemExit(main())
