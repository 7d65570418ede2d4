"""In a language nobody speaks, every word on a card that is ours is marked as translated."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import cast

import pytest

from cards.catalogues import sentences_of
from cards.language import speaking_from
from cards.samples import gallery as samples
from cards.wording import words
from tests.pseudo import CLOSE, OPEN, Pseudo, pseudo
from tests.rules.test_cards_gallery import Node, nodes

SHOWN = ("text", "title", "label", "placeholder", "errorMessage", "fallbackText", "speak")
DATA = re.compile(
    r"[\d.,]+|[A-Z]{2}(, [A-Z]{2})*|[A-Z]+(-\w+)+|[\w.]+@[\w.]+|[A-Z][a-z]+ \d{1,2}, \d{4}|[■□]+"
)
"""Numbers, countries, ids, addresses, days and bars."""
TYPED = {"update"}
"""The heading of a command's own help is the command."""
UNSEEN = {"Refresh"}
"""The press that clients make by themselves."""


def shown(card: Node) -> Iterator[str]:
    for node in nodes(card):
        for key in SHOWN:
            if isinstance(said := node.get(key), str) and said:
                yield said
        for line in cast("list[Node]", node.get("facts") or []):
            yield str(line["value"])


def plain(said: str) -> str:
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", said)


@cache
def outside() -> list[str]:
    """What people, Partner Center and the bot's records say on the samples, the longest first."""
    said: set[str] = set()
    for path in Path(samples.__file__).parent.glob("*.py"):
        code = path.read_text("utf-8")
        ours = {each.source for each in sentences_of(code, path.name)}
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                said |= set(node.value.split("\n")) - ours
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "policy":
                said |= {str(each.arg) for each in node.keywords}
    said |= {_spaced(each) for each in said if re.search(r"[a-z][A-Z]", each)}
    return sorted((each for each in said if len(each) > 2), key=len, reverse=True)


def _spaced(name: str) -> str:
    """A name out of Partner Center's code, as a card writes it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def is_outside(said: str) -> bool:
    """Whether nothing with a letter is left without what comes from outside."""
    if said in TYPED | UNSEEN or DATA.fullmatch(said):
        return True
    for each in outside():
        said = said.replace(each, "")
    return not any(character.isalpha() for character in said)


@pytest.mark.parametrize("name", samples.names())
def test_every_word_of_ours_is_translated(name: str) -> None:
    with speaking_from(Pseudo()):
        card = samples.samples()[name]()
    ours = {said for said in shown(card) if OPEN not in said and not is_outside(plain(said))}
    assert ours == set()


def test_what_is_said_past_the_catalogue_is_found() -> None:
    with speaking_from(Pseudo()):
        assert words("Close {day}", day="x").plain.startswith(f"{OPEN}Čļöšé x")
        assert words("Saved").plain.endswith(CLOSE)
    assert OPEN not in words("Saved").plain


def test_words_of_ours_are_not_taken_for_outside_text() -> None:
    assert is_outside("Ada Lindqvist, Dana Whitfield")
    assert is_outside("March 31, 2026")
    assert not is_outside("Stopped by Ada Lindqvist")
    assert not is_outside("Saved")


def test_a_longer_language_keeps_the_places() -> None:
    said = pseudo("{count} of {all} deals")
    assert "{count}" in said
    assert "{all}" in said
    assert len(said) > 1.4 * len("{count} of {all} deals")
