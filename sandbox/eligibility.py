"""The five policies of deal registration, computed live from the data (API reference 10.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sandbox import wire
from sandbox.catalogue import AZURE_IP_COSELL, MICROSOFT, SOLUTIONS, in_usd
from sandbox.wire import Document

MINIMUM_USD = Decimal(25_000)
"""The deal must be worth more than this (U23)."""
ACCEPTED_OR_WON = (("Active", "Accepted"), ("Closed", "Won"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """One policy's outcome and what it looked at."""

    policy: str
    passed: bool
    properties: Mapping[str, str]
    extra: tuple[str, ...] = ()

    def body(self) -> Document:
        """The policy as the API writes it."""
        document: Document = {
            "policyName": self.policy,
            "isEligible": self.passed,
            "referralProperties": dict(self.properties),
        }
        if self.extra:
            document["additionalProperties"] = list(self.extra)
        return document


def judge(referral: Document, engagement: Sequence[Document]) -> tuple[Verdict, ...]:
    """All five policies for a referral, in the documented order."""
    return tuple(Verdict(name, *policy(referral, engagement)) for name, policy in _POLICIES.items())


def checklist(verdicts: Sequence[Verdict]) -> Document:
    """The answer of the referral eligibility call."""
    return {
        "isEligible": all(verdict.passed for verdict in verdicts),
        "passedPolicies": [verdict.body() for verdict in verdicts if verdict.passed],
        "failedPolicies": [verdict.body() for verdict in verdicts if not verdict.passed],
    }


def partner(eligible: bool) -> Document:
    """The answer of the partner eligibility call (U22)."""
    return {"isEligible": eligible, "policies": [{"isEligible": eligible}]}


def microsofts_referrals(engagement: Sequence[Document]) -> list[Document]:
    """Microsoft's own referrals in an engagement."""
    return [other for other in engagement if other["organizationId"] == MICROSOFT]


_Finding = tuple[bool, Mapping[str, str], tuple[str, ...]]


def _deal_type(referral: Document, engagement: Sequence[Document]) -> _Finding:
    kind = wire.text_at(referral, "type")
    shared = wire.at(referral, "consent/consentToShareReferralWithMicrosoftSellers") is True
    return kind == "Shared" or (kind == "Independent" and shared), {"type": kind}, ()


def _microsoft(referral: Document, engagement: Sequence[Document]) -> _Finding:
    standings = [
        (wire.text_at(other, "status"), wire.text_at(other, "substatus"))
        for other in microsofts_referrals(engagement)
    ]
    if not standings:
        return False, {}, ()
    good = [standing for standing in standings if standing in ACCEPTED_OR_WON]
    status, substatus = (good or standings)[-1]
    return bool(good), {"status": status, "substatus": substatus}, ()


def _solution(referral: Document, engagement: Sequence[Document]) -> _Finding:
    found = [
        (entry, SOLUTIONS[solution_id].tags if solution_id in SOLUTIONS else ())
        for entry in wire.objects_at(referral, "details/requirements/solutions")
        for solution_id in [wire.text_at(entry, "id")]
    ]
    eligible = [entry for entry, tags in found if AZURE_IP_COSELL in tags]
    if not found:
        return False, {}, ()
    entry = eligible[0] if eligible else found[0][0]
    seen = {"solutionId": wire.text_at(entry, "id"), "solutionName": wire.text_at(entry, "name")}
    return bool(eligible), seen, (AZURE_IP_COSELL,) if eligible else found[0][1]


def _value(referral: Document, engagement: Sequence[Document]) -> _Finding:
    value = wire.number(wire.at(referral, "details/dealValue"))
    currency = wire.text_at(referral, "details/currency")
    dollars = None if value is None else in_usd(value, currency)
    seen = {"currency": currency, "dealValue": "" if value is None else wire.plain(value)}
    return dollars is not None and dollars > MINIMUM_USD, seen, ()


def _customer(referral: Document, engagement: Sequence[Document]) -> _Finding:
    matched = wire.at(referral, "customerProfile/isMatchingComplete") is True
    account = any(
        entry.get("profileType") == "External"
        for entry in wire.objects_at(referral, "customerProfile/ids")
    )
    managed = matched and account
    seen = {"isMatchingComplete": "true" if matched else "false"}
    return managed, seen, ("Managed" if managed else "Unmanaged",)


_POLICIES: Mapping[str, Callable[[Document, Sequence[Document]], _Finding]] = {
    "isDealTypeCosellOrPartnerLed": _deal_type,
    "isMicrosoftReferralAcceptedOrWon": _microsoft,
    "isSolutionIncentiveEligible": _solution,
    "isDealValueEligible": _value,
    "isCustomerManaged": _customer,
}
