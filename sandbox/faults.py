"""The middleware that makes an aiohttp application suffer the faults that are set."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from sandbox import wire
from sandbox.fault_plan import Fault, Faults, Kind, Taken

TAKEN = web.RequestKey("taken", Taken)
NO_ANSWER = web.ResponseKey("no_answer", bool)
"""Set on a response that never reached the caller whole, so that a log can say so."""

_HTML = "<!DOCTYPE html><html><head><title>Service</title></head><body>Please wait</body></html>"
_CLAIMS = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxIn19fQ=="
_FLOOD = 50_000_000


def middleware(api_name: str, faults: Faults) -> Middleware:
    """Faults of `api_name` befall every request this middleware sees (cases, section 4)."""

    @web.middleware
    async def suffer(request: web.Request, handler: Handler) -> web.StreamResponse:
        came, taken = faults.clock.now(), faults.take(api_name, request.method, request.path)
        request[TAKEN] = taken
        if taken.marks or taken.answer:
            await request.read()
        if delay := taken.marks.get(Kind.DELAY):
            await faults.clock.reach(came + timedelta(seconds=delay.seconds or 0))
        if taken.answer is None:
            return await handler(request)
        return await _befall(taken.answer, faults, request, handler)

    return suffer


def marked(request: web.Request, kind: Kind) -> Fault | None:
    """The fault of this kind that the call carries, for handlers that act on it."""
    taken = request.get(TAKEN)
    return taken.marks.get(kind) if taken else None


async def _befall(
    fault: Fault, faults: Faults, request: web.Request, handler: Handler
) -> web.StreamResponse:
    if fault.kind in _CANNED:
        return _CANNED[fault.kind](fault)
    match fault.kind:
        case Kind.FLOOD:
            return await _flood(fault, request)
        case Kind.DROP_BEFORE:
            return _drop(request)
        case Kind.LATE:
            faults.hold(fault.seconds, partial(_heard, request, handler))
            return _drop(request)
        case Kind.ENDLESS_HEADERS:
            return await _endless_headers(fault, request)
        case Kind.RESET if fault.size is None:
            return _drop(request, reset=True)
    answer = await _heard(request, handler)
    match fault.kind:
        case Kind.APPLY_THEN_DROP:
            await faults.clock.sleep(fault.seconds or 0)
            return _drop(request)
        case Kind.DRIP:
            return await _drip(fault, request, answer)
        case _:
            return await _cut(fault, request, answer)


async def _heard(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        return refusal


def _canned_status(fault: Fault) -> web.Response:
    status = fault.status or 500
    if isinstance(fault.body, str):
        return web.Response(status=status, headers=fault.headers, text=fault.body)
    if fault.body is None:
        return web.Response(status=status, headers=fault.headers)
    return _json(status, fault.body, fault.headers)


def _canned_html(fault: Fault) -> web.Response:
    text = fault.body if isinstance(fault.body, str) else _HTML
    return web.Response(
        status=fault.status or 200, headers=fault.headers, text=text, content_type="text/html"
    )


def _canned_redirect(fault: Fault) -> web.Response:
    headers = {**fault.headers, hdrs.LOCATION: fault.location}
    return web.Response(status=fault.status or 307, headers=headers)


def _canned_mfa(fault: Fault) -> web.Response:
    return mfa_required()


def _canned_claims(fault: Fault) -> web.Response:
    challenge = f'Bearer error="insufficient_claims", claims="{_CLAIMS}"'
    body: wire.Json = {"error": {"code": "accessDenied", "message": "insufficient_claims"}}
    return _json(403, body, {hdrs.WWW_AUTHENTICATE: challenge, **fault.headers})


def _canned_throttled(fault: Fault) -> web.Response:
    return throttled(int(fault.seconds or 57))


def _canned_unavailable(fault: Fault) -> web.Response:
    body: wire.Json = {"error": {"code": "serviceNotAvailable", "message": "Try again later."}}
    return _json(503, body, {hdrs.RETRY_AFTER: str(int(fault.seconds or 1)), **fault.headers})


_CANNED: Mapping[Kind, Callable[[Fault], web.Response]] = {
    Kind.STATUS: _canned_status,
    Kind.HTML: _canned_html,
    Kind.REDIRECT: _canned_redirect,
    Kind.MFA: _canned_mfa,
    Kind.CLAIMS: _canned_claims,
    Kind.THROTTLED: _canned_throttled,
    Kind.UNAVAILABLE: _canned_unavailable,
}


def mfa_required() -> web.Response:
    """401 for a token without MFA (API reference 2.4, U2)."""
    body: wire.Json = {
        "code": "900421",
        "description": "Multi-factor authentication is required.",
        "data": [],
        "source": "PartnerCenter",
    }
    return _json(401, body, {hdrs.WWW_AUTHENTICATE: 'Bearer error="invalid_token"'})


def throttled(seconds: int) -> web.Response:
    """429 as the gateway words it (API reference 12.1)."""
    message = f"Rate limit is exceeded. Try again in {seconds} seconds."
    body: wire.Json = {"statusCode": 429, "message": message}
    return _json(429, body, {hdrs.RETRY_AFTER: str(seconds)})


def _json(status: int, body: wire.Json, headers: Mapping[str, str]) -> web.Response:
    return web.Response(
        status=status, text=wire.write(body), content_type="application/json", headers=headers
    )


def _drop(request: web.Request, *, reset: bool = False) -> web.StreamResponse:
    transport = request.transport
    if transport is not None:
        if reset:
            linger_none = struct.pack("ii", 1, 0)
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
            transport.abort()
        else:
            transport.close()
    return _unanswered(web.Response(status=500))


def _unanswered(response: web.StreamResponse) -> web.StreamResponse:
    response[NO_ANSWER] = True
    return response


async def _begin(
    request: web.Request, status: int, headers: Mapping[str, str], length: int
) -> web.StreamResponse:
    stream = web.StreamResponse(status=status, headers=headers)
    stream.content_length = length
    await stream.prepare(request)
    return stream


def _body(answer: web.StreamResponse) -> bytes:
    body = answer.body if isinstance(answer, web.Response) else None
    return body if isinstance(body, bytes) else b""


async def _cut(
    fault: Fault, request: web.Request, answer: web.StreamResponse
) -> web.StreamResponse:
    body = _body(answer)
    if not body:
        return _drop(request, reset=fault.kind is Kind.RESET)
    stream = await _begin(request, answer.status, answer.headers, len(body))
    await stream.write(body[: len(body) // 2 if fault.size is None else fault.size])
    _drop(request, reset=fault.kind is Kind.RESET)
    return _unanswered(stream)


async def _drip(
    fault: Fault, request: web.Request, answer: web.StreamResponse
) -> web.StreamResponse:
    body = _body(answer)
    stream = await _begin(request, answer.status, answer.headers, len(body))
    for place in range(len(body)):
        if request.transport is None or request.transport.is_closing():
            return _unanswered(stream)
        await stream.write(body[place : place + 1])
        await asyncio.sleep(1 if fault.seconds is None else fault.seconds)
    return stream


async def _flood(fault: Fault, request: web.Request) -> web.StreamResponse:
    size = fault.size or _FLOOD
    stream = await _begin(request, 200, {hdrs.CONTENT_TYPE: "application/json"}, size)
    chunk = b" " * 65_536
    left = size - 2
    while left > 0 and request.transport is not None and not request.transport.is_closing():
        await stream.write(chunk[:left])
        left -= len(chunk)
    if left <= 0:
        await stream.write(b"{}")
    return _unanswered(stream)


async def _endless_headers(fault: Fault, request: web.Request) -> web.StreamResponse:
    transport = request.transport
    if transport is not None:
        transport.write(b"HTTP/1.1 200 OK\r\n")
        while not transport.is_closing():
            transport.write(b"X-Diagnostic: 1\r\n")
            await asyncio.sleep(1 if fault.seconds is None else fault.seconds)
    return _drop(request)
