"""The commands Teams offers while somebody types, grown from the table of commands.

Teams shows at most twelve a scope, and Dealdesk understands more than it shows. The rule: a command
is offered everywhere, unless it is named below; what is not offered somewhere still works there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.commands import COMMANDS, CommandSpec

SCOPES = ("personal", "team", "groupChat")
MOST_COMMANDS = 12
"""In one list, since schema 1.24."""
PERSONAL_ONLY = frozenset({"drafts", "cancel", "error", "sign in", "sign out", "who am i"})
"""A person's own business, and the tidying of a pipeline."""
SHARED_ONLY = frozenset({"team add", "accept", "decline", "won", "lost", "close"})
"""What a deal's team does together; alone, the buttons of a deal's card do the same."""


@dataclass(frozen=True, slots=True)
class Offered:
    """One entry of a list: what is put into the box, and the sentence beside it."""

    title: str
    description: str


def offered(scope: str, commands: Sequence[CommandSpec] = COMMANDS) -> tuple[Offered, ...]:
    """The list of one scope, in the order of the table."""
    hidden = SHARED_ONLY if scope == "personal" else PERSONAL_ONLY
    return tuple(Offered(_title(row), row.summary) for row in commands if row.name not in hidden)


def command_lists() -> list[Mapping[str, object]]:
    """`commandLists` of the manifest: a list of its own for each scope, as the schema asks."""
    return [
        {
            "scopes": [scope],
            "commands": [
                {"title": each.title, "description": each.description} for each in offered(scope)
            ],
        }
        for scope in SCOPES
    ]


def _title(row: CommandSpec) -> str:
    """The name, spelt as the usage spells it."""
    return row.usage[: len(row.name)]
