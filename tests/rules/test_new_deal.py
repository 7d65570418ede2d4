"""A deal to create: what it needs, and its document both ways."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_center.money import CURRENCIES
from partner_center.new_deal import (
    NOTES_LIMIT,
    NewDeal,
    check_new_deal,
    fingerprint,
    read,
    written,
)
from partner_center.referral import Member

TODAY = date(2026, 3, 2)
DEAL = NewDeal(
    customer="Contoso Ltd",
    country="DE",
    name="Data platform",
    value=Decimal(30000),
    currency="EUR",
    close=date(2027, 3, 31),
    contact=Member("Ben", "Okafor", "ben.okafor@contoso.example", "+1 425 555 0100"),
)
WORDS = st.text(st.characters(codec="utf-8"), max_size=40)
DEALS = st.builds(
    NewDeal,
    customer=WORDS,
    country=st.sampled_from(["DE", "US", "JP"]),
    name=WORDS,
    value=st.decimals(0, 10**9, places=2),
    currency=st.sampled_from(sorted(CURRENCIES)),
    close=st.dates(date(2000, 1, 1), date(2100, 12, 31)),
    contact=st.builds(Member, WORDS, WORDS, WORDS, WORDS),
    notes=WORDS,
)


def codes(deal: NewDeal) -> list[str]:
    return [problem.code for problem in check_new_deal(deal, TODAY)]


def test_a_deal_with_everything_has_no_problem() -> None:
    assert codes(DEAL) == []
    assert codes(replace(DEAL, close=TODAY, notes="a\nb", value=Decimal("0.01"))) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"customer": "  "}, "text_empty"),
        ({"customer": "x" * 256}, "text_too_long"),
        ({"customer": "a\nb"}, "text_unreadable"),
        ({"country": "de"}, "country_unknown"),
        ({"country": "DEU"}, "country_unknown"),
        ({"country": "ÄÖ"}, "country_unknown"),
        ({"name": ""}, "text_empty"),
        ({"value": Decimal(0)}, "value_not_positive"),
        ({"value": Decimal(-1)}, "value_negative"),
        ({"value": Decimal("1.005")}, "value_too_precise"),
        ({"value": Decimal("0.5"), "currency": "JPY"}, "value_too_precise"),
        ({"value": Decimal(10) ** 20}, "value_too_large"),
        ({"close": date(2026, 3, 1)}, "close_in_past"),
        ({"close": date(2101, 1, 1)}, "close_out_of_range"),
        ({"notes": "x" * (NOTES_LIMIT + 1)}, "text_too_long"),
        ({"notes": "\x00"}, "text_unreadable"),
        ({"contact": Member("Ben", "Okafor", "ben", "1")}, "email_invalid"),
        ({"contact": Member("Ben", "Okafor", "b@c.example", "")}, "member_incomplete"),
    ],
)
def test_what_cannot_be_sent_says_why(change: dict[str, object], code: str) -> None:
    assert codes(replace(DEAL, **change)) == [code]  # type: ignore[arg-type]


@given(DEALS)
def test_the_document_gives_the_deal_back(deal: NewDeal) -> None:
    assert read(written(deal, "dealdesk-1")) == (deal, "dealdesk-1")


@given(DEALS, DEALS)
def test_equal_deals_alone_have_the_same_fingerprint(one: NewDeal, other: NewDeal) -> None:
    assert (fingerprint(one) == fingerprint(other)) is (one == other)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "Shared"},
        {"target": [{"type": "BusinessProfileLocation", "id": "msft"}]},
        {"engagementId": "65edc0b5-3485-41b7-a17e-dfa9ef4706e2"},
        {"team": []},
        {"details": {}},
        {"customerProfile": "Contoso"},
        {"name": None},
    ],
)
def test_any_other_document_is_refused(change: dict[str, object]) -> None:
    document = json.loads(written(DEAL, "dealdesk-1")) | change
    with pytest.raises(ValueError, match="not the document"):
        read(json.dumps(document, separators=(",", ":")))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "{"])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not the document"):
        read(text)


def test_a_blank_more_is_another_document() -> None:
    with pytest.raises(ValueError, match="not the document"):
        read(written(DEAL, "dealdesk-1") + " ")
