"""The fictitious deals, and the cards that show and change one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from cards.changes import ConflictRow, FieldChange
from cards.deal import DealView
from cards.deals import list_card
from cards.elements import words
from cards.forms import edit_form_card, member_form_card, move_form_card
from cards.history import Act, Done, history_card
from cards.proposal import conflict_card, proposal_card
from cards.reader import Reader
from cards.referral import deal_card
from cards.since import Since
from partner_center.referral import Member, Problem, Referral, Solution

Card = dict[str, object]

NOW: Final = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
READER: Final = Reader("en-US", "Europe/London", NOW)
DEAL: Final = "c5fbb3b6-be74-4795-9fb5-4324c73fed37"
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


SINCE: Final = Since(
    NOW - timedelta(days=3),
    {
        "status": "New/Pending",
        "value": Decimal(25000),
        "close": date(2026, 2, 28),
        "crm": None,
        "notes": None,
        "team": None,
    },
    "USD",
)


DONE: Final = (
    Done(Act.CHANGED, "Ben Okafor", NOW - timedelta(minutes=5), CHANGES),
    Done(Act.APPROVED, "Dana Whitfield", NOW - timedelta(hours=3)),
    Done(Act.ASKED, "Ben Okafor", NOW - timedelta(hours=4)),
    Done(Act.CHANGED, "Ben Okafor", NOW - timedelta(days=2), MEMBER),
    Done(Act.CREATED, "Cleo Marchetti", NOW - timedelta(days=40)),
)


def gallery(reader: Reader) -> dict[str, Callable[[], Card]]:
    """Every card by name."""
    return {
        "deal-active": lambda: deal_card(VIEW, reader),
        "deal-new": lambda: deal_card(NEW, reader),
        "deal-bare": lambda: deal_card(BARE, reader),
        "deal-won": lambda: deal_card(WON, reader),
        "deal-lost": lambda: deal_card(LOST, reader),
        "deal-since": lambda: deal_card(VIEW, reader, since=SINCE),
        "deal-saved": lambda: deal_card(VIEW, reader, saved=CHANGES[:2]),
        "list": lambda: list_card(
            words("My deals"), [VIEW, NEW, BARE, WON, LOST], 2, True, "mine", "", reader
        ),
        "list-empty": lambda: list_card(words("Won deals"), [], 1, False, "won", "", reader),
        "proposal": lambda: proposal_card(VIEW, CHANGES, (), PROPOSAL, reader),
        "proposal-member": lambda: proposal_card(VIEW, MEMBER, (), PROPOSAL, reader),
        "proposal-won": lambda: proposal_card(
            VIEW,
            MOVE,
            (
                Problem("closing_is_final", {"substatus": "Won"}),
                Problem("check_registration_first"),
            ),
            PROPOSAL,
            reader,
            move="won",
        ),
        "conflict": lambda: conflict_card(
            VIEW,
            (
                ConflictRow("value", Decimal(30000), Decimal(35000), Decimal(45000)),
                ConflictRow("close", date(2026, 3, 31), date(2026, 3, 31), date(2026, 6, 30)),
            ),
            PROPOSAL,
            reader,
        ),
        "history": lambda: history_card(VIEW, DONE, reader, can_undo=True),
        "history-none": lambda: history_card(VIEW, (), reader, can_undo=False),
        "edit-form": lambda: edit_form_card(VIEW, reader),
        "edit-form-error": lambda: edit_form_card(
            VIEW,
            reader,
            given={"value": "-5"},
            problems=(Problem("value_negative", {"value": "-5"}),),
        ),
        "member-form": lambda: member_form_card(VIEW, reader, {"email": "ann.lee@contoso.example"}),
        "move-form": lambda: move_form_card(VIEW, "lost", reader),
    }
