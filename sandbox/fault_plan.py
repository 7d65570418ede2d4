"""Which faults are set, which call each of them hits, and the requests held back."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sandbox.clock import Clock
from sandbox.wire import Json


class Kind(StrEnum):
    """Everything that can go wrong with one call."""

    STATUS = "status"
    """Answer `status`, `headers`, `body` at once; nothing is applied."""
    HTML = "html"
    """Answer an HTML page (`status`, default 200); nothing is applied."""
    REDIRECT = "redirect"
    """Answer `status` (default 307) with `location`; nothing is applied."""
    MFA = "mfa"
    """401 with code 900421."""
    CLAIMS = "insufficient_claims"
    """403 that asks for a step-up sign-in, with a claims challenge."""
    THROTTLED = "throttled"
    """429 from the gateway, `Retry-After: seconds` (default 57)."""
    UNAVAILABLE = "unavailable"
    """503 with `Retry-After: seconds` (default 1)."""
    FLOOD = "flood"
    """200 with a JSON body of `size` bytes (default 50 MB)."""
    DROP_BEFORE = "drop_before"
    """Close the connection without an answer; nothing is applied."""
    RESET = "reset"
    """TCP reset. Without `size` nothing is applied; with it, applied and so many bytes sent."""
    LATE = "late"
    """Close the connection now, apply the request `seconds` later, or on release."""
    APPLY_THEN_DROP = "apply_then_drop"
    """Apply, wait `seconds`, close the connection without an answer."""
    TRUNCATE = "truncate"
    """Apply, answer with the full length announced, cut after `size` bytes (default: half)."""
    DRIP = "drip"
    """Apply, send the body one byte every `seconds` (default 1, real time)."""
    ENDLESS_HEADERS = "endless_headers"
    """Send header lines for ever, one every `seconds` (default 1, real time)."""
    DELAY = "delay"
    """Wait `seconds`, then go on; applied even if the caller has gone."""
    STALE_READ = "stale_read"
    """A read sees the version before the last write, or the one of `seconds` ago."""
    IGNORE_IF_MATCH = "ignore_if_match"
    """The write is applied whatever `If-Match` says."""
    RACE = "race"
    """Somebody else's edit lands just before this call."""


MARKS = frozenset({Kind.DELAY, Kind.STALE_READ, Kind.IGNORE_IF_MATCH, Kind.RACE})
"""Faults that let the call go on; several may apply to one call, and beside one of the others."""


class BadFault(ValueError):
    """The description of a fault has an unknown or wrongly typed member."""


@dataclass(slots=True)
class Fault:
    """One switch: which calls it hits, how often, and what it does to them."""

    id: int
    api: str
    kind: Kind
    method: str = "*"
    path: re.Pattern[str] = field(default_factory=lambda: re.compile(""))
    times: int | None = 1
    """Calls still to hit; None is without end."""
    after: int = 0
    """Matching calls to let pass first."""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json = None
    seconds: float | None = None
    location: str = ""
    size: int | None = None

    def hits(self, api: str, method: str, path: str) -> bool:
        """Whether this call is one of mine; counts it when it is."""
        mine = self.api == api and self.method in ("*", method) and self.path.search(path)
        if not mine or self.times == 0:
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(frozen=True, slots=True)
class Taken:
    """What befalls one call: marks it carries on with, and at most one fault that answers it."""

    marks: Mapping[Kind, Fault]
    answer: Fault | None


class Faults:
    """The switches that are set, and the requests held back to be delivered late."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._numbers = itertools.count(1)
        self._set: list[Fault] = []
        self._held: set[asyncio.Task[None]] = set()
        self._released = asyncio.Event()

    @property
    def open(self) -> tuple[Fault, ...]:
        """Faults that can still hit a call."""
        return tuple(fault for fault in self._set if fault.times != 0)

    def add(self, description: Mapping[str, object]) -> int:
        """Set a fault from its JSON description and return its id. Raises BadFault."""
        fault = _fault(next(self._numbers), description)
        self._set.append(fault)
        return fault.id

    def take(self, api: str, method: str, path: str) -> Taken:
        """What befalls this call; counts down the switches that hit it."""
        marks: dict[Kind, Fault] = {}
        answer: Fault | None = None
        for fault in self._set:
            if fault.kind in MARKS:
                if fault.kind not in marks and fault.hits(api, method, path):
                    marks[fault.kind] = fault
            elif answer is None and fault.hits(api, method, path):
                answer = fault
        return Taken(marks, answer)

    def hold(self, seconds: float | None, delivery: Callable[[], Awaitable[object]]) -> None:
        """Deliver later: after seconds on the clock (None: only on release)."""
        task = asyncio.create_task(self._deliver(seconds, self._released, delivery))
        self._held.add(task)
        task.add_done_callback(self._held.discard)

    async def release(self) -> int:
        """Deliver everything that is held now; returns how many requests that were."""
        held = tuple(self._held)
        self._released.set()
        self._released = asyncio.Event()
        await asyncio.gather(*held)
        return len(held)

    def clear(self) -> None:
        """Take away every fault; what is held is thrown away undelivered."""
        self._set.clear()
        for task in tuple(self._held):
            task.cancel()
        self._held.clear()

    async def _deliver(
        self,
        seconds: float | None,
        released: asyncio.Event,
        delivery: Callable[[], Awaitable[object]],
    ) -> None:
        waits: list[asyncio.Task[object]] = [asyncio.create_task(released.wait())]
        if seconds is not None:
            waits.append(asyncio.create_task(self.clock.sleep(seconds)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        await delivery()


_FORMS: Mapping[str, tuple[type, ...]] = {
    "times": (int, type(None)),
    "after": (int,),
    "status": (int, type(None)),
    "seconds": (int, float, type(None)),
    "size": (int, type(None)),
    "method": (str,),
    "location": (str,),
    "headers": (dict,),
    "body": (object,),
}


def _fault(number: int, description: Mapping[str, object]) -> Fault:
    given = dict(description)
    try:
        api, kind = str(given.pop("api")), Kind(str(given.pop("kind")))
        path = re.compile(str(given.pop("path", "")))
    except (KeyError, ValueError, re.error) as problem:
        raise BadFault(f"a fault needs an api, a known kind and a path: {problem}") from problem
    for name, value in given.items():
        if name not in _FORMS or not isinstance(value, _FORMS[name]) or isinstance(value, bool):
            raise BadFault(f"a fault has no {name} like {value!r}")
    fault = Fault(number, api, kind, path=path)
    for name, value in given.items():
        setattr(fault, name, value)
    return fault
