"""One question with a few answers: which deal, which reading of an amount or a date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cards.actions import Choose
from cards.elements import (
    Piece,
    Size,
    Style,
    button,
    card,
    container,
    heading,
    paragraph,
    tap,
    words,
)
from cards.notice import Words, said
from cards.reader import Reader

_MOST_BUTTONS: Final = 4
_SHORT: Final = 16
_MOST_CHOICES: Final = 12


def choice_card(
    question: str, prompt: Words, choices: Sequence[Words], reader: Reader
) -> dict[str, object]:
    """A pick-one card. Few short answers are buttons, others are rows to select.

    `question` is the id of the stored question; choices count from 0 in the order given.
    """
    labels = [said(choice) for choice in choices[:_MOST_CHOICES]]
    body: list[Piece] = [heading(said(prompt), size=Size.MEDIUM)]
    buttons: list[Piece] = []
    if len(labels) <= _MOST_BUTTONS and all(len(label.plain) <= _SHORT for label in labels):
        buttons = [button(label, Choose(question, index)) for index, label in enumerate(labels)]
    else:
        body += [
            container(
                [paragraph(label)],
                style=Style.CALM,
                spacing="small",
                tap=tap(Choose(question, index), label),
            )
            for index, label in enumerate(labels)
        ]
    if len(choices) > len(labels):
        more = words("There are more. Say more of the name, or its number, to narrow it down.")
        body.append(paragraph(more, subtle=True, size=Size.SMALL))
    return card(body, buttons, summary=said(prompt))
