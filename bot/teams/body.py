"""Reads a request body as strict JSON: bounded, unambiguous, and safe to store and log."""

from __future__ import annotations

import json
import math
import re

from bot.teams.refusal import malformed

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_NUMBER = 40

_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_UNSTORABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def parse_body(raw: bytes) -> dict[str, object]:
    """The JSON object in `raw`.

    Raises Refused(400) for anything else: other UTF-8, NaN, duplicate keys, more than 32 levels,
    numbers of more than 40 characters. Lone surrogates and NUL become U+FFFD.
    """
    _check_depth(raw)
    try:
        parsed = json.loads(
            raw.decode("utf-8"),
            parse_int=_whole,
            parse_float=_fraction,
            parse_constant=_refuse,
            object_pairs_hook=_unique,
        )
    except ValueError as error:
        raise malformed() from error
    clean = _storable(parsed) if _UNSTORABLE.search(raw) else parsed
    if not isinstance(clean, dict):
        raise malformed()
    return clean


def _check_depth(raw: bytes) -> None:
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(raw):
        first = match.group()[:1]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise malformed()
        elif first in b"]}":
            depth -= 1


def _whole(digits: str) -> int:
    if len(digits) > MAX_NUMBER:
        raise ValueError("number too long")
    return int(digits)


def _fraction(digits: str) -> float:
    value = float(digits) if len(digits) <= MAX_NUMBER else math.inf
    if not math.isfinite(value):
        raise ValueError("number too large")
    return value


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _storable(value: object) -> object:
    match value:
        case str():
            text = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            return text.replace("\x00", "\ufffd")
        case list():
            return [_storable(item) for item in value]
        case dict():
            return {str(_storable(key)): _storable(item) for key, item in value.items()}
        case _:
            return value
