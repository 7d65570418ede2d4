"""Each person's tokens: sealed in the store, renewed silently, one renewal at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from weakref import WeakValueDictionary

import structlog

from bot.conversation import Person
from bot.identity.blocking import Blocking
from bot.identity.entra import (
    Account,
    Entra,
    EntraRefused,
    EntraUnavailable,
    Granted,
    Silent,
    fingerprint,
)
from bot.identity.reasons import Reason, SignInNeeded, SignInUnavailable, needed
from bot.identity.sealing import Sealer
from bot.recent import Recent
from bot.store import audit, people, token_caches
from bot.store.connection import AsyncConnection
from bot.store.engine import Store
from bot.store.token_caches import SealedCache

_log = structlog.get_logger(__name__)
_KNOWN_FOR = timedelta(seconds=30)
_MOST_KNOWN = 10_000
_GIVEN_FOR = timedelta(minutes=5)
_MOST_GIVEN = 1_000
_RENEWED_AHEAD = timedelta(minutes=5)
"""How long before its end MSAL renews a token."""


class PersonsToken:
    """The Bearer of one person: gives their access token right before each request."""

    __slots__ = ("_last", "_person", "_tokens")

    def __init__(self, tokens: Tokens, person: Person) -> None:
        self._tokens = tokens
        self._person = person
        self._last: str | None = None

    async def __call__(self, *, fresh: bool = False) -> str:
        """An access token; with `fresh` not the one given last, which was refused.

        Raises SignInNeeded or SignInUnavailable.
        """
        token = await self._tokens.token(self._person, rejected=self._last if fresh else None)
        self._last = fingerprint(token)
        return token

    def __repr__(self) -> str:
        return f"PersonsToken({self._person.id})"


@dataclass(frozen=True, slots=True)
class _Opened:
    cache: str = field(repr=False)
    version: int


@dataclass(frozen=True, slots=True)
class _Given:
    """A token that was given lately, and the stored cache it came from."""

    token: str = field(repr=False)
    version: int
    digest: bytes
    ends: datetime
    """When MSAL would renew it."""

    def serves(self, sealed: SealedCache, rejected: str | None, now: datetime) -> bool:
        """Whether asking MSAL would give the same token again."""
        if now >= self.ends or (rejected and fingerprint(self.token) == rejected):
            return False
        return sealed.version == self.version and _digest(sealed) == self.digest


def _digest(sealed: SealedCache) -> bytes:
    return sha256(sealed.blob).digest()


class Tokens:
    """The token caches of everybody, bound to tenant and person."""

    def __init__(
        self,
        entra: Entra,
        blocking: Blocking,
        sealer: Sealer,
        store: Store,
        clock: Callable[[], datetime],
    ) -> None:
        self._entra = entra
        self._blocking = blocking
        self._sealer = sealer
        self._store = store
        self._clock = clock
        self._given: Recent[tuple[str, str], _Given] = Recent(_MOST_GIVEN, _GIVEN_FOR, clock)
        self._known: Recent[tuple[str, str], bool] = Recent(_MOST_KNOWN, _KNOWN_FOR, clock)
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def token(self, person: Person, *, rejected: str | None = None) -> str:
        """An access token, renewed when it is about to expire or has the print `rejected`.

        Raises SignInNeeded (and deletes tokens that no longer serve) or SignInUnavailable.
        """
        turn = self._turns.setdefault((person.tenant, person.id), asyncio.Lock())
        async with turn:
            sealed = await self._load(person)
            if sealed is None:
                raise SignInNeeded(Reason.SIGNED_OUT)
            given = self._given.get((person.tenant, person.id))
            if given is not None and given.serves(sealed, rejected, self._clock()):
                return given.token
            return await self._anew(person, sealed, rejected)

    async def _anew(self, person: Person, sealed: SealedCache, rejected: str | None) -> str:
        """A token out of the cache. It is given again while that very cache is the stored one."""
        opened = await self._open(person, sealed)
        if opened is None:
            raise SignInNeeded(Reason.SIGNED_OUT)
        silent = await self._silent(person, opened, rejected)
        if silent.cache is not None:
            if not await self._renew(person, opened, silent.cache):
                raise SignInNeeded(Reason.SIGNED_OUT)
        elif opened.version == sealed.version:
            ends = self._clock() + timedelta(seconds=silent.seconds) - _RENEWED_AHEAD
            given = _Given(silent.token, sealed.version, _digest(sealed), ends)
            self._given.put((person.tenant, person.id), given)
        return silent.token

    async def account(self, person: Person) -> Account | None:
        """Who the person is signed in as, or None."""
        sealed = await self._load(person)
        opened = None if sealed is None else await self._open(person, sealed)
        return None if opened is None else self._entra.account(person.tenant, opened.cache)

    async def has_any(self, person: Person) -> bool:
        """Whether there are tokens for this person, or were half a minute ago."""
        key = (person.tenant, person.id)
        known = self._known.get(key)
        if known is None:
            known = await self.account(person) is not None
            self._known.put(key, known)
        return known

    async def keep(self, person: Person, granted: Granted, how: str) -> None:
        """Stores the tokens of a fresh sign-in in place of any others of this person."""
        async with self._store.begin() as connection:
            await token_caches.delete(connection, person.tenant, person.id)
            await self._save(connection, person, granted.cache, expected=token_caches.ABSENT)
            await people.note_upn(connection, person.tenant, person.id, granted.account.upn)
            await audit.record(connection, self._entry(person, "sign_in", how))
        self._unlearn(person)

    async def delete(self, person: Person) -> bool:
        """Forgets the person's tokens; says whether there were any."""
        async with self._store.begin() as connection:
            existed = await token_caches.delete(connection, person.tenant, person.id)
            if existed:
                await audit.record(connection, self._entry(person, "sign_out", None))
        self._unlearn(person)
        return existed

    async def _silent(self, person: Person, opened: _Opened, rejected: str | None) -> Silent:
        try:
            silent = await self._blocking(
                self._entra.silent, person.tenant, opened.cache, rejected=rejected
            )
        except EntraUnavailable as error:
            raise SignInUnavailable(str(error)) from None
        except EntraRefused as refused:
            trouble = needed(refused)
            _log.info("no silent token", person=person.id, entra=str(refused))
            if isinstance(trouble, SignInNeeded):
                await self._forget(person, opened)
            raise trouble from None
        if silent is None:
            await self._forget(person, opened)
            raise SignInNeeded(Reason.EXPIRED)
        return silent

    async def _renew(self, person: Person, opened: _Opened, cache: str) -> bool:
        """Stores a renewed cache; False when the person signed out meanwhile."""
        async with self._store.begin() as connection:
            if await self._save(connection, person, cache, expected=opened.version):
                return True
            return await token_caches.load(connection, person.tenant, person.id) is not None

    async def _forget(self, person: Person, opened: _Opened) -> None:
        """Deletes tokens that no longer serve, unless newer ones came meanwhile."""
        async with self._store.begin() as connection:
            await token_caches.delete(connection, person.tenant, person.id, expected=opened.version)
        self._unlearn(person)

    def _unlearn(self, person: Person) -> None:
        """What is remembered of a person here, their last token above all."""
        self._known.drop((person.tenant, person.id))
        self._given.drop((person.tenant, person.id))

    async def _load(self, person: Person) -> SealedCache | None:
        async with self._store.each(writes=False) as connection:
            return await token_caches.load(connection, person.tenant, person.id)

    async def _open(self, person: Person, sealed: SealedCache) -> _Opened | None:
        cache = self._sealer.open(sealed.blob, "tokens", person.tenant, person.id)
        if cache is None:
            _log.warning("token cache does not open, so they are signed out", person=person.id)
            return None
        version = sealed.version
        if sealed.key_id != self._sealer.key_id:
            async with self._store.begin() as connection:
                if await self._save(connection, person, cache, expected=version):
                    version += 1
        return _Opened(cache, version)

    async def _save(
        self, connection: AsyncConnection, person: Person, cache: str, *, expected: int
    ) -> bool:
        return await token_caches.save(
            connection,
            person.tenant,
            person.id,
            self._sealer.seal(cache, "tokens", person.tenant, person.id),
            self._sealer.key_id,
            expected=expected,
            now=self._clock(),
        )

    def _entry(self, person: Person, kind: str, how: str | None) -> audit.Entry:
        return audit.Entry(
            at=self._clock(),
            tenant=person.tenant,
            person=person.id,
            kind=kind,
            outcome="done",
            detail=None if how is None else {"how": how},
        )
