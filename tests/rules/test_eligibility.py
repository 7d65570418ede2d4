"""The checklist: five policies, unknown ones by name, and never eligible by accident."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_center.eligibility import (
    Fixer,
    Item,
    Policy,
    checklist_from_json,
    partner_from_json,
)
from partner_center.errors import UnexpectedAnswer


def passed(name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"policyName": name, "isEligible": True, "referralProperties": {}, **more}


def answer(**changed: Any) -> dict[str, Any]:  # noqa: ANN401
    """An answer in which everything passed, with some keys replaced."""
    every = [passed(policy.value) for policy in Policy]
    return {"isEligible": True, "passedPolicies": every, "failedPolicies": [], **changed}


FAILED: Any = {
    "isEligible": False,
    "passedPolicies": [passed("isDealTypeCosellOrPartnerLed")],
    "failedPolicies": [
        {
            "policyName": "isDealValueEligible",
            "isEligible": False,
            "referralProperties": {"currency": "USD", "dealValue": "20000"},
        },
        {
            "policyName": "isCustomerManaged",
            "isEligible": False,
            "referralProperties": {"isMatchingComplete": "false"},
            "additionalProperties": ["Unmanaged"],
        },
    ],
}


def test_all_five_pass() -> None:
    checklist = checklist_from_json(answer())
    assert checklist.is_eligible
    assert checklist.is_consistent
    assert [item.policy for item in checklist.items] == [
        "isDealTypeCosellOrPartnerLed",
        "isMicrosoftReferralAcceptedOrWon",
        "isSolutionIncentiveEligible",
        "isDealValueEligible",
        "isCustomerManaged",
    ]
    assert all(item.known and item.passed for item in checklist.items)


def test_the_failing_example_of_the_reference() -> None:
    checklist = checklist_from_json(FAILED)
    items = {item.policy: item for item in checklist.items}
    assert not checklist.is_eligible
    assert items["isDealTypeCosellOrPartnerLed"].passed
    assert items["isDealValueEligible"] == Item(
        "isDealValueEligible", True, False, {"currency": "USD", "dealValue": "20000"}
    )
    assert items["isCustomerManaged"].notes == ("Unmanaged",)
    assert items["isSolutionIncentiveEligible"].is_missing


def test_F11_unknown_policies_are_kept_by_their_raw_name() -> None:
    unknown = {"policyName": "isMoonFull", "isEligible": False, "referralProperties": {"n": 1}}
    checklist = checklist_from_json(answer(isEligible=False, failedPolicies=[unknown]))
    item = checklist.items[-1]
    assert (item.policy, item.known, item.passed) == ("isMoonFull", False, False)
    assert (item.observed, item.fixer) == ({"n": "1"}, Fixer.NOBODY)
    assert not checklist.is_eligible
    also_passed = answer(passedPolicies=[*answer()["passedPolicies"], passed("isMoonFull")])
    assert checklist_from_json(also_passed).is_eligible


FIVE = answer()["passedPolicies"]
NEVER: list[Any] = [
    {},
    {"passedPolicies": FIVE, "failedPolicies": []},
    answer(isEligible=None),
    answer(isEligible="true"),
    answer(isEligible=1),
    answer(isEligible=False),
    answer(passedPolicies=[]),
    answer(passedPolicies=None),
    answer(passedPolicies=FIVE[:4]),
    answer(passedPolicies="all of them"),
    answer(passedPolicies=[*FIVE[:4], {**FIVE[4], "isEligible": False}]),
    answer(passedPolicies=[*FIVE[:4], {**FIVE[4], "isEligible": "yes"}]),
    answer(failedPolicies=[{**FIVE[0], "isEligible": False}]),
    answer(failedPolicies=[FIVE[0]]),
    answer(failedPolicies=[{}]),
    answer(failedPolicies=[{"policyName": "isMoonFull"}]),
]


@pytest.mark.parametrize("document", NEVER)
def test_F11_absent_or_contradictory_is_never_eligible(document: Any) -> None:  # noqa: ANN401
    checklist = checklist_from_json(document)
    assert not checklist.is_eligible
    assert not checklist.is_consistent


@pytest.mark.parametrize("document", [None, [], "yes", True])
def test_F11_what_is_no_answer_is_refused(document: Any) -> None:  # noqa: ANN401
    with pytest.raises(UnexpectedAnswer):
        checklist_from_json(document)
    with pytest.raises(UnexpectedAnswer):
        partner_from_json(document)


@pytest.mark.parametrize(
    ("document", "eligible", "consistent"),
    [
        ({"isEligible": True, "policies": [{"isEligible": True}]}, True, True),
        ({"isEligible": True}, True, True),
        ({"isEligible": False, "policies": [{"isEligible": False}]}, False, True),
        ({"isEligible": True, "policies": [{"isEligible": False}]}, False, False),
        ({"policies": [{"isEligible": True}]}, False, False),
        ({"isEligible": "true"}, False, False),
        ({}, False, False),
    ],
)
def test_partner_eligibility(document: Any, eligible: bool, consistent: bool) -> None:  # noqa: ANN401
    partner = partner_from_json(document)
    assert (partner.is_eligible, partner.is_consistent) == (eligible, consistent)


@pytest.mark.parametrize(
    ("policy", "observed", "fixer"),
    [
        (Policy.DEAL_TYPE, {}, Fixer.SELLER),
        (Policy.MICROSOFT_ACCEPTED, {}, Fixer.MICROSOFT),
        (Policy.SOLUTION, {}, Fixer.SELLER),
        (Policy.DEAL_VALUE, {}, Fixer.SELLER),
        (Policy.CUSTOMER_MANAGED, {"isMatchingComplete": "false"}, Fixer.MICROSOFT),
        (Policy.CUSTOMER_MANAGED, {"isMatchingComplete": "true"}, Fixer.NOBODY),
    ],
)
def test_who_can_fix_it(policy: Policy, observed: dict[str, str], fixer: Fixer) -> None:
    assert Item(policy.value, True, False, observed).fixer is fixer


VERDICT = st.sampled_from([True, False, None, "true", 1])
NAMES = st.sampled_from([*(policy.value for policy in Policy), "isMoonFull", None])
ENTRY = st.fixed_dictionaries({"policyName": NAMES, "isEligible": VERDICT})


@given(VERDICT, st.lists(ENTRY, max_size=7), st.lists(ENTRY, max_size=3))
def test_F11_eligible_needs_a_yes_five_passes_and_no_fail(
    verdict: object, listed_passed: list[dict[str, Any]], listed_failed: list[dict[str, Any]]
) -> None:
    document: Any = {
        "isEligible": verdict,
        "passedPolicies": listed_passed,
        "failedPolicies": listed_failed,
    }
    checklist = checklist_from_json(document)
    certain = (
        verdict is True
        and not listed_failed
        and all(entry["isEligible"] is True for entry in listed_passed)
        and {policy.value for policy in Policy} <= {entry["policyName"] for entry in listed_passed}
    )
    assert checklist.is_eligible == certain
    assert [item.policy for item in checklist.items[:5]] == [policy.value for policy in Policy]
