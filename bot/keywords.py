"""The words of the grammar in the language of whoever types; English is understood always."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from cards.language import Language, speaking, spoken, typed_as, typed_word

KEYWORDS = (
    # the fields of `update`
    typed_word("value"),
    typed_word("currency"),
    typed_word("close"),
    typed_word("notes"),
    typed_word("name"),
    typed_word("campaign"),
    typed_word("phone"),
    # what `list` shows
    typed_word("mine"),
    typed_word("new"),
    typed_word("active"),
    typed_word("won"),
    typed_word("lost"),
    typed_word("all"),
    typed_word("page"),
    typed_word("deals"),
    # what a subscription is about
    typed_word("registered"),
    typed_word("accepted"),
    typed_word("expiring"),
    typed_word("approvals"),
    typed_word("country"),
    typed_word("solution"),
    typed_word("above"),
    typed_word("thread"),
    typed_word("flat"),
    typed_word("quiet"),
    typed_word("names"),
    # what stands between
    typed_word("and"),
    typed_word("as"),
    typed_word("because"),
    typed_word("error"),
    typed_word("me"),
    typed_word("nobody"),
    typed_word("to"),
    typed_word("until"),
    # the answers of a dialog
    typed_word("yes"),
    typed_word("no"),
    typed_word("ok"),
    typed_word("back"),
    typed_word("submit"),
    typed_word("cancel"),
    typed_word("signed"),
    typed_word("starts"),
    typed_word("ends"),
    typed_word("finite"),
    typed_word("perpetual"),
    typed_word("customer"),
    typed_word("partner"),
)
"""The English words; in the catalogues each has those that mean the same, parted by `|`."""


_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
"""`jusqu'au` is one word."""


def english(word: str) -> str:
    """The English keyword for a word in folded case; any other word as it is."""
    language = spoken()
    return word if language is Language.ENGLISH else _english_of(language).get(word, word)


def in_english(text: str) -> str:
    """The text in folded case with its keywords in English; as it is for who speaks English."""
    if spoken() is Language.ENGLISH:
        return text
    return _WORD.sub(lambda match: english(match[0]), text.casefold())


def before(text: str, keyword: str) -> str:
    """What stands before a keyword that ends the text without a space, as Japanese puts it behind
    what it is about (`金曜日まで`); nothing when none does."""
    if spoken() is not Language.JAPANESE:
        return ""
    ends = (said for said in typed_as(keyword) if text.endswith(said))
    return text.removesuffix(next(ends, text))


@lru_cache(maxsize=len(Language))
def _english_of(language: Language) -> Mapping[str, str]:
    with speaking(language.value):
        return {said.casefold(): word for word in KEYWORDS for said in typed_as(word)}
