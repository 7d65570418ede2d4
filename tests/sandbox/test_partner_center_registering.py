"""Registering deals with the sandbox (API reference 10.3, 10.4; U25-U31)."""

from __future__ import annotations

import copy
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox import deals
from tests.sandbox.partner_center import NOW, REFERRALS, Desk, add, put

FOUNDING_BODY = """
[{"op":"add","path":"/registrations/-","value":{
  "type":"AzureIPCoSell",
  "contract":{"currency":"USD","endDateTime":"2026-02-28T09:14:19.454Z",
    "signDateTime":"2026-02-12T09:14:10.783Z","startDateTime":"2026-02-12T09:14:16.319Z",
    "term":"Finite","value":250000},
  "solutionDetails":[{"id":"DEAL-123456-XYZ","isDeployedOnAzure":true,
    "marketplaceTransactionDetails":{"isMarketplaceTransacted":true,
      "marketplaceTransactionDateTime":"2026-02-11T09:13:52.105Z"},
    "primaryDeploymentOn":"Partner","pricingModel":"Other","value":250000,"currency":"USD"}]}}]
"""
"""The request of the founding page, written from the page."""

REGISTRATION: dict[str, Any] = {
    "type": "AzureIPCoSell",
    "contract": {
        "currency": "USD",
        "value": 120000,
        "term": "Finite",
        "signDateTime": "2026-02-10T00:00:00.000Z",
        "startDateTime": "2026-02-15T00:00:00.000Z",
        "endDateTime": "2027-02-14T00:00:00.000Z",
    },
    "solutionDetails": [
        {
            "id": "DEAL-123456-XYZ",
            "value": 100000,
            "currency": "USD",
            "isDeployedOnAzure": True,
            "primaryDeploymentOn": "Customer",
            "pricingModel": "Other",
            "marketplaceTransactionDetails": {"isMarketplaceTransacted": False},
        }
    ],
}
ABSENT = object()


def registration(changes: dict[str, object] | None = None) -> dict[str, Any]:
    """The usual registration with some members, given by path, changed or taken away."""
    made = copy.deepcopy(REGISTRATION)
    for path, value in (changes or {}).items():
        place: Any = made
        *parents, last = path.split("/")
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place[part]
        if value is ABSENT:
            del place[last]
        else:
            place[last] = value
    return made


async def registers(
    desk: Desk, changes: dict[str, object] | None = None, referral: str = deals.FABRIKAM
) -> tuple[int, list[str]]:
    """Try to register; the status and the codes of the inner errors."""
    operation = add("/registrations/-", registration(changes))
    answer = await desk.patch(referral, operation, by="ada")
    if answer.status == 204:
        return 204, []
    assert answer.error["target"] == "/registrations/-"
    return answer.status, answer.inner_codes


def day(ago: float) -> str:
    """A day counted back from the clock's start, at midnight."""
    return f"{NOW - timedelta(days=ago):%Y-%m-%dT00:00:00Z}"


async def test_founding_sample_registration_is_204_and_then_on_the_referral(desk: Desk) -> None:
    path = f"{REFERRALS}/{deals.FABRIKAM}"
    desk.world.switches.apply({"force_204": True})
    headers = {"Prefer": "return=representation"}
    answer = await desk.call("PATCH", path, data=FOUNDING_BODY, headers=headers)
    assert (answer.status, answer.headers["Content-Length"]) == (204, "0")
    [held] = (await desk.get(deals.FABRIKAM)).json["registrations"]
    sent = json.loads(FOUNDING_BODY)[0]["value"]
    assert held["contract"] == sent["contract"]
    assert held["type"] == "AzureIPCoSell"
    assert held["solutionDetails"] == [
        sent["solutionDetails"][0] | {"name": "Contoso Experience Platform"}
    ]


async def test_the_read_shape_of_a_registration(desk: Desk) -> None:
    assert await registers(desk) == (204, [])
    shown = (await desk.get(deals.FABRIKAM)).json
    assert shown["registrationStatus"] == "Approved"
    [held] = shown["registrations"]
    assert held["status"] == "Approved"
    assert held["statusReason"] is None
    assert held["registrationDateTime"].startswith("2026-02-20T10:00:00")
    assert held["statusHistory"] == {
        "reviewPendingDateTime": None,
        "actionRequiredDateTime": None,
        "passedDateTime": None,
        "failedDateTime": None,
        "approvedDateTime": held["registrationDateTime"],
    }
    assert held["contract"]["signDateTime"] == "2026-02-10T00:00:00Z", "zeros are trimmed"
    market = held["solutionDetails"][0]["marketplaceTransactionDetails"]
    assert market == {"isMarketplaceTransacted": False, "marketplaceTransactionDateTime": None}


async def test_a_registration_cannot_bring_its_own_state(desk: Desk) -> None:
    await registers(desk, {"status": "Passed", "id": "mine", "contract/value": 3_000_000})
    [held] = (await desk.get(deals.FABRIKAM)).json["registrations"]
    assert held["status"] == "ReviewPending"
    assert held["id"] != "mine"


async def test_money_is_read_back_exactly(desk: Desk) -> None:
    text = FOUNDING_BODY.replace("250000", "250000.10")
    await desk.call("PATCH", f"{REFERRALS}/{deals.FABRIKAM}", data=text)
    answer = await desk.get(deals.FABRIKAM)
    assert '"value":250000.10' in answer.text
    assert answer.json["registrations"][0]["contract"]["value"] == Decimal("250000.10")


async def test_g8_echo_verbatim_and_normalised(desk: Desk) -> None:
    desk.world.switches.apply({"registration_echo": "verbatim"})
    await registers(desk)
    desk.world.switches.apply({"registration_echo": "normalised"})
    await registers(desk, referral=deals.VANARSDEL)
    verbatim = (await desk.get(deals.FABRIKAM)).json["registrations"][0]
    assert verbatim["contract"]["signDateTime"] == "2026-02-10T00:00:00.000Z"
    normalised = await desk.get(deals.VANARSDEL)
    assert '"value":120000.0' in normalised.text
    contract = normalised.json["registrations"][0]["contract"]
    assert contract["signDateTime"] == "2026-02-10T00:00:00Z"
    assert list(contract) == list(reversed(REGISTRATION["contract"]))


@pytest.mark.parametrize("referral", [deals.FABRIKAM, deals.VANARSDEL])
async def test_u25_active_and_won_deals_register(desk: Desk, referral: str) -> None:
    assert await registers(desk, referral=referral) == (204, [])


async def test_u25_switch_require_won(desk: Desk) -> None:
    desk.world.switches.apply({"require_won": True})
    assert await registers(desk) == (400, ["referralStatusNotEligible"])
    assert await registers(desk, referral=deals.VANARSDEL) == (204, [])


async def test_u25_a_deal_not_accepted_yet_cannot_be_registered(desk: Desk) -> None:
    status, codes = await registers(desk, referral=deals.TAILSPIN)
    assert (status, codes) == (400, ["referralStatusNotEligible"])


async def test_u6_a_lost_deal_refuses_a_registration_with_409(desk: Desk) -> None:
    operation = add("/registrations/-", registration())
    assert (await desk.patch(deals.LOST, operation)).status == 409


async def test_u26_a_second_registration_is_409(desk: Desk) -> None:
    assert (await registers(desk))[0] == 204
    assert (await registers(desk))[0] == 409
    assert (await registers(desk, referral=deals.REGISTERED_FAILED))[0] == 409
    twice = [add("/registrations/-", registration())] * 2
    assert (await desk.patch(deals.VANARSDEL, *twice)).status == 409
    assert len(desk.world.ledger.writes) == 1


async def test_u27_a_failed_policy_is_400_with_an_inner_error_each(desk: Desk) -> None:
    status, codes = await registers(desk, referral=deals.NORTHWIND)
    assert (status, codes) == (400, ["isDealValueEligible", "isCustomerManaged"])


async def test_u27_an_ineligible_partner_registers_nothing(desk: Desk) -> None:
    desk.world.switches.apply({"partner_eligible": False})
    assert await registers(desk) == (400, ["partnerNotEligible"])


async def test_a_frozen_fiscal_year_end_refuses(desk: Desk) -> None:
    desk.world.switches.apply({"registrations_frozen": True})
    assert (await registers(desk))[0] == 400


async def test_a_value_raised_in_the_same_patch_counts(desk: Desk) -> None:
    answer = await desk.patch(
        deals.ALPINE, put("/details/dealValue", "30000"), add("/registrations/-", registration())
    )
    assert answer.status == 204


FORM = [
    {"type": "Other"},
    {"type": ABSENT},
    {"contract": ABSENT},
    {"contract/currency": "usd"},
    {"contract/value": "120000"},
    {"contract/value": 0},
    {"contract/value": -5},
    {"contract/value": True},
    {"contract/term": "finite"},
    {"contract/signDateTime": "2026-02-10"},
    {"contract/signDateTime": ABSENT},
    {"contract/startDateTime": None},
    {"contract/endDateTime": ABSENT},
    {"contract/endDateTime": None},
    {"contract/endDateTime": "soon"},
    {"solutionDetails": []},
    {"solutionDetails": {}},
    {"solutionDetails/0/id": "SOL-34104-EBB"},
    {"solutionDetails/0/id": ["x"]},
    {"solutionDetails/0/value": "1"},
    {"solutionDetails/0/currency": ABSENT},
    {"solutionDetails/0/isDeployedOnAzure": "true"},
    {"solutionDetails/0/primaryDeploymentOn": "customer"},
    {"solutionDetails/0/pricingModel": "Free"},
    {"solutionDetails/0/marketplaceTransactionDetails": ABSENT},
    {"solutionDetails/0/marketplaceTransactionDetails/isMarketplaceTransacted": True},
    {
        "solutionDetails/0/marketplaceTransactionDetails/marketplaceTransactionDateTime": day(1),
    },
]


@pytest.mark.parametrize("changes", FORM)
@pytest.mark.parametrize("rules", [True, False])
async def test_a_malformed_registration_is_400_whatever_the_switch(
    desk: Desk, changes: dict[str, object], rules: bool
) -> None:
    desk.world.switches.apply({"enforce_form_rules": rules})
    status, codes = await registers(desk, changes)
    assert status == 400
    assert set(codes) == {"invalidRegistration"}
    assert desk.world.ledger.writes == []


PORTAL = [
    ("1", {"contract/signDateTime": day(-1)}, False),
    ("1", {"contract/signDateTime": day(0)}, True),
    ("1", {"contract/signDateTime": day(38)}, True),
    ("1", {"contract/signDateTime": day(39)}, False),
    ("2", {"contract/startDateTime": day(90)}, True),
    ("2", {"contract/startDateTime": day(91)}, False),
    ("3", {"contract/endDateTime": "2026-02-15T00:00:00Z"}, True),
    ("3", {"contract/endDateTime": "2026-02-14T00:00:00Z"}, False),
    ("3", {"contract/term": "Perpetual", "contract/endDateTime": ABSENT}, False),
    ("4", {"contract/value": 25000, "solutionDetails/0/value": 25000}, False),
    ("4", {"contract/value": 25000.01, "solutionDetails/0/value": 25000}, True),
    ("4", {"contract/term": "Perpetual", "contract/value": 150000}, False),
    ("4", {"contract/term": "Perpetual", "contract/value": 150000.06}, True),
    ("5", {"solutionDetails/0/value": 120000}, True),
    ("5", {"solutionDetails/0/value": 120000.01}, False),
    ("6", {"solutionDetails/0/isDeployedOnAzure": False}, False),
]


@pytest.mark.parametrize(("rule", "changes", "passes"), PORTAL)
async def test_u28_portal_rules_1_to_6_at_their_edges(
    desk: Desk, rule: str, changes: dict[str, object], passes: bool
) -> None:
    operation = add("/registrations/-", registration(changes))
    answer = await desk.patch(deals.FABRIKAM, operation)
    assert answer.status == (204 if passes else 400)
    if not passes and changes != {"contract/term": "Perpetual", "contract/endDateTime": ABSENT}:
        assert answer.error["innerError"]["message"].startswith(f"{rule}: ")


@pytest.mark.parametrize(("rule", "changes", "passes"), PORTAL)
async def test_u28_switch_enforce_form_rules_off_lets_them_pass(
    desk: Desk, rule: str, changes: dict[str, object], passes: bool
) -> None:
    desk.world.switches.apply({"enforce_form_rules": False})
    assert (await registers(desk, changes))[0] == 204


async def test_u28_sixty_days_after_the_signature(desk: Desk) -> None:
    desk.world.edit(deals.VANARSDEL, [put("/createdDateTime", day(100))])
    engagement = (await desk.get(deals.VANARSDEL)).json["engagementId"]
    found = await desk.list("ben", filter=f"engagementId eq {engagement}")
    desk.world.edit(found.ids[1], [put("/createdDateTime", day(100))])
    late: dict[str, object] = {"contract/signDateTime": day(61), "contract/startDateTime": day(60)}
    assert (await registers(desk, late, deals.VANARSDEL))[0] == 400
    late["solutionDetails/0/pricingModel"] = "PayAsYouGo"
    assert (await registers(desk, late, deals.VANARSDEL))[0] == 204, "rule 7 gives it a year"


@pytest.mark.parametrize(("ago", "status"), [(60, 204), (61, 400)])
async def test_u28_the_sixtieth_day_is_the_last(desk: Desk, ago: int, status: int) -> None:
    for referral in (deals.FABRIKAM, deals.FABRIKAM_MICROSOFT):
        desk.world.edit(referral, [put("/createdDateTime", day(100))])
    dates: dict[str, object] = {"contract/signDateTime": day(ago)}
    assert (await registers(desk, dates))[0] == status


async def test_u28_payments_as_you_go_more_than_a_year_after_sharing_are_refused(
    desk: Desk,
) -> None:
    desk.world.clock.advance(timedelta(days=400).total_seconds())
    late: dict[str, object] = {
        "solutionDetails/0/pricingModel": "PayAsYouGo",
        "contract/signDateTime": day(-399),
        "contract/startDateTime": day(-399),
        "contract/endDateTime": day(-500),
    }
    operation = add("/registrations/-", registration(late))
    answer = await desk.patch(deals.FABRIKAM, operation)
    assert answer.error["innerError"]["message"].startswith("7: ")


@pytest.mark.parametrize(
    ("value", "end", "passes"),
    [
        (50000, "2028-02-15T00:00:00Z", False),
        (50001, "2028-02-15T00:00:00Z", True),
        (25001, "2026-05-15T00:00:00Z", True),
        (25000, "2026-05-15T00:00:00Z", False),
    ],
)
async def test_u29_annual_value_of_finite_contracts(
    desk: Desk, value: int, end: str, passes: bool
) -> None:
    changes: dict[str, object] = {
        "contract/value": value,
        "contract/endDateTime": end,
        "solutionDetails/0/value": 25000,
    }
    assert ((await registers(desk, changes))[0] == 204) is passes


@pytest.mark.parametrize(
    ("referral", "changes", "state"),
    [
        (deals.FABRIKAM, {}, "Approved"),
        (deals.FABRIKAM, {"contract/value": 1_000_000}, "Approved"),
        (deals.FABRIKAM, {"contract/value": 1_000_000.01}, "ReviewPending"),
        (deals.FABRIKAM, {"solutionDetails/0/pricingModel": "PayAsYouGo"}, "ReviewPending"),
        (deals.BELLOWS, {}, "ReviewPending"),
    ],
)
async def test_u30_first_state(
    desk: Desk, referral: str, changes: dict[str, object], state: str
) -> None:
    await registers(desk, changes, referral)
    shown = (await desk.get(referral, by="cleo")).json
    assert shown["registrationStatus"] == shown["registrations"][0]["status"] == state


async def test_u30_switch_registration_visible_after(desk: Desk) -> None:
    desk.world.switches.apply({"registration_visible_after": 5})
    before = (await desk.get(deals.FABRIKAM)).headers["ETag"]
    await registers(desk)
    hidden = await desk.get(deals.FABRIKAM)
    assert (hidden.json["registrations"], hidden.json["registrationStatus"]) == ([], "None")
    assert hidden.headers["ETag"] != before
    desk.world.clock.advance(5)
    assert len((await desk.get(deals.FABRIKAM)).json["registrations"]) == 1
    assert len((await desk.get(deals.REGISTERED_APPROVED)).json["registrations"]) == 1


EDITS = [
    ("contract/startDateTime", day(4)),
    ("contract/endDateTime", "2027-05-01T00:00:00Z"),
    ("contract/signDateTime", day(3)),
    ("contract/term", "Finite"),
    ("contract/value", 50000),
    ("solutionDetails/0/value", 30000),
    ("solutionDetails/0/currency", "USD"),
    ("solutionDetails/0/isDeployedOnAzure", True),
    ("solutionDetails/0/primaryDeploymentOn", "Partner"),
    ("solutionDetails/0/pricingModel", "Other"),
    ("solutionDetails/0/marketplaceTransactionDetails/isMarketplaceTransacted", False),
    ("solutionDetails/0/marketplaceTransactionDetails/marketplaceTransactionDateTime", None),
]


@pytest.mark.parametrize(("path", "value"), EDITS)
async def test_u31_an_edit_while_action_is_required_sends_it_to_review(
    desk: Desk, path: str, value: object
) -> None:
    before = (await desk.get(deals.REGISTERED_ACTION)).json["registrations"][0]
    assert before["statusReason"]
    answer = await desk.patch(deals.REGISTERED_ACTION, put(f"/registrations/0/{path}", value))
    assert answer.status == 204
    shown = (await desk.get(deals.REGISTERED_ACTION)).json
    assert shown["registrationStatus"] == shown["registrations"][0]["status"] == "ReviewPending"
    assert shown["registrations"][0]["statusHistory"]["reviewPendingDateTime"]


async def test_u31_an_edit_is_checked_like_a_registration(desk: Desk) -> None:
    edit = put("/registrations/0/contract/value", 10)
    answer = await desk.patch(deals.REGISTERED_ACTION, edit)
    assert answer.status == 400
    shown = (await desk.get(deals.REGISTERED_ACTION)).json
    assert shown["registrationStatus"] == "ActionRequired"


@pytest.mark.parametrize(
    "referral",
    [
        deals.REGISTERED_APPROVED,
        deals.REGISTERED_REVIEW,
        deals.REGISTERED_PASSED,
        deals.REGISTERED_FAILED,
        deals.REGISTERED_CLOSED,
    ],
)
async def test_10_4_other_states_allow_no_edit(desk: Desk, referral: str) -> None:
    edit = put("/registrations/0/contract/value", 50000)
    answer = await desk.patch(referral, edit, by="ada")
    assert (answer.status, answer.error["target"]) == (409, "/registrations/0/contract/value")


@pytest.mark.parametrize(
    "path",
    [
        "/registrations/0/contract/currency",
        "/registrations/0/solutionDetails/0/id",
        "/registrations/0/type",
        "/registrations/1/contract/value",
        "/registrations/00/contract/value",
        "/registrations",
        "/registrations/0",
    ],
)
async def test_u3_registration_members_off_the_connectors_list_are_400(
    desk: Desk, path: str
) -> None:
    answer = await desk.patch(deals.REGISTERED_ACTION, put(path, 1))
    assert (answer.status, answer.error["target"]) == (400, path)


async def test_only_add_makes_a_registration(desk: Desk) -> None:
    for operation in (
        put("/registrations/-", registration()),
        add("/registrations/0", registration()),
        add("/registrations/-", "x"),
    ):
        assert (await desk.patch(deals.FABRIKAM, operation)).status == 400


@pytest.mark.parametrize(
    "state", ["Approved", "ReviewPending", "ActionRequired", "Passed", "Failed", "Closed"]
)
async def test_10_4_microsoft_moves_a_registration(desk: Desk, state: str) -> None:
    before = (await desk.get(deals.REGISTERED_REVIEW, by="cleo")).headers["ETag"]
    desk.world.set_registration_state(deals.REGISTERED_REVIEW, state, "why")
    answer = await desk.get(deals.REGISTERED_REVIEW, by="cleo")
    [held] = answer.json["registrations"]
    assert (held["status"], held["statusReason"]) == (state, "why")
    assert answer.json["registrationStatus"] == state
    assert answer.headers["ETag"] != before


async def test_10_4_states_that_do_not_exist_are_refused(desk: Desk) -> None:
    with pytest.raises(ValueError, match="never"):
        desk.world.set_registration_state(deals.REGISTERED_REVIEW, "Submitted")
    with pytest.raises(ValueError, match="no registration"):
        desk.world.set_registration_state(deals.FABRIKAM, "Passed")


async def test_u35_the_same_request_twice_is_not_recognised_as_one(desk: Desk) -> None:
    headers = {"client-request-id": "same"}
    operation = add("/registrations/-", registration())
    first = await desk.patch(deals.FABRIKAM, operation, headers=headers)
    second = await desk.patch(deals.FABRIKAM, operation, headers=headers)
    assert (first.status, second.status) == (204, 409)
