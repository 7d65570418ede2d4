"""The Partner Center client: read, list, create and patch referrals, ask about eligibility.

Every call bears the token of the person who acts. Reads are tried again within a budget, and so is
the eligibility POST, which has no body and changes nothing. A PATCH is sent once, with If-Match,
and the POST that creates a deal is sent once.
"""

import asyncio
import random as randomness
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import httpx

from partner_center.calls import (
    BACKGROUND,
    TURN,
    Bearer,
    Budget,
    Call,
    Caller,
    understood,
    unexpected,
)
from partner_center.circuit import Circuit
from partner_center.eligibility import (
    Checklist,
    PartnerEligibility,
    checklist_from_json,
    partner_from_json,
)
from partner_center.errors import OutcomeUnknown, UnexpectedAnswer
from partner_center.exchange import Answer, make_http
from partner_center.new_deal import NewDeal, new_deal_document
from partner_center.patch import Operation, encode
from partner_center.query import Query, engagement, following
from partner_center.referral import Referral
from partner_center.wire import (
    Json,
    as_list,
    as_object,
    encoded,
    parse_json,
    referral_from_json,
)

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
REPRESENTATION: Mapping[str, str] = {"Prefer": "return=representation"}

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,127}", re.ASCII)
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"', re.ASCII)


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


class PartnerCenter:
    """The service at `base_url`, over one shared `http` (see `make_http`).

    `now` gives aware time, `monotonic` seconds, `random` numbers in [0, 1). A person's calls are
    told apart by their token: at most four with the same token run at once, the others wait inside
    their own deadline (API reference U34). One circuit breaker serves the whole object.
    """

    def __init__(
        self,
        base_url: str,
        http: httpx.AsyncBaseTransport,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
        monotonic: Callable[[], float] = time.monotonic,
        budget: Budget = TURN,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._budget = budget
        self._caller = Caller(http, now=now, sleep=sleep, random=random, monotonic=monotonic)

    @property
    def circuit(self) -> Circuit:
        """Open while the service keeps failing; for readiness checks."""
        return self._caller.circuit

    async def get(
        self, bearer: Bearer, referral_id: str, *, budget: Budget | None = None
    ) -> Referral:
        """One referral, with its ETag (API reference 7).

        Raises any PartnerCenterError but NotSent and OutcomeUnknown; ValueError for a malformed id.
        """
        call = Call("GET", self._referral_url(referral_id), {})
        answer, document = await self._caller.ask(bearer, call, budget or self._budget)
        referral = understood(answer, referral_from_json, document)
        if referral.id.lower() != referral_id.lower():
            raise unexpected(answer, "another_referral")
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
        answer, document = await self._caller.ask(
            bearer, Call("GET", url, {}), budget or self._budget
        )
        return understood(answer, _page, document)

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
            del page  # hundreds of kB that nobody needs while the next is waited for
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
        call = Call("GET", self._base + PARTNER_ELIGIBILITY, REPRESENTATION)
        answer, document = await self._caller.ask(bearer, call, budget or self._budget)
        return understood(answer, partner_from_json, document)

    async def referral_eligibility(
        self, bearer: Bearer, referral_id: str, *, budget: Budget | None = None
    ) -> Checklist:
        """May this referral be registered (API reference 10.2)? A POST without a body that changes
        nothing, so it is tried again like a GET. Raises as `get`."""
        url = self._referral_url(referral_id) + "/dealregistrations/eligibility"
        answer, document = await self._caller.ask(
            bearer, Call("POST", url, REPRESENTATION), budget or self._budget
        )
        return understood(answer, checklist_from_json, document)

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
        call = Call(
            "PATCH",
            self._referral_url(referral_id),
            headers,
            body=encode(operations),
            is_write=True,
            client_request_id=client_request_id,
        )
        answer = await self._caller.write(bearer, call, deadline)
        return _patched(answer, referral_id)

    async def create(
        self,
        bearer: Bearer,
        deal: NewDeal,
        mark: str,
        *,
        client_request_id: str | None = None,
        deadline: float = 30.0,
    ) -> Referral:
        """Create a private deal with `mark` as its external reference (API reference 8). Sent once.

        There is no key that would make a second POST safe (U35). Raises OutcomeUnknown when it may
        have been created, with a 2xx `status` when it was but the answer does not show it; NotSent
        when it never left; any other PartnerCenterError when it was declined.
        """
        call = Call(
            "POST",
            self._base + REFERRALS,
            {"Content-Type": "application/json"},
            body=encoded(new_deal_document(deal, mark)),
            is_write=True,
            client_request_id=client_request_id,
        )
        return _made(await self._caller.write(bearer, call, deadline), mark)

    def _referral_url(self, referral_id: str) -> str:
        if not _ID.fullmatch(referral_id):
            raise ValueError("not a referral id")
        return f"{self._base}{REFERRALS}/{referral_id}"


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


def _made(answer: Answer, mark: str) -> Referral:
    """A 2xx to a creation: the populated referral. One with another's mark is not ours."""
    return _written(answer, lambda referral: referral.crm_id in (mark, "", None))


def _patched(answer: Answer, referral_id: str) -> Patched:
    """A 2xx to a PATCH. Without a body it is taken at its word; with one that is not this referral
    it may come from something in between, so the outcome is unknown (API reference 9, U13)."""
    if answer.flaw is None and not answer.body.strip():
        return Patched(answer.status, None, answer.headers.get("etag"), answer.request_id)
    referral = _written(answer, lambda referral: referral.id.lower() == referral_id.lower())
    return Patched(answer.status, referral, referral.etag or None, answer.request_id)


def _written(answer: Answer, is_ours: Callable[[Referral], bool]) -> Referral:
    """The referral after a write. One that is unreadable or not ours proves nothing: raises
    OutcomeUnknown."""
    try:
        referral = understood(answer, _referral, answer.body)
        if not is_ours(referral):
            raise unexpected(answer, "another_referral")
    except UnexpectedAnswer as error:
        raise OutcomeUnknown(
            error.reason,
            status=answer.status,
            request_id=answer.request_id,
            client_request_id=answer.client_request_id,
        ) from error
    return _with_etag(referral, answer)
