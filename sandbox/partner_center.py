"""Partner Center's referrals API over HTTP, as the API reference describes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import hdrs, web

from sandbox import eligibility, faults, json_patch, listing, wire
from sandbox.changes import change
from sandbox.creation import create, replaced
from sandbox.fault_plan import Kind
from sandbox.gateway import (
    LOGGED,
    VIEWER,
    answer_errors,
    identify,
    json_answer,
    log_requests,
    read_body,
    throttle,
)
from sandbox.json_patch import PatchProblem
from sandbox.odata import BadQuery
from sandbox.refusals import Code, Refusal, denied, invalid, not_found
from sandbox.tokens import TokenReader
from sandbox.wire import Document, Json
from sandbox.world import World

API_NAME = "partner_center"
"""What fault switches call this API."""
CONTEXT = f"{listing.CONTEXT}/$entity"
REFERRALS = "/v1.0/engagements/referrals"
PARTNER = "/v1.0/engagements/partners/dealregistrationeligibility"


def app(world: World, tokens: TokenReader) -> web.Application:
    """The API as an application; it may be mounted under any prefix."""
    application = web.Application(
        middlewares=[
            log_requests(world, tokens),
            faults.middleware(API_NAME, world.faults),
            throttle(world),
            answer_errors(world, tokens),
        ],
        client_max_size=2 * 1024 * 1024,
    )
    application.on_response_prepare.append(identify)
    application.add_routes(_routes(_Api(world)))
    return application


def _routes(api: _Api) -> list[web.RouteDef]:
    one, end = f"{REFERRALS}/{{id:[^/]+}}", "{slashes:/*}"
    return [
        web.get(REFERRALS + end, api.list),
        web.post(REFERRALS + end, api.create),
        web.get(PARTNER + end, api.partner_eligibility),
        web.post(f"{one}/dealregistrations/eligibility{end}", api.referral_eligibility),
        web.get(one + end, api.get),
        web.patch(one + end, api.patch),
        web.put(one + end, api.put),
    ]


@dataclass(frozen=True, slots=True)
class _Api:
    world: World

    async def list(self, request: web.Request) -> web.Response:
        """Section 6."""
        collection = request.url.with_query(None)
        collection = collection.with_path(collection.path.rstrip("/"))
        try:
            body = listing.page(
                self.world, request[VIEWER], request.query, collection, self._version(request)
            )
        except BadQuery as problem:
            raise invalid(str(problem), problem.option) from problem
        return json_answer(body)

    async def get(self, request: web.Request) -> web.Response:
        """Section 7."""
        return self._entity(self._version(request)(self._visible(request)))

    async def create(self, request: web.Request) -> web.Response:
        """Section 8."""
        body = read_body(await request.read())
        made, *changed = create(self.world, request[VIEWER], body)
        now = self.world.clock.now()
        stored = self.world.deals.put(made, now)
        for other in changed:
            self.world.deals.put(other, now)
        self._record(request, None, stored, body)
        return self._entity(stored, 201)

    async def patch(self, request: web.Request) -> web.Response:
        """Section 9."""
        document = read_body(await request.read())
        try:
            steps = json_patch.operations(document)
        except PatchProblem as problem:
            raise invalid(str(problem), problem.path) from problem
        before = self._writable(request)
        after = change(
            before,
            self.world.deals.engagement(before),
            steps,
            now=self.world.clock.now(),
            switches=self.world.switches,
        )
        stored = self._store(request, before, after, document)
        wanted = "return=representation" in request.headers.get("Prefer", "").replace(" ", "")
        if wanted and not self.world.switches.force_204:
            return self._entity(stored)
        return web.Response(status=204, headers={hdrs.ETAG: wire.text_at(stored, "eTag")})

    async def put(self, request: web.Request) -> web.Response:
        """Section 9.1: the older way, for which `If-Match` is mandatory."""
        body = read_body(await request.read())
        if hdrs.IF_MATCH not in request.headers:
            raise invalid("If-Match is mandatory.", hdrs.IF_MATCH)
        before = self._writable(request)
        after = replaced(before, body, self.world.clock.now())
        return self._entity(self._store(request, before, after, body))

    async def partner_eligibility(self, request: web.Request) -> web.Response:
        """Section 10.1."""
        return json_answer(eligibility.partner(self.world.switches.partner_eligible))

    async def referral_eligibility(self, request: web.Request) -> web.Response:
        """Section 10.2; computed live (U38)."""
        referral = self._own(request)
        verdicts = eligibility.judge(referral, self.world.deals.engagement(referral))
        return json_answer(eligibility.checklist(verdicts))

    def _version(self, request: web.Request) -> Callable[[Document], Document]:
        stale = faults.marked(request, Kind.STALE_READ)

        def past(present: Document) -> Document:
            identity = wire.text_at(present, "id")
            seconds = stale.seconds if stale else None
            return self.world.version_before(identity, seconds) or present

        return past if stale else lambda present: present

    def _visible(self, request: web.Request) -> Document:
        referral = self.world.deals.get(request.match_info["id"])
        if referral is None or not listing.sees(self.world, request[VIEWER], referral):
            raise not_found()
        return referral

    def _own(self, request: web.Request) -> Document:
        referral = self._visible(request)
        if not listing.is_own(referral):
            raise denied("This referral belongs to another organisation.")
        return referral

    def _writable(self, request: web.Request) -> Document:
        referral = self._own(request)
        if faults.marked(request, Kind.RACE):
            referral = self.world.edit(wire.text_at(referral, "id"), _RACING_EDIT)
        given = request.headers.get(hdrs.IF_MATCH)
        ignored = faults.marked(request, Kind.IGNORE_IF_MATCH) is not None
        if given is not None and not ignored and given not in ("*", referral["eTag"]):
            message = "The referral has changed since it was read."
            raise Refusal(412, Code.PRECONDITION_FAILED, message, hdrs.IF_MATCH)
        return referral

    def _store(
        self, request: web.Request, before: Document, after: Document, body: Json
    ) -> Document:
        stored = self.world.deals.put(after, self.world.clock.now())
        self._record(request, before, stored, body)
        return stored

    def _record(
        self, request: web.Request, before: Document | None, stored: Document, body: Json
    ) -> None:
        viewer = request[VIEWER]
        self.world.ledger.wrote(
            at=self.world.clock.now(),
            owner=viewer.key,
            oid=viewer.oid,
            method=request.method,
            path=request[LOGGED].path,
            body=body,
            referral=wire.text_at(stored, "id"),
            etag_before=wire.text_at(before, "eTag") if before else None,
            etag_after=wire.text_at(stored, "eTag"),
            client_request_id=request.headers.get("client-request-id"),
        )

    def _entity(self, referral: Document, status: int = 200) -> web.Response:
        shown = listing.presented(self.world, referral)
        return json_answer(
            {"@odata.context": CONTEXT, **shown}, status, wire.text_at(referral, "eTag")
        )


_RACING_EDIT: Json = [
    {"op": "add", "path": "/statusReason", "value": "Edited meanwhile in the portal"}
]
