"""A request for approval: what is asked, by whom, what became of it, and what the reader may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cards.actions import (
    Action,
    ApplyAgain,
    Approvals,
    Approve,
    AskBack,
    ChangeDeal,
    OpenApproval,
    RefreshApproval,
    Register,
    Reject,
    Remind,
    SignIn,
    Withdraw,
)
from cards.changes import FieldChange, changed_pieces
from cards.deal import as_of
from cards.elements import (
    Color,
    Fact,
    Piece,
    Refresh,
    Size,
    Style,
    Text,
    button,
    card,
    container,
    counted,
    fact,
    facts,
    heading,
    left_out,
    paragraph,
    passage,
    tap,
    text,
    text_input,
    words,
)
from cards.new_deal import new_deal_facts
from cards.reader import Reader
from cards.registered import PRICINGS, TENANTS, term_words
from cards.signs import progress
from partner_center.registration import DealRegistration

LONGEST_REASON: Final = 500


class Role(StrEnum):
    """Who looks at the card, as the server knows them: it decides which buttons there are."""

    APPROVER = "approver"
    REQUESTER = "requester"
    OTHER = "other"


class Kind(StrEnum):
    """What is asked for."""

    REGISTER = "register"
    WON = "won"
    LOST = "lost"
    VALUE = "value"
    CREATE = "create"


class State(StrEnum):
    """Where the request stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    STALE = "stale"
    DONE = "done"
    FAILED = "failed"


class Delay(StrEnum):
    """Why an approved request is not carried out yet; it is tried again."""

    THROTTLED = "throttled"
    UNANSWERED = "unanswered"
    LOCKED = "locked"
    BEHIND = "behind"
    SIGN_IN = "sign_in"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class VoteLine:
    """Somebody's verdict, and for whom when they stand in."""

    name: str
    approved: bool
    at: datetime
    acting_for: str | None = None


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """One request with everything its card shows; names are outside text."""

    id: str
    deal: str
    subject: str
    """The id of the proposal or draft behind it."""
    handle: int | None
    """None while the deal does not exist."""
    name: str
    customer: str
    kind: Kind
    requester: str
    approvers: Sequence[str]
    """Names of the people who may approve."""
    quorum: int
    state: State
    created: datetime
    expires: datetime
    changes: Sequence[FieldChange] = ()
    currency: str | None = None
    registration: DealRegistration | None = None
    solutions: Mapping[str, str] = field(default_factory=dict)
    """What the deal's solutions are called, by id."""
    votes: Sequence[VoteLine] = ()
    decided_by: str | None = None
    reason: str | None = None
    """Why it was rejected or failed."""
    question: str | None = None
    """What an approver asked back, while it waits."""
    moved: Sequence[FieldChange] = ()
    """What changed on the deal since it was asked, when the request is stale."""
    any_member: bool = False
    """Whether every member of the team may approve too."""
    needs_sign_in: bool = False
    """It is approved, and nothing but the requester's sign-in is missing."""
    delay: Delay | None = None
    """It is approved, and a try to carry it out stumbled before anything was sent."""
    try_at: datetime | None = None
    """When it is tried again then."""


@dataclass(frozen=True, slots=True)
class _Told:
    title: Text
    style: Style
    color: Color | None
    says: Callable[[ApprovalView, Reader], Sequence[Text]]


_TITLES: Final = {
    Kind.REGISTER: words("Register this deal?"),
    Kind.WON: words("Mark this deal as won?"),
    Kind.LOST: words("Mark this deal as lost?"),
    Kind.VALUE: words("Change this deal's value?"),
    Kind.CREATE: words("Create this deal?"),
}


def approval_card(
    view: ApprovalView,
    role: Role,
    reader: Reader,
    *,
    note: Text | None = None,
    refresh_for: Sequence[str] = (),
) -> dict[str, object]:
    """The request as `role` sees it. `note` is the answer to what this reader just pressed.

    `refresh_for` are the Teams ids of people whose client asks for their own version.
    """
    told = _STATES[view.state]
    top = words(
        "{deal} · {customer} · {name}",
        deal=_which(view),
        customer=text(view.customer or "?", limit=80),
        name=text(view.name or "?", limit=80),
    )
    body: list[Piece | None] = [
        paragraph(top, subtle=True, size=Size.SMALL),
        heading(_TITLES[view.kind], spacing="small"),
    ]
    if note is not None:
        body.append(container([paragraph(note, strong=True)], style=Style.WARNING))
    body.append(_standing(view, told, reader))
    body += _asked(view, reader)
    body.append(container([facts(_facts(view, reader))], separator=True, spacing="medium"))
    deciding = view.state is State.WAITING and role is Role.APPROVER
    if deciding:
        body.append(_reason_input())
    refresh = Refresh(RefreshApproval(view.id), refresh_for)
    summary = words(
        "{deal} {title}: {state}",
        deal=_which(view),
        title=_TITLES[view.kind],
        state=told.title,
    )
    return card(body, _buttons(view, role), summary=summary, refresh=refresh)


def summary_of_request(view: ApprovalView) -> Text:
    """What a notification of the card says."""
    return words(
        "{deal}: {who} asks for approval: {what}",
        deal=_which(view),
        who=text(view.requester or "?", limit=60),
        what=_TITLES[view.kind],
    )


def _which(view: ApprovalView) -> Text:
    """The deal by its number, or words for one that does not exist yet."""
    if view.handle is None:
        return words("New deal")
    return words("#{handle}", handle=view.handle)


MOST_ROWS: Final = 8
"""Requests in each of the two lists: both fit on a card, in Japanese too."""


def approvals_card(
    for_me: Sequence[ApprovalView],
    mine: Sequence[ApprovalView],
    reader: Reader,
    *,
    more: tuple[int, int] = (0, 0),
) -> dict[str, object]:
    """What waits for the reader, and what the reader waits for: MOST_ROWS of each, and how many
    there are besides. `more` are those that were not even given."""
    body: list[Piece | None] = [heading(words("Approvals"))]
    body.append(paragraph(words("Waiting for you"), strong=True, spacing="medium"))
    body += [_row(view, reader, who=True) for view in for_me[:MOST_ROWS]]
    body += left_out(len(for_me[MOST_ROWS:]) + more[0])
    if not for_me:
        body.append(paragraph(words("Nothing waits for your decision."), spacing="small"))
    body.append(paragraph(words("What you wait for"), strong=True, spacing="medium"))
    body += [_row(view, reader, who=False) for view in mine[:MOST_ROWS]]
    body += left_out(len(mine[MOST_ROWS:]) + more[1])
    if not mine:
        body.append(paragraph(words("You wait for no approval."), spacing="small"))
    summary = counted(
        "{count} request waits for your approval.",
        "{count} requests wait for your approval.",
        len(for_me) + more[0],
    )
    if for_me or mine:
        hint = words("Select one to open it.")
        body.append(paragraph(hint, subtle=True, size=Size.SMALL, spacing="medium"))
    body.append(as_of(reader))
    return card(body, [button(words("Refresh"), Approvals())], summary=summary)


def _row(view: ApprovalView, reader: Reader, *, who: bool) -> Piece:
    first = words(
        "{deal} · {customer} · {what}",
        deal=_which(view),
        customer=text(view.customer or "?", limit=60),
        what=_TITLES[view.kind],
    )
    state = _STATES[view.state].title
    if who:
        asker = text(view.requester or "?", limit=60)
        second = words(
            "{who} asked {when}; until {end}",
            who=asker,
            when=reader.moment(view.created),
            end=reader.moment(view.expires),
        )
    else:
        second = words("{state}; until {end}", state=state, end=reader.moment(view.expires))
    opens = tap(OpenApproval(view.id), first, second)
    lines = [
        paragraph(first),
        paragraph(second, subtle=True, size=Size.SMALL, spacing="none"),
    ]
    return container(lines, style=Style.CALM, spacing="small", tap=opens)


def _standing(view: ApprovalView, told: _Told, reader: Reader) -> Piece:
    """The state, in a block of its own."""
    lines = [paragraph(told.title, strong=True, color=told.color)]
    if view.state is State.WAITING and view.quorum > 1:
        given = sum(vote.approved for vote in view.votes)
        said = words("{given} of {all} approvals given.", given=given, all=view.quorum)
        lines.append(progress(given, view.quorum, said))
    lines += [paragraph(line, spacing="small") for line in told.says(view, reader) if line]
    if view.state is State.STALE:
        lines += changed_pieces(view.moved, view.currency, reader)
    return container(lines, style=told.style)


def _asked(view: ApprovalView, reader: Reader) -> list[Piece]:
    """What shall be written."""
    if view.kind is Kind.CREATE:
        return [new_deal_facts(view.changes, reader)]
    if view.registration is None:
        return changed_pieces(view.changes, view.currency, reader)
    return [facts(_registration(view.registration, view.solutions, reader))]


def _registration(it: DealRegistration, solutions: Mapping[str, str], reader: Reader) -> list[Fact]:
    lines = [
        (words("Contract value"), reader.money(it.value, it.currency)),
        (words("Term"), term_words(it.term)),
        (words("Signed"), reader.date(it.sign)),
        (words("Starts"), reader.date(it.start)),
        (words("Ends"), reader.date(it.end) if it.end else text("")),
        (words("Solution"), text(solutions.get(it.solution_id) or it.solution_id, limit=120)),
        (words("Solution value"), reader.money(it.solution_value, it.solution_currency)),
        (words("Runs on Azure"), words("Yes") if it.deployed_on_azure else words("No")),
        (words("Runs in"), TENANTS[it.deployment]),
        (words("Pricing"), PRICINGS[it.pricing]),
        (words("Marketplace"), _marketplace(it, reader)),
    ]
    return [fact(title, value) for title, value in lines if value]


def _marketplace(it: DealRegistration, reader: Reader) -> Text:
    if not it.marketplace:
        return words("No")
    if it.marketplace_date is None:
        return words("Yes")
    return words("Yes, on {day}", day=reader.date(it.marketplace_date))


def _facts(view: ApprovalView, reader: Reader) -> list[Fact]:
    lines = [
        fact(words("Asked by"), text(view.requester or "?", limit=80)),
        fact(words("Asked"), reader.moment(view.created)),
    ]
    if view.state is State.WAITING:
        lines.append(fact(words("May approve"), _who(view)))
        lines.append(fact(words("Until"), reader.moment(view.expires)))
    lines += [fact(_verdict(vote), _vote(vote, reader)) for vote in view.votes[:_MOST_VOTES]]
    return lines


_MOST_VOTES: Final = 10


def _verdict(vote: VoteLine) -> Text:
    return words("Approved") if vote.approved else words("Rejected")


def _vote(vote: VoteLine, reader: Reader) -> Text:
    name, when = text(vote.name or "?", limit=80), reader.moment(vote.at)
    if vote.acting_for is None:
        return words("{name}, {when}", name=name, when=when)
    instead = text(vote.acting_for, limit=80)
    return words("{name} for {instead}, {when}", name=name, instead=instead, when=when)


def _who(view: ApprovalView) -> Text:
    if not view.any_member:
        return _names(view.approvers)
    if not view.approvers:
        return words("Every member of this team")
    return words("{names}, and every member of this team", names=_names(view.approvers))


def _names(names: Sequence[str]) -> Text:
    return text(", ".join(name[:60] for name in names[:8]) or "?", limit=400)


def _reason_input() -> Piece:
    return text_input(
        "reason",
        words("Reason to reject, or question"),
        required=words("Write why, or what you want to know."),
        hint=words("Needed to reject or to ask back"),
        multiline=True,
        max_length=LONGEST_REASON,
    )


def _buttons(view: ApprovalView, role: Role) -> list[Piece]:
    if view.state is State.WAITING:
        return _WHILE_WAITING[role](view)
    if role is not Role.REQUESTER:
        return []
    if view.state is State.APPROVED and view.needs_sign_in:
        return [button(words("Sign in"), SignIn(), primary=True)]
    if view.state is State.STALE:
        return [button(words("Look and ask again"), _again(view), primary=True)]
    if view.kind is Kind.CREATE and view.state not in {State.APPROVED, State.DONE}:
        return [button(words("Change and ask again"), ChangeDeal(view.subject), primary=True)]
    if view.kind is Kind.REGISTER and view.state not in {State.APPROVED, State.DONE}:
        return [button(words("Register again"), Register(view.deal), primary=True)]
    return []


def _again(view: ApprovalView) -> Action:
    return Register(view.deal) if view.kind is Kind.REGISTER else ApplyAgain(view.subject)


def _to_decide(view: ApprovalView) -> list[Piece]:
    return [
        button(words("Approve"), Approve(view.id), primary=True),
        button(words("Reject"), Reject(view.id), danger=True, inputs=True),
        button(words("Ask back"), AskBack(view.id), inputs=True),
    ]


def _to_wait(view: ApprovalView) -> list[Piece]:
    return [
        button(words("Remind"), Remind(view.id), primary=True),
        button(words("Withdraw"), Withdraw(view.id)),
    ]


def _to_look(view: ApprovalView) -> list[Piece]:
    return [button(words("Refresh"), RefreshApproval(view.id))]


_WHILE_WAITING: Final[dict[Role, Callable[[ApprovalView], list[Piece]]]] = {
    Role.APPROVER: _to_decide,
    Role.REQUESTER: _to_wait,
    Role.OTHER: _to_look,
}


def _waiting(view: ApprovalView, _reader: Reader) -> Sequence[Text]:
    lines = [words("Nothing is changed in Partner Center before that.")]
    if view.question:
        asked = passage(view.question, limit=LONGEST_REASON, lines=6)
        lines += [words("A question to whoever asked:"), asked]
    return lines


def _approved(view: ApprovalView, reader: Reader) -> Sequence[Text]:
    if view.needs_sign_in:
        who = text(view.requester or "?", limit=80)
        return [words("{who} has to sign in; then it happens by itself.", who=who)]
    if view.delay is not None:
        return _delayed(view.delay, view.try_at, reader)
    if view.kind is Kind.REGISTER:
        return [words("Registering… This card changes when Partner Center has answered.")]
    return [words("Saving… This card changes when Partner Center has answered.")]


def _delayed(delay: Delay, try_at: datetime | None, reader: Reader) -> Sequence[Text]:
    """Why it is not done yet; the time of the next try when it is far away."""
    lines = [_DELAYS[delay], words("Nothing was changed so far.")]
    if try_at is not None and try_at - reader.now > _FAR:
        lines.append(words("I try again after {moment}.", moment=reader.moment(try_at)))
    return [*lines, words("You need not do anything: I keep trying and change this card.")]


_FAR: Final = timedelta(minutes=1)
_DELAYS: Final = {
    Delay.THROTTLED: words("Your company has sent Partner Center too many requests."),
    Delay.UNANSWERED: words("Partner Center is not answering."),
    Delay.LOCKED: words("Partner Center is working on this deal itself."),
    Delay.BEHIND: words(
        "Partner Center has another version of this deal, but does not show it to me yet."
    ),
    Delay.SIGN_IN: words("Microsoft's sign-in is not answering."),
    Delay.STORE: words("My own storage did not answer in time."),
}


def _done(view: ApprovalView, _reader: Reader) -> Sequence[Text]:
    if view.kind is Kind.REGISTER:
        return [words("Partner Center holds the registration.")]
    if view.kind is Kind.CREATE:
        return [words("Partner Center holds the deal.")]
    return [words("Partner Center holds the change.")]


def _rejected(view: ApprovalView, _reader: Reader) -> Sequence[Text]:
    lines = [words("Nothing was changed.")]
    if view.reason:
        lines.insert(0, passage(view.reason, limit=LONGEST_REASON, lines=6))
    return lines


def _nothing(_view: ApprovalView, _reader: Reader) -> Sequence[Text]:
    return [words("Nothing was changed.")]


def _stale(view: ApprovalView, _reader: Reader) -> Sequence[Text]:
    lines = [
        words("Somebody changed the deal after this was asked, so the approval does not apply."),
        words("Nothing of this request was written. It has to be approved again."),
    ]
    if view.moved:
        lines.append(words("What changed meanwhile:"))
    return lines


def _failed(view: ApprovalView, _reader: Reader) -> Sequence[Text]:
    return [passage(view.reason, limit=LONGEST_REASON, lines=6)] if view.reason else []


_STATES: Final[dict[State, _Told]] = {
    State.WAITING: _Told(words("○ Waiting for approval"), Style.ACCENT, None, _waiting),
    State.APPROVED: _Told(words("✔ Approved"), Style.GOOD, Color.GOOD, _approved),
    State.DONE: _Told(words("✔ Approved and done"), Style.GOOD, Color.GOOD, _done),
    State.REJECTED: _Told(words("✖ Rejected"), Style.BAD, Color.BAD, _rejected),
    State.WITHDRAWN: _Told(words("✖ Withdrawn"), Style.CALM, None, _nothing),
    State.EXPIRED: _Told(words("✖ Nobody decided in time"), Style.WARNING, None, _nothing),
    State.STALE: _Told(words("⚠ The deal has changed since"), Style.WARNING, Color.WARNING, _stale),
    State.FAILED: _Told(words("✖ Approved, but not carried out"), Style.BAD, Color.BAD, _failed),
}


def state_title(state: str) -> Text:
    """Where a request stands, with its sign; an unknown state by its own name."""
    return _STATES[State(state)].title if state in set(State) else text(state, limit=40)
