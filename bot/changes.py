"""Reads what an update is to change: field words in any order, each with its value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from bot.dates import AmbiguousDate, DateError, UnreadableDate, parse_date
from bot.words import Word, join, starts_with
from cards.reader import day_in_words
from partner_center.money import (
    CURRENCIES,
    AmbiguousAmount,
    Amount,
    MoneyError,
    UnreadableAmount,
    decimals_of,
    parse_amount,
    plain,
)
from partner_center.referral import Field

NewValue = Amount | date | str

FIELD_WORDS: tuple[tuple[tuple[str, ...], Field], ...] = (
    (("deal", "value"), Field.VALUE),
    (("value",), Field.VALUE),
    (("amount",), Field.VALUE),
    (("worth",), Field.VALUE),
    (("currency",), Field.CURRENCY),
    (("close", "date"), Field.CLOSE),
    (("closing", "date"), Field.CLOSE),
    (("closing",), Field.CLOSE),
    (("closes",), Field.CLOSE),
    (("close",), Field.CLOSE),
    (("notes",), Field.NOTES),
    (("note",), Field.NOTES),
    (("deal", "name"), Field.NAME),
    (("name",), Field.NAME),
    (("title",), Field.NAME),
    (("crm", "id"), Field.CRM),
    (("crm",), Field.CRM),
    (("campaign", "id"), Field.CAMPAIGN),
    (("campaign",), Field.CAMPAIGN),
)
_BY_FIRST_WORD = {
    first: tuple(row for row in FIELD_WORDS if row[0][0] == first)
    for first in {phrase[0] for phrase, _field in FIELD_WORDS}
}
_FREE_TEXT = frozenset({Field.NOTES, Field.NAME})
_FILLERS = frozenset({"to", "=", ":", "is", "on", "->", "→", "at"})
_JOINERS = frozenset({"and", "&", "+"})
_LONGEST_VALUE = 5
"""Words of an amount or a day at most; a field word is none of them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing an ambiguous value may mean: the words for a button, and the text that says it."""

    label: str
    text: str


class ChangeError(ValueError):
    """A change that cannot be taken as it was said."""


class AmbiguousValue(ChangeError):
    """A value with several meanings. `start` and `end` say where it stands in the whole text."""

    def __init__(self, field: Field, start: int, end: int, readings: tuple[Reading, ...]) -> None:
        super().__init__("ambiguous")
        self.field = field
        self.start = start
        self.end = end
        self.readings = readings


class UnreadableValue(ChangeError):
    """A value that says nothing we know; `reason` is a code of the money or date reader."""

    def __init__(self, field: Field | None, text: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.text = text
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Piece:
    field: Field
    words: tuple[Word, ...]


def first_field(words: Sequence[Word], today: date) -> int:
    """Where the first field word stands that has a readable value behind it, else the length."""
    for index in range(len(words)):
        if _believable(words, index, today):
            return index
    for index in range(len(words)):
        if _field_at(words, index) is not None:
            return index
    return len(words)


def parse_changes(words: Sequence[Word], today: date) -> tuple[tuple[Field, NewValue], ...]:
    """The changes these words say, in the order they were said.

    Raises AmbiguousValue, or UnreadableValue with reason `no_field`, `said_twice`, `no_value`,
    or the reason of the money or date reader.
    """
    changes: dict[Field, NewValue] = {}
    for piece in _pieces(words, today):
        if piece.field in changes:
            raise UnreadableValue(piece.field, join(piece.words), "said_twice")
        changes[piece.field] = read_value(piece.field, piece.words, today)
    return tuple(changes.items())


def read_value(field: Field, words: Sequence[Word], today: date) -> NewValue:
    """One field's value out of its words. Raises as parse_changes does."""
    text = join(words)
    if not words or (not text and field not in _FREE_TEXT):
        raise UnreadableValue(field, text, "no_value")
    return read_text(field, text, today, start=words[0].start, end=words[-1].end)


def read_text(field: Field, text: str, today: date, *, start: int = 0, end: int = 0) -> NewValue:
    """One field's value out of a text that is nothing else. Raises as parse_changes does."""
    try:
        return _typed(field, text, today)
    except AmbiguousAmount as error:
        readings = tuple(map(_amount_reading, filter(_is_usual, error.readings)))
        raise AmbiguousValue(field, start, end, readings) from error
    except AmbiguousDate as error:
        days = tuple(Reading(day_in_words(day), day.isoformat()) for day in error.readings)
        raise AmbiguousValue(field, start, end, days) from error
    except (UnreadableAmount, UnreadableDate) as error:
        raise UnreadableValue(field, text, error.reason) from error


def _typed(field: Field, text: str, today: date) -> NewValue:
    match field:
        case Field.VALUE:
            return parse_amount(text)
        case Field.CLOSE:
            return parse_date(text, today)
        case Field.CURRENCY:
            if text.upper() not in CURRENCIES:
                raise UnreadableValue(field, text, "unknown_currency")
            return text.upper()
        case _:
            return text


def _amount_reading(amount: Amount) -> Reading:
    """Figures without grouping: with two decimals at most they can be read in one way only."""
    figures = plain(amount.value)
    said = f"{amount.currency} {figures}" if amount.currency else figures
    return Reading(said, said)


def _is_usual(amount: Amount) -> bool:
    """Whether an amount without a currency may be meant: hardly any currency has three decimals."""
    return amount.currency is not None or decimals_of(amount.value) <= 2


def _field_at(words: Sequence[Word], index: int) -> tuple[Field, int] | None:
    """The field a keyword at `index` names, and how many words the keyword has."""
    word = words[index]
    for phrase, field in _BY_FIRST_WORD.get(word.plain) or _BY_FIRST_WORD.get(word.folded, ()):
        if starts_with(words[index : index + len(phrase)], phrase):
            return field, len(phrase)
    return None


def _pieces(words: Sequence[Word], today: date) -> Iterator[_Piece]:
    """One field after the other, as far as somebody wants to know."""
    at = 0
    while at < len(words):
        found = _field_at(words, at)
        if found is None:
            raise UnreadableValue(None, join(words[at:]), "no_field")
        field, length = found
        begin = at + length
        end = _end_of_value(words, begin, field, today)
        yield _Piece(field, _value_words(words[begin:end]))
        at = end


def _end_of_value(words: Sequence[Word], begin: int, field: Field, today: date) -> int:
    if begin < len(words) and field in _FREE_TEXT and words[begin].quoted:
        begin += 1
        while begin < len(words) and words[begin].plain in _JOINERS:
            begin += 1
        return begin
    for index in range(begin, len(words)):
        if _believable(words, index, today):
            return index
        if field not in _FREE_TEXT and _field_at(words, index) is not None:
            return index
    return len(words)


def _believable(words: Sequence[Word], index: int, today: date) -> bool:
    """Whether a field word inside running text really starts a change."""
    found = _field_at(words, index)
    if found is None:
        return False
    field, length = found
    begin = index + length
    while begin < len(words) and words[begin].plain in _FILLERS:
        begin += 1
    if begin == len(words):
        return False
    if field in {Field.NOTES, Field.NAME, Field.CRM, Field.CAMPAIGN}:
        return length > 1 or words[begin].quoted
    for end in range(begin + 1, min(len(words), begin + _LONGEST_VALUE) + 1):
        if _field_at(words, end - 1) is not None:
            return False
        if _reads(field, join(words[begin:end]), today):
            return True
    return False


def _reads(field: Field, text: str, today: date) -> bool:
    try:
        _typed(field, text, today)
    except (AmbiguousAmount, AmbiguousDate):
        return True
    except (MoneyError, DateError, ChangeError):
        return False
    return True


def _value_words(words: Sequence[Word]) -> tuple[Word, ...]:
    found = list(words)
    while len(found) > 1 and found[0].plain in _FILLERS:
        found.pop(0)
    while len(found) > 1 and (found[-1].plain in _JOINERS or found[-1].text == ","):
        found.pop()
    return tuple(found)


def unglued(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words with `value=30k` and `value:30k` taken apart into keyword and value."""
    keywords = {phrase[-1] for phrase, _field in FIELD_WORDS}
    found: list[Word] = []
    for word in words:
        cut = min((at for at in (word.text.find("="), word.text.find(":")) if at > 0), default=-1)
        if word.quoted or cut < 0 or word.text[:cut].casefold() not in keywords:
            found.append(word)
            continue
        found.append(Word(word.text[:cut], word.start, word.start + cut))
        if cut + 1 < len(word.text):
            found.append(Word(word.text[cut + 1 :], word.start + cut + 1, word.end))
    return tuple(found)
