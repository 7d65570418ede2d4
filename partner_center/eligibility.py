"""The answers of the two eligibility calls. Anything absent or contradictory means not eligible."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from partner_center.wire import Json, as_object, as_text


class Policy(StrEnum):
    """The five policies a referral has to pass, in the order of the documentation (10.2)."""

    DEAL_TYPE = "isDealTypeCosellOrPartnerLed"
    MICROSOFT_ACCEPTED = "isMicrosoftReferralAcceptedOrWon"
    SOLUTION = "isSolutionIncentiveEligible"
    DEAL_VALUE = "isDealValueEligible"
    CUSTOMER_MANAGED = "isCustomerManaged"


class Fixer(StrEnum):
    """Who can do something about a failed policy (API reference 13.2)."""

    SELLER = "seller"
    MICROSOFT = "microsoft"
    PARTNER_ADMIN = "partner_admin"
    NOBODY = "nobody"


FIXERS: Mapping[Policy, Fixer] = MappingProxyType(
    {
        Policy.DEAL_TYPE: Fixer.SELLER,
        Policy.MICROSOFT_ACCEPTED: Fixer.MICROSOFT,
        Policy.SOLUTION: Fixer.SELLER,
        Policy.DEAL_VALUE: Fixer.SELLER,
        Policy.CUSTOMER_MANAGED: Fixer.MICROSOFT,
    }
)
PARTNER_FIXER = Fixer.PARTNER_ADMIN
"""Who can do something when the company itself is not approved."""


@dataclass(frozen=True, slots=True)
class PartnerEligibility:
    """Whether this company may register deals at all (API reference 10.1)."""

    is_eligible: bool
    is_consistent: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """One policy. `observed` is what Partner Center saw, `notes` what it added.

    `is_missing`: a known policy the answer said nothing about; it counts as failed.
    """

    policy: str
    known: bool
    passed: bool
    observed: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    is_missing: bool = False

    @property
    def fixer(self) -> Fixer:
        """Who can fix it; nobody for policies we do not know, and for an account that Microsoft
        has matched and does not manage."""
        if not self.known:
            return Fixer.NOBODY
        policy = Policy(self.policy)
        if policy is Policy.CUSTOMER_MANAGED and self.observed.get("isMatchingComplete") == "true":
            return Fixer.NOBODY
        return FIXERS[policy]


@dataclass(frozen=True, slots=True)
class Checklist:
    """A referral's policies: the known five in the documented order, then unknown ones.

    `is_eligible` only when the answer says so, every known policy passed and none failed.
    `is_consistent` is False when the answer contradicts itself or leaves a known policy out.
    """

    is_eligible: bool
    items: tuple[Item, ...]
    is_consistent: bool = True


def partner_from_json(answer: Json) -> PartnerEligibility:
    """The answer of the partner call. Raises UnexpectedAnswer unless it is an object."""
    document = as_object(answer)
    says_yes = document.get("isEligible") is True
    refused = any(entry.get("isEligible") is False for entry in _entries(document, "policies"))
    return PartnerEligibility(
        is_eligible=says_yes and not refused,
        is_consistent=isinstance(document.get("isEligible"), bool) and not (says_yes and refused),
    )


def checklist_from_json(answer: Json) -> Checklist:
    """The answer of the referral call. Raises UnexpectedAnswer unless it is an object."""
    document = as_object(answer)
    found: dict[str, Item] = {}
    for item in (*_items(document, "passedPolicies"), *_items(document, "failedPolicies")):
        known = found.get(item.policy)
        found[item.policy] = item if known is None or known.passed else known
    missing = {policy: Item(policy.value, True, False, is_missing=True) for policy in Policy}
    known_items = [found.get(policy, missing[policy]) for policy in Policy]
    unknown_items = [item for name, item in found.items() if not item.known]
    items = (*known_items, *unknown_items)
    says_yes = document.get("isEligible") is True
    all_passed = all(item.passed for item in items)
    return Checklist(
        is_eligible=says_yes and all_passed,
        items=items,
        is_consistent=says_yes == all_passed
        and isinstance(document.get("isEligible"), bool)
        and not any(item.is_missing for item in items)
        and not _clashes(document),
    )


def _items(document: Mapping[str, Json], key: str) -> Iterable[Item]:
    listed_as_passed = key == "passedPolicies"
    for entry in _entries(document, key):
        policy = as_text(entry.get("policyName")) or "?"
        yield Item(
            policy=policy,
            known=policy in set(Policy),
            passed=listed_as_passed and entry.get("isEligible", True) is True,
            observed=_observed(entry.get("referralProperties")),
            notes=_notes(entry.get("additionalProperties")),
        )


def _clashes(document: Mapping[str, Json]) -> bool:
    """A policy in both lists, or in a list its own verdict denies."""
    passed = {item.policy: item.passed for item in _items(document, "passedPolicies")}
    failed = _entries(document, "failedPolicies")
    return (
        not all(passed.values())
        or any(entry.get("isEligible") is True for entry in failed)
        or any(as_text(entry.get("policyName")) in passed for entry in failed)
    )


def _entries(document: Mapping[str, Json], key: str) -> tuple[Mapping[str, Json], ...]:
    listed = document.get(key)
    entries = listed if isinstance(listed, list) else []
    return tuple(entry for entry in entries if isinstance(entry, dict))


def _observed(properties: Json) -> dict[str, str]:
    if not isinstance(properties, dict):
        return {}
    return {name: _shown(value) for name, value in properties.items() if value is not None}


def _notes(properties: Json) -> tuple[str, ...]:
    listed = properties if isinstance(properties, list) else []
    return tuple(_shown(value) for value in listed if value is not None)


def _shown(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
