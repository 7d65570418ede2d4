"""Amounts of money: read what people type without guessing, write what the API expects.

One rule for everybody, whatever their locale:

* Blanks and apostrophes only group digits. `,` and `.` group or mark decimals.
* When both occur, the last kind is the decimal mark. A kind that occurs twice groups.
* A single `,` or `.` with other than three digits behind it is the decimal mark.
* A single `,` or `.` with exactly three digits behind it can be read both ways. A reading is
  dropped when the amount cannot exist: `USD 30,000` is thirty thousand, because dollars have two
  decimals, not three; `0.125` cannot be grouped. When two readings are left, nobody guesses:
  AmbiguousAmount carries both. A bare `30,000` names no currency, so both are left.
* `k`, `m`, `bn` (and a few words) multiply by a thousand, a million, a thousand million.
  `billion` is not read at all: it is a different number in different languages.
* `万`, `億` and the like count as in Japan: `1億2000万円`. Beside them `,` groups and `.` marks
  decimals, as whoever writes them does.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

LIMIT = Decimal(10) ** 13
"""Amounts are below this: with two decimals that is 15 digits, exact in any JSON reader."""

LONGEST_TEXT = 64
_MOST_TYPED_DECIMALS = 12

_MINOR_DIGITS: Mapping[str, int] = MappingProxyType(
    dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"), 0)
    | dict.fromkeys(("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0)
    | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
)

_CODES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP"
    " BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP"
    " GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES"
    " KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU"
    " MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON"
    " RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP"
    " TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW"
    " ZWG"
)
CURRENCIES = frozenset(_CODES.split())
"""ISO 4217 codes of what is legal tender somewhere today; a test holds them to CLDR's, whose whole
table takes 3 MB to load."""


def minor_digits(currency: str) -> int:
    """How many decimals an amount in this currency can have (ISO 4217)."""
    return _MINOR_DIGITS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Amount:
    """What was typed. `currency` is None when none was named."""

    value: Decimal
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency (ISO 4217 code)."""

    amount: Decimal
    currency: str


class Unreadable(StrEnum):
    """Why a text is not an amount."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    FOREIGN_DIGITS = "foreign_digits"
    NEGATIVE = "negative"
    ZERO = "zero"
    NOT_A_NUMBER = "not_a_number"
    EXPONENT = "exponent"
    SEVERAL = "several"
    MALFORMED = "malformed"
    UNKNOWN_CURRENCY = "unknown_currency"
    TOO_PRECISE = "too_precise"
    TOO_LARGE = "too_large"


class MoneyError(ValueError):
    """A text that is not one certain amount."""


class UnreadableAmount(MoneyError):
    """No amount can be read; `reason` is an Unreadable."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class AmbiguousAmount(MoneyError):
    """Several amounts can be read, the person has to say which."""

    def __init__(self, text: str, readings: tuple[Amount, ...]) -> None:
        self.text = text
        self.readings = readings
        super().__init__(f"{len(readings)} readings")


_DOLLARS = ("USD", "AUD", "CAD", "HKD", "NZD", "SGD", "TWD", "MXN")
_MARKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "$": _DOLLARS,
        "dollar": _DOLLARS,
        "dollars": _DOLLARS,
        "us$": ("USD",),
        "a$": ("AUD",),
        "au$": ("AUD",),
        "c$": ("CAD",),
        "ca$": ("CAD",),
        "hk$": ("HKD",),
        "nz$": ("NZD",),
        "s$": ("SGD",),
        "r$": ("BRL",),
        "€": ("EUR",),
        "euro": ("EUR",),
        "euros": ("EUR",),
        "£": ("GBP",),
        "¥": ("JPY", "CNY"),
        "₹": ("INR",),
        "₩": ("KRW",),
        "₪": ("ILS",),
        "₺": ("TRY",),
        "zł": ("PLN",),
        "円": ("JPY",),
        "￥": ("JPY", "CNY"),
        "ドル": _DOLLARS,
        "米ドル": ("USD",),
        "ユーロ": ("EUR",),
    }
)
"""Signs and the currencies they can stand for. `$` alone is the US dollar, the currency of the
programme; next to a code (`$30k CAD`) it is any dollar."""

_JAPANESE_UNITS: Mapping[str, Decimal] = MappingProxyType(
    {
        "千": Decimal(10) ** 3,
        "万": Decimal(10) ** 4,
        "百万": Decimal(10) ** 6,
        "千万": Decimal(10) ** 7,
        "億": Decimal(10) ** 8,
    }
)
_UNITS: Mapping[str, Decimal] = MappingProxyType(
    {
        "": Decimal(1),
        "k": Decimal(10) ** 3,
        "thousand": Decimal(10) ** 3,
        "m": Decimal(10) ** 6,
        "mn": Decimal(10) ** 6,
        "mio": Decimal(10) ** 6,
        "million": Decimal(10) ** 6,
        "bn": Decimal(10) ** 9,
        "mrd": Decimal(10) ** 9,
        **_JAPANESE_UNITS,
    }
)

_BLANKS = "\u0020\u00a0\u2009\u202f"
_APOSTROPHES = "'\u2019"
_MINUSES = "-\u2212\u2010\u2011\u2012\u2013\u2014\uff0d"
_SIGNS = frozenset("".join(mark for mark in (*_MARKS, *_UNITS) if not mark.isascii()))

_ONE_KIND = {ord(blank): " " for blank in _BLANKS} | {ord(mark): "'" for mark in _APOSTROPHES}

_SIGN_PATTERN = "|".join(re.escape(mark) for mark in sorted(_MARKS, key=len, reverse=True))
_UNIT_PATTERN = "|".join(sorted(filter(None, _UNITS), key=len, reverse=True))
_SHAPE = re.compile(
    rf"(?:(?P<code>[a-z]{{3}}) *)?(?:(?P<sign>{_SIGN_PATTERN}) *)?"
    rf"(?P<number>\d(?:[\d.,' ]*\d)?)"
    rf"(?: *(?P<unit>{_UNIT_PATTERN}))?"
    rf"(?: *(?P<sign_after>{_SIGN_PATTERN}))?(?: *(?P<code_after>[a-z]{{3}}))?"
)
_GROUPED = re.compile(r"[1-9]\d{0,2}(?P<mark>[,.' ])\d{3}(?:(?P=mark)\d{3})*")
_INDIAN = re.compile(r"[1-9]\d?(?:,\d{2})+,\d{3}")
_WHOLE = re.compile(r"0|[1-9]\d*")
_IN_TWO_UNITS = re.compile(r"(?<![\d.,])(\d{1,5}) ?億 ?(\d{1,4}|\d,\d{3}) ?万")
"""`1億2000万`: so many times a hundred million, and so many times ten thousand."""


def parse_amount(text: str, *, zero: bool = False) -> Amount:
    """The one amount a text means, e.g. `30k`, `€250.000,50`, `CHF 1'000'000`, `1.2m usd`.

    The whole text has to be the amount. `zero` allows 0. Raises AmbiguousAmount with every possible
    reading, or UnreadableAmount with an Unreadable reason. Never depends on a locale.
    """
    tidy = _IN_TWO_UNITS.sub(_in_one_unit, _tidied(text))
    shape = _SHAPE.fullmatch(tidy)
    if shape is None:
        raise UnreadableAmount(_why_not(tidy))
    currencies = _currencies(shape)
    numbers = _readings(shape["number"])
    if len(numbers) > 1 and shape["unit"] in _JAPANESE_UNITS:
        numbers = numbers[:1] if "," in shape["number"] else numbers[1:]
    values = [
        (number * _UNITS[shape["unit"] or ""], _precision(number, shape)) for number in numbers
    ]
    if any(value >= LIMIT for value, _ in values):
        raise UnreadableAmount(Unreadable.TOO_LARGE)
    possible = tuple(
        Amount(Decimal(plain(value)), currency)
        for currency in currencies
        for value, decimals in values
        if decimals <= _most_decimals(currency, doubtful=len(values) > 1)
    )
    if not possible:
        raise UnreadableAmount(Unreadable.TOO_PRECISE)
    if possible[0].value == 0 and not zero:
        raise UnreadableAmount(Unreadable.ZERO)
    if len(possible) > 1:
        raise AmbiguousAmount(text, possible)
    return possible[0]


def _tidied(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise UnreadableAmount(Unreadable.TOO_LONG)
    for character in text:
        if character.isascii() or character in _SIGNS:
            continue
        if character in _MINUSES:
            raise UnreadableAmount(Unreadable.NEGATIVE if _leads(text) else Unreadable.SEVERAL)
        if unicodedata.category(character).startswith("N"):
            raise UnreadableAmount(Unreadable.FOREIGN_DIGITS)
        if character not in _BLANKS + _APOSTROPHES:
            raise UnreadableAmount(Unreadable.MALFORMED)
    one_kind = text.translate(_ONE_KIND)
    tidy = one_kind.strip().lower()
    if not tidy:
        raise UnreadableAmount(Unreadable.EMPTY)
    return tidy


def _in_one_unit(match: re.Match[str]) -> str:
    return f"{int(match[1]) * 10_000 + int(match[2].replace(',', ''))}万"


def _leads(text: str) -> bool:
    """Whether a minus stands in front of the first digit or behind the last, not between two."""
    return re.search(rf"\d\s*[{_MINUSES}]\s*\d", text) is None


def _why_not(tidy: str) -> Unreadable:
    """The most telling reason for a text that has not the shape of an amount."""
    numbers = re.findall(r"\d[\d.,' ]*", tidy)
    if re.search(r"\b(?:nan|inf|infinity)\b", tidy) or not numbers:
        return Unreadable.NOT_A_NUMBER
    if re.search(r"\d\s*e\s*[+-]?\d", tidy):
        return Unreadable.EXPONENT
    if len(numbers) > 1:
        return Unreadable.SEVERAL
    if "-" in tidy or re.fullmatch(r"\(.*\)", tidy):
        return Unreadable.NEGATIVE
    return Unreadable.MALFORMED


def _currencies(shape: re.Match[str]) -> tuple[str | None, ...]:
    """The currencies the signs and codes around a number agree on; (None,) when there are none."""
    codes = {code.upper() for code in (shape["code"], shape["code_after"]) if code}
    signs = [_MARKS[sign] for sign in (shape["sign"], shape["sign_after"]) if sign]
    if len(codes) > 1 or len(signs) > 1 or not codes <= CURRENCIES:
        raise UnreadableAmount(Unreadable.UNKNOWN_CURRENCY)
    if not codes:
        if not signs:
            return (None,)
        return ("USD",) if signs[0] is _DOLLARS else signs[0]
    (code,) = codes
    if signs and code not in signs[0]:
        raise UnreadableAmount(Unreadable.UNKNOWN_CURRENCY)
    return (code,)


def _readings(number: str) -> tuple[Decimal, ...]:
    """What a run of digits and separators can mean: grouped first, then with decimals."""
    readings: list[Decimal] = []
    if _WHOLE.fullmatch(number) or _GROUPED.fullmatch(number) or _INDIAN.fullmatch(number):
        readings.append(Decimal(re.sub(r"\D", "", number)))
    whole, mark, decimals = _split(number)
    if mark and (_WHOLE.fullmatch(whole) or _grouped_otherwise(whole, mark)):
        if len(decimals) > _MOST_TYPED_DECIMALS:
            raise UnreadableAmount(Unreadable.TOO_PRECISE)
        readings.append(Decimal(f"{re.sub(r'[^0-9]', '', whole)}.{decimals}"))
    if not readings:
        raise UnreadableAmount(Unreadable.MALFORMED)
    return tuple(readings)


def _split(number: str) -> tuple[str, str, str]:
    last = max(number.rfind(","), number.rfind("."))
    if last < 0 or not number[last + 1 :].isdigit():
        return number, "", ""
    return number[:last], number[last], number[last + 1 :]


def _grouped_otherwise(whole: str, mark: str) -> bool:
    return mark not in whole and bool(_GROUPED.fullmatch(whole) or _INDIAN.fullmatch(whole))


def _precision(number: Decimal, shape: re.Match[str]) -> int:
    """Decimals as typed (`50.000` has three); with a unit, those that are left of it."""
    if shape["unit"]:
        return decimals_of(number * _UNITS[shape["unit"]])
    exponent = number.as_tuple().exponent
    return max(0, -int(exponent))


def _most_decimals(currency: str | None, *, doubtful: bool) -> int:
    """Without a currency two decimals are usual; a doubtful third is for the person to explain."""
    if currency is None:
        return _MOST_TYPED_DECIMALS if doubtful else 2
    return minor_digits(currency)


def decimals_of(value: Decimal) -> int:
    """How many decimals a finite number needs: 2 for 0.25, 0 for 30.00."""
    return max(0, -int(value.normalize().as_tuple().exponent))


def plain(value: Decimal) -> str:
    """The API's spelling of a number: `10000`, `250000.10`. No exponent, no grouping.

    Raises ValueError for NaN and infinity.
    """
    if not value.is_finite():
        raise ValueError("not a finite number")
    needed = decimals_of(value)
    return format(value if value else Decimal(0), f".{max(2, needed) if needed else 0}f")
