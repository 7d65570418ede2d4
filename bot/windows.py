"""How fast Teams lets a bot send: so much in each window, for each conversation and tenant."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NONE = timedelta(0)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` sends in any `seconds`."""

    most: int
    seconds: float


CONVERSATION = (Limit(7, 1), Limit(8, 2), Limit(60, 30), Limit(1800, 3600))
"""What one bot may send to one conversation (Teams reference 2.3)."""
TENANT = (Limit(50, 1),)
"""What one app may send in one tenant (Teams reference 2.3)."""
PACE = timedelta(milliseconds=5)
"""Between two owed messages in a tenant: what leaves in one bunch is built in one bunch, arrives
late, and meets the next."""
CATCH_UP = timedelta(milliseconds=50)
"""How much of that is made up for when they were held up otherwise."""
LEAST_LATE = timedelta(milliseconds=10)
"""By how much a confirmed send is counted as later than it left at least, as the quickest one was
held up a little, too."""
MOST_LATE = timedelta(milliseconds=250)
"""The most by which it is."""
_LATELY = 500
"""How many answers of Teams the quickest is looked for in."""
FEWEST = 25
"""How many it takes to know how long an answer takes: the first ones open connections."""
_FIRST_SWEEP = 1000
_KEPT = 4
_PART = 4
"""At most one in so many of a window is left free for answers."""


class Windows:
    """Counts what was sent and says when the next may be. Conversations are named without a
    thread, as their threads share the limit. Moments are kept as microseconds since 1970: an hour
    of them would take five times the memory otherwise.

    Whether something may leave follows from what has left alone. What waits for its moment is
    counted elsewhere, and only for what comes after it in its conversation: its moment may pass
    before it leaves, and whatever asks then would find a window full that is not.

    Answers go at once and are only counted (`answered`). What waits in the outbox keeps as much
    room free as answers took within the window just past, up to a part of it.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        conversation: Sequence[Limit] = CONVERSATION,
        tenant: Sequence[Limit] = TENANT,
        pace: timedelta = PACE,
    ) -> None:
        self._now = now
        self._pace = pace
        self._limits = (tuple(tenant), tuple(conversation))
        self._sent: tuple[dict[str, array[int]], ...] = ({}, {})
        self._answered: tuple[dict[str, array[int]], ...] = ({}, {})
        self._held: dict[str, datetime] = {}
        self._reserved: dict[str, array[int]] = {}
        self._paced: dict[str, datetime] = {}
        self._took: deque[timedelta] = deque(maxlen=_LATELY)
        self._sweep_at = _FIRST_SWEEP

    def reserve(self, conversation: str) -> datetime:
        """Keeps the first moment at which a conversation lets one more through, and gives it."""
        now = self._now()
        kept = self._reserved.get(conversation, ())
        times = sorted([*self._sent[1].get(conversation, ()), *kept])
        at = max(self._held.get(conversation, now), self._free(1, conversation, now, times))
        insort(self._reserved.setdefault(conversation, array("q")), _micros(at))
        return at

    def release(self, conversation: str, at: datetime) -> None:
        """Keeps a moment no longer."""
        _remove(self._reserved, conversation, at)

    def leave(self, tenant: str, conversation: str) -> datetime | None:
        """Counts a send that leaves now, and gives the moment; None when it may not yet."""
        now = self._now()
        if self._wait(tenant, conversation, now) > NONE:
            return None
        paced = self._paced.get(tenant, now)
        self._paced[tenant] = max(paced, now - CATCH_UP) + self._pace
        self.note(tenant, conversation, now)
        return now

    def arrived(self, tenant: str, conversation: str, at: datetime) -> None:
        """Counts what left at a moment and is confirmed now for when it arrived at the latest: as
        much after it left as its confirmation took longer than the quickest one lately, once there
        were some; as long as there were few, when it is confirmed."""
        took = max(self._now() - at, NONE)
        self._took.append(took)
        quickest = min(self._took) if len(self._took) >= FEWEST else NONE
        late = min(took - quickest + LEAST_LATE, MOST_LATE, took)
        for sent, name in zip(self._sent, (tenant, conversation), strict=True):
            _remove(sent, name, at)
        self.note(tenant, conversation, at + late)

    def answered(self, tenant: str, conversation: str) -> None:
        """Counts an answer that leaves now."""
        now = self._now()
        self.note(tenant, conversation, now)
        for counted, limits, name in zip(
            self._answered, self._limits, (tenant, conversation), strict=True
        ):
            _add(counted, name, now, limits)

    def asked(self, tenant: str) -> None:
        """Counts a request that sends nothing to a conversation, such as one for a roster."""
        for counted in (self._sent[0], self._answered[0]):
            _add(counted, tenant, self._now(), self._limits[0])

    def wait(self, tenant: str, conversation: str) -> timedelta:
        """How long until one more may be sent there; zero for at once."""
        return self._wait(tenant, conversation, self._now())

    def tenant_wait(self, tenant: str) -> timedelta:
        """How long until one more may be sent anywhere in a tenant; zero for at once."""
        now = self._now()
        free = self._free(0, tenant, now, self._sent[0].get(tenant, ()))
        return max(free, self._paced.get(tenant, now)) - now

    def _wait(self, tenant: str, conversation: str, now: datetime) -> timedelta:
        free = (
            self._free(level, name, now, self._sent[level].get(name, ()))
            for level, name in enumerate((tenant, conversation))
        )
        return max(self._held.get(conversation, now), *free) - now

    def _free(self, level: int, name: str, now: datetime, times: Sequence[int]) -> datetime:
        """When the windows of a tenant (0) or a conversation (1) let one more through after what
        happened at these times."""
        answers = self._answered[level].get(name, ())
        return max(
            _free_at(times, limit, _room(answers, limit, now), now) for limit in self._limits[level]
        )

    def note(self, tenant: str, conversation: str, at: datetime) -> None:
        """Counts a send that happened at a moment, also one of another instance."""
        for sent, limits, name in zip(
            self._sent, self._limits, (tenant, conversation), strict=True
        ):
            _add(sent, name, at, limits)
        if len(self._sent[1]) >= self._sweep_at:
            self._sweep()

    def hold(self, conversation: str, until: datetime) -> None:
        """Nothing more there before a moment: Teams said so."""
        self._held[conversation] = max(until, self._held.get(conversation, until))

    def _sweep(self) -> None:
        now = self._now()
        for counted in (self._sent, self._answered):
            for sent, limits in zip(counted, self._limits, strict=True):
                over = _micros(now - timedelta(seconds=max(limit.seconds for limit in limits)))
                for name in [name for name, times in sent.items() if times[-1] <= over]:
                    del sent[name]
        for moments in (self._held, self._paced):
            for name in [name for name, until in moments.items() if until <= now]:
                del moments[name]
        self._sweep_at = max(_FIRST_SWEEP, 2 * len(self._sent[1]))


def _add(counted: dict[str, array[int]], name: str, at: datetime, limits: Sequence[Limit]) -> None:
    """Four times as many as a window holds are kept, as answers may be more than it holds."""
    times = counted.get(name)
    if times is None:
        times = counted[name] = array("q")
    insort(times, _micros(at))
    del times[: -_KEPT * max(limit.most for limit in limits)]


def _remove(counted: dict[str, array[int]], name: str, at: datetime) -> None:
    times, moment = counted.get(name), _micros(at)
    if times is not None and moment in times:
        times.remove(moment)
    if not times:
        counted.pop(name, None)


def _room(answers: Sequence[int], limit: Limit, now: datetime) -> int:
    """What is left free for answers: as many as there were in the window just past."""
    if not answers:
        return 0
    lately = len(answers) - bisect_left(answers, _micros(now - timedelta(seconds=limit.seconds)))
    return min(lately, limit.most // _PART)


def _free_at(times: Sequence[int], limit: Limit, room: int, now: datetime) -> datetime:
    most = limit.most - room
    if len(times) < most:
        return now
    free = _EPOCH + times[-most] * _MICROSECOND + timedelta(seconds=limit.seconds)
    return max(free, now)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND
