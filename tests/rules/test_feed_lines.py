"""The grammar of subscriptions: forgiving in form, strict in meaning."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.command import Ask, Command, NotifyMe, Subscribe, Subscriptions, Unclear, Unsubscribe
from bot.commands import parse
from bot.feed_lines import BadFilter, read_fields, read_quiet
from bot.feed_rules import Filters, Quiet, Wish
from bot.store.feeds import Kind
from cards.language import speaking
from partner_center.money import Amount

TODAY = date(2026, 11, 23)
ABOVE = Filters(above=Amount(Decimal(100000)))


def won(filters: Filters = ABOVE, *, flat: bool = True, quiet: Quiet | None = None) -> Subscribe:
    return Subscribe(Kind.WON, Wish(filters, flat, quiet))


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("subscribe won", won(Filters())),
        ("Subscribe to wins", won(Filters())),
        ("subscribe this channel to won deals", won(Filters())),
        ("follow registrations", Subscribe(Kind.REGISTERED, Wish())),
        ("subscribe registered", Subscribe(Kind.REGISTERED, Wish())),
        ("subscribe accepted", Subscribe(Kind.ACCEPTED, Wish())),
        ("subscribe expiring", Subscribe(Kind.EXPIRING, Wish())),
        ("subscribe approvals", Subscribe(Kind.APPROVALS, Wish())),
        ("subscribe won value > 100k", won()),
        ("subscribe won value>100k", won()),
        ("subscribe won >100k", won()),
        ("subscribe won over 100k", won()),
        ("subscribe won value above 100k", won()),
        ("subscribe won value more than 100k", won()),
        ("subscribe won value > USD 100,000", won(Filters(Amount(Decimal(100000), "USD")))),
        ("subscribe won value > 100k eur", won(Filters(Amount(Decimal(100000), "EUR")))),
        ("subscribe won country DE", won(Filters(countries=("DE",)))),
        ("subscribe won country us", won(Filters(countries=("US",)))),
        ("subscribe won country Germany", won(Filters(countries=("DE",)))),
        ("subscribe won country DE, at and FR", won(Filters(countries=("DE", "AT", "FR")))),
        ("subscribe won country United Kingdom", won(Filters(countries=("GB",)))),
        ('subscribe won solution "Data hub"', won(Filters(solution="Data hub"))),
        (
            "subscribe won solution DEAL-123456-XYZ mine",
            won(Filters(solution="DEAL-123456-XYZ", mine=True)),
        ),
        ("subscribe won mine", won(Filters(mine=True))),
        ("subscribe won names", won(Filters(names=True))),
        ("subscribe won thread", won(Filters(), flat=False)),
        ("subscribe won flat", won(Filters())),
        ("subscribe won quiet 18-8", won(Filters(), quiet=Quiet(1080, 480))),
        ("subscribe won quiet hours 18:30-07:00", won(Filters(), quiet=Quiet(1110, 420))),
        (
            "subscribe won country DE value > 100k thread quiet 18-8",
            won(Filters(Amount(Decimal(100000)), ("DE",)), flat=False, quiet=Quiet(1080, 480)),
        ),
        ("notify me won", NotifyMe(Kind.WON, Wish())),
        ("notify me of wins over 100k", NotifyMe(Kind.WON, Wish(ABOVE))),
        ("tell me when a deal is expiring", NotifyMe(Kind.EXPIRING, Wish())),
        ("subscriptions", Subscriptions()),
        ("unsubscribe", Unsubscribe()),
        ("unsubscribe all", Unsubscribe()),
        ("unsubscribe won", Unsubscribe(Kind.WON)),
        ("unsubscribe from wins", Unsubscribe(Kind.WON)),
    ],
)
def test_what_is_said_is_understood(text: str, command: Command) -> None:
    assert parse(text, TODAY) == command


def test_d1_an_ambiguous_amount_is_asked_about_and_each_answer_is_clear() -> None:
    asked = parse("subscribe won value > 100.000 country DE", TODAY)
    assert isinstance(asked, Ask)
    read = [parse(choice.text, TODAY) for choice in asked.choices]
    assert [each.wish.filters.above for each in read if isinstance(each, Subscribe)] == [
        Amount(Decimal(100000)),
        Amount(Decimal(100)),
    ]
    assert all(isinstance(each, Subscribe) and each.wish.filters.countries for each in read)


@pytest.mark.parametrize("text", ["subscribe", "subscribe to something", "notify me"])
def test_without_a_kind_it_is_asked_which(text: str) -> None:
    asked = parse(text, TODAY)
    assert isinstance(asked, Ask)
    assert len(asked.choices) == len(Kind)


@pytest.mark.parametrize(
    "text",
    [
        "subscribe won value > lots",
        "subscribe won value",
        "subscribe won value > -5",
        "subscribe won country Atlantis",
        "subscribe won country",
        "subscribe won country DE country AT",
        "subscribe won solution",
        "subscribe won quiet 25-3",
        "subscribe won quiet 8-8",
        "subscribe won quiet night",
        "subscribe won mine please everywhere",
        "subscribe approvals country DE",
    ],
)
def test_d2_what_cannot_be_meant_is_refused_with_what_to_write(text: str) -> None:
    unclear = parse(text, TODAY)
    assert isinstance(unclear, Unclear)
    assert unclear.why
    assert unclear.instead


@given(st.text(max_size=80))
def test_whatever_is_typed_is_answered(text: str) -> None:
    assert parse(f"subscribe won {text}", TODAY) is not None
    assert parse(f"notify me {text}", TODAY) is not None


def test_a_form_says_the_same_as_a_line() -> None:
    given_ = {
        "value": "USD 100k",
        "country": "DE, AT",
        "solution": "data",
        "quiet": "18-8",
        "mine": "true",
        "names": "false",
        "place": "thread",
    }
    filters = Filters(Amount(Decimal(100000), "USD"), ("DE", "AT"), "data", mine=True)
    assert read_fields(given_) == Wish(filters, flat=False, quiet=Quiet(1080, 480))
    assert read_fields({}) == Wish()


@pytest.mark.parametrize("fields", [{"value": "100.000"}, {"country": "XX"}, {"quiet": "late"}])
def test_a_form_that_is_wrong_says_why(fields: dict[str, str]) -> None:
    with pytest.raises(BadFilter):
        read_fields(fields)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "18-8"),
        ("en", "between 18 and 8"),
        ("en", "from 18:00 to 8:00"),
        ("de", "von 18 bis 8 Uhr"),
        ("de", "zwischen 18 und 8"),
        ("fr", "de 18 à 8"),
        ("fr", "18h00 à 8h"),
        ("es", "de 18 a 8"),
        ("es", "entre 18:00 y 8:00"),
        ("ja", "18時から8時まで"),
        ("ja", "18〜8"),
        ("ja", "18\uff5e8"),
    ],
)
def test_quiet_hours_are_said_in_many_ways(language: str, said: str) -> None:
    with speaking(language):
        assert read_quiet(said) == Quiet(1080, 480)


@pytest.mark.parametrize("said", ["18", "18h", "from 18", "25-8", "18-18", "18 bis 8", "late"])
def test_what_are_no_quiet_hours_is_said(said: str) -> None:
    with pytest.raises(BadFilter):
        read_quiet(said)


def test_quiet_hours_may_end_at_midnight() -> None:
    assert read_quiet("22-24") == Quiet(1320, 0)


MILLION = Filters(above=Amount(Decimal(1_000_000)))


@pytest.mark.parametrize(
    ("language", "text", "command"),
    [
        ("de", "abonnieren gewonnene deals", won(Filters())),
        ("de", "abonnieren gewonnen mehr als 100k", won()),
        ("de", "abonnieren gewonnen wert größer als 100k", won()),
        ("de", "abonnieren gewonnen land Deutschland", won(Filters(countries=("DE",)))),
        ("fr", "suivre affaires gagnées", won(Filters())),
        ("fr", "suivre gagnées plus de 100k", won()),
        ("fr", "suivre gagnées valeur au-dessus de 100k", won()),
        ("fr", "suivre gagnées valeur supérieure à 100k", won()),
        ("fr", "suivre gagnées pays Allemagne et DE", won(Filters(countries=("DE",)))),
        ("fr", "suivre gagnées silence de 18 à 8", won(Filters(), quiet=Quiet(1080, 480))),
        ("fr", "suivre échéances", Subscribe(Kind.EXPIRING, Wish())),
        ("fr", "ne plus suivre expirations", Unsubscribe(Kind.EXPIRING)),
        ("es", "seguir oportunidades ganadas", won(Filters())),
        ("es", "seguir ganadas más de 100k", won()),
        ("es", "seguir ganadas valor mayor que 100k", won()),
        ("es", "seguir ganadas valor superior a 100k", won()),
        ("es", "seguir vencimientos míos", Subscribe(Kind.EXPIRING, Wish(Filters(mine=True)))),
        ("es", "dejar de seguir vencimientos", Unsubscribe(Kind.EXPIRING)),
        ("ja", "購読 成立 金額 > 100万", won(MILLION)),
        ("ja", "購読 成立 金額 100万以上", won(MILLION)),
        ("ja", "購読 成立 金額 100万 以上", won(MILLION)),
        ("ja", "購読 成立 金額 100万円以上", won(Filters(Amount(Decimal(1_000_000), "JPY")))),
        ("ja", "購読 成立 国 日本、ドイツ", won(Filters(countries=("JP", "DE")))),
        (
            "ja",
            "購読 期限間近 通知オフ 18-8",
            Subscribe(Kind.EXPIRING, Wish(quiet=Quiet(1080, 480))),
        ),
        ("ja", "購読解除 期限間近", Unsubscribe(Kind.EXPIRING)),
    ],
)
def test_said_as_people_say_it(language: str, text: str, command: Command) -> None:
    with speaking(language):
        assert parse(text, TODAY) == command


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ja", "購読 成立 金額 以上"),
        ("ja", "購読 成立 国 どこか"),
        ("fr", "suivre gagnées valeur de"),
        ("en", "subscribe won 100k above"),
        ("en", "subscribe won country Allemagne"),
    ],
)
def test_what_says_nothing_in_a_language_is_asked_about(language: str, text: str) -> None:
    with speaking(language):
        assert isinstance(parse(text, TODAY), Unclear)


def test_what_is_there_twice_is_named_as_it_was_said() -> None:
    with speaking("de"):
        said = parse("abonnieren gewonnen wert > 1k land DE wert > 2k", TODAY)
    assert isinstance(said, Unclear)
    assert "„wert“" in said.why
