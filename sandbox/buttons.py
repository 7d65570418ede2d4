"""Finds the buttons and inputs of an Adaptive Card, and what pressing one sends."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Node = Mapping[str, object]


class NoSuchButton(Exception):
    """The card has no button with this title or verb; says which it has."""


class InputRefused(Exception):
    """The client would not send the form: which input, and the words shown beside it."""


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was found, and the data it sends: its own, overlaid with the inputs."""

    action: Node
    data: dict[str, object]

    @property
    def kind(self) -> str:
        """Action.Execute, Action.Submit, Action.OpenUrl, ..."""
        return str(self.action.get("type", ""))


def press(
    card: Node,
    *,
    title: str | None = None,
    verb: str | None = None,
    data: Mapping[str, object] | None = None,
    inputs: Mapping[str, object] | None = None,
) -> Press:
    """Press the button with this title, or with this verb and (some of) this data.

    Inputs not given keep the value the card gives them; empty ones are not sent, as the
    Adaptive Cards renderer does it. Raises NoSuchButton or InputRefused.
    """
    action = _find(card, title, verb, data or {})
    sent = action.get("data")
    own = copy.deepcopy(dict(sent)) if isinstance(sent, Mapping) else {}
    if action.get("associatedInputs") == "none":
        return Press(action, own)
    values = _input_values(card, inputs or {})
    return Press(action, {**own, **values})


def titles(card: Node) -> list[str]:
    """The titles of all buttons, in order."""
    return [str(action.get("title", "")) for action in actions(card)]


def actions(node: object) -> Iterator[Node]:
    """Every action in a card, however deep; fallbacks are not drawn and not counted."""
    for part in _nodes(node):
        if str(part.get("type", "")).startswith("Action."):
            yield part


def has_button(card: Node, title: str | None, verb: str | None, data: Mapping[str, object]) -> bool:
    """Whether the card has a button with this title, verb and data."""
    return next(_matching(card, title, verb, data), None) is not None


def _find(card: Node, title: str | None, verb: str | None, data: Mapping[str, object]) -> Node:
    action = next(_matching(card, title, verb, data), None)
    if action is None:
        raise NoSuchButton(f"no button {title or verb!r}; the card has {titles(card)}")
    if action.get("isEnabled") is False:
        raise NoSuchButton(f"the button {title or verb!r} is disabled")
    return action


def _matching(
    card: Node, title: str | None, verb: str | None, data: Mapping[str, object]
) -> Iterator[Node]:
    for action in actions(card):
        own = action.get("data")
        sent = own if isinstance(own, Mapping) else {}
        named = title is None or action.get("title") == title
        called = verb is None or verb in (action.get("verb"), sent.get("verb"))
        if named and called and all(sent.get(name) == value for name, value in data.items()):
            yield action


def _nodes(node: object) -> Iterator[Node]:
    if isinstance(node, list):
        for entry in node:
            yield from _nodes(entry)
    elif isinstance(node, Mapping):
        yield node
        for name, value in node.items():
            if name not in ("data", "fallback", "refresh", "msteams", "authentication"):
                yield from _nodes(value)


def _input_values(card: Node, given: Mapping[str, object]) -> dict[str, object]:
    fields = [
        node
        for node in _nodes(card)
        if str(node.get("type", "")).startswith("Input.") and node.get("id")
    ]
    unknown = set(given) - {str(field["id"]) for field in fields}
    if unknown:
        raise NoSuchButton(f"the card has no input {sorted(unknown)}")
    values: dict[str, object] = {}
    for field in fields:
        name = str(field["id"])
        value = _text(given[name] if name in given else _default(field))
        _check(field, value)
        if value:
            values[name] = value
    return values


def _default(field: Node) -> object:
    if field.get("type") == "Input.Toggle":
        return field.get("value", field.get("valueOff", "false"))
    return field.get("value", "")


def _text(value: object) -> str:
    """Clients send every input as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _check(field: Node, value: str) -> None:
    """What a client checks before it sends: required, pattern, and the bounds of numbers."""
    wrong = field.get("isRequired") is True and not value
    if value and isinstance(pattern := field.get("regex"), str):
        wrong = wrong or re.search(pattern, value) is None
    if value and field.get("type") == "Input.Number":
        wrong = wrong or not _within(field, value)
    if wrong:
        raise InputRefused(f"{field['id']}: {field.get('errorMessage', 'not valid')}")


def _within(field: Node, value: str) -> bool:
    try:
        number = float(value)
    except ValueError:
        return False
    low, high = field.get("min"), field.get("max")
    above = not isinstance(low, int | float) or number >= low
    return above and (not isinstance(high, int | float) or number <= high)
