"""The row of a registration in one process's hands: its writes and the messages they owe."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bot.conversation import Message, Person, Place
from bot.outbox import written
from bot.registration_rules import Limits, Standing
from bot.seals import Seals
from bot.store import approvals, audit, handles, outbox, people, registrations
from bot.store.approvals import Subject
from bot.store.connection import AsyncConnection
from bot.store.engine import Store
from bot.store.jsontext import Json
from bot.store.registrations import Submission
from partner_center.client import Bearer, PartnerCenter

FREE: dict[str, object] = {"lease_owner": None, "lease_until": None}
"""The columns that give a row back."""


class Bearers(Protocol):
    """Gives the token of a person, or raises SignInNeeded."""

    async def bearer(self, person: Person) -> Bearer: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a drive works with. `owner` names this process among those that share the database."""

    store: Store
    partner_center: PartnerCenter
    identity: Bearers
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    new_id: Callable[[], str]
    owner: str
    seals: Seals
    limits: Limits = field(default_factory=Limits)
    lease: timedelta = timedelta(seconds=45)


class LeaseLost(Exception):
    """Somebody else took this row over, or it changed: whatever we know of it is old."""


class Row:
    """A submission under our lease. Every write finds it unchanged or raises LeaseLost."""

    def __init__(self, parts: Parts, held: Submission) -> None:
        self._parts = parts
        self.held = held

    @property
    def standing(self) -> Standing:
        """The facts that decide."""
        return self.held.standing

    @property
    def is_leased(self) -> bool:
        """Whether our lease still runs."""
        until = self.held.lease_until
        return until is not None and self._parts.now() < until

    @property
    def waited(self) -> timedelta:
        """How long ago the person decided."""
        return self._parts.now() - self.held.created

    async def save(self, **values: object) -> None:
        """One write in a transaction of its own."""
        async with self.saving(**values):
            return

    @asynccontextmanager
    async def saving(self, **values: object) -> AsyncIterator[AsyncConnection]:
        """A write, and whatever the block adds to its transaction."""
        async with self._parts.store.begin() as connection:
            kept = await registrations.save(connection, self.held, self._parts.now(), **values)
            if kept is None:
                raise LeaseLost(self.held.id)
            self.held = kept
            yield connection

    async def handle(self, connection: AsyncConnection) -> int:
        """The number people call the deal by."""
        deal = self.held.referral_id
        return (await handles.number_of(connection, self.held.tenant, [deal]))[deal]

    async def person(self) -> Person:
        """The requester."""
        async with self._parts.store.read() as connection:
            known = await people.find(connection, self.held.tenant, self.held.requester)
        return known.person if known else Person(self.held.tenant, self.held.requester, "", "")

    async def show(self, connection: AsyncConnection, message: Message, what: str) -> None:
        """Owe the message in place of the submission's card; `end` and `alert` once for all.

        What was approved is shown by the cards of its request; the requester is told its end.
        """
        if self.held.approver is not None:
            if what == "end":
                await self.tell(connection, message, what)
            return
        await self._owe(connection, self.held.place, message, what, self.held.message_id)

    async def tell(self, connection: AsyncConnection, message: Message, what: str) -> None:
        """Owe the requester a new message, in their personal chat when there is one."""
        known = await people.find(connection, self.held.tenant, self.held.requester)
        personal = known.personal(self.held.place.bot_id) if known is not None else None
        await self._owe(connection, personal or self.held.place, message, what, None)

    async def _owe(
        self,
        connection: AsyncConnection,
        place: Place,
        message: Message,
        what: str,
        target: str | None,
    ) -> None:
        again = "" if what in {"end", "alert"} else f":{self.held.version}"
        await outbox.put(
            connection,
            place,
            written(message),
            self._parts.now(),
            target_message=target,
            key=f"registration:{self.held.id}:{what}{again}",
        )

    async def audit(
        self, connection: AsyncConnection, outcome: str, why: str | None, request_id: str | None
    ) -> None:
        """Note how it ended, with what support asks for."""
        attempts = self.standing.attempts
        detail: dict[str, Json] = {
            "registration": self.held.id,
            "fingerprint": self.held.fingerprint,
            "approver": self.held.approver,
            "approval": await approvals.granted(connection, Subject.DRAFT, self.held.draft_id),
            "why": why,
        }
        await audit.record(
            connection,
            audit.Entry(
                at=self._parts.now(),
                tenant=self.held.tenant,
                person=self.held.requester,
                kind="register",
                outcome=outcome,
                referral_id=self.held.referral_id,
                detail=detail,
                client_request_id=attempts[-1].client_request_id if attempts else None,
                request_id=request_id,
            ),
        )
