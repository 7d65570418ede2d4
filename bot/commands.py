"""What a seller can say: one table of commands, from which help, README and manifest grow."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from rapidfuzz import fuzz, process

from bot.changes import first_field
from bot.command import (
    AddMember,
    Approvals,
    Cancel,
    Choice,
    Command,
    Delegate,
    Drafts,
    Eligible,
    Help,
    ListDeals,
    MoveDeal,
    NotifyMe,
    Parsed,
    Register,
    Show,
    SignIn,
    SignOut,
    Subscribe,
    Subscriptions,
    Unclear,
    Unsubscribe,
    Update,
    WhoAmI,
)
from bot.delegation_line import delegate_line
from bot.feed_lines import notify_command, subscribe_command, subscribe_line, unsubscribe_line
from bot.lines import (
    Line,
    close_line,
    deal_only,
    eligible_line,
    list_line,
    member_line,
    move_line,
    nothing,
    update_line,
)
from bot.targets import exact, take_exact
from bot.words import Word, clean, join, split, starts_with
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
    signed_out: bool = False
    takes_deal: bool = False


def parse(text: str, today: date) -> Parsed:
    """The command `text` says, or the question or correction it deserves. Never raises."""
    line = clean(text).rstrip("?!").strip()
    line = re.sub(r"^(?:/|please\s+)+|[\s,]+please$", "", line, flags=re.IGNORECASE)
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
        return update_line(Line(line, tuple(words), today))
    return None


def _unknown(line: str, words: Sequence[Word]) -> Unclear:
    """Did you mean; and else a search, so that nobody stands before a wall."""
    typed = words[0].plain
    known = sorted({phrase[0] for phrase, spec in _PHRASES if " ".join(phrase) in _TYPED_AS})
    best = process.extractOne(typed, known, scorer=fuzz.ratio, score_cutoff=70) if typed else None
    choices = [Choice("Help", "help")]
    deal, _rest = take_exact(words)
    if deal is not None:
        choices.insert(0, Choice(f"Show {deal}", f"show {deal}"))
    elif len(line) <= 80:
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


def _help(line: Line) -> Parsed:
    asked = join(line.words).casefold()
    if not asked:
        return Help()
    spec, _length = _recognise(line.words)
    return Help(spec.name if spec is not None else asked)


COMMANDS: tuple[CommandSpec, ...] = (
    CommandSpec(
        "help",
        "help [command]",
        "Shows what I understand, or one command in detail.",
        ("help", "help update", "help all"),
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
        list_line,
    ),
    CommandSpec(
        "show",
        "show DEAL",
        "Shows a deal as Partner Center holds it now.",
        ("show #1042", "show fabrikam", "#1042"),
        ("show", "view", "open", "get", "status of", "status"),
        deal_only(Show, "see"),
        takes_deal=True,
    ),
    CommandSpec(
        "update",
        'update DEAL value 30k close 2026-03-31 notes "..." name "..." crm ID campaign ID',
        "Changes one or more fields; you see before and after first.",
        ("update #1042 value 30k", 'update fabrikam close end of june notes "Pilot agreed"'),
        ("update", "change", "set", "edit"),
        update_line,
        takes_deal=True,
    ),
    CommandSpec(
        "team add",
        "team add DEAL EMAIL FIRST LAST PHONE",
        "Adds somebody of your company to the deal's team.",
        ("team add #1042 jane.doe@contoso.com Jane Doe 0000000001", "team add #1042"),
        ("team add", "add team member", "add member", "add to team", "team", "add"),
        member_line,
        takes_deal=True,
    ),
    CommandSpec(
        "accept",
        "accept DEAL",
        "Accepts a new deal, so that it becomes active.",
        ("accept #1042",),
        ("accept",),
        move_line(Move.ACCEPT, "accept"),
        takes_deal=True,
    ),
    CommandSpec(
        "decline",
        "decline DEAL [reason]",
        "Declines a new deal; it is closed for good.",
        ("decline #1042 not our region",),
        ("decline", "reject"),
        move_line(Move.DECLINE, "decline"),
        takes_deal=True,
    ),
    CommandSpec(
        "won",
        "won DEAL",
        "Marks an active deal as won; it reminds you of the registration first.",
        ("won #1042",),
        ("won", "win"),
        move_line(Move.WON, "mark as won"),
        takes_deal=True,
    ),
    CommandSpec(
        "lost",
        "lost DEAL [reason]",
        "Marks an active deal as lost.",
        ("lost #1042 budget was cut",),
        ("lost", "lose"),
        move_line(Move.LOST, "mark as lost"),
        takes_deal=True,
    ),
    CommandSpec(
        "error",
        "error DEAL reason",
        "Closes a deal that should not exist, such as a duplicate.",
        ("error #1042 duplicate of #1040",),
        ("error", "close as error"),
        move_line(Move.ERROR, "close as error"),
        takes_deal=True,
    ),
    CommandSpec(
        "close",
        "close DEAL as won|lost|error [reason]",
        "Ends a deal in the way you say.",
        ("close #1042 as won", "close #1042 as lost budget was cut"),
        ("close", "mark"),
        close_line,
        takes_deal=True,
    ),
    CommandSpec(
        "eligible",
        "eligible [me|DEAL]",
        "Shows whether a deal, or your company, can be registered, and what is missing.",
        ("eligible #1042", "eligible me"),
        ("eligible", "am i eligible", "are we eligible", "eligibility", "checklist", "check"),
        eligible_line,
        takes_deal=True,
    ),
    CommandSpec(
        "register",
        "register DEAL",
        "Walks you through the deal registration, step by step.",
        ("register #1042",),
        ("register", "registration"),
        deal_only(Register, "register"),
        takes_deal=True,
    ),
    CommandSpec(
        "drafts",
        "drafts",
        "Lists the registrations you have begun, so that you can go on.",
        ("drafts",),
        ("drafts", "resume", "continue"),
        nothing(Drafts()),
    ),
    CommandSpec(
        "approvals",
        "approvals",
        "Lists what waits for your approval, and what you wait for.",
        ("approvals",),
        ("approvals", "my approvals", "pending approvals", "requests"),
        nothing(Approvals()),
        signed_out=True,
    ),
    CommandSpec(
        "delegate",
        "delegate to PERSON until DATE",
        "Lets somebody else approve in your place while you are away.",
        ("delegate to cleo until friday", "delegate to nobody", "delegate"),
        ("delegate",),
        delegate_line,
        signed_out=True,
    ),
    CommandSpec(
        "cancel",
        "cancel",
        "Drops the registration you are filling in here.",
        ("cancel",),
        ("cancel", "stop", "abort", "never mind"),
        nothing(Cancel()),
        signed_out=True,
    ),
    CommandSpec(
        "subscribe",
        "subscribe won|registered|accepted|expiring|approvals [value > 100k] [country DE] "
        "[solution NAME] [mine] [thread|flat] [quiet 18-8] [names]",
        "Tells this channel or chat when that happens to a deal.",
        ("subscribe won", "subscribe won value > 100k country DE", "subscribe expiring mine"),
        ("subscribe", "subscribe to", "follow", "announce"),
        subscribe_line(subscribe_command, "subscribe"),
    ),
    CommandSpec(
        "notify me",
        "notify me won|registered|accepted|expiring|approvals [filters]",
        "Tells you in our personal chat, of deals you may see.",
        ("notify me won", "notify me expiring mine quiet 18-8"),
        ("notify me", "notify", "tell me", "alert me"),
        subscribe_line(notify_command, "notify me"),
    ),
    CommandSpec(
        "subscriptions",
        "subscriptions",
        "Lists what this conversation is told; edit, pause, test or delete it there.",
        ("subscriptions",),
        ("subscriptions", "my subscriptions", "feeds", "notifications"),
        nothing(Subscriptions()),
        signed_out=True,
    ),
    CommandSpec(
        "unsubscribe",
        "unsubscribe [won|registered|accepted|expiring|approvals]",
        "Ends what this conversation is told, or one kind of it.",
        ("unsubscribe won", "unsubscribe"),
        ("unsubscribe", "unfollow", "stop notifications", "stop notifying me"),
        unsubscribe_line,
        signed_out=True,
    ),
    CommandSpec(
        "sign in",
        "sign in",
        "Connects you to Partner Center with your own rights.",
        ("sign in",),
        ("sign in", "signin", "login", "log in"),
        nothing(SignIn()),
        signed_out=True,
    ),
    CommandSpec(
        "sign out",
        "sign out",
        "Forgets your Partner Center sign-in; Teams stays signed in.",
        ("sign out",),
        ("sign out", "signout", "logout", "log out"),
        nothing(SignOut()),
        signed_out=True,
    ),
    CommandSpec(
        "who am i",
        "who am I",
        "Shows the account I act with for you.",
        ("who am I",),
        ("who am i", "whoami", "me"),
        nothing(WhoAmI()),
        signed_out=True,
    ),
)
_PHRASES: tuple[tuple[tuple[str, ...], CommandSpec], ...] = tuple(
    sorted(
        ((tuple(phrase.split()), spec) for spec in COMMANDS for phrase in spec.phrases),
        key=lambda pair: -len(pair[0]),
    )
)
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
    ListDeals: _BY_NAME["list"],
    Show: _BY_NAME["show"],
    Update: _BY_NAME["update"],
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
}
