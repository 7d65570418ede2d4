"""The databases that several processes share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fault.servers import Server, postgresql
from tests.world import World


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL server that processes share."""
    with postgresql() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def database(request: pytest.FixtureRequest, world: World) -> str:
    """The address of an empty database for several processes."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{world.folder / 'dealdesk.db'}"
    server: Server = request.getfixturevalue("server")
    return await server.emptied()
