"""Amounts as people type them: one meaning for everybody, or a question, or a reason."""

import locale
from decimal import Decimal

import pytest
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st

from partner_center.money import (
    CURRENCIES,
    LIMIT,
    AmbiguousAmount,
    Amount,
    Unreadable,
    UnreadableAmount,
    decimals_of,
    minor_digits,
    parse_amount,
    plain,
)

UNDERSTOOD = [
    ("30000", "30000", None),
    ("30k", "30000", None),
    ("30K", "30000", None),
    ("30 k", "30000", None),
    ("1.2m", "1200000", None),
    ("1,2m", "1200000", None),
    ("2.5mio", "2500000", None),
    ("1.2 million", "1200000", None),
    ("1.5bn", "1500000000", None),
    ("1.25k", "1250", None),
    ("1.2345k", "1234.5", None),
    ("1.234567m", "1234567", None),
    ("€250.000,50", "250000.50", "EUR"),
    ("€ 250.000,50", "250000.50", "EUR"),
    ("250.000,50 €", "250000.50", "EUR"),
    ("USD 30,000", "30000", "USD"),
    ("usd 30,000", "30000", "USD"),
    ("30,000 USD", "30000", "USD"),
    ("30.000 EUR", "30000", "EUR"),
    ("$30,000", "30000", "USD"),
    ("$30k CAD", "30000", "CAD"),
    ("CAD $30k", "30000", "CAD"),
    ("US$2.5m", "2500000", "USD"),
    ("30k euros", "30000", "EUR"),
    ("30 000", "30000", None),
    ("30\u00a0000", "30000", None),
    ("30\u202f000,50", "30000.50", None),
    ("1,234,567.89", "1234567.89", None),
    ("1.234.567,89", "1234567.89", None),
    ("1,234,567", "1234567", None),
    ("1.234.567", "1234567", None),
    ("12,34,567.89", "1234567.89", None),
    ("CHF 1'000'000", "1000000", "CHF"),
    ("CHF 1\u2019000\u2019000.05", "1000000.05", "CHF"),
    ("1234.5", "1234.5", None),
    ("1234,50", "1234.50", None),
    ("0.5", "0.5", None),
    ("JPY 1,234", "1234", "JPY"),
    ("¥0.5", "0.5", "CNY"),  # half a yen does not exist
    ("KWD 12.5", "12.5", "KWD"),
    ("KWD 1234.567", "1234.567", "KWD"),
    ("5 mad", "5", "MAD"),
    ("5m mad", "5000000", "MAD"),
    ("  30k  ", "30000", None),
    ("30万", "300000", None),
    ("30 万", "300000", None),
    ("30万円", "300000", "JPY"),
    ("JPY 30万", "300000", "JPY"),
    ("￥30万 JPY", "300000", "JPY"),
    ("1.5万ドル", "15000", "USD"),
    ("20万米ドル", "200000", "USD"),
    ("5千ユーロ", "5000", "EUR"),
    ("300百万円", "300000000", "JPY"),
    ("5千万円", "50000000", "JPY"),
    ("1.2億円", "120000000", "JPY"),
    ("1億2000万円", "120000000", "JPY"),
    ("1億2,000万", "120000000", None),
    ("1億 50万", "100500000", None),
    ("1,234万", "12340000", None),
    ("1.234万", "12340", None),
    ("5,000円", "5000", "JPY"),
]


@pytest.mark.parametrize(("text", "value", "currency"), UNDERSTOOD)
def test_D1_understood(text: str, value: str, currency: str | None) -> None:
    assert parse_amount(text) == Amount(Decimal(value), currency)


AMBIGUOUS = [
    ("50.000", [("50000", None), ("50", None)]),
    ("50,000", [("50000", None), ("50", None)]),
    ("1,234", [("1234", None), ("1.234", None)]),
    ("1.234", [("1234", None), ("1.234", None)]),
    ("1.234k", [("1234000", None), ("1234", None)]),
    ("USD 1.234k", [("1234000", "USD"), ("1234", "USD")]),
    ("1.234m", [("1234000000", None), ("1234000", None)]),
    ("KWD 1,234", [("1234", "KWD"), ("1.234", "KWD")]),
    ("¥1,234", [("1234", "JPY"), ("1234", "CNY")]),
    ("￥30万", [("300000", "JPY"), ("300000", "CNY")]),
]


@pytest.mark.parametrize(("text", "readings"), AMBIGUOUS)
def test_D1_ambiguous_gives_every_reading(
    text: str, readings: list[tuple[str, str | None]]
) -> None:
    with pytest.raises(AmbiguousAmount) as caught:
        parse_amount(text)
    assert caught.value.text == text
    assert list(caught.value.readings) == [
        Amount(Decimal(value), currency) for value, currency in readings
    ]


REFUSED = [
    ("", Unreadable.EMPTY),
    ("   ", Unreadable.EMPTY),
    ("1" * 65, Unreadable.TOO_LONG),
    ("5\uff10\uff10\uff10\uff10", Unreadable.FOREIGN_DIGITS),
    ("\uff15\uff10\uff10\uff10\uff10", Unreadable.FOREIGN_DIGITS),
    ("١٢٣", Unreadable.FOREIGN_DIGITS),
    ("५००", Unreadable.FOREIGN_DIGITS),
    ("½", Unreadable.FOREIGN_DIGITS),
    ("5²", Unreadable.FOREIGN_DIGITS),
    ("-5", Unreadable.NEGATIVE),
    ("-0", Unreadable.NEGATIVE),
    ("\u22125k", Unreadable.NEGATIVE),
    ("USD -5", Unreadable.NEGATIVE),
    ("(500)", Unreadable.NEGATIVE),
    ("500-", Unreadable.NEGATIVE),
    ("0", Unreadable.ZERO),
    ("0.00", Unreadable.ZERO),
    ("EUR 0", Unreadable.ZERO),
    ("¥0", Unreadable.ZERO),
    ("nan", Unreadable.NOT_A_NUMBER),
    ("NaN", Unreadable.NOT_A_NUMBER),
    ("inf", Unreadable.NOT_A_NUMBER),
    ("-Infinity", Unreadable.NOT_A_NUMBER),
    ("USD", Unreadable.NOT_A_NUMBER),
    ("thirty", Unreadable.NOT_A_NUMBER),
    ("1e9", Unreadable.EXPONENT),
    ("1E+9", Unreadable.EXPONENT),
    ("1.5e3 USD", Unreadable.EXPONENT),
    ("between 3 and 5", Unreadable.SEVERAL),
    ("3-5k", Unreadable.SEVERAL),
    ("3–5k", Unreadable.SEVERAL),
    ("3 or 5", Unreadable.SEVERAL),
    ("500 USD and 700 EUR", Unreadable.SEVERAL),
    ("500 USD 700 EUR", Unreadable.SEVERAL),
    ("about 500", Unreadable.MALFORMED),
    ("+500", Unreadable.MALFORMED),
    ("500%", Unreadable.MALFORMED),
    ("30kk", Unreadable.MALFORMED),
    ("1.5 billion", Unreadable.MALFORMED),
    ("007", Unreadable.MALFORMED),
    ("30.", Unreadable.MALFORMED),
    (".5", Unreadable.MALFORMED),
    ("1,2,3", Unreadable.MALFORMED),
    ("12,34,56", Unreadable.MALFORMED),
    ("1.23.456", Unreadable.MALFORMED),
    ("1,234.567.890", Unreadable.MALFORMED),
    ("30 00", Unreadable.MALFORMED),
    ("1 234'567", Unreadable.MALFORMED),
    ("1万万", Unreadable.MALFORMED),
    ("万", Unreadable.NOT_A_NUMBER),
    ("３０万", Unreadable.FOREIGN_DIGITS),
    ("三十万", Unreadable.MALFORMED),
    ("1億2000", Unreadable.SEVERAL),
    ("1億20000万", Unreadable.SEVERAL),
    ("30万円 EUR", Unreadable.UNKNOWN_CURRENCY),
    ("0.5円", Unreadable.TOO_PRECISE),
    ("10万億", Unreadable.MALFORMED),
    ("100000億", Unreadable.TOO_LARGE),
    ("\u212a30", Unreadable.MALFORMED),
    ("30\u212a", Unreadable.MALFORMED),
    ("30\u202e000", Unreadable.MALFORMED),
    ("XYZ 500", Unreadable.UNKNOWN_CURRENCY),
    ("500 ABC", Unreadable.UNKNOWN_CURRENCY),
    ("EUR 500 USD", Unreadable.UNKNOWN_CURRENCY),
    ("€500 USD", Unreadable.UNKNOWN_CURRENCY),
    ("0.001", Unreadable.TOO_PRECISE),
    ("1234.567", Unreadable.TOO_PRECISE),
    ("1,234.567", Unreadable.TOO_PRECISE),
    ("30.0000", Unreadable.TOO_PRECISE),
    ("0.1234567890123", Unreadable.TOO_PRECISE),
    ("1.00000000000000000000000000000001k", Unreadable.TOO_PRECISE),
    ("JPY 1234.5", Unreadable.TOO_PRECISE),
    ("9" * 40, Unreadable.TOO_LARGE),
    ("10000000000000", Unreadable.TOO_LARGE),
    ("99.999bn", Unreadable.TOO_LARGE),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_D1_D2_refused_with_a_reason(text: str, reason: Unreadable) -> None:
    with pytest.raises(UnreadableAmount) as caught:
        parse_amount(text)
    assert caught.value.reason == reason


def test_D2_zero_where_it_is_allowed() -> None:
    assert parse_amount("0", zero=True) == Amount(Decimal(0))


def test_D3_unknown_code_is_no_currency() -> None:
    assert "XYZ" not in CURRENCIES
    assert {"USD", "EUR", "GBP", "JPY", "CHF", "KWD"} <= CURRENCIES
    assert not {"DEM", "XAU", "XXX", "XTS"} & CURRENCIES


def test_the_codes_are_what_is_legal_tender_somewhere() -> None:
    assert {
        code
        for entries in get_global("territory_currencies").values()
        for code, _start, end, tender in entries
        if tender and end is None
    } == CURRENCIES


@pytest.mark.parametrize(
    ("currency", "digits"), [("USD", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("RSD", 2), ("HUF", 2)]
)
def test_minor_digits_follow_iso_4217(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


def test_D1_same_text_same_meaning_under_every_process_locale() -> None:
    before = locale.setlocale(locale.LC_ALL)
    texts = [text for text, *_ in UNDERSTOOD]
    expected = [parse_amount(text) for text in texts]
    try:
        for name in ("C", "C.UTF-8", "POSIX"):
            locale.setlocale(locale.LC_ALL, name)
            assert [parse_amount(text) for text in texts] == expected
    finally:
        locale.setlocale(locale.LC_ALL, before)


def reading(text: str) -> set[Decimal]:
    """Every value a text may stand for; empty when it is refused."""
    try:
        return {parse_amount(text).value}
    except AmbiguousAmount as ambiguous:
        return {each.value for each in ambiguous.readings}
    except UnreadableAmount:
        return set()


CENTS = st.integers(min_value=1, max_value=10**14 - 1).map(lambda cents: Decimal(cents) / 100)
MARKS = st.sampled_from([(",", "."), (".", ","), (" ", ","), (" ", "."), ("'", ".")])


@given(CENTS, MARKS)
def test_D1_a_written_amount_is_never_read_as_only_something_else(
    value: Decimal, marks: tuple[str, str]
) -> None:
    group, decimal = marks
    text = f"{value:,.2f}".replace(",", "\0").replace(".", decimal).replace("\0", group)
    assert reading(text) == {value}


@given(st.integers(min_value=1, max_value=10**12 - 1), st.sampled_from([",", ".", " ", "'"]))
def test_D1_a_grouped_whole_number_is_read_or_asked_about(value: int, group: str) -> None:
    assert Decimal(value) in reading(f"{value:,}".replace(",", group))


@given(st.integers(1, 999), st.integers(0, 999), st.sampled_from(",."))
def test_D1_one_separator_and_three_digits_is_always_a_question(
    whole: int, rest: int, mark: str
) -> None:
    with pytest.raises(AmbiguousAmount) as caught:
        parse_amount(f"{whole}{mark}{rest:03}")
    grouped, decimal = caught.value.readings
    assert grouped.value == Decimal(whole * 1000 + rest) == decimal.value * 1000


@given(CENTS)
def test_plain_is_read_back_exactly(value: Decimal) -> None:
    assert Decimal(plain(value)) == value
    assert "E" not in plain(value)
    assert parse_amount(f"USD {plain(value)}").value == value


@given(st.text(max_size=80))
def test_D1_any_text_is_an_amount_a_question_or_a_reason(text: str) -> None:
    try:
        amounts: tuple[Amount, ...] = (parse_amount(text),)
    except AmbiguousAmount as question:
        amounts = question.readings
    except UnreadableAmount:
        return
    assert all(0 < amount.value < LIMIT for amount in amounts)
    assert {amount.currency for amount in amounts} <= CURRENCIES | {None}


@given(st.text(alphabet="0123456789.,' kmbnUSDEUR€$¥-", max_size=24))
def test_D1_amount_like_text_never_gains_or_loses_digits(text: str) -> None:
    digits = "".join(each for each in text if each.isdigit()).strip("0")
    for value in reading(text):
        assert format(value, "f").replace(".", "").strip("0") == digits


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("10000", "10000"),
        ("1E+4", "10000"),
        ("10000.00", "10000"),
        ("250000.1", "250000.10"),
        ("250000.10", "250000.10"),
        ("1.234", "1.234"),
        ("-0.00", "0"),
        ("0E+3", "0"),
        ("-12.5", "-12.50"),
        ("9999999999999.99", "9999999999999.99"),
    ],
)
def test_plain_has_no_exponent_and_no_grouping(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_D2_plain_refuses_what_is_no_number(value: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        plain(Decimal(value))


def test_decimals_of_ignores_trailing_zeros() -> None:
    assert [decimals_of(Decimal(text)) for text in ("30.00", "0.25", "1E+3", "1.230")] == [
        0,
        2,
        0,
        2,
    ]
