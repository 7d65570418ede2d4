"""What serving on SQLite does not need stays out of memory: each of these takes 2 MB and more."""

import subprocess
import sys

import pytest

from tests.bots import ROOT, inherited

_LOADED = "import sys, app; print(*sys.modules, sep='\\n')"


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules of a Python that only imports what serves."""
    ended = subprocess.run(  # noqa: S603 - our own program, no shell
        [sys.executable, "-c", _LOADED],
        cwd=ROOT,
        env=inherited(),
        check=True,
        capture_output=True,
        text=True,
    )
    return set(ended.stdout.split())


@pytest.mark.parametrize(
    "name", ["sqlalchemy.orm", "sqlalchemy.dialects.postgresql", "asyncpg", "alembic"]
)
def test_what_serving_does_not_need_is_not_loaded(loaded: set[str], name: str) -> None:
    assert "bot.store.engine" in loaded
    assert name not in loaded
