"""Every card in every state, made of fictitious deals, for golden files and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Final

from cards.actions import Help, Show
from cards.checklist import checklist_card, partner_card
from cards.choices import choice_card
from cards.deal import DealView
from cards.elements import text, words
from cards.expiring import hand_over_card
from cards.feeds import FeedView, ended_card, feed_card, feed_form_card, feeds_card
from cards.help import CommandHelp, help_card, welcome_card
from cards.notice import notice_card
from cards.reader import Reader
from cards.referral import (
    ConflictRow,
    FieldChange,
    conflict_card,
    deal_card,
    edit_form_card,
    list_card,
    member_form_card,
    move_form_card,
    proposal_card,
)
from cards.registration import (
    DraftRow,
    FieldKind,
    FieldView,
    Line,
    Outcome,
    Section,
    StepView,
    answered_card,
    draft_closed_card,
    drafts_card,
    live_numbers,
    read_back_card,
    registered_card,
    registration_state_card,
    step_card,
)
from cards.sign_in import signed_in_card, signed_out_card, trouble_card, who_card
from cards.won import (
    Audience,
    Happening,
    accepted_card,
    approval_notice,
    digest_card,
    expiring_card,
    follow_up_card,
    registered_notice,
    won_card,
)
from partner_center.eligibility import (
    Checklist,
    PartnerEligibility,
    checklist_from_json,
    partner_from_json,
)
from partner_center.referral import Member, Problem, Referral, Solution
from partner_center.registration import Registration
from partner_center.wire import Json
from tests.pictures import approval_cards

Card = dict[str, object]

GOLDEN: Final = Path(__file__).parent / "golden"
NOW: Final = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
READER: Final = Reader("en-US", "Europe/London", NOW)
DEAL: Final = "c5fbb3b6-be74-4795-9fb5-4324c73fed37"
DRAFT: Final = "d" * 32
PROPOSAL: Final = "a" * 32

NOTES: Final = (
    "Customer wants the first phase live before the summer break.\n"
    "Security review on 9 March with their architect; send the data-flow diagram before that."
)

REFERRAL: Final = Referral(
    id=DEAL,
    engagement_id="65edc0b5-3485-41b7-a17e-dfa9ef4706e2",
    name="Fabrikam analytics rollout",
    customer="Fabrikam Inc",
    country="US",
    organization_id="7d23e5ca-19dc-4eaa-aac8-5e6b559f0d1d",
    organization_name="Contoso",
    invited_by="7d23e5ca-19dc-4eaa-aac8-5e6b559f0d1d",
    status="Active",
    substatus="Accepted",
    status_reason=None,
    type="Shared",
    qualification="SalesQualified",
    direction="Outgoing",
    deal_value=Decimal(30000),
    currency="USD",
    closing=datetime(2026, 3, 31, tzinfo=UTC),
    notes=NOTES,
    crm_id="OPP-7731",
    campaign_id=None,
    created=datetime(2026, 1, 5, 9, 0, tzinfo=UTC),
    updated=datetime(2026, 3, 1, 16, 5, tzinfo=UTC),
    expires=None,
    accepted=datetime(2026, 1, 5, 9, 0, tzinfo=UTC),
    closed=None,
    team=(
        Member("Ben", "Okafor", "ben.okafor@contoso.example", "+1 425 555 0100"),
        Member("Cleo", "Marchetti", "cleo.marchetti@contoso.example", "+1 425 555 0101"),
    ),
    solutions=(Solution("DEAL-123456-XYZ", "Contoso Experience Platform", "Name"),),
    registrations=(),
    registration_status="None",
    shared_with_microsoft=True,
    matching_complete=True,
    help_code="ProofOfConceptOrDemo",
    mpn_id="1234567",
    etag='"2500ec5a-0000-0000-0000-5bf4967d0000"',
    raw={},
)
MICROSOFT: Final = replace(
    REFERRAL, id="0f0f0f0f-0000-4000-8000-000000000001", organization_id="msft"
)
VIEW: Final = DealView(REFERRAL, 1042, MICROSOFT)
NEW: Final = DealView(
    replace(
        REFERRAL,
        id="0f0f0f0f-0000-4000-8000-000000000002",
        name="Tailspin Toys: store analytics for 240 shops in four countries",
        customer="Tailspin Toys Handelsgesellschaft mbH",
        country="DE",
        status="New",
        substatus="Pending",
        direction="Incoming",
        deal_value=Decimal("125000.50"),
        currency="EUR",
        expires=datetime(2026, 3, 5, 12, 0, tzinfo=UTC),
        accepted=None,
        notes=None,
        crm_id=None,
        team=(),
    ),
    1043,
)
BARE: Final = DealView(
    replace(
        REFERRAL,
        id="0f0f0f0f-0000-4000-8000-000000000003",
        name="",
        customer="",
        country="",
        deal_value=None,
        currency=None,
        closing=None,
        notes=None,
        crm_id=None,
        team=(),
        solutions=(),
        type="Independent",
        shared_with_microsoft=False,
    ),
    1044,
)
WON: Final = DealView(
    replace(REFERRAL, status="Closed", substatus="Won", closed=NOW - timedelta(days=2)), 1042
)
LOST: Final = DealView(
    replace(
        REFERRAL,
        status="Closed",
        substatus="Lost",
        status_reason="Customer chose another vendor",
        closed=NOW,
    ),
    1042,
)
CHANGES: Final = (
    FieldChange("value", Decimal(30000), Decimal(45000)),
    FieldChange("close", date(2026, 3, 31), date(2026, 6, 30)),
    FieldChange("notes", NOTES, "Second phase added after the security review."),
    FieldChange("crm", None, "OPP-7731"),
)
MEMBER: Final = (FieldChange("member", None, "Jane Doe (jane.doe@contoso.example)"),)
MOVE: Final = (FieldChange("status", "Active/Accepted", "Closed/Won"),)

APPROVED: Final[PartnerEligibility] = partner_from_json({"isEligible": True, "policies": []})
NOT_APPROVED: Final[PartnerEligibility] = partner_from_json({"isEligible": False})


def policy(name: str, *notes: str, passed: bool = True, **seen: str) -> Json:
    """A policy of the eligibility answer, as Partner Center sends it."""
    return {
        "policyName": name,
        "isEligible": passed,
        "referralProperties": {**seen},
        "additionalProperties": [*notes],
    }


_PASSED: Final[list[Json]] = [
    policy("isDealTypeCosellOrPartnerLed", type="Shared"),
    policy("isMicrosoftReferralAcceptedOrWon", status="Active", substatus="Accepted"),
    policy(
        "isSolutionIncentiveEligible",
        "MSFT Internal Azure IP Co-Sell",
        solutionId="DEAL-123456-XYZ",
        solutionName="Contoso Experience Platform",
    ),
    policy("isDealValueEligible", currency="USD", dealValue="30000"),
    policy("isCustomerManaged", "Managed", isMatchingComplete="true"),
]
PASSED: Final[Checklist] = checklist_from_json(
    {"isEligible": True, "passedPolicies": _PASSED, "failedPolicies": []}
)
FAILED: Final[Checklist] = checklist_from_json(
    {
        "isEligible": False,
        "passedPolicies": _PASSED[:3],
        "failedPolicies": [
            policy("isDealValueEligible", passed=False, currency="USD", dealValue="20000"),
            policy("isCustomerManaged", "Unmanaged", passed=False, isMatchingComplete="false"),
        ],
    }
)
ODD: Final[Checklist] = checklist_from_json(
    {
        "isEligible": True,
        "passedPolicies": _PASSED[1:3],
        "failedPolicies": [
            policy("isDealTypeCosellOrPartnerLed", passed=False, type="Independent"),
            policy("isCustomerManaged", passed=False, isMatchingComplete="true"),
            policy("isOutsideFiscalYearFreeze", "2026-06", passed=False, window="closed"),
        ],
    }
)
FIRST_STEP: Final = StepView(
    "contract",
    words("Contract value"),
    1,
    5,
    (
        FieldView(
            "value",
            words("Total contract value"),
            FieldKind.MONEY,
            "thirty",
            hint=words("Software and services, no hardware; for example 250,000"),
            error=words("I cannot read “{value}” as an amount.", value="thirty"),
        ),
        FieldView("currency", words("Currency"), FieldKind.TEXT, "USD"),
    ),
)
DATES_STEP: Final = StepView(
    "dates",
    words("Dates and term"),
    2,
    5,
    (
        FieldView(
            "term",
            words("Term"),
            FieldKind.CHOICE,
            "Finite",
            (("Finite", words("With an end date")), ("Perpetual", words("Perpetual"))),
            open=True,
        ),
        FieldView("sign", words("Signed on"), FieldKind.DATE, "2026-02-12"),
        FieldView("start", words("Starts on"), FieldKind.DATE, "2026-02-12"),
        FieldView("end", words("Ends on"), FieldKind.DATE, "", required=False),
    ),
    live_numbers(READER, annual=Decimal("30000"), currency="USD", sign_left=42, start_left=-3),
    (Problem("payg_end_in_future", {"end": "2027-02-11", "today": "2026-03-02"}),),
    (("deployment", words("Deployment and pricing")),),
)
CHOICES_STEP: Final = StepView(
    "deployment",
    words("Deployment and pricing"),
    4,
    5,
    (
        FieldView(
            "azure",
            words("Azure"),
            FieldKind.TOGGLE,
            "true",
            hint=words("The solution runs on Azure"),
        ),
        FieldView(
            "pricing",
            words("Pricing"),
            FieldKind.CHOICE,
            "",
            (("PayAsYouGo", words("Pay as you go")), ("Other", words("Other"))),
            hint=words("Pay as you go is always reviewed by Microsoft"),
            open=True,
        ),
    ),
)
SECTIONS: Final = (
    Section(
        "contract",
        words("Contract"),
        (Line(words("Value"), READER.money(Decimal(250000), "USD")),),
    ),
    Section(
        "dates",
        words("Dates and term"),
        (
            Line(words("Term"), words("With an end date")),
            Line(words("Signed"), READER.date(date(2026, 2, 12))),
            Line(words("Starts"), READER.date(date(2026, 2, 12))),
            Line(words("Ends"), READER.date(date(2027, 2, 11))),
        ),
    ),
    Section(
        "solution",
        words("Solution"),
        (
            Line(words("Solution"), "Contoso Experience Platform"),
            Line(words("Value"), READER.money(Decimal(200000), "USD")),
        ),
    ),
)
TOO_LOW: Final = (
    Problem(
        "annual_value_too_low",
        {
            "annual": "20000.00",
            "value": "20000",
            "years": "1.00",
            "minimum": "25000",
            "currency": "USD",
        },
    ),
    Problem("sign_too_old", {"sign": "2025-12-01", "earliest": "2026-01-01", "days": "60"}),
)
WRONG_SECTIONS: Final = (
    replace(SECTIONS[0], problems=TOO_LOW[:1]),
    replace(SECTIONS[1], problems=TOO_LOW[1:]),
    SECTIONS[2],
)
REGISTRATION: Final = Registration(
    id="3f0c6f0e-0000-4000-8000-000000000001",
    status="ReviewPending",
    status_reason=None,
    type="AzureIPCoSell",
    value=Decimal(250000),
    currency="USD",
    term="Finite",
    sign=datetime(2026, 2, 12, tzinfo=UTC),
    start=datetime(2026, 2, 12, tzinfo=UTC),
    end=datetime(2027, 2, 11, tzinfo=UTC),
    solution_id="DEAL-123456-XYZ",
    solution_name="Contoso Experience Platform",
    solution_value=Decimal(200000),
    solution_currency="USD",
    deployed_on_azure=True,
    deployment="Partner",
    pricing="Other",
    marketplace=False,
    marketplace_date=None,
    registered=datetime(2026, 3, 2, 9, 29, tzinfo=UTC),
)
COMMANDS: Final = (
    CommandHelp(
        "list", "list [mine|new|active|won|lost|text]", "Shows deals, ten at a time.", ("list",)
    ),
    CommandHelp("show", "show DEAL", "Shows one deal.", ("show #1042",)),
    CommandHelp(
        "update",
        'update DEAL value 30k close 2026-03-31 notes "..."',
        "Changes the value, close date, notes, name, CRM ID or campaign ID of a deal.",
        ("update #1042 value 30k", "update fabrikam close end of june value USD 45,000"),
    ),
    CommandHelp(
        "eligible",
        "eligible [me|DEAL]",
        "Says whether a deal can be registered.",
        ("eligible #1042",),
    ),
    CommandHelp("register", "register DEAL", "Registers a deal, step by step."),
    CommandHelp("who am i", "who am I", "Shows the account I act with for you."),
    CommandHelp("help", "help [command]", "Shows what you can say."),
)


HAPPENING: Final = Happening(
    deal=DEAL,
    handle=1042,
    at=NOW - timedelta(hours=2),
    name=REFERRAL.name,
    customer=REFERRAL.customer,
    country="US",
    value=Decimal(30000),
    currency="USD",
    owner="Ben Okafor",
    by="Ben Okafor",
    accepted=NOW - timedelta(days=54),
    is_cosell=True,
)
SENT_BACK: Final = replace(
    HAPPENING,
    by="",
    registration="ActionRequired",
    reason="The customer's name on the contract differs from the deal.",
)
EXPIRING: Final = replace(
    HAPPENING, handle=1043, name=NEW.referral.name, by="", expires=NOW + timedelta(days=3)
)
WAITING: Final = replace(
    HAPPENING, by="", value=None, owner="", approval="waiting", asked_by="Ben Okafor"
)
CHANNEL: Final = Audience()
GUESTS: Final = Audience(hidden=True)
PERSONAL: Final = Audience(personal=True, unasked=True)
FEED: Final = FeedView("c" * 32, "won", "on", owner="Ben Okafor", in_channel=True)
NARROW: Final = replace(
    FEED,
    above=Decimal(100000),
    currency="USD",
    countries=("DE", "AT"),
    solution="Contoso Experience Platform",
    mine=True,
    outsiders=True,
    flat=False,
    quiet=(18 * 60, 8 * 60),
    zone="Europe/Berlin",
)
OFF: Final = replace(
    FEED, kind="expiring", state="off", reason="Teams no longer takes messages here."
)


def names() -> list[str]:
    """The cards' names."""
    return list(CARDS)


def make(name: str) -> Card:
    """One of the cards."""
    return CARDS[name]()


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


CARDS: Final[dict[str, Callable[[], Card]]] = {
    "deal-active": lambda: deal_card(VIEW, READER),
    "deal-new": lambda: deal_card(NEW, READER),
    "deal-bare": lambda: deal_card(BARE, READER),
    "deal-won": lambda: deal_card(WON, READER),
    "deal-lost": lambda: deal_card(LOST, READER),
    "deal-saved": lambda: deal_card(VIEW, READER, saved=CHANGES[:2]),
    "list": lambda: list_card(
        "My deals", [VIEW, NEW, BARE, WON, LOST], 2, True, "mine", "", READER
    ),
    "list-empty": lambda: list_card("Won deals", [], 1, False, "won", "", READER),
    "proposal": lambda: proposal_card(VIEW, CHANGES, (), PROPOSAL, READER),
    "proposal-member": lambda: proposal_card(VIEW, MEMBER, (), PROPOSAL, READER),
    "proposal-won": lambda: proposal_card(
        VIEW,
        MOVE,
        (
            Problem("closing_is_final", {"substatus": "Won"}),
            Problem("check_registration_first"),
        ),
        PROPOSAL,
        READER,
        move="won",
    ),
    "conflict": lambda: conflict_card(
        VIEW,
        (
            ConflictRow("value", Decimal(30000), Decimal(35000), Decimal(45000)),
            ConflictRow("close", date(2026, 3, 31), date(2026, 3, 31), date(2026, 6, 30)),
        ),
        PROPOSAL,
        READER,
    ),
    "edit-form": lambda: edit_form_card(VIEW, READER),
    "edit-form-error": lambda: edit_form_card(
        VIEW,
        READER,
        given={"value": "-5"},
        problems=(Problem("value_negative", {"value": "-5"}),),
    ),
    "member-form": lambda: member_form_card(VIEW, READER, {"email": "ann.lee@contoso.example"}),
    "move-form": lambda: move_form_card(VIEW, "lost", READER),
    "checklist-ready": lambda: checklist_card(VIEW, APPROVED, PASSED, READER),
    "checklist-failed": lambda: checklist_card(VIEW, APPROVED, FAILED, READER),
    "checklist-company": lambda: checklist_card(VIEW, NOT_APPROVED, PASSED, READER),
    "checklist-odd": lambda: checklist_card(LOST, APPROVED, ODD, READER),
    "partner-yes": lambda: partner_card(APPROVED, READER),
    "partner-no": lambda: partner_card(NOT_APPROVED, READER),
    "step-first": lambda: step_card(VIEW, FIRST_STEP, DRAFT, READER),
    "step-dates": lambda: step_card(VIEW, DATES_STEP, DRAFT, READER),
    "step-asked-on": lambda: step_card(
        VIEW,
        replace(CHOICES_STEP, needed=(words("Runs in"), words("Pricing"))),
        DRAFT,
        READER,
    ),
    "step-choices": lambda: step_card(VIEW, CHOICES_STEP, DRAFT, READER),
    "read-back": lambda: read_back_card(VIEW, SECTIONS, (), DRAFT, READER),
    "read-back-problem": lambda: read_back_card(
        VIEW,
        WRONG_SECTIONS,
        (*TOO_LOW, Problem("deal_not_registrable", {"substatus": "Lost"})),
        DRAFT,
        READER,
    ),
    "registered": lambda: registered_card(VIEW, REGISTRATION, READER),
    "registered-action": lambda: registered_card(
        VIEW,
        replace(REGISTRATION, status="ActionRequired", status_reason="Attach the signed contract."),
        READER,
    ),
    "registered-new-state": lambda: registered_card(
        VIEW, replace(REGISTRATION, status="MarketplaceValidation"), READER
    ),
    **{
        f"registration-{outcome}": partial(
            registration_state_card, VIEW, outcome, "e" * 32, READER, request_id="b1c2d3e4"
        )
        for outcome in Outcome
    },
    "drafts": lambda: drafts_card(
        (
            DraftRow(DRAFT, VIEW, "Dates and term", NOW, NOW + timedelta(days=14)),
            DraftRow(DRAFT, NEW, "Solution", NOW, NOW + timedelta(days=3)),
        ),
        READER,
    ),
    "drafts-none": lambda: drafts_card((), READER),
    "draft-answered": lambda: answered_card(VIEW, words("Contract value")),
    "draft-cancelled": lambda: draft_closed_card("cancelled", VIEW),
    "draft-gone": lambda: draft_closed_card("gone"),
    "choice-deals": lambda: choice_card(
        "f" * 32,
        "Which deal do you mean?",
        (
            "#1042 Fabrikam analytics rollout, Fabrikam Inc, USD 30,000",
            "#1043 Tailspin Toys: store analytics for 240 shops, Tailspin Toys",
            "#1044 Unnamed deal",
        ),
        READER,
    ),
    "choice-amounts": lambda: choice_card(
        "f" * 32, "Which amount do you mean by “50.000”?", ("USD 50,000", "USD 50"), READER
    ),
    "notice": lambda: notice_card(
        words("Partner Center is not answering"),
        words("Partner Center did not answer in several tries."),
        words("Nothing was changed."),
        words("Try again in a few minutes."),
        ((words("Try again"), Show(DEAL)), (words("Help"), Help())),
        request_id="6d3f4a52-0c5e-4e0a-9a4f-1f6f1b0a9c11",
    ),
    "help": lambda: help_card(COMMANDS, None, True, READER),
    "help-signed-out": lambda: help_card(COMMANDS, None, False, READER),
    "help-all": lambda: help_card(COMMANDS, "all", True, READER),
    "help-unknown": lambda: help_card(COMMANDS, "discounts", True, READER),
    "help-topic": lambda: help_card(COMMANDS, "update", True, READER),
    "welcome": lambda: welcome_card(COMMANDS, READER),
    "signed-in": lambda: signed_in_card("Ben Okafor", "ben.okafor@contoso.example", "user"),
    "signed-out": signed_out_card,
    "who": lambda: who_card("Ada Lindqvist", "ada.lindqvist@contoso.example", "admin", "Contoso"),
    "won": lambda: won_card(HAPPENING, CHANNEL, READER),
    "won-registered": lambda: won_card(
        replace(HAPPENING, by="", registration="ReviewPending"), CHANNEL, READER
    ),
    "won-guests": lambda: won_card(HAPPENING, GUESTS, READER),
    "won-test": lambda: won_card(HAPPENING, Audience(is_test=True), READER),
    "notice-registered": lambda: registered_notice(SENT_BACK, CHANNEL, READER),
    "notice-accepted": lambda: accepted_card(
        replace(HAPPENING, by="", by_microsoft=True), CHANNEL, READER
    ),
    "notice-expiring": lambda: expiring_card(EXPIRING, CHANNEL, READER),
    "notice-approval": lambda: approval_notice(WAITING, CHANNEL, READER),
    "expiring-owner": lambda: expiring_card(EXPIRING, PERSONAL, READER),
    "expiring-handed": lambda: expiring_card(
        EXPIRING, PERSONAL, READER, handed_by="Cleo Marchetti"
    ),
    "follow-up": lambda: follow_up_card(SENT_BACK, READER),
    "digest": lambda: digest_card([HAPPENING, SENT_BACK] * 7, "won", CHANNEL, READER),
    "digest-guests": lambda: digest_card([HAPPENING] * 3, "won", GUESTS, READER),
    "hand-over": lambda: hand_over_card(NEW, [("a", "Ben Okafor"), ("b", "Cleo")], READER),
    "feed": lambda: feed_card(FEED, READER, title=words("Subscribed")),
    "feed-narrow": lambda: feed_card(NARROW, READER),
    "feed-off": lambda: feed_card(OFF, READER),
    "feeds": lambda: feeds_card([FEED, NARROW, OFF], READER),
    "feeds-none": lambda: feeds_card([], READER),
    "feeds-ended": lambda: ended_card(2),
    "feed-form": lambda: feed_form_card(NARROW, READER),
    "feed-form-error": lambda: feed_form_card(
        FEED,
        READER,
        given={"country": "Atlantis"},
        problem=words("I do not know the country “{said}”.", said="Atlantis"),
    ),
    "trouble-mfa": lambda: trouble_card("mfa"),
    "trouble-role": lambda: trouble_card("role", request_id="b1c2d3e4"),
    **approval_cards.gallery(READER),
}


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
        {"isEligible": False, "passedPolicies": _PASSED, "failedPolicies": policies}
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
        "choices": choice_card("f" * 32, said, [said] * 300, READER),
        "notice": notice_card(said, said, said, said, (("Help", Help()),), request_id=said),
        "help": help_card([CommandHelp(said, said, said, [said])] * 60, "all", True, READER),
        "help-unknown": help_card([CommandHelp("list", said, said, [said])], said, True, READER),
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
        "feed-form": feed_form_card(feed, READER, given=form),
        "signed-in": signed_in_card(said, said, said),
        "who": who_card(said, said, said, said),
        **approval_cards.holding(said, READER),
    }


if __name__ == "__main__":
    write_golden()
