"""The registration dialog: one step at a time, the read-back, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from cards.actions import (
    Answer,
    Back,
    CancelDraft,
    Drafts,
    GoTo,
    Register,
    Resume,
    Submit,
)
from cards.deal import DealView, handle_of, header, summary_of
from cards.elements import (
    Choice,
    Color,
    Piece,
    Size,
    Style,
    button,
    card,
    choice_input,
    column,
    columns,
    container,
    date_input,
    fact,
    facts,
    heading,
    paragraph,
    text_input,
    toggle_input,
    words,
)
from cards.notice import Words, said
from cards.problems import problem_words
from cards.reader import Reader
from cards.registered import Outcome, registered_card, registration_state_card
from partner_center.referral import Problem

__all__ = [
    "DraftRow",
    "FieldKind",
    "FieldView",
    "Line",
    "Outcome",
    "Section",
    "StepView",
    "draft_closed_card",
    "drafts_card",
    "read_back_card",
    "registered_card",
    "registration_state_card",
    "step_card",
]


class FieldKind(StrEnum):
    """How a field of a step is asked for."""

    TEXT = "text"
    MONEY = "money"
    DATE = "date"
    CHOICE = "choice"
    TOGGLE = "toggle"


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field of a step. `value` is what the input holds: ISO for dates, "true" for toggles.

    `choices` are pairs of the value sent and the words read.
    """

    id: str
    label: Words
    kind: FieldKind | str
    value: str = ""
    choices: Sequence[tuple[str, Words]] = ()
    hint: Words = ""
    error: Words = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """A label and its value, in a step's live numbers or a section of the read-back."""

    label: Words
    value: Words


@dataclass(frozen=True, slots=True)
class StepView:
    """One step: its key in the step table, title, place among the others, fields, live numbers."""

    name: str
    title: Words
    number: int
    of: int
    fields: Sequence[FieldView]
    live: Sequence[Line] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the read-back: the step that changes it, its title, its lines."""

    step: str
    title: Words
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A registration that is not yet sent."""

    draft_id: str
    view: DealView
    step_title: Words
    updated: datetime
    expires: datetime


def step_card(view: DealView, step: StepView, draft_id: str, reader: Reader) -> dict[str, object]:
    """One step of the dialog."""
    progress = words("Step {number} of {of}", number=step.number, of=step.of)
    title = words("Register: {step}", step=said(step.title))
    body = [*header(view, title), paragraph(progress, subtle=True, size=Size.SMALL)]
    for field in step.fields:
        body += _field(field)
    body += _live(step.live)
    body.append(paragraph(words("You can also type the answer."), subtle=True, size=Size.SMALL))
    return card(
        body,
        [
            button(words("Next"), Answer(draft_id, step.name), primary=True, inputs=True),
            button(words("Back"), Back(draft_id)) if step.number > 1 else None,
            button(words("Cancel"), CancelDraft(draft_id)),
        ],
        summary=summary_of(view, title),
    )


def read_back_card(
    view: DealView,
    sections: Sequence[Section],
    problems: Sequence[Problem],
    draft_id: str,
    reader: Reader,
) -> dict[str, object]:
    """Everything once more, each part with a way to change it; Submit only without problems."""
    title = words("Check and submit")
    body = header(view, title)
    body += [_section(section, draft_id) for section in sections]
    if problems:
        lines = [paragraph(problem_words(problem, reader)) for problem in problems]
        body.append(container(lines, style=Style.BAD))
    else:
        note = words("After you submit, most of this can no longer be changed.")
        body.append(paragraph(note, size=Size.SMALL))
    return card(
        body,
        [
            None if problems else button(words("Submit"), Submit(draft_id), primary=True),
            button(words("Back"), Back(draft_id)),
            button(words("Cancel"), CancelDraft(draft_id)),
        ],
        summary=summary_of(view, title),
    )


def drafts_card(rows: Sequence[DraftRow], reader: Reader) -> dict[str, object]:
    """A person's registrations that are not yet sent."""
    title = words("Registrations not yet sent")
    body: list[Piece] = [heading(title)]
    if not rows:
        body.append(paragraph(words("There are none. Say “register” and a deal to begin one.")))
    for row in rows[:10]:
        line = words("{handle} {step}", handle=handle_of(row.view), step=said(row.step_title))
        until = words("Kept until {day}", day=reader.date(row.expires))
        body.append(
            container(
                [paragraph(line, strong=True), paragraph(until, subtle=True, size=Size.SMALL)],
                separator=True,
                tap=button(words("Go on"), Resume(row.draft_id)),
            )
        )
    return card(body, summary=title)


def draft_closed_card(reason: str, view: DealView | None = None) -> dict[str, object]:
    """A dialog that is over: `cancelled`, `expired`, `submitted`, `someone_else` or `gone`."""
    sentences = {
        "cancelled": words("You cancelled this registration. Nothing was sent."),
        "expired": words("This registration was not sent within 14 days and is closed."),
        "submitted": words("This registration was already submitted."),
        "someone_else": words("This registration belongs to somebody else."),
        "gone": words("This registration is no longer open."),
    }
    sentence = sentences.get(reason, sentences["gone"])
    buttons = [button(words("Register again"), Register(view.referral.id))] if view else []
    buttons.append(button(words("Open registrations"), Drafts()))
    head = (
        header(view, words("Registration closed"))
        if view
        else [heading(words("Registration closed"))]
    )
    return card([*head, paragraph(sentence)], buttons, summary=sentence)


def _field(field: FieldView) -> list[Piece]:
    pieces = [_input(field)]
    if field.error:
        pieces.append(
            paragraph(words("✖ {error}", error=said(field.error)), color=Color.BAD, spacing="none")
        )
    return pieces


def _input(field: FieldView) -> Piece:
    label = said(field.label)
    required = words("This is needed.") if field.required else None
    hint = said(field.hint) if field.hint else None
    match FieldKind(field.kind):
        case FieldKind.DATE:
            day = date.fromisoformat(field.value) if field.value else None
            return date_input(field.id, label, value=day, required=required)
        case FieldKind.CHOICE:
            choices = [Choice(value, said(title)) for value, title in field.choices]
            return choice_input(
                field.id, label, choices, value=field.value, required=required, hint=hint
            )
        case FieldKind.TOGGLE:
            return toggle_input(field.id, label, hint or label, on=field.value == "true")
        case FieldKind.TEXT | FieldKind.MONEY:
            return text_input(
                field.id, label, value=field.value, required=required, hint=hint, max_length=255
            )


def _live(lines: Sequence[Line]) -> list[Piece]:
    if not lines:
        return []
    shown = [fact(said(line.label), said(line.value)) for line in lines[:8]]
    return [container([facts(shown)], style=Style.CALM, spacing="medium")]


def _section(section: Section, draft_id: str) -> Piece:
    change = button(words("Change"), GoTo(draft_id, section.step))
    top = columns(
        [
            column([paragraph(said(section.title), strong=True)]),
            column(
                [container([paragraph(words("Change"), color=Color.ACCENT)], tap=change)],
                width="auto",
            ),
        ]
    )
    lines = [fact(said(line.label), said(line.value)) for line in section.lines[:12]]
    return container([top, facts(lines, spacing="small")], separator=True)
