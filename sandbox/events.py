"""What happened in the sandbox, in order, for whoever waits for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

KEPT = 5_000
"""Events kept; a reader further behind gets fewer than happened and starts again from the state."""


class Kind(StrEnum):
    """What an event tells."""

    MESSAGE = "message"
    UPDATE = "update"
    DELETE = "delete"
    VIEW = "view"
    """One person's own view of a message changed: a card answer, a hidden sign-in card."""
    TYPING = "typing"
    INSTALL = "install"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `people` are the keys of those who can see it."""

    seq: int
    kind: Kind
    conversation: str = ""
    message: str = ""
    people: tuple[str, ...] = ()
    by_bot: bool = False


class Events:
    """An append-only log that can be waited on."""

    def __init__(self) -> None:
        self._log: list[Event] = []
        self._seq = 0
        self._news = asyncio.Event()

    @property
    def last(self) -> int:
        """The number of the newest event, 0 before the first."""
        return self._seq

    def add(
        self,
        kind: Kind,
        conversation: str = "",
        message: str = "",
        people: tuple[str, ...] = (),
        *,
        by_bot: bool = False,
    ) -> None:
        """Append an event and wake those who wait."""
        self._seq += 1
        self._log.append(Event(self._seq, kind, conversation, message, people, by_bot))
        del self._log[:-KEPT]
        news, self._news = self._news, asyncio.Event()
        news.set()

    def since(self, seq: int, key: str | None = None) -> list[Event]:
        """Events after number `seq`; with a person's key only those they can see."""
        return [
            event for event in self._log if event.seq > seq and (key is None or key in event.people)
        ]

    async def wait(self, seq: int, seconds: float, key: str | None = None) -> list[Event]:
        """The same; waits up to `seconds` for the first one."""
        try:
            async with asyncio.timeout(seconds):
                while not (found := self.since(seq, key)):
                    await self._news.wait()
        except TimeoutError:
            return self.since(seq, key)
        return found
