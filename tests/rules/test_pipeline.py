"""Deals added up: each once, each currency for itself, in every state that may come."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards.elements import words
from cards.pipeline import pipeline_card
from cards.samples.deals import READER, REFERRAL
from cards.samples.sums import year
from partner_center.pipeline import Stage, pipeline, stage_of
from partner_center.referral import Referral
from tests.rules.test_cards_gallery import markdown, nodes


def deal(number: int, status: str, substatus: str, value: int | None, code: str | None) -> Referral:
    worth = None if value is None else Decimal(value)
    return replace(
        REFERRAL,
        id=f"deal-{number}",
        status=status,
        substatus=substatus,
        deal_value=worth,
        currency=code,
    )


@pytest.mark.parametrize(
    ("status", "substatus", "stage"),
    [
        ("New", "Pending", Stage.NEW),
        ("Active", "Accepted", Stage.ACTIVE),
        ("Closed", "Won", Stage.WON),
        ("Closed", "Lost", Stage.LOST),
        ("Closed", "Declined", Stage.OTHER),
        ("Closed", "Expired", Stage.OTHER),
        ("Archived", "Won", Stage.OTHER),
        ("", "", Stage.OTHER),
    ],
)
def test_every_state_has_its_stage(status: str, substatus: str, stage: Stage) -> None:
    assert stage_of(deal(1, status, substatus, 1, "USD")) is stage


def test_currencies_are_never_added_up() -> None:
    sums = pipeline(
        [
            deal(1, "Active", "Accepted", 100, "USD"),
            deal(2, "Active", "Accepted", 50, "USD"),
            deal(3, "Active", "Accepted", 7, "EUR"),
            deal(4, "Active", "Accepted", None, "USD"),
            deal(5, "Active", "Accepted", 9, None),
        ]
    )
    active = sums.sums[Stage.ACTIVE]
    assert active.values == {"USD": Decimal(150), "EUR": Decimal(7)}
    assert (active.count, active.unvalued, sums.currency) == (5, 2, "USD")


def test_a_deal_that_comes_twice_counts_once() -> None:
    first = deal(1, "Active", "Accepted", 100, "USD")
    sums = pipeline([first, replace(first, status="Closed", substatus="Won")])
    assert sums.count == 1
    assert sums.sums[Stage.WON].count == 1


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_share_won_is_of_those_decided(won: int, lost: int) -> None:
    deals = [deal(number, "Closed", "Won", None, None) for number in range(won)]
    deals += [deal(1000 + number, "Closed", "Lost", None, None) for number in range(lost)]
    deals += [deal(5000, "Closed", "Declined", None, None)]
    percent = pipeline(deals).won_percent
    if not won + lost:
        assert percent is None
    else:
        assert percent is not None
        assert abs(percent - 100 * won / (won + lost)) <= 0.5


def test_the_card_says_how_many_deals_it_is_made_of_and_whether_there_are_more() -> None:
    whole = list(markdown(pipeline_card(words("x"), year(), READER, mine=True, complete=True)))
    assert "Made of 21 deals." in whole
    assert "11 open deals, worth USD\u00a0575,000." in whole
    assert "5 of 8 decided deals were won: 63 %." in whole
    assert "EUR\u00a020,000 in another currency is not added." in whole
    part = list(markdown(pipeline_card(words("x"), year(), READER, mine=True, complete=False)))
    assert "Made of the 21 deals that changed last; there are more." in part


def test_a_pipeline_without_values_counts_deals() -> None:
    sums = pipeline([deal(1, "Active", "Accepted", None, None)])
    made = pipeline_card(words("x"), sums, READER, mine=True, complete=True)
    (bars,) = [node for node in nodes(made) if node.get("type") == "Chart.HorizontalBar"]
    assert bars["data"] == [
        {"x": "○ New", "y": 0, "color": "categoricalBlue"},
        {"x": "● Active", "y": 1, "color": "categoricalTeal"},
        {"x": "✔ Won", "y": 0, "color": "good"},
        {"x": "✖ Lost", "y": 0, "color": "neutral"},
    ]
    assert "No deal is won or lost yet." in list(markdown(made))
