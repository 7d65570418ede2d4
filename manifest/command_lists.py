"""The commands Teams offers while somebody types, grown from the table of commands.

Teams shows at most twelve a scope, and Dealdesk understands more than it shows. The rule: a command
is offered everywhere, unless it is named below; what is not offered still works, and help tells it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.commands import COMMANDS, CommandSpec

SCOPES = ("personal", "team", "groupChat")
MOST_COMMANDS = 12
"""In one list, since schema 1.24."""
NOT_PERSONAL = frozenset(
    {
        *("team add", "accept", "decline", "won", "lost", "error", "close"),
        *("drafts", "delegate", "cancel", "subscribe", "unsubscribe", "sign out", "who am i"),
        *("language", "undo", "history"),
    }
)
"""Alone, the buttons of a deal's card do the same; the rest is said seldom or in channels."""
NOT_SHARED = frozenset(
    {
        *("create", "team add", "decline", "lost", "error", "close", "pipeline"),
        *("drafts", "delegate", "cancel", "notify me", "sign in", "sign out", "who am i"),
        *("language", "undo", "history"),
    }
)
"""A person's own business, and what the buttons of a deal's card do."""


@dataclass(frozen=True, slots=True)
class Offered:
    """One entry of a list: the command, what is put into the box, and the sentence beside it."""

    name: str
    title: str
    description: str


def offered(scope: str, commands: Sequence[CommandSpec] = COMMANDS) -> tuple[Offered, ...]:
    """The list of one scope, in the order of the table."""
    hidden = NOT_PERSONAL if scope == "personal" else NOT_SHARED
    return tuple(
        Offered(row.name, _title(row), row.summary) for row in commands if row.name not in hidden
    )


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
