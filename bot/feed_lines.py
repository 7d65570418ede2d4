"""Reads what stands behind `subscribe` and `notify me`: the kind, the filters, how to tell it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bot.command import Ask, Choice, Command, NotifyMe, Parsed, Subscribe, Unclear, Unsubscribe
from bot.countries import country_code
from bot.feed_rules import Filters, Quiet, Wish
from bot.keywords import before, in_english
from bot.lines import VALUE_FORMS, Line
from bot.store.feeds import Kind
from bot.words import Word, join, split
from cards.feeds import KIND_TITLES
from cards.language import Language, spoken
from cards.wording import marked, sentence
from partner_center.money import AmbiguousAmount, UnreadableAmount, parse_amount, plain

KINDS: Mapping[str, Kind] = {
    "won": Kind.WON,
    "win": Kind.WON,
    "wins": Kind.WON,
    "registered": Kind.REGISTERED,
    "registration": Kind.REGISTERED,
    "registrations": Kind.REGISTERED,
    "accepted": Kind.ACCEPTED,
    "expiring": Kind.EXPIRING,
    "expiry": Kind.EXPIRING,
    "expires": Kind.EXPIRING,
    "approvals": Kind.APPROVALS,
    "approval": Kind.APPROVALS,
}
_KEYS = {
    "value": "value",
    "above": "value",
    "over": "value",
    "country": "country",
    "countries": "country",
    "solution": "solution",
    "mine": "mine",
    "my": "mine",
    "thread": "thread",
    "threaded": "thread",
    "flat": "flat",
    "names": "names",
    "quiet": "quiet",
}
_FILLERS = frozenset({"and", "with", "deals", "deal", "in", "to", "of", "when", "is", "a", "hours"})
_BEFORE = _FILLERS | {"me", "us", "this", "channel", "chat", "about", "every", "all", "any", "for"}
_MORE = frozenset({">", ">=", "above", "over", "more", "than", "value", "=", ":"})
_THAN = frozenset({"als", "de", "que"})
"""What stands between `more` and an amount in the languages of the bot."""
_QUIET = re.compile(
    r"(?:(?:from|between|von|zwischen|de|entre) )?"
    r"(?P<h>[01]?\d|2[0-4])(?:[:h](?P<m>[0-5]\d))?\s*(?:h|uhr|時)?"
    r"\s*(?:-|–|〜|\uff5e|to|until|and|から)\s*"
    r"(?P<H>[01]?\d|2[0-4])(?:[:h](?P<M>[0-5]\d))?\s*(?:h|uhr|時)?(?:まで)?"
)
"""`18-8`, `von 18:30 bis 7 Uhr`, `de 18h30 à 7h`, `18時から8時まで`, once our keywords in them are
in English."""
_LONGEST_SOLUTION = 100
_MOST_COUNTRIES = 40


class BadFilter(ValueError):
    """A filter that says nothing we know: why, and what to write instead."""

    def __init__(self, why: str, instead: str) -> None:
        super().__init__(why)
        self.why = why
        self.instead = instead


class AmbiguousFilter(ValueError):
    """An amount with several meanings, and where it stands in the whole text."""

    def __init__(self, start: int, end: int, readings: Sequence[str]) -> None:
        super().__init__("ambiguous")
        self.start = start
        self.end = end
        self.readings = tuple(readings)


def subscribe_line(make: Callable[[Kind, Wish], Command], verb: str) -> Callable[[Line], Parsed]:
    """The parser of `subscribe KIND [filters]` and `notify me KIND [filters]`."""

    def parse(line: Line) -> Parsed:
        words = line.words
        at = next((i for i, word in enumerate(words) if word.plain in KINDS), None)
        if at is None or any(word.plain not in _BEFORE for word in words[:at]):
            return _which(verb)
        try:
            wish = read_wish(words[at + 1 :])
        except AmbiguousFilter as error:
            choices = tuple(
                Choice(each, line.text[: error.start] + each + line.text[error.end :])
                for each in error.readings
            )
            shown = line.text[error.start : error.end]
            return Ask(
                sentence(
                    "“{shown}” can be read in more than one way. Which do you mean?", shown=shown
                ),
                choices,
            )
        except BadFilter as error:
            return Unclear(error.why, error.instead)
        kind, filters = KINDS[words[at].plain], wish.filters
        if kind is Kind.APPROVALS and (filters.above or filters.countries or filters.solution):
            return Unclear(
                sentence("Approvals are told of every deal."),
                sentence("Say mine to hear only of yours."),
            )
        return make(kind, wish)

    return parse


def subscribe_command(kind: Kind, wish: Wish) -> Command:
    """For the conversation where it is said."""
    return Subscribe(kind, wish)


def notify_command(kind: Kind, wish: Wish) -> Command:
    """For the personal chat of who says it."""
    return NotifyMe(kind, wish)


def unsubscribe_line(line: Line) -> Parsed:
    """`unsubscribe [won|registered|accepted|expiring|approvals|all]`."""
    words = [word for word in line.words if word.plain not in {"from", "all", "everything"}]
    if not words:
        return Unsubscribe()
    kind = KINDS.get(words[0].plain)
    return Unsubscribe(kind) if kind is not None else _which("unsubscribe")


def _which(verb: str) -> Ask:
    choices = tuple(Choice(KIND_TITLES[kind].plain, f"{verb} {kind.value}") for kind in Kind)
    return Ask(sentence("What do you want to hear about, or no longer hear about?"), choices)


def read_wish(words: Sequence[Word]) -> Wish:
    """The filters these words say, in any order. Raises BadFilter or AmbiguousFilter."""
    wish = Wish()
    for key, values in _pieces(words):
        if key == "thread" or key == "flat":
            wish = replace(wish, flat=key == "flat")
        elif key == "quiet":
            said = [word for word in values if word.plain != "hours"]
            wish = replace(wish, quiet=read_quiet(join(said)))
        else:
            wish = replace(wish, filters=_READERS[key](wish.filters, values))
    return wish


def _pieces(words: Sequence[Word]) -> list[tuple[str, tuple[Word, ...]]]:
    """Each key word with what stands behind it. A value's signs may follow it: `value > 100k`,
    `value above 100k`; Japanese says one of them behind the amount."""
    pieces: list[tuple[str, list[Word]]] = []
    only_signs = False
    for word in _unglued(words):
        key = _KEYS.get(word.plain) or ("value" if word.plain in {">", ">="} else None)
        of_value = bool(pieces) and pieces[-1][0] == "value"
        goes_on = key == "value" and of_value and (only_signs or _is_behind_amount(word))
        if key is not None and not goes_on:
            if key not in _FREE and any(key == known for known, _values in pieces):
                raise BadFilter(
                    sentence("“{key}” is there twice.", key=word.text), sentence("Say it once.")
                )
            pieces.append((key, []))
            only_signs = True
        elif pieces and pieces[-1][0] not in _FREE:
            pieces[-1][1].append(word)
            only_signs = only_signs and _is_sign(word)
        elif word.plain not in _FILLERS:
            raise BadFilter(
                sentence("I do not know the filter “{said}”.", said=word.text[:60]),
                sentence(_FORMS),
            )
    return [(key, tuple(values)) for key, values in pieces]


_FREE = frozenset({"mine", "thread", "flat", "names"})
"""Key words that stand by themselves."""
_FORMS = marked(
    "You can say value > 100k, country DE, solution NAME, mine, thread or flat, quiet 18-8, names."
)


def _is_behind_amount(word: Word) -> bool:
    return spoken() is Language.JAPANESE and word.plain == "above"


def _is_sign(word: Word) -> bool:
    return word.plain in _MORE or word.folded in _THAN


def _unglued(words: Sequence[Word]) -> list[Word]:
    """`value>100k` and `>100k` as separate words, and `100万以上` as its amount: a value is one to
    be above in any case."""
    apart: list[Word] = []
    for word in words:
        amount = "" if word.quoted else before(word.text, "above")
        if amount:
            word = Word(amount, word.start, word.start + len(amount))
        match = None if word.quoted else re.fullmatch(r"(value)?(>=?)(.*)", word.text, re.I)
        if match is None or (not match[1] and not match[3]):
            apart.append(word)
            continue
        for number in (1, 2, 3):
            if match[number]:
                start, end = match.span(number)
                apart.append(Word(match[number], word.start + start, word.start + end))
    return apart


def _value(filters: Filters, values: Sequence[Word]) -> Filters:
    said = [word for word in values if not _is_sign(word) and word.plain not in _FILLERS]
    text = join(said)
    if not text:
        raise BadFilter(sentence("The value has no amount."), sentence(VALUE_FORMS))
    try:
        return replace(filters, above=parse_amount(text))
    except AmbiguousAmount as error:
        readings = [
            " ".join(filter(None, (each.currency, plain(each.value)))) for each in error.readings
        ]
        raise AmbiguousFilter(said[0].start, said[-1].end, readings) from error
    except UnreadableAmount as error:
        raise BadFilter(
            sentence("I cannot read “{said}” as an amount.", said=text[:60]), sentence(VALUE_FORMS)
        ) from error


def _country(filters: Filters, values: Sequence[Word]) -> Filters:
    text = join([word for word in values if word.plain not in {"and", "is", "=", "or"}])
    whole = country_code(text, spoken())
    codes: list[str | None] = [whole] if whole else []
    if not codes:
        for part in re.split(r"[,;/、]", text):
            code = country_code(part, spoken())
            codes += [code] if code else [country_code(each, spoken()) for each in part.split()]
    known = [code for code in codes if code]
    if not known or len(known) < len(codes) or len(known) > _MOST_COUNTRIES:
        raise BadFilter(
            sentence("I do not know the country “{said}”.", said=text[:60]),
            sentence("Use two letters such as DE, or its name."),
        )
    return replace(filters, countries=tuple(dict.fromkeys(known)))


def _solution(filters: Filters, values: Sequence[Word]) -> Filters:
    text = join([word for word in values if word.plain not in {"=", "is"}])[:_LONGEST_SOLUTION]
    if not text:
        raise BadFilter(
            sentence("The solution has no name."),
            sentence("Say solution and a piece of its name or id."),
        )
    return replace(filters, solution=text)


_READERS: Mapping[str, Callable[[Filters, Sequence[Word]], Filters]] = {
    "value": _value,
    "country": _country,
    "solution": _solution,
    "mine": lambda filters, _values: replace(filters, mine=True),
    "names": lambda filters, _values: replace(filters, names=True),
}


def read_quiet(text: str) -> Quiet:
    """`18-8` or `18:30-07:00`. Raises BadFilter."""
    match = _QUIET.fullmatch(" ".join(in_english(text.casefold()).split()))
    start = _minutes(match["h"], match["m"]) if match else None
    end = _minutes(match["H"], match["M"]) if match else None
    if start is None or end is None or start == end:
        raise BadFilter(
            sentence("I cannot read “{said}” as quiet hours.", said=text[:60]),
            sentence("Write them like 18-8 or 18:30-07:00."),
        )
    return Quiet(start, end)


def _minutes(hours: str, minutes: str | None) -> int | None:
    total = int(hours) * 60 + int(minutes or 0)
    return total % (24 * 60) if total <= 24 * 60 else None


def read_fields(fields: Mapping[str, str]) -> Wish:
    """The wish a form says: value, country, solution, quiet, mine, names, thread.

    Raises BadFilter; an amount with several meanings is one too, with its readings.
    """
    filters = Filters(
        mine=fields.get("mine") == "true",
        names=fields.get("names") == "true",
    )
    for key in ("value", "country", "solution"):
        said = split(fields.get(key, "").strip())
        if said:
            try:
                filters = _READERS[key](filters, _unglued(said))
            except AmbiguousFilter as error:
                why = sentence(
                    "“{said}” can be read in more than one way: {readings}.",
                    said=join(said),
                    readings=", ".join(error.readings),
                )
                raise BadFilter(why, sentence("Write the one you mean.")) from error
    quiet = fields.get("quiet", "").strip()
    return Wish(filters, fields.get("place") != "thread", read_quiet(quiet) if quiet else None)
