"""Random schedules: many lives of a request for approval, each drawn from a seed.

CHAOS_SEEDS asks for more (`make chaos SEEDS=n`); CHAOS_FIRST begins elsewhere.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.fault.approval_lives import empty, live, open_line

SEEDS = int(os.environ.get("CHAOS_SEEDS", "1000"))
FIRST = int(os.environ.get("CHAOS_FIRST", "0"))
LONGEST_SECONDS = 120.0
ENOUGH = 0.1


@pytest.mark.timeout(120 + SEEDS)
async def test_whatever_a_seed_draws_the_books_agree(tmp_path: Path) -> None:
    ends: Counter[str] = Counter()
    async with open_line(tmp_path) as line:
        for seed in range(FIRST, FIRST + SEEDS):
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    ends[await live(line, seed)] += 1
            except Exception as error:
                error.add_note(f"seed {seed}: CHAOS_FIRST={seed} CHAOS_SEEDS=1 repeats it")
                raise
            await empty(line)
    assert ends.total() == SEEDS
    if SEEDS >= 100:
        assert ends["done"] > ENOUGH * SEEDS
        assert {"rejected", "stale"} <= set(ends)
