"""What became of a registration: as Partner Center shows it, on its way, refused or in doubt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from cards.actions import Action, Eligible, LookAgain, Register, Show
from cards.deal import DealView, as_of, header, spelled_out, summary_of
from cards.elements import (
    Color,
    Fact,
    Piece,
    Size,
    Style,
    Text,
    button,
    card,
    container,
    fact,
    facts,
    paragraph,
    passage,
    text,
    words,
)
from cards.problems import problem_words
from cards.reader import Reader
from partner_center.referral import Problem
from partner_center.registration import DeployedOn, Pricing, Registration, Term


@dataclass(frozen=True, slots=True)
class StateWords:
    """A state of a registration, what it means and what to do (API reference 10.4)."""

    title: Text
    meaning: Text
    next_step: Text
    style: Style
    color: Color | None = None


_STATES: Final[Mapping[str, StateWords]] = {
    "None": StateWords(
        words("Not registered"),
        words("Partner Center holds no registration of this deal."),
        words("Check what is needed, then register it."),
        Style.CALM,
    ),
    "Approved": StateWords(
        words("✔ Approved"),
        words("Partner Center approved it at once. Microsoft may still look at it later."),
        words("There is nothing left to do."),
        Style.GOOD,
        Color.GOOD,
    ),
    "ReviewPending": StateWords(
        words("○ In review"),
        words("Microsoft's review team is checking it."),
        words("Wait; Partner Center sends an email when something is needed."),
        Style.ACCENT,
    ),
    "ActionRequired": StateWords(
        words("⚠ Your action is needed"),
        words("Microsoft sent it back with a comment."),
        words("Correct it in Partner Center and submit it there again."),
        Style.WARNING,
        Color.WARNING,
    ),
    "Passed": StateWords(
        words("✔ Review passed"),
        words("Microsoft checked it and found it right."),
        words("There is nothing left to do."),
        Style.GOOD,
        Color.GOOD,
    ),
    "Failed": StateWords(
        words("✖ Review failed"),
        words("Microsoft did not accept it."),
        words("Read the reason. An exception can be asked for in Partner Center within 60 days."),
        Style.BAD,
        Color.BAD,
    ),
    "Closed": StateWords(
        words("✔ Closed"),
        words("The registration is finished and cannot be changed."),
        words("There is nothing left to do."),
        Style.CALM,
    ),
}
_NEW_STATE: Final = words("Dealdesk does not know this state.")
_LOOK_IT_UP: Final = words("Look at the deal in Partner Center.")


def state_words(status: str) -> tuple[Text, Text]:
    """The title and the meaning of a state."""
    state = registration_state(status)
    return state.title, state.meaning


def registration_state(status: str) -> StateWords:
    """All words for a state; one we do not know keeps its own name."""
    known = _STATES.get(status)
    if known is not None:
        return known
    return StateWords(spelled_out(status or "?"), _NEW_STATE, _LOOK_IT_UP, Style.CALM)


def registered_card(
    view: DealView, registration: Registration, reader: Reader
) -> dict[str, object]:
    """The registration as Partner Center holds it, its state and what that means."""
    state = registration_state(registration.status)
    title = words("Deal registration")
    told = [
        paragraph(state.title, strong=True, color=state.color),
        paragraph(state.meaning, spacing="small"),
    ]
    if registration.status_reason:
        reason = passage(registration.status_reason, limit=500, lines=8)
        told.append(paragraph(words("Microsoft says:"), size=Size.SMALL, strong=True))
        told.append(paragraph(reason, spacing="none"))
    told.append(paragraph(state.next_step, spacing="small"))
    body = [
        *header(view, title),
        container(told, style=state.style),
        facts(_facts(registration, reader)),
        as_of(reader),
    ]
    return card(
        body,
        [button(words("Show the deal"), Show(view.referral.id))],
        summary=summary_of(view, state.title),
    )


def _facts(registration: Registration, reader: Reader) -> list[Fact]:
    solution = registration.solution_name or registration.solution_id or ""
    lines = [
        (words("Registered"), _day(registration.registered, reader)),
        (words("Contract value"), _money(registration.value, registration.currency, reader)),
        (words("Term"), term_words(registration.term)),
        (words("Signed"), _day(registration.sign, reader)),
        (words("Starts"), _day(registration.start, reader)),
        (words("Ends"), _day(registration.end, reader)),
        (words("Solution"), text(solution, limit=120)),
        (
            words("Solution value"),
            _money(registration.solution_value, registration.solution_currency, reader),
        ),
    ]
    return [fact(title, value) for title, value in lines if value]


TERMS: Final[Mapping[str, Text]] = {
    Term.FINITE: words("With an end date"),
    Term.PERPETUAL: words("Perpetual, no end date"),
}
TENANTS: Final[Mapping[str, Text]] = {
    DeployedOn.CUSTOMER: words("The customer's tenant"),
    DeployedOn.PARTNER: words("Our own tenant"),
}
PRICINGS: Final[Mapping[str, Text]] = {
    Pricing.PAY_AS_YOU_GO: words("Pay as you go"),
    Pricing.OTHER: words("Other"),
}
"""The terms, places and pricings of a contract as sellers say them."""


def term_words(term: str | None) -> Text:
    """A term as sellers say it; an unknown one by its own name."""
    return TERMS.get(term or "") or text(term or "", limit=40)


def _money(value: Decimal | None, currency: str | None, reader: Reader) -> Text:
    return reader.money(value, currency) if value is not None else text("")


def _day(moment: datetime | None, reader: Reader) -> Text:
    return reader.date(moment) if moment else text("")


class Outcome(StrEnum):
    """What is known about a registration that was submitted but is not (yet) registered."""

    WORKING = "working"
    UNKNOWN = "unknown"
    FAILED = "failed"
    REJECTED = "rejected"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class _Told:
    title: Text
    happened: Text
    next_step: Text
    style: Style
    label: Text | None = None
    action: Callable[[str, str], Action] | None = None
    """Made of the deal's and the registration's id."""


_OUTCOMES: Final[Mapping[Outcome, _Told]] = {
    Outcome.WORKING: _Told(
        words("Registering…"),
        words("Partner Center is being asked."),
        words("You need not wait: this card changes by itself."),
        Style.CALM,
    ),
    Outcome.UNKNOWN: _Told(
        words("Not certain yet"),
        words(
            "Partner Center did not confirm the registration. It is not sent again until that "
            "is clear, so it cannot be registered twice."
        ),
        words("Dealdesk keeps looking and tells you here. You can also look now."),
        Style.WARNING,
        words("Look now"),
        lambda _deal, registration: LookAgain(registration),
    ),
    Outcome.FAILED: _Told(
        words("Not registered"),
        words("Partner Center did not take the registration. The deal is as it was."),
        words("Register it again; your answers are kept."),
        Style.WARNING,
        words("Register again"),
        lambda deal, _registration: Register(deal),
    ),
    Outcome.REJECTED: _Told(
        words("Not registered: not eligible"),
        words("The deal no longer meets all conditions, so nothing was sent."),
        words("See what is missing."),
        Style.WARNING,
        words("See what is missing"),
        lambda deal, _registration: Eligible(deal),
    ),
    Outcome.STOPPED: _Told(
        words("Stopped for you to decide"),
        words("The deal holds another registration or has changed, so nothing was sent."),
        words("Look at the deal before you register again."),
        Style.WARNING,
        words("Show the deal"),
        lambda deal, _registration: Show(deal),
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
    """A submitted registration that is not (yet) registered. `outcome` in any case of letters."""
    told = _OUTCOMES[Outcome(outcome.lower())]
    lines = [paragraph(told.happened)]
    lines += [paragraph(problem_words(problem, reader), spacing="small") for problem in problems]
    body = [
        *header(view, told.title),
        container(lines, style=told.style),
        paragraph(told.next_step, strong=True),
    ]
    if request_id:
        code = words("For support: request {id}", id=text(request_id, limit=80))
        body.append(paragraph(code, subtle=True, size=Size.SMALL))
    buttons: list[Piece] = []
    if told.label is not None and told.action is not None:
        action = told.action(view.referral.id, registration_id)
        buttons.append(button(told.label, action, primary=True))
    return card(body, buttons, summary=summary_of(view, told.title))
