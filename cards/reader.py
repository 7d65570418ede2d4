"""The person a card is for: numbers, dates and times as they write them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, get_month_names
from babel.numbers import format_decimal

from cards.language import Language, language_of, spoken
from cards.wording import Text, sentence, text, words

_ENGLISH = Locale("en", "US")


@dataclass(frozen=True, slots=True)
class Reader:
    """Locale (`en-US`), IANA time zone and the present moment (aware) of whoever reads a card.

    An unknown locale reads as US English, an unknown or missing time zone as UTC: what Teams sends
    here is a wish, never a reason to fail.
    """

    locale: str = "en-US"
    timezone: str | None = None
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    @property
    def today(self) -> date:
        """The day it is where the reader is."""
        return self.now.astimezone(_zone(self.timezone)).date()

    def date(self, value: date | datetime) -> Text:
        """A day with its month in letters and its year. A datetime is read as its day in UTC."""
        day = value.astimezone(UTC).date() if isinstance(value, datetime) else value
        return _day(day, self.locale)

    def moment(self, value: datetime) -> Text:
        """A day and a time in the reader's own zone, which is named."""
        to_the_minute = value.replace(second=0, microsecond=0)
        day, time, zone = _moment(to_the_minute, self.locale, self.timezone)
        return words("{day}, {time} ({zone})", day=day, time=time, zone=zone)

    def country(self, code: str) -> Text:
        """A country by its name and code; an unknown one as it is."""
        name = _locale(self.locale).territories.get(code.upper())
        return words("{name} ({code})", name=name, code=code) if name else text(code, limit=40)

    def number(self, value: Decimal | int) -> Text:
        """A number with the reader's separators; every digit that is there, none added."""
        return _number(Decimal(value), self.locale)

    def money(self, value: Decimal, currency: str | None) -> Text:
        """An amount and its currency code in one line. Cents are shown when there are any, never
        rounded."""
        if currency is None:
            return words("{amount} (currency not set)", amount=_number(value, self.locale))
        code = text(currency, limit=10)
        return words("{currency}\u00a0{amount}", currency=code, amount=_number(value, self.locale))


@lru_cache(maxsize=1024)
def _day(day: date, locale: str) -> Text:
    return text(format_date(day, format="long", locale=_locale(locale)))


@lru_cache(maxsize=1024)
def _moment(value: datetime, locale: str, timezone: str | None) -> tuple[Text, Text, Text]:
    """The day, the time and the name of the zone."""
    zone = _zone(timezone)
    there = value.astimezone(zone)
    time = format_datetime(there, format="HH:mm", locale=_locale(locale))
    return _day(there.date(), locale), text(time), text(zone.key.removeprefix("Etc/"))


@lru_cache(maxsize=1024)
def _number(value: Decimal, name: str) -> Text:
    """Equal numbers read alike, however many zeros they were given with."""
    whole = value == value.to_integral_value()
    digits = 0 if whole else max(2, -int(value.normalize().as_tuple().exponent))
    locale = _locale(name)
    grouped = locale.decimal_formats[None].pattern.partition(";")[0].partition(".")[0]
    pattern = grouped + ("." + "0" * digits if digits else "")
    return text(format_decimal(value, format=pattern, locale=locale))


def day_in_words(day: date) -> str:
    """A day that can be read in one way only, for a reader of the language spoken now."""
    return sentence(
        "{day} {month} {year}",
        day=day.day,
        month=get_month_names("wide", locale=spoken().value)[day.month],
        year=day.year,
    )


@lru_cache(maxsize=64)
def _locale(name: str) -> Locale:
    """Numbers and dates are written in the language of the words around them."""
    if language_of(name) is Language.ENGLISH and not name.lower().startswith("en"):
        return _ENGLISH
    try:
        return Locale.parse(name.replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError, TypeError):
        return _ENGLISH


@lru_cache(maxsize=64)
def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
