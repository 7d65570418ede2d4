"""`delegate`: who stands in, and until which day, in the words people use."""

from __future__ import annotations

from datetime import date

import pytest

from bot.approval_people import canonical, is_guest, is_same
from bot.command import Approvals, Ask, Command, Delegate, Unclear
from bot.commands import parse
from cards.language import speaking

TODAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("approvals", Approvals()),
        ("my approvals", Approvals()),
        ("delegate", Delegate()),
        ("delegate to nobody", Delegate(stop=True)),
        ("delegate to stop", Delegate(stop=True)),
        ("delegate to cleo until 2026-03-31", Delegate("cleo", date(2026, 3, 31))),
        ("delegate to Cleo Marchetti till friday", Delegate("Cleo Marchetti", date(2026, 3, 6))),
        (
            "Delegate cleo.marchetti@contoso.example until end of june",
            Delegate("cleo.marchetti@contoso.example", date(2026, 6, 30)),
        ),
    ],
)
def test_what_is_meant(said: str, meant: Command) -> None:
    assert parse(said, TODAY) == meant


@pytest.mark.parametrize("said", ["delegate to cleo", "delegate to cleo until whenever"])
def test_what_is_missing_is_asked_for(said: str) -> None:
    assert isinstance(parse(said, TODAY), Unclear)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("代理 cleo 金曜日まで", Delegate("cleo", date(2026, 3, 6))),
        ("代理 cleo 金曜日 まで", Delegate("cleo", date(2026, 3, 6))),
        ("代理 cleo に 2026年3月31日まで", Delegate("cleo", date(2026, 3, 31))),
        ("代理 Cleo Marchetti 6月末 まで", Delegate("Cleo Marchetti", date(2026, 6, 30))),
        ("代理 金曜日まで cleo", Delegate("cleo", date(2026, 3, 6))),
        ("代理 金曜日まで cleo に", Delegate("cleo", date(2026, 3, 6))),
        ("代理 cleo 31 mar 2026まで", Delegate("cleo", date(2026, 3, 31))),
        ("代理 cleo まで 金曜日", Delegate("cleo", date(2026, 3, 6))),
        ("delegate to cleo until friday", Delegate("cleo", date(2026, 3, 6))),
    ],
)
def test_japanese_says_until_behind_the_day(said: str, meant: Command) -> None:
    with speaking("ja"):
        assert parse(said, TODAY) == meant


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("ja", "代理 金曜日まで"),
        ("ja", "代理 cleo いつかまで"),
        ("ja", "代理 cleo まで"),
        ("de", "vertretung cleo 金曜日まで"),
        ("en", "delegate to cleo friday until"),
    ],
)
def test_who_or_until_when_is_asked_for_in_any_order(language: str, said: str) -> None:
    with speaking(language):
        assert isinstance(parse(said, TODAY), Unclear)


def test_a_day_with_two_readings_is_asked_about_behind_the_person() -> None:
    with speaking("ja"):
        asked = parse("代理 cleo 03/04/2026まで", TODAY)
    assert isinstance(asked, Ask)
    assert [choice.text for choice in asked.choices] == [
        "delegate to cleo until 2026-03-04",
        "delegate to cleo until 2026-04-03",
    ]


def test_a_day_with_two_readings_is_asked_about() -> None:
    asked = parse("delegate to cleo until 03/04/2026", TODAY)
    assert isinstance(asked, Ask)
    assert [choice.text for choice in asked.choices] == [
        "delegate to cleo until 2026-03-04",
        "delegate to cleo until 2026-04-03",
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ben@contoso.example", "BEN@contoso.example ", True),
        ("ben+deals@contoso.example", "ben@contoso.example", True),
        ("ben_contoso.example#EXT#@fabrikam.example", "ben@contoso.example", True),
        ("ben_a_contoso.example#EXT#@fabrikam.example", "ben_a@contoso.example", True),
        ("ben@contoso.example", "ben@fabrikam.example", False),
        ("ben@contoso.example", None, False),
        (None, None, False),
        ("", "", False),
        ("ben", "ben", False),
    ],
)
def test_B4_who_is_the_same_person(one: str | None, other: str | None, same: bool) -> None:
    assert is_same(one, other) is same
    assert is_same(other, one) is same


def test_B4_a_guest_is_known_by_the_name() -> None:
    assert is_guest("ben_contoso.example#EXT#@fabrikam.example")
    assert not is_guest("ben@contoso.example")
    assert canonical("@") is None
