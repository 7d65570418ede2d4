"""What Dealdesk says, in every language: taken out of the code, translated whole, and compiled."""

import pytest
from babel.messages.catalog import Message

from cards import catalogues
from cards.buttons import LONGEST_TITLE
from cards.catalogues import NotLiteral, faults_of, sentences_of
from cards.language import Language, language_of, speaking, translated
from cards.wording import counted, text, words


def test_every_sentence_of_the_code_is_in_the_template() -> None:
    held = catalogues.TEMPLATE.read_bytes()
    assert held == catalogues.as_po(catalogues.template()), "python -m cards.catalogues update"


def test_no_sample_card_says_what_nothing_else_says() -> None:
    said: dict[object, set[str]] = {}
    for each in catalogues.sentences():
        said.setdefault(each.id, set()).add(each.file)
    samples = {name: files for name, files in said.items() if all("/samples/" in f for f in files)}
    assert samples == {}, "a picture of it would show what no seller sees"


@pytest.mark.parametrize("language", catalogues.TRANSLATED)
def test_a_compiled_catalogue_is_that_of_its_file(language: Language) -> None:
    compiled = catalogues.path_of(language).with_suffix(".mo").read_bytes()
    assert compiled == catalogues.as_mo(language), "python -m cards.catalogues compile"


@pytest.mark.parametrize("language", catalogues.TRANSLATED)
def test_every_sentence_is_translated_well(language: Language) -> None:
    assert catalogues.faults(language) == []


@pytest.mark.parametrize("language", catalogues.TRANSLATED)
def test_a_catalogue_names_no_machine_date_or_address(language: Language) -> None:
    head = catalogues.path_of(language).read_text().partition("\n#:")[0]
    assert "Date" not in head
    assert "@" not in head
    assert "/" not in head.replace("text/plain", "")


def test_sentences_are_found_wherever_they_are_said() -> None:
    code = 'a = words("One {x}", x=sentence("Two"))\nb = counted("A", "{count} As", n)\n'
    found = {(each.source, each.several) for each in sentences_of(code, "f.py")}
    assert found == {("One {x}", None), ("Two", None), ("A", "{count} As")}


def test_a_sentence_put_together_is_refused() -> None:
    with pytest.raises(NotLiteral, match=r"f\.py:1"):
        list(sentences_of('words(f"Hello {name}")', "f.py"))


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (Message("Save", ""), "not translated"),
        (Message("Save {x}", "Speichern"), "places must be ['x']"),
        (Message("Save {x}", "Speichern {y}"), "places must be ['x']"),
        (Message("Save {x}", "Speichern {x"), "places must be ['x']"),
        (Message(("A", "{count} As"), ("{count} A", "{count} As", "x {count}")), "needs 2"),
        (Message("Save", "Speichern "), "has blanks at an end"),
    ],
)
def test_what_is_wrong_with_a_translation_is_said(message: Message, fault: str) -> None:
    assert any(fault in said for said in faults_of(message, 2))


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("de-AT", Language.GERMAN),
        ("DE", Language.GERMAN),
        ("fr_CA", Language.FRENCH),
        ("es-419", Language.SPANISH),
        ("ja-JP", Language.JAPANESE),
        ("en-GB", Language.ENGLISH),
        ("pt-BR", Language.ENGLISH),
        ("", Language.ENGLISH),
        ("\x00../..", Language.ENGLISH),
    ],
)
def test_a_locale_is_spoken_to_in_its_language(locale: str, language: Language) -> None:
    assert language_of(locale) is language


def test_a_sentence_that_nobody_translated_is_said_in_english() -> None:
    with speaking("de-DE"):
        assert translated("A sentence that no catalogue has.").startswith("A sentence")
        assert words("Nothing of the kind {x}", x="*").plain == "Nothing of the kind *"
        assert counted("{count} thing of no kind", "{count} things", 2).plain == "2 things"


def test_words_kept_in_a_table_are_equal_to_words_made_now() -> None:
    assert words("Save") == words("Save")
    assert words("Save") == text("Save")
    assert words("Save") != words("Drop")
    assert len({words("Save"), text("Save")}) == 1


def test_the_titles_of_buttons_are_known_so_that_none_is_cut_short() -> None:
    found = set(catalogues.button_titles())
    assert {"Sign in", "Show the deal", "Save"} <= found
    assert all(len(title) <= LONGEST_TITLE for title in found)


@pytest.mark.parametrize("language", catalogues.TRANSLATED)
def test_nothing_stays_nothing_in_every_language(language: Language) -> None:
    with speaking(language):
        assert translated("") == ""
        assert words("").plain == ""
