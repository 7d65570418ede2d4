"""One HTTP exchange: a total deadline, a capped body, and whether any byte may have left."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from multidict import CIMultiDictProxy
from yarl import URL

LARGEST_BODY = 10 * 1024 * 1024
CONNECT_SECONDS = 5.0
CONNECTIONS = 100
IDLE_SECONDS = 20.0
_PIECE = 64 * 1024
_LONGEST_LINE = 64 * 1024
_MOST_HEADERS = 256
_OWN_HEADERS: Mapping[str, str] = {"User-Agent": "Dealdesk", "Accept-Encoding": "gzip"}
_MADE_HERE = frozenset({"user-agent", "accept", "accept-encoding", "content-type"})

Headers = CIMultiDictProxy[str]
"""Headers of an answer, by names of any case."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: the address is encoded already."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and decoded body. `flaw` says why the body is not whole: truncated, too_big
    or bad_encoding; the body is then empty. `client_request_id` is the one that was sent."""

    status: int
    headers: Headers
    body: bytes
    flaw: str | None = None
    client_request_id: str | None = None

    @property
    def request_id(self) -> str | None:
        """The service's id of the call, an opaque string; cut to 128 visible ASCII characters."""
        given = self.headers.get("request-id", "")
        shown = "".join(each for each in given if each.isascii() and each.isprintable())
        return shown[:128] or None


class NoAnswer(Exception):
    """No status came back. `may_have_left` is False only when certainly nothing was sent."""

    def __init__(self, reason: str, *, may_have_left: bool) -> None:
        self.reason = reason
        self.may_have_left = may_have_left
        super().__init__(reason)


class Exchanges(Protocol):
    """Whatever sends a request and reads its answer to the end, as `Http` does."""

    async def exchange(self, request: Request, seconds: float) -> Answer:
        """The answer, within so many seconds in all. Raises NoAnswer."""


class _Trail:
    """How far a request came: whether it asked for a connection, and whether it was given one."""

    def __init__(self) -> None:
        self.seen = False
        self.sending = False

    @property
    def may_have_left(self) -> bool:
        """Whether a byte may have; a request that was never seen to ask may have come anywhere."""
        return self.sending or not self.seen


_trail: ContextVar[_Trail] = ContextVar("trail")


class _Connector(aiohttp.TCPConnector):
    """Follows the request of the task: before it is given a connection, no byte of it leaves.

    aiohttp's traces would tell the same, at twice the cost of the call.
    """

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own
    ) -> Connection:
        """A free connection, or a new one."""
        trail = _trail.get()
        trail.seen = True
        connection = await super().connect(req, traces, timeout)
        trail.sending = True
        return connection


_REASONS = (
    (aiohttp.InvalidURL, "unsupported_protocol"),
    (aiohttp.ConnectionTimeoutError, "connect_timeout"),
    (aiohttp.ServerTimeoutError, "read_timeout"),
    (TimeoutError, "deadline"),
    (aiohttp.ClientConnectorError, "connect_error"),
    (OSError, "read_error"),
    (aiohttp.ClientError, "remote_protocol_error"),
)
"""What each failure is called, the narrower ones first."""
_BEFORE_SENDING = (
    aiohttp.InvalidURL,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientConnectorError,
)


class Http:
    """The connections to Partner Center, opened with the first request: no redirects, no cookies,
    no proxies or credentials from the environment. `trusted` says whom to trust."""

    def __init__(self, trusted: ssl.SSLContext) -> None:
        self._trusted = trusted
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Http:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def exchange(self, request: Request, seconds: float) -> Answer:
        """Send and read to the end within `seconds` in all. Raises NoAnswer."""
        trail = _Trail()
        _trail.set(trail)
        try:
            async with asyncio.timeout(seconds):
                answer = await self._open().request(
                    request.method,
                    URL(request.url, encoded=True),
                    headers={**_OWN_HEADERS, **request.headers},
                    data=request.body or None,
                    skip_auto_headers=_MADE_HERE,
                    allow_redirects=False,
                    timeout=limits(seconds),
                )
                try:
                    body, flaw = await _body(answer)
                finally:
                    answer.close()
        except _BEFORE_SENDING as error:
            raise NoAnswer(_reason(error), may_have_left=trail.sending) from error
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswer(_reason(error), may_have_left=trail.may_have_left) from error
        sent_id = request.headers.get("client-request-id")
        return Answer(answer.status, answer.headers, body, flaw, sent_id)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connector(
                    limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS, ssl=self._trusted
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                max_line_size=_LONGEST_LINE,
                max_field_size=_LONGEST_LINE,
                max_headers=_MOST_HEADERS,
            )
        return self._session


def make_http(ca_file: str | None = None) -> Http:
    """The one way to Partner Center. `ca_file` (PEM) is trusted beside the usual roots."""
    trusted = ssl.create_default_context()
    trusted.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        trusted.load_verify_locations(cadata=Path(ca_file).read_text(encoding="ascii"))
    return Http(trusted)


def limits(seconds: float) -> aiohttp.ClientTimeout:
    """Time-outs of one exchange inside `seconds`: a free connection or a new one gets at most half,
    what comes after is left to the total deadline, which strikes first."""
    connect = min(CONNECT_SECONDS, seconds / 2)
    return aiohttp.ClientTimeout(
        connect=connect + seconds / 2, sock_connect=connect, sock_read=seconds + 1
    )


def _reason(error: Exception) -> str:
    return next(reason for kind, reason in _REASONS if isinstance(error, kind))


async def _body(answer: aiohttp.ClientResponse) -> tuple[bytes, str | None]:
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        return b"", "bad_encoding"
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS) if encoding == "gzip" else None
    whole = bytearray()
    try:
        async for chunk in answer.content.iter_chunked(_PIECE):
            room = LARGEST_BODY + 1 - len(whole)
            whole += inflate.decompress(chunk, room) if inflate else chunk
            if len(whole) > LARGEST_BODY:
                return b"", "too_big"
    except zlib.error:
        return b"", "bad_encoding"
    except aiohttp.ClientError:
        return b"", "truncated"
    if inflate and whole and not inflate.eof:
        return b"", "truncated"
    return bytes(whole), None
