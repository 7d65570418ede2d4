"""The forms about a deal: its editable fields, one more team member, the reason of a move."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date
from typing import Final

from cards.actions import AddMember, Edit, ProposeMove, Show
from cards.changes import label_of
from cards.deal import DealView, header, move_words, summary_of
from cards.elements import (
    Color,
    Piece,
    Style,
    Text,
    button,
    card,
    container,
    date_input,
    paragraph,
    text_input,
    words,
)
from cards.inputs import entered_day
from cards.problems import input_of, problem_words
from cards.reader import Reader
from partner_center.money import plain
from partner_center.referral import REASON_LIMIT, TEXT_LIMITS, Field, Problem, Referral

_REASONS: Final[Mapping[str, Text]] = {
    "decline": words("For example: not a customer of ours"),
    "lost": words("For example: the customer chose another vendor"),
    "error": words("For example: a duplicate of another deal"),
}
_HINTS: Final[Mapping[str, Text]] = {
    "value": words("For example 30k or 30,000"),
    "currency": words("Three letters, for example USD"),
}
_LENGTHS: Final[Mapping[str, int]] = {
    "value": 40,
    "currency": 3,
    "name": TEXT_LIMITS[Field.NAME],
    "crm": TEXT_LIMITS[Field.CRM],
    "campaign": TEXT_LIMITS[Field.CAMPAIGN],
    "notes": TEXT_LIMITS[Field.NOTES],
}
_MOST_PREFILLED: Final = 1800
_MOST_NOTES: Final = 14_000
"""Bytes of JSON that one prefilled value may take: a card has MOST_BYTES for all of them."""

_MEMBER: Final[Sequence[tuple[str, Text, str | None]]] = (
    ("first", words("Enter the first name."), None),
    ("last", words("Enter the last name."), None),
    ("email", words("Enter the email address."), "email"),
    ("phone", words("Enter the phone number."), "tel"),
)


def edit_form_card(
    view: DealView,
    reader: Reader,
    *,
    given: Mapping[str, str] | None = None,
    problems: Sequence[Problem] = (),
) -> dict[str, object]:
    """Every field a seller may edit, prefilled as Partner Center holds it.

    `given` is what was entered before `problems` were found; they stand beside their fields.
    """
    title = words("Edit this deal")
    body = [*header(view, title), *loose(problems, reader)]
    for piece, name in _edit_inputs(view.referral, given or {}):
        body += [piece, *beside(name, problems, reader)]
    return card(
        body,
        [
            button(words("Preview"), Edit(view.referral.id), primary=True, inputs=True),
            button(words("Cancel"), Show(view.referral.id)),
        ],
        summary=summary_of(view, title),
    )


def member_form_card(
    view: DealView,
    reader: Reader,
    given: Mapping[str, str] | None = None,
    *,
    problems: Sequence[Problem] = (),
) -> dict[str, object]:
    """The four fields of one more team member; `given` is what is known already."""
    entered = given or {}
    title = words("Add a team member")
    body = [*header(view, title), *loose(problems, reader)]
    for name, missing, kind in _MEMBER:
        value = entered.get(name, "")[:REASON_LIMIT]
        field = text_input(
            name,
            label_of(name),
            value=value,
            required=missing,
            max_length=REASON_LIMIT,
            kind=kind,
        )
        body += [field, *beside(name, problems, reader)]
    return card(
        body,
        [
            button(words("Preview"), AddMember(view.referral.id), primary=True, inputs=True),
            button(words("Cancel"), Show(view.referral.id)),
        ],
        summary=summary_of(view, title),
    )


def move_form_card(
    view: DealView, move: str, reader: Reader, *, problems: Sequence[Problem] = ()
) -> dict[str, object]:
    """Asks for the reason that goes with a status move."""
    title = move_words(move).question
    reason = text_input(
        "reason",
        words("Reason"),
        required=words("Enter a reason."),
        hint=_REASONS.get(move),
        multiline=True,
        max_length=REASON_LIMIT,
    )
    propose = ProposeMove(view.referral.id, move)
    return card(
        [
            *header(view, title),
            *loose(problems, reader),
            reason,
            *beside("reason", problems, reader),
        ],
        [
            button(words("Preview"), propose, primary=True, inputs=True),
            button(words("Cancel"), Show(view.referral.id)),
        ],
        summary=summary_of(view, title),
    )


def _edit_inputs(referral: Referral, given: Mapping[str, str]) -> list[tuple[Piece, str]]:
    held = {
        "value": plain(referral.deal_value) if referral.deal_value is not None else "",
        "currency": referral.currency or "",
        "name": referral.name,
        "crm": referral.own_crm_id or "",
        "campaign": referral.campaign_id or "",
        "notes": referral.notes or "",
    }
    shown = {**held, **given}
    close = date_input("close", label_of("close"), value=_close(referral, given))
    lines = {name: _line(name, shown[name], most) for name, most in _LENGTHS.items()}
    order = ("value", "currency", "close", "name", "crm", "campaign", "notes")
    return [(lines.get(name, close), name) for name in order]


def _line(name: str, value: str, most: int) -> Piece:
    """The input of a text; one too long for a card is left out, so that it stays as it is."""
    if len(json.dumps(value)) > (_MOST_NOTES if name == "notes" else _MOST_PREFILLED):
        note = words(
            "{field}: too long to edit here. Edit it in Partner Center.", field=label_of(name)
        )
        return paragraph(note, subtle=True)
    return text_input(
        name,
        label_of(name),
        value=value,
        hint=_HINTS.get(name),
        max_length=max(most, len(value)),
        multiline=name == "notes",
    )


def _close(referral: Referral, given: Mapping[str, str]) -> date | None:
    entered = given.get("close")
    if entered is not None:
        return entered_day(entered)
    return referral.closing.astimezone(UTC).date() if referral.closing else None


def beside(name: str, problems: Sequence[Problem], reader: Reader) -> list[Piece]:
    """The problems of one input, in words right below it."""
    return [
        paragraph(
            words("✖ {problem}", problem=problem_words(problem, reader)),
            color=Color.BAD,
            spacing="small",
        )
        for problem in problems
        if input_of(problem) == name
    ]


def loose(problems: Sequence[Problem], reader: Reader) -> list[Piece]:
    """The problems that belong to no input."""
    lines = [
        paragraph(problem_words(problem, reader))
        for problem in problems
        if input_of(problem) is None
    ]
    return [container(lines, style=Style.BAD)] if lines else []
