"""The Partner Center client: read, list and patch referrals, ask both eligibility questions.

Every call bears the token of the person who acts. Reads are tried again within a budget, and so is
the eligibility POST, which has no body and changes nothing. A PATCH is sent once; only a 401, which
says that nothing was done, makes it go out a second time with a fresh token.
"""

import asyncio
import hashlib
import random as randomness
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import httpx
import structlog

from partner_center.circuit import Circuit
from partner_center.eligibility import (
    Checklist,
    PartnerEligibility,
    checklist_from_json,
    partner_from_json,
)
from partner_center.errors import (
    ClaimsChallenge,
    MfaRequired,
    NotSent,
    OutcomeUnknown,
    PartnerCenterError,
    Throttled,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
)
from partner_center.exchange import Answer, NoAnswer, exchange, make_http, waits
from partner_center.patch import Operation, encode
from partner_center.query import Query, engagement, following
from partner_center.referral import Referral
from partner_center.refusals import error_of
from partner_center.wire import Json, as_list, as_object, parse_json, referral_from_json

__all__ = [
    "BACKGROUND",
    "TURN",
    "Bearer",
    "Budget",
    "Page",
    "PartnerCenter",
    "Patched",
    "make_http",
]

REFERRALS = "/v1.0/engagements/referrals"
PARTNER_ELIGIBILITY = "/v1.0/engagements/partners/dealregistrationeligibility"
PARALLEL_CALLS = 4
REPRESENTATION: Mapping[str, str] = {"Prefer": "return=representation"}

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,127}", re.ASCII)
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"', re.ASCII)
_log = structlog.get_logger("partner_center")
_Given = TypeVar("_Given")
_Value = TypeVar("_Value")


class Bearer(Protocol):
    """Gives the person's token, right before each request. `fresh`: do not use a cached one, it was
    just refused. Whatever it raises reaches the caller of the client."""

    async def __call__(self, *, fresh: bool = False) -> str: ...


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a read may take: `total` seconds with all tries and waits; full jitter up to each of
    `pauses` between tries; a wait longer than `longest_wait` is not waited but reported."""

    total: float
    pauses: tuple[float, ...]
    longest_wait: float


TURN = Budget(total=8.0, pauses=(0.3, 0.6), longest_wait=8.0)
"""While a person waits: 3 tries, 8 seconds in all."""

BACKGROUND = Budget(total=240.0, pauses=(2.0, 5.0, 15.0, 60.0), longest_wait=60.0)
"""While nobody waits: 5 tries, and a Retry-After of up to 60 seconds is obeyed."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `count` is @odata.count, whose meaning with paging is not documented."""

    referrals: tuple[Referral, ...]
    next_link: str | None
    count: int | None


@dataclass(frozen=True, slots=True)
class Patched:
    """A write that was accepted. `referral` is None when the answer carried none: read it."""

    status: int
    referral: Referral | None
    etag: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    is_write: bool = False
    client_request_id: str | None = None


class PartnerCenter:
    """The service at `base_url`, over one shared `http` client (see `make_http`).

    `now` gives aware time, `monotonic` seconds, `random` numbers in [0, 1). A person's calls are
    told apart by their token: at most four with the same token run at once, the others wait inside
    their own deadline (API reference U34). One circuit breaker serves the whole object.
    """

    def __init__(
        self,
        base_url: str,
        http: httpx.AsyncClient,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
        monotonic: Callable[[], float] = time.monotonic,
        budget: Budget = TURN,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._http = http
        self._now = now
        self._sleep = sleep
        self._random = random
        self._monotonic = monotonic
        self._budget = budget
        self._lanes: dict[bytes, _Lane] = {}
        self.circuit = Circuit(monotonic)

    async def get(
        self, bearer: Bearer, referral_id: str, *, budget: Budget | None = None
    ) -> Referral:
        """One referral, with its ETag (API reference 7).

        Raises any PartnerCenterError but NotSent and OutcomeUnknown; ValueError for a malformed id.
        """
        call = _Call("GET", self._referral_url(referral_id), {})
        answer, document = await self._ask(bearer, call, budget)
        referral = _understood(answer, referral_from_json, document)
        if referral.id.lower() != referral_id.lower():
            raise _unexpected(answer, "another_referral")
        return _with_etag(referral, answer)

    async def list(
        self,
        bearer: Bearer,
        query: Query,
        *,
        next_link: str | None = None,
        budget: Budget | None = None,
    ) -> Page:
        """The first page of a query, or the page a nextLink points to (API reference 6).

        Raises as `get`; UnexpectedAnswer for a nextLink that leaves the service.
        """
        collection = self._base + REFERRALS
        options = query.encode()
        url = f"{collection}?{options}" if options else collection
        if next_link is not None:
            url = following(next_link, collection)
        answer, document = await self._ask(bearer, _Call("GET", url, {}), budget)
        return _understood(answer, _page, document)

    async def all_pages(
        self,
        bearer: Bearer,
        query: Query,
        max_pages: int = 10,
        *,
        budget: Budget | None = None,
    ) -> AsyncIterator[Page]:
        """Page after page, at most `max_pages`; a repeated nextLink ends it. Raises as `list`."""
        next_link: str | None = None
        seen: set[str] = set()
        for _ in range(max_pages):
            page = await self.list(bearer, query, next_link=next_link, budget=budget)
            yield page
            next_link = page.next_link
            if next_link is None or next_link in seen:
                return
            seen.add(next_link)

    async def related(
        self, bearer: Bearer, engagement_id: str, *, budget: Budget | None = None
    ) -> tuple[Referral, ...]:
        """Every party's referral of one deal that this person may see (API reference 4.5).

        Raises as `list`; ValueError for a malformed id.
        """
        pages = self.all_pages(bearer, engagement(engagement_id), 3, budget=budget)
        return tuple([referral async for page in pages for referral in page.referrals])

    async def partner_eligibility(
        self, bearer: Bearer, *, budget: Budget | None = None
    ) -> PartnerEligibility:
        """May this company register deals (API reference 10.1)? Raises as `get`."""
        call = _Call("GET", self._base + PARTNER_ELIGIBILITY, REPRESENTATION)
        answer, document = await self._ask(bearer, call, budget)
        return _understood(answer, partner_from_json, document)

    async def referral_eligibility(
        self, bearer: Bearer, referral_id: str, *, budget: Budget | None = None
    ) -> Checklist:
        """May this referral be registered (API reference 10.2)? A POST without a body that changes
        nothing, so it is tried again like a GET. Raises as `get`."""
        url = self._referral_url(referral_id) + "/dealregistrations/eligibility"
        answer, document = await self._ask(bearer, _Call("POST", url, REPRESENTATION), budget)
        return _understood(answer, checklist_from_json, document)

    async def patch(
        self,
        bearer: Bearer,
        referral_id: str,
        operations: Sequence[Operation],
        *,
        etag: str,
        client_request_id: str | None = None,
        deadline: float = 30.0,
    ) -> Patched:
        """Apply operations to the version `etag` names (API reference 9). Sent once.

        Raises OutcomeUnknown when it may have been applied, NotSent when it never left, Conflict
        when the version moved on, any other PartnerCenterError when it was declined; ValueError for
        a malformed id or etag, or no operations.
        """
        if not operations or not _ETAG.fullmatch(etag):
            raise ValueError("a patch needs operations and a quoted etag")
        headers = {
            **REPRESENTATION,
            "If-Match": etag,
            "Content-Type": "application/json",
        }
        call = _Call(
            "PATCH",
            self._referral_url(referral_id),
            headers,
            body=encode(operations),
            is_write=True,
            client_request_id=client_request_id,
        )
        answer = await self._once(bearer, call, self._monotonic() + deadline)
        return _patched(answer, referral_id)

    def _referral_url(self, referral_id: str) -> str:
        if not _ID.fullmatch(referral_id):
            raise ValueError("not a referral id")
        return f"{self._base}{REFERRALS}/{referral_id}"

    async def _ask(self, bearer: Bearer, call: _Call, budget: Budget | None) -> tuple[Answer, Json]:
        """A read with its tries. Raises PartnerCenterError."""
        budget = budget or self._budget
        ends = self._monotonic() + budget.total
        for pause in (*budget.pauses, None):
            try:
                answer = await self._once(bearer, call, ends)
                return answer, _understood(answer, parse_json, answer.body)
            except (Throttled, Unavailable, UnexpectedAnswer) as error:
                if pause is None or not _may_pass(error):
                    raise
                wait = error.retry_after if error.retry_after is not None else 0.0
                wait = max(wait, self._random() * pause)
                if wait > budget.longest_wait or self._monotonic() + wait >= ends:
                    raise
            await self._sleep(wait)
        raise AssertionError("the last try returns or raises")

    async def _once(self, bearer: Bearer, call: _Call, ends: float) -> Answer:
        """One try; two when the first meets a 401 that a fresh token may cure."""
        try:
            return await self._send(await self._token(bearer, call, ends, fresh=False), call, ends)
        except (MfaRequired, ClaimsChallenge):
            raise
        except Unauthorized:
            token = await self._token(bearer, call, ends, fresh=True)
        return await self._send(token, call, ends)

    async def _token(self, bearer: Bearer, call: _Call, ends: float, *, fresh: bool) -> str:
        try:
            async with asyncio.timeout(max(0.0, ends - self._monotonic())) as limit:
                return await bearer(fresh=fresh)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise _not_called(call, "no_token_in_time") from error

    async def _send(self, token: str, call: _Call, ends: float) -> Answer:
        """One request. Returns a 2xx answer, raises a PartnerCenterError for everything else."""
        async with self._lane(token, call, ends):
            if not self.circuit.admits():
                raise _not_called(call, "circuit_open", retry_after=self.circuit.opens_in)
            client_request_id = call.client_request_id or str(uuid.uuid4())
            request = self._http.build_request(
                call.method,
                call.url,
                content=call.body,
                headers={
                    "Authorization": f"Bearer {token}",
                    "Accept": "application/json",
                    "client-request-id": client_request_id,
                    **call.headers,
                },
            )
            answer = await self._watched(request, call, ends, client_request_id)
        if 200 <= answer.status < 300:
            return answer
        raise error_of(
            answer, write=call.is_write, now=self._now(), client_request_id=client_request_id
        )

    async def _watched(
        self, request: httpx.Request, call: _Call, ends: float, client_request_id: str
    ) -> Answer:
        """The exchange with its log line and its mark in the circuit."""
        started = self._monotonic()
        seconds = max(0.001, ends - started)
        request.extensions["timeout"] = waits(seconds).as_dict()
        log = _log.bind(
            method=call.method,
            path=request.url.path,
            client_request_id=client_request_id,
        )
        try:
            answer = await exchange(self._http, request, seconds)
        except NoAnswer as lost:
            self.circuit.failed()
            log.warning("partner_center_no_answer", reason=lost.reason, left=lost.may_have_left)
            raise _lost(lost, call, client_request_id) from lost
        except BaseException:
            self.circuit.abandoned()
            raise
        (self.circuit.failed if answer.status >= 500 else self.circuit.succeeded)()
        log.info(
            "partner_center_call",
            status=answer.status,
            request_id=answer.request_id,
            duration_ms=round((self._monotonic() - started) * 1000),
        )
        return answer

    @asynccontextmanager
    async def _lane(self, token: str, call: _Call, ends: float) -> AsyncIterator[None]:
        """One of a person's four parallel calls; lanes nobody uses are forgotten."""
        key = hashlib.sha256(token.encode()).digest()
        lane = self._lanes.setdefault(key, _Lane())
        lane.users += 1
        try:
            try:
                async with asyncio.timeout(max(0.0, ends - self._monotonic())):
                    await lane.turns.acquire()
            except TimeoutError as error:
                raise _not_called(call, "too_many_calls") from error
            try:
                yield
            finally:
                lane.turns.release()
        finally:
            lane.users -= 1
            if lane.users == 0:
                self._lanes.pop(key, None)


class _Lane:
    """A person's parallel calls while there are any."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(PARALLEL_CALLS)
        self.users = 0


def _not_called(
    call: _Call, reason: str, *, retry_after: float | None = None
) -> PartnerCenterError:
    kind = NotSent if call.is_write else Unavailable
    return kind(reason, client_request_id=call.client_request_id, retry_after=retry_after)


def _lost(lost: NoAnswer, call: _Call, client_request_id: str) -> PartnerCenterError:
    """No status came back: for a write everything hangs on whether a byte may have left."""
    kind: type[PartnerCenterError] = Unavailable
    if call.is_write:
        kind = OutcomeUnknown if lost.may_have_left else NotSent
    return kind(lost.reason, client_request_id=client_request_id)


def _may_pass(error: PartnerCenterError) -> bool:
    """Whether the same read may succeed a moment later."""
    if isinstance(error, UnexpectedAnswer):
        return error.reason == "truncated"
    return error.reason not in ("circuit_open", "deadline", "no_token_in_time", "too_many_calls")


def _unexpected(answer: Answer, reason: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        reason,
        status=answer.status,
        request_id=answer.request_id,
        client_request_id=answer.headers.get("client-request-id"),
    )


def _understood(answer: Answer, read: Callable[[_Given], _Value], given: _Given) -> _Value:
    """What a successful read says. Raises UnexpectedAnswer with the ids of the call."""
    if answer.flaw is not None:
        raise _unexpected(answer, answer.flaw)
    try:
        return read(given)
    except UnexpectedAnswer as error:
        raise _unexpected(answer, error.reason) from error


def _page(document: Json) -> Page:
    top = as_object(document)
    next_link, count = top.get("@odata.nextLink"), top.get("@odata.count")
    return Page(
        referrals=tuple(referral_from_json(entry) for entry in as_list(top.get("value"))),
        next_link=next_link if isinstance(next_link, str) and next_link else None,
        count=count if isinstance(count, int) and not isinstance(count, bool) else None,
    )


def _referral(body: bytes) -> Referral:
    return referral_from_json(parse_json(body))


def _with_etag(referral: Referral, answer: Answer) -> Referral:
    return referral if referral.etag else replace(referral, etag=answer.headers.get("etag", ""))


def _patched(answer: Answer, referral_id: str) -> Patched:
    """A 2xx to a PATCH. Without a body it is taken at its word; with one that is not this referral
    it may come from something in between, so the outcome is unknown (API reference 9, U13)."""
    etag = answer.headers.get("etag")
    if answer.flaw is None and not answer.body.strip():
        return Patched(answer.status, None, etag, answer.request_id)
    try:
        referral = _understood(answer, _referral, answer.body)
    except UnexpectedAnswer as error:
        raise OutcomeUnknown(
            error.reason, status=answer.status, request_id=answer.request_id
        ) from error
    if referral.id.lower() != referral_id.lower():
        raise OutcomeUnknown("another_referral", status=answer.status, request_id=answer.request_id)
    referral = _with_etag(referral, answer)
    return Patched(answer.status, referral, referral.etag or None, answer.request_id)
