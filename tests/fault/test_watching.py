"""The loops that keep a promise go on when the store could not be used for a while."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from bot.desk import Desk
from bot.dialog import Dialog
from bot.store.engine import open_store, upgrade
from tests.store.places import SEALS


class _Enough(Exception):
    pass


async def test_I1_drafts_are_watched_on_after_the_store_failed(tmp_path: Path) -> None:
    store = open_store(f"sqlite+aiosqlite:///{tmp_path / 'dealdesk.db'}")
    looked: list[float] = []

    async def sleep(seconds: float) -> None:
        looked.append(seconds)
        if len(looked) == 2:
            raise _Enough
        await upgrade(store)

    nobody = cast("Any", None)
    desk = Desk(
        store,
        nobody,
        nobody,
        nobody,
        now=lambda: datetime.now(UTC),
        new_id=str,
        sleep=sleep,
        seals=SEALS,
    )
    with pytest.raises(_Enough):
        await Dialog(desk, nobody).watch()
    await store.close()
