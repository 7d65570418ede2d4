"""Forgets finished work by age. Who did what to which deal (audit) is kept, and whatever keeps a
thing from being done twice: keys, events, and registrations that were made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog

from bot.store import (
    approvals,
    delegations,
    drafts,
    inbox,
    looks,
    notices,
    outbox,
    proposals,
    questions,
    registrations,
    seals,
    snoozes,
    team_seats,
)
from bot.store.connection import AsyncConnection
from bot.store.engine import Store
from bot.store.errors import StoreError

_log = structlog.get_logger(__name__)
EVERY_SECONDS = 3600.0
FIRST_SECONDS = 60.0
"""How long after the start, when people are waiting, the first look is taken."""
Prune = Callable[[AsyncConnection, datetime], Awaitable[None]]

KEPT: Mapping[str, tuple[timedelta, Prune]] = {
    "sent messages": (timedelta(days=30), outbox.prune),
    "questions": (timedelta(days=30), questions.prune),
    "delegations": (timedelta(days=30), delegations.prune),
    "team rosters": (timedelta(days=30), team_seats.prune),
    "snoozes": (timedelta(days=30), snoozes.prune),
    "what people last saw": (timedelta(days=90), looks.prune),
    "notifications": (timedelta(days=90), inbox.prune),
    "notices": (timedelta(days=90), notices.prune),
    "proposals": (timedelta(days=90), proposals.prune),
    "drafts": (timedelta(days=90), drafts.prune),
    "approvals": (timedelta(days=365), approvals.prune),
    "seals": (timedelta(days=400), seals.prune),
    "registrations": (timedelta(days=365), registrations.prune),
}
"""What is forgotten how long after its end; work that has not ended is never forgotten."""


async def prune(store: Store, now: datetime) -> None:
    """Forget what is old enough, each kind in a short transaction of its own.

    Raises StoreError; what was forgotten before stays so.
    """
    for age, forget in KEPT.values():
        async with store.begin() as connection:
            await forget(connection, now - age)


async def watch(store: Store, now: Callable[[], datetime]) -> None:
    """Prune again and again, until cancelled."""
    await asyncio.sleep(FIRST_SECONDS)
    while True:
        try:
            await prune(store, now())
        except StoreError as error:
            _log.warning("retention waits for the store", error=str(error))
        await asyncio.sleep(EVERY_SECONDS)
