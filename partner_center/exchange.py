"""One HTTP exchange: a total deadline, a capped body, and whether any byte may have left."""

import asyncio
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import httpx

from partner_center.transport import AiohttpTransport, Trail, trail

LARGEST_BODY = 10 * 1024 * 1024
CONNECT_SECONDS = 5.0
CONNECTIONS = 100
IDLE_SECONDS = 20.0
_OWN_HEADERS: Mapping[str, str] = {"User-Agent": "Dealdesk", "Accept-Encoding": "gzip"}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and decoded body. `flaw` says why the body is not whole: truncated, too_big
    or bad_encoding; the body is then empty. `client_request_id` is the one that was sent."""

    status: int
    headers: httpx.Headers
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


_BEFORE_SENDING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)


def make_http(ca_file: str | None = None) -> httpx.AsyncBaseTransport:
    """The one way to Partner Center: no redirects, no cookies, no proxies or credentials from the
    environment, bounded connections. `ca_file` (PEM) is trusted beside the usual roots."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        context.load_verify_locations(cadata=Path(ca_file).read_text(encoding="ascii"))
    return AiohttpTransport(context, connections=CONNECTIONS, idle_seconds=IDLE_SECONDS)


def request_of(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
) -> httpx.Request:
    """What is sent, with the headers of every request of ours."""
    return httpx.Request(
        method,
        _address(url),
        headers={**_OWN_HEADERS, **headers},
        stream=httpx.ByteStream(body or b""),
    )


@lru_cache(maxsize=512)
def _address(url: str) -> httpx.URL:
    """A deal that is worked on is asked for again and again."""
    return httpx.URL(url)


def waits(seconds: float) -> httpx.Timeout:
    """Time-outs of one exchange inside `seconds`: a pool or a connection gets at most half, what
    comes after is left to the total deadline, which strikes first."""
    connect = min(CONNECT_SECONDS, seconds / 2)
    return httpx.Timeout(seconds + 1, connect=connect, pool=seconds / 2)


async def exchange(
    http: httpx.AsyncBaseTransport, request: httpx.Request, seconds: float
) -> Answer:
    """Send and read to the end within `seconds` in all. Raises NoAnswer."""
    followed = Trail()
    trail.set(followed)
    request.extensions = {**request.extensions, "timeout": waits(seconds).as_dict()}
    try:
        async with asyncio.timeout(seconds):
            response = await http.handle_async_request(request)
            try:
                body, flaw = await _body(response)
            finally:
                await response.aclose()
    except TimeoutError as error:
        raise NoAnswer("deadline", may_have_left=followed.may_have_left) from error
    except _BEFORE_SENDING as error:
        raise NoAnswer(_reason(error), may_have_left=followed.sending) from error
    except (httpx.HTTPError, OSError) as error:
        raise NoAnswer(_reason(error), may_have_left=followed.may_have_left) from error
    sent_id = request.headers.get("client-request-id")
    return Answer(response.status_code, response.headers, body, flaw, sent_id)


def _reason(error: Exception) -> str:
    """`ConnectTimeout` -> `connect_timeout`: the kind of fault, without its text."""
    name = type(error).__name__
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")


async def _body(response: httpx.Response) -> tuple[bytes, str | None]:
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        return b"", "bad_encoding"
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS) if encoding == "gzip" else None
    whole = bytearray()
    stream = response.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        raise TypeError("the transport gave a body that cannot be waited for")
    try:
        async for chunk in stream:
            room = LARGEST_BODY + 1 - len(whole)
            whole += inflate.decompress(chunk, room) if inflate else chunk
            if len(whole) > LARGEST_BODY:
                return b"", "too_big"
    except zlib.error:
        return b"", "bad_encoding"
    except httpx.TransportError:
        return b"", "truncated"
    if inflate and whole and not inflate.eof:
        return b"", "truncated"
    return bytes(whole), None
