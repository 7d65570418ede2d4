"""The registration dialog: one step at a time, the read-back, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from cards.actions import (
    Answer,
    Back,
    CancelDraft,
    Drafts,
    Eligible,
    GoTo,
    LookAgain,
    Register,
    Resume,
    Show,
    Submit,
)
from cards.deal import DealView, as_of, handle_of, header, summary_of
from cards.elements import (
    Choice,
    Color,
    Piece,
    Size,
    Style,
    Text,
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
    text,
    text_input,
    toggle_input,
    words,
)
from cards.notice import Words, said
from cards.problems import problem_words
from cards.reader import Reader

if TYPE_CHECKING:
    from partner_center.registration import Registration

    from partner_center.referral import Problem


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


def registered_card(
    view: DealView, registration: Registration, reader: Reader
) -> dict[str, object]:
    """The registration as Partner Center holds it, and what its state means."""
    state, meaning = state_words(registration.status)
    title = words("Registration: {state}", state=state)
    lines = [
        fact(words("Contract value"), _money(registration.value, registration.currency, reader)),
        fact(words("Signed"), _day(registration.sign, reader)),
        fact(words("Starts"), _day(registration.start, reader)),
        fact(words("Ends"), _day(registration.end, reader)),
        fact(words("Solution"), text(registration.solution_name or registration.solution_id or "")),
    ]
    body = [*header(view, title), paragraph(meaning), facts(lines), as_of(reader)]
    if registration.status_reason:
        body.insert(-1, paragraph(text(registration.status_reason, limit=400)))
    return card(
        body,
        [button(words("Show the deal"), Show(view.referral.id))],
        summary=summary_of(view, title),
    )


class Outcome(StrEnum):
    """What is known about a registration that was submitted."""

    WORKING = "working"
    UNKNOWN = "unknown"
    FAILED = "failed"
    REJECTED = "rejected"
    STOPPED = "stopped"


_OUTCOMES: dict[Outcome, tuple[Text, Text, Text]] = {
    Outcome.WORKING: (
        words("… Registering"),
        words("Partner Center is being asked. This card changes by itself."),
        words("You need not wait here."),
    ),
    Outcome.UNKNOWN: (
        words("It is not certain that this was registered"),
        words("Partner Center did not answer in time. It is not sent again until that is clear."),
        words("Dealdesk keeps looking and tells you here. You can look now."),
    ),
    Outcome.FAILED: (
        words("Not registered"),
        words("Nothing was sent, or Partner Center was not reached. The deal is as it was."),
        words("Submit it again."),
    ),
    Outcome.REJECTED: (
        words("Partner Center refused the registration"),
        words("Nothing was registered."),
        words("Check what is missing, then register again."),
    ),
    Outcome.STOPPED: (
        words("Registration stopped"),
        words("The deal changed before it was sent, so nothing was registered."),
        words("Look at the deal, then register again."),
    ),
}


def registration_state_card(
    view: DealView,
    outcome: Outcome | str,
    registration_id: str,
    reader: Reader,
    *,
    problems: Sequence[Problem] = (),
    request_id: str | None = None,
) -> dict[str, object]:
    """A submitted registration that is not (yet) registered."""
    state = Outcome(outcome)
    title, happened, next_step = _OUTCOMES[state]
    body = [
        *header(view, title),
        paragraph(happened),
        *[paragraph(problem_words(problem, reader)) for problem in problems],
        paragraph(next_step, strong=True),
    ]
    if request_id:
        code = words("For support: request {id}", id=text(request_id, limit=80))
        body.append(paragraph(code, subtle=True, size=Size.SMALL))
    deal = view.referral.id
    buttons = {
        Outcome.WORKING: [],
        Outcome.UNKNOWN: [button(words("Look now"), LookAgain(registration_id), primary=True)],
        Outcome.FAILED: [button(words("Register again"), Register(deal), primary=True)],
        Outcome.REJECTED: [button(words("Check what is missing"), Eligible(deal), primary=True)],
        Outcome.STOPPED: [button(words("Register again"), Register(deal), primary=True)],
    }[state]
    return card(body, buttons, summary=summary_of(view, title))


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


def state_words(status: str) -> tuple[Text, Text]:
    """The state of a registration and what it means (API reference 10.4)."""
    return _STATES.get(status) or (text(status or "?", limit=60), _UNKNOWN_STATE)


_UNKNOWN_STATE = words("Look it up in Partner Center; this state is new to Dealdesk.")
_STATES: dict[str, tuple[Text, Text]] = {
    "Approved": (words("✔ Approved"), words("Approved automatically. Nothing is left to do.")),
    "ReviewPending": (words("○ In review"), words("Microsoft's review team checks it.")),
    "ActionRequired": (
        words("⚠ Action required"),
        words("Microsoft sent it back. Correct it in Partner Center."),
    ),
    "Passed": (words("✔ Review passed"), words("Nothing is left to do.")),
    "Failed": (words("✖ Review failed"), words("Microsoft did not accept it.")),
    "Closed": (words("✔ Closed"), words("The registration is finished.")),
}


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


def _money(value: object, currency: str | None, reader: Reader) -> Text:
    from decimal import Decimal

    return reader.money(value, currency) if isinstance(value, Decimal) else words("not set")


def _day(value: date | None, reader: Reader) -> Text:
    return reader.date(value) if value else words("none")
