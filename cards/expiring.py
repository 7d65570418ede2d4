"""To whom a new deal is handed over: the people of its team."""

from __future__ import annotations

from collections.abc import Sequence

from cards.actions import HandOver, Show
from cards.deal import DealView, header, summary_of
from cards.elements import Choice, button, card, choice_input, paragraph, text, words
from cards.reader import Reader


def hand_over_card(
    view: DealView, people: Sequence[tuple[str, str]], reader: Reader
) -> dict[str, object]:
    """The form: one choice for each person, id and name."""
    title = words("Hand this deal over?")
    body = [*header(view, title)]
    if view.referral.expires is not None:
        until = words("It expires {moment}.", moment=reader.moment(view.referral.expires))
        body.append(paragraph(until))
    body += [
        paragraph(words("They are told at once and reminded from now on instead of you.")),
        choice_input(
            "to",
            words("To"),
            [Choice(person, text(name or person, limit=80)) for person, name in people],
            required=words("Pick somebody."),
            hint=words("Choose somebody"),
        ),
    ]
    buttons = [
        button(words("Hand over"), HandOver(view.referral.id), primary=True, inputs=True),
        button(words("Show the deal"), Show(view.referral.id)),
    ]
    return card(body, buttons, summary=summary_of(view, title))
