"""Every measure there is. The README of the benchmark says what each means."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Protocol

from tests.bench import hard_days, process, turns
from tests.bench.lab import Found, Size


class Suite(Protocol):
    """Measures what can be measured in one go."""

    __name__: str

    def __call__(self, size: Size) -> Awaitable[Found]: ...


@dataclass(frozen=True, slots=True)
class Measure:
    """What measures it, and what must be reached."""

    suite: Suite
    target: str


MEASURES: Mapping[str, Measure] = {
    "help": Measure(turns.turns, "<= 1.5x the limit"),
    "card": Measure(turns.turns, "<= 2x the limit"),
    "press": Measure(turns.turns, "<= 2x the limit"),
    "logins": Measure(turns.turns, "0 a turn"),
    "connections": Measure(turns.turns, "<= 0.02 a turn"),
    "p99": Measure(turns.turns, "<= 3x the limit's"),
    "peers": Measure(turns.turns, "each beaten"),
    "durable-sqlite": Measure(turns.durable, "<= 3x the limit"),
    "durable-postgresql": Measure(turns.durable, "<= 3x the limit"),
    "latency": Measure(turns.latency, ">= 0.9x the limit"),
    "slow": Measure(hard_days.slow, "loop lag < 50 ms, help p95 within 20 %"),
    "start": Measure(process.start, "<= 1.2x the imports"),
    "memory": Measure(process.memory, "<= 90 MB, <= 110 MB, < 1 MB per 10,000 turns"),
    "list": Measure(hard_days.listing, "1 request, memory flat"),
    "growth": Measure(hard_days.growth, "within 1.2x"),
    "two-processes": Measure(hard_days.two_processes, ">= 1.8x"),
    "fan-out": Measure(
        hard_days.fan_out, ">= 95 % of the allowed rate, 1 request a send, 0 token requests"
    ),
}
