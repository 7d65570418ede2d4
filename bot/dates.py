"""Reads the dates people type; asks instead of guessing.

The same text means the same date for everybody: no locale is consulted, and what is said in
another language of the bot is read as it would be said in English. What is returned is always
echoed in full by the cards.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from babel.dates import get_day_names, get_month_names

from cards.language import Language

EARLIEST = date(2000, 1, 1)
LATEST = date(2100, 12, 31)

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sept", "sep"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}
WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            ("monday", "mon"),
            ("tuesday", "tues", "tue"),
            ("wednesday", "wed"),
            ("thursday", "thurs", "thur", "thu"),
            ("friday", "fri"),
            ("saturday", "sat"),
            ("sunday", "sun"),
        )
    )
    for name in names
}


class DateError(ValueError):
    """A text that is not one date."""


class UnreadableDate(DateError):
    """No date could be read; `reason` is `unknown_form`, `no_such_day` or `out_of_range`."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(reason)
        self.text = text
        self.reason = reason


class AmbiguousDate(DateError):
    """Several dates could be meant: `03/04/2026` is 3 April to some and 4 March to others."""

    def __init__(self, text: str, readings: tuple[date, ...]) -> None:
        super().__init__("ambiguous")
        self.text = text
        self.readings = readings


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to write a date: the whole text must match."""

    pattern: re.Pattern[str]
    read: Callable[[re.Match[str], date], date]


def parse_date(text: str, today: date) -> date:
    """The one date `text` names, seen from `today`.

    A day and month without a year, a bare quarter and `end of june` mean the next one that is
    not over. A quarter means its last day. `friday` and `next friday` both mean the first Friday
    after today; `friday next week` is asked about where it matters on which day a week begins.
    Raises AmbiguousDate or UnreadableDate.
    """
    wanted = " ".join(text.casefold().replace(",", " ").split())
    found = _read(text, wanted, today)
    if found is None:
        found = _read(text, _in_english(wanted), today)
    if found is None:
        raise UnreadableDate(text, "unknown_form")
    return found


def _read(text: str, wanted: str, today: date) -> date | None:
    for form in _FORMS:
        match = form.pattern.fullmatch(wanted)
        if match is None:
            continue
        try:
            found = form.read(match, today)
        except (ValueError, OverflowError) as error:
            if isinstance(error, DateError):
                raise
            raise UnreadableDate(text, "no_such_day") from error
        if not EARLIEST <= found <= LATEST:
            raise UnreadableDate(text, "out_of_range")
        return found
    return None


def _in_english(wanted: str) -> str:
    """`31. märz 2026`, `fin juin`, `el próximo viernes`, `来週の金曜日` as said in English."""
    wanted = _from_japanese(wanted.translate(_TYPED_OTHERWISE))
    for phrase, meant in _PHRASES.items():
        wanted = re.sub(rf"\b{phrase}\b", meant, wanted)
    said = (_english_words().get(word.rstrip("."), word) for word in wanted.split())
    return _NEXT_BEHIND.sub(r"next \1", " ".join(word for word in said if word))


def _from_japanese(wanted: str) -> str:
    """A Japanese date in English but for its names; any other text as it is."""
    unspaced = wanted.replace(" ", "")
    for pattern, meant in _JAPANESE:
        match = pattern.fullmatch(unspaced)
        if match is not None:
            return match.expand(meant)
    return wanted


@lru_cache(maxsize=1)
def _english_words() -> Mapping[str, str]:
    """Days and months in the languages of the bot, but for those that mean several of them, and
    the words around them; each as it is also typed on a keyboard that lacks its accents."""
    meanings: dict[str, set[str]] = {}
    for language in Language:
        for width in ("wide", "abbreviated"):
            for month, name in get_month_names(width, locale=language.value).items():
                meanings.setdefault(name.casefold().rstrip("."), set()).add(_MONTH_NAMES[month])
            for day, name in get_day_names(width, locale=language.value).items():
                meanings.setdefault(name.casefold().rstrip("."), set()).add(_DAY_NAMES[day])
    clear = {name: min(said) for name, said in meanings.items() if len(said) == 1}
    known = {**clear, **{word: meant for meant, said in _WORDS.items() for word in said.split()}}
    return {**{typed: known[word] for word in known for typed in _unaccented(word)}, **known}


def _unaccented(word: str) -> tuple[str, str]:
    """`märz` as `maerz` and `marz`, `février` as `fevrier`."""
    bare = unicodedata.normalize("NFD", word.translate(_UMLAUTS))
    plain = unicodedata.normalize("NFD", word)
    return _without_marks(bare), _without_marks(plain)


def _without_marks(word: str) -> str:
    return "".join(letter for letter in word if not unicodedata.combining(letter))


_MONTH_NAMES = {number: name for name, number in reversed(MONTHS.items())}
_DAY_NAMES = {number: name for name, number in reversed(WEEKDAYS.items())}
_UMLAUTS = {ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue"}
_TYPED_OTHERWISE = {ord("\u2019"): "'", **{0xFF10 + n: str(n) for n in range(10)}}
"""The apostrophe of a telephone, and the wide digits of a Japanese keyboard."""
_WORDS: Mapping[str, str] = {
    "today": "heute aujourd'hui hoy 今日",
    "tomorrow": "morgen demain mañana 明日",
    "yesterday": "gestern hier ayer 昨日",
    "next": (
        "nächste nächsten nächster nächstes kommende kommenden kommender kommendes "
        "prochain prochaine próximo próxima"
    ),
    "this": "diese diesen dieser dieses ce cet cette este esta",
    "end of": "ende fin final finales",
    "end of month": "monatsende",
    "end of quarter": "quartalsende",
    "end of year": "jahresende",
    "day": "tag jour día",
    "days": "tage tagen jours días",
    "week": "woche semaine semana",
    "weeks": "wochen semaines semanas",
    "month": "monat monats mois mes",
    "months": "monate monaten meses",
    "quarter": "quartal quartals trimestre",
    "year": "jahr jahres année l'année d'année año",
    "years": "jahre jahren ans años",
    "in": "dans en dentro",
    "one": "einem einer un une una",
    "1": "1er",
    "q1": "t1",
    "q2": "t2",
    "q3": "t3",
    "q4": "t4",
    "": "de del der des den dem du la le el l' am zum vom desde à a al",
}
"""What they mean in German, French, Spanish and Japanese; the last of them says nothing."""
_PHRASES: Mapping[str, str] = {
    "que viene": "next",
    "fin de sema(?:ine|na)": "weekend",
    "l'an prochain": "next year",
    "dans un an": "in one year",
}
"""Of several words; a weekend is no end of a week, and no date."""
_NEXT_BEHIND = re.compile(rf"\b(week|month|quarter|year|{'|'.join(_DAY_NAMES.values())}) next$")
"""`vendredi prochain`: English says it before."""
_JAPANESE = tuple(
    (re.compile(pattern), meant)
    for pattern, meant in (
        (r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日", r"\1-\2-\3"),
        (r"([0-9]{1,2})月([0-9]{1,2})日", r"\1月 \2"),
        (r"([0-9]{4})年([0-9]{1,2})月末日?", r"end of \2月 \1"),
        (r"([0-9]{1,2})月末日?", r"end of \1月"),
        (r"([0-9]{4})年末", r"end of \1"),
        (r"今?月の?末日?", "end of month"),
        (r"来月の?末日?", "end of next month"),
        (r"今?四半期の?末日?", "end of quarter"),
        (r"来四半期の?末日?", "end of next quarter"),
        (r"今?年の?末日?", "end of year"),
        (r"来年の?末日?", "end of next year"),
        (r"([月火水木金土日]曜)日?", r"\1日"),
        (r"次の([月火水木金土日]曜)日?", r"next \1日"),
        (r"今週の?([月火水木金土日]曜)日?", r"\1日 this week"),
        (r"来週の?([月火水木金土日]曜)日?", r"\1日 next week"),
        (r"([0-9]{1,3})日後", r"in \1 days"),
        (r"([0-9]{1,3})週間後", r"in \1 weeks"),
        (r"([0-9]{1,3})[かカヶヵケ]月後", r"in \1 months"),
        (r"([0-9]{1,3})年後", r"in \1 years"),
    )
)
"""The whole text; a year of business (`年度`) has its end where its company says so."""


def _iso(match: re.Match[str], _today: date) -> date:
    return date(int(match["y"]), int(match["m"]), int(match["d"]))


def _figures(match: re.Match[str], _today: date) -> date:
    """`31/12/2026` and `12/31/2026`: read when only one order gives a day, else asked."""
    year, first, second = int(match["y"]), int(match["a"]), int(match["b"])
    readings = {
        date(year, month, day)
        for day, month in ((first, second), (second, first))
        if 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
    }
    if len(readings) > 1:
        raise AmbiguousDate(match[0], tuple(sorted(readings)))
    if not readings:
        raise UnreadableDate(match[0], "no_such_day")
    return readings.pop()


def _named(match: re.Match[str], today: date) -> date:
    month, day = MONTHS[match["month"]], int(match["d"])
    if match["y"]:
        return date(int(match["y"]), month, day)
    for year in range(today.year, today.year + 9):
        if day <= calendar.monthrange(year, month)[1] and date(year, month, day) >= today:
            return date(year, month, day)
    raise UnreadableDate(match[0], "no_such_day")


def _relative(match: re.Match[str], today: date) -> date:
    count = {"a": 1, "one": 1}.get(match["n"]) or int(match["n"])
    unit = match["unit"].removesuffix("s")
    if unit in {"day", "week"}:
        return today + timedelta(days=count * (7 if unit == "week" else 1))
    months = today.year * 12 + today.month - 1 + count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(today.day, _last_day(year, month + 1).day))


def _weekday(match: re.Match[str], today: date) -> date:
    ahead = (WEEKDAYS[match["day"]] - today.weekday() - 1) % 7 + 1
    return today + timedelta(days=ahead)


def _day_of_week(match: re.Match[str], today: date) -> date:
    """`friday next week`: a week begins on Monday to some and on Sunday to others."""
    day, ahead = WEEKDAYS[match["day"]], 7 if match["week"] == "next" else 0
    since_monday, since_sunday = today.weekday(), (today.weekday() + 1) % 7
    readings = {
        today + timedelta(days=ahead + day - since_monday),
        today + timedelta(days=ahead + (day + 1) % 7 - since_sunday),
    }
    if len(readings) > 1:
        raise AmbiguousDate(match[0], tuple(sorted(readings)))
    return readings.pop()


def _last_day(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def _end_of_month(match: re.Match[str], today: date) -> date:
    month = MONTHS[match["month"]]
    if match["y"]:
        return _last_day(int(match["y"]), month)
    this_year = _last_day(today.year, month)
    return this_year if this_year >= today else _last_day(today.year + 1, month)


def _end_of_period(match: re.Match[str], today: date) -> date:
    return _period_end(match["period"], 1 if match["next"] else 0, today)


def _end_of_year(match: re.Match[str], _today: date) -> date:
    return _last_day(int(match["y"]), 12)


def _short_period(match: re.Match[str], today: date) -> date:
    periods = {"w": "week", "m": "month", "q": "quarter", "y": "year"}
    return _period_end(periods[match["p"]], 0, today)


def _period_end(period: str, step: int, today: date) -> date:
    if period == "year":
        return date(today.year + step, 12, 31)
    if period == "week":
        return today + timedelta(days=6 - today.weekday() + 7 * step)
    months = today.year * 12 + today.month - 1
    months = months - months % 3 + 2 + 3 * step if period == "quarter" else months + step
    return _last_day(months // 12, months % 12 + 1)


def _quarter(match: re.Match[str], today: date) -> date:
    month = int(match["q"]) * 3
    if match["y"]:
        return _last_day(int(match["y"]), month)
    this_year = _last_day(today.year, month)
    return this_year if this_year >= today else _last_day(today.year + 1, month)


_MONTH = "(?P<month>" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\.?"
_DAY = r"(?P<d>[0-9]{1,2})(?:st|nd|rd|th|\.)?"
_YEAR = "(?P<y>[0-9]{4})"
_WEEKDAY = f"(?P<day>{'|'.join(WEEKDAYS)})"


def _form(pattern: str, read: Callable[[re.Match[str], date], date]) -> _Form:
    return _Form(re.compile(pattern), read)


_FORMS = (
    _form(r"today", lambda _match, today: today),
    _form(r"tomorrow", lambda _match, today: today + timedelta(days=1)),
    _form(r"yesterday", lambda _match, today: today - timedelta(days=1)),
    _form(rf"{_YEAR}-(?P<m>[0-9]{{1,2}})-(?P<d>[0-9]{{1,2}})(?:t00:00(?::00(?:\.0+)?)?z)?", _iso),
    _form(rf"(?P<a>[0-9]{{1,2}})([./-])(?P<b>[0-9]{{1,2}})\2{_YEAR}", _figures),
    _form(rf"{_DAY} (?:of )?{_MONTH}(?: {_YEAR})?", _named),
    _form(rf"{_MONTH} {_DAY}(?: {_YEAR})?", _named),
    _form(r"in (?P<n>a|one|[0-9]{1,3}) (?P<unit>(?:day|week|month|year)s?)", _relative),
    _form(rf"(?:on |this |next |coming )?{_WEEKDAY}", _weekday),
    _form(rf"(?:on )?{_WEEKDAY} (?:of )?(?P<week>this|next) week", _day_of_week),
    _form(rf"(?P<week>this|next) week (?:on )?{_WEEKDAY}", _day_of_week),
    _form(rf"(?:the )?end of {_MONTH}(?: {_YEAR})?", _end_of_month),
    _form(rf"(?:the )?end of {_YEAR}", _end_of_year),
    _form(
        r"(?:the )?end of (?:the |this )?(?P<next>next )?(?P<period>week|month|quarter|year)",
        _end_of_period,
    ),
    _form(r"eo(?P<p>[wmqy])", _short_period),
    _form(rf"(?:(?:the )?end of )?q(?P<q>[1-4])(?: {_YEAR})?", _quarter),
)
