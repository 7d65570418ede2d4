"""What eligibility says of a deal and of a company, and its cards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cards.checklist import checklist_card, partner_card
from cards.reader import Reader
from cards.samples.deals import LOST, VIEW, Card
from partner_center.eligibility import (
    Checklist,
    PartnerEligibility,
    checklist_from_json,
    partner_from_json,
)
from partner_center.wire import Json

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


PASSING: Final[list[Json]] = [
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
    {"isEligible": True, "passedPolicies": PASSING, "failedPolicies": []}
)
FAILED: Final[Checklist] = checklist_from_json(
    {
        "isEligible": False,
        "passedPolicies": PASSING[:3],
        "failedPolicies": [
            policy("isDealValueEligible", passed=False, currency="USD", dealValue="20000"),
            policy("isCustomerManaged", "Unmanaged", passed=False, isMatchingComplete="false"),
        ],
    }
)
ODD: Final[Checklist] = checklist_from_json(
    {
        "isEligible": True,
        "passedPolicies": PASSING[1:3],
        "failedPolicies": [
            policy("isDealTypeCosellOrPartnerLed", passed=False, type="Independent"),
            policy("isCustomerManaged", passed=False, isMatchingComplete="true"),
            policy("isOutsideFiscalYearFreeze", "2026-06", passed=False, window="closed"),
        ],
    }
)


def gallery(reader: Reader) -> dict[str, Callable[[], Card]]:
    """Every card by name."""
    return {
        "checklist-ready": lambda: checklist_card(VIEW, APPROVED, PASSED, reader),
        "checklist-failed": lambda: checklist_card(VIEW, APPROVED, FAILED, reader),
        "checklist-company": lambda: checklist_card(VIEW, NOT_APPROVED, PASSED, reader),
        "checklist-odd": lambda: checklist_card(LOST, APPROVED, ODD, reader),
        "partner-yes": lambda: partner_card(APPROVED, reader),
        "partner-no": lambda: partner_card(NOT_APPROVED, reader),
    }
