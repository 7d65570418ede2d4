"""Splits what a person typed into words and quoted phrases, each with its place in the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.keywords import english

_QUOTES = {'"': '"', "“": "”", "„": "“”", "«": "»", "‘": "’", "'": "'", "「": "」"}
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"), None)
_TRAILING = ",;"
_PHONE = re.compile(r"\+?[0-9(][0-9()./-]*")
_ENDS = {
    opening: re.compile(rf"[{closing}](?:[{_TRAILING}]|(?=\s)|\Z)")
    for opening, closing in _QUOTES.items()
}
"""How a quote ends: before a space, at the end of the text, or with the comma behind it."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or a quoted phrase without its quotes; `start` and `end` count in the whole text."""

    text: str
    start: int
    end: int
    quoted: bool = False

    @property
    def folded(self) -> str:
        """The word as it was typed, in folded case, no comma behind it; never a quote."""
        return "" if self.quoted else self.text.casefold().rstrip(_TRAILING)

    @property
    def plain(self) -> str:
        """The word as keywords are compared: folded case, in English, no comma behind it; never a
        quote."""
        return english(self.folded)


def clean(text: str) -> str:
    """The text without invisible characters, non-breaking spaces as spaces."""
    return text.translate(_INVISIBLE).replace("\u00a0", " ").strip()


def split(text: str) -> tuple[Word, ...]:
    """The words of `text`. A quote opens only at a word's start; without its end it is text."""
    words: list[Word] = []
    endless: set[str] = set()
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        word = _quoted(text, at, endless) or _bare(text, at)
        words.append(word)
        at = word.end
    return tuple(words)


def _quoted(text: str, at: int, endless: set[str]) -> Word | None:
    """The quote that opens here. A sign that no end follows is `endless` from then on, so that the
    rest is not searched for it again and again."""
    end = _ENDS.get(text[at])
    if end is None or text[at] in endless:
        return None
    found = end.search(text, at + 1)
    if found is None:
        endless.add(text[at])
        return None
    return Word(text[at + 1 : found.start()].strip(), at, found.end(), quoted=True)


def _bare(text: str, at: int) -> Word:
    end = at
    while end < len(text) and not text[end].isspace():
        end += 1
    return Word(text[at:end], at, end)


def join(words: Sequence[Word]) -> str:
    """The words as one text, single spaces between, nothing hanging at the end."""
    return " ".join(word.text for word in words).strip().rstrip(_TRAILING).strip()


def is_phone(word: Word) -> bool:
    """Whether a word may be a piece of a phone number."""
    return _PHONE.fullmatch(word.text) is not None


def starts_with(words: Sequence[Word], phrase: Sequence[str]) -> bool:
    """Whether the words begin with this phrase, whatever their case."""
    return len(words) >= len(phrase) and all(
        part in (word.plain, word.folded) for word, part in zip(words, phrase, strict=False)
    )
