"""What says the same as words, at a glance: badges, icons, progress, a stretch of time.

Teams on a desk draws them; a client that does not know one shows its fallback, which is made of
what every client knows (teams.md 2.2). None of them stands without its words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cards.elements import Color, Piece, Size, Text, column, columns, container, paragraph, text
from cards.pieces import Part, Property, Words

_STYLES: Final[Mapping[Color | None, str]] = {
    Color.GOOD: "Good",
    Color.WARNING: "Warning",
    Color.BAD: "Attention",
    Color.ACCENT: "Accent",
    None: "Default",
}

_SIGNS: Final = 15
"""Signs of a drawn bar: they fit in a line 320 pixels wide."""


class _Badge(Part):
    element_type = "Badge"
    text = Words()
    style = Property(str)
    appearance = Property(str)
    shape = Property(str)


class _Icon(Part):
    element_type = "Icon"
    name = Property(str)
    size = Property(str)
    style = Property(str)
    color = Property(str)


class _ProgressBar(Part):
    element_type = "ProgressBar"
    value = Property(int)
    most = Property(int, "max")
    color = Property(str)


def badge(state: Text, color: Color | None) -> Piece:
    """A state, with its sign in its words; without badges a coloured line."""
    return _Badge(
        text=state,
        style=_STYLES[color],
        appearance="Tint",
        shape="Rounded",
        fallback=paragraph(state, color=color, strong=True),
    )


def icon(name: str, sign: Text, color: Color | None = None) -> Piece:
    """One of Teams' icons by its name; without icons its `sign`."""
    return _Icon(
        name=name,
        size="Small",
        style="Filled",
        color=_STYLES[color],
        fallback=paragraph(sign, color=color, size=Size.MEDIUM, strong=True),
    )


def progress(done: int, of: int, says: Text, color: Color = Color.ACCENT) -> Piece:
    """How much of something is done, as a bar above the words that say it."""
    part, whole = max(0, min(done, of)), max(1, of)
    bar = _ProgressBar(
        value=part,
        most=whole,
        color=_STYLES[color],
        spacing="small",
        fallback=_drawn(part, whole, color),
    )
    return container([bar, paragraph(says, subtle=True, spacing="none")], spacing="small")


def _drawn(part: int, whole: int, color: Color) -> Piece:
    """The bar in signs, for clients that know no ProgressBar."""
    full = round(part * _SIGNS / whole)
    signs = text("■" * full + "□" * (_SIGNS - full))
    return paragraph(signs, color=color, spacing="small")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days from a beginning to an end, of which some have passed; each end has its words."""

    begins: tuple[Text, Text]
    """What begins, and on which day."""
    ends: tuple[Text, Text]
    passed: int
    days: int
    says: Text
    color: Color = Color.ACCENT


def timeline(stretch: Stretch) -> Piece:
    """A stretch of time: its two ends, how much of it is over, and what that means."""
    (began, first), (ended, last) = stretch.begins, stretch.ends
    ends = columns(
        [
            column([_end(began), paragraph(first, size=Size.SMALL, spacing="none")]),
            column(
                [
                    _end(ended, right=True),
                    paragraph(last, size=Size.SMALL, right=True, spacing="none"),
                ]
            ),
        ]
    )
    bar = progress(stretch.passed, stretch.days, stretch.says, stretch.color)
    return container([ends, bar], spacing="medium")


def _end(title: Text, *, right: bool = False) -> Piece:
    return paragraph(title, subtle=True, size=Size.SMALL, right=right)
