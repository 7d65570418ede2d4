"""What was worked out lately: a bounded memory of values that are believed for a while."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The newest `most` values, each believed until it is `age` old. `now` gives aware times."""

    def __init__(self, most: int, age: timedelta, now: Callable[[], datetime]) -> None:
        self._most = most
        self._age = age
        self._now = now
        self._kept: dict[K, tuple[datetime, V]] = {}

    def get(self, key: K) -> V | None:
        """The value kept for `key`; None when there is none that is young enough."""
        found = self._kept.get(key)
        if found is None:
            return None
        since, value = found
        if abs(self._now() - since) > self._age:
            del self._kept[key]
            return None
        return value

    def put(self, key: K, value: V) -> None:
        """Keep `value`; the oldest one goes when there are too many."""
        self._kept.pop(key, None)
        if len(self._kept) >= self._most:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (self._now(), value)

    def drop(self, key: K) -> None:
        """Forget what is kept for `key`."""
        self._kept.pop(key, None)
