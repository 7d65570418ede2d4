"""Reads what stands behind `delegate`: who stands in, and until which day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.command import Ask, Choice, Delegate, Parsed, Unclear
from bot.dates import AmbiguousDate, UnreadableDate, parse_date
from bot.keywords import before, english
from bot.lines import DATE_FORMS, Line
from bot.words import Word, join
from cards.language import Language, spoken
from cards.reader import day_in_words
from cards.wording import marked, sentence

_NOBODY = frozenset({"nobody", "no one", "noone", "none", "stop", "off", "end"})
_LONGEST_DAY = 8
"""Words of a day at most."""
HOW = marked("Write it like: delegate to cleo until friday.")


def delegate_line(line: Line) -> Parsed:
    """`delegate to PERSON until DATE`, `delegate to nobody`, or nothing at all to look it up."""
    said = _until_apart(line.words)
    if said and said[0].plain == "to":
        said.pop(0)
    if not said:
        return Delegate()
    if english(join(said).casefold()) in _NOBODY:
        return Delegate(stop=True)
    cut = next((n for n, word in enumerate(said) if n and word.plain in {"until", "till"}), None)
    at, behind = (len(said), len(said)) if cut is None else (cut, cut + 1)
    person, when = _who_and_when(said[:at], said[behind:], line.today)
    if cut is None or not person:
        return Unclear(sentence("Until when shall they stand in for you?"), sentence(HOW))
    try:
        return Delegate(person, parse_date(when, line.today))
    except AmbiguousDate as error:
        days = tuple(
            Choice(day_in_words(day), f"delegate to {person} until {day.isoformat()}")
            for day in error.readings
        )
        return Ask(
            sentence("“{when}” can be read in more than one way. Which do you mean?", when=when),
            days,
        )
    except UnreadableDate:
        return Unclear(
            sentence("I cannot read “{said}” as a date.", said=when[:40]), sentence(DATE_FORMS)
        )


def _until_apart(words: Sequence[Word]) -> list[Word]:
    """`金曜日まで` as two words."""
    apart: list[Word] = []
    for word in words:
        day = "" if word.quoted else before(word.text, "until")
        if day:
            cut = word.start + len(day)
            apart += [Word(day, word.start, cut), Word(word.text[len(day) :], cut, word.end)]
        else:
            apart.append(word)
    return apart


def _who_and_when(ahead: Sequence[Word], behind: Sequence[Word], today: date) -> tuple[str, str]:
    """The person and the day around `until`: the day is behind it, in Japanese before it; then the
    person stands before the day or behind all."""
    if spoken() is not Language.JAPANESE or (behind and not _is_day(ahead, today)):
        return join(ahead), join(behind)
    if behind:
        return join(_named(behind)), join(ahead)
    begins = range(max(1, len(ahead) - _LONGEST_DAY), len(ahead))
    cut = next((n for n in begins if _is_day(ahead[n:], today)), len(ahead) - 1)
    return join(_named(ahead[:cut])), join(ahead[cut:])


def _named(words: Sequence[Word]) -> Sequence[Word]:
    """The person without the word for `to`, which Japanese puts behind."""
    return words[:-1] if len(words) > 1 and words[-1].plain == "to" else words


def _is_day(words: Sequence[Word], today: date) -> bool:
    try:
        parse_date(join(words), today)
    except AmbiguousDate:
        return True
    except UnreadableDate:
        return False
    return True
