"""Completes the `adaptivecards` package: what a card of ours may consist of, and nothing else.

The package has text and containers only, drops keywords it does not know and nests objects in its
output (botbuilder-traps 2.4). Its property descriptors are kept; everything is built once, through
the functions below, and leaves as a plain dict.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import Final
from urllib.parse import urlsplit

import adaptivecards.adaptivecard as _package_card
import adaptivecards.containers as _package_containers
import adaptivecards.elements as _package
from adaptivecards.baseobject import BareObject as _BareObject
from adaptivecards.baseobject import Element as _Element
from adaptivecards.baseobject import PropertyType as _Property

from cards.actions import Action, pack
from cards.wording import NO_TEXT, Text, counted, is_longer, passage, shortened, text, words

__all__ = [
    "NO_TEXT",
    "Choice",
    "Color",
    "Fact",
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
    "link",
    "number_input",
    "paragraph",
    "passage",
    "shortened",
    "text",
    "text_input",
    "toggle",
    "toggle_input",
    "with_line_on_top",
    "words",
]

LINK_HOSTS: Final = frozenset({"partner.microsoft.com"})
"""Where a button may lead (case C5)."""


MOST_BYTES: Final = 28 * 1024
"""The size of a card's JSON that every client and every way of sending takes (teams.md 2.2)."""

_LONGEST_TITLE: Final = 25
_LONGEST_SUMMARY: Final = 300
_SHORTENED: Final = words("Shortened: the rest is in Partner Center.")
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


class _Markdown(_Property):  # type: ignore[misc]
    """A property that clients read as Markdown: takes Text only."""

    def __init__(self, key_name: str | None = None) -> None:
        super().__init__(Text, key_name)

    def __set__(self, instance: Piece, value: object) -> None:
        instance.set_data(self.key_name, self.written(value))

    def written(self, value: object) -> str:
        if not isinstance(value, Text):
            raise TypeError(f"{self.key_name} must be made by text() or words(), not {value!r}")
        return value.markdown


class _Words(_Markdown):
    """A property that clients show as it is: takes Text only, and writes what a person reads."""

    def written(self, value: object) -> str:
        if not isinstance(value, Text):
            raise TypeError(f"{self.key_name} must be made by text() or words(), not {value!r}")
        return value.plain


class Piece(_BareObject):  # type: ignore[misc]
    """A part of a card: knows all its properties, refuses others, and is built once."""

    def __init__(self, **properties: object) -> None:
        unknown = properties.keys() - _known(type(self))
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        super().__init__()
        for name, value in properties.items():
            if value is not None:
                setattr(self, name, value)
        self._sealed = True

    def set_data(self, key: str | None, value: object) -> None:
        """Raises AttributeError once the piece is built: a card handed out stays what it was."""
        if getattr(self, "_sealed", False):
            raise AttributeError(f"{key} of a built {type(self).__name__} cannot change")
        super().set_data(key, value)


def _known(kind: type) -> set[str]:
    return {
        name
        for parent in kind.__mro__
        for name, value in vars(parent).items()
        if isinstance(value, _Property)
    }


class _TextBlock(Piece, _package.TextBlock):  # type: ignore[misc]
    text = _Markdown()
    style = _Property(str)


class _Container(Piece, _package_containers.Container):  # type: ignore[misc]
    select_action = _Property(Piece, "selectAction")


class _Column(Piece, _package_containers.Column):  # type: ignore[misc]
    pass


class _ColumnSet(Piece, _package_containers.ColumnSet):  # type: ignore[misc]
    pass


class _Fact(Piece, _package_containers.Fact):  # type: ignore[misc]
    title = _Markdown()
    value = _Markdown()


class _FactSet(Piece, _package_containers.FactSet):  # type: ignore[misc]
    pass


class _ActionSet(Piece, _package_containers.ActionSet):  # type: ignore[misc]
    pass


class _Input(Piece, _Element):  # type: ignore[misc]
    label = _Words()
    required = _Property(bool, "isRequired")
    error = _Words("errorMessage")
    placeholder = _Words()
    value = _Property(str)


class _TextInput(_Input):
    element_type = "Input.Text"
    multiline = _Property(bool, "isMultiline")
    max_length = _Property(int, "maxLength")
    style = _Property(str)


class _NumberInput(_Input):
    element_type = "Input.Number"
    value = _Property((int, float))
    least = _Property((int, float), "min")
    most = _Property((int, float), "max")


class _DateInput(_Input):
    element_type = "Input.Date"
    least = _Property(str, "min")
    most = _Property(str, "max")


class _Choice(Piece):
    title = _Words()
    value = _Property(str)


class _ChoiceInput(_Input):
    element_type = "Input.ChoiceSet"
    choices = _Property(list)
    style = _Property(str)
    wrap = _Property(bool)


class _ToggleInput(_Input):
    element_type = "Input.Toggle"
    title = _Words()
    wrap = _Property(bool)


class _Action(Piece, _Element):  # type: ignore[misc]
    title = _Words()
    tooltip = _Words()
    style = _Property(str)
    verb = _Property(str)
    data = _Property(dict)
    url = _Property(str)
    inputs = _Property(str, "associatedInputs")
    fallback = _Property(Piece)
    targets = _Property(list, "targetElements")


class _Execute(_Action):
    element_type = "Action.Execute"


class _Submit(_Action):
    element_type = "Action.Submit"


class _OpenUrl(_Action):
    element_type = "Action.OpenUrl"


class _Toggle(_Action):
    element_type = "Action.ToggleVisibility"


class _Card(Piece, _package_card.AdaptiveCard):  # type: ignore[misc]
    speak = _Words()
    fallback_text = _Markdown("fallbackText")
    version = _Property(str)
    msteams = _Property(dict)
    refresh = _Property(dict)


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
    return _TextBlock(
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
    return _TextBlock(
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
        return max(map(len, self.value.plain.split()), default=0) <= LONGEST_WORD


def fact(title: Text, value: Text) -> Fact:
    """One line of `facts`. Short titles stay on one line."""
    if len(title.plain) <= 20:
        title = Text(title.plain.replace(" ", "\u00a0"), title.markdown.replace(" ", "\u00a0"))
    return Fact(title, value)


def facts(lines: Iterable[Fact], *, spacing: str | None = None) -> Piece:
    """A FactSet, of which Teams reads both sides as Markdown; a value with an endless word stands
    below its title instead."""
    blocks: list[Piece] = []
    for fits, group in groupby(lines, key=lambda line: line.fits):
        if fits:
            rows = [_Fact(title=line.title, value=line.value) for line in group]
            blocks.append(_FactSet(facts=rows, spacing=None if blocks else spacing))
        else:
            blocks += [piece for line in group for piece in _stacked(line)]
    return blocks[0] if len(blocks) == 1 else container(blocks, spacing=spacing)


def _stacked(line: Fact) -> tuple[Piece, Piece]:
    return (
        paragraph(line.title, subtle=True, spacing="small"),
        paragraph(line.value, spacing="none"),
    )


def column(items: Iterable[Piece], *, width: str = "stretch", middle: bool = False) -> Piece:
    """A Column. `width` is `auto`, `stretch` or a weight such as `2`."""
    return _Column(
        items=list(items),
        width=width,
        verticalContentAlignment="center" if middle else None,
    )


def columns(parts: Iterable[Piece], *, spacing: str | None = None) -> Piece:
    """A ColumnSet."""
    return _ColumnSet(columns=list(parts), spacing=spacing)


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
    """A Container. `tap` is the action of a press anywhere on it, made by `button`."""
    return _Container(
        items=list(items),
        style=style,
        separator=True if separator else None,
        spacing=spacing,
        id=id,
        visible=None if visible else False,
        select_action=tap,
    )


def text_input(
    id: str,
    label: Text,
    *,
    value: str = "",
    required: Text | None = None,
    hint: Text | None = None,
    multiline: bool = False,
    max_length: int | None = None,
    kind: str | None = None,
) -> Piece:
    """An Input.Text. `required` is what it says when left empty; `kind` e.g. `email` or `tel`."""
    return _TextInput(
        id=id,
        label=label,
        value=_sendable(value) or None,
        required=True if required else None,
        error=required,
        placeholder=hint,
        multiline=True if multiline else None,
        max_length=max_length,
        style=kind,
    )


def number_input(
    id: str,
    label: Text,
    *,
    value: float | None = None,
    least: float | None = None,
    most: float | None = None,
    required: Text | None = None,
    hint: Text | None = None,
) -> Piece:
    """An Input.Number; for counts, never for money, which people write in many ways."""
    return _NumberInput(
        id=id,
        label=label,
        value=value,
        least=least,
        most=most,
        required=True if required else None,
        error=required,
        placeholder=hint,
    )


def date_input(
    id: str,
    label: Text,
    *,
    value: date | None = None,
    least: date | None = None,
    most: date | None = None,
    required: Text | None = None,
) -> Piece:
    """An Input.Date."""
    return _DateInput(
        id=id,
        label=label,
        value=value.isoformat() if value else None,
        least=least.isoformat() if least else None,
        most=most.isoformat() if most else None,
        required=True if required else None,
        error=required,
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of an Input.ChoiceSet: what is sent, and what is read."""

    value: str
    title: Text


def choice_input(
    id: str,
    label: Text,
    choices: Sequence[Choice],
    *,
    value: str = "",
    required: Text | None = None,
    hint: Text | None = None,
    open: bool = False,
) -> Piece:
    """An Input.ChoiceSet: a drop-down, or all choices in sight when `open`.

    Some clients read the titles of open choices as Markdown: `open` is for our own words only.
    """
    return _ChoiceInput(
        id=id,
        label=label,
        choices=[_Choice(title=choice.title, value=_sendable(choice.value)) for choice in choices],
        value=_sendable(value) or None,
        required=True if required else None,
        error=required,
        placeholder=hint,
        style="expanded" if open else "compact",
        wrap=True,
    )


def toggle_input(id: str, label: Text, title: Text, *, on: bool = False) -> Piece:
    """An Input.Toggle; sends "true" or "false". `title` stands beside the box."""
    return _ToggleInput(id=id, label=label, title=title, value="true" if on else "false", wrap=True)


def button(
    title: Text,
    action: Action,
    *,
    primary: bool = False,
    danger: bool = False,
    inputs: bool = False,
    spoken: bool = False,
) -> Piece:
    """An Action.Execute, with an Action.Submit for clients that know none (teams.md 2.2).

    `inputs` says whether the press brings the card's inputs along and checks them first. `spoken`
    is for a title that nobody sees, because it names a press on a container: it is not cut short.
    """
    title = title if spoken else shortened(title, _LONGEST_TITLE)
    packed = pack(action)
    verb, data = packed["verb"], packed["data"]
    look = {
        "title": title,
        "style": "positive" if primary else "destructive" if danger else None,
        "inputs": "auto" if inputs else "none",
    }
    submit = _Submit(data={**data, "verb": verb}, **look)
    return _Execute(verb=verb, data=data, fallback=submit, **look)


def link(title: Text, url: str) -> Piece | None:
    """An Action.OpenUrl, or None for whatever is not an https address of a host we may open."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme != "https" or parts.hostname not in LINK_HOSTS or port not in (None, 443):
        return None
    if parts.username is not None or not url.isascii() or not url.isprintable() or "\\" in url:
        return None
    return _OpenUrl(title=title, url=url)


def toggle(title: Text, *targets: str) -> Piece:
    """An Action.ToggleVisibility of the pieces with these ids."""
    return _Toggle(title=title, targets=list(targets))


def action_set(actions: Iterable[Piece | None], *, spacing: str | None = None) -> Piece:
    """An ActionSet; missing actions are left out."""
    return _ActionSet(actions=[action for action in actions if action], spacing=spacing)


@dataclass(frozen=True, slots=True)
class Refresh:
    """What clients press by themselves to see their own version of a card.

    `people` are Teams ids; MOST_REFRESHED of them at most, the others press a button.
    """

    action: Action
    people: Sequence[str]


MOST_REFRESHED: Final = 60
"""People a card may name in `refresh.userIds` (teams.md 2.2)."""


def card(
    body: Iterable[Piece | None],
    actions: Iterable[Piece | None] = (),
    *,
    summary: Text,
    refresh: Refresh | None = None,
) -> dict[str, object]:
    """A whole card as a plain dict. `summary` says in one sentence what a client reads aloud, or
    shows when it cannot draw the card. A card over MOST_BYTES loses its last parts and says so."""
    summary = shortened(summary, _LONGEST_SUMMARY)
    buttons = [action for action in actions if action is not None]
    pieces = [piece for piece in body if piece is not None]
    built = _card(pieces, buttons, summary, refresh)
    while len(json.dumps(built)) > MOST_BYTES and pieces:
        pieces.pop()
        built = _card([*pieces, paragraph(_SHORTENED, strong=True)], buttons, summary, refresh)
    return built


def _refresh(asked: Refresh | None) -> dict[str, object] | None:
    if asked is None or not asked.people:
        return None
    packed = pack(asked.action)
    action = {"type": "Action.Execute", "title": "Refresh", **packed}
    return {"action": action, "userIds": list(dict.fromkeys(asked.people))[:MOST_REFRESHED]}


def with_line_on_top(whole: Mapping[str, object], says: Text) -> dict[str, object]:
    """A whole card with one small line above everything else."""
    body = whole.get("body")
    line = _plain_piece(paragraph(says, subtle=True, size=Size.SMALL))
    return {**whole, "body": [line, *(body if isinstance(body, list) else [])]}


def _card(
    body: list[Piece], actions: list[Piece], summary: Text, refresh: Refresh | None
) -> dict[str, object]:
    built = _Card(
        version="1.5",
        body=body,
        actions=actions or None,
        speak=summary,
        fallback_text=summary,
        msteams={"width": "Full"},
        refresh=_refresh(refresh),
    )
    return _plain_piece(built)


def _plain_piece(piece: Piece) -> dict[str, object]:
    return {key: _plain(inner) for key, inner in piece._data.items()}


def _plain(value: object) -> object:
    match value:
        case Piece():
            return _plain_piece(value)
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case StrEnum():
            return str(value)
        case str() | int() | float() | bool() | None:
            return value
        case _:
            raise TypeError(f"{value!r} has no place on a card")


def _sendable(value: str) -> str:
    """The value as any JSON reader takes it: lone surrogates become U+FFFD."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
