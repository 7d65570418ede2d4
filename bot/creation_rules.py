"""What may be said and done about a new deal whose POST left: pure.

Nothing fences a POST: no version, no key, and a list may be behind. So a deal that is not found is
never said not to exist, and a request that may have arrived is never sent again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from partner_center import errors

SETTLED = timedelta(minutes=10)
"""After so long a deal that still is not found becomes a question to its person."""
SEND_WITHIN = timedelta(seconds=10)
"""A POST leaves so soon after its row said so, or not at all: later others may have judged it."""
SKEW = timedelta(hours=1)
"""How far the clocks of the service and the bot may differ, when looking for what is new."""
AGAIN_WITHIN = timedelta(minutes=10)
"""The same deal created twice by one person within this time is taken for a double press."""


class Outcome(StrEnum):
    """What an error in place of an answer says about the deal."""

    NOT_APPLIED = "not_applied"
    """It was surely not created, and may be sent again."""
    REFUSED = "refused"
    """It was surely not created, and will not be."""
    UNKNOWN = "unknown"


class Do(StrEnum):
    """What to do after a look."""

    DONE = "done"
    DOUBLED = "doubled"
    """More than one deal carries the mark: both are shown."""
    WAIT = "wait"
    ASK = "ask"
    """It was looked for long enough: its person decides whether to start over."""


def outcome_of(error: errors.PartnerCenterError) -> Outcome:
    """An error is believed when it is the service's own word, or when nothing left."""
    match error:
        case errors.NotSent() | errors.Unauthorized():
            return Outcome.NOT_APPLIED
        case errors.OutcomeUnknown():
            return Outcome.UNKNOWN
        case _ if not error.own_body:
            return Outcome.UNKNOWN
        case errors.Throttled() | errors.Locked():
            return Outcome.NOT_APPLIED
        case _:
            return Outcome.REFUSED


def was_accepted(status: int | None) -> bool:
    """Whether the lost answer at least said that the deal was created."""
    return status is not None and 200 <= status < 300


def after_look(found: int, sent: datetime, now: datetime, status: int | None) -> Do:
    """What so many deals with our mark say, so long after the request left."""
    if found > 1:
        return Do.DOUBLED
    if found == 1:
        return Do.DONE
    return Do.ASK if now - sent >= SETTLED and not was_accepted(status) else Do.WAIT


def blocks(sent: datetime, now: datetime, status: int | None, *, done: bool) -> bool:
    """Whether an equal deal that was sent then keeps this one from being sent."""
    if done:
        return now - sent < AGAIN_WITHIN
    return after_look(0, sent, now, status) is Do.WAIT
