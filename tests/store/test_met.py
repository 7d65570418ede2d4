"""Whoever the bot meets is written down when something about them is news."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.conversation import PlaceKind
from bot.met import AGAIN, Met
from bot.store import people, schema
from bot.store.engine import Store
from bot.store.errors import StoreUnavailable
from tests.store.places import BEN, NOW, place

HOME = replace(place("a:ben"), kind=PlaceKind.PERSONAL)
CHANNEL = replace(place("19:wins"), kind=PlaceKind.CHANNEL)


class _Clock:
    def __init__(self) -> None:
        self.present = NOW

    def __call__(self) -> datetime:
        self.present += timedelta(seconds=1)
        return self.present


async def _known(store: Store) -> people.Known:
    async with store.read() as connection:
        found = await people.find(connection, BEN.tenant, BEN.id)
    assert found is not None
    return found


async def test_the_same_is_written_once_until_it_is_old(store: Store) -> None:
    clock = _Clock()
    met = Met(store, clock)
    await met.note(BEN, HOME, "en-US")
    first = await _known(store)
    await met.note(BEN, HOME, "en-US")
    assert await _known(store) == first
    clock.present += AGAIN
    await met.note(BEN, HOME, "en-US")
    assert (await _known(store)).updated > first.updated


async def test_news_is_written_at_once_and_the_personal_chat_stays_known(store: Store) -> None:
    met = Met(store, _Clock())
    await met.note(BEN, HOME, "en-US")
    await met.note(BEN, CHANNEL, "en-US")
    await met.note(BEN, CHANNEL, "de-DE")
    renamed = replace(BEN, name="Ben O.")
    await met.note(renamed, CHANNEL, "de-DE")
    known = await _known(store)
    assert (known.person, known.personal_conversation, known.locale) == (renamed, "a:ben", "de-DE")


async def test_what_could_not_be_written_is_news_still(store: Store) -> None:
    met = Met(store, _Clock())
    async with store.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE people RENAME TO elsewhere"))
    with pytest.raises(StoreUnavailable):
        await met.note(BEN, HOME, "en-US")
    async with store.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO people"))
        assert await connection.scalar(sa.select(sa.func.count()).select_from(schema.people)) == 0
    await met.note(BEN, HOME, "en-US")
    assert (await _known(store)).person == BEN
