"""Every test of the store runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from bot.store.engine import Store, open_store, upgrade
from tests.postgresql import served


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server that lives as long as the test run."""
    with served() as server:
        yield server.get_uri(driver="asyncpg")


async def emptied(address: str) -> str:
    """The same address with nothing left in the database."""
    engine = create_async_engine(address, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        await connection.execute(sa.text("CREATE SCHEMA public"))
    await engine.dispose()
    return address


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/dealdesk.db"
    return await emptied(request.getfixturevalue("postgres"))


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    """An open store with its tables."""
    store = open_store(database)
    await upgrade(store)
    yield store
    await store.close()


@pytest.fixture
async def other(database: str, store: Store) -> AsyncIterator[Store]:
    """The same database as another instance of the bot has it open."""
    second = open_store(database)
    yield second
    await second.close()
