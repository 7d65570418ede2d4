"""Every card in every language: the same buttons and fields, as valid and small as in English."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from functools import cache

import jsonschema
import pytest

from cards.elements import MOST_BYTES
from cards.language import Language, speaking, speaking_from, translated
from cards.reader import Reader
from cards.samples import gallery as samples
from cards.samples.deals import NOW
from tests.pseudo import Pseudo
from tests.rules.test_cards_gallery import (
    Node,
    buttons,
    nodes,
    presses,
    schema,
    without_extras,
)

__all__ = ["schema"]

LONGER = "longer"
LANGUAGES = [*(language for language in Language if language is not Language.ENGLISH), LONGER]
MOST_UTF16 = 80 * 1024


@cache
def cards(language: str) -> dict[str, Node]:
    """The cards by name, written for somebody who reads that language."""
    locale = "en-US" if language == LONGER else language
    spoken: AbstractContextManager[None] = (
        speaking_from(Pseudo()) if language == LONGER else speaking(locale)
    )
    with spoken:
        made = samples.samples(Reader(locale, "Europe/London", NOW))
        return {name: make() for name, make in made.items()}


def pressed(card: Node) -> list[str]:
    return [json.dumps([each.get("verb"), each.get("data")]) for each in presses(card)]


def asked(card: Node) -> list[object]:
    return [node.get("id") for node in nodes(card) if str(node.get("type")).startswith("Input.")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_card_can_do_the_same_in_every_language(language: str) -> None:
    for name, card in cards(language).items():
        english = cards(Language.ENGLISH)[name]
        assert (name, pressed(card)) == (name, pressed(english))
        assert (name, asked(card)) == (name, asked(english))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_card_is_valid_and_small_in_every_language(
    language: str, schema: jsonschema.Draft6Validator
) -> None:
    for name, card in cards(language).items():
        problems = [error.message for error in schema.iter_errors(without_extras(card))]
        assert (name, problems) == (name, [])
        assert len(json.dumps(card)) <= MOST_BYTES, name
        assert len(json.dumps(card, ensure_ascii=False).encode("utf-16-le")) <= MOST_UTF16, name


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != LONGER])
def test_no_button_is_cut_short_in_any_language(language: str) -> None:
    cut = {
        (name, str(button["title"]))
        for name, card in cards(language).items()
        for button in buttons(card)
        if str(button["title"]).endswith("…")
    }
    assert cut == set()


@pytest.mark.parametrize("language", [Language.ENGLISH, *LANGUAGES[:-1]])
def test_a_button_to_a_list_is_named_as_the_list(language: str) -> None:
    """`Gagnée` is the state of one deal; behind the button are `Affaires gagnées`."""
    shown = {str(each["title"]) for each in buttons(cards(language)["list"])}
    with speaking(language):
        lists = [translated(f"{which} deals") for which in ("Active", "New", "Won")]
    assert set(lists) <= shown
