"""`create ...` in the orders people say it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bot.command import Ask, Create, Unclear
from bot.commands import parse
from bot.countries import country_code
from partner_center.money import Amount
from partner_center.referral import Field

TODAY = date(2026, 3, 2)
CLOSE = (Field.CLOSE, date(2027, 3, 31))


@pytest.mark.parametrize(
    ("line", "customer", "country"),
    [
        ('create "Contoso Ltd" DE', "Contoso Ltd", "DE"),
        ('create "Contoso Ltd" in germany', "Contoso Ltd", "germany"),
        ('new deal "Contoso Ltd", United Kingdom', "Contoso Ltd", "United Kingdom"),
        ('create a deal for "Contoso Ltd" country us', "Contoso Ltd", "us"),
        ("create deal Contoso Ltd DE", "Contoso Ltd", "DE"),
        ("create Contoso in the Netherlands", "Contoso in the", "Netherlands"),
        ("create Contoso in Germany", "Contoso", "Germany"),
        ("create Contoso United States", "Contoso", "United States"),
        ("create Contoso AG", "Contoso AG", ""),
        ("create Fabrikam SE", "Fabrikam SE", ""),
        ("create Fabrikam SE country SE", "Fabrikam SE", "SE"),
        ("create Bank of America", "Bank of America", ""),
        ("create it in house", "it in house", ""),
        ('create "Germany"', "Germany", ""),
        ("create Germany", "Germany", ""),
        ("create", "", ""),
        ('create "Country DE Records" FR', "Country DE Records", "FR"),
    ],
)
def test_who_and_where(line: str, customer: str, country: str) -> None:
    parsed = parse(line, TODAY)
    assert isinstance(parsed, Create)
    assert (parsed.customer, parsed.country, parsed.changes) == (customer, country, ())


@pytest.mark.parametrize(
    "line",
    [
        'create "Contoso Ltd" DE value 30k EUR close 2027-03-31 name "Data platform"',
        'create "Contoso Ltd" DE name "Data platform" close 2027-03-31 value EUR 30,000',
        'create value=30k EUR close 2027-03-31 name "Data platform" country DE',
        'new deal Contoso Ltd DE close 31 Mar 2027 and value €30k name "Data platform"',
    ],
)
def test_fields_come_in_any_order(line: str) -> None:
    parsed = parse(line, TODAY)
    assert isinstance(parsed, Create)
    assert parsed.country == "DE"
    changes = dict(parsed.changes)
    assert changes == {
        Field.VALUE: Amount(Decimal(30000), "EUR"),
        Field.CLOSE: CLOSE[1],
        Field.NAME: "Data platform",
    }


def test_a_phone_number_is_taken_out() -> None:
    parsed = parse('create "Contoso Ltd" DE phone +1 425 555 0100 close 2027-03-31', TODAY)
    assert parsed == Create("Contoso Ltd", "DE", "+1 425 555 0100", (CLOSE,))


def test_an_amount_with_two_meanings_is_a_question_that_keeps_the_rest() -> None:
    parsed = parse('create "Contoso Ltd" DE value 50.000 close 2027-03-31', TODAY)
    assert isinstance(parsed, Ask)
    says = [choice.text for choice in parsed.choices]
    assert 'create "Contoso Ltd" DE value 50000 close 2027-03-31' in says


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('create "Contoso" DE value much', "cannot read"),
        ('create "Contoso" DE value 30k value 40k', "twice"),
        ('create "Contoso" DE close 2027-02-31', "not a day"),
        ('create "Contoso" DE crm "OPP-1"', "no CRM id"),
        ('create "Contoso" DE campaign id "C1"', "no CRM id"),
    ],
)
def test_what_cannot_be_taken_says_why(line: str, why: str) -> None:
    parsed = parse(line, TODAY)
    assert isinstance(parsed, Unclear)
    assert why in parsed.why
    assert parsed.known


@pytest.mark.parametrize(
    ("said", "language", "code"),
    [
        ("DE", "en", "DE"),
        ("de", "en", "DE"),
        ("Germany", "en", "DE"),
        ("  united   kingdom ", "en", "GB"),
        ("uk", "en", "GB"),
        ("Deutschland", "de-AT", "DE"),
        ("Deutschland", "en-US", None),
        ("日本", "ja-JP", "JP"),
        ("Japan", "ja-JP", "JP"),
        ("EU", "en", None),
        ("Atlantis", "xx-nowhere", None),
        ("", "en", None),
    ],
)
def test_countries_are_read_in_english_and_in_ones_own_language(
    said: str, language: str, code: str | None
) -> None:
    assert country_code(said, language) == code
