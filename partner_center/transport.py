"""Carries httpx's requests over aiohttp's connections: a call costs less than half the time.

httpx keeps what it is good at here, the shapes of requests, answers and errors. Nothing is decoded,
redirected or kept of cookies, and each failure comes out as the httpx error that says the same.
httpx's client would only merge settings that are all off: requests are given to the transport.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import aiohttp
import httpx
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

_PIECE = 64 * 1024
_LONGEST_LINE = 64 * 1024
_MOST_HEADERS = 256
_MADE_HERE = frozenset({"user-agent", "accept", "accept-encoding", "content-type"})


class Trail:
    """How far a request came: whether it asked for a connection, and whether it was given one."""

    def __init__(self) -> None:
        self.seen = False
        self.sending = False

    @property
    def may_have_left(self) -> bool:
        """Whether a byte may have; a request that was never seen to ask may have come anywhere."""
        return self.sending or not self.seen


trail: ContextVar[Trail] = ContextVar("trail")
"""Of the request that this task makes."""


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
        followed = trail.get()
        followed.seen = True
        connection = await super().connect(req, traces, timeout)
        followed.sending = True
        return connection


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Opened with the first request. `context` says whom to trust."""

    def __init__(self, context: ssl.SSLContext, *, connections: int, idle_seconds: float) -> None:
        self._context = context
        self._connections = connections
        self._idle_seconds = idle_seconds
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, of which the body is still to be read. Raises httpx.TransportError."""
        body = await request.aread()
        with _as_httpx_says(request):
            answer = await self._open().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
                data=body or None,
                skip_auto_headers=_MADE_HERE,
                allow_redirects=False,
                timeout=_limits(request.extensions.get("timeout", {})),
            )
        return httpx.Response(
            answer.status, headers=answer.raw_headers, stream=_Body(request, answer)
        )

    async def aclose(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connector(
                    limit=self._connections, keepalive_timeout=self._idle_seconds, ssl=self._context
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                max_line_size=_LONGEST_LINE,
                max_field_size=_LONGEST_LINE,
                max_headers=_MOST_HEADERS,
            )
        return self._session


class _Body(httpx.AsyncByteStream):
    def __init__(self, request: httpx.Request, answer: aiohttp.ClientResponse) -> None:
        self._request = request
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx_says(self._request):
            async for piece in self._answer.content.iter_chunked(_PIECE):
                yield piece

    async def aclose(self) -> None:
        """A connection whose answer was not read to the end is not used again."""
        self._answer.close()


def _limits(wanted: Mapping[str, float | None]) -> aiohttp.ClientTimeout:
    """httpx has one limit for a free connection and one for making it; here they are one."""
    waits = (wanted.get("pool"), wanted.get("connect"))
    return aiohttp.ClientTimeout(
        connect=sum(wait for wait in waits if wait is not None) or None,
        sock_connect=wanted.get("connect"),
        sock_read=wanted.get("read"),
    )


@contextmanager
def _as_httpx_says(request: httpx.Request) -> Iterator[None]:
    try:
        yield
    except aiohttp.InvalidURL as error:
        raise httpx.UnsupportedProtocol(str(error), request=request) from error
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout(str(error), request=request) from error
    except aiohttp.ServerTimeoutError as error:
        raise httpx.ReadTimeout(str(error), request=request) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(str(error), request=request) from error
    except aiohttp.ClientOSError as error:
        raise httpx.ReadError(str(error), request=request) from error
    except aiohttp.ClientError as error:
        raise httpx.RemoteProtocolError(str(error), request=request) from error
