"""What comes back in a form: texts made tidy, and why a value in one cannot be taken."""

from __future__ import annotations

from bot.changes import AmbiguousValue, UnreadableValue
from bot.lines import explain_value
from cards.wording import sentence
from partner_center.referral import Problem


def tidy(text: str) -> str:
    """Text as a form gives it back: one kind of line end, nothing hanging."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def problem_of(field: str, typed: str, error: AmbiguousValue | UnreadableValue) -> Problem:
    """Why the text of a field is not taken: it can be read in several ways, or in none."""
    if isinstance(error, UnreadableValue):
        why, instead = explain_value(error)
        return Problem("unreadable", {"field": field, "why": why, "instead": instead})
    labels = [reading.label for reading in error.readings]
    first, second = (*labels, sentence("something else"))[:2]
    facts = {"field": field, "typed": typed, "first": first, "second": second}
    return Problem("ambiguous", facts)
