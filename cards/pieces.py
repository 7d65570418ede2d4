"""The ground that cards are built on: the `adaptivecards` package, closed to slips.

The package drops keywords it does not know, nests objects in its output and knows nothing newer
than text and containers (botbuilder-traps 2.4). Its elements and property descriptors are kept:
here they learn to refuse what they do not know, to take outside text only as Text, to be built
once, and to hold nothing but plain values, so that a card is ready to be sent as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import ClassVar, Final

import adaptivecards.adaptivecard as _card
import adaptivecards.containers as _containers
import adaptivecards.elements as _elements
from adaptivecards.baseobject import BareObject as _BareObject
from adaptivecards.baseobject import Element as _Element
from adaptivecards.baseobject import PropertyType as _PropertyType

from cards.wording import Text

_Writer = Callable[[object], object]
_SIMPLE: Final = frozenset({str, bool, int, float, type(None)})


class Property(_PropertyType):  # type: ignore[misc]
    """A property of ours beside the package's: its type, and its name in JSON when that differs."""


class Markdown(Property):
    """A property that clients read as Markdown: takes Text only."""

    def __init__(self, key_name: str | None = None) -> None:
        super().__init__(Text, key_name)


class Words(Property):
    """A property that clients show as it is: takes Text only, and writes what a person reads."""

    def __init__(self, key_name: str | None = None) -> None:
        super().__init__(Text, key_name)


class Piece(_BareObject):  # type: ignore[misc]
    """A part of a card: knows all its properties, refuses others, and is built once."""

    _writers: ClassVar[Mapping[str, tuple[str, _Writer]]] = {}
    _blank: ClassVar[dict[str, object]] = {}
    """What the package gives every piece of the kind: its type, mostly."""
    _sealed = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        known = {
            name: value
            for parent in reversed(cls.__mro__)
            for name, value in vars(parent).items()
            if isinstance(value, _PropertyType)
        }
        cls._writers = {name: (slot.key_name, _writer(slot)) for name, slot in known.items()}
        blank = cls.__new__(cls)
        super(Piece, blank).__init__()
        cls._blank = blank._data

    def __init__(self, **properties: object) -> None:
        held, writers = self._blank.copy(), self._writers
        if not properties.keys() <= writers.keys():
            unknown = ", ".join(sorted(properties.keys() - writers.keys()))
            raise TypeError(f"{type(self).__name__} has no {unknown}")
        for name, value in properties.items():
            if value is not None:
                key, write = writers[name]
                held[key] = write(value)
        self._data, self._sealed = held, True

    def set_data(self, key: str | None, value: object) -> None:
        """Raises AttributeError once the piece is built: a card handed out stays what it was."""
        if self._sealed:
            raise AttributeError(f"{key} of a built {type(self).__name__} cannot change")
        super().set_data(key, value)


def plain(piece: Piece) -> dict[str, object]:
    """The piece as it is sent."""
    return dict(piece._data)


def _writer(slot: _PropertyType) -> _Writer:
    """What makes a property's value plain; raises TypeError for one of the wrong type."""
    name, kind = slot.key_name, slot.type

    def markdown(value: object) -> str:
        if not isinstance(value, Text):
            raise TypeError(f"{name} must be made by text() or words(), not {value!r}")
        return value.markdown

    def as_read(value: object) -> str:
        if not isinstance(value, Text):
            raise TypeError(f"{name} must be made by text() or words(), not {value!r}")
        return value.plain

    def typed(value: object) -> object:
        if type(value) is kind and kind in _SIMPLE:
            return value
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be of type {kind}, not {value!r}")
        return _plain(value)

    return markdown if isinstance(slot, Markdown) else as_read if isinstance(slot, Words) else typed


def _plain(value: object) -> object:
    if type(value) in _SIMPLE:
        return value
    match value:
        case Piece():
            return value._data
        case StrEnum():
            return value.value
        case list():
            return [each._data if isinstance(each, Piece) else _plain(each) for each in value]
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case _:
            raise TypeError(f"{value!r} has no place on a card")


class Part(Piece, _Element):  # type: ignore[misc]
    """A piece with a type of its own: an element, an input, an action."""

    fallback = Property(Piece)
    target_width = Property(str, "targetWidth")


class TextBlock(Part, _elements.TextBlock):  # type: ignore[misc]
    """Text."""

    text = Markdown()
    style = Property(str)


class Container(Part, _containers.Container):  # type: ignore[misc]
    """Pieces one below the other."""

    select_action = Property(Piece, "selectAction")


class Column(Part, _containers.Column):  # type: ignore[misc]
    """A part of a ColumnSet."""


class ColumnSet(Part, _containers.ColumnSet):  # type: ignore[misc]
    """Columns side by side."""


class FactLine(Piece, _containers.Fact):  # type: ignore[misc]
    """One line of a FactSet."""

    title = Markdown()
    value = Markdown()


class FactSet(Part, _containers.FactSet):  # type: ignore[misc]
    """Titles and values."""


class Table(Part):
    """Rows of cells; the first row is the heading."""

    element_type = "Table"
    columns = Property(list)
    rows = Property(list)
    has_lines = Property(bool, "showGridLines")


class TableRow(Piece):
    """A row of a Table."""

    type = Property(str)
    cells = Property(list)


class TableCell(Piece):
    """A cell of a Table."""

    type = Property(str)
    items = Property(list)


class ActionSet(Part, _containers.ActionSet):  # type: ignore[misc]
    """Buttons in the middle of a card."""


class Card(Piece, _card.AdaptiveCard):  # type: ignore[misc]
    """The whole."""

    speak = Words()
    fallback_text = Markdown("fallbackText")
    version = Property(str)
    msteams = Property(dict)
    refresh = Property(dict)
