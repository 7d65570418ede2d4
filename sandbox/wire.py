"""JSON exactly as it travels: exact decimals, seven-digit dates, values found by path."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NoReturn, TypeAlias

Json: TypeAlias = "bool | int | Decimal | str | list[Json] | dict[str, Json] | None"
Document: TypeAlias = dict[str, Json]

_LARGEST_EXPONENT = 400
_TICKS = 10_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnreadableJson(ValueError):
    """The text is not strict JSON: syntax, NaN, a duplicate name, bad UTF-8 or nested too deep."""


def read(text: bytes | str) -> Json:
    """Parse strict JSON; fractions become Decimal. Raises UnreadableJson."""
    try:
        parsed: Json = json.loads(
            text, parse_float=_decimal, parse_constant=_refuse, object_pairs_hook=_unique
        )
    except (ValueError, RecursionError) as problem:
        raise UnreadableJson(str(problem)) from problem
    return parsed


def write(value: Json) -> str:
    """Compact JSON text in which every Decimal keeps all its digits and has no exponent."""
    return "".join(_parts(value))


def write_bytes(value: Json) -> bytes:
    """The same in UTF-8, which has no halves of characters: they are escaped, as JSON allows."""
    return write(value).encode(errors="backslashreplace")


def at(document: Json, path: str) -> Json:
    """The value at a slash-separated path such as `customerProfile/address/country`, else None."""
    value = document
    for name in path.split("/"):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def text_at(document: Json, path: str) -> str:
    """The string at a path, or an empty one when it is absent or of another type."""
    value = at(document, path)
    return value if isinstance(value, str) else ""


def objects_at(document: Json, path: str) -> list[Document]:
    """The objects of the array at a path; anything else there is skipped."""
    value = at(document, path)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def object_at(document: Json, path: str) -> Document:
    """The object at a path itself, not a copy; an empty new one when there is none."""
    value = at(document, path)
    return value if isinstance(value, dict) else {}


def number(value: Json) -> Decimal | None:
    """A JSON number as Decimal; None for anything else, booleans included."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value)


def plain(value: Decimal | int) -> str:
    """A number without exponent and without trailing zeros after the point: `30000`, `25000.01`."""
    text = format(Decimal(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def stamp(moment: datetime) -> str:
    """A UTC time the way the API writes it: seven fractional digits and Z (API reference 4)."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}{moment.microsecond % 7}Z"


def day(moment: datetime) -> str:
    """Midnight UTC of a day, as closing dates are written."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}T00:00:00Z"


def moment(value: Json) -> datetime | None:
    """A date-time with an offset, up to seven fractional digits; None when it is not one."""
    if not isinstance(value, str) or "T" not in value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.astimezone(UTC) if parsed.tzinfo else None
    except (ValueError, OverflowError):
        return None


def ticks(value: Json) -> int | None:
    """The same in units of 100 ns since 1970, so that the seventh digit counts in comparisons."""
    parsed = moment(value)
    if parsed is None or not isinstance(value, str):
        return None
    digits = value.partition(".")[2]
    seventh = int(digits[6]) if len(digits) > 6 and digits[6].isdigit() else 0
    return (parsed - _EPOCH) // timedelta(microseconds=1) * (_TICKS // 1_000_000) + seventh


def trimmed(value: str) -> str:
    """A date-time re-written as the service keeps it: UTC, no trailing zeros in the fraction."""
    parsed = moment(value)
    if parsed is None:
        return value
    fraction = f".{parsed.microsecond:06d}".rstrip("0").rstrip(".")
    return f"{parsed:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if abs(value.adjusted()) > _LARGEST_EXPONENT:
        raise UnreadableJson("a number is out of range")
    return value


def _refuse(constant: str) -> NoReturn:
    raise UnreadableJson(f"{constant} is not a JSON value")


def _unique(pairs: Sequence[tuple[str, Json]]) -> Document:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise UnreadableJson("an object names a member twice")
    return dict(pairs)


def _parts(value: Json) -> Iterator[str]:
    match value:
        case Decimal():
            yield format(value, "f")
        case Mapping():
            yield "{"
            for index, (name, member) in enumerate(value.items()):
                yield f"{',' if index else ''}{json.dumps(name)}:"
                yield from _parts(member)
            yield "}"
        case list():
            yield "["
            for index, entry in enumerate(value):
                yield "," if index else ""
                yield from _parts(entry)
            yield "]"
        case _:
            yield json.dumps(value, ensure_ascii=False)
