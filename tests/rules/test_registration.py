"""The rules of a deal registration, and telling one registration from another."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_center.referral import Problem
from partner_center.registration import (
    SIGN_WINDOW,
    START_WINDOW,
    Match,
    Pricing,
    Term,
    annual_value,
    days_left,
    fingerprint,
    matches,
    validate,
)
from partner_center.wire import registration_from_json
from tests.rules.deals import NOW, deal, registration
from tests.wire import samples

TODAY = NOW.date()


def problems(invited: datetime | None = None, **changed: Any) -> list[str]:  # noqa: ANN401
    found = validate(registration(**changed), deal(), now=NOW, microsoft_invited=invited)
    return [problem.code for problem in found]


def test_the_example_of_the_reference_keeps_every_rule() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"sign": TODAY}, []),
        ({"sign": TODAY + timedelta(days=1)}, ["sign_in_future"]),
        ({"sign": date(2026, 1, 5)}, []),
        ({"sign": date(2026, 1, 4)}, ["sign_before_shared"]),
        ({"sign": TODAY - timedelta(days=61)}, ["sign_too_old", "sign_before_shared"]),
        ({"start": TODAY - timedelta(days=90)}, []),
        ({"start": TODAY - timedelta(days=91)}, ["start_too_old"]),
        ({"start": date(2026, 2, 1)}, []),
        ({"start": date(2026, 6, 1)}, []),
        ({"end": None}, ["end_missing"]),
        ({"end": date(2026, 2, 15)}, []),
        ({"end": date(2026, 2, 14)}, ["end_before_start"]),
        ({"term": Term.PERPETUAL}, ["end_not_needed", "annual_value_too_low"]),
        ({"term": Term.PERPETUAL, "end": None}, ["annual_value_too_low"]),
        (
            {"term": Term.PERPETUAL, "end": None, "value": Decimal("150000")},
            ["annual_value_too_low"],
        ),
        ({"term": Term.PERPETUAL, "end": None, "value": Decimal("150000.01")}, []),
        ({"value": Decimal("25000"), "solution_value": Decimal(1)}, ["annual_value_too_low"]),
        ({"value": Decimal("25000.01"), "solution_value": Decimal(1)}, []),
        ({"end": date(2031, 2, 15)}, ["annual_value_too_low"]),
        ({"solution_value": Decimal(120000)}, []),
        ({"solution_value": Decimal("120000.01")}, ["solution_value_too_high"]),
        ({"solution_value": Decimal(0)}, ["value_not_positive"]),
        ({"solution_value": Decimal("-1")}, ["value_negative"]),
        ({"solution_value": Decimal("0.001")}, ["value_too_precise"]),
        ({"solution_id": "SOL-OTHER"}, ["solution_not_on_deal"]),
        ({"deployed_on_azure": False}, ["not_on_azure"]),
        ({"marketplace": True}, ["marketplace_date_missing"]),
        ({"marketplace": True, "marketplace_date": date(2026, 2, 11)}, []),
        ({"marketplace_date": date(2026, 2, 11)}, ["marketplace_date_not_needed"]),
        (
            {"currency": "EUR", "solution_currency": "EUR"},
            ["contract_currency_differs"],
        ),
        ({"solution_currency": "EUR"}, ["solution_currency_differs"]),
        (
            {"solution_currency": "XYZ"},
            ["currency_unknown", "solution_currency_differs"],
        ),
        ({"value": Decimal("NaN")}, ["value_not_a_number"]),
    ],
)
def test_the_rules_of_10_3(changed: dict[str, Any], expected: list[str]) -> None:
    assert problems(**changed) == expected


def test_the_window_of_sixty_days_is_exact() -> None:
    old = deal(created=datetime(2020, 1, 1, tzinfo=UTC))
    for days, expected in ((60, []), (61, ["sign_too_old"])):
        signed = registration(sign=TODAY - timedelta(days=days))
        assert [each.code for each in validate(signed, old, now=NOW)] == expected


def test_the_later_of_creation_and_invitation_counts() -> None:
    invited = datetime(2026, 2, 11, 23, 59, tzinfo=UTC)
    assert problems(invited) == ["sign_before_shared"]
    assert problems(invited, sign=date(2026, 2, 11)) == []


def test_D5_days_are_utc_days() -> None:
    just_after_midnight = datetime(2026, 2, 11, 1, 0, tzinfo=UTC)
    in_new_york = just_after_midnight.astimezone(timezone(timedelta(hours=-5)))
    signed = registration(sign=date(2026, 2, 11))
    assert validate(signed, deal(), now=in_new_york) == ()
    assert validate(signed, deal(), now=just_after_midnight - timedelta(hours=2)) != ()


def test_the_facts_carry_the_numbers() -> None:
    found = validate(
        registration(value=Decimal(60000), solution_value=Decimal(60000), end=date(2029, 2, 14)),
        deal(),
        now=NOW,
    )
    assert found == (
        Problem(
            "annual_value_too_low",
            {
                "annual": "20000",
                "value": "60000",
                "years": "3",
                "minimum": "25000",
                "currency": "USD",
            },
        ),
    )
    (old,) = validate(registration(start=date(2025, 11, 1)), deal(), now=NOW)
    assert old.facts == {"start": "2025-11-01", "earliest": "2025-11-22", "days": "90"}


def test_U24_other_currencies_are_left_to_the_service() -> None:
    euros = registration(
        currency="EUR", solution_currency="EUR", value=Decimal(100), solution_value=Decimal(100)
    )
    assert validate(euros, deal(currency="EUR"), now=NOW) == ()


PAYG: dict[str, Any] = {
    "pricing": Pricing.PAY_AS_YOU_GO,
    "sign": date(2026, 1, 10),
    "start": date(2026, 1, 10),
    "end": date(2026, 2, 10),
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"start": date(2026, 1, 11)}, ["payg_sign_is_not_start"]),
        ({"end": TODAY}, []),
        ({"end": TODAY + timedelta(days=1)}, ["payg_end_in_future"]),
        (
            {"term": Term.PERPETUAL, "end": None, "value": Decimal(300000)},
            ["payg_needs_end"],
        ),
    ],
)
def test_pay_as_you_go_runs_from_first_to_last_invoice(
    changed: dict[str, Any], expected: list[str]
) -> None:
    assert problems(**(PAYG | changed)) == expected


def test_pay_as_you_go_may_be_signed_longer_than_sixty_days_ago() -> None:
    shared = deal(created=datetime(2025, 6, 1, tzinfo=UTC))
    first = TODAY - timedelta(days=75)
    invoiced = registration(**(PAYG | {"sign": first, "start": first}))
    assert validate(invoiced, shared, now=NOW) == ()


def test_pay_as_you_go_is_signed_within_a_year_of_sharing() -> None:
    shared = deal(created=datetime(2025, 1, 10, tzinfo=UTC))
    assert validate(registration(**PAYG), shared, now=NOW) == ()
    earlier = deal(created=datetime(2025, 1, 9, tzinfo=UTC))
    (problem,) = validate(registration(**PAYG), earlier, now=NOW)
    assert problem == Problem("payg_sign_too_late", {"sign": "2026-01-10", "latest": "2026-01-09"})


@pytest.mark.parametrize(
    ("status", "substatus", "expected"),
    [
        ("Active", "Accepted", []),
        ("Closed", "Won", []),
        ("New", "Pending", ["deal_not_registrable"]),
        ("Closed", "Lost", ["deal_not_registrable"]),
        ("Closed", "Error", ["deal_not_registrable"]),
    ],
)
def test_U25_the_deal_is_active_or_won(status: str, substatus: str, expected: list[str]) -> None:
    found = validate(registration(), deal(status=status, substatus=substatus), now=NOW)
    assert [each.code for each in found] == expected


def test_annual_value() -> None:
    start = date(2026, 1, 1)
    assert annual_value(Decimal(60000), Term.PERPETUAL, start, None) == Decimal(10000)
    assert annual_value(Decimal(60000), Term.FINITE, start, date(2026, 2, 1)) == Decimal(60000)
    assert annual_value(Decimal(60000), Term.FINITE, start, date(2028, 1, 1)) == Decimal(30000)


@pytest.mark.parametrize(("ago", "left"), [(0, 60), (1, 59), (60, 0), (61, -1)])
def test_days_left(ago: int, left: int) -> None:
    assert days_left(TODAY - timedelta(days=ago), SIGN_WINDOW, NOW) == left
    assert days_left(TODAY - timedelta(days=ago), START_WINDOW, NOW) == left + 30


def test_days_left_agrees_with_the_rule() -> None:
    old = deal(created=datetime(2020, 1, 1, tzinfo=UTC))
    for ago in range(55, 65):
        signed = registration(sign=TODAY - timedelta(days=ago))
        allowed = not validate(signed, old, now=NOW)
        assert allowed == (days_left(signed.sign, SIGN_WINDOW, NOW) >= 0)


def test_the_fingerprint_is_pinned() -> None:
    """Rows in a database hold it: a change of the algorithm would orphan them."""
    assert (
        fingerprint(registration())
        == "86a494f2be62409dc8dbaf548a4981bb0e1c7fad4a31c2e608c3940955c98eac"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"value": Decimal("120000.00")},
        {"value": Decimal("1.2E+5")},
        {"solution_value": Decimal("100000.0")},
    ],
)
def test_spelling_does_not_change_the_fingerprint(changed: dict[str, Any]) -> None:
    assert fingerprint(registration(**changed)) == fingerprint(registration())


@pytest.mark.parametrize(
    "changed",
    [
        {"value": Decimal("120000.01")},
        {"currency": "EUR"},
        {"sign": date(2026, 2, 11)},
        {"start": date(2026, 2, 16)},
        {"end": date(2027, 2, 15)},
        {"end": None},
        {"term": Term.PERPETUAL},
        {"solution_id": "SOL-OTHER"},
        {"solution_value": Decimal("99999")},
    ],
)
def test_every_value_changes_the_fingerprint(changed: dict[str, Any]) -> None:
    assert fingerprint(registration(**changed)) != fingerprint(registration())


def read_back(**changed: Any) -> Any:  # noqa: ANN401
    document = samples.registration()
    for path, value in changed.items():
        target: Any = document
        *way, last = path.split("__")
        for step in way:
            target = target[int(step) if step.isdigit() else step]
        target[last] = value
    return registration_from_json(document)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"contract__value": Decimal("120000.0")},
        {"contract__value": "120000"},
        {"contract__signDateTime": "2026-02-10T00:00:00.000Z"},
        {"contract__signDateTime": "2026-02-10T00:00:00.0000000Z"},
        {"contract__signDateTime": "2026-02-10T09:14:10.783Z"},
        {"contract__signDateTime": "2026-02-10T01:00:00+01:00"},
        {"type": None},
        {"solutionDetails__0__currency": None},
        {"status": "Failed"},
    ],
)
def test_G8_normalised_values_are_recognised(changed: dict[str, Any]) -> None:
    assert matches(registration(), read_back(**changed)) is Match.SAME


@pytest.mark.parametrize(
    "changed",
    [
        {"contract__value": Decimal("120000.01")},
        {"contract__value": None},
        {"contract__currency": "EUR"},
        {"contract__term": "Perpetual"},
        {"contract__signDateTime": "2026-02-11T00:00:00Z"},
        {"contract__endDateTime": None},
        {"solutionDetails__0__value": 99999},
        {"solutionDetails": []},
        {"contract": None},
    ],
)
def test_G8_other_values_are_for_a_person(changed: dict[str, Any]) -> None:
    assert matches(registration(), read_back(**changed)) is Match.SIMILAR


@pytest.mark.parametrize("changed", [{"type": "IsvConnect"}, {"solutionDetails__0__id": "SOL-X"}])
def test_G8_another_type_or_solution_is_another(changed: dict[str, Any]) -> None:
    assert matches(registration(), read_back(**changed)) is Match.OTHER


def test_G8_more_solutions_than_ours_are_for_a_person() -> None:
    document = samples.registration()
    document["solutionDetails"].append({**document["solutionDetails"][0], "id": "SOL-B"})
    read = registration_from_json(document)
    assert matches(registration(), read) is Match.SIMILAR
    document["solutionDetails"].reverse()
    assert matches(registration(), registration_from_json(document)) is Match.SIMILAR


def test_G8_a_perpetual_contract_may_come_back_with_an_end() -> None:
    perpetual = registration(term=Term.PERPETUAL, end=None)
    read = read_back(contract__term="Perpetual", contract__endDateTime="2032-02-15T00:00:00Z")
    assert matches(perpetual, read) is Match.SAME


@given(st.integers(-3, 3), st.integers(-3, 3))
def test_same_means_same_fingerprint(shift: int, cents: int) -> None:
    wanted = registration()
    value = wanted.value + Decimal(cents) / 100
    signed = wanted.sign + timedelta(days=shift)
    read = read_back(contract__value=value, contract__signDateTime=f"{signed}T00:00:00Z")
    other = replace(wanted, value=value, sign=signed)
    same = fingerprint(other) == fingerprint(wanted)
    assert (matches(wanted, read) is Match.SAME) == same
