"""Carries httpx's requests over aiohttp's connections: a call costs less than half the time.

httpx keeps what it is good at here, the shapes of requests, answers and errors. Nothing is decoded,
redirected or kept of cookies, and each failure comes out as the httpx error that says the same.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace

import aiohttp
import httpx
from yarl import URL

_PIECE = 64 * 1024
_LONGEST_LINE = 64 * 1024
_MOST_HEADERS = 256
_MADE_HERE = frozenset({"user-agent", "accept", "accept-encoding", "content-type"})

Note = Callable[[str, object], Awaitable[None]]


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
                trace_request_ctx=request.extensions.get("trace"),
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
                connector=aiohttp.TCPConnector(
                    limit=self._connections, keepalive_timeout=self._idle_seconds, ssl=self._context
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                trace_configs=[_traced()],
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


def _traced() -> aiohttp.TraceConfig:
    """Tells a request's `trace` of a new connection, and before the first byte is sent."""
    config = aiohttp.TraceConfig()
    config.on_connection_create_start.append(_telling("connection.connect_tcp.started"))
    config.on_connection_create_end.append(_telling("http11.send_request_headers.started"))
    config.on_connection_reuseconn.append(_telling("http11.send_request_headers.started"))
    return config


def _telling(
    event: str,
) -> Callable[[aiohttp.ClientSession, SimpleNamespace, object], Awaitable[None]]:
    async def tell(_session: aiohttp.ClientSession, about: SimpleNamespace, given: object) -> None:
        note: Note | None = about.trace_request_ctx
        if note is not None:
            await note(event, given)

    return tell
