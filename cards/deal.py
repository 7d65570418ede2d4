"""What every card about a deal begins and ends with: which deal, its state, as of when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cards.elements import (
    Color,
    Piece,
    Size,
    Text,
    column,
    columns,
    heading,
    paragraph,
    text,
    words,
)
from cards.reader import Reader
from cards.signs import badge
from partner_center.referral import Referral


@dataclass(frozen=True, slots=True)
class DealView:
    """A deal as cards need it: our referral, its handle, and Microsoft's referral beside it."""

    referral: Referral
    handle: int
    microsoft: Referral | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A state in a word, a sign and a colour: none of them is needed to understand the others."""

    sign: str
    word: Text
    color: Color | None

    @property
    def said(self) -> Text:
        """Sign and word."""
        return words("{sign} {word}", sign=self.sign, word=self.word)


_STATES: Final[Mapping[tuple[str, str], State]] = {
    ("New", "Pending"): State("○", words("New"), Color.ACCENT),
    ("New", "Received"): State("○", words("New"), Color.ACCENT),
    ("Active", "Accepted"): State("●", words("Active"), Color.ACCENT),
    ("Closed", "Won"): State("✔", words("Won"), Color.GOOD),
    ("Closed", "Lost"): State("✖", words("Lost"), None),
    ("Closed", "Declined"): State("✖", words("Declined"), None),
    ("Closed", "Expired"): State("✖", words("Expired"), Color.WARNING),
    ("Closed", "Error"): State("✖", words("Closed as error"), None),
}


_ANSWERS: Final[Mapping[str, Text]] = {
    "Pending": words("○ Not answered yet"),
    "Received": words("○ Not answered yet"),
    "Accepted": words("✔ Accepted"),
    "Declined": words("✖ Declined"),
    "Expired": words("✖ Did not answer in time"),
}
_WORDS: Final[Mapping[str, Text]] = {
    "New": words("new"),
    "Active": words("active"),
    "Closed": words("closed"),
    "Won": words("won"),
    "Lost": words("lost"),
    "Declined": words("declined"),
    "Expired": words("expired"),
    "Error": words("closed as error"),
    "Pending": words("waiting for an answer"),
    "Received": words("waiting for an answer"),
    "Accepted": words("accepted"),
}


_LONGEST_BADGE: Final = 18
"""Characters of a state that fit beside a name, 320 pixels wide."""


def state_of(status: str, substatus: str) -> tuple[Text, Color | None]:
    """The words and the colour of a state; an unknown one as Partner Center spells it."""
    state = _STATES.get((status, substatus))
    if state is not None:
        return state.said, state.color
    return words("{status} / {substatus}", status=status, substatus=substatus), None


def answer_of(status: str, substatus: str) -> Text:
    """Microsoft's answer to a co-sell request: the state of its own referral (reference 4.5)."""
    return _ANSWERS.get(substatus) or state_of(status, substatus)[0]


def state_word(name: str) -> Text:
    """One status or substatus in plain words, without a sign; an unknown one by its own name."""
    return _WORDS.get(name) or text(name, limit=40)


def spelled_out(name: str) -> Text:
    """A name of Partner Center's that we have no words for, such as `isOutsideFreeze`, as words."""
    parts = _HUMP.sub(" ", name.removeprefix("is") if name[2:3].isupper() else name).split()
    said = " ".join(part if part.isupper() else part.lower() for part in parts)
    return text(said[:1].upper() + said[1:], limit=80)


_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def name_of(view: DealView) -> Text:
    """The deal's name, or words for a deal without one."""
    return text(view.referral.name, limit=120) if view.referral.name else words("Unnamed deal")


def customer_of(view: DealView) -> Text:
    """The customer's name, or words for a deal without one."""
    customer = view.referral.customer
    return text(customer, limit=120) if customer else words("No customer name")


def header(view: DealView, title: Text | None = None) -> list[Piece]:
    """The top of a card: the deal itself, or `title` with the deal in the line above it."""
    state, color = state_of(view.referral.status, view.referral.substatus)
    beside = customer_of(view) if title is None else name_of(view)
    said = words("#{handle} · {beside}", handle=view.handle, beside=beside)
    line = paragraph(said, subtle=True, size=Size.SMALL)
    head = heading(title if title is not None else name_of(view), spacing="small")
    if len(state.plain) > _LONGEST_BADGE:
        return [line, paragraph(state, color=color, strong=True), head]
    beside_each_other = [
        column([line], middle=True),
        column([badge(state, color)], width="auto", middle=True),
    ]
    return [columns(beside_each_other), head]


def as_of(reader: Reader) -> Piece:
    """The last line of a card that shows facts: when they were true."""
    said = words("As of {moment}", moment=reader.moment(reader.now))
    return paragraph(said, subtle=True, size=Size.SMALL, spacing="medium")


def summary_of(view: DealView, said: Text) -> Text:
    """What is read aloud for a card about a deal."""
    return words("#{handle} {name}: {said}", handle=view.handle, name=name_of(view), said=said)


@dataclass(frozen=True, slots=True)
class MoveWords:
    """A status move as a question, and on the button that answers it."""

    question: Text
    confirm: Text


_MOVES: Final[Mapping[str, MoveWords]] = {
    "accept": MoveWords(words("Accept this deal?"), words("Accept")),
    "decline": MoveWords(words("Decline this deal?"), words("Decline")),
    "won": MoveWords(words("Mark this deal as won?"), words("Mark as won")),
    "lost": MoveWords(words("Mark this deal as lost?"), words("Mark as lost")),
    "error": MoveWords(words("Close this deal as an error?"), words("Close as error")),
}
_CHANGE: Final = MoveWords(words("Save this change?"), words("Save"))


def move_words(move: str | None) -> MoveWords:
    """The words of a move; those of any other change when it is None."""
    return _MOVES.get(move or "", _CHANGE)
