"""Words for every problem that the rules of Partner Center can find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from cards.elements import Text, text, words
from cards.reader import Reader

if TYPE_CHECKING:
    from partner_center.referral import Problem

PROBLEMS: Final[Mapping[str, str]] = {}
"""Code of a problem -> sentence; `{places}` are facts of the problem."""


def problem_words(problem: Problem, reader: Reader) -> Text:
    """The sentence for a problem, its dates and amounts as the reader writes them."""
    sentence = PROBLEMS.get(problem.code)
    facts = {name: _fact(value, reader) for name, value in problem.facts.items()}
    if sentence is None:
        return words("Partner Center expects something else here ({code}).", code=problem.code)
    return words(sentence, **_Missing(facts))


class _Missing(dict[str, Text]):
    def __missing__(self, key: str) -> Text:
        return words("?")


def _fact(value: str, reader: Reader) -> Text:
    for read in _READINGS:
        found = read(value, reader)
        if found is not None:
            return found
    return text(value)


def _as_date(value: str, reader: Reader) -> Text | None:
    try:
        return reader.date(date.fromisoformat(value)) if len(value) == 10 else None
    except ValueError:
        return None


def _as_number(value: str, reader: Reader) -> Text | None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return reader.number(number) if number.is_finite() else None


_READINGS: Final[tuple[Callable[[str, Reader], Text | None], ...]] = (_as_date, _as_number)
