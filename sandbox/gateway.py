"""What stands before Partner Center's handlers: the log, throttling, the token, error bodies."""

from __future__ import annotations

import uuid
from collections import deque

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from sandbox import faults, wire
from sandbox.ledger import Request
from sandbox.listing import Viewer
from sandbox.people import BY_OID, TENANT_ID, Role
from sandbox.refusals import Code, Refusal, denied, invalid, not_found
from sandbox.tokens import AUDIENCES, Claims, TokenProblem, TokenReader
from sandbox.world import World

BIGGEST_BODY = 1024 * 1024
"""Bytes of a request body; more is 413 (U16)."""
MINUTE = 60.0
"""Seconds over which requests are counted."""

VIEWER = web.RequestKey("viewer", Viewer)
TOO_BIG = web.RequestKey("too_big", bool)
LOGGED = web.RequestKey("logged", Request)


class MfaRequired(Exception):
    """The token does not say that its person signed in with several factors."""


def log_requests(world: World, tokens: TokenReader) -> Middleware:
    """Record every request, whatever becomes of it; without its token."""

    @web.middleware
    async def log(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            body = (await request.read()).decode("utf-8", "replace")
        except web.HTTPRequestEntityTooLarge:
            body = ""
            request[TOO_BIG] = True
        claims = tokens.read(request.headers.get(hdrs.AUTHORIZATION))
        person = BY_OID.get(claims.oid) if isinstance(claims, Claims) else None
        secret = (hdrs.AUTHORIZATION, hdrs.COOKIE)
        entry = world.ledger.came(
            at=world.clock.now(),
            owner=person.key if person else None,
            method=request.method,
            path=request.path,
            query=request.query_string,
            headers={k: v for k, v in request.headers.items() if k not in secret},
            body=body,
        )
        request[LOGGED] = entry
        response = await handler(request)
        if not response.get(faults.NO_ANSWER):
            entry.status = response.status
        return response

    return log


def throttle(world: World) -> Middleware:
    """The gateway's limit, when the switch sets one (U34)."""
    came: deque[float] = deque()

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        allowed = world.switches.requests_per_minute
        now = world.clock.now().timestamp()
        if not allowed:
            came.clear()
            return await handler(request)
        while came and not 0 <= now - came[0] < MINUTE:
            came.popleft()
        if len(came) >= allowed:
            return faults.throttled(max(1, round(came[0] + MINUTE - now)))
        came.append(now)
        return await handler(request)

    return limit


def answer_errors(world: World, tokens: TokenReader) -> Middleware:
    """Check size, token and role, give the handler its viewer, and word every refusal."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            await _check_form(request)
            request[VIEWER] = _viewer(world, tokens.read(request.headers.get(hdrs.AUTHORIZATION)))
            world.pass_time()
            return await handler(request)
        except MfaRequired:
            return faults.mfa_required()
        except Refusal as refusal:
            return _refused(refusal)
        except web.HTTPMethodNotAllowed as wrong:
            response = _refused(Refusal(405, Code.INVALID_REQUEST, "The method is not allowed."))
            response.headers[hdrs.ALLOW] = ", ".join(sorted(wrong.allowed_methods))
            return response
        except web.HTTPNotFound:
            return _refused(not_found())

    return guard


async def identify(request: web.Request, response: web.StreamResponse) -> None:
    """Signal: the ids every answer carries; 204 says its length as the documented samples do."""
    response.headers["Request-ID"] = opaque_id()
    if given := request.headers.get("client-request-id"):
        response.headers["client-request-id"] = given
    if response.status == 204:
        response.headers[hdrs.CONTENT_LENGTH] = "0"


def opaque_id() -> str:
    """Like the documented `2d1bed51-2fd9-adfc-h4a7-019kk87c0627`: shaped like a GUID, but none."""
    text = str(uuid.uuid4())
    return f"{text[:19]}h{text[20:27]}kk{text[29:]}"


def json_answer(body: wire.Json, status: int = 200, etag: str | None = None) -> web.Response:
    """An answer with exact numbers, and the resource's ETag when there is one."""
    response = web.Response(
        status=status,
        body=wire.write_bytes(body),
        content_type="application/json",
    )
    if etag is not None:
        response.headers[hdrs.ETAG] = etag
    return response


def _refused(refusal: Refusal) -> web.Response:
    response = json_answer(refusal.body(), refusal.status)
    if refusal.status == 401:
        response.headers[hdrs.WWW_AUTHENTICATE] = 'Bearer error="invalid_token"'
    return response


async def _check_form(request: web.Request) -> None:
    body = await request.read()
    if TOO_BIG in request or len(body) > BIGGEST_BODY:
        raise Refusal(413, Code.INVALID_REQUEST, "The request body is too large.")
    if body and request.content_type != "application/json":
        raise Refusal(415, Code.INVALID_REQUEST, "The body must be application/json.")
    accepted = request.headers.get(hdrs.ACCEPT, "*/*").lower()
    if not any(kind in accepted for kind in ("*/*", "application/*", "application/json")):
        raise Refusal(406, Code.INVALID_REQUEST, "Only application/json can be given.")


def _viewer(world: World, token: Claims | TokenProblem) -> Viewer:
    if isinstance(token, TokenProblem):
        raise Refusal(401, Code.UNAUTHENTICATED, token.reason)
    if token.aud not in AUDIENCES:
        raise Refusal(401, Code.UNAUTHENTICATED, "The token is for another audience.")
    if world.switches.mfa and "mfa" not in token.amr:
        raise MfaRequired
    person = BY_OID.get(token.oid)
    role = world.roles[person.key] if person else Role.NONE
    if person is None or token.tenant != TENANT_ID or role is Role.NONE:
        raise denied("The caller has no role that gives access to referrals.")
    return Viewer(person.key, token.oid, token.upn, role)


def read_body(text: bytes) -> wire.Json:
    """The JSON of a request. Raises Refusal."""
    try:
        return wire.read(text)
    except wire.UnreadableJson as problem:
        raise invalid("The body is not valid JSON.") from problem
