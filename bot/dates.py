"""Reads the dates people type; asks instead of guessing.

The same text means the same date for everybody: no locale is consulted, and months are understood
in every language of the bot. What is returned is always echoed in full by the cards.
"""

from __future__ import annotations

import calendar
import re
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
    after today. Raises AmbiguousDate or UnreadableDate.
    """
    wanted = " ".join(text.casefold().replace(",", " ").split())
    found = _read(text, wanted, today)
    if found is None:
        found = _read(text, _with_english_names(wanted), today)
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


def _with_english_names(wanted: str) -> str:
    """`31. märz 2026`, `31 de marzo de 2026`, `2026年3月31日` as they would be said in English."""
    wanted = _JAPANESE.sub(r"\1-\2-\3", wanted)
    said = (_english_names().get(word.rstrip("."), word) for word in wanted.split())
    return " ".join(word for word in said if word)


@lru_cache(maxsize=1)
def _english_names() -> Mapping[str, str]:
    """Days and months in the languages of the bot, but for those that mean several of them."""
    meanings: dict[str, set[str]] = {}
    for language in Language:
        for width in ("wide", "abbreviated"):
            for month, name in get_month_names(width, locale=language.value).items():
                meanings.setdefault(name.casefold().rstrip("."), set()).add(_MONTH_NAMES[month])
            for day, name in get_day_names(width, locale=language.value).items():
                meanings.setdefault(name.casefold().rstrip("."), set()).add(_DAY_NAMES[day])
    clear = {name: min(said) for name, said in meanings.items() if len(said) == 1}
    return {**clear, **_DAYS_NEAR, **_BETWEEN}


_JAPANESE = re.compile(r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日")
_MONTH_NAMES = {number: name for name, number in reversed(MONTHS.items())}
_DAY_NAMES = {number: name for name, number in reversed(WEEKDAYS.items())}
_DAYS_NEAR = {
    "heute": "today",
    "aujourd'hui": "today",
    "aujourd\u2019hui": "today",
    "hoy": "today",
    "今日": "today",
    "morgen": "tomorrow",
    "demain": "tomorrow",
    "mañana": "tomorrow",
    "明日": "tomorrow",
    "gestern": "yesterday",
    "hier": "yesterday",
    "ayer": "yesterday",
    "昨日": "yesterday",
}
_BETWEEN = {"de": "", "del": "", "den": "", "le": "", "el": "", "1er": "1"}
"""Words around a day that say nothing."""


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
    _form(rf"(?:on |this |next |coming )?(?P<day>{'|'.join(WEEKDAYS)})", _weekday),
    _form(rf"(?:the )?end of {_MONTH}(?: {_YEAR})?", _end_of_month),
    _form(
        r"(?:the )?end of (?:the |this )?(?P<next>next )?(?P<period>week|month|quarter|year)",
        _end_of_period,
    ),
    _form(r"eo(?P<p>[wmqy])", _short_period),
    _form(rf"(?:(?:the )?end of )?q(?P<q>[1-4])(?: {_YEAR})?", _quarter),
)
