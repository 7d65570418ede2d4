"""Fixtures for everybody: one sandbox process a run, one world a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sandbox import launch
from tests.world import World


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[launch.Sandbox]:
    """The sandbox, as a process of its own on a free port."""
    running = launch.start(port=0, state_dir=tmp_path_factory.mktemp("sandbox"))
    yield running
    running.stop()


@pytest.fixture
async def world(sandbox: launch.Sandbox, tmp_path: Path) -> AsyncIterator[World]:
    """A world that was put back to its start; bots started in it end with the test."""
    async with World(sandbox, tmp_path) as made:
        yield made
