"""The language a person is spoken to in: chosen by locale, its sentences out of a catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Final


class Language(StrEnum):
    """The languages of the catalogues, by their codes."""

    ENGLISH = "en"
    GERMAN = "de"
    FRENCH = "fr"
    SPANISH = "es"
    JAPANESE = "ja"


LOCALES: Final = Path(__file__).parent / "locales"
"""Where the catalogues are: LANGUAGE/LC_MESSAGES/dealdesk.po and the .mo made of it."""

TYPED: Final = "command"
"""The context of words that people type, in the catalogues."""

_ENGLISH: Final = NullTranslations()
_speaking: ContextVar[NullTranslations] = ContextVar("speaking", default=_ENGLISH)
_language: ContextVar[Language] = ContextVar("language", default=Language.ENGLISH)


@lru_cache(maxsize=256)
def language_of(locale: str | None) -> Language:
    """The language for a locale such as `de-AT`; English for one that we do not speak."""
    code = (locale or "").replace("_", "-").partition("-")[0].lower()
    return Language(code) if code in set(Language) else Language.ENGLISH


def speaking(locale: str | None) -> AbstractContextManager[None]:
    """Whatever is said inside, and by tasks started inside, is in the locale's language."""
    language = language_of(locale)
    return speaking_from(catalogue(language), language)


@contextmanager
def speaking_from(
    translations: NullTranslations, language: Language = Language.ENGLISH
) -> Iterator[None]:
    """As `speaking`, out of this catalogue."""
    before, of = _speaking.set(translations), _language.set(language)
    try:
        yield
    finally:
        _speaking.reset(before)
        _language.reset(of)


def marked(source: str) -> str:
    """A sentence kept in a table: it goes into the catalogues, and `words` says it when needed."""
    return source


def typed_word(source: str) -> str:
    """A word or phrase that people type: a translation may name several, parted by `|`."""
    return source


def translated(source: str) -> str:
    """The sentence in the language spoken now; as it is when the catalogue lacks it.

    Nothing stays nothing: a catalogue keeps its own head under the empty sentence.
    """
    return _speaking.get().gettext(source) if source else ""


def translated_count(one: str, many: str, count: int) -> str:
    """The sentence for so many things, by the rules of the language spoken now."""
    return _speaking.get().ngettext(one, many, count)


def typed_as(source: str) -> tuple[str, ...]:
    """What `typed_word` may be typed as in the language spoken now, besides English."""
    said = _speaking.get().pgettext(TYPED, source)
    return () if said == source else tuple(each.strip() for each in said.split("|"))


def spoken() -> Language:
    """The language spoken now."""
    return _language.get()


@lru_cache(maxsize=len(Language))
def catalogue(language: Language) -> NullTranslations:
    """The sentences of a language, read when they are first needed."""
    if language is Language.ENGLISH:
        return _ENGLISH
    path = LOCALES / language / "LC_MESSAGES" / "dealdesk.mo"
    with path.open("rb") as file:
        return GNUTranslations(file)
