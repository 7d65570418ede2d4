"""Whether a deal can be registered: each policy, what was seen, what is needed, who can help."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from cards.actions import EditForm, Eligible, EligiblePartner, ListDeals, Register, Show
from cards.deal import DealView, answer_of, as_of, header, spelled_out, summary_of
from cards.elements import (
    Color,
    Piece,
    Size,
    Style,
    Text,
    button,
    card,
    container,
    fact,
    facts,
    heading,
    paragraph,
    text,
    words,
)
from cards.reader import Reader
from cards.signs import progress
from partner_center.eligibility import PARTNER_FIXER, Checklist, Fixer, Item, PartnerEligibility
from partner_center.referral import Referral, Status

_MOST_ITEMS: Final = 20
_MICROSOFT: Final = "isMicrosoftReferralAcceptedOrWon"
_VALUE: Final = "isDealValueEligible"

Observed = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PolicyWords:
    """A policy in a seller's words (API reference 10.2 and 13.2)."""

    title: Text
    needed: Text
    next_step: Text
    seen: Callable[[Observed, Sequence[str], Reader], Text]


def _deal_type(observed: Observed, notes: Sequence[str], reader: Reader) -> Text:
    known = {
        "Shared": words("Co-sell, shared with Microsoft"),
        "Independent": words("Not shared with Microsoft as co-sell"),
    }
    return known.get(observed.get("type", "")) or _raw(observed, notes, reader)


def _answer(observed: Observed, notes: Sequence[str], reader: Reader) -> Text:
    if "status" not in observed:
        return words("No answer from Microsoft, or Microsoft was not invited")
    return answer_of(observed["status"], observed.get("substatus", ""))


def _solution(observed: Observed, notes: Sequence[str], reader: Reader) -> Text:
    name = observed.get("solutionName") or observed.get("solutionId")
    return text(name, limit=120) if name else words("No eligible solution")


def _value(observed: Observed, notes: Sequence[str], reader: Reader) -> Text:
    try:
        value = Decimal(observed.get("dealValue", ""))
    except InvalidOperation:
        return _raw(observed, notes, reader)
    if not value.is_finite():
        return _raw(observed, notes, reader)
    return reader.money(value, observed.get("currency"))


def _customer(observed: Observed, notes: Sequence[str], reader: Reader) -> Text:
    if observed.get("isMatchingComplete") == "false":
        return words("Microsoft has not finished matching this account")
    if "Managed" in notes:
        return words("Managed by Microsoft")
    if "Unmanaged" in notes or observed.get("isMatchingComplete") == "true":
        return words("Not managed by Microsoft")
    return _raw(observed, notes, reader)


def _raw(observed: Observed, notes: Sequence[str], reader: Reader) -> Text:
    pairs = [f"{name}: {value}" for name, value in list(observed.items())[:6]]
    return text(", ".join([*pairs, *notes[:4]]), limit=200) if pairs or notes else words("Nothing")


POLICIES: Final[Mapping[str, PolicyWords]] = {
    "isDealTypeCosellOrPartnerLed": PolicyWords(
        words("Deal type"),
        words("A co-sell deal with Microsoft"),
        words("Invite Microsoft in Partner Center before the deal is closed."),
        _deal_type,
    ),
    _MICROSOFT: PolicyWords(
        words("Microsoft's answer"),
        words("Microsoft has accepted the deal"),
        words("Declined by mistake, or expired? Create the deal again and invite Microsoft again."),
        _answer,
    ),
    "isSolutionIncentiveEligible": PolicyWords(
        words("Solution"),
        words("A solution that Microsoft lists for selling together (Azure IP co-sell)"),
        words(
            "Add such a solution in Partner Center. Your co-sell solution admin can say which "
            "ones are eligible."
        ),
        _solution,
    ),
    _VALUE: PolicyWords(
        words("Deal value"),
        words("More than USD 25,000"),
        words("If the value is really higher, correct it before the deal is closed."),
        _value,
    ),
    "isCustomerManaged": PolicyWords(
        words("Customer"),
        words("A customer that Microsoft manages"),
        words("Wait until Microsoft has matched the account, then check again."),
        _customer,
    ),
}
_FIXERS: Final[Mapping[Fixer, Text]] = {
    Fixer.SELLER: words("You"),
    Fixer.MICROSOFT: words("Microsoft"),
    Fixer.PARTNER_ADMIN: words("Your Partner Center administrator"),
    Fixer.NOBODY: words("Nobody, on this deal"),
}
_NOT_INVITED: Final = words(
    "Not invited yet? Then invite Microsoft before the deal is closed. Invited? Then Microsoft has "
    "up to 14 days to answer."
)
_NOT_ANSWERED: Final = words(
    "Microsoft has up to 14 days to answer. Ask the Microsoft seller if it cannot wait."
)
_TOO_LATE: Final = words("Nobody, now that it is closed")
_CLOSED: Final = words("The deal is closed, so this can no longer be corrected.")
_NOT_MANAGED: Final = words(
    "Microsoft does not manage this customer. Was the wrong account chosen? Then create a new deal."
)
_UNKNOWN_POLICY: Final = words("Dealdesk does not know this check. Look at it in Partner Center.")
_COMPANY: Final = words("Your company")


def checklist_card(
    view: DealView, partner: PartnerEligibility, checklist: Checklist, reader: Reader
) -> dict[str, object]:
    """Both answers of Partner Center; Register is there only when both say yes."""
    ready = partner.is_eligible and checklist.is_eligible
    title = words("✔ Ready to register") if ready else words("✖ Cannot be registered yet")
    items = checklist.items[:_MOST_ITEMS]
    failed = [item for item in items if not item.passed]
    passed = [item for item in items if item.passed]
    count = len(passed) + partner.is_eligible
    body = [*header(view, title), _progress(count, len(items) + 1)]
    body += [] if partner.is_eligible else [_company_failed()]
    body += [_failed(item, view.referral, reader) for item in failed]
    body += [_passed(_COMPANY, words("Approved for registration"))] if partner.is_eligible else []
    body += [_passed(_title(item), _seen(item, reader)) for item in passed]
    body += _doubt(partner.is_consistent and checklist.is_consistent)
    body.append(as_of(reader))
    correctable = view.referral.is_open and _VALUE in {item.policy for item in failed}
    buttons = _buttons(view.referral.id, ready=ready, correctable=correctable)
    return card(body, buttons, summary=summary_of(view, title))


def partner_card(partner: PartnerEligibility, reader: Reader) -> dict[str, object]:
    """Whether the company may register deals at all."""
    if partner.is_eligible:
        title = words("✔ Your company may register deals")
        body = [heading(title), paragraph(words("Each deal has conditions of its own."))]
    else:
        title = words("✖ Your company may not register deals yet")
        body = [heading(title), _company_failed()]
    body += _doubt(partner.is_consistent)
    again = button(words("Check again"), EligiblePartner(), primary=not partner.is_eligible)
    deals = button(words("My deals"), ListDeals(), primary=partner.is_eligible)
    buttons = [deals, again] if partner.is_eligible else [again, deals]
    return card([*body, as_of(reader)], buttons, summary=title)


def _buttons(deal: str, *, ready: bool, correctable: bool) -> list[Piece]:
    again = button(words("Check again"), Eligible(deal), primary=not ready)
    show = button(words("Show the deal"), Show(deal))
    if ready:
        return [button(words("Register"), Register(deal), primary=True), again, show]
    return [again, button(words("Edit"), EditForm(deal)), show] if correctable else [again, show]


def _progress(passed: int, total: int) -> Piece:
    line = words("{passed} of {total} checks passed", passed=passed, total=total)
    return progress(passed, total, line, Color.GOOD if passed == total else Color.ACCENT)


def _company_failed() -> Piece:
    return _block(
        _COMPANY,
        words("Not approved for registration"),
        words("Microsoft's approval of your company"),
        _FIXERS[PARTNER_FIXER],
        words("Microsoft decides this; nothing in a deal changes it. Ask your administrator."),
    )


def _failed(item: Item, referral: Referral, reader: Reader) -> Piece:
    known = POLICIES.get(item.policy)
    needed = known.needed if known else text("")
    fixer = _TOO_LATE if _is_too_late(item, referral) else _FIXERS[item.fixer]
    return _block(_title(item), _seen(item, reader), needed, fixer, _next(item, referral))


def _block(title: Text, seen: Text, needed: Text, fixer: Text, next_step: Text) -> Piece:
    headline = words("✖ {title}: not passed", title=title)
    lines = [(words("Seen"), seen), (words("Needed"), needed), (words("Who can help"), fixer)]
    return container(
        [
            paragraph(headline, strong=True, color=Color.BAD),
            facts([fact(name, value) for name, value in lines if value], spacing="small"),
            paragraph(next_step, spacing="small"),
        ],
        style=Style.BAD,
        spacing="small",
    )


def _passed(title: Text, seen: Text) -> Piece:
    headline = words("✔ {title}: passed", title=title)
    return container(
        [
            paragraph(headline, strong=True, color=Color.GOOD),
            paragraph(seen, subtle=True, size=Size.SMALL, spacing="none"),
        ],
        separator=True,
        spacing="small",
    )


def _title(item: Item) -> Text:
    known = POLICIES.get(item.policy)
    return known.title if known else spelled_out(item.policy)


def _seen(item: Item, reader: Reader) -> Text:
    if item.is_missing:
        return words("Partner Center said nothing about this")
    known = POLICIES.get(item.policy)
    return (known.seen if known else _raw)(item.observed, item.notes, reader)


def _next(item: Item, referral: Referral) -> Text:
    known = POLICIES.get(item.policy)
    if known is None:
        return _UNKNOWN_POLICY
    if item.fixer is Fixer.NOBODY:
        return _NOT_MANAGED
    if _is_too_late(item, referral):
        return _CLOSED
    if item.policy == _MICROSOFT and not item.is_missing:
        return _invited(item.observed.get("status"), referral) or known.next_step
    return known.next_step


def _invited(status: str | None, referral: Referral) -> Text | None:
    """What to do while Microsoft has not answered; None once it has."""
    if status is None and referral.is_open:
        return _NOT_INVITED
    return _NOT_ANSWERED if status == Status.NEW else None


def _is_too_late(item: Item, referral: Referral) -> bool:
    return item.fixer is Fixer.SELLER and not referral.is_open


def _doubt(is_consistent: bool) -> list[Piece]:
    if is_consistent:
        return []
    doubt = words(
        "Partner Center's answer is incomplete or contradicts itself. It counts as no; "
        "check again in a while."
    )
    return [container([paragraph(doubt)], style=Style.WARNING, spacing="medium")]
