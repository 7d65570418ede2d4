"""Every card in every state, as last looked at; and the cards with hostile text in them."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from cards.actions import Help
from cards.approval import Kind, Role, State, VoteLine, approval_card, approvals_card
from cards.changes import ConflictRow, FieldChange
from cards.checklist import checklist_card
from cards.choices import choice_card
from cards.deal import DealView
from cards.deals import list_card
from cards.elements import text, words
from cards.expiring import hand_over_card
from cards.feeds import FeedView, feed_card, feed_form_card, feeds_card
from cards.forms import edit_form_card, member_form_card, move_form_card
from cards.help import CommandHelp, help_card
from cards.new_deal import (
    deal_line,
    doubled_card,
    new_deal_card,
    new_deal_form_card,
    uncertain_card,
)
from cards.notice import notice_card
from cards.proposal import conflict_card, proposal_card
from cards.reader import Reader
from cards.referral import deal_card
from cards.registered import registered_card
from cards.registration import (
    DraftRow,
    FieldKind,
    FieldView,
    Line,
    Section,
    StepView,
    drafts_card,
    read_back_card,
    step_card,
)
from cards.samples import approvals, new_deals
from cards.samples.checks import APPROVED, PASSING, policy
from cards.samples.deals import DEAL, MICROSOFT, NOW, PROPOSAL, READER, REFERRAL, Card
from cards.samples.gallery import make, names
from cards.samples.notices import CHANNEL, GUESTS, PERSONAL
from cards.samples.registrations import DRAFT, REGISTRATION
from cards.sign_in import signed_in_card, who_card
from cards.won import (
    Happening,
    approval_notice,
    digest_card,
    expiring_card,
    follow_up_card,
    registered_notice,
    won_card,
)
from partner_center.eligibility import checklist_from_json
from partner_center.referral import Member, Problem, Solution

GOLDEN: Final = Path(__file__).parent / "golden"


def golden(name: str) -> Path:
    """The file that holds a card as it was last looked at and found good."""
    return GOLDEN / f"{name}.json"


def written(card: Card) -> str:
    """A card as its golden file holds it."""
    return json.dumps(card, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def write_golden() -> None:
    """`python -m tests.pictures.gallery` after a wanted change; look at the pictures first."""
    GOLDEN.mkdir(exist_ok=True)
    for old in GOLDEN.glob("*.json"):
        old.unlink()
    for name in names():
        golden(name).write_text(written(make(name)), encoding="utf-8")


def holding(said: str) -> dict[str, Card]:
    """Every card that shows outside text, with `said` wherever outside text can come from."""
    member = Member(said, said, said, said)
    referral = replace(
        REFERRAL,
        name=said,
        customer=said,
        country=said,
        organization_name=said,
        status_reason=said,
        notes=said,
        crm_id=said,
        campaign_id=said,
        team=(member,) * 300,
        solutions=(Solution(said, said, said),) * 500,
        registration_status=said,
        currency=said,
    )
    view = DealView(referral, 1042, MICROSOFT)
    odd = DealView(replace(referral, status=said, substatus=said), 1042, MICROSOFT)
    changes = tuple(FieldChange(field, said, said) for field in ("notes", "name", "crm", said))
    problems = tuple(
        Problem(code, dict.fromkeys(("field", "email", "currency", "organization"), said))
        for code in ("email_invalid", "currency_unknown", "not_yours", said)
    )
    policies = [policy(said, said, passed=False, **{said: said}) for _ in range(3)]
    checklist = checklist_from_json(
        {"isEligible": False, "passedPolicies": PASSING, "failedPolicies": policies}
    )
    field = FieldView("value", said, FieldKind.TEXT, said, hint=said, error=said)
    choice = FieldView("solution", said, FieldKind.CHOICE, "b", (("a", said), ("b", said)))
    lines = (Line(said, said),) * 12
    step = StepView(
        "contract", said, 1, 5, (field, choice), lines, problems, [("dates", said)], [text(said)]
    )
    registration = replace(REGISTRATION, status=said, status_reason=said, solution_name=said)
    entered = dict.fromkeys(("value", "notes", "first", "email"), said)
    told = Happening(
        DEAL, 1042, NOW, said, said, said, Decimal(1), said, said, said, registration=said,
        reason=said, approval=said, asked_by=said, expires=NOW,
    )  # fmt: skip
    feed = FeedView(
        "c" * 32, said, "off", said, said, Decimal(1), said, (said,) * 9, said, zone=said,
        quiet=(0, 60),
    )  # fmt: skip
    form = dict.fromkeys(("value", "country", "solution", "quiet"), said)
    return {
        "deal": deal_card(view, READER, saved=changes),
        "deal-odd": deal_card(odd, READER),
        "list": list_card(said, [view] * 10, 1, True, "mine", said, READER),
        "proposal": proposal_card(view, changes, problems, PROPOSAL, READER),
        "conflict": conflict_card(
            view, [ConflictRow("notes", said, said, said)] * 4, PROPOSAL, READER
        ),
        "edit-form": edit_form_card(view, READER, given=entered, problems=problems),
        "member-form": member_form_card(view, READER, entered, problems=problems),
        "move-form": move_form_card(view, "lost", READER, problems=problems),
        "checklist": checklist_card(view, APPROVED, checklist, READER),
        "step": step_card(view, step, DRAFT, READER),
        "read-back": read_back_card(
            view, [Section("contract", said, lines, problems)] * 5, problems, DRAFT, READER
        ),
        "registered": registered_card(view, registration, READER),
        "drafts": drafts_card([DraftRow(DRAFT, view, said, NOW, NOW)] * 10, READER),
        "choices": choice_card("f" * 32, said, [said] * 300),
        "notice": notice_card(said, said, said, said, (("Help", Help()),), request_id=said),
        "help": help_card([CommandHelp(said, said, said, [said])] * 60, "all", True),
        "help-unknown": help_card([CommandHelp("list", said, said, [said])], said, True),
        "won": won_card(told, CHANNEL, READER),
        "won-guests": won_card(told, GUESTS, READER),
        "notice-registered": registered_notice(told, CHANNEL, READER),
        "notice-approval": approval_notice(told, CHANNEL, READER),
        "expiring": expiring_card(told, PERSONAL, READER, handed_by=said),
        "follow-up": follow_up_card(told, READER),
        "digest": digest_card([told] * 30, "won", CHANNEL, READER),
        "hand-over": hand_over_card(view, [("a", said)] * 30, READER),
        "feed": feed_card(feed, READER, problem=words("{said}", said=said)),
        "feeds": feeds_card([feed] * 30, READER),
        "feed-form": feed_form_card(feed, given=form),
        "signed-in": signed_in_card(said, said, said),
        "who": who_card(said, said, said, said),
        **_new_deals_holding(said, READER),
        **_approvals_holding(said, READER),
    }


def _new_deals_holding(said: str, reader: Reader) -> dict[str, Card]:
    """The cards of a deal to be created with `said` wherever outside text can come from."""
    fields = tuple(FieldChange(each.field, None, said) for each in new_deals.FIELDS)
    entered = dict.fromkeys((*new_deals.WRONG, "notes"), said)
    problems = tuple(
        Problem(code, {"field": "name", "typed": said, "first": said, "second": said})
        for code in ("country_unknown", "ambiguous", said)
    )
    line = deal_line(fields)
    warnings = (words("{said}", said=said),)
    return {
        "new-deal-form": new_deal_form_card(entered, reader, problems=problems),
        "new-deal": new_deal_card(fields, PROPOSAL, reader, warnings=warnings),
        "new-deal-question": uncertain_card(line, PROPOSAL, accepted=False, asking=True),
        "new-deal-doubled": doubled_card(line, ((1053, DEAL), (1054, DEAL))),
    }


def _approvals_holding(said: str, reader: Reader) -> dict[str, Card]:
    """The cards of requests for approval with `said` wherever outside text can come from."""
    vote = VoteLine(said, False, approvals.ASKED, said)
    changes = tuple(FieldChange(field, said, said) for field in ("notes", "name", said))
    view = replace(
        approvals.VALUE,
        name=said,
        customer=said,
        requester=said,
        approvers=(said,) * 60,
        changes=changes,
        moved=changes,
        currency=said,
        votes=(vote,) * 60,
        reason=said,
        question=said,
    )
    solution = replace(approvals.REGISTRATION, solution_id=said)
    return {
        "approval": approval_card(view, Role.APPROVER, reader),
        "approval-register": approval_card(
            replace(view, kind=Kind.REGISTER, registration=solution, solutions={said: said}),
            Role.APPROVER,
            reader,
        ),
        **{
            f"approval-{state}": approval_card(replace(view, state=state), Role.REQUESTER, reader)
            for state in (State.REJECTED, State.STALE, State.FAILED)
        },
        "approvals": approvals_card([view] * 20, [view] * 20, reader),
    }


if __name__ == "__main__":
    write_golden()
