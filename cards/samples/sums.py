"""Fictitious deals added up: a year's work, a first day, and more than were read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from cards.elements import words
from cards.pipeline import pipeline_card
from cards.reader import Reader
from cards.samples.deals import REFERRAL, Card
from partner_center.pipeline import Pipeline, pipeline
from partner_center.referral import Referral

_YEAR: Final = (
    ("New", "Pending", 3, "40000", "USD"),
    ("Active", "Accepted", 7, "65000", "USD"),
    ("Active", "Accepted", 1, "20000", "EUR"),
    ("Closed", "Won", 5, "52000", "USD"),
    ("Closed", "Lost", 3, "38000.50", "USD"),
    ("Closed", "Declined", 2, None, None),
)


def _deals() -> Iterator[Referral]:
    for kind, (status, substatus, count, value, currency) in enumerate(_YEAR):
        for number in range(count):
            yield replace(
                REFERRAL,
                id=f"0f0f0f0f-0000-4000-8000-{kind:06d}{number:06d}",
                status=status,
                substatus=substatus,
                deal_value=None if value is None else Decimal(value),
                currency=currency,
            )


def year() -> Pipeline:
    """A seller's year."""
    return pipeline(_deals())


def gallery(reader: Reader) -> dict[str, Callable[[], Card]]:
    """Every card by name."""
    mine = words("My pipeline")
    first = pipeline([replace(REFERRAL, deal_value=None, currency=None)])
    return {
        "pipeline": lambda: pipeline_card(mine, year(), reader, mine=True, complete=True),
        "pipeline-part": lambda: pipeline_card(mine, year(), reader, mine=False, complete=False),
        "pipeline-first": lambda: pipeline_card(mine, first, reader, mine=True, complete=True),
        "pipeline-none": lambda: pipeline_card(
            mine, pipeline([]), reader, mine=True, complete=True
        ),
    }
