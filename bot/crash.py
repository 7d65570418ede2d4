"""Named points where a sandbox process kills itself, so that recovery is tested on real crashes."""

from __future__ import annotations

import asyncio
import os
import signal
from enum import StrEnum


class Point(StrEnum):
    """Where a process may die: before and after each step of a registration, an approval, a write
    or a notice."""

    BEFORE_INTENT = "before_intent"
    AFTER_INTENT = "after_intent"
    AFTER_ELIGIBILITY = "after_eligibility"
    AFTER_GET = "after_get"
    BEFORE_UNKNOWN = "before_unknown"
    AFTER_UNKNOWN = "after_unknown"
    PATCH_SENT = "patch_sent"
    PATCH_APPLIED = "patch_applied"
    AFTER_READ_BACK = "after_read_back"
    BEFORE_DONE = "before_done"
    AFTER_DONE = "after_done"
    BEFORE_OUTBOX = "before_outbox"
    AFTER_OUTBOX = "after_outbox"
    OUTBOX_CLAIMED = "outbox_claimed"
    OUTBOX_SENDING = "outbox_sending"
    OUTBOX_SENT = "outbox_sent"
    BEFORE_EVENT = "before_event"
    AFTER_EVENT = "after_event"
    IN_FAN_OUT = "in_fan_out"
    BEFORE_FAN_OUT = "before_fan_out"
    AFTER_FAN_OUT = "after_fan_out"
    APPROVAL_ASKED = "approval_asked"
    APPROVAL_DECIDED = "approval_decided"
    APPROVAL_CLAIMED = "approval_claimed"
    WRITE_INTENDED = "write_intended"
    WRITE_APPLIED = "write_applied"
    WRITE_TOLD = "write_told"
    WRITE_DONE = "write_done"
    APPROVAL_ENDED = "approval_ended"


class UnknownPoint(ValueError):
    """DEALDESK_CRASH_AT names no crash point."""


_armed: set[Point] = set()


def arm(name: str | None, *, sandbox: bool) -> None:
    """Choose the point to die at (DEALDESK_CRASH_AT); outside the sandbox nothing is ever armed.

    Raises UnknownPoint when the name is not a Point, so that a test cannot wait for nothing.
    """
    _armed.clear()
    if not name or not sandbox:
        return
    try:
        _armed.add(Point(name))
    except ValueError as error:
        raise UnknownPoint(f"{name} is not one of {', '.join(Point)}") from error


def crash_at(point: Point) -> None:
    """Die here, as a power cut would, when this point is armed."""
    if point in _armed:
        _die()


def crash_soon(point: Point, seconds: float = 0.3) -> None:
    """Die in `seconds` when this point is armed: for a moment inside somebody else's await."""
    if point in _armed:
        asyncio.get_running_loop().call_later(seconds, _die)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
