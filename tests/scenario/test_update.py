"""Changing a deal: before and after, one button, one PATCH, and the truth afterwards."""

from datetime import timedelta

import pytest

from sandbox.deals import FABRIKAM, LOST
from tests.scenario.conftest import patches, said_in
from tests.world import World, buttons

SAVE = "Save this change?"


async def test_several_changes_in_one_line(ben: World) -> None:
    await ben.says("ben", 'update fabrikam analytics close 2027-03-31 value 45k notes "Agreed"')
    shown = await ben.hears("ben", until=SAVE)
    for piece in ("USD 30,000", "USD 45,000", "March 31, 2027", "Agreed"):
        assert piece in shown.words
    assert await ben.ledger() == []

    etag = (await ben.referral(FABRIKAM))["eTag"]
    answered = await ben.clicks("ben", "Save")
    assert answered.status == 200
    saved = await ben.hears("ben", until="Saved in Partner Center")
    assert "USD 45,000" in saved.words

    (write,) = await ben.ledger()
    assert write["owner"] == "ben"
    assert write["etag_before"] == etag
    (patch,) = await patches(ben)
    assert patch["headers"]["If-Match"] == etag
    assert patch["headers"]["Prefer"] == "return=representation"
    assert patch["body"] == [
        {"op": "replace", "path": "/details/closingDateTime", "value": "2027-03-31T00:00:00Z"},
        {"op": "replace", "path": "/details/dealValue", "value": "45000"},
        {"op": "replace", "path": "/details/notes", "value": "Agreed"},
    ]
    held = (await ben.referral(FABRIKAM))["details"]
    assert (held["dealValue"], held["notes"]) == (45000, "Agreed")


async def test_a_close_date_in_the_past_is_pointed_out(ben: World) -> None:
    yesterday = ben.clock().date() - timedelta(days=1)
    await ben.says("ben", f"update fabrikam analytics close {yesterday}")
    shown = await ben.hears("ben", until=SAVE)
    assert "is before today" in shown.words
    await ben.says("ben", "update fabrikam analytics value 45k")
    assert "is before today" not in (await ben.hears("ben", until="USD 45,000")).words


async def test_pressing_twice_saves_once(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 45k")
    await ben.hears("ben", until=SAVE)
    pressed = await ben.clicks("ben", "Save", times=2, together=True)
    assert set(pressed.statuses) == {200}
    await ben.hears("ben", until="Saved")
    assert len(await ben.ledger()) == 1


async def test_discard_changes_nothing(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 45k")
    await ben.hears("ben", until=SAVE)
    await ben.clicks("ben", "Discard")
    await ben.hears("ben", until="Nothing was changed")
    assert await ben.ledger() == []


async def test_F2_a_conflict_shows_all_three_and_applies_again(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 45k")
    await ben.hears("ben", until=SAVE)
    theirs = [{"op": "replace", "path": "/details/dealValue", "value": 40000}]
    await ben.edit(FABRIKAM, theirs)
    await ben.clicks("ben", "Save")
    conflict = await ben.hears("ben", until="changed this deal meanwhile")
    for amount in ("30,000", "40,000", "45,000"):
        assert amount in conflict.words
    assert (await ben.referral(FABRIKAM))["details"]["dealValue"] == 40000
    await ben.clicks("ben", "Apply mine again")
    again = await ben.hears("ben", until=SAVE)
    assert "40,000" in again.words
    await ben.clicks("ben", "Save")
    await ben.hears("ben", until="Saved")
    assert (await ben.referral(FABRIKAM))["details"]["dealValue"] == 45000


async def test_D1_an_ambiguous_amount_asks_and_the_choice_is_used(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 50.000")
    asked = await ben.hears("ben")
    assert "more than one way" in asked.words
    await ben.clicks("ben", "50000")
    shown = await ben.hears("ben", until=SAVE)
    assert "USD 50,000" in shown.words


@pytest.mark.parametrize("locale", ["de-DE", "en-US", "fr-FR"])
async def test_D1_the_locale_never_changes_an_amount(ben: World, locale: str) -> None:
    await ben.teams(locale={"ben": locale})
    await ben.says("ben", "update fabrikam analytics value 250.000,50")
    await ben.hears("ben", until=said_in(locale, SAVE))
    await ben.clicks("ben", said_in(locale, "Save"))
    await ben.hears("ben", until=said_in(locale, "Saved in Partner Center"))
    (patch,) = await patches(ben)
    assert patch["body"][0]["value"] == "250000.50"


async def test_D3_another_currency_is_stopped_with_both_figures(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value EUR 30,000")
    heard = await ben.hears("ben")
    assert "EUR" in heard.words
    assert "USD" in heard.words
    assert await ben.ledger() == []


async def test_a_closed_deal_is_not_offered_for_change(ben: World) -> None:
    await ben.says("ben", f"update {LOST} value 45k")
    heard = await ben.hears("ben")
    assert "not possible" in heard.words
    assert buttons(heard.card or {}) == ["Show the deal"]
    assert await patches(ben) == []


async def test_a_mistake_on_an_open_deal_offers_the_form(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value EUR 30,000")
    heard = await ben.hears("ben", until="not possible")
    assert "Edit" in buttons(heard.card or {})


async def test_the_fields_stand_in_one_order_before_and_after(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics crm ID A-1 name 'New name' value 45k")
    shown = (await ben.hears("ben", until=SAVE)).words
    await ben.clicks("ben", "Save")
    saved = (await ben.hears("ben", until="Saved in Partner Center")).words
    for words in (shown, saved.partition("Saved in Partner Center")[2]):
        places = [words.index(piece) for piece in ("45,000", "New name", "A-1")]
        assert places == sorted(places)


async def test_the_same_value_again_is_nothing_to_change(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 30k")
    await ben.hears("ben", until="Nothing to change")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("update fabrikam analytics value lots", "30k"),
        ("update fabrikam analytics close 30 feb 2027", "calendar"),
        ("update fabrikam analytics value -5", "negative"),
        ("update fabrikam analytics value 30k value 40k", "twice"),
        ("updte fabrikam analytics value 30k", "Did you mean"),
    ],
)
async def test_mistakes_get_a_way_on(ben: World, text: str, answer: str) -> None:
    await ben.says("ben", text)
    assert answer in (await ben.hears("ben")).words
    assert await ben.ledger() == []


async def test_the_edit_form_keeps_what_was_entered_beside_the_mistake(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics")
    await ben.hears("ben", until="Edit this deal")
    await ben.clicks("ben", "Preview", inputs={"value": "50.000", "notes": "New note"})
    again = await ben.hears("ben", until="50.000")
    assert "New note" in str(again.card)
    await ben.clicks("ben", "Preview", inputs={"value": "50000", "notes": "New\nnote"})
    shown = await ben.hears("ben", until=SAVE)
    assert "USD 50,000" in shown.words
    await ben.clicks("ben", "Save")
    await ben.hears("ben", until="Saved")
    assert (await ben.referral(FABRIKAM))["details"]["notes"] == "New\nnote"


async def test_F5_a_lost_answer_is_read_back_and_never_sent_again(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 45k")
    await ben.hears("ben", until=SAVE)
    await ben.fault("apply_then_drop", method="PATCH")
    await ben.clicks("ben", "Save")
    await ben.hears("ben", until="Saved")
    assert len(await ben.ledger()) == 1
    assert len(await patches(ben)) == 1


async def test_F5_an_unknown_outcome_says_so_and_is_settled_by_its_button(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 45k")
    await ben.hears("ben", until=SAVE)
    await ben.fault("drop_before", method="PATCH")
    await ben.clicks("ben", "Save")
    await ben.hears("ben", until="do not know yet")
    await ben.clicks("ben", "Check again")
    await ben.hears("ben", until="Saved")
    assert len(await ben.ledger()) == 1


async def test_throttled_says_nothing_was_changed_and_offers_to_try_again(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 45k")
    await ben.hears("ben", until=SAVE)
    await ben.fault(
        "status",
        method="PATCH",
        status=429,
        headers={"Retry-After": "20"},
        body={"statusCode": 429, "message": "Rate limit is exceeded. Try again in 20 seconds."},
    )
    await ben.clicks("ben", "Save")
    heard = await ben.hears("ben", until="slow down")
    assert "Nothing was changed" in heard.words
    await ben.clicks("ben", "Try again")
    await ben.hears("ben", until="Saved")
    assert len(await ben.ledger()) == 1


async def test_another_persons_button_does_nothing(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 45k", "general")
    await ben.hears("ben", "general", until=SAVE)
    await ben.clicks("cleo", "Save", where="general")
    heard = await ben.hears("cleo", "general")
    assert "someone else" in heard.words
    assert await ben.ledger() == []
    await ben.clicks("ben", "Save", where="general")
    await ben.hears("cleo", "general", until="Saved in Partner Center")
    (write,) = await ben.ledger()
    assert write["owner"] == "ben"
