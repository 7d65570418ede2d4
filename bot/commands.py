"""What a seller can say: one table of commands, from which help, README and manifest grow."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from rapidfuzz import fuzz, process

from bot.changes import (
    AmbiguousValue,
    UnreadableValue,
    Value,
    first_field,
    parse_changes,
    unglued,
)
from bot.targets import Target, exact, named, take_exact
from bot.words import Word, clean, join, split, starts_with
from partner_center.referral import Field, Move


class Filter(StrEnum):
    """Which deals `list` shows."""

    ALL = "all"
    MINE = "mine"
    NEW = "new"
    ACTIVE = "active"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Help:
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class SignIn:
    pass


@dataclass(frozen=True, slots=True)
class SignOut:
    pass


@dataclass(frozen=True, slots=True)
class WhoAmI:
    pass


@dataclass(frozen=True, slots=True)
class ListDeals:
    filter: Filter = Filter.MINE
    text: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Show:
    target: Target


@dataclass(frozen=True, slots=True)
class Update:
    """Changes to one deal; without changes the seller gets a form."""

    target: Target
    changes: tuple[tuple[Field, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class AddMember:
    """A new member of the deal's team; parts that were not said are empty."""

    target: Target
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    phone_number: str = ""


@dataclass(frozen=True, slots=True)
class MoveDeal:
    target: Target
    move: Move
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Eligible:
    """The checklist of one deal; without a deal, whether the company may register at all."""

    target: Target | None = None


@dataclass(frozen=True, slots=True)
class Register:
    target: Target


@dataclass(frozen=True, slots=True)
class Drafts:
    pass


@dataclass(frozen=True, slots=True)
class Cancel:
    pass


Command = (
    Help
    | SignIn
    | SignOut
    | WhoAmI
    | ListDeals
    | Show
    | Update
    | AddMember
    | MoveDeal
    | Eligible
    | Register
    | Drafts
    | Cancel
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: its words, and the command it says when pressed."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The text has several meanings: which one?"""

    prompt: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Unclear:
    """The text cannot be carried out as it is: why, and what to say instead.

    `known` tells that the command itself was recognised.
    """

    why: str
    instead: str
    choices: tuple[Choice, ...] = ()
    known: bool = True


Parsed = Command | Ask | Unclear


@dataclass(frozen=True, slots=True)
class Line:
    """A command line: the whole text, the words behind the command, and the day it is said."""

    text: str
    words: tuple[Word, ...]
    today: date


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One row of the table. `phrases` are what a line may begin with, the name first."""

    name: str
    usage: str
    summary: str
    examples: tuple[str, ...]
    phrases: tuple[str, ...]
    parse: Callable[[Line], Parsed]
    signed_out: bool = False
    takes_deal: bool = False


def parse(text: str, today: date) -> Parsed:
    """The command `text` says, or the question or correction it deserves. Never raises."""
    line = clean(text).rstrip("?!").strip()
    line = re.sub(r"^(?:/|please\s+)+", "", line, flags=re.IGNORECASE)
    words = split(line)
    if not words:
        return Help()
    spec, length = _recognise(words)
    if spec is not None:
        return spec.parse(Line(line, words[length:], today))
    return _deal_first(line, words, today) or _unknown(line, words)


def spec_of(command: Command) -> CommandSpec:
    """The row of the table a parsed command belongs to."""
    if isinstance(command, MoveDeal):
        return _BY_NAME[command.move.value]
    return _BY_TYPE[type(command)]


def _recognise(words: Sequence[Word]) -> tuple[CommandSpec | None, int]:
    """The command whose phrase the words begin with, the longest phrase first."""
    for phrase, spec in _PHRASES:
        if starts_with(words, phrase):
            return spec, len(phrase)
    return None, 0


def _deal_first(line: str, words: Sequence[Word], today: date) -> Parsed | None:
    """`#1042`, `#1042 value 30k`, `#1042 won`: the deal said before the command."""
    target = exact(words[0])
    if target is None:
        return None
    rest = words[1:]
    if not rest:
        return Show(target)
    spec, length = _recognise(rest)
    if spec is not None and spec.takes_deal:
        return spec.parse(Line(line, (words[0], *rest[length:]), today))
    if first_field(rest, today) < len(rest):
        return _update(Line(line, tuple(words), today))
    return None


def _unknown(line: str, words: Sequence[Word]) -> Unclear:
    """Did you mean; and else a search, so that nobody stands before a wall."""
    typed = words[0].plain
    known = sorted({phrase[0] for phrase, _spec in _PHRASES})
    best = process.extractOne(typed, known, scorer=fuzz.ratio, score_cutoff=70) if typed else None
    choices = [Choice("Help", "help")]
    if len(line) <= 80:
        choices.insert(0, Choice(f"Search for “{line}”", f'list "{_unquoted(line)}"'))
    if best is None:
        return Unclear(
            "I do not know that command.",
            "Say help to see what I understand.",
            tuple(choices),
            False,
        )
    meant = best[0] + line[words[0].end :]
    choices.insert(0, Choice(meant, meant))
    return Unclear(
        f"I do not know “{words[0].text}”.", f"Did you mean “{meant}”?", tuple(choices), False
    )


def _unquoted(text: str) -> str:
    return text.replace('"', "")


_WHICH = "Name a deal: its number like #1042, a piece of its name or customer, or a link."


def _no_deal(line: Line, verb: str) -> Unclear:
    return Unclear(
        f"Which deal do you want to {verb}?", _WHICH, (Choice("List my deals", "list mine"),)
    )


def _deal_only(make: Callable[[Target], Command], verb: str) -> Callable[[Line], Parsed]:
    def parse_deal(line: Line) -> Parsed:
        found, rest = take_exact(line.words)
        if found is not None and not join(rest):
            return make(found)
        target = named(line.words)
        return _no_deal(line, verb) if target is None else make(target)

    return parse_deal


def _help(line: Line) -> Parsed:
    asked = join(line.words).casefold()
    if not asked:
        return Help()
    spec, _length = _recognise(line.words)
    return Help(spec.name if spec is not None else asked)


def _list(line: Line) -> Parsed:
    words = list(line.words)
    page = 1
    if len(words) >= 2 and words[-2].plain == "page" and words[-1].text.isdecimal():
        page = max(1, min(int(words[-1].text[:4]), 1000))
        words = words[:-2]
    while words and words[-1].plain in {"deals", "deal", "opportunities", "leads", "referrals"}:
        words.pop()
    chosen = Filter.MINE
    if words and words[0].plain in _FILTERS:
        chosen = _FILTERS[words.pop(0).plain]
    elif words:
        chosen = Filter.ALL
    while words and words[0].plain in {"deals", "for", "from"}:
        words.pop(0)
    return ListDeals(chosen, join(words)[:100], page)


_LINKS = frozenset({"to", "with", "so", "that", "and", ":"})


def _update(line: Line) -> Parsed:
    words = unglued(line.words)
    split_at = first_field(words, line.today)
    before, rest = words[:split_at], words[split_at:]
    target, odd = take_exact(before)
    if target is None and before:
        target, odd = named(before), ()
    elif target is None:
        target, rest = take_exact(rest)
    if target is None:
        return _no_deal(line, "update")
    if not rest and not odd:
        return Update(target)
    try:
        rest = (*(word for word in odd if word.plain not in _LINKS), *rest)
        return Update(target, parse_changes(rest, line.today))
    except AmbiguousValue as error:
        choices = tuple(
            Choice(reading.label, line.text[: error.start] + reading.text + line.text[error.end :])
            for reading in error.readings
        )
        shown = line.text[error.start : error.end]
        return Ask(f"“{shown}” can be read in more than one way. Which do you mean?", choices)
    except UnreadableValue as error:
        why, instead = explain_value(error)
        return Unclear(why, instead)


VALUE_FORMS = "Write it like 30000, 30k, 1.2m or USD 250,000.50."
DATE_FORMS = "Write it like 2026-03-31, 31 Mar 2026, next friday, end of june or Q3."
_WHY = {
    "no_field": ("I do not see what to change in “{text}”.", "Say what to change: {fields}."),
    "said_twice": ("{field} is there twice.", "Say it once, so that I take the right one."),
    "no_value": ("{field} has no value.", "Say the new value behind it."),
    "unknown_currency": ("“{text}” is no currency code.", "Use three letters, like USD or EUR."),
    "no_such_day": ("“{text}” is not a day of the calendar.", DATE_FORMS),
    "out_of_range": ("“{text}” is too far away to be right.", DATE_FORMS),
}
FIELD_NAMES = {
    Field.VALUE: "Deal value",
    Field.CURRENCY: "Currency",
    Field.CLOSE: "Close date",
    Field.NOTES: "Notes",
    Field.NAME: "Name",
    Field.CRM: "CRM id",
    Field.CAMPAIGN: "Campaign id",
}
_MONEY_WHY = {
    "negative": "“{text}” is negative.",
    "zero": "A value of zero is not possible.",
    "too_large": "“{text}” is too large to be right.",
    "too_precise": "“{text}” has more decimals than an amount can have.",
    "unknown_currency": "“{text}” names a currency I do not know.",
    "several": "“{text}” holds more than one amount.",
    "foreign_digits": "“{text}” has digits I do not read; please use 0 to 9.",
}


def explain_value(error: UnreadableValue) -> tuple[str, str]:
    """Why a value was not taken, and how to write it: two sentences for the seller."""
    field = FIELD_NAMES[error.field] if error.field is not None else ""
    text = error.text if len(error.text) <= 60 else error.text[:57] + "…"
    if error.field is Field.VALUE and error.reason not in {"said_twice", "no_value"}:
        why = _MONEY_WHY.get(error.reason, "I cannot read “{text}” as one amount.")
        return why.format(text=text), VALUE_FORMS
    why, instead = _WHY.get(error.reason, ("I cannot read “{text}” as a date.", DATE_FORMS))
    fields = ", ".join(dict.fromkeys(name.lower() for name in FIELD_NAMES.values()))
    return why.format(text=text, field=field), instead.format(fields=fields)


_EMAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+")
_PHONE = re.compile(r"\+?[0-9(][0-9()./-]*")


def _add_member(line: Line) -> Parsed:
    target, words = take_exact(line.words)
    email = next((word for word in words if _EMAIL.fullmatch(word.text.strip("<>,;"))), None)
    if target is None:
        stop = words.index(email) if email is not None else len(words)
        target, words = named(words[:stop]), words[stop:]
    if target is None:
        return _no_deal(line, "add somebody to")
    rest = [word for word in words if word is not email]
    while rest and rest[-1].plain in {"to", "team", "the", "of"}:
        rest.pop()
    phone: list[Word] = []
    while rest and _PHONE.fullmatch(rest[-1].text):
        phone.insert(0, rest.pop())
    names = [word.text for word in rest if word.plain not in {"as", "with"}]
    return AddMember(
        target,
        email.text.strip("<>,;") if email is not None else "",
        names[0] if names else "",
        " ".join(names[1:]),
        join(phone),
    )


def _move(move: Move, verb: str) -> Callable[[Line], Parsed]:
    def parse_move(line: Line) -> Parsed:
        words = line.words
        cut = _reason_at(words)
        if cut is None:
            found = exact(words[0], bare_number=True) if words else None
            quoted = bool(words) and words[0].quoted
            cut = 1 if found is not None or quoted else len(words)
        target = named(words[:cut])
        if target is None:
            return _no_deal(line, verb)
        reason = re.sub(r"^(?:because|reason)\b:?|^[-:–—]", "", join(words[cut:]), flags=re.I)
        return MoveDeal(target, move, reason.strip())

    return parse_move


def _reason_at(words: Sequence[Word]) -> int | None:
    for index, word in enumerate(words):
        if index and word.plain.rstrip(":") in {"because", "reason", "-", "–", "—"}:
            return index
        if index and word.text.endswith(":"):
            return None
    return None


def _close(line: Line) -> Parsed:
    """`close #1042 as won|lost|error`, `mark #1042 as won`."""
    for index, word in enumerate(line.words):
        if index and word.plain in {"as", "to"} and index + 1 < len(line.words):
            move = _CLOSE_AS.get(line.words[index + 1].plain)
            if move is not None:
                rest = (*line.words[:index], *line.words[index + 2 :])
                return _move(move, "close")(Line(line.text, rest, line.today))
    if line.words and line.words[0].plain == "date":
        return _update(Line(line.text, (Word("close", 0, 0), *line.words), line.today))
    target, _rest = take_exact(line.words)
    deal = str(target) if target is not None else join(line.words)
    if not deal:
        return _no_deal(line, "close")
    choices = tuple(
        Choice(label, f"{verb} {deal}")
        for verb, label in (("won", "Won"), ("lost", "Lost"), ("error", "Error"))
    )
    return Ask("How does the deal end?", choices)


def _eligible(line: Line) -> Parsed:
    words = line.words
    if not words or join(words).casefold() in {"me", "we", "us", "company", "partner", "i"}:
        return Eligible()
    return _deal_only(Eligible, "check")(line)


def _nothing(command: Command) -> Callable[[Line], Parsed]:
    return lambda _line: command


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

COMMANDS: tuple[CommandSpec, ...] = (
    CommandSpec(
        "help",
        "help [command]",
        "Shows what I understand, or one command in detail.",
        ("help", "help update"),
        ("help", "hi", "hello", "hey", "commands", "good morning", "what can you do"),
        _help,
        signed_out=True,
    ),
    CommandSpec(
        "list",
        "list [mine|new|active|won|lost|all] [text] [page N]",
        "Lists deals you may see, the latest change first.",
        ("list", "list new", "list fabrikam", "list won page 2"),
        ("list", "my deals", "deals", "search", "find", "pipeline"),
        _list,
    ),
    CommandSpec(
        "show",
        "show DEAL",
        "Shows a deal as Partner Center holds it now.",
        ("show #1042", "show fabrikam", "#1042"),
        ("show", "view", "open", "get", "status of", "status"),
        _deal_only(Show, "see"),
        takes_deal=True,
    ),
    CommandSpec(
        "update",
        'update DEAL value 30k close 2026-03-31 notes "..." name "..." crm ID campaign ID',
        "Changes one or more fields; you see before and after first.",
        ("update #1042 value 30k", 'update fabrikam close end of june notes "Pilot agreed"'),
        ("update", "change", "set", "edit"),
        _update,
        takes_deal=True,
    ),
    CommandSpec(
        "team add",
        "team add DEAL EMAIL FIRST LAST PHONE",
        "Adds somebody of your company to the deal's team.",
        ("team add #1042 jane.doe@contoso.com Jane Doe 0000000001", "team add #1042"),
        ("team add", "add team member", "add member", "add to team", "team", "add"),
        _add_member,
        takes_deal=True,
    ),
    CommandSpec(
        "accept",
        "accept DEAL",
        "Accepts a new deal, so that it becomes active.",
        ("accept #1042",),
        ("accept",),
        _move(Move.ACCEPT, "accept"),
        takes_deal=True,
    ),
    CommandSpec(
        "decline",
        "decline DEAL [reason]",
        "Declines a new deal; it is closed for good.",
        ("decline #1042 not our region",),
        ("decline", "reject"),
        _move(Move.DECLINE, "decline"),
        takes_deal=True,
    ),
    CommandSpec(
        "won",
        "won DEAL",
        "Marks an active deal as won; I check the registration first.",
        ("won #1042",),
        ("won", "win"),
        _move(Move.WON, "mark as won"),
        takes_deal=True,
    ),
    CommandSpec(
        "lost",
        "lost DEAL [reason]",
        "Marks an active deal as lost.",
        ("lost #1042 budget was cut",),
        ("lost", "lose"),
        _move(Move.LOST, "mark as lost"),
        takes_deal=True,
    ),
    CommandSpec(
        "error",
        "error DEAL reason",
        "Closes a deal that should not exist, such as a duplicate.",
        ("error #1042 duplicate of #1040",),
        ("error", "close as error"),
        _move(Move.ERROR, "close as error"),
        takes_deal=True,
    ),
    CommandSpec(
        "close",
        "close DEAL as won|lost|error [reason]",
        "Ends a deal in the way you say.",
        ("close #1042 as won", "close #1042 as lost budget was cut"),
        ("close", "mark"),
        _close,
        takes_deal=True,
    ),
    CommandSpec(
        "eligible",
        "eligible [me|DEAL]",
        "Shows whether a deal, or your company, can be registered, and what is missing.",
        ("eligible #1042", "eligible me"),
        ("eligible", "am i eligible", "are we eligible", "eligibility", "checklist", "check"),
        _eligible,
        takes_deal=True,
    ),
    CommandSpec(
        "register",
        "register DEAL",
        "Walks you through the deal registration, step by step.",
        ("register #1042",),
        ("register", "registration"),
        _deal_only(Register, "register"),
        takes_deal=True,
    ),
    CommandSpec(
        "drafts",
        "drafts",
        "Lists the registrations you have begun, so that you can go on.",
        ("drafts",),
        ("drafts", "resume", "continue"),
        _nothing(Drafts()),
    ),
    CommandSpec(
        "cancel",
        "cancel",
        "Drops the registration you are filling in here.",
        ("cancel",),
        ("cancel", "stop", "abort", "never mind"),
        _nothing(Cancel()),
        signed_out=True,
    ),
    CommandSpec(
        "sign in",
        "sign in",
        "Connects you to Partner Center with your own rights.",
        ("sign in",),
        ("sign in", "signin", "login", "log in"),
        _nothing(SignIn()),
        signed_out=True,
    ),
    CommandSpec(
        "sign out",
        "sign out",
        "Forgets your Partner Center sign-in; Teams stays signed in.",
        ("sign out",),
        ("sign out", "signout", "logout", "log out"),
        _nothing(SignOut()),
        signed_out=True,
    ),
    CommandSpec(
        "who am i",
        "who am I",
        "Shows the account I act with for you.",
        ("who am I",),
        ("who am i", "whoami", "me"),
        _nothing(WhoAmI()),
        signed_out=True,
    ),
)
_PHRASES: tuple[tuple[tuple[str, ...], CommandSpec], ...] = tuple(
    sorted(
        ((tuple(phrase.split()), spec) for spec in COMMANDS for phrase in spec.phrases),
        key=lambda pair: -len(pair[0]),
    )
)
_BY_NAME = {spec.name: spec for spec in COMMANDS}
_BY_TYPE: dict[type, CommandSpec] = {
    Help: _BY_NAME["help"],
    SignIn: _BY_NAME["sign in"],
    SignOut: _BY_NAME["sign out"],
    WhoAmI: _BY_NAME["who am i"],
    ListDeals: _BY_NAME["list"],
    Show: _BY_NAME["show"],
    Update: _BY_NAME["update"],
    AddMember: _BY_NAME["team add"],
    Eligible: _BY_NAME["eligible"],
    Register: _BY_NAME["register"],
    Drafts: _BY_NAME["drafts"],
    Cancel: _BY_NAME["cancel"],
}
