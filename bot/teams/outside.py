"""The one aiohttp session the door uses for everything it fetches and sends."""

from __future__ import annotations

import ssl
from pathlib import Path

import aiohttp

CONNECT_SECONDS = 4.0
TOTAL_SECONDS = 10.0
IDLE_SECONDS = 30.0
CONNECTIONS = 100


class FetchFailed(Exception):
    """A document could not be fetched."""


class Outside:
    """Opened and closed with the application; it keeps connections and never follows a redirect."""

    def __init__(self, ca_file: Path | None = None) -> None:
        self._ca_file = ca_file
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Opens the session in the running loop. Raises OSError for an unreadable CA file."""
        trust = ssl.create_default_context(cafile=str(self._ca_file)) if self._ca_file else True
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS, ttl_dns_cache=300, ssl=trust
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "Dealdesk"},
            timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS, connect=CONNECT_SECONDS),
        )

    async def close(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The open session. Raises RuntimeError before `open` and after `close`."""
        if self._session is None:
            raise RuntimeError("the outgoing session is not open")
        return self._session

    async def fetch(self, url: str, *, limit: int) -> bytes:
        """The body of a 200 answer of at most `limit` bytes. Raises FetchFailed."""
        try:
            async with self.session.get(url, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise FetchFailed(f"status {answer.status}")
                return await read_at_most(answer, limit)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise FetchFailed(type(error).__name__) from error


async def read_at_most(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body of an answer. Raises ValueError when it is longer than `limit` bytes."""
    parts: list[bytes] = []
    size = 0
    async for part in answer.content.iter_chunked(64 * 1024):
        size += len(part)
        if size > limit:
            raise ValueError("answer too long")
        parts.append(part)
    return b"".join(parts)
