"""The cards of requests for approval, in every state and for everybody who may look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from cards.approval import (
    ApprovalView,
    Delay,
    Kind,
    Role,
    State,
    VoteLine,
    approval_card,
    approvals_card,
)
from cards.changes import FieldChange
from cards.elements import words
from cards.reader import Reader
from cards.samples.deals import Card
from partner_center.registration import DealRegistration, DeployedOn, Pricing, Term

ASKED: Final = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
VOTE: Final = VoteLine("Dana Whitfield", True, ASKED + timedelta(minutes=40))
INSTEAD: Final = replace(VOTE, name="Cleo Marchetti", acting_for="Dana Whitfield")
AGAINST: Final = replace(VOTE, approved=False)
PEOPLE: Final = ("29:ben", "29:dana")
REGISTRATION: Final = DealRegistration(
    currency="USD",
    value=Decimal(250000),
    term=Term.FINITE,
    sign=date(2026, 2, 10),
    start=date(2026, 2, 15),
    end=date(2027, 2, 14),
    solution_id="DEAL-123456-XYZ",
    solution_value=Decimal(200000),
    solution_currency="USD",
    deployed_on_azure=True,
    deployment=DeployedOn.CUSTOMER,
    pricing=Pricing.OTHER,
    marketplace=False,
    marketplace_date=None,
)
SOLUTIONS: Final = {"DEAL-123456-XYZ": "Contoso Experience Platform"}
VALUE: Final = ApprovalView(
    id="b" * 32,
    deal="c5fbb3b6-be74-4795-9fb5-4324c73fed37",
    subject="a" * 32,
    handle=1042,
    name="Fabrikam analytics rollout",
    customer="Fabrikam Inc",
    kind=Kind.VALUE,
    requester="Ben Okafor",
    approvers=("Ada Lindqvist", "Dana Whitfield"),
    quorum=1,
    state=State.WAITING,
    created=ASKED,
    expires=ASKED + timedelta(hours=24),
    changes=(FieldChange("value", Decimal(30000), Decimal(145000)),),
    currency="USD",
)
REGISTER: Final = replace(
    VALUE, kind=Kind.REGISTER, changes=(), registration=REGISTRATION, solutions=SOLUTIONS
)
WON: Final = replace(
    VALUE, kind=Kind.WON, changes=(FieldChange("status", "Active/Accepted", "Closed/Won"),)
)
CREATE: Final = replace(
    VALUE,
    kind=Kind.CREATE,
    deal="",
    handle=None,
    name="Data platform",
    customer="Wide World Importers",
    changes=(
        FieldChange("customer", None, "Wide World Importers"),
        FieldChange("country", None, "DE"),
        FieldChange("name", None, "Data platform"),
        FieldChange("value", None, Decimal(145000)),
        FieldChange("currency", None, "EUR"),
        FieldChange("close", None, date(2027, 3, 31)),
    ),
    currency="EUR",
)
MOVED: Final = (
    FieldChange("value", Decimal(30000), Decimal(41000)),
    FieldChange("notes", "Pilot agreed", "Their lawyer called"),
)


def gallery(reader: Reader) -> dict[str, Callable[[], Card]]:
    """Every card by name."""
    ended = {
        "approved": replace(REGISTER, state=State.APPROVED, votes=(VOTE,)),
        "sign-in": replace(VALUE, state=State.APPROVED, votes=(VOTE,), needs_sign_in=True),
        "delayed": replace(
            VALUE, state=State.APPROVED, votes=(VOTE,), delay=Delay.UNANSWERED, try_at=reader.now
        ),
        "delayed-long": replace(
            VALUE,
            state=State.APPROVED,
            votes=(VOTE,),
            delay=Delay.THROTTLED,
            try_at=reader.now + timedelta(hours=1),
        ),
        "done": replace(REGISTER, state=State.DONE, votes=(INSTEAD,)),
        "create-done": replace(CREATE, handle=1053, state=State.DONE, votes=(VOTE,)),
        "create-rejected": replace(
            CREATE, state=State.REJECTED, votes=(AGAINST,), reason="We know this customer."
        ),
        "rejected": replace(
            VALUE, state=State.REJECTED, votes=(AGAINST,), reason="The budget is 35k."
        ),
        "withdrawn": replace(WON, state=State.WITHDRAWN),
        "expired": replace(WON, state=State.EXPIRED),
        "stale": replace(VALUE, state=State.STALE, votes=(VOTE,), moved=MOVED),
        "failed": replace(
            VALUE, state=State.FAILED, votes=(VOTE,), reason="Partner Center refused the change."
        ),
    }
    counting = replace(WON, quorum=2, votes=(VOTE,), question="Ada Lindqvist: Who signed it?")
    refused = words("You may not approve this.")
    return {
        "approval-approver": partial(
            approval_card, REGISTER, Role.APPROVER, reader, refresh_for=PEOPLE
        ),
        "approval-create": partial(approval_card, CREATE, Role.APPROVER, reader),
        "approval-requester": partial(
            approval_card, VALUE, Role.REQUESTER, reader, refresh_for=PEOPLE
        ),
        "approval-other": partial(approval_card, VALUE, Role.OTHER, reader, refresh_for=PEOPLE),
        "approval-members": partial(
            approval_card,
            replace(VALUE, approvers=("Dana Whitfield",), any_member=True),
            Role.OTHER,
            reader,
            refresh_for=PEOPLE,
        ),
        "approval-question": partial(approval_card, counting, Role.APPROVER, reader),
        "approval-refused": partial(approval_card, VALUE, Role.OTHER, reader, note=refused),
        **{
            f"approval-{name}": partial(approval_card, view, Role.REQUESTER, reader)
            for name, view in ended.items()
        },
        "approvals": lambda: approvals_card((REGISTER, WON, CREATE), (VALUE,), reader),
        "approvals-many": lambda: approvals_card(
            (REGISTER, WON, CREATE) * 3, (VALUE,) * 2, reader, more=(4, 0)
        ),
        "approvals-none": lambda: approvals_card((), (), reader),
    }
