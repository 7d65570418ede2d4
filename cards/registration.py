"""The registration dialog: one step at a time, the read-back, and the drafts not yet sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from cards.actions import (
    Answer,
    Back,
    CancelDraft,
    Drafts,
    GoTo,
    ListDeals,
    Register,
    Resume,
    Show,
    Submit,
)
from cards.deal import DealView, customer_of, header, name_of, summary_of
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
    counted,
    date_input,
    fact,
    facts,
    heading,
    paragraph,
    tap,
    text,
    text_input,
    words,
)
from cards.inputs import entered_day
from cards.notice import Words, said
from cards.problems import problem_words
from cards.reader import Reader
from cards.signs import Stretch, timeline
from partner_center.referral import Problem
from partner_center.registration import SIGN_WINDOW, START_WINDOW

_MOST_SECTIONS: Final = 8
_MOST_LINES: Final = 12
_MOST_DRAFTS: Final = 10
_MOST_CHOICES: Final = 50


class FieldKind(StrEnum):
    """How a field of a step is asked for."""

    TEXT = "text"
    MONEY = "money"
    DATE = "date"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field of a step. `value` is what the input holds, ISO for dates; `choices` are pairs of
    the value sent and the words read."""

    id: str
    label: Words
    kind: FieldKind
    value: str = ""
    choices: Sequence[tuple[str, Words]] = ()
    hint: Words = ""
    error: Words = ""
    required: bool = True
    open: bool = False
    """Whether all choices are in sight; for choices in our own words only."""


@dataclass(frozen=True, slots=True)
class Line:
    """A label and its value, in a step's live numbers or a section of the read-back."""

    label: Words
    value: Words
    stretch: Stretch | None = None
    """The days behind the value, when it is about days: drawn instead of label and value."""


@dataclass(frozen=True, slots=True)
class StepView:
    """One step: its key in the step table, title, place among the others, fields, live numbers."""

    name: str
    title: Words
    number: int
    of: int
    fields: Sequence[FieldView]
    live: Sequence[Line] = ()
    problems: Sequence[Problem] = ()
    """What is wrong with the step as a whole; what is wrong with a field is its `error`."""
    elsewhere: Sequence[tuple[str, Words]] = ()
    """The other steps, by key and title, where that can be put right as well."""
    needed: Sequence[Text] = ()
    """What a typed answer left open."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the read-back: the step that changes it, its title, its lines, what is wrong."""

    step: str
    title: Words
    lines: Sequence[Line]
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A registration that is not yet sent."""

    draft_id: str
    view: DealView
    step_title: Words
    updated: datetime
    expires: datetime


def live_numbers(
    reader: Reader,
    *,
    annual: Decimal | None = None,
    currency: str | None = None,
    sign_left: int | None = None,
    start_left: int | None = None,
    sign: date | None = None,
    start: date | None = None,
) -> tuple[Line, ...]:
    """The numbers that move while a contract is entered: its worth a year, the days left to
    register it counted from signing and from start (API reference 10.3). With the days `sign` and
    `start` themselves, the days left are drawn as well."""
    lines: list[Line] = []
    if annual is not None:
        money = reader.money(annual.quantize(Decimal("0.01")), currency)
        lines.append(Line(words("Value a year"), money))
    if sign_left is not None:
        drawn = _window(words("Signed"), sign, SIGN_WINDOW, sign_left, reader)
        lines.append(Line(words("After signing"), _days_left(sign_left), drawn))
    if start_left is not None:
        drawn = _window(words("Start"), start, START_WINDOW, start_left, reader)
        lines.append(Line(words("After the start"), _days_left(start_left), drawn))
    return tuple(lines)


def _window(begins: Text, day: date | None, days: int, left: int, reader: Reader) -> Stretch | None:
    """The days in which a deal can be registered, of which today is one, or is not."""
    if day is None:
        return None
    last = day + timedelta(days=days)
    color = Color.BAD if left < 0 else Color.WARNING if left < _SOON else Color.GOOD
    return Stretch(
        (begins, reader.date(day)),
        (words("Last day to register"), reader.date(last)),
        days - left,
        days,
        _days_left(left),
        color,
    )


_SOON: Final = 7
"""Days left from which a window is drawn as a warning."""


def _days_left(left: int) -> Text:
    if left < 0:
        return counted(
            "✖ {count} day too late to register", "✖ {count} days too late to register", -left
        )
    if left == 0:
        return words("⚠ today is the last day")
    return counted("✔ {count} day left to register", "✔ {count} days left to register", left)


def step_card(view: DealView, step: StepView, draft_id: str, reader: Reader) -> dict[str, object]:
    """One step of the dialog."""
    title = said(step.title)
    progress = words("Registration, step {number} of {of}", number=step.number, of=step.of)
    body = [
        *header(view, title),
        paragraph(progress, subtle=True, size=Size.SMALL, spacing="none"),
        *_problems(step.problems, reader, [_change(*other, draft_id) for other in step.elsewhere]),
        *_still_needed(step.needed),
    ]
    for field in step.fields:
        body += _field(field)
    body += _live(step.live)
    hint = words("You can also type the answer, or “back”, or “cancel”.")
    body.append(paragraph(hint, subtle=True, size=Size.SMALL))
    return card(
        body,
        [
            button(words("Next"), Answer(draft_id, step.name), primary=True, inputs=True),
            button(words("Back"), Back(draft_id)) if step.number > 1 else None,
            button(words("Cancel"), CancelDraft(draft_id), danger=True),
        ],
        summary=summary_of(view, words("{progress}: {title}", progress=progress, title=title)),
    )


def read_back_card(
    view: DealView,
    sections: Sequence[Section],
    problems: Sequence[Problem],
    draft_id: str,
    reader: Reader,
) -> dict[str, object]:
    """Everything once more, each part with a way to change it; Submit only without problems."""
    title = words("Something is not right yet") if problems else words("Check and submit")
    beside = [each for section in sections for each in section.problems]
    body = [
        *header(view, title),
        *_problems([each for each in problems if each not in beside], reader),
    ]
    body += [_section(section, draft_id, reader) for section in sections[:_MOST_SECTIONS]]
    if not problems:
        final = words("Nothing is sent until you press Submit. Afterwards most of it is final.")
        body.append(paragraph(final, subtle=True, size=Size.SMALL, spacing="medium"))
    return card(
        body,
        [
            None if problems else button(words("Submit"), Submit(draft_id), primary=True),
            button(words("Back"), Back(draft_id)),
            button(words("Cancel"), CancelDraft(draft_id), danger=True),
        ],
        summary=summary_of(view, title),
    )


def drafts_card(rows: Sequence[DraftRow], reader: Reader) -> dict[str, object]:
    """A person's registrations that are not yet sent, each of which goes on when selected."""
    title = words("Registrations not yet sent")
    body: list[Piece] = [heading(title)]
    body += [_draft(row, reader) for row in rows[:_MOST_DRAFTS]]
    if rows:
        hint = words("Select one to go on where you stopped.")
        body.append(paragraph(hint, subtle=True, size=Size.SMALL, spacing="medium"))
    else:
        body.append(paragraph(words("There are none. Say “register” and a deal to begin one.")))
    return card(body, [button(words("My deals"), ListDeals())], summary=title)


_CLOSED: Final[Mapping[str, tuple[Text, Text]]] = {
    "cancelled": (
        words("Registration cancelled"),
        words("You cancelled it; nothing was sent to Partner Center."),
    ),
    "expired": (
        words("Registration expired"),
        words("It was not sent within 14 days, so it was closed; nothing went to Partner Center."),
    ),
    "submitted": (
        words("Already submitted"),
        words("This registration was submitted; its card shows what became of it."),
    ),
    "someone_else": (
        words("This is someone else's registration"),
        words("Only the person who began it can answer; nothing was changed."),
    ),
    "gone": (
        words("This card is out of date"),
        words("The registration it belongs to is no longer open; nothing was changed."),
    ),
}


def draft_closed_card(reason: str, view: DealView | None = None) -> dict[str, object]:
    """A dialog that is over: `cancelled`, `expired`, `submitted`, `someone_else` or `gone`."""
    title, happened = _CLOSED.get(reason, _CLOSED["gone"])
    head = header(view, title) if view else [heading(title)]
    buttons = [] if reason == "someone_else" else [button(words("Open registrations"), Drafts())]
    if view is not None and reason in ("cancelled", "expired"):
        buttons.insert(0, button(words("Begin again"), Register(view.referral.id)))
    if view is not None:
        buttons.append(button(words("Show the deal"), Show(view.referral.id)))
    return card([*head, paragraph(happened)], buttons, summary=title)


def answered_card(view: DealView, step_title: Text) -> dict[str, object]:
    """What stays of a step's card when the answer was typed: the dialog goes on below."""
    said = words("↓ #{handle} · {step}: it goes on below.", handle=view.handle, step=step_title)
    return card([paragraph(said, subtle=True)], summary=said)


def _problems(
    problems: Sequence[Problem], reader: Reader, ways: Sequence[Piece] = ()
) -> list[Piece]:
    if not problems:
        return []
    lines = [
        paragraph(words("✖ {problem}", problem=problem_words(problem, reader)), spacing="small")
        for problem in problems[:8]
    ]
    return [container([*lines, *ways], style=Style.BAD, spacing="medium")]


def _change(step: str, title: Words, draft_id: str) -> Piece:
    """A link to another step, by its name."""
    named = words("Change: {title}", title=said(title))
    link = paragraph(named, color=Color.ACCENT, strong=True)
    return container([link], tap=tap(GoTo(draft_id, step), named), spacing="small")


def _still_needed(names: Sequence[Text]) -> list[Piece]:
    if not names:
        return []
    named = text(", ".join(name.plain for name in names))
    said = words("Still needed: {names}", names=named)
    return [container([paragraph(said)], style=Style.CALM, spacing="medium")]


def _field(field: FieldView) -> list[Piece]:
    pieces = [_input(field)]
    if field.hint:
        hint = paragraph(said(field.hint), subtle=True, size=Size.SMALL, spacing="small")
        pieces.append(hint)
    if field.error:
        error = words("✖ {error}", error=said(field.error))
        pieces.append(paragraph(error, color=Color.BAD, spacing="small"))
    return pieces


def _input(field: FieldView) -> Piece:
    label = said(field.label)
    required = words("This is needed.") if field.required else None
    match field.kind:
        case FieldKind.DATE:
            return date_input(field.id, label, value=entered_day(field.value), required=required)
        case FieldKind.CHOICE:
            choices = [
                Choice(value, said(title, limit=100))
                for value, title in field.choices[:_MOST_CHOICES]
            ]
            chosen = field.value if field.value in {choice.value for choice in choices} else ""
            return choice_input(
                field.id, label, choices, value=chosen, required=required, open=field.open
            )
        case FieldKind.TEXT | FieldKind.MONEY:
            return text_input(
                field.id, label, value=field.value[:255], required=required, max_length=255
            )


def _live(lines: Sequence[Line]) -> list[Piece]:
    if not lines:
        return []
    return [container(_lines(lines[:8]), style=Style.CALM, spacing="medium")]


def _lines(lines: Sequence[Line], *, spacing: str | None = None) -> list[Piece]:
    """Facts, and below them the stretches of days that were drawn."""
    told = [
        fact(said(line.label, limit=60), said(line.value, limit=200))
        for line in lines
        if line.stretch is None
    ]
    drawn = [timeline(line.stretch) for line in lines if line.stretch is not None]
    return [*([facts(told, spacing=spacing)] if told else []), *drawn]


def _section(section: Section, draft_id: str, reader: Reader) -> Piece:
    title = said(section.title)
    press = words("Change")
    change = tap(GoTo(draft_id, section.step), press, title)
    link = container([paragraph(press, color=Color.ACCENT, strong=True)], tap=change)
    top = columns(
        [column([paragraph(title, strong=True)], middle=True), column([link], width="auto")]
    )
    lines = _lines(section.lines[:_MOST_LINES], spacing="small")
    wrong = _problems(section.problems, reader)
    return container([top, *wrong, *lines], separator=True)


def _draft(row: DraftRow, reader: Reader) -> Piece:
    name = words("#{handle} {name}", handle=row.view.handle, name=name_of(row.view))
    where = words(
        "{customer}. Stopped at: {step}.", customer=customer_of(row.view), step=said(row.step_title)
    )
    until = words("Kept until {day}", day=reader.date(row.expires))
    return container(
        [
            paragraph(name, strong=True),
            paragraph(where, size=Size.SMALL, spacing="none"),
            paragraph(until, subtle=True, size=Size.SMALL, spacing="none"),
        ],
        separator=True,
        tap=tap(Resume(row.draft_id), name, where, until),
    )
