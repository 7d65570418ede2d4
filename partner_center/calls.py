"""One call of a person: its token, its lane, its tries and what a missing answer means.

Reads are tried again within a budget. A write is sent once; only a 401, which says that nothing was
done, makes it go out a second time, with a fresh token.
"""

import asyncio
import hashlib
import random as randomness
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import httpx
import structlog

from partner_center.circuit import Circuit
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
from partner_center.exchange import Answer, NoAnswer, exchange, request_of
from partner_center.refusals import error_of
from partner_center.wire import Json, parse_json

PARALLEL_CALLS = 4

_TOKEN = re.compile(r"[\x21-\x7e]+", re.ASCII)
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
class Call:
    """A request to make; `is_write` when sending it twice would matter."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    is_write: bool = False
    client_request_id: str | None = None


class _Lane:
    """A person's parallel calls while there are any."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(PARALLEL_CALLS)
        self.users = 0


class Caller:
    """Makes calls over one `http`, with one circuit breaker.

    `now` gives aware time, `monotonic` seconds, `random` numbers in [0, 1).
    """

    def __init__(
        self,
        http: httpx.AsyncBaseTransport,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._now = now
        self._sleep = sleep
        self._random = random
        self._monotonic = monotonic
        self._lanes: dict[bytes, _Lane] = {}
        self.circuit = Circuit(monotonic)

    async def ask(self, bearer: Bearer, call: Call, budget: Budget) -> tuple[Answer, Json]:
        """A read with its tries, and its strict JSON. Raises PartnerCenterError."""
        ends = self._monotonic() + budget.total
        for pause in budget.pauses:
            try:
                return await self._ask_once(bearer, call, ends)
            except (Throttled, Unavailable, UnexpectedAnswer) as error:
                if not _may_pass(error):
                    raise
                wait = max(error.retry_after or 0.0, self._random() * pause)
                if wait > budget.longest_wait or self._monotonic() + wait >= ends:
                    raise
            await self._sleep(wait)
        return await self._ask_once(bearer, call, ends)

    async def write(self, bearer: Bearer, call: Call, deadline: float) -> Answer:
        """A write, once, within so many seconds. Raises PartnerCenterError."""
        return await self._once(bearer, call, self._monotonic() + deadline)

    async def _ask_once(self, bearer: Bearer, call: Call, ends: float) -> tuple[Answer, Json]:
        answer = await self._once(bearer, call, ends)
        return answer, understood(answer, parse_json, answer.body)

    async def _once(self, bearer: Bearer, call: Call, ends: float) -> Answer:
        """One request; two when the first meets a 401 that a fresh token may cure."""
        try:
            return await self._send(await self._token(bearer, call, ends, fresh=False), call, ends)
        except (MfaRequired, ClaimsChallenge):
            raise
        except Unauthorized:
            token = await self._token(bearer, call, ends, fresh=True)
        return await self._send(token, call, ends)

    async def _token(self, bearer: Bearer, call: Call, ends: float, *, fresh: bool) -> str:
        try:
            async with asyncio.timeout(max(0.0, ends - self._monotonic())) as limit:
                token = await bearer(fresh=fresh)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise _not_called(call, "no_token_in_time") from error
        if not _TOKEN.fullmatch(token):
            raise Unauthorized("unusable_token")
        return token

    async def _send(self, token: str, call: Call, ends: float) -> Answer:
        """One request, as one of a person's four at once; lanes nobody uses are forgotten."""
        key = hashlib.sha256(token.encode()).digest()
        lane = self._lanes.setdefault(key, _Lane())
        lane.users += 1
        try:
            await _acquire(lane, call, ends - self._monotonic())
            try:
                return await self._in_lane(token, call, ends)
            finally:
                lane.turns.release()
        finally:
            lane.users -= 1
            if lane.users == 0:
                self._lanes.pop(key, None)

    async def _in_lane(self, token: str, call: Call, ends: float) -> Answer:
        """Returns a 2xx answer, raises a PartnerCenterError for everything else."""
        if not self.circuit.admits():
            raise _not_called(call, "circuit_open", retry_after=self.circuit.opens_in)
        client_request_id = call.client_request_id or str(uuid.uuid4())
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "client-request-id": client_request_id,
            **call.headers,
        }
        request = request_of(call.method, call.url, headers, call.body)
        answer = await self._watched(request, call, client_request_id, ends)
        if 200 <= answer.status < 300:
            return answer
        raise error_of(answer, write=call.is_write, now=self._now())

    async def _watched(
        self, request: httpx.Request, call: Call, client_request_id: str, ends: float
    ) -> Answer:
        """The exchange with its log line and its mark in the circuit."""
        started = self._monotonic()
        called = {
            "method": call.method,
            "path": request.url.path,
            "client_request_id": client_request_id,
        }
        try:
            answer = await exchange(self._http, request, max(0.001, ends - started))
        except NoAnswer as lost:
            self.circuit.failed()
            _log.warning(
                "partner_center_no_answer",
                **called,
                reason=lost.reason,
                left=lost.may_have_left,
            )
            raise _lost(lost, call, client_request_id) from lost
        except BaseException:
            self.circuit.abandoned()
            raise
        (self.circuit.failed if answer.status >= 500 else self.circuit.succeeded)()
        _log.info(
            "partner_center_call",
            **called,
            status=answer.status,
            request_id=answer.request_id,
            duration_ms=round((self._monotonic() - started) * 1000),
        )
        return answer


async def _acquire(lane: _Lane, call: Call, seconds: float) -> None:
    if not lane.turns.locked():
        await lane.turns.acquire()
        return
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await lane.turns.acquire()
    except TimeoutError as error:
        raise _not_called(call, "too_many_calls") from error


def _not_called(call: Call, reason: str, *, retry_after: float | None = None) -> PartnerCenterError:
    kind = NotSent if call.is_write else Unavailable
    return kind(reason, client_request_id=call.client_request_id, retry_after=retry_after)


def _lost(lost: NoAnswer, call: Call, client_request_id: str) -> PartnerCenterError:
    """No status came back: for a write everything hangs on whether a byte may have left."""
    kind: type[PartnerCenterError] = Unavailable
    if call.is_write:
        kind = OutcomeUnknown if lost.may_have_left else NotSent
    return kind(lost.reason, client_request_id=client_request_id)


_STANDING = frozenset(("circuit_open", "deadline", "no_token_in_time", "too_many_calls"))


def _may_pass(error: PartnerCenterError) -> bool:
    """Whether the same read may succeed a moment later."""
    if isinstance(error, UnexpectedAnswer):
        return error.reason == "truncated"
    return error.reason not in _STANDING


def unexpected(answer: Answer, reason: str) -> UnexpectedAnswer:
    """A successful answer that says something else than the reference, with the ids of the call."""
    return UnexpectedAnswer(
        reason,
        status=answer.status,
        request_id=answer.request_id,
        client_request_id=answer.client_request_id,
    )


def understood(answer: Answer, read: Callable[[_Given], _Value], given: _Given) -> _Value:
    """What a successful read says. Raises UnexpectedAnswer with the ids of the call."""
    if answer.flaw is not None:
        raise unexpected(answer, answer.flaw)
    try:
        return read(given)
    except UnexpectedAnswer as error:
        raise unexpected(answer, error.reason) from error
