"""What Dealdesk can do: the command table as a card, one command as a card, and the welcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cards.actions import EligiblePartner, Help, ListDeals, SignIn
from cards.elements import Piece, Size, button, card, fact, facts, heading, paragraph, text, words
from cards.reader import Reader


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """A row of the command table: its first word, how it is typed, what it does, some examples."""

    name: str
    usage: str
    summary: str
    examples: Sequence[str] = ()


def help_card(
    commands: Sequence[CommandHelp], topic: str | None, signed_in: bool, reader: Reader
) -> dict[str, object]:
    """All commands, or the one named by `topic`; an unknown topic shows all."""
    wanted = (topic or "").strip().casefold()
    found = [command for command in commands if command.name.casefold() == wanted]
    return _one(found[0]) if found else _all(commands, signed_in)


def welcome_card(commands: Sequence[CommandHelp], reader: Reader) -> dict[str, object]:
    """The one message after installing: what it offers, how to begin, what it needs."""
    title = words("Run your Partner Center deals from chat")
    body: list[Piece] = [
        heading(title),
        paragraph(words("Update a deal, see whether it can be registered, and register it here.")),
        paragraph(
            words(
                "Sign in with the account you use in Partner Center. You see and change "
                "only what you may see and change there."
            )
        ),
        paragraph(words("Every change is shown to you before it is saved.")),
        facts([fact(text(command.usage), text(command.summary)) for command in commands[:4]]),
    ]
    return card(
        body,
        [button(words("Sign in"), SignIn(), primary=True), button(words("Help"), Help())],
        summary=title,
    )


def _all(commands: Sequence[CommandHelp], signed_in: bool) -> dict[str, object]:
    title = words("What you can say")
    body: list[Piece] = [heading(title)]
    for command in commands:
        body.append(paragraph(text(command.usage), strong=True, spacing="small"))
        body.append(paragraph(text(command.summary), subtle=True, spacing="none"))
    hint = words("DEAL is a number such as #1042, part of a name or customer, or a pasted link.")
    body.append(paragraph(hint, size=Size.SMALL))
    buttons = (
        [
            button(words("My deals"), ListDeals(), primary=True),
            button(words("May we register?"), EligiblePartner()),
        ]
        if signed_in
        else [button(words("Sign in"), SignIn(), primary=True)]
    )
    return card(body, buttons, summary=title)


def _one(command: CommandHelp) -> dict[str, object]:
    title = text(command.name.capitalize())
    body: list[Piece] = [heading(title), paragraph(text(command.summary))]
    body.append(facts([fact(words("Say"), text(command.usage))]))
    if command.examples:
        body.append(paragraph(words("For example"), strong=True))
        body += [paragraph(text(example), spacing="small") for example in command.examples[:6]]
    return card(body, [button(words("All commands"), Help())], summary=title)
