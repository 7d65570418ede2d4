"""Small writes of a burst share transactions, and one by itself does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store.connection import AsyncConnection
from bot.store.engine import Store, open_store
from bot.store.errors import StoreBusy
from bot.store.together import PAUSE_SECONDS, Together
from tests.hurried import hurried, hurried_loop


class Counted:
    """How many transactions a store began, and when the last one did."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.count, self._begin = 0, Store.begin
        patch.setattr(Store, "begin", self._counting())

    def _counting(self) -> Callable[[Store], AbstractAsyncContextManager[AsyncConnection]]:
        def begin(store: Store) -> AbstractAsyncContextManager[AsyncConnection]:
            self.count += 1
            return self._begin(store)

        return begin


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


async def one(connection: AsyncConnection) -> float:
    """A write that tells when it was made."""
    await connection.execute(sa.text("SELECT 1"))
    return hurried_loop().time()


def opened(folder: Path) -> Store:
    return open_store(f"sqlite+aiosqlite:///{folder}/dealdesk.db")


def test_what_comes_soon_after_another_shares_a_transaction(tmp_path: Path, begun: Counted) -> None:
    async def burst() -> float:
        store = opened(tmp_path)
        together = Together(store)
        loop, writes = hurried_loop(), []
        for _ in range(100):
            writes.append(asyncio.create_task(together.write(one)))
            await asyncio.sleep(0.005)
        made = await asyncio.gather(*writes)
        await store.close()
        assert made == sorted(made)
        return loop.time()

    lasted = hurried(burst())
    assert lasted < 0.5 + 2 * PAUSE_SECONDS
    assert begun.count <= round(lasted / PAUSE_SECONDS) + 1


def test_one_by_itself_does_not_wait(tmp_path: Path, begun: Counted) -> None:
    async def now_and_then() -> None:
        store = opened(tmp_path)
        together = Together(store)
        for number in range(3):
            await asyncio.sleep(PAUSE_SECONDS)
            asked = hurried_loop().time()
            assert await together.write(one) == asked
            assert begun.count == number + 1
        await store.close()

    hurried(now_and_then())


def test_one_that_fails_takes_those_beside_it_along_and_nobody_later(tmp_path: Path) -> None:
    async def fails(_connection: AsyncConnection) -> float:
        raise StoreBusy("busy")

    async def some() -> list[float | BaseException]:
        store = opened(tmp_path)
        together = Together(store)
        beside = await asyncio.gather(
            together.write(one), together.write(fails), return_exceptions=True
        )
        later = await together.write(one)
        await together.finish()
        await store.close()
        return [*beside, later]

    first, second, later = hurried(some())
    assert isinstance(first, StoreBusy)
    assert isinstance(second, StoreBusy)
    assert isinstance(later, float)
