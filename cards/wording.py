"""What may be written on a card: our own words, and outside text made harmless and visible."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from cards.language import marked, translated, translated_count

__all__ = [
    "NO_TEXT",
    "Text",
    "counted",
    "is_longer",
    "marked",
    "passage",
    "sentence",
    "shortened",
    "text",
    "words",
]


class Text:
    """Words that may stand on a card. Made by `text`, `passage` and `words` only."""

    __slots__ = ("_markdown", "_plain")

    def __init__(self, plain: str, markdown: str) -> None:
        self._plain = plain
        self._markdown = markdown

    @property
    def plain(self) -> str:
        """What a person reads."""
        return self._plain

    @property
    def markdown(self) -> str:
        """The source a TextBlock or a Fact needs for it."""
        return self._markdown

    def __bool__(self) -> bool:
        """Whether there is anything to read."""
        return bool(self.plain)

    def __eq__(self, other: object) -> bool:
        """Whether both say the same, in the language spoken now."""
        if not isinstance(other, Text):
            return NotImplemented
        return (self.plain, self.markdown) == (other.plain, other.markdown)

    def __hash__(self) -> int:
        return hash((self.plain, self.markdown))

    def __repr__(self) -> str:
        return f"Text({self.plain!r}, {self.markdown!r})"


class _Sentence(Text):
    """A sentence of ours without places, which a table may keep: its language is the one spoken
    when it is read."""

    __slots__ = ("_source",)

    def __init__(self, source: str) -> None:
        self._source = source

    @property
    def plain(self) -> str:
        return translated(self._source)

    @property
    def markdown(self) -> str:
        return _marked_down(translated(self._source))


NO_TEXT: Final = Text("", "")
_LINE_MARK: Final = " ↵ "
_SHORT: Final = 80
_MOST_MARKS: Final = 4
"""Combining marks on one letter; living scripts need three at most."""

_ENTITY: Final = re.compile(r"&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_NEW_LINE: Final = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_SPECIAL: Final = re.compile(r"([\\`*_\[\]{}<>&~|])")
_AT_START: Final = re.compile(r"(?=#{1,6}(\s|$)|[+\-](\s|$)|[-=][-= ]*$)")
_NUMBERED: Final = re.compile(r"(\d{1,9})(?=[.)](\s|$))")
_BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5")
_HARMLESS: Final = re.compile(
    r"[ -~\u00a1-\u02ff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2190-\u27ff"
    r"\u3001-\u3029\u3041-\u3096\u309b-\u30ff\u4e00-\u9fff]*"
)
"""Letters and signs of which none is blank, joins others or is a mark on them."""
_JOINERS: Final = frozenset("\u200c\u200d")


def text(value: str, *, limit: int = 200) -> Text:
    """Outside text as one line: whatever it holds, a person reads exactly that and nothing acts.

    HTML entities are decoded once (API reference 4.3); line breaks show as ↵; invisible and
    direction-changing characters show as (U+202E). Longer than `limit` characters ends in "…".
    """
    return _often(value, limit) if len(value) <= _SHORT else _one_line(value, limit)


def _one_line(value: str, limit: int) -> Text:
    return _line(_clip(_LINE_MARK.join(_lines(value, limit)), limit))


@lru_cache(maxsize=2048)
def _often(value: str, limit: int) -> Text:
    """Names and numbers come again and again: in a list, and on the next card of the same deal."""
    return _one_line(value, limit)


def passage(value: str, *, limit: int = 600, lines: int = 12) -> Text:
    """Outside text with its line breaks, otherwise as `text`; for a block of its own only."""
    rows = _lines(value, limit)
    shown = _clip("\n".join(rows[:lines]), limit)
    if len(rows) > lines and not shown.endswith("…"):
        shown += " …"
    parts = [_line(row) for row in shown.split("\n")]
    return Text(
        "\n".join(part.plain for part in parts), "\n\n".join(part.markdown for part in parts)
    )


def shortened(said: Text, limit: int) -> Text:
    """The same words, cut to `limit` characters."""
    return said if len(said.plain) <= limit else _line(_clip(said.plain, limit))


def is_longer(value: str, *, limit: int = 600, lines: int = 12) -> bool:
    """Whether `passage` would have to shorten the text."""
    rows = _lines(value, limit)
    return len(rows) > lines or len("\n".join(rows)) > limit


def words(source: str, **values: Text | str | int) -> Text:
    """Our own words: an English sentence with `{places}`; a plain string in one is outside text.

    It is said in the language spoken now (`speaking`); the source is the key of the catalogues.
    """
    return _filled(translated(source), values) if values else _Sentence(source)


def sentence(source: str, **values: Text | str | int) -> str:
    """The same as a plain string, for a place that is not a card."""
    return words(source, **values).plain


def counted(one: str, many: str, count: int, **values: Text | str | int) -> Text:
    """As `words`, with the sentence for one thing or for several; `{count}` is the number."""
    return _filled(translated_count(one, many, count), {"count": count, **values})


def _filled(sentence: str, values: Mapping[str, Text | str | int]) -> Text:
    plain: dict[str, str] = {}
    source: dict[str, str] = {}
    for name, value in values.items():
        said = value if isinstance(value, Text) else text(str(value))
        plain[name], source[name] = said.plain, said.markdown
    return Text(sentence.format(**plain), _started(_escaped_source(sentence).format(**source)))


@lru_cache(maxsize=4096)
def _marked_down(sentence: str) -> str:
    """The Markdown of a sentence without places, made once."""
    return _started(_escaped_source(sentence))


def _line(shown: str) -> Text:
    marked = _SPECIAL.sub(r"\\\1", shown) if _SPECIAL.search(shown) else shown
    return Text(shown, _started(marked))


def _started(marked: str) -> str:
    """The line such that its first characters make no list, heading or rule."""
    first = marked[:1]
    if first not in "#+-=" and not first.isdecimal():
        return marked
    if _AT_START.match(marked):
        return "\\" + marked
    return _NUMBERED.sub(r"\1\\", marked, count=1) if _NUMBERED.match(marked) else marked


@lru_cache(maxsize=4096)
def _escaped_source(source: str) -> str:
    return re.sub(r"([\\`*_\[\]<>&~|])", r"\\\1", source)


def _lines(value: str, limit: int) -> list[str]:
    decoded = value[: limit * 8]
    if "&" in decoded:
        decoded = _ENTITY.sub(lambda match: html.unescape(match[0]), decoded)
    if decoded.isascii() and decoded.isprintable():
        return [_spaced(decoded)]
    rows = [_visible(row) for row in _NEW_LINE.split(decoded.strip())]
    return [row for row in rows if row] or [""]


def _clip(shown: str, limit: int) -> str:
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def _visible(row: str) -> str:
    """The row with nothing hidden in it, spaces collapsed as a card would do anyway."""
    spaced = row.replace("\u00a0", " ")
    if spaced.isprintable() and _HARMLESS.fullmatch(spaced):
        return _spaced(spaced)
    return _inspected(row)


def _inspected(row: str) -> str:
    """The same, sign by sign: for whatever may hold something hidden."""
    seen: list[str] = []
    marks = 0
    for index, character in enumerate(row):
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks > _MOST_MARKS:
            continue
        seen.append(_shown(row, index, character, category))
    return _spaced("".join(seen))


def _spaced(row: str) -> str:
    return " ".join(row.split())


def _shown(row: str, index: int, character: str, category: str) -> str:
    if character == "\t" or category == "Zs":
        return " "
    hidden = category in {"Cc", "Cf", "Cs", "Cn", "Co"} or character in _BLANKS
    if not hidden or (character in _JOINERS and _joins(row, index)):
        return character
    return f"(U+{ord(character):04X})"


def _joins(row: str, index: int) -> bool:
    """Whether a zero-width joiner does its work here: inside an emoji or a script that needs it."""
    if not 0 < index < len(row) - 1:
        return False
    before, after = row[index - 1], row[index + 1]
    if unicodedata.category(before) in {"So", "Sk", "Mn"} and unicodedata.category(after) == "So":
        return True
    return all("\u0600" <= near <= "\u0dff" for near in (before, after))
