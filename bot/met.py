"""Writes down where to reach whoever the bot meets, when that is news to this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.conversation import Person, Place, PlaceKind
from bot.recent import Recent
from bot.store import people
from bot.store.engine import Store

MOST = 10_000
AGAIN = timedelta(hours=1)
"""When the same is written again: another instance may have written something else meanwhile."""


@dataclass(frozen=True, slots=True)
class _Written:
    person: Person
    service_url: str
    personal_conversation: str | None
    locale: str


class Met:
    """Everybody met lately, as they were written down. `now` gives aware UTC times."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._written: Recent[tuple[str, str], _Written] = Recent(MOST, AGAIN, now)

    async def note(self, person: Person, place: Place, locale: str) -> None:
        """Somebody is here. Raises StoreError."""
        key = (person.tenant, person.id)
        known = self._written.get(key)
        personal = known.personal_conversation if known is not None else None
        if place.kind is PlaceKind.PERSONAL:
            personal = place.conversation_id
        met = _Written(person, place.service_url, personal, locale)
        if met == known:
            return
        async with self._store.each() as connection:
            await people.remember(
                connection,
                person,
                place.service_url,
                self._now(),
                personal_conversation=personal,
                locale=locale,
            )
        self._written.put(key, met)
