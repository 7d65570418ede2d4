"""A deal, the list of deals, and every stage of a change to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Final

from cards.actions import (
    Action,
    AddMember,
    ApplyAgain,
    Discard,
    Edit,
    EditForm,
    Eligible,
    ListDeals,
    MemberForm,
    ProposeMove,
    Register,
    Save,
    Show,
)
from cards.changes import (
    ConflictRow,
    FieldChange,
    Value,
    change_pieces,
    conflict_pieces,
    label_of,
)
from cards.deal import (
    DealView,
    as_of,
    customer_of,
    header,
    name_of,
    state_of,
    summary_of,
)
from cards.elements import (
    Color,
    Piece,
    Size,
    Style,
    Text,
    button,
    card,
    column,
    columns,
    container,
    counted,
    date_input,
    fact,
    facts,
    heading,
    is_longer,
    paragraph,
    passage,
    text,
    text_input,
    words,
)
from cards.notice import Words, said
from cards.problems import problem_words
from cards.reader import Reader

if TYPE_CHECKING:
    from partner_center.referral import Problem, Referral

__all__ = [
    "ConflictRow",
    "DealView",
    "FieldChange",
    "Value",
    "conflict_card",
    "deal_card",
    "discarded_card",
    "edit_form_card",
    "failed_card",
    "list_card",
    "member_form_card",
    "move_form_card",
    "proposal_card",
    "saving_card",
    "unknown_card",
]

_MOST_NAMES: Final = 6
_MOST_ROWS: Final = 12
_MOVES: Final[Mapping[str, tuple[Text, Text]]] = {
    "accept": (words("Accept this deal?"), words("Accept")),
    "decline": (words("Decline this deal?"), words("Decline")),
    "won": (words("Mark this deal as won?"), words("Mark as won")),
    "lost": (words("Mark this deal as lost?"), words("Mark as lost")),
    "error": (words("Close this deal as an error?"), words("Close as error")),
}
_REASONS: Final[Mapping[str, Text]] = {
    "decline": words("For example: not a customer, or the timeline is too short"),
    "lost": words("For example: the customer chose another vendor"),
    "error": words("For example: a duplicate of another deal"),
}


def deal_card(
    view: DealView, reader: Reader, *, saved: Sequence[FieldChange] = ()
) -> dict[str, object]:
    """One deal: its facts, what is missing next, what can be done. `saved` was just written."""
    referral = view.referral
    body: list[Piece] = []
    if saved:
        note = paragraph(words("✔ Saved in Partner Center"), strong=True, color=Color.GOOD)
        body.append(container([note, *change_pieces(saved, referral, reader)], style=Style.GOOD))
    body += header(view)
    body.append(facts(_facts(view, reader)))
    body += _notes(referral)
    body += _next(view, reader)
    body.append(as_of(reader))
    state, _color = state_of(referral.status, referral.substatus)
    return card(body, _deal_buttons(referral), summary=summary_of(view, state))


def list_card(
    title: Words,
    rows: Sequence[DealView],
    page: int,
    has_more: bool,
    filter: str,
    text: str,
    reader: Reader,
) -> dict[str, object]:
    """A page of deals, each of which opens when selected."""
    body: list[Piece] = [heading(said(title))]
    body += [_row(view, reader) for view in rows[:_MOST_ROWS]]
    if rows:
        hint = words("Select a deal to open it, or say “show #{n}”.", n=rows[0].handle)
        body.append(paragraph(hint, subtle=True, size=Size.SMALL))
    else:
        body.append(paragraph(words("No deals here.")))
        body.append(paragraph(words("Say “list” with a status or part of a name to look further.")))
    body.append(as_of(reader))
    return card(body, _list_buttons(page, has_more, filter, text), summary=said(title))


def proposal_card(
    view: DealView,
    changes: Sequence[FieldChange],
    warnings: Sequence[Problem],
    proposal_id: str,
    reader: Reader,
    *,
    move: str | None = None,
) -> dict[str, object]:
    """Before and after of a change that is not yet made, with the one button that makes it."""
    title, confirm = _MOVES.get(move or "", (words("Save this change?"), words("Save")))
    body = [*header(view, title), *change_pieces(changes, view.referral, reader)]
    if warnings:
        lines = [paragraph(problem_words(problem, reader)) for problem in warnings]
        body.append(
            container(
                [paragraph(words("⚠ Before you do"), strong=True), *lines],
                style=Style.WARNING,
                spacing="medium",
            )
        )
    hint = words("Nothing is changed until you press “{confirm}”.", confirm=confirm)
    body.append(paragraph(hint, subtle=True, size=Size.SMALL))
    return card(
        body,
        [
            button(confirm, Save(proposal_id), primary=True),
            button(words("Discard"), Discard(proposal_id)),
        ],
        summary=summary_of(view, title),
    )


def conflict_card(
    view: DealView, rows: Sequence[ConflictRow], proposal_id: str, reader: Reader
) -> dict[str, object]:
    """Somebody else changed the deal between preview and save."""
    title = words("Someone changed this deal meanwhile")
    body = [
        *header(view, title),
        paragraph(words("Your change was not saved, so that theirs is not lost.")),
        *conflict_pieces(rows, view.referral, reader),
    ]
    return card(
        body,
        [
            button(words("Apply mine again"), ApplyAgain(proposal_id), primary=True),
            button(words("Keep theirs"), Discard(proposal_id)),
        ],
        summary=summary_of(view, title),
    )


def saving_card(
    view: DealView, changes: Sequence[FieldChange], reader: Reader
) -> dict[str, object]:
    """While Partner Center is being written; it has no buttons."""
    title = words("… Saving in Partner Center")
    body = [*header(view, title), *change_pieces(changes, view.referral, reader)]
    return card(body, summary=summary_of(view, title))


def discarded_card(view: DealView, reader: Reader) -> dict[str, object]:
    """A change that was given up."""
    title = words("Nothing was changed")
    body = [*header(view, title), paragraph(words("You discarded the change."))]
    return card(body, [_show(view)], summary=summary_of(view, title))


def unknown_card(
    view: DealView,
    changes: Sequence[FieldChange],
    reader: Reader,
    *,
    request_id: str | None = None,
) -> dict[str, object]:
    """A change of which nobody knows yet whether it arrived."""
    title = words("It is not certain that this was saved")
    body = [
        *header(view, title),
        paragraph(words("Partner Center did not answer in time. It was not sent a second time.")),
        *change_pieces(changes, view.referral, reader),
        paragraph(words("Look at the deal before you try again."), strong=True),
        *_request(request_id),
    ]
    look = button(words("Look at the deal"), Show(view.referral.id), primary=True)
    return card(body, [look], summary=summary_of(view, title))


def failed_card(
    view: DealView,
    problems: Sequence[Problem],
    reader: Reader,
    *,
    request_id: str | None = None,
) -> dict[str, object]:
    """A change that the rules or Partner Center refused."""
    title = words("Not saved")
    lines = [paragraph(problem_words(problem, reader)) for problem in problems]
    if not lines:
        lines = [paragraph(words("Partner Center refused the change. The deal is as it was."))]
    body = [*header(view, title), container(lines, style=Style.WARNING), *_request(request_id)]
    edit = button(words("Edit"), EditForm(view.referral.id), primary=True)
    return card(body, [edit, _show(view)], summary=summary_of(view, title))


def edit_form_card(
    view: DealView,
    reader: Reader,
    *,
    given: Mapping[str, str] | None = None,
    problems: Sequence[Problem] = (),
) -> dict[str, object]:
    """Every field a seller may edit, prefilled. `given` is what was entered before `problems`."""
    referral = view.referral
    title = words("Edit this deal")
    entered = given or {}
    fields = {
        "name": referral.name,
        "crm": referral.crm_id,
        "campaign": referral.campaign_id,
    }
    inputs = [
        text_input(
            "value",
            label_of("value"),
            value=entered.get("value", format(referral.deal_value or "", "")),
            hint=words("For example 30k or 250,000"),
            max_length=40,
        ),
        text_input(
            "currency",
            label_of("currency"),
            value=entered.get("currency", referral.currency or ""),
            hint=words("Three letters, for example USD"),
            max_length=3,
        ),
        date_input("close", label_of("close"), value=_day(referral)),
        *[
            text_input(id, label_of(id), value=entered.get(id, value or ""), max_length=255)
            for id, value in fields.items()
        ],
        text_input(
            "notes",
            label_of("notes"),
            value=entered.get("notes", referral.notes or ""),
            multiline=True,
            max_length=5000,
        ),
    ]
    return card(
        [*header(view, title), *_errors(problems, reader), *inputs],
        [
            button(words("Preview"), Edit(referral.id), primary=True, inputs=True),
            button(words("Cancel"), Show(referral.id)),
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
    rows = [
        ("first", words("First name"), words("Enter the first name."), None),
        ("last", words("Last name"), words("Enter the last name."), None),
        ("email", words("Email"), words("Enter the email address."), "email"),
        ("phone", words("Phone"), words("Enter the phone number."), "tel"),
    ]
    inputs = [
        text_input(id, label, value=entered.get(id, ""), required=error, max_length=255, kind=kind)
        for id, label, error, kind in rows
    ]
    return card(
        [*header(view, title), *_errors(problems, reader), *inputs],
        [
            button(words("Preview"), AddMember(view.referral.id), primary=True, inputs=True),
            button(words("Cancel"), Show(view.referral.id)),
        ],
        summary=summary_of(view, title),
    )


def move_form_card(view: DealView, move: str, reader: Reader) -> dict[str, object]:
    """Asks for the reason that a status move needs."""
    title, _confirm = _MOVES[move]
    reason = text_input(
        "reason",
        words("Reason"),
        required=words("Enter a reason."),
        hint=_REASONS.get(move),
        multiline=True,
        max_length=255,
    )
    return card(
        [*header(view, title), reason],
        [
            button(
                words("Preview"), ProposeMove(view.referral.id, move), primary=True, inputs=True
            ),
            button(words("Cancel"), Show(view.referral.id)),
        ],
        summary=summary_of(view, title),
    )


def _facts(view: DealView, reader: Reader) -> list[Piece]:
    referral = view.referral
    value = (
        reader.money(referral.deal_value, referral.currency)
        if referral.deal_value is not None
        else words("not set")
    )
    close = reader.date(referral.closing) if referral.closing else words("not set")
    lines = [fact(words("Deal value"), value), fact(words("Close date"), close)]
    if referral.country:
        lines.append(fact(words("Country"), text(referral.country, limit=40)))
    lines.append(fact(words("Deal type"), _deal_type(referral)))
    if view.microsoft is not None:
        state, _color = state_of(view.microsoft.status, view.microsoft.substatus)
        lines.append(fact(words("Microsoft"), state))
    lines.append(fact(words("Team"), _names([_member(member) for member in referral.team])))
    solutions = [solution.name or solution.id for solution in referral.solutions]
    lines.append(fact(words("Solutions"), _names(solutions)))
    if referral.crm_id:
        lines.append(fact(words("CRM ID"), text(referral.crm_id, limit=60)))
    if referral.campaign_id:
        lines.append(fact(words("Campaign ID"), text(referral.campaign_id, limit=60)))
    if referral.registration_status not in {"", "None"}:
        lines.append(fact(words("Registration"), text(referral.registration_status, limit=60)))
    return lines


def _deal_type(referral: Referral) -> Text:
    if referral.is_cosell:
        return words("Co-sell with Microsoft")
    if referral.shared_with_microsoft:
        return words("Partner-led, visible to Microsoft")
    return words("Private")


def _member(member: object) -> str:
    first, last = getattr(member, "first_name", ""), getattr(member, "last_name", "")
    return f"{first} {last}".strip() or str(getattr(member, "email", ""))


def _names(names: Sequence[str]) -> Text:
    if not names:
        return words("none")
    shown = text(", ".join(name[:60] for name in names[:_MOST_NAMES]), limit=400)
    rest = len(names) - _MOST_NAMES
    return (
        counted("{shown} and {count} more", "{shown} and {count} more", rest, shown=shown)
        if (rest > 0)
        else shown
    )


def _notes(referral: Referral) -> list[Piece]:
    if not referral.notes:
        return []
    lines = [
        paragraph(words("Notes"), subtle=True, size=Size.SMALL),
        paragraph(passage(referral.notes, limit=500), spacing="small"),
    ]
    if is_longer(referral.notes, limit=500):
        more = words("Shortened. The whole note is in “Edit” and in Partner Center.")
        lines.append(paragraph(more, subtle=True, size=Size.SMALL))
    return [container(lines, style=Style.CALM, spacing="medium")]


def _next(view: DealView, reader: Reader) -> list[Piece]:
    hints = _hints(view, reader)[:2]
    if not hints:
        return []
    lines = [paragraph(hint, spacing="small") for hint in hints]
    return [
        container(
            [paragraph(words("Next"), strong=True), *lines], style=Style.ACCENT, spacing="medium"
        )
    ]


def _hints(view: DealView, reader: Reader) -> list[Text]:
    referral = view.referral
    hints: list[Text] = []
    if referral.status == "New":
        if referral.expires is not None:
            day = reader.date(referral.expires)
            hints.append(words("Accept or decline by {day}; after that the deal expires.", day=day))
        else:
            hints.append(words("Accept or decline this deal."))
    if referral.status == "Active":
        hints += _active_hints(view, reader)
    if referral.is_won and not referral.registrations:
        hints.append(words("Check whether this deal can be registered."))
    return hints


def _active_hints(view: DealView, reader: Reader) -> list[Text]:
    referral = view.referral
    hints: list[Text] = []
    if referral.deal_value is None:
        hints.append(words("Add the deal value."))
    if referral.closing is None:
        hints.append(words("Add the close date."))
    elif referral.closing.astimezone(UTC) < reader.now.astimezone(UTC) - timedelta(days=1):
        hints.append(words("The close date has passed. Change it, or close the deal."))
    if not referral.solutions:
        hints.append(words("Add a solution in Partner Center; a deal without one cannot register."))
    if view.microsoft is not None and view.microsoft.status == "New":
        hints.append(words("Microsoft has not answered yet; it has 14 days."))
    if not hints and referral.is_cosell and not referral.registrations:
        hints.append(words("Check the registration before you mark this deal as won."))
    return hints


def _deal_buttons(referral: Referral) -> list[Piece]:
    deal = referral.id
    refresh = button(words("Refresh"), Show(deal))
    if referral.status == "New":
        return [
            button(words("Accept"), ProposeMove(deal, "accept"), primary=True),
            button(words("Decline"), ProposeMove(deal, "decline")),
            refresh,
        ]
    if referral.is_open:
        return [
            button(words("Edit"), EditForm(deal), primary=True),
            button(words("Registration"), Eligible(deal)),
            button(words("Add member"), MemberForm(deal)),
            button(words("Won"), ProposeMove(deal, "won")),
            button(words("Lost"), ProposeMove(deal, "lost")),
            refresh,
        ]
    if referral.is_won:
        return [button(words("Registration"), Eligible(deal), primary=True), refresh]
    return [button(words("My deals"), ListDeals()), refresh]


def _row(view: DealView, reader: Reader) -> Piece:
    referral = view.referral
    state, color = state_of(referral.status, referral.substatus)
    name = words("#{handle} {name}", handle=view.handle, name=name_of(view))
    left = [
        paragraph(name, strong=True),
        paragraph(customer_of(view), subtle=True, size=Size.SMALL, spacing="none"),
    ]
    right = [paragraph(state, color=color, size=Size.SMALL, right=True)]
    if referral.deal_value is not None:
        money = reader.money(referral.deal_value, referral.currency)
        right.insert(0, paragraph(money, right=True))
    row = columns([column(left), column(right, width="auto")])
    opens = button(words("Open #{handle}", handle=view.handle), Show(referral.id))
    return container([row], separator=True, tap=opens)


def _list_buttons(page: int, has_more: bool, filter: str, text: str) -> list[Piece]:
    wanted: list[tuple[Text, Action]] = []
    if page > 1:
        wanted.append((words("Previous page"), ListDeals(filter, text[:200], page - 1)))
    if has_more:
        wanted.append((words("Next page"), ListDeals(filter, text[:200], page + 1)))
    others = {"mine": words("My deals"), "new": words("New"), "active": words("Active")}
    wanted += [
        (label, ListDeals(other)) for other, label in others.items() if other != filter or text
    ]
    return [button(label, action) for label, action in wanted[:6]]


def _errors(problems: Sequence[Problem], reader: Reader) -> list[Piece]:
    if not problems:
        return []
    lines = [paragraph(problem_words(problem, reader)) for problem in problems]
    return [container(lines, style=Style.BAD)]


def _request(request_id: str | None) -> list[Piece]:
    if not request_id:
        return []
    said_id = words("For support: request {id}", id=text(request_id, limit=80))
    return [paragraph(said_id, subtle=True, size=Size.SMALL)]


def _show(view: DealView) -> Piece:
    return button(words("Show the deal"), Show(view.referral.id))


def _day(referral: Referral) -> date | None:
    return referral.closing.astimezone(UTC).date() if referral.closing else None


_ = Register
