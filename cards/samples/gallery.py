"""All samples by name, as one person reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cards.reader import Reader
from cards.samples import approvals, checks, deals, notices, people, registrations, sums
from cards.samples.deals import READER, Card

ROOMS: Final = (deals, sums, checks, registrations, approvals, notices, people)
"""In the order in which people look through them."""


def samples(reader: Reader = READER) -> dict[str, Callable[[], Card]]:
    """Every card by name, to be made when it is wanted."""
    return {name: make for room in ROOMS for name, make in room.gallery(reader).items()}


def names() -> list[str]:
    """The cards' names."""
    return list(samples())


def make(name: str, reader: Reader = READER) -> Card:
    """One of the cards."""
    return samples(reader)[name]()
