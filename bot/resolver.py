"""Drives every open registration in the background, from the start of the process to its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa
import structlog

from bot.conversation import Person
from bot.registration import Drive
from bot.registration_row import LeaseLost, Parts
from bot.store import registrations
from bot.store.errors import StoreError

AT_ONCE = 8
"""Registrations driven at the same time."""

LONGEST_NAP = 5.0
"""Seconds until the table is looked at again: another process may have left something open."""

_log = structlog.get_logger(__name__)
_HERE = f"{platform.node()}:{os.getpid()}:"


def _is_dead(owner: str) -> bool:
    """Whether a lease belongs to a process of this machine that has ended."""
    machine, _, rest = owner.partition(":")
    pid, _, _ = rest.partition(":")
    if machine != platform.node() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


class Resolver:
    """Looks at what is due, now and whenever it is woken."""

    def __init__(self, parts: Parts) -> None:
        self._parts = replace(parts, owner=f"{_HERE}{parts.owner}")
        self._wake = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}

    def kick(self) -> None:
        """Something became due just now."""
        self._wake.set()

    async def recover(self) -> None:
        """At the start: whatever is open is looked at at once (step 8).

        A process that was killed here gives its leases back; one on another machine keeps them
        until they run out.
        """
        async with self._parts.store.begin() as connection:
            for owner in await registrations.lease_owners(connection):
                if _is_dead(owner):
                    await registrations.free(connection, owner)
        await self._due_now()

    async def signed_in(self, person: Person) -> None:
        """This person has a token again: their open registrations go on."""
        await self._due_now(registrations.by_requester(person.tenant, person.id))
        self.kick()

    async def look_now(self, submission_id: str) -> None:
        """A person asked what became of it."""
        await self._due_now(registrations.by_id(submission_id))
        self.kick()

    async def drive(self, submission_id: str) -> bool:
        """Take the lease and go as far as possible; False when another process holds it."""
        now = self._parts.now()
        async with self._parts.store.begin() as connection:
            held = await registrations.claim(
                connection, submission_id, self._parts.owner, now, now + self._parts.lease
            )
        if held is None:
            return False
        try:
            await Drive(self._parts, held).run()
        except LeaseLost:
            _log.warning("registration taken over by another process", id=submission_id)
        return True

    async def drive_due(self) -> int:
        """Drive everything that is due and nobody holds, and wait for it; how many that was."""
        due = await self._due()
        for submission_id in due:
            await self.drive(submission_id)
        return len(due)

    async def run(self) -> None:
        """Recover, then drive what becomes due until cancelled; what is under way is finished."""
        await self.recover()
        try:
            while True:
                self._wake.clear()
                await self._start_due()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LONGEST_NAP if not self._busy else 0.5):
                        await self._wake.wait()
        finally:
            await self._finish()

    async def _start_due(self) -> None:
        try:
            due = await self._due()
        except StoreError as error:
            _log.warning("registrations cannot be read", error=str(error))
            return
        for submission_id in due[: AT_ONCE - len(self._busy)]:
            if submission_id not in self._busy:
                task = asyncio.create_task(self._one(submission_id), name=submission_id)
                self._busy[submission_id] = task
                task.add_done_callback(self._ended)

    async def _one(self, submission_id: str) -> None:
        await self.drive(submission_id)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._busy.pop(task.get_name(), None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("registration drive failed", id=task.get_name(), exc_info=error)
        else:
            self.kick()

    async def _finish(self, grace: timedelta = timedelta(seconds=8)) -> None:
        if self._busy:
            await asyncio.wait(set(self._busy.values()), timeout=grace.total_seconds())
        for task in list(self._busy.values()):
            task.cancel()

    async def _due(self) -> list[str]:
        async with self._parts.store.each(writes=False) as connection:
            return await registrations.due(connection, self._parts.now())

    async def _due_now(self, *which: sa.ColumnElement[bool]) -> None:
        async with self._parts.store.begin() as connection:
            await registrations.look_now(connection, self._parts.now(), *which)
