"""Whether a deal can be registered: each policy, what was seen, what is needed, who can help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cards.actions import Eligible, EligiblePartner, ListDeals, Register, Show
from cards.deal import DealView, as_of, header, summary_of
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

if TYPE_CHECKING:
    from partner_center.eligibility import Checklist, Item, PartnerEligibility


@dataclass(frozen=True, slots=True)
class PolicyWords:
    """A policy in a seller's words (API reference 10.2 and 13.2)."""

    title: Text
    needed: Text
    fixer: Text
    next_step: Text


POLICIES: Final[Mapping[str, PolicyWords]] = {
    "isDealTypeCosellOrPartnerLed": PolicyWords(
        words("Deal type"),
        words("A co-sell deal with Microsoft"),
        words("You"),
        words("Invite Microsoft in Partner Center while the deal is open."),
    ),
    "isMicrosoftReferralAcceptedOrWon": PolicyWords(
        words("Microsoft's answer"),
        words("Microsoft has accepted the deal"),
        words("Microsoft"),
        words("Wait for Microsoft's answer, up to 14 days, or contact the Microsoft seller."),
    ),
    "isSolutionIncentiveEligible": PolicyWords(
        words("Solution"),
        words("One solution that is Azure IP co-sell eligible"),
        words("You, with your co-sell solution admin"),
        words("Add an eligible solution in Partner Center while the deal is open."),
    ),
    "isDealValueEligible": PolicyWords(
        words("Deal value"),
        words("More than USD 25,000"),
        words("You"),
        words("Correct the value if it is really higher, before the deal is closed."),
    ),
    "isCustomerManaged": PolicyWords(
        words("Customer"),
        words("A customer that Microsoft manages"),
        words("Microsoft"),
        words("Wait until Microsoft has matched the account. Wrong account? Create a new deal."),
    ),
}


def checklist_card(
    view: DealView, partner: PartnerEligibility, checklist: Checklist, reader: Reader
) -> dict[str, object]:
    """Both answers of Partner Center; Register is there only when both say yes."""
    ready = partner.is_eligible and checklist.is_eligible
    failed = sum(not item.passed for item in checklist.items) + (not partner.is_eligible)
    title = words("✔ Ready to register") if ready else words("✖ Cannot be registered yet")
    body = [*header(view, title), _count_line(failed, len(checklist.items) + 1)]
    body.append(_partner_block(partner))
    body += [_item(item) for item in checklist.items[:20]]
    body.append(as_of(reader))
    deal = view.referral.id
    buttons = [
        button(words("Register"), Register(deal), primary=True) if ready else None,
        button(words("Check again"), Eligible(deal), primary=not ready),
        button(words("Show the deal"), Show(deal)),
    ]
    return card(body, buttons, summary=summary_of(view, title))


def partner_card(partner: PartnerEligibility, reader: Reader) -> dict[str, object]:
    """Whether the company may register deals at all."""
    title = (
        words("✔ Your company may register deals")
        if partner.is_eligible
        else words("✖ Your company may not register deals yet")
    )
    body: list[Piece] = [heading(title)]
    if not partner.is_eligible:
        body.append(paragraph(words("Microsoft decides this; nothing in a deal changes it.")))
        body.append(paragraph(words("Ask your Partner Center administrator."), strong=True))
    body.append(as_of(reader))
    return card(
        body,
        [button(words("Check again"), EligiblePartner()), button(words("My deals"), ListDeals())],
        summary=title,
    )


def _count_line(failed: int, total: int) -> Piece:
    if failed == 0:
        return paragraph(words("All {total} checks passed.", total=total))
    return paragraph(
        words("{passed} of {total} checks passed.", passed=total - failed, total=total)
    )


def _partner_block(partner: PartnerEligibility) -> Piece:
    lines = [_headline(words("Your company"), partner.is_eligible)]
    if not partner.is_eligible:
        lines.append(
            facts(
                [
                    fact(words("Needed"), words("Microsoft has approved your company")),
                    fact(words("Who can help"), words("Your Partner Center administrator")),
                ]
            )
        )
    return container(lines, separator=True)


def _item(item: Item) -> Piece:
    known = POLICIES.get(item.policy)
    title = known.title if known else text(item.policy, limit=80)
    lines = [_headline(title, item.passed)]
    seen = [fact(words("Seen"), _seen(item))]
    if known and not item.passed:
        seen.append(fact(words("Needed"), known.needed))
        seen.append(fact(words("Who can help"), known.fixer))
    lines.append(facts(seen, spacing="small"))
    if known and not item.passed:
        lines.append(paragraph(known.next_step, spacing="small"))
    return container(lines, separator=True)


def _headline(title: Text, passed: bool) -> Piece:
    said = (
        words("✔ {title}: passed", title=title)
        if passed
        else words("✖ {title}: not passed", title=title)
    )
    return paragraph(said, strong=True, color=Color.GOOD if passed else Color.BAD)


def _seen(item: Item) -> Text:
    pairs = [f"{name}: {value}" for name, value in list(item.observed.items())[:6]]
    pairs += list(item.notes[:4])
    return text(", ".join(pairs), limit=200) if pairs else words("nothing")


_ = (Size, Style)
