"""Every button has a handler, and every handler a button on some card."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import cast, get_args

import pytest

import bot
from bot.conversation import Message
from bot.teams.wording import activity_of
from cards import actions
from cards.actions import unpack
from cards.samples import gallery
from tests.rules.test_cards_gallery import nodes
from tests.store.places import place

BOT = Path(bot.__file__ or "").parent


def drawn() -> set[type]:
    """The actions behind the buttons, rows and refreshes of the samples."""
    found: set[type] = set()
    for name in gallery.names():
        for node in nodes(gallery.make(name)):
            if node.get("type") == "Action.Execute":
                data = cast("dict[str, object]", node["data"])
                found.add(type(unpack(node["verb"], data).action))
    return found


def handled() -> set[str]:
    """The actions that the bot tells apart: in a `case`, or as a key of a table of features."""
    found: set[str] = set()
    for path in BOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.MatchClass):
                found |= names([node.cls])
            elif isinstance(node, ast.Dict):
                found |= names([key for key in node.keys if key is not None])
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
                found |= names([node.args[1]])
    return found


def names(nodes_of: list[ast.expr]) -> set[str]:
    return {
        each.attr
        for node in nodes_of
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute) and getattr(each.value, "id", "") == "actions"
    }


def test_every_action_stands_on_some_card() -> None:
    assert {each.__name__ for each in get_args(actions.Action)} == {
        each.__name__ for each in drawn()
    }


def test_every_action_is_told_apart_by_the_bot() -> None:
    missing = {each.__name__ for each in get_args(actions.Action)} - handled()
    assert missing == set()


@pytest.mark.parametrize("summary", ["", "#1042 is won"])
def test_a_notification_of_a_card_is_never_without_words(summary: str) -> None:
    for name in gallery.names():
        message = Message(card=gallery.make(name), summary=summary)
        assert str(activity_of(place(), message)["summary"]).strip()
