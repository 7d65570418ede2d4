"""The forms about a deal: its editable fields, one more team member, the reason of a move."""

from __future__ import annotations

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
from cards.problems import input_of, problem_words
from cards.reader import Reader
from partner_center.money import plain
from partner_center.referral import REASON_LIMIT, TEXT_LIMITS, Field, Problem, Referral

_REASONS: Final[Mapping[str, Text]] = {
    "decline": words("For example: not a customer of ours"),
    "lost": words("For example: the customer chose another vendor"),
    "error": words("For example: a duplicate of another deal"),
}
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
    body = [*header(view, title), *_loose(problems, reader)]
    for piece, name in _edit_inputs(view.referral, given or {}):
        body += [piece, *_beside(name, problems, reader)]
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
    body = [*header(view, title), *_loose(problems, reader)]
    for name, missing, kind in _MEMBER:
        value = entered.get(name, "")
        field = text_input(
            name,
            label_of(name),
            value=value,
            required=missing,
            max_length=REASON_LIMIT,
            kind=kind,
        )
        body += [field, *_beside(name, problems, reader)]
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
            *_loose(problems, reader),
            reason,
            *_beside("reason", problems, reader),
        ],
        [
            button(words("Preview"), propose, primary=True, inputs=True),
            button(words("Cancel"), Show(view.referral.id)),
        ],
        summary=summary_of(view, title),
    )


def _edit_inputs(referral: Referral, given: Mapping[str, str]) -> list[tuple[Piece, str]]:
    value = plain(referral.deal_value) if referral.deal_value is not None else ""
    held = {
        "value": value,
        "currency": referral.currency or "",
        "name": referral.name,
        "crm": referral.crm_id or "",
        "campaign": referral.campaign_id or "",
        "notes": referral.notes or "",
    }
    amount = words("For example 30k or 30,000")
    code = words("Three letters, for example USD")
    shown = {**held, **given}
    return [
        (_line("value", shown, 40, amount), "value"),
        (_line("currency", shown, 3, code), "currency"),
        (date_input("close", label_of("close"), value=_close(referral, given)), "close"),
        *[(_line(f, shown, TEXT_LIMITS[f]), str(f)) for f in (Field.NAME, Field.CRM)],
        (_line("campaign", shown, TEXT_LIMITS[Field.CAMPAIGN]), "campaign"),
        (_line("notes", shown, TEXT_LIMITS[Field.NOTES], multiline=True), "notes"),
    ]


def _line(
    name: str,
    shown: Mapping[str, str],
    most: int,
    hint: Text | None = None,
    *,
    multiline: bool = False,
) -> Piece:
    return text_input(
        name,
        label_of(name),
        value=shown[name],
        hint=hint,
        max_length=max(most, len(shown[name])),
        multiline=multiline,
    )


def _close(referral: Referral, given: Mapping[str, str]) -> date | None:
    entered = given.get("close")
    if entered is not None:
        try:
            return date.fromisoformat(entered)
        except ValueError:
            return None
    return referral.closing.astimezone(UTC).date() if referral.closing else None


def _beside(name: str, problems: Sequence[Problem], reader: Reader) -> list[Piece]:
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


def _loose(problems: Sequence[Problem], reader: Reader) -> list[Piece]:
    """The problems that belong to no input."""
    lines = [
        paragraph(problem_words(problem, reader))
        for problem in problems
        if input_of(problem) is None
    ]
    return [container(lines, style=Style.BAD)] if lines else []
