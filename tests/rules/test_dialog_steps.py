"""The steps of a registration: what is taken, asked again or refused, typed or entered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import walk
from bot.steps import BY_NAME, STEPS, Asked, Name, first_open, registration_of, spell
from bot.typed_answers import read_typed
from bot.walk import Scene
from cards.deal import DealView
from cards.language import speaking
from cards.reader import Reader
from cards.registration import FieldKind, step_card
from partner_center.referral import Referral, Solution
from partner_center.registration import DeployedOn, Pricing, Term

NOW = datetime(2026, 2, 20, 10, tzinfo=UTC)
ANSWERS = {
    "value": "120000",
    "currency": "USD",
    "term": "Finite",
    "sign": "2026-02-10",
    "start": "2026-02-15",
    "end": "2027-02-14",
    "solution": "SOL-2",
    "solution_value": "100000",
    "azure": "true",
    "tenant": "Customer",
    "pricing": "Other",
    "marketplace": "false",
}


def referral(**changes: object) -> Referral:
    made = Referral(
        id="c5fbb3b6-be74-4795-9fb5-4324c73fed37",
        engagement_id="e",
        name="Fabrikam analytics rollout",
        customer="Fabrikam Inc",
        country="US",
        organization_id="o",
        organization_name="Contoso",
        invited_by=None,
        status="Active",
        substatus="Accepted",
        status_reason=None,
        type="Shared",
        qualification="SalesQualified",
        direction="Outgoing",
        deal_value=Decimal(30000),
        currency="USD",
        closing=None,
        notes=None,
        crm_id=None,
        campaign_id=None,
        created=datetime(2026, 1, 11, tzinfo=UTC),
        updated=datetime(2026, 1, 27, tzinfo=UTC),
        expires=None,
        accepted=None,
        closed=None,
        team=(),
        solutions=(Solution("SOL-1", "Contoso Portal"), Solution("SOL-2", "Contoso Platform")),
        registrations=(),
        registration_status="None",
        shared_with_microsoft=True,
        matching_complete=True,
        help_code=None,
        mpn_id="1",
        etag='"1"',
        raw={},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def scene(**changes: object) -> Scene:
    return Scene(referral(**changes), Reader(now=NOW), NOW, datetime(2026, 1, 13, tzinfo=UTC))


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in ANSWERS.items() if name not in names}


def typed(name: Name, words: str, answers: Mapping[str, str] | None = None) -> walk.Taken:
    """What comes of typing at a step, as the dialog does it."""
    here, before = scene(), dict(answers or {})
    step = BY_NAME[name]
    read = read_typed(step, words, Asked(here.referral, before, here.today))
    return walk.take(step, walk.standing(step, before, here) | read, before, here).asked_on


VALUES = [
    ("250k", {"value": "250000", "currency": "USD"}),
    ("USD 250,000.00", {"value": "250000", "currency": "USD"}),
    ("value is 1.2m", {"value": "1200000", "currency": "USD"}),
    ("$30k", {"value": "30000", "currency": "USD"}),
    ("USD", {"value": "30000", "currency": "USD"}),
]


@pytest.mark.parametrize(("words", "found"), VALUES)
def test_a_typed_value(words: str, found: dict[str, str]) -> None:
    taken = typed(Name.VALUE, words)
    assert taken.is_complete
    assert taken.answers == found


DATES = [
    "signed 10 Feb 2026, 15 Feb 2026 to 14 Feb 2027 finite",
    "15 Feb 2026 to 14 Feb 2027, signed on 10 Feb 2026",
    "finite; signed 2026-02-10 starts 2026-02-15 ends 2027-02-14",
    "10 Feb 2026, 15 Feb 2026, 14 Feb 2027",
    "sign 2026-02-10 start 2026-02-15 until 2027-02-14",
    "signed Feb 10, 2026 from Feb 15, 2026 to Feb 14, 2027",
]


@pytest.mark.parametrize("words", DATES)
def test_typed_dates(words: str) -> None:
    assert_the_dates(typed(Name.DATES, words, {"value": "120000", "currency": "USD"}))


DATES_ELSEWHERE = [
    ("de", "10. Februar 2026, 15. Februar 2026 bis 14. Februar 2027"),
    ("de", "unterzeichnet am 10. Februar 2026, vom 15. Februar 2026 bis 14. Februar 2027"),
    ("fr", "10 février 2026, 15 février 2026 jusqu'au 14 février 2027"),
    ("fr", "signé le 10 février 2026, du 15 février 2026 au 14 février 2027"),
    ("es", "10 de febrero de 2026, desde el 15 de febrero de 2026 hasta el 14 de febrero de 2027"),
    ("es", "firmado el 10 de febrero de 2026, del 15 de febrero de 2026 al 14 de febrero de 2027"),
    ("ja", "2026年2月10日, 2026年2月15日, 2027年2月14日"),
]


@pytest.mark.parametrize(("language", "words"), DATES_ELSEWHERE)
def test_typed_dates_in_the_language_spoken(language: str, words: str) -> None:
    with speaking(language):
        assert_the_dates(typed(Name.DATES, words, {"value": "120000", "currency": "USD"}))


def assert_the_dates(taken: walk.Taken) -> None:
    assert not taken.errors
    expected = {name: ANSWERS[name] for name in ("term", "sign", "start", "end")}
    assert {name: taken.answers[name] for name in expected} == expected


def test_the_range_of_the_brief_asks_for_the_day_of_signing_only() -> None:
    taken = typed(Name.DATES, "12 Feb 2026 to 11 Feb 2027 finite")
    assert not taken.errors
    assert [each.id for each in taken.needed] == ["sign"]
    assert taken.answers["start"] == "2026-02-12"
    assert taken.answers["end"] == "2027-02-11"
    after = typed(Name.DATES, "11 Feb 2026", taken.answers)
    assert after.answers["sign"] == "2026-02-11"
    assert after.is_complete


FILLED = [
    ("today, 2026-12-01, 2028-11-30", ("2026-02-20", "2026-12-01", "2028-11-30")),
    ("2026-02-11, starts 2026-02-16, 2027-02-15", ("2026-02-11", "2026-02-16", "2027-02-15")),
    ("ends 2027-02-15, 2026-02-11, 2026-02-16", ("2026-02-11", "2026-02-16", "2027-02-15")),
    ("2026-02-11, 2026-02-16 to 2027-02-15", ("2026-02-11", "2026-02-16", "2027-02-15")),
    ("2026-02-16, 2027-02-15", ("2026-02-10", "2026-02-16", "2027-02-15")),
]


@pytest.mark.parametrize(("words", "days"), FILLED)
def test_as_many_days_as_fields_are_in_the_order_of_the_card(
    words: str, days: tuple[str, str, str]
) -> None:
    before = {"value": "120000", "currency": "USD", "sign": "2026-02-10"}
    taken = typed(Name.DATES, words, before)
    assert tuple(taken.answers[name] for name in ("sign", "start", "end")) == days


def test_two_days_of_a_perpetual_contract_are_signing_and_start() -> None:
    before = {"value": "120000", "currency": "USD", "sign": "2026-02-10"}
    taken = typed(Name.DATES, "perpetual, 2026-02-11, 2026-02-16", before)
    assert (taken.answers["sign"], taken.answers["start"]) == ("2026-02-11", "2026-02-16")


def test_a_perpetual_contract_has_no_end() -> None:
    taken = typed(Name.DATES, "perpetual, signed 10 Feb 2026, starts 15 Feb 2026")
    assert taken.is_complete
    assert taken.answers["term"] == "Perpetual"
    assert "end" not in taken.answers


SOLUTIONS = [
    ("solution 2", {"solution": "SOL-2", "solution_value": "120000"}),
    ("2", {"solution": "SOL-2", "solution_value": "120000"}),
    ("solution 2 100k", {"solution": "SOL-2", "solution_value": "100000"}),
    ("Contoso Platform for 100k", {"solution": "SOL-2", "solution_value": "100000"}),
    ("SOL-1, value 100k", {"solution": "SOL-1", "solution_value": "100000"}),
    ("platform", {"solution": "SOL-2", "solution_value": "120000"}),
]


@pytest.mark.parametrize(("words", "found"), SOLUTIONS)
def test_a_typed_solution(words: str, found: dict[str, str]) -> None:
    taken = typed(Name.SOLUTION, words, {"value": "120000", "currency": "USD"})
    assert taken.is_complete, taken.errors
    assert {name: taken.answers[name] for name in found} == found


DEPLOYMENTS = [
    ("yes, customer, other", ("true", "Customer", "Other")),
    ("on Azure in our own tenant, pay as you go", ("true", "Partner", "PayAsYouGo")),
    ("azure customer's tenant payg", ("true", "Customer", "PayAsYouGo")),
    ("Yes Partner Other", ("true", "Partner", "Other")),
]


@pytest.mark.parametrize(("words", "found"), DEPLOYMENTS)
def test_a_typed_deployment(words: str, found: tuple[str, str, str]) -> None:
    taken = typed(Name.DEPLOYMENT, words)
    assert taken.is_complete, taken.errors
    assert tuple(taken.answers[name] for name in ("azure", "tenant", "pricing")) == found


def test_half_a_deployment_is_kept_and_the_rest_asked() -> None:
    taken = typed(Name.DEPLOYMENT, "yes")
    assert taken.answers == {"azure": "true"}
    assert not taken.is_complete
    assert not taken.errors
    view = walk.step_view(Name.DEPLOYMENT, taken, scene())
    assert [said.plain for said in view.needed] == ["Runs in", "Pricing"]
    assert not any(each.error for each in view.fields)


def test_a_typed_mistake_is_named_beside_what_is_still_needed() -> None:
    taken = typed(Name.DATES, "signed 2026-02-21, starts 2026-02-16")
    assert set(taken.errors) == {"sign"}
    assert [each.id for each in taken.needed] == ["end"]


def test_a_form_sent_with_a_gap_says_where() -> None:
    taken = walk.take(BY_NAME[Name.DEPLOYMENT], {"azure": "true"}, {}, scene())
    assert set(taken.errors) == {"tenant", "pricing"}
    assert walk.step_view(Name.DEPLOYMENT, taken, scene()).needed == []


def test_what_does_not_run_on_azure_is_held_up() -> None:
    taken = typed(Name.DEPLOYMENT, "not on azure, customer, other")
    assert set(taken.errors) == {"azure"}


MARKETPLACES = [
    ("no", {"marketplace": "false"}),
    ("yes 11 Feb 2026", {"marketplace": "true", "marketplace_date": "2026-02-11"}),
    ("yes, on 11 Feb 2026", {"marketplace": "true", "marketplace_date": "2026-02-11"}),
    ("11 Feb 2026", {"marketplace": "true", "marketplace_date": "2026-02-11"}),
]


@pytest.mark.parametrize(("words", "found"), MARKETPLACES)
def test_a_typed_marketplace(words: str, found: dict[str, str]) -> None:
    taken = typed(Name.MARKETPLACE, words)
    assert taken.is_complete, taken.errors
    assert taken.answers == found


@pytest.mark.parametrize("amount", ["50.000", "50,000", "1,230"])
def test_d1_an_ambiguous_amount_is_asked_with_both_readings(amount: str) -> None:
    taken = typed(Name.VALUE, amount)
    assert "value" not in taken.answers
    readings = [value for value, _said in taken.readings["value"]]
    assert len(readings) == 2
    view = walk.step_view(Name.VALUE, taken, scene())
    asked = next(each for each in view.fields if each.id == "value")
    assert asked.kind == FieldKind.CHOICE
    assert [value for value, _said in asked.choices] == readings
    for reading in readings:
        step = BY_NAME[Name.VALUE]
        after = walk.take(step, {"value": reading, "currency": "USD"}, {}, scene())
        assert "value" not in after.readings
        if "value" in after.answers:
            assert Decimal(after.answers["value"]) == Decimal(reading.removeprefix("="))
        else:
            assert "decimals" in after.errors["value"].plain


def test_d1_the_readings_of_an_amount_cannot_be_misread() -> None:
    said = dict(typed(Name.VALUE, "1.230").readings["value"])
    assert [each.plain.replace("\u00a0", " ") for each in said.values()] == ["USD 1230", "USD 1.23"]
    worth = {"value": "120000", "currency": "USD", "solution": "SOL-2"}
    said = dict(typed(Name.SOLUTION, "100.500", worth).readings["solution_value"])
    assert [each.plain.replace("\u00a0", " ") for each in said.values()] == [
        "USD 100500",
        "USD 100.50",
    ]


@pytest.mark.parametrize("amount", ["31,234", "31.234"])
def test_d1_a_reading_the_currency_cannot_have_is_none(amount: str) -> None:
    assert typed(Name.VALUE, amount).answers["value"] == "31234"
    dinars = {"value": amount, "currency": "KWD"}
    taken = walk.take(BY_NAME[Name.VALUE], dinars, {}, scene(currency="KWD"))
    assert len(taken.readings["value"]) == 2


def test_an_ambiguous_day_is_asked_with_both_readings() -> None:
    taken = typed(Name.DATES, "signed 03/02/2026, 15 Feb 2026 to 14 Feb 2027")
    assert [value for value, _said in taken.readings["sign"]] == ["2026-02-03", "2026-03-02"]
    assert taken.answers["start"] == "2026-02-15"


def test_d3_an_amount_in_another_currency_than_the_contract_is_refused() -> None:
    step = BY_NAME[Name.VALUE]
    taken = walk.take(step, {"value": "EUR 250k", "currency": "USD"}, {}, scene())
    assert "EUR" in taken.errors["value"].plain
    other = walk.take(step, {"value": "250k", "currency": "EUR"}, {}, scene())
    assert "USD" in other.errors["currency"].plain


BAD = ["-5", "0", "NaN", "1e9", "inf", "between 3 and 5", "hello", "\uff15\uff10"]


@pytest.mark.parametrize("bad", BAD)
def test_d2_no_amount_out_of_anything_else(bad: str) -> None:
    taken = typed(Name.VALUE, bad)
    assert "value" not in taken.answers
    assert taken.errors["value"]


DAYS = [
    ("sign", "2026-02-21"),
    ("sign", "2025-12-01"),
    ("sign", "2026-01-12"),
    ("start", "2025-11-01"),
    ("end", "2026-02-14"),
    ("sign", "30 Feb 2026"),
    ("end", "31/12/9999"),
]


@pytest.mark.parametrize(("name", "day"), DAYS)
def test_d5_a_day_outside_its_window_is_shown_at_its_field(name: str, day: str) -> None:
    entered = {each: ANSWERS[each] for each in ("term", "sign", "start", "end")} | {name: day}
    taken = walk.take(BY_NAME[Name.DATES], entered, without(*entered), scene())
    assert set(taken.errors) == {name}


def test_the_annual_value_is_shown_and_does_not_hold_up_a_step() -> None:
    answers = ANSWERS | {"value": "25000", "solution_value": "20000"}
    taken = walk.take(BY_NAME[Name.DATES], answers, answers, scene())
    assert taken.is_complete
    view = walk.step_view(Name.DATES, taken, scene())
    assert [problem.code for problem in view.problems] == ["annual_value_too_low"]
    codes = [problem.code for problem in walk.final_problems(answers, scene())]
    assert codes == ["annual_value_too_low"]


PAYG = ANSWERS | {"pricing": "PayAsYouGo", "start": "2026-02-10"}


def test_a_rule_between_answers_is_shown_at_once_where_it_can_be_mended() -> None:
    taken = walk.take(BY_NAME[Name.DEPLOYMENT], PAYG, without("marketplace") | PAYG, scene())
    assert walk.next_step(Name.DEPLOYMENT, taken, scene()) is Name.DEPLOYMENT
    for name, other in ((Name.DEPLOYMENT, Name.DATES), (Name.DATES, Name.DEPLOYMENT)):
        view = walk.step_view(name, taken, scene())
        assert [problem.code for problem in view.problems] == ["payg_end_in_future"]
        assert [step for step, _title in view.elsewhere] == [other.value]
    mended = PAYG | {"end": "2026-02-19"}
    taken = walk.take(BY_NAME[Name.DATES], mended, mended, scene())
    assert walk.next_step(Name.DATES, taken, scene()) is Name.READ_BACK


def test_an_answer_that_another_one_spoils_is_shown_with_its_reason() -> None:
    answers = ANSWERS | {"value": "90000"}
    taken = walk.take(BY_NAME[Name.VALUE], answers, answers, scene())
    assert taken.is_complete
    assert walk.next_step(Name.VALUE, taken, scene()) is Name.SOLUTION
    view = walk.step_view(Name.SOLUTION, walk.Taken(taken.answers), scene())
    assert [each.id for each in view.fields if each.error] == ["solution_value"]


def test_the_read_back_puts_each_problem_beside_its_way_out() -> None:
    answers = PAYG | {"value": "25000", "solution_value": "30000"}
    sections = walk.sections(answers, scene())
    found = {each.step: [problem.code for problem in each.problems] for each in sections}
    assert found == {
        "value": ["annual_value_too_low"],
        "dates": ["payg_end_in_future"],
        "solution": ["solution_value_too_high"],
        "deployment": [],
        "marketplace": [],
    }
    placed = [problem for each in sections for problem in each.problems]
    assert set(map(str, placed)) == set(map(str, walk.final_problems(answers, scene())))


def test_live_numbers_say_the_year_and_the_days_left() -> None:
    lines = [(line.label, line.value) for line in walk.live_lines(ANSWERS, scene())]
    said = " ".join(str(part) for line in lines for part in line)
    assert "120,000" in said
    assert "50 days left" in said
    assert "85 days left" in said


@pytest.mark.parametrize(
    ("name", "value", "gone"),
    [
        ("sign", "2028-04-28", {"signing"}),
        ("sign", "2025-12-01", {"signing"}),
        ("start", "2025-11-01", {"year", "start"}),
        ("currency", "EUR", {"year"}),
        ("pricing", "PayAsYouGo", {"signing"}),
    ],
)
def test_a_refused_answer_has_no_live_numbers(name: str, value: str, gone: set[str]) -> None:
    def numbers(answers: Mapping[str, str]) -> set[str]:
        lines = walk.live_lines(answers, scene())
        return {str(getattr(line.label, "plain", line.label)).split()[-1] for line in lines}

    assert numbers(ANSWERS) - numbers(ANSWERS | {name: value}) == gone


def test_the_first_open_step_leads_and_complete_answers_are_read_back() -> None:
    assert first_open({}) is Name.VALUE
    assert first_open(without("solution")) is Name.SOLUTION
    assert first_open(ANSWERS) is Name.READ_BACK
    assert walk.final_problems(ANSWERS, scene()) == ()


def test_the_registration_says_what_was_answered() -> None:
    registration = registration_of(ANSWERS)
    assert registration.value == Decimal(120000)
    assert registration.term is Term.FINITE
    assert registration.sign == date(2026, 2, 10)
    assert registration.deployment is DeployedOn.CUSTOMER
    assert registration.pricing is Pricing.OTHER
    assert registration.marketplace is False
    assert registration.marketplace_date is None


def test_prefill_comes_from_the_deal() -> None:
    here = scene(solutions=(Solution("SOL-1", "Contoso Portal"),))
    assert walk.standing(BY_NAME[Name.VALUE], {}, here) == {"value": "30000", "currency": "USD"}
    solution = walk.standing(BY_NAME[Name.SOLUTION], {"value": "5"}, here)
    assert solution == {"solution": "SOL-1", "solution_value": "5"}


def test_few_choices_of_our_own_are_open_and_names_from_outside_are_not() -> None:
    views = [walk.step_view(step.name, walk.Taken({}), scene()) for step in STEPS]
    fields = [each for view in views for each in view.fields if each.kind == FieldKind.CHOICE]
    assert {each.id for each in fields if each.open} == {
        "term",
        "azure",
        "tenant",
        "pricing",
        "marketplace",
    }
    card = step_card(DealView(scene().referral, 1001), views[3], "d" * 32, scene().reader)
    assert json.dumps(card).count('"style": "expanded"') == 3


def test_the_days_left_say_what_they_are_for() -> None:
    labels = [str(getattr(line.label, "plain", "")) for line in walk.live_lines(ANSWERS, scene())]
    assert labels[1:] == ["After signing", "After the start"]


def test_an_old_draft_keeps_what_still_reads_as_an_answer() -> None:
    old = ANSWERS | {"solution": "GONE", "pricing": "Rent", "wizardry": "yes", "value": "12x"}
    kept = walk.usable(old, scene())
    assert kept == without("solution", "pricing", "value")
    assert first_open(kept) is Name.VALUE


def test_the_read_back_shows_every_answer_once() -> None:
    sections = walk.sections(ANSWERS, scene())
    assert [section.step for section in sections] == [step.name.value for step in STEPS]
    said = " ".join(str(line.value) for section in sections for line in section.lines)
    for piece in ("120,000", "100,000", "Contoso Platform", "February 10, 2026"):
        assert piece in said
    labels = [str(getattr(line.label, "plain", "")) for each in sections for line in each.lines]
    for label in ("Runs on Azure", "Runs in", "Pricing", "Marketplace"):
        assert label in labels
    assert not [label for label in labels if "?" in label]


@given(st.text(max_size=80), st.sampled_from([step.name for step in STEPS]))
def test_whatever_is_typed_the_walk_stands(words: str, name: Name) -> None:
    taken = typed(name, words, {"value": "120000", "currency": "USD"})
    walk.step_view(name, taken, scene())
    assert walk.usable(taken.answers, scene()) == taken.answers


@given(st.decimals(min_value=Decimal("0.01"), max_value=10**12, places=3))
def test_a_canonical_amount_reads_one_way_only(value: Decimal) -> None:
    step = BY_NAME[Name.VALUE]
    entered = {"value": spell(value), "currency": "KWD"}
    here = scene(currency="KWD")
    taken = walk.take(step, entered, {}, here)
    assert not taken.readings
    assert Decimal(taken.answers["value"]) == value
    assert walk.usable(taken.answers, here) == taken.answers
    assert walk.take(step, walk.standing(step, taken.answers, here), {}, here) == taken
