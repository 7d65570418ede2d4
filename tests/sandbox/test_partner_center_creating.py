"""New referrals in the sandbox: private deals, and co-sell in two steps (API reference 8)."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from sandbox import deals
from tests.sandbox.partner_center import REFERRALS, Answer, Desk

CONTACT = {
    "firstName": "Sue",
    "lastName": "Smith",
    "phoneNumber": "1234567890",
    "email": "sue.smith@customer.example",
}
SELLER = {
    "firstName": "Ben",
    "lastName": "Okafor",
    "phoneNumber": "1234567891",
    "email": "ben.okafor@contoso.example",
}
PRIVATE: dict[str, Any] = {
    "name": "Private deal",
    "externalReferenceId": "CRM-9",
    "type": "Independent",
    "qualification": "SalesQualified",
    "status": "New",
    "substatus": "Pending",
    "customerProfile": {
        "name": "Fourth Customer",
        "address": {"addressLine1": "1 Main St", "city": "Redmond", "country": "US"},
        "size": "10to50employees",
        "team": [CONTACT],
    },
    "consent": {
        "consentToToShareInfoWithOthers": True,
        "ConsentToContact": True,
        "consentToShareReferralWithMicrosoftSellers": False,
    },
    "details": {
        "notes": "n",
        "dealValue": 50000,
        "currency": "USD",
        "closingDateTime": "2026-06-30T00:00:00Z",
        "requirements": {
            "solutions": [{"type": "Name", "id": "SOL-34104-EBB", "name": "Contoso Data Mesh"}],
            "additionalRequirements": {
                "iot": {},
                "attributes": [{"id": "HaveNotDecided", "type": "CustomerMarketplaceIntent"}],
            },
        },
    },
    "team": [SELLER],
    "target": [],
    "futureField": {"kept": [1, 2]},
}


async def creates(desk: Desk, body: object, by: str = "ben") -> Answer:
    """POST a referral."""
    return await desk.call("POST", REFERRALS, by=by, body=body)


async def test_a_new_deal_has_every_member_that_others_have(desk: Desk) -> None:
    other = await desk.call("GET", f"{REFERRALS}/{deals.FABRIKAM}")
    assert set(other.json) == set((await creates(desk, PRIVATE)).json) - {"futureField"}


async def test_a_private_deal_starts_accepted(desk: Desk) -> None:
    answer = await creates(desk, PRIVATE)
    assert answer.status == 201
    made = answer.json
    assert (made["status"], made["substatus"]) == ("Active", "Accepted"), "though posted as New"
    assert made["acceptedDateTime"] == made["createdDateTime"]
    assert made["direction"] == "Outgoing"
    assert made["consent"]["consentToContact"] is True, "names are bound in any case"
    assert made["futureField"] == {"kept": [1, 2]}
    assert made["eTag"] == answer.headers["ETag"]
    again = await desk.get(made["id"])
    assert again.json == made
    assert desk.world.ledger.writes[0].method == "POST"
    eligibility = (await desk.eligibility(made["id"])).json
    assert not eligibility["isEligible"]


async def test_co_sell_in_two_steps(desk: Desk) -> None:
    shared = copy.deepcopy(PRIVATE) | {
        "type": "Shared",
        "target": [{"type": "SolutionProfile", "id": "SOL-34104-EBB"}],
    }
    own = (await creates(desk, shared)).json
    invitation = shared | {
        "engagementId": own["engagementId"],
        "target": [{"type": "BusinessProfileLocation", "id": "msft"}],
    }
    theirs = await creates(desk, invitation)
    assert theirs.status == 201
    assert theirs.json["organizationId"] == "msft"
    assert (theirs.json["status"], theirs.json["substatus"]) == ("New", "Pending")
    found = await desk.list("ben", filter=f"engagementId eq '{own['engagementId']}'")
    assert found.ids == [own["id"], theirs.json["id"]]


async def test_inviting_microsoft_turns_a_private_deal_into_co_sell(desk: Desk) -> None:
    before = (await desk.get(deals.WOODGROVE)).json
    assert before["type"] == "Independent"
    invitation = PRIVATE | {
        "type": "Shared",
        "engagementId": before["engagementId"],
        "target": [{"type": "BusinessProfileLocation", "id": "msft"}],
    }
    assert (await creates(desk, invitation)).status == 201
    after = (await desk.get(deals.WOODGROVE)).json
    assert after["type"] == "Shared"
    assert after["consent"]["consentToShareReferralWithMicrosoftSellers"] is True
    assert after["eTag"] != before["eTag"]


async def test_microsoft_is_invited_only_to_what_one_sees_and_what_is_open(desk: Desk) -> None:
    for referral, status in ((deals.SOUTHRIDGE, 404), (deals.LOST, 409)):
        engagement = desk.world.referral(referral)["engagementId"]
        invitation = PRIVATE | {
            "engagementId": engagement,
            "target": [{"type": "BusinessProfileLocation", "id": "msft"}],
        }
        assert (await creates(desk, invitation)).status == status


@pytest.mark.parametrize(
    ("path", "value", "target"),
    [
        ("type", None, "type"),
        ("type", "Private", "type"),
        ("customerProfile", None, "customerProfile"),
        ("consent", None, "consent"),
        ("details", None, "details"),
        ("team", [], "team"),
        ("team", [{"email": "x@y"}], "team"),
        ("customerProfile/name", "", "customerProfile/name"),
        ("customerProfile/address/country", "USA", "customerProfile/address/country"),
        ("consent/ConsentToContact", False, "consent/consentToContact"),
        ("details/dealValue", -1, "/details/dealValue"),
        ("details/closingDateTime", "soon", "/details/closingDateTime"),
    ],
)
async def test_what_is_missing_or_wrong_is_400(
    desk: Desk, path: str, value: object, target: str
) -> None:
    body: Any = copy.deepcopy(PRIVATE)
    place = body
    *parents, last = path.split("/")
    for part in parents:
        place = place[part]
    place[last] = value
    answer = await creates(desk, body)
    assert (answer.status, answer.error["target"]) == (400, target)
    assert desk.world.ledger.writes == []


async def test_co_sell_without_a_solution_is_400(desk: Desk) -> None:
    body: Any = copy.deepcopy(PRIVATE) | {"type": "Shared"}
    body["details"]["requirements"]["solutions"] = []
    answer = await creates(desk, body)
    assert answer.error["target"] == "details/requirements/solutions"


@pytest.mark.parametrize("text", ["[]", "null", "1", json.dumps("x")])
async def test_a_referral_is_an_object(desk: Desk, text: str) -> None:
    assert (await desk.call("POST", REFERRALS, data=text)).status == 400
