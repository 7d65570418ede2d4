"""What changed since somebody last looked: the fields that differ, with what they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from bot.looks import changed, shown_of
from bot.store.looks import Look
from cards.deal import DealView
from cards.referral import deal_card
from cards.samples.deals import MICROSOFT, NOW, READER, REFERRAL, VIEW
from cards.since import Since
from partner_center.referral import Member
from tests.rules.test_cards_gallery import markdown

EARLIER = datetime(2026, 2, 27, 9, 30, tzinfo=UTC)
BEFORE = Look(EARLIER, shown_of(VIEW))


def since(view: DealView) -> Since | None:
    return changed(BEFORE, Look(NOW, shown_of(view)))


def with_(**fields: object) -> DealView:
    return replace(VIEW, referral=replace(REFERRAL, **fields))  # type: ignore[arg-type]


def test_nothing_changed_is_nothing_new() -> None:
    assert since(VIEW) is None


@pytest.mark.parametrize(
    ("view", "was"),
    [
        (with_(deal_value=Decimal(45000)), {"value": Decimal(30000)}),
        (with_(currency="EUR"), {"value": Decimal(30000)}),
        (with_(closing=None), {"close": date(2026, 3, 31)}),
        (with_(crm_id=None), {"crm": "OPP-7731"}),
        (with_(campaign_id="C-1"), {"campaign": None}),
        (with_(status="Closed", substatus="Won"), {"status": "Active/Accepted"}),
        (with_(notes="Other"), {"notes": None}),
        (with_(team=(Member("A", "B", "a@contoso.example", "1"),)), {"team": None}),
        (with_(solutions=()), {"solutions": None}),
        (with_(registration_status="Approved"), {"registration": None}),
        (
            replace(VIEW, microsoft=replace(MICROSOFT, substatus="Declined")),
            {"microsoft": None},
        ),
    ],
)
def test_each_field_that_differs_is_new_with_what_it_was(
    view: DealView, was: dict[str, object]
) -> None:
    found = since(view)
    assert found is not None
    assert (found.at, found.was, found.currency) == (EARLIER, was, "USD")
    said = list(markdown(deal_card(view, READER, since=found)))
    assert [line for line in said if "Changed since you last looked, February 27, 2026" in line]
    assert sum("◆" in line for line in said) == 2


def test_the_order_of_a_team_is_no_news() -> None:
    assert since(with_(team=tuple(reversed(REFERRAL.team)))) is None


def test_a_field_that_was_not_kept_then_is_no_news() -> None:
    kept = {name: value for name, value in BEFORE.shown.items() if name != "crm"}
    assert changed(Look(EARLIER, kept), Look(NOW, shown_of(with_(crm_id="X")))) is None


def test_long_texts_are_kept_as_digests() -> None:
    kept = shown_of(with_(notes="secret " * 500, name="n" * 5000))
    assert "secret" not in str(kept)
    assert sum(map(len, kept.values())) < 1000
