"""What a person sees: messages, the texts and buttons of cards, links."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.chats import ADAPTIVE, OAUTH

Json = Mapping[str, Any]
_AS_IT_LOOKS = {ord("\u00a0"): " ", ord("\u200b"): None, ord("\u2060"): None}
ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
"""A backslash before punctuation, which Markdown does not show."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as one person sees it."""

    raw: Json

    @property
    def id(self) -> str:
        """The message's id."""
        return str(self.raw["id"])

    @property
    def text(self) -> str:
        """Its text; empty for a card."""
        return str(self.raw["text"])

    @property
    def card(self) -> Json | None:
        """The Adaptive Card, this person's own view of it when they have one."""
        return self._content(ADAPTIVE)

    @property
    def sign_in(self) -> Json | None:
        """The content of the sign-in (OAuth) card."""
        return self._content(OAUTH)

    @property
    def notice(self) -> str | None:
        """The line under the message that answers a press."""
        notice = self.raw["notice"]
        return None if notice is None else str(notice)

    @property
    def words(self) -> str:
        """Everything there is to read, one piece a line, button titles last; every space a plain
        one and no marks of where a line may end, as it looks."""
        card = self.card
        sign_in = self.sign_in or {}
        pieces = [self.text, *(texts(card) if card else ()), str(sign_in.get("text", ""))]
        shown = "\n".join([*filter(None, [*pieces, self.notice]), *buttons(card or {})])
        return shown.translate(_AS_IT_LOOKS)

    def __contains__(self, words: str) -> bool:
        return words in self.words

    def _content(self, kind: str) -> Json | None:
        for attachment in self.raw["attachments"]:
            if attachment.get("contentType") == kind:
                content: Json = attachment["content"]
                return content
        return None


def texts(card: Json) -> list[str]:
    """Every text a card shows, in reading order: blocks, runs, facts, labels of inputs.

    As people read it: a Markdown escape is not shown. The card itself has the source.
    """
    found: list[str] = []
    for node in _nodes(card):
        shown = [node.get("text")] if node.get("type") in ("TextBlock", "TextRun") else []
        if str(node.get("type", "")).startswith("Input."):
            shown = [node.get("label")]
        elif "title" in node and "value" in node and "type" not in node:
            shown = [node["title"], node["value"]]
        found += [ESCAPE.sub(r"\1", str(each)) for each in shown if each]
    return found


def buttons(card: Json) -> list[str]:
    """Titles of all buttons of a card."""
    actions = (node for node in _nodes(card) if str(node.get("type", "")).startswith("Action."))
    return [str(action.get("title", "")) for action in actions]


def inputs(card: Json) -> dict[str, Any]:
    """The inputs of a card by id, with the value each is prefilled with."""
    fields = (node for node in _nodes(card) if str(node.get("type", "")).startswith("Input."))
    return {str(field["id"]): field.get("value") for field in fields if "id" in field}


def _nodes(node: object) -> Iterator[Json]:
    if isinstance(node, list):
        for entry in node:
            yield from _nodes(entry)
    elif isinstance(node, Mapping):
        yield node
        for name, value in node.items():
            if name not in ("data", "fallback", "refresh", "msteams"):
                yield from _nodes(value)


def urls(raw: Json) -> Iterator[str]:
    """Addresses behind the buttons of a message: `url` of cards, `value` of sign-in buttons."""
    for attachment in raw["attachments"]:
        for node in _nodes(attachment.get("content")):
            for name in ("url", "value"):
                if isinstance(node.get(name), str):
                    yield node[name]
