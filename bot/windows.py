"""How fast Teams lets a bot send: so much in each window, for each conversation and tenant."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` sends in any `seconds`."""

    most: int
    seconds: float


CONVERSATION = (Limit(7, 1), Limit(8, 2), Limit(60, 30), Limit(1800, 3600))
"""What one bot may send to one conversation (Teams reference 2.3)."""
TENANT = (Limit(50, 1),)
"""What one app may send in one tenant (Teams reference 2.3)."""
_FIRST_SWEEP = 1000


class Windows:
    """Counts what was sent and says when the next may be. Conversations are named without a
    thread, as their threads share the limit."""

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        conversation: Sequence[Limit] = CONVERSATION,
        tenant: Sequence[Limit] = TENANT,
    ) -> None:
        self._now = now
        self._limits = (tuple(tenant), tuple(conversation))
        self._sent: tuple[dict[str, list[datetime]], ...] = ({}, {})
        self._held: dict[str, datetime] = {}
        self._sweep_at = _FIRST_SWEEP

    def take(self, tenant: str, conversation: str, at: datetime | None = None) -> timedelta:
        """Counts a send that begins now, and gives zero; or counts nothing and gives the wait.

        `at` is the present under which it is counted, for `left`.
        """
        wait = self.wait(tenant, conversation)
        if wait == NONE:
            self.note(tenant, conversation, at or self._now())
        return wait

    def left(self, tenant: str, conversation: str, taken: datetime) -> None:
        """Counts what was taken at a moment as leaving now: what delayed it delays the next."""
        for sent, name in zip(self._sent, (tenant, conversation), strict=True):
            times = sent.get(name, [])
            if taken in times:
                times.remove(taken)
                insort(times, self._now())

    def wait(self, tenant: str, conversation: str) -> timedelta:
        """How long until one more may be sent there; zero for at once."""
        now = self._now()
        free = [self._held.get(conversation, now)]
        for sent, limits, name in zip(
            self._sent, self._limits, (tenant, conversation), strict=True
        ):
            free += [_free_at(sent.get(name, ()), limit, now) for limit in limits]
        return max(max(free) - now, NONE)

    def tenant_wait(self, tenant: str) -> timedelta:
        """How long until one more may be sent anywhere in a tenant; zero for at once."""
        now, sent = self._now(), self._sent[0].get(tenant, ())
        return max(max(_free_at(sent, limit, now) for limit in self._limits[0]) - now, NONE)

    def note(self, tenant: str, conversation: str, at: datetime) -> None:
        """Counts a send that happened at a moment, also one of another instance."""
        for sent, limits, name in zip(
            self._sent, self._limits, (tenant, conversation), strict=True
        ):
            times = sent.setdefault(name, [])
            insort(times, at)
            del times[: -max(limit.most for limit in limits)]
        if len(self._sent[1]) >= self._sweep_at:
            self._sweep()

    def hold(self, conversation: str, until: datetime) -> None:
        """Nothing more there before a moment: Teams said so."""
        self._held[conversation] = max(until, self._held.get(conversation, until))

    def _sweep(self) -> None:
        now = self._now()
        for sent, limits in zip(self._sent, self._limits, strict=True):
            over = now - timedelta(seconds=max(limit.seconds for limit in limits))
            for name in [name for name, times in sent.items() if times[-1] <= over]:
                del sent[name]
        for name in [name for name, until in self._held.items() if until <= now]:
            del self._held[name]
        self._sweep_at = max(_FIRST_SWEEP, 2 * len(self._sent[1]))


def _free_at(times: Sequence[datetime], limit: Limit, now: datetime) -> datetime:
    if len(times) < limit.most:
        return now
    return times[-limit.most] + timedelta(seconds=limit.seconds)
