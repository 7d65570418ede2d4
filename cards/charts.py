"""The charts that Teams draws, each with the same numbers as a table for clients that draw none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from cards.elements import Piece, Text, table, words
from cards.pieces import Part, Property, Words


class Kind(StrEnum):
    """A chart of one row of numbers."""

    DONUT = "Chart.Donut"
    PIE = "Chart.Pie"
    COLUMNS = "Chart.VerticalBar"
    BARS = "Chart.HorizontalBar"


class RowsKind(StrEnum):
    """A chart of several rows over the same points."""

    LINES = "Chart.Line"
    GROUPS = "Chart.VerticalBar.Grouped"


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


@dataclass(frozen=True, slots=True)
class Row:
    """A named row of numbers, one for each point of the chart."""

    name: Text
    shares: Sequence[Share]
    ink: Ink | None = None


class _Chart(Part):
    title = Words()
    data = Property(list)


class _Donut(_Chart):
    element_type = Kind.DONUT.value


class _Pie(_Chart):
    element_type = Kind.PIE.value


class _Columns(_Chart):
    element_type = Kind.COLUMNS.value


class _Bars(_Chart):
    element_type = Kind.BARS.value
    mode = Property(str, "displayMode")


class _Lines(_Chart):
    element_type = RowsKind.LINES.value


class _Groups(_Chart):
    element_type = RowsKind.GROUPS.value


class _Gauge(_Chart):
    element_type = "Chart.Gauge"
    value = Property((int, float))
    least = Property((int, float), "min")
    most = Property((int, float), "max")
    sub_label = Words("subLabel")
    value_format = Property(str, "valueFormat")
    segments = Property(list)


_ONE_ROW: Final[dict[Kind, type[_Chart]]] = {
    Kind.DONUT: _Donut,
    Kind.PIE: _Pie,
    Kind.COLUMNS: _Columns,
    Kind.BARS: _Bars,
}
_ROUND: Final = frozenset({Kind.DONUT, Kind.PIE})
_MANY_ROWS: Final[dict[RowsKind, type[_Chart]]] = {
    RowsKind.LINES: _Lines,
    RowsKind.GROUPS: _Groups,
}


def chart(kind: Kind, title: Text, shares: Sequence[Share], *, counts: Text) -> Piece:
    """A chart of one row. `counts` names what the numbers are, as the table's heading."""
    label, number = ("legend", "value") if kind in _ROUND else ("x", "y")
    data: list[dict[str, object]] = [
        {label: share.name.plain, number: _number(share.value), **_ink(share.ink)}
        for share in shares
    ]
    rows = [(share.name, share.said) for share in shares]
    return _ONE_ROW[kind](title=title, data=data, fallback=table((title, counts), rows))


def rows_chart(kind: RowsKind, title: Text, rows: Sequence[Row]) -> Piece:
    """A chart of several rows; all have the same points."""
    data: list[dict[str, object]] = [
        {
            "legend": row.name.plain,
            "values": [{"x": each.name.plain, "y": _number(each.value)} for each in row.shares],
            **_ink(row.ink),
        }
        for row in rows
    ]
    points = [share.name for share in rows[0].shares] if rows else []
    lines = [
        (point, *[row.shares[index].said for row in rows]) for index, point in enumerate(points)
    ]
    head = (title, *[row.name for row in rows])
    return _MANY_ROWS[kind](title=title, data=data, fallback=table(head, lines))


def gauge(title: Text, percent: int, says: Text, *, ink: Ink = Ink.GOOD) -> Piece:
    """A share of a whole in percent, with the words that say it."""
    part = max(0, min(percent, 100))
    segments: list[dict[str, object]] = [
        {"legend": title.plain, "size": part, "color": ink.value},
        {"legend": words("Rest").plain, "size": 100 - part, "color": Ink.NEUTRAL.value},
    ]
    return _Gauge(
        title=title,
        value=part,
        least=0,
        most=100,
        sub_label=says,
        value_format="Percentage",
        segments=segments,
        fallback=table((title, words("Share")), [(says, words("{part} %", part=part))]),
    )


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _ink(ink: Ink | None) -> dict[str, object]:
    return {} if ink is None else {"color": ink.value}
