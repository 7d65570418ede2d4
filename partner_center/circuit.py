"""A circuit breaker: stops calling a service that keeps failing, tries it again after a rest."""

from collections import deque
from collections.abc import Callable
from enum import StrEnum


class CircuitState(StrEnum):
    """CLOSED: calls go through. OPEN: none does. HALF_OPEN: one trial call decides."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Circuit:
    """Opens after `failures` failures `within` seconds, half-opens after `rest` seconds.

    `monotonic` gives seconds. Every admitted call ends in one of succeeded, failed or abandoned.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        failures: int = 5,
        within: float = 30.0,
        rest: float = 30.0,
    ) -> None:
        self._monotonic = monotonic
        self._limit = failures
        self._within = within
        self._rest = rest
        self._failed_at: deque[float] = deque(maxlen=failures)
        self._opened_at: float | None = None
        self._on_trial = False

    @property
    def state(self) -> CircuitState:
        """Whether calls go through at this moment."""
        if self._opened_at is None:
            return CircuitState.CLOSED
        rested = self._monotonic() - self._opened_at >= self._rest
        return CircuitState.HALF_OPEN if rested else CircuitState.OPEN

    @property
    def opens_in(self) -> float:
        """Seconds until a trial call is let through; 0 when calls go through."""
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._opened_at + self._rest - self._monotonic())

    def admits(self) -> bool:
        """Whether a call may go out now; a half-open circuit admits one at a time."""
        if self.state is CircuitState.CLOSED:
            return True
        if self.state is CircuitState.OPEN or self._on_trial:
            return False
        self._on_trial = True
        return True

    def succeeded(self) -> None:
        """The service answered: closed again, whatever was before."""
        self._failed_at.clear()
        self._opened_at = None
        self._on_trial = False

    def failed(self) -> None:
        """The service did not answer, or with a fault of its own."""
        now = self._monotonic()
        self._failed_at.append(now)
        full = len(self._failed_at) == self._limit
        if self._on_trial or (full and now - self._failed_at[0] <= self._within):
            self._opened_at = now
        self._on_trial = False

    def abandoned(self) -> None:
        """The call was given up by the caller; it says nothing about the service."""
        self._on_trial = False
