"""What our cards may consist of: text, facts, columns, and the card itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cards.actions import Action, pack
from cards.buttons import action_set, button, link, tap, toggle
from cards.drawn import Drawn, as_json
from cards.inputs import Choice, choice_input, date_input, number_input, text_input, toggle_input
from cards.language import Language, spoken
from cards.pieces import (
    Card,
    Column,
    ColumnSet,
    Container,
    FactLine,
    FactSet,
    Piece,
    Table,
    TableCell,
    TableRow,
    TextBlock,
    plain,
)
from cards.wording import NO_TEXT, Text, counted, is_longer, passage, shortened, text, words

__all__ = [
    "NO_TEXT",
    "Choice",
    "Color",
    "Fact",
    "Mention",
    "Piece",
    "Refresh",
    "Size",
    "Style",
    "Text",
    "action_set",
    "button",
    "card",
    "choice_input",
    "column",
    "columns",
    "container",
    "counted",
    "date_input",
    "fact",
    "facts",
    "heading",
    "is_longer",
    "left_out",
    "link",
    "number_input",
    "paragraph",
    "passage",
    "shortened",
    "table",
    "tap",
    "text",
    "text_input",
    "toggle",
    "toggle_input",
    "with_line_on_top",
    "words",
]

MOST_BYTES: Final = 28 * 1024
"""The size of a card's JSON that every client and every way of sending takes (teams.md 2.2)."""

_LONGEST_SUMMARY: Final = 300
_SHORTENED: Final = words("Shortened: the rest is in Partner Center.")
_LONGEST_TITLE: Final = 20
"""Of a fact that stays on one line, in Latin letters; a Japanese one is as wide as two."""
_WIDE: Final = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
_BETWEEN_WIDE: Final = re.compile(f"(?<={_WIDE.pattern})(?={_WIDE.pattern})")
LONGEST_WORD: Final = 24
"""Letters without a space that fit beside a title, 320 pixels wide."""


class Style(StrEnum):
    """The tone of a container."""

    PLAIN = "default"
    CALM = "emphasis"
    GOOD = "good"
    WARNING = "warning"
    BAD = "attention"
    ACCENT = "accent"


class Color(StrEnum):
    """The colour of a text; a word or a sign always says the same."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "attention"
    ACCENT = "accent"


class Size(StrEnum):
    """The size of a text."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


def paragraph(
    says: Text,
    *,
    size: Size | None = None,
    color: Color | None = None,
    strong: bool = False,
    subtle: bool = False,
    right: bool = False,
    spacing: str | None = None,
    id: str | None = None,
    visible: bool = True,
) -> Piece:
    """A TextBlock. It always wraps."""
    return TextBlock(
        text=says,
        wrap=True,
        size=size,
        color=color,
        weight="bolder" if strong else None,
        isSubtle=True if subtle else None,
        horizontalAlignment="right" if right else None,
        spacing=spacing,
        id=id,
        visible=None if visible else False,
    )


def heading(says: Text, *, size: Size = Size.LARGE, spacing: str | None = None) -> Piece:
    """A TextBlock that screen readers announce as a heading."""
    return TextBlock(
        text=says, wrap=True, style="heading", size=size, weight="bolder", spacing=spacing
    )


@dataclass(frozen=True, slots=True)
class Fact:
    """A title and its value, made by `fact`."""

    title: Text
    value: Text

    @property
    def fits(self) -> bool:
        """Whether the value breaks into lines on a phone; a FactSet cuts off what does not."""
        said = self.value.plain
        return len(said) <= LONGEST_WORD or max(map(len, said.split())) <= LONGEST_WORD


def fact(title: Text, value: Text) -> Fact:
    """One line of `facts`. Short titles stay on one line."""
    if len(title.plain) + len(_WIDE.findall(title.plain)) <= _LONGEST_TITLE:
        title = Text(_unbroken(title.plain), _unbroken(title.markdown))
    return Fact(title, value)


def _unbroken(title: str) -> str:
    """The title with nothing in it where a line may end: no space, and no bare border between two
    Japanese letters."""
    return _BETWEEN_WIDE.sub("\u2060", title.replace(" ", "\u00a0"))


def facts(lines: Iterable[Fact], *, spacing: str | None = None) -> Piece:
    """A FactSet, of which Teams reads both sides as Markdown. A value with an endless word stands
    below its title instead, and after the others, so that these share their columns; a single
    one that fits does not stand beside its title alone."""
    told = list(lines)
    fitting = [line for line in told if line.fits]
    if len(fitting) == 1 < len(told):
        fitting = []
    rows = [FactLine(title=line.title, value=line.value) for line in fitting]
    blocks: list[Piece] = [FactSet(facts=rows, spacing=spacing)] if rows else []
    below = [line for line in told if line not in fitting]
    blocks += [piece for line in below for piece in _stacked(line)]
    return blocks[0] if len(blocks) == 1 else container(blocks, spacing=spacing)


def _stacked(line: Fact) -> tuple[Piece, Piece]:
    return (
        paragraph(line.title, subtle=True, spacing="small"),
        paragraph(line.value, spacing="none"),
    )


def column(items: Iterable[Piece], *, width: str = "stretch", middle: bool = False) -> Piece:
    """A Column. `width` is `auto`, `stretch` or a weight such as `2`."""
    return Column(
        items=list(items),
        width=width,
        verticalContentAlignment="center" if middle else None,
    )


def columns(parts: Iterable[Piece], *, spacing: str | None = None) -> Piece:
    """A ColumnSet."""
    return ColumnSet(columns=list(parts), spacing=spacing)


def container(
    items: Iterable[Piece],
    *,
    style: Style | None = None,
    separator: bool = False,
    spacing: str | None = None,
    id: str | None = None,
    visible: bool = True,
    tap: Piece | None = None,
) -> Piece:
    """A Container. `tap` is the action of a press anywhere on it, made by `tap`."""
    return Container(
        items=list(items),
        style=style,
        separator=True if separator else None,
        spacing=spacing,
        id=id,
        visible=None if visible else False,
        select_action=tap,
    )


def table(head: Sequence[Text], rows: Iterable[Sequence[Text]]) -> Piece:
    """A Table with a heading: names in its first, widest column, numbers to the right elsewhere."""
    lines = [_cells(head, strong=True), *[_cells(row) for row in rows]]
    weights = [{"width": 2 if index == 0 else 1} for index in range(len(head))]
    return Table(columns=weights, rows=lines, has_lines=False)


def left_out(count: int) -> list[Piece]:
    """The line below a list that says how many of its rows are not there, if any."""
    if count <= 0:
        return []
    said = counted(
        "{count} more appears here once there are fewer.",
        "{count} more appear here once there are fewer.",
        count,
    )
    return [paragraph(said, subtle=True, size=Size.SMALL, spacing="small")]


def _cells(row: Sequence[Text], *, strong: bool = False) -> Piece:
    cells = [
        TableCell(type="TableCell", items=[paragraph(said, strong=strong, right=index > 0)])
        for index, said in enumerate(row)
    ]
    return TableRow(type="TableRow", cells=cells)


@dataclass(frozen=True, slots=True)
class Refresh:
    """What clients press by themselves to see their own version of a card.

    `people` are Teams ids; MOST_REFRESHED of them at most, the others press a button.
    """

    action: Action
    people: Sequence[str]


MOST_REFRESHED: Final = 60
"""People a card may name in `refresh.userIds` (teams.md 2.2)."""


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody who is told that a card names them: their Teams id and their name."""

    id: str
    name: str

    @property
    def said(self) -> Text:
        """The name as it stands in a text; without what would be Markdown or a tag in it."""
        name = _SIGNS.sub("", text(self.name, limit=60).plain).strip() or "?"
        return Text(name, f"<at>{name}</at>")


_SIGNS: Final = re.compile(r"[\\`*_\[\]{}<>&~|#]")


def card(
    body: Iterable[Piece | None],
    actions: Iterable[Piece | None] = (),
    *,
    summary: Text,
    refresh: Refresh | None = None,
    mentions: Sequence[Mention] = (),
) -> Drawn:
    """A whole card. `summary` says in one sentence what a client reads aloud, or
    shows when it cannot draw the card. `mentions` are those whose `said` stands in a text of it.
    A card over MOST_BYTES loses its last parts and says so."""
    summary = shortened(summary, _LONGEST_SUMMARY)
    buttons = [action for action in actions if action is not None]
    pieces = [piece for piece in body if piece is not None]
    about: dict[str, object] = {"msteams": _teams(mentions), "refresh": _refresh(refresh)}
    drawn = _card(pieces, buttons, summary, about)
    while len(drawn.json) > MOST_BYTES and pieces:
        pieces.pop()
        rest = paragraph(_SHORTENED, strong=True)
        drawn = _card([*pieces, rest], buttons, summary, about)
    return drawn


def _teams(mentions: Sequence[Mention]) -> dict[str, object]:
    if not mentions:
        return {"width": "Full"}
    entities = [
        {
            "type": "mention",
            "text": each.said.markdown,
            "mentioned": {"id": each.id, "name": each.said.plain},
        }
        for each in mentions
    ]
    return {"width": "Full", "entities": entities}


def _refresh(asked: Refresh | None) -> dict[str, object] | None:
    if asked is None or not asked.people:
        return None
    packed = pack(asked.action)
    action = {"type": "Action.Execute", "title": "Refresh", **packed}
    return {"action": action, "userIds": list(dict.fromkeys(asked.people))[:MOST_REFRESHED]}


def with_line_on_top(whole: Mapping[str, object], says: Text) -> dict[str, object]:
    """A whole card with one small line above everything else. It stays within MOST_BYTES as when
    it was made."""
    held = whole.get("body")
    below = list(held) if isinstance(held, list) else []
    line = plain(paragraph(says, subtle=True, size=Size.SMALL))
    made = {**whole, "body": [line, *below]}
    while len(as_json(made)) > MOST_BYTES and below:
        below.pop()
        made["body"] = [line, *below, plain(paragraph(_SHORTENED, strong=True))]
    return made


def _card(
    body: list[Piece], actions: list[Piece], summary: Text, about: Mapping[str, object]
) -> Drawn:
    built = Card(
        version="1.5",
        body=body,
        actions=actions or None,
        speak=summary,
        fallback_text=summary,
        lang=None if spoken() is Language.ENGLISH else spoken().value,
        **about,
    )
    return Drawn(plain(built))
