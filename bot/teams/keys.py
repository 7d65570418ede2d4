"""The keys Bot Framework signs with: cached, refreshed in the background, one fetch at a time.

Keys roll over without notice. An unknown key id causes a fetch, but at most one a minute, whoever
asks and however the last one ended; meanwhile known keys go on serving (Bot Connector
authentication: keys may be cached, and must be refreshed at least every 24 h).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from bot.teams.outside import FetchFailed

REFRESH_SECONDS = 12 * 3600.0
"""Age from which keys are refreshed in the background."""
STALE_SECONDS = 24 * 3600.0
"""Age from which the door says it is degraded."""
DEAD_SECONDS = 72 * 3600.0
"""Age from which keys are no longer believed."""
PAUSE_SECONDS = 60.0
"""Between the beginnings of two fetches."""
HURRY_SECONDS = 5.0
"""The same while there is no key at all; also how long one request waits for a fetch."""
_MAX_DOCUMENT = 1024 * 1024
_MIN_BITS = 2048

log = structlog.get_logger(__name__)


class Fetch(Protocol):
    """Fetches a document of at most `limit` bytes or raises FetchFailed."""

    async def __call__(self, url: str, *, limit: int) -> bytes: ...


class Freshness(StrEnum):
    """How far the keys can be trusted to be the current ones."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One public key and the channels Microsoft endorses it for."""

    public: RSAPublicKey
    endorsements: frozenset[str]


@dataclass(slots=True)
class SigningKeys:
    """The current keys of one OpenID metadata address. `monotonic` gives seconds."""

    metadata_url: str
    fetch: Fetch
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _keys: Mapping[str, SigningKey] = field(default_factory=dict)
    _fetched: float | None = None
    _began: float | None = None
    _fetching: asyncio.Task[None] | None = None
    _keeper: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> SigningKey | None:
        """The key with this id, after a fetch when it is unknown and one is due."""
        age = self._age()
        if age is not None and age >= REFRESH_SECONDS:
            self._begin_fetch()
        if age is None or age >= DEAD_SECONDS or key_id not in self._keys:
            fetching = self._begin_fetch()
            if fetching is not None:
                await asyncio.wait({fetching}, timeout=HURRY_SECONDS)
        return self._keys.get(key_id) if self.freshness is not Freshness.MISSING else None

    @property
    def freshness(self) -> Freshness:
        """For readiness: MISSING means that no token can be verified."""
        age = self._age()
        if age is None or age >= DEAD_SECONDS:
            return Freshness.MISSING
        return Freshness.FRESH if age < STALE_SECONDS else Freshness.STALE

    def start(self) -> None:
        """Fetches now and then keeps the keys fresh until `stop`."""
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Ends whatever is being fetched."""
        for task in (self._keeper, self._fetching):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        self._keeper = self._fetching = None

    async def _keep(self) -> None:
        while True:
            self._begin_fetch()
            if self._fetching is not None:
                await asyncio.wait({self._fetching})
            due = REFRESH_SECONDS - (self._age() or 0)
            await self.sleep(
                max(self._pause(), due) if self._fetched is not None else self._pause()
            )

    def _age(self) -> float | None:
        return None if self._fetched is None else self.monotonic() - self._fetched

    def _pause(self) -> float:
        return HURRY_SECONDS if self.freshness is Freshness.MISSING else PAUSE_SECONDS

    def _begin_fetch(self) -> asyncio.Task[None] | None:
        """The fetch under way or a new one; None when the last began too short a time ago."""
        if self._fetching is not None and not self._fetching.done():
            return self._fetching
        now = self.monotonic()
        if self._began is not None and now - self._began < self._pause():
            return None
        self._began = now
        self._fetching = asyncio.create_task(self._refresh())
        return self._fetching

    async def _refresh(self) -> None:
        try:
            metadata = _document(await self.fetch(self.metadata_url, limit=_MAX_DOCUMENT))
            url = metadata.get("jwks_uri")
            if not isinstance(url, str) or not self._may_follow(url):
                raise ValueError("jwks_uri")
            keys = _keys(_document(await self.fetch(url, limit=_MAX_DOCUMENT)))
        except (FetchFailed, ValueError) as error:
            log.warning("signing keys not refreshed", reason=str(error), age=self._age())
            return
        self._keys, self._fetched = keys, self.monotonic()
        log.info("signing keys refreshed", count=len(keys))

    def _may_follow(self, url: str) -> bool:
        """Keys may move to another address but never to a less protected one."""
        return urlsplit(url).scheme in ("https", urlsplit(self.metadata_url).scheme)


def _document(raw: bytes) -> Mapping[str, object]:
    parsed = json.loads(raw)
    if not isinstance(parsed, dict):
        raise ValueError("not a JSON object")
    return parsed


def _keys(document: Mapping[str, object]) -> Mapping[str, SigningKey]:
    listed = document.get("keys")
    found = {}
    for item in listed if isinstance(listed, list) else []:
        match item:
            case {"kid": str(key_id), "kty": "RSA"} if item.get("use", "sig") == "sig":
                key = _key(item)
                if key is not None:
                    found[key_id] = key
            case _:
                continue
    if not found:
        raise ValueError("no usable key")
    return found


def _key(item: Mapping[str, object]) -> SigningKey | None:
    try:
        public = jwt.PyJWK(dict(item), algorithm="RS256").key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if not isinstance(public, RSAPublicKey) or public.key_size < _MIN_BITS:
        return None
    named = item.get("endorsements")
    names = named if isinstance(named, list) else []
    return SigningKey(public, frozenset(name for name in names if isinstance(name, str)))
