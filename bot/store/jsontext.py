"""JSON in a text column: written in one canonical form, read back as plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


_CANONICAL = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


def write(value: Json) -> str:
    """The text of `value`, keys sorted. Raises ValueError for NaN, TypeError for anything else."""
    return _CANONICAL(value)


def read(text: str) -> Json:
    """The value of a text that `write` made. Raises ValueError when it is not JSON."""
    value: Json = json.loads(text)
    return value
