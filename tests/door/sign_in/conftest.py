"""A fresh Entra, store and clock for each test; keys and certificates once a run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.identity import Identity
from bot.store.engine import Store, open_store, upgrade
from sandbox.keys import KeyRing
from sandbox.tls import Tls, make_tls
from tests.door.sign_in.entra_stand import Clock, Stand, running


@pytest.fixture(scope="session")
def signing_keys() -> KeyRing:
    return KeyRing()


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def stand(signing_keys: KeyRing, tls: Tls) -> AsyncIterator[Stand]:
    async with running(signing_keys, tls) as stand:
        yield stand


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store(f"sqlite+aiosqlite:///{tmp_path}/dealdesk.db")
    await upgrade(store)
    yield store
    await store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def identity(stand: Stand, store: Store, clock: Clock) -> AsyncIterator[Identity]:
    identity = stand.identity(store, clock)
    yield identity
    identity.close()
