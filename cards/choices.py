"""One question with a few answers: which deal, which reading of an amount, which language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from cards.actions import Action, Choose, Speak
from cards.elements import (
    Piece,
    Size,
    Style,
    Text,
    button,
    card,
    container,
    heading,
    paragraph,
    tap,
    text,
    words,
)
from cards.notice import Words, said

AS_IN_TEAMS: Final = "teams"
"""What stands for each person's own language."""

_MOST_BUTTONS: Final = 4
_SHORT: Final = 16
_MOST_CHOICES: Final = 12


def choice_card(question: str, prompt: Words, choices: Sequence[Words]) -> dict[str, object]:
    """A pick-one card. Few short answers are buttons, others are rows to select.

    `question` is the id of the stored question; choices count from 0 in the order given.
    """
    labels = [said(choice) for choice in choices[:_MOST_CHOICES]]
    body: list[Piece] = [heading(said(prompt), size=Size.MEDIUM)]
    buttons: list[Piece] = []
    if len(labels) <= _MOST_BUTTONS and all(len(label.plain) <= _SHORT for label in labels):
        buttons = [button(label, Choose(question, index)) for index, label in enumerate(labels)]
    else:
        body += _rows((label, Choose(question, index)) for index, label in enumerate(labels))
    if len(choices) > len(labels):
        more = words("There are more. Say more of the name, or its number, to narrow it down.")
        body.append(paragraph(more, subtle=True, size=Size.SMALL))
    return card(body, buttons, summary=said(prompt))


def language_card(names: Iterable[tuple[str, str]]) -> dict[str, object]:
    """The languages to choose from, each by its own name, with its code; and that of Teams."""
    prompt = words("In which language shall I answer here?")
    rows = [(text(name), Speak(code)) for name, code in names]
    rows.append((words("As in Teams"), Speak(AS_IN_TEAMS)))
    return card([heading(prompt, size=Size.MEDIUM), *_rows(rows)], summary=prompt)


def _rows(choices: Iterable[tuple[Text, Action]]) -> list[Piece]:
    return [
        container([paragraph(label)], style=Style.CALM, spacing="small", tap=tap(action, label))
        for label, action in choices
    ]
