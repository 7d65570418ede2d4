"""What a person presses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from cards.actions import Action, pack
from cards.pieces import ActionSet, Part, Piece, Property, Words
from cards.wording import Text, shortened, text

LINK_HOSTS: Final = frozenset({"partner.microsoft.com"})
"""Where a button may lead (case C5)."""

_LONGEST_NAME: Final = 400
LONGEST_TITLE: Final = 25
"""Characters of a title that a button shows on a phone."""


class _Action(Part):
    title = Words()
    style = Property(str)
    verb = Property(str)
    data = Property(dict)
    url = Property(str)
    inputs = Property(str, "associatedInputs")
    targets = Property(list, "targetElements")


class _Execute(_Action):
    element_type = "Action.Execute"


class _Submit(_Action):
    element_type = "Action.Submit"


class _OpenUrl(_Action):
    element_type = "Action.OpenUrl"


class _Toggle(_Action):
    element_type = "Action.ToggleVisibility"


def button(
    title: Text,
    action: Action,
    *,
    primary: bool = False,
    danger: bool = False,
    inputs: bool = False,
) -> Piece:
    """An Action.Execute, with an Action.Submit for clients that know none (teams.md 2.2).

    `inputs` says whether the press brings the card's inputs along and checks them first.
    """
    title = shortened(title, LONGEST_TITLE)
    return _pressed(title, action, primary=primary, danger=danger, inputs=inputs)


def tap(action: Action, *shown: Text) -> Piece:
    """The press anywhere on a container, named by all the words `shown` in it, in their order.

    A screen reader reads the name and nothing else of what can be pressed (WCAG 2.5.3, 4.1.2).
    """
    return _pressed(text(" ".join(each.plain for each in shown), limit=_LONGEST_NAME), action)


def _pressed(
    title: Text,
    action: Action,
    *,
    primary: bool = False,
    danger: bool = False,
    inputs: bool = False,
) -> Piece:
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
    return ActionSet(actions=[action for action in actions if action], spacing=spacing)
