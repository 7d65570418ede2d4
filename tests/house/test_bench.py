"""The README of the benchmark tells every measure that exists, and no other."""

import re

from tests.bench.measures import MEASURES
from tests.house.test_floors import ROOT

README = (ROOT / "tests" / "bench" / "README.md").read_text("utf-8")


def test_the_readme_lists_every_measure_with_its_target() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| .* \| ([^|]+) \|$", README, re.MULTILINE)
    assert rows == [(name, measure.target) for name, measure in MEASURES.items()]
