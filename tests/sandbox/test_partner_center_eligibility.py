"""May the partner, may this referral be registered? (API reference 10.1, 10.2; U21-U24, U38)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox import deals
from sandbox.deal_shapes import microsoft_id
from tests.sandbox.partner_center import REFERRALS, Desk, add, put

PARTNER = "/v1.0/engagements/partners/dealregistrationeligibility"
TYPE = "isDealTypeCosellOrPartnerLed"
MICROSOFT = "isMicrosoftReferralAcceptedOrWon"
SOLUTION = "isSolutionIncentiveEligible"
VALUE = "isDealValueEligible"
CUSTOMER = "isCustomerManaged"

FOUNDING_ANSWER = """
{"isEligible": true,
 "passedPolicies": [
  {"policyName": "isDealTypeCosellOrPartnerLed", "isEligible": true,
   "referralProperties": {"type": "Shared"}},
  {"policyName": "isMicrosoftReferralAcceptedOrWon", "isEligible": true,
   "referralProperties": {"status": "Active", "substatus": "Accepted"}},
  {"policyName": "isSolutionIncentiveEligible", "isEligible": true,
   "referralProperties": {"solutionId": "DEAL-123456-XYZ",
                          "solutionName": "Contoso Experience Platform"},
   "additionalProperties": ["MSFT Internal Azure IP Co-Sell"]},
  {"policyName": "isDealValueEligible", "isEligible": true,
   "referralProperties": {"currency": "USD", "dealValue": "30000"}},
  {"policyName": "isCustomerManaged", "isEligible": true,
   "referralProperties": {"isMatchingComplete": "true"},
   "additionalProperties": ["Managed"]}],
 "failedPolicies": []}
"""
"""The answer of the founding page, written from the page."""


async def test_founding_sample_partner_eligibility(desk: Desk) -> None:
    headers = {"Prefer": "return=representation"}
    answer = await desk.call("GET", PARTNER, headers=headers)
    assert answer.status == 200
    assert answer.json == {"isEligible": True, "policies": [{"isEligible": True}]}


async def test_u22_switch_partner_eligible(desk: Desk) -> None:
    desk.world.switches.apply({"partner_eligible": False})
    answer = await desk.call("GET", PARTNER)
    assert answer.json == {"isEligible": False, "policies": [{"isEligible": False}]}


async def test_founding_sample_referral_eligibility(desk: Desk) -> None:
    answer = await desk.eligibility(deals.FABRIKAM)
    assert answer.status == 200
    assert answer.json == json.loads(FOUNDING_ANSWER)
    order = [policy["policyName"] for policy in answer.json["passedPolicies"]]
    assert order == [TYPE, MICROSOFT, SOLUTION, VALUE, CUSTOMER]


@pytest.mark.parametrize(
    ("referral", "failed"),
    [
        (deals.FABRIKAM, []),
        (deals.NORTHWIND, [VALUE, CUSTOMER]),
        (deals.WOODGROVE, [TYPE, MICROSOFT]),
        (deals.LITWARE, [MICROSOFT]),
        (deals.PROSEWARE, [MICROSOFT]),
        (deals.FOURTH_COFFEE, [MICROSOFT]),
        (deals.WINGTIP, [MICROSOFT]),
        (deals.BLUE_YONDER, []),
        (deals.ALPINE, [VALUE]),
        (deals.MARGIE, []),
        (deals.COHO, [CUSTOMER]),
        (deals.GRAPHIC, [CUSTOMER]),
        (deals.LUCERNE, [SOLUTION]),
        (deals.MUNSON, []),
        (deals.TREY, [VALUE]),
        (deals.VANARSDEL, []),
        (deals.RELECLOUD, []),
        (deals.SOUTHRIDGE, []),
    ],
)
async def test_each_named_deal_fails_what_it_is_there_for(
    desk: Desk, referral: str, failed: list[str]
) -> None:
    answer = (await desk.eligibility(referral, by="ada")).json
    assert [policy["policyName"] for policy in answer["failedPolicies"]] == failed
    assert len(answer["passedPolicies"]) == 5 - len(failed)
    assert answer["isEligible"] is (not failed)
    for group, eligible in (("passedPolicies", True), ("failedPolicies", False)):
        assert all(policy["isEligible"] is eligible for policy in answer[group])


async def test_u21_failed_policies_have_the_shape_of_passed_ones(desk: Desk) -> None:
    failed = (await desk.eligibility(deals.NORTHWIND)).json["failedPolicies"]
    assert failed == [
        {
            "policyName": VALUE,
            "isEligible": False,
            "referralProperties": {"currency": "USD", "dealValue": "20000"},
        },
        {
            "policyName": CUSTOMER,
            "isEligible": False,
            "referralProperties": {"isMatchingComplete": "true"},
            "additionalProperties": ["Unmanaged"],
        },
    ]


async def test_u21_without_a_microsoft_referral_the_properties_are_empty(desk: Desk) -> None:
    failed = (await desk.eligibility(deals.LITWARE, by="cleo")).json["failedPolicies"]
    assert failed == [{"policyName": MICROSOFT, "isEligible": False, "referralProperties": {}}]


@pytest.mark.parametrize(
    ("value", "eligible"), [("25000", False), ("25000.00", False), ("25000.01", True)]
)
async def test_u23_strictly_greater_than_25000(desk: Desk, value: str, eligible: bool) -> None:
    await desk.patch(deals.FABRIKAM, put("/details/dealValue", value))
    answer = (await desk.eligibility(deals.FABRIKAM)).json
    assert answer["isEligible"] is eligible


@pytest.mark.parametrize(
    ("currency", "value", "eligible"),
    [
        ("EUR", "22727.27", False),
        ("EUR", "22727.28", True),
        ("JPY", "3676470", False),
        ("JPY", "3676471", True),
        ("XTS", "99999999", False),
    ],
)
async def test_u24_other_currencies_at_a_fixed_rate(
    desk: Desk, currency: str, value: str, eligible: bool
) -> None:
    await desk.patch(
        deals.FABRIKAM, put("/details/currency", currency), put("/details/dealValue", value)
    )
    assert (await desk.eligibility(deals.FABRIKAM)).json["isEligible"] is eligible


async def test_u38_computed_live(desk: Desk) -> None:
    theirs = microsoft_id(deals.PROSEWARE)
    assert not (await desk.eligibility(deals.PROSEWARE)).json["isEligible"]
    accept: list[Any] = [put("/status", "Active"), put("/substatus", "Accepted")]
    desk.world.edit(theirs, accept)
    assert (await desk.eligibility(deals.PROSEWARE)).json["isEligible"]
    desk.world.edit(theirs, [put("/status", "Closed"), put("/substatus", "Declined")])
    assert not (await desk.eligibility(deals.PROSEWARE)).json["isEligible"]


async def test_matching_that_finishes_makes_the_customer_managed(desk: Desk) -> None:
    desk.world.edit(deals.GRAPHIC, [put("/customerProfile/isMatchingComplete", True)])
    assert (await desk.eligibility(deals.GRAPHIC)).json["isEligible"]


async def test_one_eligible_solution_among_several_is_enough(desk: Desk) -> None:
    eligible = {"id": "DEAL-123456-XYZ", "name": "Contoso Experience Platform"}
    desk.world.edit(deals.LUCERNE, [add("/details/requirements/solutions/-", eligible)])
    passed = (await desk.eligibility(deals.LUCERNE, by="cleo")).json["passedPolicies"]
    assert passed[2]["referralProperties"]["solutionId"] == "DEAL-123456-XYZ"


async def test_only_our_own_referral_has_an_eligibility(desk: Desk) -> None:
    assert (await desk.eligibility(deals.FABRIKAM_MICROSOFT)).status == 403
    wrong_verb = f"{REFERRALS}/{deals.FABRIKAM}/dealregistrations/eligibility"
    assert (await desk.call("GET", wrong_verb)).status == 405
