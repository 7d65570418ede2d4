"""Reads what stands behind a command: the deal, and whatever else the command takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bot.changes import AmbiguousValue, UnreadableValue, first_field, parse_changes, unglued
from bot.command import (
    AddMember,
    Ask,
    Choice,
    Command,
    Eligible,
    Filter,
    Languages,
    ListDeals,
    MoveDeal,
    Parsed,
    Pipeline,
    Speak,
    Unclear,
    Update,
)
from bot.keywords import english
from bot.targets import Target, exact, named, take_exact
from bot.words import Word, is_phone, join
from cards.language import Language
from cards.wording import NO_TEXT, Text, marked, sentence, words
from partner_center.referral import Field, Move


@dataclass(frozen=True, slots=True)
class Line:
    """A command line: the whole text, the words behind the command, and the day it is said."""

    text: str
    words: tuple[Word, ...]
    today: date


_WHICH = marked("Name a deal: its number like #1042, a piece of its name or customer, or a link.")


def _no_deal() -> Unclear:
    return Unclear(
        sentence("Which deal do you mean?"),
        sentence(_WHICH),
        (Choice(sentence("List my deals"), "list mine"),),
    )


def deal_only(make: Callable[[Target], Command]) -> Callable[[Line], Parsed]:
    """The parser of a command that takes a deal and nothing else."""

    def parse_deal(line: Line) -> Parsed:
        found, rest = take_exact(line.words)
        if found is not None and not join(rest):
            return make(found)
        target = named(line.words)
        return _no_deal() if target is None else make(target)

    return parse_deal


def list_line(line: Line) -> Parsed:
    """`list [mine|new|active|won|lost|all] [text] [page N]`."""
    words = list(line.words)
    page = 1
    if len(words) >= 2 and words[-2].plain == "page" and words[-1].text.isdecimal():
        page = max(1, min(int(words[-1].text[:4]), 1000))
        words = words[:-2]
    while words and words[-1].plain in {"deals", "deal", "opportunities", "leads", "referrals"}:
        words.pop()
    if len(words) > 1 and words[0].plain == "deals" and words[1].plain in _FILTERS:
        words.pop(0)
    chosen = Filter.MINE
    if words and words[0].plain in _FILTERS:
        chosen = _FILTERS[words.pop(0).plain]
    elif words:
        chosen = Filter.ALL
    while words and words[0].plain in {"deals", "for", "from"}:
        words.pop(0)
    return ListDeals(chosen, join(words)[:100], page)


def pipeline_line(line: Line) -> Parsed:
    """`pipeline [mine|all]`."""
    return Pipeline(mine=not any(word.plain in _EVERYBODYS for word in line.words))


_EVERYBODYS = frozenset({"all", "everything", "team", "company"})
_LINKS = frozenset({"to", "with", "so", "that", "and", ":"})


def update_line(line: Line) -> Parsed:
    """`update DEAL field value ...`, or the fields first and the deal last."""
    words = unglued(line.words)
    split_at = first_field(words, line.today)
    before, rest = words[:split_at], words[split_at:]
    target, odd = take_exact(before)
    if target is None and before:
        target, odd = named(before), ()
    elif target is None:
        target, rest = take_exact(rest)
    if target is None:
        return _no_deal()
    if not rest and not odd:
        return Update(target)
    try:
        rest = (*(word for word in odd if word.plain not in _LINKS), *rest)
        return Update(target, parse_changes(rest, line.today))
    except AmbiguousValue as error:
        return which_reading(line, error, f"update {target}")
    except UnreadableValue as error:
        why, instead = explain_value(error)
        form = Choice(sentence("Open the form"), f"update {target}")
        return Unclear(why, instead, (form, Choice(sentence("Help"), "help update")))


def which_reading(line: Line, error: AmbiguousValue, otherwise: str) -> Ask:
    """Which reading of an ambiguous value is meant; the line is said again with the one chosen.

    A single reading stands beside something else, which says `otherwise`.
    """
    choices = tuple(
        Choice(reading.label, line.text[: error.start] + reading.text + line.text[error.end :])
        for reading in error.readings
    )
    if len(choices) == 1:
        choices += (Choice(sentence("Something else"), otherwise),)
    shown = line.text[error.start : error.end]
    return Ask(
        sentence("“{shown}” can be read in more than one way. Which do you mean?", shown=shown),
        choices,
    )


VALUE_FORMS = marked("Write it like 30000, 30k, 1.2m or USD 250,000.50.")
DATE_FORMS = marked("Write it like 2026-03-31, 31 Mar 2026, next friday, end of june or Q3.")
_WHY = {
    "no_field": (
        marked("I do not see what to change in “{text}”."),
        marked("Say what to change: {fields}."),
    ),
    "said_twice": (
        marked("{field} is there twice."),
        marked("Say it once, so that I take the right one."),
    ),
    "no_value": (marked("{field} has no value."), marked("Say the new value behind it.")),
    "unknown_currency": (
        marked("“{text}” is no currency code."),
        marked("Use three letters, like USD or EUR."),
    ),
    "no_such_day": (marked("“{text}” is not a day of the calendar."), DATE_FORMS),
    "out_of_range": (marked("“{text}” is too far away to be right."), DATE_FORMS),
}
FIELD_NAMES = {
    Field.VALUE: marked("Deal value"),
    Field.CURRENCY: marked("Currency"),
    Field.CLOSE: marked("Close date"),
    Field.NOTES: marked("Notes"),
    Field.NAME: marked("Name"),
    Field.CRM: marked("CRM id"),
    Field.CAMPAIGN: marked("Campaign id"),
}
_MONEY_WHY = {
    "negative": marked("“{text}” is negative."),
    "zero": marked("A value of zero is not possible."),
    "too_large": marked("“{text}” is too large to be right."),
    "too_precise": marked("“{text}” has more decimals than an amount can have."),
    "unknown_currency": marked("“{text}” names a currency I do not know."),
    "several": marked("“{text}” holds more than one amount."),
    "foreign_digits": marked("“{text}” has digits I do not read; please use 0 to 9."),
}


def explain_value(error: UnreadableValue) -> tuple[str, str]:
    """Why a value was not taken, and how to write it: two sentences for the seller."""
    field = words(FIELD_NAMES[error.field]) if error.field is not None else NO_TEXT
    text = error.text if len(error.text) <= 60 else error.text[:57] + "…"
    if error.field is Field.VALUE and error.reason not in {"said_twice", "no_value"}:
        why = _MONEY_WHY.get(error.reason, marked("I cannot read “{text}” as one amount."))
        return _said(why, text=text), sentence(VALUE_FORMS)
    unread = (marked("I cannot read “{text}” as a date."), DATE_FORMS)
    why, instead = _WHY.get(error.reason, unread)
    fields = ", ".join(dict.fromkeys(sentence(name).lower() for name in FIELD_NAMES.values()))
    return _said(why, text=text, field=field), _said(instead, fields=fields)


def _said(source: str, **values: Text | str) -> str:
    """The sentence with those of the values that it has a place for."""
    return sentence(source, **{name: value for name, value in values.items() if name in source})


_EMAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+")


def member_line(line: Line) -> Parsed:
    """`team add DEAL EMAIL FIRST LAST PHONE`, in any order that leaves no doubt."""
    target, words = take_exact(line.words)
    email = _email_among(words)
    if target is None:
        stop = words.index(email) if email is not None else len(words)
        target, words = named(words[:stop]), words[stop:]
    if target is None:
        return _no_deal()
    rest = [word for word in words if word is not email]
    while rest and rest[-1].plain in {"to", "team", "the", "of"}:
        rest.pop()
    phone: list[Word] = []
    while rest and is_phone(rest[-1]):
        phone.insert(0, rest.pop())
    names = [word.text for word in rest if word.plain not in {"as", "with"}]
    return AddMember(
        target,
        email.text.strip("<>,;") if email is not None else "",
        names[0] if names else "",
        " ".join(names[1:]),
        join(phone),
    )


def _email_among(words: Sequence[Word]) -> Word | None:
    """The word that is an e-mail address, else the one meant as such: the form then says what is
    wrong with it, and it is nobody's first name. A mention begins with the sign and has no dot."""
    signed = [word for word in words if "@" in word.text]
    meant = [word for word in signed if not word.text.startswith("@") or "." in word.text]
    whole = [word for word in meant if _EMAIL.fullmatch(word.text.strip("<>,;"))]
    return next(iter(whole or meant), None)


def move_line(move: Move) -> Callable[[Line], Parsed]:
    """The parser of a status move: a deal, and what follows it as the reason."""

    def parse_move(line: Line) -> Parsed:
        words = line.words
        cut = _reason_at(words)
        if cut is None and len(words) > 1 and words[-1].quoted:
            cut = len(words) - 1
        if cut is None:
            found = exact(words[0], bare_number=True) if words else None
            quoted = bool(words) and words[0].quoted
            cut = 1 if found is not None or quoted else len(words)
        target = named(words[:cut])
        if target is None:
            return _no_deal()
        behind = words[cut:]
        if behind and behind[0].plain == "because" != behind[0].folded:
            behind = behind[1:]
        reason = re.sub(r"^(?:because(?: of)?|reason)\b:?|^[-:–—]", "", join(behind), flags=re.I)
        return MoveDeal(target, move, reason.strip())

    return parse_move


def _reason_at(words: Sequence[Word]) -> int | None:
    for index, word in enumerate(words):
        if index and word.plain.rstrip(":") in {"because", "reason", "-", "–", "—"}:
            return index
        if index and word.text.endswith(":"):
            return None
    return None


def close_line(line: Line) -> Parsed:
    """`close #1042 as won|lost|error`, `mark #1042 as won`."""
    for index, word in enumerate(line.words):
        if index and word.plain in {"as", "to"} and index + 1 < len(line.words):
            move = _CLOSE_AS.get(line.words[index + 1].plain)
            if move is not None:
                rest = (*line.words[:index], *line.words[index + 2 :])
                return move_line(move)(Line(line.text, rest, line.today))
    if line.words and line.words[0].plain == "date":
        return update_line(Line(line.text, (Word("close", 0, 0), *line.words), line.today))
    target, _rest = take_exact(line.words)
    deal = str(target) if target is not None else join(line.words)
    if not deal:
        return _no_deal()
    choices = tuple(Choice(sentence(label), f"{verb} {deal}") for verb, label in _ENDS)
    return Ask(sentence("How does the deal end?"), choices)


def eligible_line(line: Line) -> Parsed:
    """`eligible`, `eligible me` or `eligible DEAL`."""
    words = line.words
    if not words or english(join(words).casefold()) in {
        "me",
        "we",
        "us",
        "company",
        "partner",
        "i",
    }:
        return Eligible()
    return deal_only(Eligible)(line)


def language_line(line: Line) -> Parsed:
    """`language deutsch`, `language de`, `language teams`."""
    wanted = join(line.words).casefold()
    if wanted in _AS_IN_TEAMS:
        return Speak(None)
    named = [language for language, names in LANGUAGE_NAMES.items() if wanted in names]
    return Speak(named[0]) if named else Languages()


LANGUAGE_NAMES: Mapping[Language, tuple[str, ...]] = {
    Language.ENGLISH: ("english", "en", "englisch", "anglais", "inglés", "ingles", "英語"),
    Language.GERMAN: ("deutsch", "de", "german", "allemand", "alemán", "aleman", "ドイツ語"),
    Language.FRENCH: (
        "français",
        "fr",
        "french",
        "francais",
        "französisch",
        "francés",
        "フランス語",
    ),
    Language.SPANISH: ("español", "es", "spanish", "espanol", "spanisch", "espagnol", "スペイン語"),
    Language.JAPANESE: ("日本語", "ja", "japanese", "japanisch", "japonais", "japonés"),
}
"""Each language by its own name first, then as the others call it."""
_AS_IN_TEAMS = frozenset({"teams", "auto", "automatic", "default", "none"})


def nothing(command: Command) -> Callable[[Line], Parsed]:
    """The parser of a command that takes nothing."""
    return lambda _line: command


_ENDS = (("won", marked("Won")), ("lost", marked("Lost")), ("error", marked("Error")))
_FILTERS = {
    "mine": Filter.MINE,
    "my": Filter.MINE,
    "new": Filter.NEW,
    "incoming": Filter.NEW,
    "inbound": Filter.NEW,
    "active": Filter.ACTIVE,
    "open": Filter.ACTIVE,
    "accepted": Filter.ACTIVE,
    "won": Filter.WON,
    "lost": Filter.LOST,
    "all": Filter.ALL,
    "everything": Filter.ALL,
}
_CLOSE_AS = {"won": Move.WON, "lost": Move.LOST, "error": Move.ERROR, "declined": Move.DECLINE}
