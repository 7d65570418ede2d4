"""The certificates that sign Partner Center's notifications: fetched rarely, judged, kept."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import aiohttp

from bot.settings import Settings
from bot.teams.outside import Outside, read_at_most
from partner_center.webhook import Claim, NotGenuine, Why, check_signature
from partner_center.webhook_certificate import (
    LARGEST_CERTIFICATE,
    Roots,
    Signer,
    check_certificate,
    read_roots,
)

FETCH_SECONDS = 3.0
KEEP_SECONDS = 24 * 3600.0
"""How long a good certificate is used without being asked for again."""
DOUBT_SECONDS = 60.0
"""How long a certificate that was refused, or whose key did not fit, is not asked for again."""
MOST_KEPT = 8
MOST_FETCHES = 12
"""In any minute, whatever anybody sends."""

Fetch = Callable[[str], Awaitable[bytes]]


class CertificateUnavailable(Exception):
    """The certificate cannot be had at the moment; the notification may be sent again."""


@dataclass(frozen=True, slots=True)
class _Kept:
    found: Signer | NotGenuine
    at: float


class Certificates:
    """Judges notifications. `fetch` gives the bytes at an address that was already allowed; it
    raises CertificateUnavailable or NotGenuine."""

    def __init__(
        self,
        fetch: Fetch,
        roots: Roots,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._fetch = fetch
        self._roots = roots
        self._now = now
        self._monotonic = monotonic
        self._kept: dict[str, _Kept] = {}
        self._fetches: deque[float] = deque()
        self._turn = asyncio.Lock()

    async def verify(self, claim: Claim, body: bytes) -> None:
        """Whether the body was signed as claimed. Raises NotGenuine, CertificateUnavailable.

        When the key that is kept does not fit, the certificate may have been renewed: it is
        fetched again, at most once a minute.
        """
        kept = await self._current(claim.certificate_url, KEEP_SECONDS)
        signer = self._good(kept)
        try:
            check_signature(body, claim.signature, signer.key)
        except NotGenuine:
            renewed = await self._current(claim.certificate_url, DOUBT_SECONDS)
            if renewed is kept:
                raise
            check_signature(body, claim.signature, self._good(renewed).key)

    async def _current(self, url: str, seconds: float) -> _Kept:
        """What is known of a certificate, at most `seconds` old."""
        kept = self._usable(url, seconds)
        if kept is not None:
            return kept
        async with self._turn:
            kept = self._usable(url, seconds)
            return kept if kept is not None else await self._ask(url)

    def _usable(self, url: str, seconds: float) -> _Kept | None:
        kept = self._kept.get(url)
        if kept is None:
            return None
        doubted = isinstance(kept.found, NotGenuine) or self._now() > kept.found.until
        limit = DOUBT_SECONDS if doubted else seconds
        return kept if self._monotonic() - kept.at < limit else None

    def _good(self, kept: _Kept) -> Signer:
        if isinstance(kept.found, NotGenuine):
            raise NotGenuine(kept.found.why)
        if self._now() > kept.found.until:
            raise NotGenuine(Why.VALIDITY)
        return kept.found

    async def _ask(self, url: str) -> _Kept:
        self._spend()
        found: Signer | NotGenuine
        try:
            found = check_certificate(await self._fetch(url), self._roots, self._now())
        except NotGenuine as error:
            found = NotGenuine(error.why)
        self._kept.pop(url, None)
        while len(self._kept) >= MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[url] = _Kept(found, self._monotonic())
        return self._kept[url]

    def _spend(self) -> None:
        now = self._monotonic()
        while self._fetches and now - self._fetches[0] >= 60.0:
            self._fetches.popleft()
        if len(self._fetches) >= MOST_FETCHES:
            raise CertificateUnavailable("too many fetches")
        self._fetches.append(now)


def certificates_of(
    settings: Settings,
    outside: Outside,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> Certificates | None:
    """The judge these settings ask for; None without pinned roots, and then nothing is believed.

    Raises OSError or ValueError for roots that cannot be read.
    """
    if settings.webhook_roots is None:
        return None
    roots = read_roots(settings.webhook_roots.read_bytes())
    return Certificates(fetching(outside), roots, now, monotonic)


def fetching(outside: Outside) -> Fetch:
    """Fetches over https: one request, no redirect, 64 KB and three seconds at most."""

    async def fetch(url: str) -> bytes:
        try:
            async with (
                asyncio.timeout(FETCH_SECONDS),
                outside.session.get(url, allow_redirects=False) as answer,
            ):
                if answer.status == 429 or answer.status >= 500:
                    raise CertificateUnavailable(f"status {answer.status}")
                if answer.status != 200 or "Content-Encoding" in answer.headers:
                    raise NotGenuine(Why.CERTIFICATE)
                return await read_at_most(answer, LARGEST_CERTIFICATE)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CertificateUnavailable(type(error).__name__) from error
        except ValueError as error:
            raise NotGenuine(Why.CERTIFICATE) from error

    return fetch
