"""Sends what is said at once, counted against Teams' windows so that the outbox leaves room.

Counted in memory, as a row for each answer would cost more than the answer: other instances do not
see it. What Teams refuses for being too much (429) holds the outbox's next there as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from bot.conversation import Message, Person, Place, Seat, Sender, SendFailed, SendFailure
from bot.windows import Windows

_MOST_SHOWN = 10_000
_SHOWN_FOR = timedelta(hours=1)
_HOLD = timedelta(seconds=2)
"""How long nothing follows a 429 that names no time."""


class Answering:
    """The `Sender` of turns and whatever else does not wait in the outbox."""

    def __init__(self, sender: Sender, windows: Windows, now: Callable[[], datetime]) -> None:
        self._sender = sender
        self._windows = windows
        self._now = now

    async def send(self, place: Place, message: Message, *, reply_to: str | None = None) -> str:
        """As `Sender.send`."""
        with self._counted(place):
            return await self._sender.send(place, message, reply_to=reply_to)

    async def update(self, place: Place, activity_id: str, message: Message) -> None:
        """As `Sender.update`."""
        with self._counted(place):
            await self._sender.update(place, activity_id, message)

    async def delete(self, place: Place, activity_id: str) -> None:
        """As `Sender.delete`."""
        with self._counted(place):
            await self._sender.delete(place, activity_id)

    async def typing(self, place: Place) -> None:
        """As `Sender.typing`."""
        with self._counted(place):
            await self._sender.typing(place)

    async def open_personal(self, tenant: str, teams_id: str, service_url: str) -> Place:
        """As `Sender.open_personal`; it counts for the tenant."""
        self._windows.asked(tenant)
        return await self._sender.open_personal(tenant, teams_id, service_url)

    async def members(self, place: Place) -> list[Person]:
        """As `Sender.members`; it counts for the tenant, as a roster has windows of its own."""
        self._windows.asked(place.tenant)
        return await self._sender.members(place)

    async def roster(self, place: Place) -> list[Seat]:
        """As `Sender.roster`; it counts for the tenant."""
        self._windows.asked(place.tenant)
        return await self._sender.roster(place)

    @contextmanager
    def _counted(self, place: Place) -> Iterator[None]:
        self._windows.answered(place.tenant, place.channel)
        try:
            yield
        except SendFailed as error:
            if error.kind is SendFailure.THROTTLED:
                asked = error.retry_after
                wait = _HOLD if asked is None else timedelta(seconds=asked)
                self._windows.hold(place.channel, self._now() + wait)
            raise


class Latest:
    """How new the replies are that took the place of a message here: what is owed from before must
    not overwrite them. Kept in memory for as long as something older may wait, and bounded."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._shown: dict[tuple[str, str], datetime] = {}

    def __bool__(self) -> bool:
        return bool(self._shown)

    def note(self, conversation: str, message_id: str, as_of: datetime) -> None:
        """A message shows now what was true at a moment."""
        key = conversation, message_id
        former = self._shown.pop(key, as_of)
        self._shown[key] = max(former, as_of)
        if len(self._shown) > _MOST_SHOWN:
            self._forget()

    def of(self, conversation: str, message_id: str) -> datetime | None:
        """The moment that a message shows, if that is known here."""
        return self._shown.get((conversation, message_id))

    def _forget(self) -> None:
        """The half that was shown the longest ago, and whatever is an hour old."""
        old = self._now() - _SHOWN_FOR
        kept = list(self._shown.items())[_MOST_SHOWN // 2 :]
        self._shown = {key: at for key, at in kept if at > old}
