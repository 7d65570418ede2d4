"""What a person fills in: labelled inputs that say what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cards.pieces import Part, Piece, Property, Words
from cards.wording import Text


class _Input(Part):
    label = Words()
    required = Property(bool, "isRequired")
    error = Words("errorMessage")
    placeholder = Words()
    value = Property(str)


class _Text(_Input):
    element_type = "Input.Text"
    multiline = Property(bool, "isMultiline")
    max_length = Property(int, "maxLength")
    style = Property(str)


class _Number(_Input):
    element_type = "Input.Number"
    value = Property((int, float))
    least = Property((int, float), "min")
    most = Property((int, float), "max")


class _Date(_Input):
    element_type = "Input.Date"
    least = Property(str, "min")
    most = Property(str, "max")


class _Option(Piece):
    title = Words()
    value = Property(str)


class _ChoiceSet(_Input):
    element_type = "Input.ChoiceSet"
    choices = Property(list)
    style = Property(str)
    wrap = Property(bool)


class _Toggle(_Input):
    element_type = "Input.Toggle"
    title = Words()
    wrap = Property(bool)


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
    return _Text(
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
    return _Number(
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
    return _Date(
        id=id,
        label=label,
        value=value.isoformat() if value else None,
        least=least.isoformat() if least else None,
        most=most.isoformat() if most else None,
        required=True if required else None,
        error=required,
    )


def entered_day(value: str) -> date | None:
    """The day that an Input.Date sends; None for anything else."""
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


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
    return _ChoiceSet(
        id=id,
        label=label,
        choices=[_Option(title=choice.title, value=_sendable(choice.value)) for choice in choices],
        value=_sendable(value) or None,
        required=True if required else None,
        error=required,
        placeholder=hint,
        style="expanded" if open else "compact",
        wrap=True,
    )


def toggle_input(id: str, label: Text, title: Text, *, on: bool = False) -> Piece:
    """An Input.Toggle; sends "true" or "false". `title` stands beside the box."""
    return _Toggle(id=id, label=label, title=title, value="true" if on else "false", wrap=True)


def _sendable(value: str) -> str:
    """The value as any JSON reader takes it: lone surrogates become U+FFFD."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
