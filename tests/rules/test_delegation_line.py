"""`delegate`: who stands in, and until which day, in the words people use."""

from __future__ import annotations

from datetime import date

import pytest

from bot.approval_people import canonical, is_guest, is_same
from bot.command import Approvals, Ask, Command, Delegate, Unclear
from bot.commands import parse

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
