"""Charts and signs: what Teams draws, and the same in what every client draws."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

import pytest

from cards.charts import Ink, Kind, Row, RowsKind, Share, chart, gauge, rows_chart
from cards.elements import Color, Piece, card, text, words
from cards.signs import Stretch, badge, icon, progress, timeline
from tests.rules.test_cards_gallery import TEAMS_ELEMENTS, nodes

Node = dict[str, object]
SHARES = (
    Share(words("● Active"), Decimal("30000.5"), words("30,000.50"), Ink.TEAL),
    Share(text("*won*"), Decimal(5), words("5")),
)


def made(piece: Piece) -> Node:
    (node,) = cast("list[Node]", card([piece], summary=words("x"))["body"])
    return node


def cells(table: Node) -> list[list[str]]:
    rows = cast("list[Node]", table["rows"])
    return [
        [
            str(cast("list[Node]", cell["items"])[0]["text"])
            for cell in cast("list[Node]", row["cells"])
        ]
        for row in rows
    ]


@pytest.mark.parametrize(
    ("kind", "label", "number"),
    [
        (Kind.DONUT, "legend", "value"),
        (Kind.PIE, "legend", "value"),
        (Kind.COLUMNS, "x", "y"),
        (Kind.BARS, "x", "y"),
    ],
)
def test_a_chart_holds_the_numbers_and_its_table_the_words(
    kind: Kind, label: str, number: str
) -> None:
    node = made(chart(kind, words("Deals by state"), SHARES, counts=words("Worth")))
    assert (node["type"], node["title"]) == (kind.value, "Deals by state")
    assert node["data"] == [
        {label: "● Active", number: 30000.5, "color": "categoricalTeal"},
        {label: "*won*", number: 5},
    ]
    table = cast("Node", node["fallback"])
    assert cells(table) == [
        ["Deals by state", "Worth"],
        ["● Active", "30,000.50"],
        [r"\*won\*", "5"],
    ]
    assert (table["type"], table.get("firstRowAsHeaders", True)) == ("Table", True)


@pytest.mark.parametrize("kind", RowsKind)
def test_a_chart_of_rows_has_a_column_for_each_of_them(kind: RowsKind) -> None:
    rows = [Row(words("2025"), SHARES, Ink.NEUTRAL), Row(words("2026"), SHARES)]
    node = made(rows_chart(kind, words("By year"), rows))
    data = cast("list[Node]", node["data"])
    assert [(row["legend"], row.get("color")) for row in data] == [
        ("2025", "neutral"),
        ("2026", None),
    ]
    assert data[0]["values"] == [{"x": "● Active", "y": 30000.5}, {"x": "*won*", "y": 5}]
    assert cells(cast("Node", node["fallback"])) == [
        ["By year", "2025", "2026"],
        ["● Active", "30,000.50", "30,000.50"],
        [r"\*won\*", "5", "5"],
    ]


def test_a_chart_of_no_rows_is_an_empty_table() -> None:
    node = made(rows_chart(RowsKind.LINES, words("By year"), []))
    assert node["data"] == []
    assert cells(cast("Node", node["fallback"])) == [["By year"]]


@pytest.mark.parametrize(("percent", "drawn"), [(63, 63), (-4, 0), (140, 100)])
def test_a_gauge_stays_within_its_scale(percent: int, drawn: int) -> None:
    node = made(gauge(words("Won"), percent, words("5 of 8 deals")))
    segments = cast("list[Node]", node["segments"])
    assert node["value"] == drawn
    assert sum(cast("int", part["size"]) for part in segments) == 100
    assert cells(cast("Node", node["fallback"]))[1] == ["5 of 8 deals", f"{drawn} %"]


def test_a_badge_and_an_icon_fall_back_to_coloured_words() -> None:
    state = made(badge(words("✔ Won"), Color.GOOD))
    assert (state["text"], state["style"]) == ("✔ Won", "Good")
    below = cast("Node", state["fallback"])
    assert (below["text"], below["color"]) == ("✔ Won", "good")
    sign = made(icon("Trophy", words("★")))
    assert (sign["name"], cast("Node", sign["fallback"])["text"]) == ("Trophy", "★")


@pytest.mark.parametrize(
    ("done", "of", "value", "full"),
    [(4, 6, 4, 10), (0, 6, 0, 0), (6, 6, 6, 15), (9, 6, 6, 15), (-1, 6, 0, 0), (0, 0, 0, 0)],
)
def test_progress_is_drawn_and_said(done: int, of: int, value: int, full: int) -> None:
    bar, says = cast("list[Node]", made(progress(done, of, words("said")))["items"])
    assert bar["value"] == value
    assert cast("int", bar["max"]) >= 1
    drawn = str(cast("Node", bar["fallback"])["text"])
    assert (drawn.count("■"), len(drawn)) == (full, 15)
    assert says["text"] == "said"


def test_a_timeline_says_both_ends_and_what_is_left() -> None:
    stretch = Stretch(
        (words("Signed"), words("February 12")),
        (words("Last day"), words("April 13")),
        18,
        60,
        words("42 days left"),
        Color.GOOD,
    )
    node = made(timeline(stretch))
    said = [str(each["text"]) for each in nodes(node) if each.get("type") == "TextBlock"]
    for part in ("Signed", "February 12", "Last day", "April 13", "42 days left"):
        assert part in said
    (bar,) = [each for each in nodes(node) if each.get("type") == "ProgressBar"]
    assert (bar["value"], bar["max"], bar["color"]) == (18, 60, "Good")


def test_all_that_teams_draws_is_known_to_the_rules() -> None:
    kinds = {each.value for each in (*Kind, *RowsKind)}
    assert kinds | {"Badge", "Icon", "ProgressBar", "Chart.Gauge"} == set(TEAMS_ELEMENTS)
