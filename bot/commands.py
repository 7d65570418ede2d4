"""What a seller can say: one table of commands, from which help, README and manifest grow."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from bot.changes import first_field
from bot.command import (
    AddMember,
    Approvals,
    Cancel,
    Choice,
    Command,
    Create,
    Delegate,
    Drafts,
    Eligible,
    Help,
    History,
    Languages,
    ListDeals,
    MoveDeal,
    NotifyMe,
    Parsed,
    Pipeline,
    Register,
    Show,
    SignIn,
    SignOut,
    Speak,
    Subscribe,
    Subscriptions,
    Unclear,
    Undo,
    Unsubscribe,
    Update,
    WhoAmI,
)
from bot.creation_line import create_line
from bot.delegation_line import delegate_line
from bot.feed_lines import notify_command, subscribe_command, subscribe_line, unsubscribe_line
from bot.keywords import english
from bot.lines import (
    Line,
    close_line,
    deal_only,
    eligible_line,
    language_line,
    list_line,
    member_line,
    move_line,
    nothing,
    pipeline_line,
    update_line,
)
from bot.targets import exact, take_exact
from bot.words import Word, clean, join, split, starts_with
from cards.language import Language, speaking, spoken, typed_as, typed_word
from cards.wording import marked, sentence
from partner_center.referral import Move


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One row of the table. `phrases` are what a line may begin with, the name first."""

    name: str
    usage: str
    summary: str
    examples: tuple[str, ...]
    phrases: tuple[str, ...]
    parse: Callable[[Line], Parsed]
    takes_deal: bool = False


Phrases = Mapping[str, Sequence[tuple[tuple[str, ...], CommandSpec]]]
"""What a line may begin with, by its first word, the longest first, and the command it is then."""


def parse(text: str, today: date) -> Parsed:
    """The command `text` says, or the question or correction it deserves. Never raises."""
    return _parsed(text, today, spoken())


@lru_cache(maxsize=128)
def _parsed(text: str, today: date, _language: Language) -> Parsed:
    """The same is read twice in a turn, before it is taken in and when it is carried out, and a few
    commands are said again and again."""
    line = clean(text).rstrip("?!").strip()
    line = re.sub(r"^(?:/|please\s+)+|(?<![\s,])[\s,]+please$", "", line, flags=re.IGNORECASE)
    words = split(line)
    if not words:
        return Help()
    spec, length = _recognise(words)
    if spec is not None:
        return spec.parse(Line(line, words[length:], today))
    if first_field(words, today) == 0 and take_exact(words)[0] is not None:
        return update_line(Line(line, words, today))
    return _deal_first(line, words, today) or _unknown(line, words)


def spec_of(command: Command) -> CommandSpec:
    """The row of the table a parsed command belongs to."""
    if isinstance(command, MoveDeal):
        return _BY_NAME[command.move.value]
    return _BY_TYPE[type(command)]


def _recognise(words: Sequence[Word]) -> tuple[CommandSpec | None, int]:
    """The command whose phrase the words begin with, the longest phrase first."""
    if not words:
        return None, 0
    phrases, first = _phrases(), words[0]
    begun = {name: phrases.get(name, ()) for name in (first.plain, first.folded)}
    found = [row for rows in begun.values() for row in rows if starts_with(words, row[0])]
    if not found:
        return None, 0
    phrase, spec = max(found, key=lambda row: len(row[0]))
    return spec, len(phrase)


def _phrases() -> Phrases:
    """What a line may begin with: in English, and in the language spoken now."""
    language = spoken()
    return _PHRASES if language is Language.ENGLISH else _phrases_in(language)


@lru_cache(maxsize=len(Language))
def _phrases_in(language: Language) -> Phrases:
    with speaking(language.value):
        own = [(said, spec) for spec in COMMANDS for said in typed_as(spec.name)]
    return _by_first_word([*_ENGLISH_PHRASES, *own])


def _by_first_word(phrases: Sequence[tuple[str, CommandSpec]]) -> Phrases:
    parted = [(tuple(phrase.casefold().split()), spec) for phrase, spec in phrases]
    rows = sorted(parted, key=lambda pair: -len(pair[0]))
    return {first: [row for row in rows if row[0][0] == first] for first in {r[0][0] for r in rows}}


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
        return update_line(Line(line, tuple(words), today))
    return None


def _unknown(line: str, words: Sequence[Word]) -> Unclear:
    """Did you mean; and else a search, so that nobody stands before a wall."""
    from rapidfuzz import fuzz, process  # 2.4 MB for what is rarely said

    typed = words[0].folded
    known = sorted(
        {
            phrase[0]
            for rows in _phrases().values()
            for phrase, _spec in rows
            if len(phrase) == 1 or " ".join(phrase) in _TYPED_AS
        }
    )
    best = process.extractOne(typed, known, scorer=fuzz.ratio, score_cutoff=70) if typed else None
    choices = [Choice(sentence("Help"), "help")]
    deal, _rest = take_exact(words)
    if deal is not None:
        choices.insert(0, Choice(sentence("Show {deal}", deal=str(deal)), f"show {deal}"))
    elif len(line) <= 80:
        choices.insert(
            0, Choice(sentence("Search for “{line}”", line=line), f'list "{_unquoted(line)}"')
        )
    if best is None:
        return Unclear(
            sentence("I do not know that command."),
            sentence("Say help to see what I understand."),
            tuple(choices),
            False,
        )
    meant = best[0] + line[words[0].end :]
    choices.insert(0, Choice(meant, meant))
    return Unclear(
        sentence("I do not know “{text}”.", text=words[0].text),
        sentence("Did you mean “{meant}”?", meant=meant),
        tuple(choices),
        False,
    )


def _unquoted(text: str) -> str:
    return text.replace('"', "")


def _help(line: Line) -> Parsed:
    asked = join(line.words).casefold()
    if not asked:
        return Help()
    spec, _length = _recognise(line.words)
    return Help(spec.name if spec is not None else english(asked))


COMMANDS: tuple[CommandSpec, ...] = (
    CommandSpec(
        typed_word("help"),
        marked("help [command]"),
        marked("Shows what I understand, or one command in detail."),
        (marked("help"), marked("help update"), marked("help all")),
        ("help", "hi", "hello", "hey", "commands", "good morning", "what can you do"),
        _help,
    ),
    CommandSpec(
        typed_word("list"),
        marked("list [mine|new|active|won|lost|all] [text] [page N]"),
        marked("Lists deals you may see, the latest change first."),
        (marked("list"), marked("list new"), marked("list fabrikam"), marked("list won page 2")),
        ("list", "my deals", "deals", "search", "find"),
        list_line,
    ),
    CommandSpec(
        typed_word("pipeline"),
        marked("pipeline [mine|all]"),
        marked("Adds up your deals by state, and shows how many of the decided are won."),
        (marked("pipeline"), marked("pipeline all")),
        ("pipeline", "my pipeline", "funnel", "win rate"),
        pipeline_line,
    ),
    CommandSpec(
        typed_word("show"),
        marked("show DEAL"),
        marked("Shows a deal as Partner Center holds it now."),
        (marked("show #1042"), marked("show fabrikam"), marked("#1042")),
        ("show", "view", "open", "get", "status of", "status"),
        deal_only(Show),
        takes_deal=True,
    ),
    CommandSpec(
        typed_word("update"),
        marked('update DEAL value 30k close 2026-03-31 notes "..." name "..." crm ID campaign ID'),
        marked("Changes one or more fields; you see before and after first."),
        (
            marked("update #1042 value 30k"),
            marked('update fabrikam close end of june notes "Pilot agreed"'),
        ),
        ("update", "change", "set", "edit"),
        update_line,
        takes_deal=True,
    ),
    CommandSpec(
        typed_word("undo"),
        marked("undo"),
        marked("Takes back the last change you saved here; you see it first."),
        (marked("undo"),),
        ("undo", "revert", "take back"),
        nothing(Undo()),
    ),
    CommandSpec(
        typed_word("history"),
        marked("history DEAL"),
        marked("Shows who did what to a deal from chat, and what it was before."),
        (marked("history #1042"),),
        ("history", "changes", "log"),
        deal_only(History),
        takes_deal=True,
    ),
    CommandSpec(
        typed_word("create"),
        marked('create CUSTOMER COUNTRY value 30k EUR close 2027-03-31 name "..." notes "..."'),
        marked("Creates a private deal; you see it first, and a form asks for what you left out."),
        (
            marked('create "Contoso Ltd" DE value 30k EUR close 2027-03-31 name "Data platform"'),
            marked("create"),
        ),
        ("create", "create deal", "new deal"),
        create_line,
    ),
    CommandSpec(
        typed_word("team add"),
        marked("team add DEAL EMAIL FIRST LAST PHONE"),
        marked("Adds somebody of your company to the deal's team."),
        (
            marked("team add #1042 jane.doe@contoso.com Jane Doe 0000000001"),
            marked("team add #1042"),
        ),
        ("team add", "add team member", "add member", "add to team", "team", "add"),
        member_line,
        takes_deal=True,
    ),
    CommandSpec(
        typed_word("accept"),
        marked("accept DEAL"),
        marked("Accepts a new deal, so that it becomes active."),
        (marked("accept #1042"),),
        ("accept",),
        move_line(Move.ACCEPT),
        takes_deal=True,
    ),
    CommandSpec(
        typed_word("decline"),
        marked("decline DEAL [reason]"),
        marked("Declines a new deal; it is closed for good."),
        (marked("decline #1042 not our region"),),
        ("decline", "reject"),
        move_line(Move.DECLINE),
        takes_deal=True,
    ),
    CommandSpec(
        typed_word("won"),
        marked("won DEAL"),
        marked("Marks an active deal as won; it reminds you of the registration first."),
        (marked("won #1042"),),
        ("won", "win"),
        move_line(Move.WON),
        takes_deal=True,
    ),
    CommandSpec(
        typed_word("lost"),
        marked("lost DEAL [reason]"),
        marked("Marks an active deal as lost."),
        (marked("lost #1042 budget was cut"),),
        ("lost", "lose"),
        move_line(Move.LOST),
        takes_deal=True,
    ),
    CommandSpec(
        typed_word("error"),
        marked("error DEAL reason"),
        marked("Closes a deal that should not exist, such as a duplicate."),
        (marked("error #1042 duplicate of #1040"),),
        ("error", "close as error"),
        move_line(Move.ERROR),
        takes_deal=True,
    ),
    CommandSpec(
        typed_word("close"),
        marked("close DEAL as won|lost|error [reason]"),
        marked("Ends a deal in the way you say."),
        (marked("close #1042 as won"), marked("close #1042 as lost budget was cut")),
        ("close", "mark"),
        close_line,
        takes_deal=True,
    ),
    CommandSpec(
        typed_word("eligible"),
        marked("eligible [me|DEAL]"),
        marked("Shows whether a deal, or your company, can be registered, and what is missing."),
        (marked("eligible #1042"), marked("eligible me")),
        ("eligible", "am i eligible", "are we eligible", "eligibility", "checklist", "check"),
        eligible_line,
        takes_deal=True,
    ),
    CommandSpec(
        typed_word("register"),
        marked("register DEAL"),
        marked("Walks you through the deal registration, step by step."),
        (marked("register #1042"),),
        ("register", "registration"),
        deal_only(Register),
        takes_deal=True,
    ),
    CommandSpec(
        typed_word("drafts"),
        marked("drafts"),
        marked("Lists the registrations you have begun, so that you can go on."),
        (marked("drafts"),),
        ("drafts", "resume", "continue"),
        nothing(Drafts()),
    ),
    CommandSpec(
        typed_word("approvals"),
        marked("approvals"),
        marked("Lists what waits for your approval, and what you wait for."),
        (marked("approvals"),),
        ("approvals", "my approvals", "pending approvals", "requests"),
        nothing(Approvals()),
    ),
    CommandSpec(
        typed_word("delegate"),
        marked("delegate to PERSON until DATE"),
        marked("Lets somebody else approve in your place while you are away."),
        (marked("delegate to cleo until friday"), marked("delegate to nobody"), marked("delegate")),
        ("delegate",),
        delegate_line,
    ),
    CommandSpec(
        typed_word("cancel"),
        marked("cancel"),
        marked("Drops the registration you are filling in here."),
        (marked("cancel"),),
        ("cancel", "stop", "abort", "never mind"),
        nothing(Cancel()),
    ),
    CommandSpec(
        typed_word("subscribe"),
        marked(
            "subscribe won|registered|accepted|expiring|approvals [value > 100k] [country DE] "
            "[solution NAME] [mine] [thread|flat] [quiet 18-8] [names]"
        ),
        marked("Tells this channel or chat when that happens to a deal."),
        (
            marked("subscribe won"),
            marked("subscribe won value > 100k country DE"),
            marked("subscribe expiring mine"),
        ),
        ("subscribe", "subscribe to", "follow", "announce"),
        subscribe_line(subscribe_command, "subscribe"),
    ),
    CommandSpec(
        typed_word("notify me"),
        marked("notify me won|registered|accepted|expiring|approvals [filters]"),
        marked("Tells you in our personal chat, of deals you may see."),
        (marked("notify me won"), marked("notify me expiring mine quiet 18-8")),
        ("notify me", "notify", "tell me", "alert me"),
        subscribe_line(notify_command, "notify me"),
    ),
    CommandSpec(
        typed_word("subscriptions"),
        marked("subscriptions"),
        marked("Lists what this conversation is told; edit, pause, test or delete it there."),
        (marked("subscriptions"),),
        ("subscriptions", "my subscriptions", "feeds", "notifications"),
        nothing(Subscriptions()),
    ),
    CommandSpec(
        typed_word("unsubscribe"),
        marked("unsubscribe [won|registered|accepted|expiring|approvals]"),
        marked("Ends what this conversation is told, or one kind of it."),
        (marked("unsubscribe won"), marked("unsubscribe")),
        ("unsubscribe", "unfollow", "stop notifications", "stop notifying me"),
        unsubscribe_line,
    ),
    CommandSpec(
        typed_word("language"),
        marked("language [english|deutsch|français|español|日本語|teams]"),
        marked("Chooses the language of my answers here; teams means that of each person's Teams."),
        (marked("language english"), marked("language teams")),
        ("language", "speak", "sprache", "langue", "idioma", "言語"),
        language_line,
    ),
    CommandSpec(
        typed_word("sign in"),
        marked("sign in"),
        marked("Connects you to Partner Center with your own rights."),
        (marked("sign in"),),
        ("sign in", "signin", "login", "log in"),
        nothing(SignIn()),
    ),
    CommandSpec(
        typed_word("sign out"),
        marked("sign out"),
        marked("Forgets your Partner Center sign-in; Teams stays signed in."),
        (marked("sign out"),),
        ("sign out", "signout", "logout", "log out"),
        nothing(SignOut()),
    ),
    CommandSpec(
        typed_word("who am i"),
        marked("who am I"),
        marked("Shows the account I act with for you."),
        (marked("who am I"),),
        ("who am i", "whoami", "me"),
        nothing(WhoAmI()),
    ),
)
_ENGLISH_PHRASES = [(phrase, spec) for spec in COMMANDS for phrase in spec.phrases]
_PHRASES = _by_first_word(_ENGLISH_PHRASES)
_TYPED_AS = frozenset(
    phrase
    for spec in COMMANDS
    for phrase in spec.phrases
    if " " not in phrase or phrase == spec.name
)
"""What a slip of the finger may have been meant to be."""
_BY_NAME = {spec.name: spec for spec in COMMANDS}
_BY_TYPE: dict[type, CommandSpec] = {
    Help: _BY_NAME["help"],
    SignIn: _BY_NAME["sign in"],
    SignOut: _BY_NAME["sign out"],
    WhoAmI: _BY_NAME["who am i"],
    Pipeline: _BY_NAME["pipeline"],
    ListDeals: _BY_NAME["list"],
    Show: _BY_NAME["show"],
    Update: _BY_NAME["update"],
    Undo: _BY_NAME["undo"],
    History: _BY_NAME["history"],
    Create: _BY_NAME["create"],
    AddMember: _BY_NAME["team add"],
    Eligible: _BY_NAME["eligible"],
    Register: _BY_NAME["register"],
    Drafts: _BY_NAME["drafts"],
    Cancel: _BY_NAME["cancel"],
    Approvals: _BY_NAME["approvals"],
    Delegate: _BY_NAME["delegate"],
    Subscribe: _BY_NAME["subscribe"],
    NotifyMe: _BY_NAME["notify me"],
    Subscriptions: _BY_NAME["subscriptions"],
    Unsubscribe: _BY_NAME["unsubscribe"],
    Languages: _BY_NAME["language"],
    Speak: _BY_NAME["language"],
}
