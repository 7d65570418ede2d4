"""Stores notifications before they are acknowledged, many in one transaction.

One write at a time is under way for all that arrive, so that a flood of notifications takes one
place in the queue for the database and people's turns the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

from bot.store import inbox
from bot.store.connection import AsyncConnection
from bot.store.engine import Store

MOST_WAITING = 10_000
"""Notifications stored and not worked off; more are refused, and Partner Center repeats them."""
MOST_PENDING = 500
"""Notifications in memory, waiting to be stored."""
BATCH = 100

_log = structlog.get_logger(__name__)


class Taken(StrEnum):
    """What became of a notification."""

    NEW = "new"
    KNOWN = "known"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is stored of a notification."""

    body_hash: str
    business_key: str
    event_name: str
    referral_id: str
    changed: datetime


_Waiter = tuple[Arrival, asyncio.Future[Taken]]


class Intake:
    """Takes notifications in; `wake` is called when there is something new."""

    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime],
        wake: Callable[[], None],
        *,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._store = store
        self._now = now
        self._wake = wake
        self._most = most_waiting
        self._pending: list[_Waiter] = []
        self._storing: asyncio.Task[None] | None = None

    async def take(self, arrival: Arrival) -> Taken:
        """Store a notification; when this returns NEW or KNOWN it survives a crash.

        Raises what the store raises.
        """
        if len(self._pending) >= MOST_PENDING:
            return Taken.FULL
        answer: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        self._pending.append((arrival, answer))
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store_all(), name="webhook intake")
        return await answer

    async def _store_all(self) -> None:
        while self._pending:
            batch, self._pending = self._pending[:BATCH], self._pending[BATCH:]
            try:
                async with self._store.begin() as connection:
                    outcomes = await self._put(connection, batch)
            except Exception as error:  # every waiting request is told, whatever it was
                for _arrival, answer in batch:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_arrival, answer), outcome in zip(batch, outcomes, strict=True):
                if not answer.done():
                    answer.set_result(outcome)
            if Taken.NEW in outcomes:
                self._wake()

    async def _put(self, connection: AsyncConnection, batch: list[_Waiter]) -> list[Taken]:
        room = self._most - await inbox.waiting(connection)
        now, outcomes = self._now(), []
        for arrival, _answer in batch:
            if room <= 0:
                outcomes.append(Taken.FULL)
                continue
            added = await inbox.add(
                connection,
                body_hash=arrival.body_hash,
                business_key=arrival.business_key,
                event_name=arrival.event_name,
                referral_id=arrival.referral_id,
                changed=arrival.changed,
                now=now,
            )
            room -= added
            outcomes.append(Taken.NEW if added else Taken.KNOWN)
        if Taken.FULL in outcomes:
            _log.warning("webhook inbox is full", most=self._most)
        return outcomes
