"""All samples by name, as one person reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from cards.language import speaking
from cards.reader import Reader
from cards.samples import (
    approvals,
    checks,
    deals,
    new_deals,
    notices,
    people,
    registrations,
    sums,
)
from cards.samples.deals import NOW, READER, Card

ROOMS: Final = (deals, new_deals, sums, checks, registrations, approvals, notices, people)
"""In the order in which people look through them."""

READERS: Final[Mapping[str, Reader]] = {
    "en": READER,
    "de": Reader("de-DE", "Europe/Berlin", NOW),
    "fr": Reader("fr-FR", "Europe/Paris", NOW),
    "es": Reader("es-ES", "Europe/Madrid", NOW),
    "ja": Reader("ja-JP", "Asia/Tokyo", NOW),
}
"""By language: people who look at the same deals at the same moment."""


def samples(reader: Reader = READER) -> dict[str, Callable[[], Card]]:
    """Every card by name, to be made when it is wanted."""
    return {name: make for room in ROOMS for name, make in room.gallery(reader).items()}


def names() -> list[str]:
    """The cards' names."""
    return list(samples())


def make(name: str, reader: Reader = READER) -> Card:
    """One of the cards, in the reader's language."""
    with speaking(reader.locale):
        return samples(reader)[name]()


def in_every_language() -> dict[str, Callable[[], dict[str, Card]]]:
    """By language, what makes every card by name in it."""
    return {language: partial(_all, reader) for language, reader in READERS.items()}


def _all(reader: Reader) -> dict[str, Card]:
    with speaking(reader.locale):
        return {name: made() for name, made in samples(reader).items()}
