"""Works off stored notifications: reads the deal as it is now, and tells whom it concerns.

A notification holds no facts, only an id; in what order they come does not matter.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Collection, Iterable, Sequence
from datetime import timedelta
from typing import Protocol

import structlog

from bot.conversation import Person
from bot.desk import Desk
from bot.identity import SignInNeeded, SignInUnavailable
from bot.store import deal_readers, inbox
from bot.store.errors import StoreError
from bot.store.inbox import Arrived, State
from partner_center.client import Bearer
from partner_center.errors import (
    Forbidden,
    NotFound,
    PartnerCenterError,
    Unauthorized,
)
from partner_center.query import Query
from partner_center.referral import Referral
from partner_center.webhook import EventName

LEASE = timedelta(seconds=60)
"""After it another instance may look at the same deals, which tells nothing twice."""
AT_A_TIME = 8
IDLE_SECONDS = 1.0
PAUSES = (2.0, 5.0, 15.0, 60.0)
PAUSE = 300.0
"""Seconds between tries, and from then on; a longer wait that was asked for is obeyed."""
LONGEST = timedelta(hours=24)
"""For how long after it was received a notification is tried."""
SOURCE = "webhook"

_RELATED = frozenset({EventName.RELATED_CREATED, EventName.RELATED_UPDATED})
_log = structlog.get_logger(__name__)


class Noticed(Protocol):
    """Takes note of a deal as `by` just read it, and promises every notice it gives rise to; gives
    how many."""

    def __call__(
        self,
        desk: Desk,
        tenant: str,
        referral: Referral,
        microsoft: Referral | None,
        *,
        source: str,
        by: Person | None,
    ) -> Awaitable[int]: ...


class _Later(Exception):
    """The deal cannot be read now; `wait` is what was asked for, in seconds."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.wait = wait or 0.0


class WebhookWorker:
    """Claims notifications under a lease, so that two instances never work on the same one."""

    def __init__(self, desk: Desk, tenants: Collection[str], noticed: Noticed, owner: str) -> None:
        self._desk = desk
        self._tenants = tuple(tenants)
        self._noticed = noticed
        self._owner = owner
        self._woken = asyncio.Event()
        self._organisations: dict[str, str] = {}

    def wake(self) -> None:
        """Something came: look now rather than in a second."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._woken.clear()
            try:
                worked = await self.work_due()
            except StoreError as error:
                _log.warning("webhook inbox waits for the store", error=str(error))
                worked = 0
            if not worked:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_SECONDS):
                        await self._woken.wait()

    async def work_due(self) -> int:
        """Work off what is due now, each deal once; how many notifications that were."""
        now = self._desk.now()
        async with self._desk.store.each(writes=False) as alone:
            if not await inbox.is_due(alone, now):
                return 0
        async with self._desk.store.begin() as connection:
            held = await inbox.claim_due(connection, now, self._owner, now + LEASE, AT_A_TIME)
        deals: dict[str, list[Arrived]] = {}
        for one in held:
            deals.setdefault(one.referral_id, []).append(one)
        await asyncio.gather(*(self._work(together) for together in deals.values()))
        return len(held)

    async def _work(self, held: Sequence[Arrived]) -> None:
        try:
            state, why = await self._look(held)
        except _Later as later:
            await self._put_back(held, later)
            return
        except PartnerCenterError as error:
            await self._put_back(held, _Later(str(error), error.retry_after))
            return
        except Exception:
            _log.exception("notification not worked off", referral=held[0].referral_id)
            await self._put_back(held, _Later("fault"))
            return
        async with self._desk.store.begin() as connection:
            for one in held:
                await inbox.settle(connection, one, state, error=why)

    async def _put_back(self, held: Iterable[Arrived], later: _Later) -> None:
        now = self._desk.now()
        async with self._desk.store.begin() as connection:
            for one in held:
                if now - one.received > LONGEST:
                    _log.warning("notification given up", referral=one.referral_id, why=later.why)
                    await inbox.settle(connection, one, State.FAILED, error=later.why)
                    continue
                pause = PAUSES[one.attempts - 1] if one.attempts <= len(PAUSES) else PAUSE
                wait = timedelta(seconds=max(pause, min(later.wait, LONGEST.total_seconds())))
                await inbox.put_back(connection, one, now + wait, later.why)

    async def _look(self, held: Sequence[Arrived]) -> tuple[State, str | None]:
        """Read the deal for each tenant that can, and pass it on. Raises _Later."""
        referral_id = held[0].referral_id
        related = any(one.event_name in _RELATED for one in held)
        async with self._desk.store.read() as connection:
            readers = await deal_readers.of_deal(connection, self._tenants, referral_id)
        if not readers:
            return State.IGNORED, "nobody who asked to hear of deals is signed in"
        seen: set[str] = set()
        unknown = False
        for person in readers:
            if person.tenant in seen:
                continue
            try:
                await self._read_as(person, referral_id, related)
                seen.add(person.tenant)
            except (NotFound, Forbidden):
                unknown = True
            except (SignInNeeded, Unauthorized) as error:
                _log.info("no token to look with", person=person.id, reason=str(error))
            except SignInUnavailable as error:
                raise _Later(str(error)) from error
        if seen:
            return State.DONE, None
        if unknown:
            return State.IGNORED, "not visible"
        raise _Later("nobody is signed in")

    async def _read_as(self, person: Person, referral_id: str, related: bool) -> None:
        desk = self._desk
        bearer = await desk.identity.bearer(person)
        found = await desk.partner_center.get(bearer, referral_id)
        parties: tuple[Referral, ...] = ()
        if related or found.is_microsofts or found.is_cosell:
            parties = await desk.partner_center.related(bearer, found.engagement_id)
        ours = found
        if related or found.is_microsofts:
            own = await self._own(person.tenant, bearer, parties)
            if own is None:
                raise NotFound("no referral of ours in the engagement")
            ours = await desk.partner_center.get(bearer, own.id)
        microsoft = next((one for one in parties if one.is_microsofts), None)
        await self._noticed(desk, person.tenant, ours, microsoft, source=SOURCE, by=person)

    async def _own(
        self, tenant: str, bearer: Bearer, parties: Iterable[Referral]
    ) -> Referral | None:
        """The partner's own referral among the parties'. A list without an engagement holds only
        own ones, so the first of it says which organisation is ours."""
        partners = [one for one in parties if not one.is_microsofts]
        if len(partners) <= 1:
            return partners[0] if partners else None
        if tenant not in self._organisations:
            page = await self._desk.partner_center.list(bearer, Query(top=1))
            if page.referrals:
                self._organisations[tenant] = page.referrals[0].organization_id
        organisation = self._organisations.get(tenant)
        return next((one for one in partners if one.organization_id == organisation), None)
