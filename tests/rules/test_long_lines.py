"""However often something is repeated in a line, reading it costs no more than its length: whoever
may speak to the bot could stop it otherwise. Work is counted, not time."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest

from bot.command import Subscribe
from bot.commands import parse
from bot.dates import DateError, parse_date
from bot.feed_lines import BadFilter, read_fields
from bot.targets import named_by, ranked
from bot.teams.mentions import MAX_TEXT
from bot.words import split
from cards.language import speaking
from partner_center.money import MoneyError, parse_amount
from tests.rules.deals import deal

TODAY = date(2026, 2, 20)
LENGTH = MAX_TEXT // 4
MOST = 200
"""Calls for each character; work that grows with the square needs hundreds at this length."""
HEADS = (
    *("", "subscribe won ", "notify me won ", "update #1042 ", "update #1042 close ", "create "),
    *("#1042 notes ", "team add ", "lost #1042 because ", "close #1042 ", "delegate to "),
    *("list ", "show ", "language "),
)
UNITS = (
    *(
        "> ",
        "value > ",
        "value ",
        "close ",
        "close 1 ",
        "crm ",
        "notes ",
        '"a ',
        '"a" ',
        "a ",
        "1 ",
    ),
    *("mine ", "country DE ", "to ", "until ", "until friday ", "#1 ", "a@b.c ", "phone 1 ", "as "),
    *("„a ", "1,", "x" * 40 + " ", "page 1 ", "because ", "=", "金曜日まで ", "以上 "),
)


def calls(read: Callable[[str], object], text: str) -> int:
    """How many functions, Python's own too, are called to read a text."""
    made: Counter[str] = Counter()
    sys.setprofile(lambda _frame, event, _what: made.update((event,)))
    try:
        read(text)
    finally:
        sys.setprofile(None)
    return made["call"] + made["c_call"]


def reads(text: str) -> None:
    """The line as it is read; the memory of lines read before is of no use to a new one."""
    parse(text, TODAY)


def long(head: str, unit: str) -> str:
    """The head, then the unit again and again."""
    return (head + unit * LENGTH)[:LENGTH]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_a_line_costs_what_its_length_costs(head: str, locale: str) -> None:
    with speaking(locale):
        reads(f"{head}1 value close 1")
        for unit in UNITS:
            assert calls(reads, long(head, unit)) < MOST * LENGTH, unit


def test_a_quote_without_an_end_is_looked_for_once() -> None:
    """A search is one call, however far it goes: so the searches are counted."""
    searched: list[object] = []

    def note(_frame: object, event: str, what: object) -> None:
        if event == "c_call" and getattr(what, "__name__", "") == "search":
            searched.append(what)

    for sign in "\"'“„«‘「":
        searched.clear()
        sys.setprofile(note)
        try:
            words = split(f"{sign}a " * 1000)
        finally:
            sys.setprofile(None)
        assert len(words) == 1000
        assert len(searched) == 1


def test_a_rule_that_says_its_sign_again_and_again_is_still_read() -> None:
    found = parse("subscribe won value " + "> " * 1000 + "100k country DE", TODAY)
    assert isinstance(found, Subscribe)
    assert found.wish.filters.above == parse_amount("100k")
    assert found.wish.filters.countries == ("DE",)


def _amount(text: str) -> None:
    try:
        parse_amount(text)
    except MoneyError:
        return


def _date(text: str) -> None:
    try:
        parse_date(text, TODAY)
    except DateError:
        return


def _field(name: str) -> Callable[[str], None]:
    def read(text: str) -> None:
        try:
            read_fields({name: text})
        except BadFilter:
            return

    return read


FIELDS: dict[str, Callable[[str], None]] = {
    "amount": _amount,
    "date": _date,
    **{name: _field(name) for name in ("value", "country", "solution", "quiet")},
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_costs_what_its_length_costs(name: str) -> None:
    read = FIELDS[name]
    read("1")
    for unit in UNITS:
        assert calls(read, long("", unit)) < MOST * LENGTH, unit


DEALS = [
    deal(id=str(number), name="Fabrikam analytics rollout", customer=f"Fabrikam {number}")
    for number in range(30)
]


@pytest.mark.parametrize("unit", ["a ", "fabrikam ", "fabrikam rollout ", "- ", "fabrikam-"])
def test_the_deal_in_front_of_a_reason_costs_what_the_line_and_the_deals_do(unit: str) -> None:
    """Every beginning of the line was compared with every deal: `lost fabrikam fabrikam ...`."""
    words = long("", unit).split()

    def find(_text: str) -> None:
        assert max(named_by(words, each) for each in DEALS) <= 5

    find("")
    assert calls(find, "") < MOST * len(DEALS)


def test_a_fragment_longer_than_any_name_is_compared_with_none() -> None:
    fragment = long("", "fabrikam analytics ")
    assert ranked(fragment, DEALS) == ()
    compared: list[object] = []

    def note(_frame: object, event: str, what: object) -> None:
        if event == "c_call" and getattr(what, "__name__", "") == "partial_ratio":
            compared.append(what)

    sys.setprofile(note)
    try:
        ranked(fragment, DEALS)
    finally:
        sys.setprofile(None)
    assert compared == []


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("fabrikam budget was cut", 1),
        ("Fabrikam analytics rollout they chose another", 3),
        ("fabricam analitics budget", 2),
        ("fabrikam - budget", 2),
        ("fabrikam-analytics budget", 1),
        ("- budget", 0),
        ("budget fabrikam", 0),
        ("", 0),
    ],
)
def test_the_longest_beginning_that_names_a_deal_is_the_deal(said: str, named: int) -> None:
    assert named_by(said.split(), DEALS[7]) == named
