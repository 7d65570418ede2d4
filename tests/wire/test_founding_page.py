"""Every sample of the page "Update a lead or opportunity", written from the page itself.

The page prints `{ID}` for the referral id; here it is a GUID. If-Match, Accept and
client-request-id are added by us: the page calls the first optional and does not name the others.
"""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from partner_center.patch import (
    append,
    changes_document,
    member_document,
    move_document,
    registration_document,
)
from partner_center.referral import Change, Field, Member, Move
from partner_center.registration import DealRegistration, DeployedOn, Match, Pricing, Term, matches
from tests.wire import samples
from tests.wire.scripted import Request, answer, staged

ID = samples.REFERRAL_ID
REFERRAL = f"/v1.0/engagements/referrals/{ID}"
JANE = Member("Jane", "Doe", "jane.doe@contoso.com", "0000000001")

REQUEST_EXAMPLE = """[
{
"op": "replace",
"path": "/details/dealValue",
"value": "10000"
},
{
"op": "add",
"path": "/team/-",
"value": {
"email": "jane.doe@contoso.com",
"firstName": "Jane",
"lastName": "Doe",
"phoneNumber": "0000000001"
}
}
]"""

VALUE_AND_NOTES = """[ {"op":"replace","path":"/details/dealValue","value":"10000"},
 {"op":"replace","path":"/details/notes","value":"Lorem ipsum dolor sit amet."} ]"""

WON = """[ {"op":"replace", "path":"/status", "value":"Closed"},
 {"op":"replace", "path":"/substatus", "value":"Won"} ]"""

NEW_MEMBER = """[ { "op": "add", "path": "/team/-", "value": { "email": "jane.doe@contoso.com",
 "firstName": "Jane", "lastName": "Doe", "phoneNumber": "0000000001" } } ]"""

REGISTRATION = """[
{
"op":"add",
"path":"/registrations/-",
"value":{
"type":"AzureIPCoSell",
"contract":{
"currency":"USD",
"endDateTime":"2026-02-28T09:14:19.454Z",
"signDateTime":"2026-02-12T09:14:10.783Z",
"startDateTime":"2026-02-12T09:14:16.319Z",
"term":"Finite",
"value":250000
},
"solutionDetails":[
{
"id":"DEAL-123456-XYZ",
"isDeployedOnAzure":true,
"marketplaceTransactionDetails":{
"isMarketplaceTransacted":true,
"marketplaceTransactionDateTime":"2026-02-11T09:13:52.105Z"
},
"primaryDeploymentOn":"Partner",
"pricingModel":"Other",
"value":250000,
"currency":"USD"
}
]
}
}
]"""

PARTNER_ELIGIBLE = """{
"isEligible": true,
"policies": [
{
"isEligible": true
}
]
}"""

REFERRAL_ELIGIBLE = """{
"isEligible": true,
"passedPolicies": [
{
"policyName": "isDealTypeCosellOrPartnerLed",
"isEligible": true,
"referralProperties": {
"type": "Shared"
}
},
{
"policyName": "isMicrosoftReferralAcceptedOrWon",
"isEligible": true,
"referralProperties": {
"status": "Active",
"substatus": "Accepted"
}
},
{
"policyName": "isSolutionIncentiveEligible",
"isEligible": true,
"referralProperties": {
"solutionId": "DEAL-123456-XYZ",
"solutionName": "Contoso Experience Platform"
},
"additionalProperties": [
"MSFT Internal Azure IP Co-Sell"
]
},
{
"policyName": "isDealValueEligible",
"isEligible": true,
"referralProperties": {
"currency": "USD",
"dealValue": "30000"
}
},
{
"policyName": "isCustomerManaged",
"isEligible": true,
"referralProperties": {
"isMatchingComplete": "true"
},
"additionalProperties": [
"Managed"
]
}
],
"failedPolicies": []
}"""

NO_CONTENT = {"Content-Length": "0", "Request-ID": "9f8bed52-e4df-4d0c-9ca6-929a187b0731"}


def ordered(text: str | bytes) -> Any:  # noqa: ANN401
    """JSON with the order of its keys kept visible."""
    return json.loads(text, object_pairs_hook=lambda pairs: pairs)


def assert_patch(request: Request, body: str) -> None:
    """Method, path, the headers the page names, and the body key by key in the page's order."""
    assert (request.method, request.target) == ("PATCH", REFERRAL)
    assert request.headers["authorization"] == "Bearer ben-token"
    assert request.headers["prefer"] == "return=representation"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["if-match"] == samples.ETAG
    assert ordered(request.body) == ordered(body)
    assert request.body == compact(body)


def compact(body: str) -> bytes:
    return json.dumps(json.loads(body), separators=(",", ":")).encode()


OPERATIONS = [
    (
        "request example",
        (*changes_document([Change(Field.VALUE, Decimal(10000))]), *member_document(JANE)),
        REQUEST_EXAMPLE,
    ),
    (
        "value and notes",
        changes_document(
            [
                Change(Field.VALUE, Decimal("10000.00")),
                Change(Field.NOTES, "Lorem ipsum dolor sit amet."),
            ]
        ),
        VALUE_AND_NOTES,
    ),
    ("won", move_document(Move.WON), WON),
    ("new member", member_document(JANE), NEW_MEMBER),
    (
        "registration",
        (append("/registrations/-", json.loads(REGISTRATION)[0]["value"]),),
        REGISTRATION,
    ),
]


@pytest.mark.parametrize(
    ("_name", "operations", "body"), OPERATIONS, ids=[o[0] for o in OPERATIONS]
)
async def test_patch_samples_answered_with_204(_name: str, operations: Any, body: str) -> None:  # noqa: ANN401
    async with staged(answer(204, headers=NO_CONTENT)) as stage:
        patched = await stage.client.patch(stage.bearer, ID, operations, etag=samples.ETAG)
    assert_patch(stage.service.last, body)
    assert len(stage.service.requests) == 1
    assert (patched.status, patched.referral) == (204, None)
    assert patched.request_id == "9f8bed52-e4df-4d0c-9ca6-929a187b0731"


async def test_the_representation_that_was_asked_for_is_read() -> None:
    new_etag = '"2500ec5a-0000-0000-0000-5bf4967d0001"'
    after = samples.referral(eTag=new_etag)
    after["details"]["dealValue"] = 10000
    operations = changes_document([Change(Field.VALUE, Decimal(10000))])
    async with staged(answer(200, after, headers={"Request-ID": "r1"})) as stage:
        patched = await stage.client.patch(stage.bearer, ID, operations, etag=samples.ETAG)
    assert patched.referral is not None
    assert patched.referral.deal_value == Decimal(10000)
    assert (patched.status, patched.etag, patched.request_id) == (200, new_etag, "r1")


async def test_our_own_registration_is_the_pages_up_to_the_time_of_day() -> None:
    """A seller gives days; the page's sample carries times of day as well."""
    wanted = DealRegistration(
        currency="USD",
        value=Decimal("250000.00"),
        term=Term.FINITE,
        sign=date(2026, 2, 12),
        start=date(2026, 2, 12),
        end=date(2026, 2, 28),
        solution_id="DEAL-123456-XYZ",
        solution_value=Decimal(250000),
        solution_currency="USD",
        deployed_on_azure=True,
        deployment=DeployedOn.PARTNER,
        pricing=Pricing.OTHER,
        marketplace=True,
        marketplace_date=date(2026, 2, 11),
    )
    midnight = REGISTRATION
    for time in ("09:14:19.454", "09:14:10.783", "09:14:16.319", "09:13:52.105"):
        midnight = midnight.replace(time, "00:00:00.000")
    registered = samples.referral(registrations=[{**json.loads(REGISTRATION)[0]["value"]}])
    async with staged(answer(204, headers=NO_CONTENT), answer(200, registered)) as stage:
        operations = registration_document(wanted)
        await stage.client.patch(stage.bearer, ID, operations, etag=samples.ETAG)
        assert_patch(stage.service.last, midnight)
        read = await stage.client.get(stage.bearer, ID)
    assert [matches(wanted, each) for each in read.registrations] == [Match.SAME]


async def test_partner_eligibility_sample() -> None:
    headers = {"Request-ID": "2d1bed51-2fd9-adfc-h4a7-019kk87c0627"}
    async with staged(answer(200, body=PARTNER_ELIGIBLE.encode(), headers=headers)) as stage:
        partner = await stage.client.partner_eligibility(stage.bearer)
    request = stage.service.last
    assert request.method == "GET"
    assert request.target == "/v1.0/engagements/partners/dealregistrationeligibility"
    assert request.headers["authorization"] == "Bearer ben-token"
    assert request.headers["prefer"] == "return=representation"
    assert request.body == b""
    assert partner.is_eligible


async def test_referral_eligibility_sample() -> None:
    headers = {"Request-ID": "9f8bed52-e4df-4d0c-9ca6-929a187b0731"}
    async with staged(answer(200, body=REFERRAL_ELIGIBLE.encode(), headers=headers)) as stage:
        checklist = await stage.client.referral_eligibility(stage.bearer, ID)
    request = stage.service.last
    assert (request.method, request.target) == (
        "POST",
        f"{REFERRAL}/dealregistrations/eligibility",
    )
    assert request.headers["authorization"] == "Bearer ben-token"
    assert request.headers["prefer"] == "return=representation"
    assert request.headers["content-length"] == "0"
    assert request.body == b""
    assert checklist.is_eligible
    assert [(item.policy, dict(item.observed), item.notes) for item in checklist.items] == [
        ("isDealTypeCosellOrPartnerLed", {"type": "Shared"}, ()),
        (
            "isMicrosoftReferralAcceptedOrWon",
            {"status": "Active", "substatus": "Accepted"},
            (),
        ),
        (
            "isSolutionIncentiveEligible",
            {"solutionId": "DEAL-123456-XYZ", "solutionName": "Contoso Experience Platform"},
            ("MSFT Internal Azure IP Co-Sell",),
        ),
        ("isDealValueEligible", {"currency": "USD", "dealValue": "30000"}, ()),
        ("isCustomerManaged", {"isMatchingComplete": "true"}, ("Managed",)),
    ]
