"""Dates people type: one meaning for everybody, or a question."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dates import AmbiguousDate, UnreadableDate, parse_date

TODAY = date(2026, 11, 23)  # a Monday


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-31", date(2026, 3, 31)),
        ("2026-3-1", date(2026, 3, 1)),
        ("2026-03-31T00:00:00.000Z", date(2026, 3, 31)),
        ("31 Mar 2026", date(2026, 3, 31)),
        ("31. March 2026", date(2026, 3, 31)),
        ("March 31, 2026", date(2026, 3, 31)),
        ("31st of march 2026", date(2026, 3, 31)),
        ("sept 1 2027", date(2027, 9, 1)),
        ("31 mar", date(2027, 3, 31)),
        ("24 nov", date(2026, 11, 24)),
        ("23 nov", date(2026, 11, 23)),
        ("29 feb", date(2028, 2, 29)),
        ("29 feb 2028", date(2028, 2, 29)),
        ("31/12/2026", date(2026, 12, 31)),
        ("12/31/2026", date(2026, 12, 31)),
        ("31.12.2026", date(2026, 12, 31)),
        ("05/05/2026", date(2026, 5, 5)),
        ("today", TODAY),
        ("tomorrow", date(2026, 11, 24)),
        ("yesterday", date(2026, 11, 22)),
        ("friday", date(2026, 11, 27)),
        ("next friday", date(2026, 11, 27)),
        ("next monday", date(2026, 11, 30)),
        ("in 2 weeks", date(2026, 12, 7)),
        ("in 3 months", date(2027, 2, 23)),
        ("in a year", date(2027, 11, 23)),
        ("end of june", date(2027, 6, 30)),
        ("end of november", date(2026, 11, 30)),
        ("end of february 2028", date(2028, 2, 29)),
        ("end of month", date(2026, 11, 30)),
        ("end of next month", date(2026, 12, 31)),
        ("end of the quarter", date(2026, 12, 31)),
        ("end of next quarter", date(2027, 3, 31)),
        ("end of year", date(2026, 12, 31)),
        ("end of week", date(2026, 11, 29)),
        ("eoq", date(2026, 12, 31)),
        ("Q3", date(2027, 9, 30)),
        ("q4", date(2026, 12, 31)),
        ("end of Q1 2027", date(2027, 3, 31)),
        ("end of 2027", date(2027, 12, 31)),
        ("friday next week", date(2026, 12, 4)),
        ("next week on friday", date(2026, 12, 4)),
        ("wednesday of this week", date(2026, 11, 25)),
    ],
)
def test_reads(text: str, expected: date) -> None:
    assert parse_date(text, TODAY) == expected


@pytest.mark.parametrize("text", ["03/04/2026", "3-4-2026", "03.04.2026"])
def test_asks_which_of_day_and_month_is_meant(text: str) -> None:
    with pytest.raises(AmbiguousDate) as caught:
        parse_date(text, TODAY)
    assert caught.value.readings == (date(2026, 3, 4), date(2026, 4, 3))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("30 Feb 2026", "no_such_day"),
        ("29 Feb 2027", "no_such_day"),
        ("2026-02-30", "no_such_day"),
        ("32/12/2026", "no_such_day"),
        ("31/12/9999", "out_of_range"),
        ("1 jan 1999", "out_of_range"),
        ("0000-01-01", "no_such_day"),
        ("31/12/26", "unknown_form"),
        ("yesterday at 25:00", "unknown_form"),
        ("soon", "unknown_form"),
        ("", "unknown_form"),
        ("٣١ mar 2026", "unknown_form"),
        ("2026-03-31 or so", "unknown_form"),
    ],
)
def test_D5_refuses_what_is_no_day(text: str, reason: str) -> None:
    with pytest.raises(UnreadableDate) as caught:
        parse_date(text, TODAY)
    assert caught.value.reason == reason


@given(st.dates(date(2000, 1, 1), date(2100, 12, 31)), st.dates(date(2001, 1, 1), date(2090, 1, 1)))
def test_D5_an_iso_date_never_shifts(day: date, today: date) -> None:
    assert parse_date(day.isoformat(), today) == day
    assert parse_date(day.strftime("%d %B %Y"), today) == day


@given(st.text(max_size=40))
def test_any_text_gives_a_date_or_a_date_error(text: str) -> None:
    try:
        found = parse_date(text, TODAY)
    except (UnreadableDate, AmbiguousDate):
        return
    assert date(2000, 1, 1) <= found <= date(2100, 12, 31)


@pytest.mark.parametrize(
    "said",
    [
        "31. März 2026",
        "31 mars 2026",
        "31 de marzo de 2026",
        "31 marzo 2026",
        "2026年3月31日",
    ],
)
def test_a_month_is_understood_in_every_language_of_the_bot(said: str) -> None:
    assert parse_date(said, date(2026, 1, 15)) == date(2026, 3, 31)


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (date(2027, 6, 30), "Ende Juni | fin juin | à la fin de juin | fin de junio | 6月末"),
        (date(2027, 6, 30), "am Ende Juni | finales de junio | a finales de junio | 6月末日"),
        (date(2028, 2, 29), "Ende Februar 2028 | fin février 2028 | fin de febrero de 2028"),
        (date(2028, 2, 29), "fin fevrier 2028 | 2028年2月末"),
        (date(2026, 11, 30), "Ende des Monats | Monatsende | zum Monatsende | Ende dieses Monats"),
        (
            date(2026, 11, 30),
            "fin du mois | fin de mes | fin del mes | a fin de mes | 今月末 | 月末",
        ),
        (date(2026, 12, 31), "Ende nächsten Monats | fin du mois prochain | 来月末"),
        (date(2026, 12, 31), "fin del próximo mes | fin del mes próximo | fin del mes que viene"),
        (date(2026, 12, 31), "Quartalsende | Ende des Quartals | fin du trimestre | 四半期末"),
        (date(2026, 12, 31), "fin del trimestre | Jahresende | fin d'année | fin d’année | 年末"),
        (
            date(2026, 12, 31),
            "Ende des Jahres | fin de l'année | fin de año | final de ano | 今年末",
        ),
        (date(2027, 3, 31), "Ende nächsten Quartals | fin du prochain trimestre | 来四半期末"),
        (date(2027, 12, 31), "Ende nächsten Jahres | fin de l'année prochaine | 来年末"),
        (
            date(2027, 12, 31),
            "Ende 2027 | fin 2027 | fin de 2027 | 2027年末 | fin de l’an prochain",
        ),
        (date(2026, 12, 6), "Ende nächster Woche | fin de la semaine prochaine"),
        (date(2027, 9, 30), "Ende Q3 | T3 | fin T3 | fin del T3 2027"),
        (date(2026, 11, 27), "Freitag | am Freitag | diesen Freitag | vendredi | ce vendredi"),
        (date(2026, 11, 27), "viernes | el viernes | este viernes | 金曜 | 金曜日"),
        (date(2026, 11, 27), "nächsten Freitag | nächster Freitag | kommenden Freitag"),
        (date(2026, 11, 27), "naechsten Freitag | am nächsten Freitag | vendredi prochain"),
        (date(2026, 11, 27), "el próximo viernes | proximo viernes | el viernes que viene"),
        (date(2026, 11, 27), "el viernes próximo | 次の金曜日 | 次の金曜 | 今週の金曜日"),
        (date(2026, 12, 4), "Freitag nächster Woche | nächste Woche Freitag"),
        (date(2026, 12, 4), "vendredi de la semaine prochaine | 来週の金曜日 | 来週金曜"),
        (date(2026, 12, 4), "el viernes de la próxima semana | viernes de la semana que viene"),
        (date(2026, 12, 7), "in 2 Wochen | dans 2 semaines | en 2 semanas | 2週間後 | ２週間後"),
        (
            date(2026, 12, 7),
            "in 14 Tagen | dans 14 jours | dentro de 14 días | en 14 dias | 14日後",
        ),
        (date(2027, 2, 23), "in 3 Monaten | dans 3 mois | dentro de 3 meses | 3か月後 | 3ヶ月後"),
        (date(2027, 11, 23), "in einem Jahr | dans un an | en un año | dentro de 1 año | 1年後"),
        (date(2026, 11, 30), "in einer Woche | dans une semaine | en una semana"),
        (date(2027, 3, 31), "31. März | 31. Maerz | 31 mars | 31 de marzo | 3月31日 | ３月３１日"),
        (date(2026, 12, 24), "am 24. Dezember | le 24 décembre | le 24 decembre | 24 de diciembre"),
        (date(2026, 11, 25), "Mittwoch | mercredi | miercoles | el miércoles | 水曜日"),
    ],
)
def test_a_day_is_understood_in_every_language_of_the_bot(expected: date, said: str) -> None:
    for each in said.split(" | "):
        assert (each, parse_date(each, TODAY)) == (each, expected)


@pytest.mark.parametrize(
    "text",
    ["fin de semana", "fin de semaine", "Wochenende", "週末", "今週末", "年度末", "再来週の金曜日"],
)
def test_what_only_sounds_like_a_day_we_know_is_not_guessed_at(text: str) -> None:
    with pytest.raises(UnreadableDate):
        parse_date(text, TODAY)


@pytest.mark.parametrize(
    ("text", "today", "readings"),
    [
        ("sunday next week", TODAY, (date(2026, 11, 29), date(2026, 12, 6))),
        ("Sonntag nächster Woche", TODAY, (date(2026, 11, 29), date(2026, 12, 6))),
        ("来週の日曜日", TODAY, (date(2026, 11, 29), date(2026, 12, 6))),
        ("来週の金曜日", date(2026, 11, 29), (date(2026, 12, 4), date(2026, 12, 11))),
        (
            "vendredi de la semaine prochaine",
            date(2026, 11, 29),
            (date(2026, 12, 4), date(2026, 12, 11)),
        ),
    ],
)
def test_asks_where_it_matters_on_which_day_a_week_begins(
    text: str, today: date, readings: tuple[date, date]
) -> None:
    with pytest.raises(AmbiguousDate) as caught:
        parse_date(text, today)
    assert caught.value.readings == readings


@pytest.mark.parametrize("text", ["03/04/2026", "03.04.2026", "le 03/04/2026", "el 3-4-2026"])
def test_figures_are_ambiguous_in_every_language(text: str) -> None:
    with pytest.raises(AmbiguousDate):
        parse_date(text, TODAY)


@pytest.mark.parametrize("said", ["heute", "aujourd'hui", "hoy", "今日"])
def test_today_is_understood_in_every_language_of_the_bot(said: str) -> None:
    assert parse_date(said, date(2026, 1, 15)) == date(2026, 1, 15)


def test_a_short_name_that_is_a_day_here_and_a_month_there_stays_english() -> None:
    """`mar` is a Tuesday to some and March to others: it is March, as it always was."""
    assert parse_date("3 mar 2026", date(2026, 1, 15)) == date(2026, 3, 3)
