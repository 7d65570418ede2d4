"""Reads `create "Contoso Ltd" DE value 30k EUR close 2027-03-31 name "..."`, in any order."""

from __future__ import annotations

from collections.abc import Sequence

from bot.changes import AmbiguousValue, UnreadableValue, first_field, parse_changes, unglued
from bot.command import Choice, Create, Parsed, Unclear
from bot.countries import country_code
from bot.lines import Line, explain_value, which_reading
from bot.words import Word, is_phone, join
from cards.wording import sentence
from partner_center.referral import Field

_FILLERS = frozenset({"a", "an", "the", "new", "deal", "opportunity", "for", "with", "customer"})
_IN = frozenset({"in", "from", "of", "country", "-", "–"})
_COMPANY = frozenset({"ag", "as", "bv", "co", "kg", "ky", "nv", "sa", "sas", "sc", "se", "sl"})
"""Ends of company names that are country codes as well."""
_LONGEST_COUNTRY = 4
_AFTERWARDS = frozenset({Field.CRM, Field.CAMPAIGN})


def create_line(line: Line) -> Parsed:
    """A new deal as far as the line says it; the form asks for the rest."""
    words, phone = _phone(unglued(line.words))
    words, said_country = _country(words)
    at = first_field(words, line.today)
    customer, country = _who_and_where(words[:at])
    try:
        changes = parse_changes(words[at:], line.today) if at < len(words) else ()
    except AmbiguousValue as error:
        return which_reading(line, error, "create")
    except UnreadableValue as error:
        why, instead = explain_value(error)
        return Unclear(why, instead, _ways_on())
    if any(field in _AFTERWARDS for field, _value in changes):
        return Unclear(
            sentence("A new deal takes no CRM id and no campaign id."),
            sentence("Create it without, then set them with update."),
            _ways_on(),
        )
    return Create(customer, said_country or country, phone, changes)


def _ways_on() -> tuple[Choice, ...]:
    form = Choice(sentence("Open the form"), "create")
    return form, Choice(sentence("Help"), "help create")


def _phone(words: Sequence[Word]) -> tuple[tuple[Word, ...], str]:
    """Take `phone +1 425 555 0100` out of the line."""
    for index, word in enumerate(words):
        if word.plain != "phone":
            continue
        end = index + 1
        while end < len(words) and is_phone(words[end]):
            end += 1
        if end > index + 1:
            return (*words[:index], *words[end:]), join(words[index + 1 : end])
    return tuple(words), ""


def _country(words: Sequence[Word]) -> tuple[tuple[Word, ...], str]:
    """Take `country DE` or `country United Kingdom` out of the line, the longest name first."""
    for index, word in enumerate(words):
        if word.plain != "country":
            continue
        for end in range(min(len(words), index + 1 + _LONGEST_COUNTRY), index + 1, -1):
            said = join(words[index + 1 : end])
            if country_code(said):
                return (*words[:index], *words[end:]), said
    return tuple(words), ""


def _who_and_where(words: Sequence[Word]) -> tuple[str, str]:
    """The customer, then the country: behind a quoted name, behind `in`, or as the last words."""
    rest = list(words)
    while rest and rest[0].plain in _FILLERS:
        rest.pop(0)
    if rest and rest[0].quoted:
        where = rest[1:]
        while where and (where[0].plain in _IN or where[0].text == ","):
            where.pop(0)
        return rest[0].text, join(where)
    for index in range(max(1, len(rest) - _LONGEST_COUNTRY), len(rest)):
        said = join(rest[index:])
        if _is_country(rest[index:], said):
            who = rest[:index]
            while len(who) > 1 and who[-1].plain in _IN:
                who.pop()
            return join(who), said
    return join(rest), ""


def _is_country(words: Sequence[Word], said: str) -> bool:
    if len(words) == 1 and len(said) == 2 and (not said.isupper() or said.lower() in _COMPANY):
        return False
    return country_code(said) is not None
