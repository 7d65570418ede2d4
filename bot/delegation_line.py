"""Reads what stands behind `delegate`: who stands in, and until which day."""

from __future__ import annotations

from bot.command import Ask, Choice, Delegate, Parsed, Unclear
from bot.dates import AmbiguousDate, UnreadableDate, parse_date
from bot.keywords import english
from bot.lines import DATE_FORMS, Line
from bot.words import join
from cards.reader import day_in_words
from cards.wording import marked, sentence

_NOBODY = frozenset({"nobody", "no one", "noone", "none", "stop", "off", "end"})
HOW = marked("Write it like: delegate to cleo until friday.")


def delegate_line(line: Line) -> Parsed:
    """`delegate to PERSON until DATE`, `delegate to nobody`, or nothing at all to look it up."""
    said = list(line.words)
    if said and said[0].plain == "to":
        said.pop(0)
    if not said:
        return Delegate()
    if english(join(said).casefold()) in _NOBODY:
        return Delegate(stop=True)
    cut = next((n for n, word in enumerate(said) if n and word.plain in {"until", "till"}), None)
    if cut is None:
        return Unclear(sentence("Until when shall they stand in for you?"), sentence(HOW))
    person, when = join(said[:cut]), join(said[cut + 1 :])
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
