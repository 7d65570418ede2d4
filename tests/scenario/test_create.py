"""New deals, said and filled in: shown first, created once, and as Partner Center holds them."""

from __future__ import annotations

import json
from datetime import date

import pytest

from sandbox.people import PEOPLE
from tests.scenario.conftest import signed_in
from tests.seen import Json
from tests.world import World, buttons, inputs

LINE = (
    'create "Wide World Importers" DE value 30k EUR close {close} '
    'name "Data platform" notes "Met at the fair"'
)
PREVIEW = "Create this deal?"
CREATED = "Created in Partner Center"


def next_year() -> str:
    return f"{date.today().year + 1}-03-31"  # noqa: DTZ011


def line() -> str:
    return LINE.format(close=next_year())


async def posts(world: World) -> list[Json]:
    """The documents of the POSTs that reached Partner Center's list, oldest first."""
    rows = [row for row in await world.requests() if row["method"] == "POST"]
    return [json.loads(row["body"]) for row in rows if row["path"].endswith("/referrals")]


async def test_a_deal_is_created_from_one_line(ben: World) -> None:
    await ben.says("ben", line())
    shown = await ben.hears("ben", until=PREVIEW)
    for piece in ("Wide World Importers", "Germany (DE)", "EUR 30,000", "Ben Okafor", "private"):
        assert piece in shown.words
    assert await ben.ledger() == []
    await ben.clicks("ben", "Create deal")
    told = await ben.hears("ben", until=CREATED)
    assert "Won" in buttons(ben.card("ben")), "it is active"
    assert "dealdesk-" not in told.words
    (write,) = await ben.ledger()
    assert (write["method"], write["owner"]) == ("POST", "ben")
    made = await ben.referral(write["referral"])
    assert (made["status"], made["substatus"]) == ("Active", "Accepted")
    assert made["type"] == "Independent"
    assert made["consent"]["consentToShareReferralWithMicrosoftSellers"] is False
    assert made["details"]["dealValue"] == 30000
    assert [each["email"] for each in made["team"]] == [PEOPLE["ben"].email]


async def test_the_form_asks_for_what_is_missing(ben: World) -> None:
    await ben.says("ben", "create")
    form = await ben.hears("ben", until="New deal")
    assert "is needed" not in " ".join(ben.texts(ben.card("ben")))
    held = inputs(ben.card("ben"))
    assert held["email"] == PEOPLE["ben"].email
    assert held["phone"], "as his other deals name him"
    assert "Cancel" in form.words
    given = {
        "customer": "Wide World Importers",
        "country": "germany",
        "name": "Data platform",
        "value": "50.000",
        "currency": "EUR",
        "close": next_year(),
    }
    await ben.clicks("ben", "Preview", inputs=given)
    await ben.hears("ben", until="can be read as")
    assert await posts(ben) == []
    await ben.clicks("ben", "Preview", inputs={**given, "value": "50k"})
    await ben.hears("ben", until=PREVIEW)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=CREATED)
    (document,) = await posts(ben)
    assert document["customerProfile"] == {
        "name": "Wide World Importers",
        "address": {"country": "DE"},
    }
    assert document["details"]["dealValue"] == 50000


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"country": "Atlantis"}, "no country I know"),
        ({"value": "30k USD"}, "EUR"),
        ({"value": "-5"}, "negative"),
        ({"close": "2001-01-01"}, "is before today"),
        ({"customer": " "}, "Customer cannot be empty"),
        ({"email": "ben"}, "is not an email address"),
        ({"phone": " "}, "Phone is missing"),
        ({"notes": "x\x07"}, "characters that nobody can read"),
    ],
)
async def test_mistakes_stay_in_the_form(ben: World, inputs: dict[str, str], problem: str) -> None:
    await ben.says("ben", "create")
    await ben.hears("ben", until="New deal")
    right = {
        "customer": "Wide World Importers",
        "country": "DE",
        "name": "Data platform",
        "value": "30k",
        "currency": "EUR",
        "close": next_year(),
    }
    await ben.clicks("ben", "Preview", inputs={**right, **inputs})
    await ben.hears("ben", until=problem)
    assert "Preview" in buttons(ben.card("ben"))
    assert await posts(ben) == []


async def test_an_amount_with_two_meanings_is_asked_about(ben: World) -> None:
    await ben.says("ben", line().replace("30k EUR", "30.000"))
    await ben.hears("ben", until="more than one way")
    await ben.clicks("ben", "30000")
    await ben.hears("ben", until="New deal")
    assert "USD 30" not in " ".join(ben.texts(ben.card("ben"))), "a currency is never guessed"


async def test_two_currencies_are_asked_about(ben: World) -> None:
    await ben.says("ben", line() + " currency USD")
    await ben.hears("ben", until="you gave an amount in EUR")


async def test_changing_leads_back_to_the_form_and_then_to_one_deal(ben: World) -> None:
    await ben.says("ben", line())
    await ben.hears("ben", until=PREVIEW)
    await ben.clicks("ben", "Change")
    await ben.hears("ben", until="New deal")
    await ben.clicks("ben", "Preview", inputs={"value": "45k"})
    await ben.hears("ben", until="EUR 45,000")
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=CREATED)
    (document,) = await posts(ben)
    assert document["details"]["dealValue"] == 45000
    assert document["details"]["notes"] == "Met at the fair"


async def test_a_dropped_deal_is_not_created(ben: World) -> None:
    await ben.says("ben", line())
    await ben.hears("ben", until=PREVIEW)
    await ben.clicks("ben", "Discard")
    await ben.hears("ben", until="Nothing was created")
    assert await posts(ben) == []


async def test_a_double_press_creates_one_deal(ben: World) -> None:
    await ben.says("ben", line())
    await ben.hears("ben", until=PREVIEW)
    await ben.clicks("ben", "Create deal", times=3, together=True)
    await ben.hears("ben", until=CREATED)
    assert len(await ben.ledger()) == 1
    assert len(await posts(ben)) == 1


async def test_the_same_deal_twice_in_a_row_is_created_once(ben: World) -> None:
    for _each in range(2):
        await ben.says("ben", line())
        await ben.hears("ben", until=PREVIEW)
        await ben.clicks("ben", "Create deal")
        await ben.hears("ben", until=CREATED)
    assert len(await posts(ben)) == 1
    await ben.advance(700)
    await ben.says("ben", line())
    await ben.hears("ben", until=PREVIEW)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=CREATED)
    assert len(await posts(ben)) == 2, "ten minutes later it is meant"


async def test_somebody_elses_preview_cannot_be_pressed(ben: World) -> None:
    await signed_in(ben, "cleo")
    await ben.says("ben", line(), "group")
    await ben.hears("ben", "group", until=PREVIEW)
    await ben.clicks("cleo", "Create deal", where="group")
    await ben.hears("cleo", "group", until="someone else's change")
    assert await posts(ben) == []


async def test_signed_out_it_waits_for_the_sign_in(office: World) -> None:
    await office.says("ben", line())
    await office.hears("ben")
    await office.signs_in("ben")
    await office.hears("ben", until=PREVIEW)
    assert await posts(office) == []


async def test_a_new_deal_can_be_worked_on(ben: World) -> None:
    await ben.says("ben", line())
    await ben.hears("ben", until=PREVIEW)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=CREATED)
    await ben.says("ben", "update wide world value 31k")
    await ben.hears("ben", until="EUR 31,000")
    await ben.clicks("ben", "Save")
    await ben.hears("ben", until="Saved in Partner Center")


async def test_its_mark_is_no_crm_id_and_gives_way_to_one(ben: World) -> None:
    await ben.says("ben", line())
    await ben.hears("ben", until=PREVIEW)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=CREATED)
    await ben.clicks("ben", "Edit")
    await ben.hears("ben", until="Edit this deal")
    assert not inputs(ben.card("ben"))["crm"]
    await ben.clicks("ben", "Preview", inputs={"crm": "OPP-7731"})
    asked = await ben.hears("ben", until="Save this change?")
    assert "dealdesk-" not in asked.words
    assert "Deal value" not in asked.words, "nothing else is changed"
    await ben.clicks("ben", "Save")
    await ben.hears("ben", until="Saved in Partner Center")
    (created, _changed) = await ben.ledger()
    assert (await ben.referral(created["referral"]))["externalReferenceId"] == "OPP-7731"


async def test_in_a_group_the_form_is_filled_in_by_one_and_the_result_is_for_all(
    ben: World,
) -> None:
    await ben.says("ben", "create", "group")
    await ben.hears("ben", "group", until="New deal")
    given = {
        "customer": "Wide World Importers",
        "country": "DE",
        "name": "Data platform",
        "value": "30k",
        "currency": "EUR",
        "close": next_year(),
    }
    await ben.clicks("ben", "Preview", inputs=given, where="group")
    await ben.hears("ben", "group", until=PREVIEW)
    await ben.clicks("ben", "Create deal", where="group")
    await ben.hears("ben", "group", until=CREATED)
    await ben.sees("cleo", lambda seen: any(CREATED in one for one in seen), "group")
    assert len(await posts(ben)) == 1
