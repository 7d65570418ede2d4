"""What a requester is told about a registration on its way: one message for every turn it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.conversation import Message
from bot.registration_rules import Decision, Do, Why
from bot.store.jsontext import Json
from bot.store.registrations import Submission
from cards.actions import Action, Eligible, LookAgain, Register, Show, SignIn
from cards.checklist import checklist_card
from cards.deal import DealView
from cards.elements import Style
from cards.notice import Button, notice_card
from cards.reader import Reader
from cards.registered import registered_card, state_words
from cards.wording import Text, sentence, text, words
from partner_center.eligibility import Checklist, PartnerEligibility
from partner_center.referral import Referral
from partner_center.registration import DealRegistration, Registration


@dataclass(frozen=True, slots=True)
class Verdict:
    """Both eligibility answers; no checklist when the company itself may not register."""

    partner: PartnerEligibility
    checklist: Checklist | None


@dataclass(frozen=True, slots=True)
class End:
    """How a submission ended, with everything a person may want to see of it."""

    decision: Decision
    referral: Referral | None = None
    same: tuple[Registration, ...] = ()
    others: tuple[Registration, ...] = ()
    already: bool = False
    """It stood there before anything was sent."""
    changed: tuple[tuple[str, str, str], ...] = ()
    """What moved on the deal: name, before, now."""
    verdict: Verdict | None = None
    facts: Mapping[str, Json] = field(default_factory=dict)
    """Status, code and request id of the call that failed."""

    def to_json(self) -> dict[str, Json]:
        """The column `result`."""
        return {
            "do": self.decision.do.value,
            "why": self.decision.why.value if self.decision.why else None,
            "already": self.already,
            "registrations": [each.id for each in (*self.same, *self.others)],
            "changed": [list(each) for each in self.changed],
            **self.facts,
        }

    @classmethod
    def from_json(cls, stored: Json) -> End:
        """An ended submission's result, as far as it was kept."""
        kept = stored if isinstance(stored, Mapping) else {}
        why, changed = kept.get("why"), kept.get("changed")
        return cls(
            decision=Decision(Do(str(kept.get("do"))), Why(str(why)) if why else None),
            already=kept.get("already") is True,
            changed=_changes(changed),
            facts={name: kept.get(name) for name in ("status", "code", "request")},
        )


def _changes(stored: Json) -> tuple[tuple[str, str, str], ...]:
    rows = stored if isinstance(stored, list) else []
    return tuple(
        (str(row[0]), str(row[1]), str(row[2]))
        for row in rows
        if isinstance(row, list) and len(row) == 3
    )


@dataclass(frozen=True, slots=True)
class Notice:
    """The words for one way to end: what happened, what did not, what to do."""

    title: Text
    happened: Text
    did_not: Text
    todo: Text
    buttons: tuple[type[Action], ...] = (Register, Show)


NOT_SURELY_CHECKED = words("I cannot be sure that what I stored is what you checked.")
_NOT_REGISTERED = words("This deal was not registered.")
_NOTICES: Mapping[Why, Notice] = {
    Why.REFUSED: Notice(
        words("✖ Partner Center refused the registration"),
        words("Partner Center did not accept it as it was sent."),
        _NOT_REGISTERED,
        words("Check what is missing, correct it and register again."),
        (Eligible, Register, Show),
    ),
    Why.GAVE_UP: Notice(
        words("✖ Not registered"),
        words("Partner Center could not be reached in all the time I tried."),
        _NOT_REGISTERED,
        words("Register again; your answers are kept."),
    ),
    Why.NO_LONGER_ALLOWED: Notice(
        words("✖ I cannot read this deal any more"),
        words("Partner Center does not know this deal, or it is not one of yours."),
        _NOT_REGISTERED,
        words("Ask a Referral Admin to add you to the deal's team."),
        (Show,),
    ),
    Why.NOT_ELIGIBLE: Notice(
        words("✖ Not eligible"),
        words("Partner Center says that this deal cannot be registered now."),
        _NOT_REGISTERED,
        words("Check what is missing."),
        (Eligible, Show),
    ),
    Why.OTHER_REGISTRATION: Notice(
        words("⚠ Another registration is there"),
        words("Partner Center already holds a registration of this deal that differs from yours."),
        words("Yours was not sent."),
        words("Compare both and decide what to do in Partner Center."),
        (Show,),
    ),
    Why.CONFLICT: Notice(
        words("⚠ Partner Center reports a conflict"),
        words("Partner Center refused it because of something that is already there."),
        words("Nothing of yours was applied."),
        words("Look at the deal in Partner Center before you register again."),
        (Show, Register),
    ),
    Why.DEAL_CHANGED: Notice(
        words("⚠ The deal changed meanwhile"),
        words("Somebody changed what the registration was made from."),
        _NOT_REGISTERED,
        words("Look at the deal, then register again; your answers are kept."),
    ),
    Why.ALTERED: Notice(
        words("✖ Not registered"),
        NOT_SURELY_CHECKED,
        _NOT_REGISTERED,
        words("Look at the deal in Partner Center before you register again."),
        (Show, Register),
    ),
}


def reader_of(submission: Submission, now: datetime) -> Reader:
    """The requester, as a reader of cards."""
    return Reader(submission.locale, submission.timezone, now)


def ended(submission: Submission, end: End, handle: int, now: datetime) -> Message:
    """The last card of a submission."""
    reader = reader_of(submission, now)
    if end.decision.do is Do.ALERT:
        return doubled(submission, end, handle, now)
    if end.decision.do is Do.DONE:
        return _done(submission, end, handle, reader)
    verdict, referral = end.verdict, end.referral
    if end.decision.do is Do.REJECT and referral and verdict and verdict.checklist:
        view = DealView(referral, handle)
        card = checklist_card(view, verdict.partner, verdict.checklist, reader)
        return Message(
            card=card, summary=sentence("#{handle}: not eligible, not registered", handle=handle)
        )
    return _stopped(submission, end, handle, reader)


def _done(submission: Submission, end: End, handle: int, reader: Reader) -> Message:
    if not end.same or end.referral is None:
        return _message(
            handle,
            words("✔ Registered"),
            words("Partner Center holds this registration: {it}.", it=brief(submission, reader)),
            buttons=((words("Show the deal"), Show(submission.referral_id)),),
            style=Style.GOOD,
        )
    if not end.already:
        card = registered_card(DealView(end.referral, handle), end.same[0], reader)
        return Message(card=card, summary=sentence("#{handle} is registered", handle=handle))
    return _message(
        handle,
        words("✔ This deal was registered already"),
        words(
            "Partner Center holds exactly this registration: {it}.", it=shown(end.same[0], reader)
        ),
        words("Nothing was sent."),
        buttons=((words("Show the deal"), Show(submission.referral_id)),),
        style=Style.GOOD,
    )


def _stopped(submission: Submission, end: End, handle: int, reader: Reader) -> Message:
    notice = _NOTICES[end.decision.why or Why.GAVE_UP]
    request = end.facts.get("request")
    happened, did_not = notice.happened, notice.did_not
    if end.decision.why is Why.DEAL_CHANGED:
        happened = words(
            "Somebody changed what the registration was made from: {changes}.",
            changes=_changes_said(end.changed),
        )
    if end.decision.why is Why.OTHER_REGISTRATION:
        if end.others:
            happened = words(
                "Partner Center already holds another registration: {it}.",
                it=shown(end.others[0], reader),
            )
        did_not = words("Yours was not sent: {it}.", it=brief(submission, reader))
    return _message(
        handle,
        notice.title,
        happened,
        did_not,
        notice.todo,
        tuple(_BUTTONS[kind](submission.referral_id) for kind in notice.buttons),
        request_id=str(request) if request else None,
    )


_BUTTONS: Mapping[type[Action], Callable[[str], Button]] = {
    Register: lambda deal: (words("Register again"), Register(deal)),
    Eligible: lambda deal: (words("Check what is missing"), Eligible(deal)),
    Show: lambda deal: (words("Show the deal"), Show(deal)),
}


def doubled(submission: Submission, end: End, handle: int, now: datetime) -> Message:
    """Partner Center shows the same registration more than once: both, and whom to tell."""
    reader = reader_of(submission, now)
    both = text("; ".join(shown(each, reader).plain for each in end.same), limit=600)
    return _message(
        handle,
        words("⚠ Registered more than once"),
        words(
            "Partner Center shows this registration {n} times: {both}.", n=len(end.same), both=both
        ),
        words("I do not remove any of them."),
        words("Tell your Referral Admin, who can have the extra one withdrawn."),
        ((words("Show the deal"), Show(submission.referral_id)),),
        style=Style.BAD,
    )


def waiting(submission: Submission, handle: int, now: datetime) -> Message:
    """It takes long: what is known so far, and that it goes on by itself."""
    if submission.standing.may_be_there():
        return _message(
            handle,
            words("It is not certain yet that this deal is registered"),
            words("Partner Center took the request, but I have not seen the registration yet."),
            words("It is not sent again until that is clear."),
            words("You need not do anything: I keep looking and change this card."),
            (_look(submission),),
        )
    return _message(
        handle,
        words("Not registered yet"),
        words("Partner Center is not answering."),
        words("Nothing was registered so far."),
        words("You need not do anything: I keep trying and change this card."),
        (_look(submission),),
    )


def sign_in(submission: Submission, handle: int, now: datetime) -> Message:
    """There is no token to go on with."""
    unsure = submission.standing.may_be_there()
    happened = (
        words("I do not know whether this deal was registered; sign in so that I can look.")
        if unsure
        else words("Your sign-in has ended before this deal was registered.")
    )
    did_not = (
        words("Nobody can register this deal until that is clear.")
        if unsure
        else words("Nothing was registered so far.")
    )
    return _message(
        handle,
        words("Please sign in"),
        happened,
        did_not,
        words("Sign in, and I go on by myself."),
        ((words("Sign in"), SignIn()), _look(submission)),
    )


def needs_a_person(submission: Submission, handle: int, now: datetime) -> Message:
    """A day went by and it is still not known."""
    return _message(
        handle,
        words("⚠ I could not find out whether this deal is registered"),
        words("For a day Partner Center gave no answer that settles it."),
        words("I do not look by myself any more, and nobody can register this deal meanwhile."),
        words("Look in Partner Center, then press Look now so that I read it again."),
        (_look(submission), (words("Show the deal"), Show(submission.referral_id))),
    )


def on_its_way(submission: Submission, handle: int, *, mine: bool) -> Message:
    """Somebody asks for a deal whose registration is not settled yet."""
    return _message(
        handle,
        words("A registration of this deal is on its way"),
        words("You submitted it already; what became of it is not settled yet.")
        if mine
        else words("A colleague submitted it; what became of it is not settled yet."),
        words("No other registration of this deal is accepted until then."),
        words("Wait a little, then look again."),
        (_look(submission),) if mine else ((words("Show the deal"), Show(submission.referral_id)),),
    )


def waits_for_approval(handle: int) -> Message:
    """Somebody asks for a deal whose registration waits for approval."""
    return _message(
        handle,
        words("A registration of this deal waits for approval"),
        words("A colleague asked for it; nobody has decided yet."),
        words("No other registration of this deal is accepted until then."),
        words("Wait a little, then look again."),
    )


def shown(registration: Registration, reader: Reader) -> Text:
    """A registration that Partner Center holds, in a line."""
    value = registration.value
    money = reader.money(value, registration.currency) if value is not None else words("no value")
    when = reader.moment(registration.registered) if registration.registered else words("unknown")
    return words(
        "{money} for {solution}, {state}, registered {when}",
        money=money,
        solution=text(registration.solution_name or registration.solution_id or "?"),
        state=state_words(registration.status)[0],
        when=when,
    )


def brief(submission: Submission, reader: Reader) -> Text:
    """What a person submitted, in a line."""
    mine: DealRegistration = submission.registration
    return words(
        "{money} for {solution}, signed {day}",
        money=reader.money(mine.value, mine.currency),
        solution=text(mine.solution_id),
        day=reader.date(mine.sign),
    )


_INPUTS: Mapping[str, Text] = {
    "value": words("deal value"),
    "currency": words("currency"),
    "type": words("deal type"),
    "customer": words("customer"),
    "country": words("country"),
    "matching": words("account matching"),
    "solutions": words("solutions"),
    "status": words("status"),
}


def _changes_said(changed: tuple[tuple[str, str, str], ...]) -> Text:
    parts = [
        words(
            "{name} from {before} to {now}",
            name=_INPUTS.get(name, text(name)),
            before=text(before, limit=80),
            now=text(after, limit=80),
        ).plain
        for name, before, after in changed[:4]
    ]
    return text("; ".join(parts) or "?", limit=600)


def _look(submission: Submission) -> Button:
    return words("Look now"), LookAgain(submission.id)


def _message(
    handle: int,
    title: Text,
    happened: Text,
    did_not: Text | str = "",
    todo: Text | str = "",
    buttons: tuple[Button, ...] = (),
    *,
    request_id: str | None = None,
    style: Style = Style.WARNING,
) -> Message:
    headed = words("#{handle}: {title}", handle=handle, title=title)
    card = notice_card(headed, happened, did_not, todo, buttons, request_id=request_id, style=style)
    return Message(card=card, summary=headed.plain)
