"""Case G9: a thousand random lives of a registration, two processes, every fault at once."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from bot import registration_rules as rules
from bot.registration_rules import Decision, Do, Limits, Seen, Standing, State, Why
from tests.fault.schedules import Line, Wrong, empty, live, open_line

LIVES = 1000
BATCH = 100


async def _lives(line: Line, first: int, count: int) -> Counter[State]:
    ends: Counter[State] = Counter()
    for seed in range(first, first + count):
        try:
            ends[await live(line, seed)] += 1
        except Wrong as wrong:
            raise Wrong(f"seed {seed}: {wrong}") from wrong
        await empty(line)
    return ends


@pytest.mark.parametrize("first", range(0, LIVES, BATCH))
async def test_g9_no_life_ends_in_a_double_a_loss_or_a_false_no(first: int, tmp_path: Path) -> None:
    async with open_line(tmp_path) as line:
        ends = await _lives(line, first, BATCH)
    assert ends[State.DONE] > BATCH // 4
    assert len(ends) > 2
    assert sum(ends.values()) == BATCH


async def test_g9_the_books_notice_a_rule_that_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Says no as soon as a read does not show it."""
    right = rules.after_read

    def hasty(row: Standing, seen: Seen, now: datetime, limits: Limits) -> Decision:
        decision = right(row, seen, now, limits)
        unsure = row.state is State.UNKNOWN and decision.do is Do.LOOK
        return Decision(Do.FAIL, Why.GAVE_UP) if unsure else decision

    monkeypatch.setattr(rules, "after_read", hasty)
    async with open_line(tmp_path) as line:
        with pytest.raises(Wrong, match="but registered"):
            await _lives(line, 0, LIVES)
