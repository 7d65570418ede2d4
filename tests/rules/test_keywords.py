"""The words people type: English always, and in the language they are spoken to in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bot.command import (
    Delegate,
    Filter,
    Help,
    Languages,
    ListDeals,
    MoveDeal,
    Show,
    Speak,
    Unclear,
)
from bot.commands import COMMANDS, parse
from bot.keywords import KEYWORDS, english, in_english
from bot.targets import Handle
from cards.catalogues import TRANSLATED
from cards.language import Language, speaking, translated, typed_as
from partner_center.referral import Move

TODAY = date(2026, 11, 23)
NAMES = [spec.name for spec in COMMANDS]


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_word_means_two_things(language: Language) -> None:
    meanings: dict[str, set[str]] = {word: {word} for word in KEYWORDS}
    with speaking(language):
        for word in KEYWORDS:
            for said in typed_as(word):
                meanings.setdefault(said.casefold(), set()).add(word)
    assert not {said: found for said, found in meanings.items() if len(found) > 1}


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_beginning_of_a_line_is_two_commands(language: Language) -> None:
    meanings: dict[str, set[str]] = {}
    for spec in COMMANDS:
        for phrase in spec.phrases:
            meanings.setdefault(phrase, set()).add(spec.name)
        with speaking(language):
            for said in typed_as(spec.name):
                meanings.setdefault(said.casefold(), set()).add(spec.name)
    assert not {said: found for said, found in meanings.items() if len(found) > 1}


@pytest.mark.parametrize("language", TRANSLATED)
def test_keywords_are_single_words(language: Language) -> None:
    with speaking(language):
        several = [said for word in KEYWORDS for said in typed_as(word) if len(said.split()) != 1]
    assert [said for said in several if said not in _of_commands(language)] == []


def _of_commands(language: Language) -> set[str]:
    with speaking(language):
        return {said for name in NAMES for said in typed_as(name)}


@pytest.mark.parametrize("language", [Language.ENGLISH, *TRANSLATED])
@pytest.mark.parametrize("name", NAMES)
def test_english_is_understood_in_every_language(language: Language, name: str) -> None:
    spec = next(each for each in COMMANDS if each.name == name)
    for example in spec.examples:
        meant = parse(example, TODAY)
        with speaking(language):
            assert parse(example, TODAY) == meant


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("name", NAMES)
def test_an_example_means_the_same_in_every_language(language: Language, name: str) -> None:
    spec = next(each for each in COMMANDS if each.name == name)
    for example in spec.examples:
        meant = parse(example, TODAY)
        with speaking(language):
            said = translated(example)
            found = parse(said, TODAY)
        assert not isinstance(found, Unclear), said
        assert type(found) is type(meant), said
        if isinstance(meant, MoveDeal) and isinstance(found, MoveDeal):
            assert replace(found, reason="") == replace(meant, reason=""), said
            assert bool(found.reason) == bool(meant.reason), said
        elif '"' not in example:
            assert found == meant or isinstance(meant, (Help, Languages, Speak)), said


def test_a_word_that_is_no_keyword_stays_as_it_is() -> None:
    with speaking("de-DE"):
        assert english("fabrikam") == "fabrikam"
        assert in_english("Fabrikam, Contoso") == "fabrikam, contoso"
    assert in_english("Fabrikam") == "Fabrikam"


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("language deutsch", Language.GERMAN),
        ("language de", Language.GERMAN),
        ("sprache Deutsch", Language.GERMAN),
        ("language français", Language.FRENCH),
        ("idioma español", Language.SPANISH),
        ("言語 日本語", Language.JAPANESE),
        ("speak english", Language.ENGLISH),
        ("language teams", None),
    ],
)
def test_a_language_is_chosen_by_its_name(said: str, language: Language | None) -> None:
    assert parse(said, TODAY) == Speak(language)


@pytest.mark.parametrize("said", ["language", "language klingon"])
def test_an_unknown_language_is_asked_about(said: str) -> None:
    assert parse(said, TODAY) == Languages()


def test_a_deal_is_named_alike_in_every_language() -> None:
    for language in Language:
        with speaking(language):
            assert parse("#1042", TODAY) == Show(Handle(1042))


def test_the_reason_begins_behind_the_word_for_because() -> None:
    with speaking("de-DE"):
        found = parse("lost #1042 weil Budget gekürzt", TODAY)
    assert found == MoveDeal(Handle(1042), Move.LOST, "Budget gekürzt")
    assert parse("lost #1042 weil es so ist", TODAY) == MoveDeal(
        Handle(1042), Move.LOST, "weil es so ist"
    )


def test_nobody_and_ourselves_are_understood_in_the_language_spoken() -> None:
    with speaking("de-DE"):
        assert parse("delegate to niemand", TODAY) == Delegate(stop=True)


@pytest.mark.parametrize(
    ("language", "said", "meant"),
    [
        ("de", "meine deals", ListDeals(Filter.MINE, "", 1)),
        ("de", "liste gewonnene deals", ListDeals(Filter.WON, "", 1)),
        ("fr", "mes affaires", ListDeals(Filter.MINE, "", 1)),
        ("fr", "liste affaires gagnées fabrikam", ListDeals(Filter.WON, "fabrikam", 1)),
        ("es", "mis oportunidades", ListDeals(Filter.MINE, "", 1)),
        ("es", "lista oportunidades nuevas", ListDeals(Filter.NEW, "", 1)),
        ("ja", "一覧 成立 商談", ListDeals(Filter.WON, "", 1)),
    ],
)
def test_the_word_for_deals_may_stand_on_either_side(
    language: str, said: str, meant: ListDeals
) -> None:
    with speaking(language):
        assert parse(said, TODAY) == meant
