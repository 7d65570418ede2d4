"""The migrations are one line: each follows the one before, and its file says its number."""

import re
from pathlib import Path

VERSIONS = Path(__file__).parents[2] / "bot" / "store" / "migrations" / "versions"
REVISION = re.compile(r'^revision = "(\d{4})"$', re.MULTILINE)
BEFORE = re.compile(r'^down_revision = (?:"(\d{4})"|None)$', re.MULTILINE)


def test_every_migration_follows_the_one_before_it() -> None:
    numbers: list[str] = []
    for path in sorted(VERSIONS.glob("[0-9]*.py")):
        revision, before = REVISION.search(path.read_text()), BEFORE.search(path.read_text())
        assert revision is not None, path.name
        assert before is not None, path.name
        assert path.name.startswith(f"{revision[1]}_"), path.name
        assert before[1] == (numbers[-1] if numbers else None), path.name
        numbers.append(revision[1])
    assert len(numbers) > 1
