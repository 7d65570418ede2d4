"""What conversations have chosen to be answered in, remembered for a while."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from bot.conversation import Place
from bot.store import languages
from bot.store.engine import Store

KEPT_FOR = timedelta(minutes=1)
"""How long a choice made at another instance may go unnoticed here."""
MOST_KEPT = 10_000


class Choices:
    """What conversations have chosen, remembered so that a turn need not ask the store."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], tuple[str | None, datetime]] = OrderedDict()

    async def of(self, store: Store, place: Place, now: datetime) -> str | None:
        """The locale the conversation has chosen; None when it has not."""
        key = place.tenant, place.channel
        locale, until = self._known.get(key, (None, now))
        if until > now:
            self._known.move_to_end(key)
            return locale
        async with store.each(writes=False) as connection:
            locale = await languages.find(connection, *key)
        self.note(place, locale, now)
        return locale

    def remembered(self, place: Place, now: datetime) -> str | None:
        """What it has chosen, without asking: None also when nobody knows."""
        locale, until = self._known.get((place.tenant, place.channel), (None, now))
        return locale if until > now else None

    def note(self, place: Place, locale: str | None, now: datetime) -> None:
        """Remembers a choice for a while."""
        key = place.tenant, place.channel
        self._known[key] = locale, now + KEPT_FOR
        self._known.move_to_end(key)
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)
