"""Values the tests of the store put into rows."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from bot.conversation import Person, Place, PlaceKind
from bot.seals import Seals

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BEN = Person("tenant-1", "oid-ben", "Ben Okafor", "29:ben")
CLEO = Person("tenant-1", "oid-cleo", "Cleo Marchetti", "29:cleo")
SEALS = Seals([secrets.token_hex()])
"""Of a key that is made for this run."""


def place(conversation: str = "a:personal-ben") -> Place:
    """A conversation."""
    return Place(
        PlaceKind.PERSONAL, "tenant-1", conversation, "http://127.0.0.1:1/teams/", "28:bot"
    )
