"""What Dealdesk can do: the everyday commands, all of them, one of them, and the welcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cards.actions import Drafts, EligiblePartner, Help, ListDeals, SignIn
from cards.elements import (
    Color,
    Piece,
    Size,
    Style,
    button,
    card,
    container,
    heading,
    paragraph,
    text,
    toggle,
    words,
)
from cards.language import Language, marked, spoken, typed_as
from cards.wording import Text, sentence

EVERYDAY: Final = ("list", "show", "update", "eligible", "register")
"""The commands of a seller's day, in its order."""

ALL: Final = "all"
"""The topic that asks for every command."""

_MOST_COMMANDS: Final = 40


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """A row of the command table: its first word, how it is typed, what it does, some examples."""

    name: str
    usage: str
    summary: str
    examples: Sequence[str] = ()


def help_card(
    commands: Sequence[CommandHelp], topic: str | None, signed_in: bool
) -> dict[str, object]:
    """The everyday commands, all of them, or the one named by `topic`; an unknown topic is said."""
    wanted = (topic or "").strip().casefold()
    if wanted == ALL:
        return _all(commands, signed_in)
    found = [command for command in commands if command.name.casefold() == wanted]
    return _one(found[0]) if found else _everyday(commands, wanted, signed_in)


def welcome_card(commands: Sequence[CommandHelp], added_by: str = "") -> dict[str, object]:
    """The one message after installing: what it offers, how to begin, what it needs.

    The first examples of the first commands are shown as things to say. Where several people read
    it, `added_by` is who brought it there (teams.md 2.1, rule 10).
    """
    title = words("Run your Partner Center deals from chat")
    examples = [example for command in commands for example in command.examples[:1]]
    by = [paragraph(words("{name} added me here.", name=text(added_by, limit=80)))]
    body = [
        heading(title),
        *(by if added_by else []),
        paragraph(words("Update a deal, see whether it can be registered, and register it here.")),
        paragraph(
            words(
                "Sign in with the account you use in Partner Center. You see and change "
                "here only what you may see and change there, and every change is shown "
                "to you before it is saved."
            )
        ),
    ]
    if examples:
        body.append(paragraph(words("You can say, for example:"), strong=True))
        body += [_quoted(example) for example in examples[:4]]
    body.append(
        paragraph(
            words("No deals? Your Partner Center administrator gives the role Referral User."),
            subtle=True,
            size=Size.SMALL,
        )
    )
    return card(
        body,
        [button(words("Sign in"), SignIn(), primary=True), button(words("Help"), Help())],
        summary=title,
    )


def _everyday(commands: Sequence[CommandHelp], unknown: str, signed_in: bool) -> dict[str, object]:
    title = words("What you can say")
    body: list[Piece] = [heading(title)]
    if unknown:
        said = words("There is no command “{topic}”.", topic=text(unknown, limit=40))
        body.append(paragraph(said))
    named = {command.name: command for command in commands}
    for name in EVERYDAY:
        if name in named:
            example = next(iter(named[name].examples), named[name].usage)
            body.append(paragraph(text(sentence(example)), strong=True, spacing="small"))
            body.append(paragraph(text(sentence(named[name].summary)), subtle=True, spacing="none"))
    hint = words("A deal is its number, part of its name or customer, or a pasted link.")
    body.append(paragraph(hint, size=Size.SMALL, spacing="medium"))
    whole = button(words("All commands"), Help(ALL))
    first = button(words("My deals"), ListDeals(), primary=True) if signed_in else _sign_in()
    return card(body, [first, whole], summary=title)


def _all(commands: Sequence[CommandHelp], signed_in: bool) -> dict[str, object]:
    title = words("All commands")
    body: list[Piece] = [heading(title)]
    for room, named in _rooms(commands[:_MOST_COMMANDS]):
        body += _room(room, named, is_open=len(body) == 1)
    hint = words(
        "DEAL is a number such as #1042, part of a name or customer, or a pasted link. "
        "Say “help” and a command for examples."
    )
    body.append(paragraph(hint, size=Size.SMALL, spacing="medium"))
    if spoken() is not Language.ENGLISH:
        as_well = words("All of it can be said in English as well.")
        body.append(paragraph(as_well, size=Size.SMALL, spacing="small"))
    return card(body, _buttons(signed_in), summary=title)


@dataclass(frozen=True, slots=True)
class _Room:
    """Commands that belong together, folded away until somebody wants them."""

    id: str
    title: str
    names: frozenset[str] = frozenset()


_ROOMS: Final = (
    _Room(
        "find", marked("Find and read deals"), frozenset({"list", "pipeline", "show", "history"})
    ),
    _Room(
        "change",
        marked("Change a deal"),
        frozenset(
            {
                *("create", "update", "undo", "team add", "accept", "decline"),
                *("won", "lost", "error", "close"),
            }
        ),
    ),
    _Room(
        "register",
        marked("Register a deal"),
        frozenset({"eligible", "register", "drafts", "cancel"}),
    ),
    _Room("approve", marked("Approvals"), frozenset({"approvals", "delegate"})),
    _Room(
        "told",
        marked("Be told what happens"),
        frozenset({"subscribe", "notify me", "subscriptions", "unsubscribe"}),
    ),
)
_REST: Final = _Room("rest", marked("You and Dealdesk"))


def _rooms(commands: Sequence[CommandHelp]) -> list[tuple[_Room, list[CommandHelp]]]:
    """Every command in its room; one that has none is in the last."""
    housed = frozenset().union(*(room.names for room in _ROOMS))
    found = [(room, [each for each in commands if each.name in room.names]) for room in _ROOMS]
    found.append((_REST, [each for each in commands if each.name not in housed]))
    return [(room, named) for room, named in found if named]


def _room(room: _Room, commands: Sequence[CommandHelp], *, is_open: bool) -> list[Piece]:
    title = words("▾ {room} ({count})", room=words(room.title), count=len(commands))
    lines: list[Piece] = []
    for command in commands:
        lines.append(paragraph(_usage(command), strong=True, spacing="small"))
        lines.append(paragraph(text(sentence(command.summary)), subtle=True, spacing="none"))
    return [
        container(
            [paragraph(title, strong=True, color=Color.ACCENT)],
            tap=toggle(title, room.id),
            style=Style.CALM,
            spacing="small",
        ),
        container(lines, id=room.id, visible=is_open, spacing="small"),
    ]


def _sign_in() -> Piece:
    return button(words("Sign in"), SignIn(), primary=True)


def _buttons(signed_in: bool) -> list[Piece]:
    if not signed_in:
        return [_sign_in()]
    return [
        button(words("My deals"), ListDeals(), primary=True),
        button(words("May we register deals?"), EligiblePartner()),
        button(words("Open registrations"), Drafts()),
    ]


def _one(command: CommandHelp) -> dict[str, object]:
    title = text(next(iter(typed_as(command.name)), command.name))
    body = [
        heading(title),
        paragraph(text(sentence(command.summary))),
        paragraph(words("How to say it"), strong=True),
        paragraph(_usage(command), spacing="small"),
    ]
    if command.examples:
        body.append(paragraph(words("For example"), strong=True))
        body += [_quoted(example) for example in command.examples[:6]]
    return card(body, [button(words("All commands"), Help(ALL))], summary=title)


def _usage(command: CommandHelp) -> Text:
    """How it is said; a line may end between two words of which one is said."""
    said = text(sentence(command.usage))
    return Text(said.plain.replace("|", "|\u200b"), said.markdown.replace("|", "|\u200b"))


def _quoted(example: str) -> Piece:
    return paragraph(words("“{example}”", example=sentence(example)), spacing="small")
