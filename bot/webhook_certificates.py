"""The certificates that sign Partner Center's notifications: fetched rarely, judged, kept."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

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
PAUSE_SECONDS = 5.0
"""How long a certificate that could not be had is not asked for again."""
MOST_SIGNERS = 8
MOST_DOUBTS = 64
MOST_FETCHES = 12
"""In any minute, whatever anybody sends."""

T = TypeVar("T")
Fetch = Callable[[str], Awaitable[bytes]]


class CertificateUnavailable(Exception):
    """The certificate cannot be had at the moment; the notification may be sent again."""


@dataclass(frozen=True, slots=True)
class _Known:
    signer: Signer
    at: float


@dataclass(frozen=True, slots=True)
class _Doubt:
    why: Why | None
    """None: it could not be had."""
    at: float


class Certificates:
    """Judges notifications. `fetch` gives the bytes at an address that was already allowed; it
    raises CertificateUnavailable or NotGenuine.

    A good certificate is never forgotten for bad ones, and while it cannot be fetched anew the
    one that is known goes on as long as it is valid.
    """

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
        self._known: dict[str, _Known] = {}
        self._doubts: dict[str, _Doubt] = {}
        self._fetches: deque[float] = deque()
        self._turn = asyncio.Lock()

    async def verify(self, claim: Claim, body: bytes) -> None:
        """Whether the body was signed as claimed. Raises NotGenuine, CertificateUnavailable.

        When the key that is known does not fit, the certificate may have been renewed: it is
        fetched again, at most once a minute.
        """
        known = await self._current(claim.certificate_url, KEEP_SECONDS)
        try:
            check_signature(body, claim.signature, known.signer.key)
        except NotGenuine:
            renewed = await self._current(claim.certificate_url, DOUBT_SECONDS)
            if renewed is known:
                raise
            check_signature(body, claim.signature, renewed.signer.key)

    async def _current(self, url: str, seconds: float) -> _Known:
        """A good certificate, if it can be had one that was fetched in the last `seconds`."""
        known = self._valid(url)
        if known is not None and self._monotonic() - known.at < seconds:
            return known
        async with self._turn:
            known = self._valid(url)
            if known is not None and self._monotonic() - known.at < seconds:
                return known
            try:
                return await self._ask(url)
            except CertificateUnavailable:
                if known is None:
                    raise
                return known

    def _valid(self, url: str) -> _Known | None:
        known = self._known.get(url)
        return known if known is not None and self._now() <= known.signer.until else None

    async def _ask(self, url: str) -> _Known:
        self._check_doubt(url)
        try:
            self._spend()
            signer = check_certificate(await self._fetch(url), self._roots, self._now())
        except (NotGenuine, CertificateUnavailable) as error:
            why = error.why if isinstance(error, NotGenuine) else None
            if why is not None:
                self._known.pop(url, None)
            _keep(self._doubts, url, _Doubt(why, self._monotonic()), MOST_DOUBTS)
            raise
        known = _Known(signer, self._monotonic())
        self._doubts.pop(url, None)
        _keep(self._known, url, known, MOST_SIGNERS)
        return known

    def _check_doubt(self, url: str) -> None:
        doubt = self._doubts.get(url)
        if doubt is None:
            return
        passed = self._monotonic() - doubt.at
        if doubt.why is None and passed < PAUSE_SECONDS:
            raise CertificateUnavailable("failed a moment ago")
        if doubt.why is not None and passed < DOUBT_SECONDS:
            raise NotGenuine(doubt.why)

    def _spend(self) -> None:
        now = self._monotonic()
        while self._fetches and now - self._fetches[0] >= 60.0:
            self._fetches.popleft()
        if len(self._fetches) >= MOST_FETCHES:
            raise CertificateUnavailable("too many fetches")
        self._fetches.append(now)


def _keep(found: dict[str, T], url: str, value: T, most: int) -> None:
    found.pop(url, None)
    while len(found) >= most:
        found.pop(next(iter(found)))
    found[url] = value


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
