"""The charts that Teams draws, each with the same numbers as a table for clients that draw none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from cards.elements import Piece, Text, table
from cards.pieces import Part, Property, Words


class Kind(StrEnum):
    """A chart of one row of numbers."""

    DONUT = "Chart.Donut"
    BARS = "Chart.HorizontalBar"


class Ink(StrEnum):
    """A colour of a chart; what it stands for is always written beside it."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "attention"
    NEUTRAL = "neutral"
    BLUE = "categoricalBlue"
    TEAL = "categoricalTeal"


@dataclass(frozen=True, slots=True)
class Share:
    """A number with its name; `said` is how the reader writes it."""

    name: Text
    value: Decimal
    said: Text
    ink: Ink | None = None


class _Chart(Part):
    title = Words()
    data = Property(list)


class _Donut(_Chart):
    element_type = Kind.DONUT.value


class _Bars(_Chart):
    element_type = Kind.BARS.value
    mode = Property(str, "displayMode")


_ONE_ROW: Final[dict[Kind, type[_Chart]]] = {
    Kind.DONUT: _Donut,
    Kind.BARS: _Bars,
}


def chart(kind: Kind, title: Text, shares: Sequence[Share], *, counts: Text) -> Piece:
    """A chart of one row. `counts` names what the numbers are, as the table's heading."""
    label, number = ("legend", "value") if kind is Kind.DONUT else ("x", "y")
    data: list[dict[str, object]] = [
        {label: share.name.plain, number: _number(share.value), **_ink(share.ink)}
        for share in shares
    ]
    rows = [(share.name, share.said) for share in shares]
    return _ONE_ROW[kind](title=title, data=data, fallback=table((title, counts), rows))


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _ink(ink: Ink | None) -> dict[str, object]:
    return {} if ink is None else {"color": ink.value}
