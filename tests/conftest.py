"""Fixtures for everybody: one sandbox process a run, one world a test."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from sandbox import launch
from tests.world import World

settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")
"""The same examples each time, however long each of them takes: a slow machine fails nothing."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many processes `make test` has: one a processor, as each starts a sandbox, a database
    server, bots and browsers of its own, and some tests hold the bot to the seconds Teams gives."""
    return min(4, os.cpu_count() or 1)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, object, object]:
    """Half a letter, as hostile people type it, cannot go from one test process to another: what
    a report says is written out before."""
    return _whole((yield))


def _whole(told: object) -> object:
    match told:
        case str():
            return told.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {name: _whole(each) for name, each in told.items()}
        case list() | tuple():
            return type(told)(map(_whole, told))
        case _:
            return told


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
