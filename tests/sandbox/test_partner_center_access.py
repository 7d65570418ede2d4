"""Who may call the sandbox's Partner Center, and what each of them sees (API reference 2, 3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox import deals
from sandbox.deal_shapes import microsoft_id
from sandbox.people import Role
from tests.sandbox.partner_center import REFERRALS, Desk, add, put

PARTNER = "/v1.0/engagements/partners/dealregistrationeligibility"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nobody"}, {"Authorization": ""}])
async def test_u1_without_a_token_it_issued_the_answer_is_401(
    desk: Desk, headers: dict[str, str]
) -> None:
    answer = await desk.get(deals.FABRIKAM, by=None, headers=headers)
    assert answer.status == 401
    assert answer.error["code"] == "unauthenticated"
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


async def test_u1_a_token_for_the_csp_api_is_refused(desk: Desk) -> None:
    claims = desk.badges.known["ben"]
    desk.badges.change("ben", replace(claims, aud="https://api.partnercenter.microsoft.com"))
    assert (await desk.get(deals.FABRIKAM)).status == 401


async def test_u1_the_app_id_of_the_resource_is_an_audience_too(desk: Desk) -> None:
    claims = desk.badges.known["ben"]
    desk.badges.change("ben", replace(claims, aud="4990cffe-04e8-4e8b-808a-1175604b879f"))
    assert (await desk.get(deals.FABRIKAM)).status == 200


async def test_u2_a_token_without_mfa_is_401_with_900421(desk: Desk) -> None:
    desk.badges.change("ben", replace(desk.badges.known["ben"], amr=("pwd",)))
    answer = await desk.get(deals.FABRIKAM)
    assert (answer.status, answer.json["code"]) == (401, "900421")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


async def test_u2_switch_mfa_off_lets_it_pass(desk: Desk) -> None:
    desk.badges.change("ben", replace(desk.badges.known["ben"], amr=("pwd",)))
    desk.world.switches.apply({"mfa": False})
    assert (await desk.get(deals.FABRIKAM)).status == 200


@pytest.mark.parametrize("path", [REFERRALS, f"{REFERRALS}/{deals.FABRIKAM}", PARTNER])
async def test_u5_no_role_is_403_everywhere(desk: Desk, path: str) -> None:
    answer = await desk.call("GET", path, by="eve")
    assert (answer.status, answer.error["code"]) == (403, "accessDenied")


async def test_another_tenant_is_403(desk: Desk) -> None:
    desk.badges.change("ada", replace(desk.badges.known["ada"], tenant="other"))
    assert (await desk.list("ada")).status == 403


async def test_u5_a_referral_user_off_the_team_gets_404_as_if_it_did_not_exist(desk: Desk) -> None:
    hidden = await desk.get(deals.SOUTHRIDGE)
    missing = await desk.get("00000000-0000-4000-8000-000000000000")
    assert (hidden.status, hidden.text) == (missing.status, missing.text)
    assert (hidden.status, hidden.error["code"]) == (404, "itemNotFound")
    for status in (
        (await desk.patch(deals.SOUTHRIDGE, put("/name", "x"))).status,
        (await desk.eligibility(deals.SOUTHRIDGE)).status,
    ):
        assert status == 404
    assert desk.world.ledger.writes == []


async def test_the_admin_sees_it_and_everything_else(desk: Desk) -> None:
    assert (await desk.get(deals.SOUTHRIDGE, by="ada")).status == 200
    assert (await desk.list("ada")).json["@odata.count"] >= 150


async def test_c7_a_referral_user_may_change_a_deal_of_their_team(desk: Desk) -> None:
    assert (await desk.patch(deals.FABRIKAM, put("/name", "Renamed"))).status == 204


async def test_whoever_joins_the_team_sees_the_deal(desk: Desk) -> None:
    member = {
        "email": "Ben.Okafor@Contoso.example",
        "firstName": "Ben",
        "lastName": "Okafor",
        "phoneNumber": "0000000001",
    }
    await desk.patch(deals.SOUTHRIDGE, add("/team/-", member), by="dana")
    assert (await desk.get(deals.SOUTHRIDGE)).status == 200
    assert deals.SOUTHRIDGE in (await desk.list("ben")).ids


async def test_a_role_that_is_taken_away_counts_at_once(desk: Desk) -> None:
    desk.world.roles["ben"] = Role.NONE
    assert (await desk.get(deals.FABRIKAM)).status == 403
    desk.world.reset()
    assert (await desk.get(deals.FABRIKAM)).status == 200


async def test_microsofts_referral_is_seen_by_whoever_sees_ours_and_changed_by_nobody(
    desk: Desk,
) -> None:
    theirs = deals.FABRIKAM_MICROSOFT
    seen = await desk.get(theirs)
    assert seen.json["organizationId"] == "msft"
    assert seen.json["engagementId"] == deals.FABRIKAM_ENGAGEMENT
    refused = await desk.patch(theirs, put("/name", "x"))
    assert (refused.status, refused.error["code"]) == (403, "accessDenied")
    assert (await desk.get(microsoft_id(deals.SOUTHRIDGE))).status == 404


async def test_marketplace_leads_are_hidden_unless_switched_on(desk: Desk) -> None:
    assert (await desk.get(deals.MARKETPLACE_LEAD, by="ada")).status == 404
    leads = {"filter": "qualification eq 'Direct'"}
    assert (await desk.list("ada", **leads)).ids == []
    desk.world.switches.apply({"marketplace_leads": True})
    assert (await desk.list("ada", **leads)).ids == [deals.MARKETPLACE_LEAD]
    assert (await desk.get(deals.MARKETPLACE_LEAD, by="ada")).status == 200


async def test_every_answer_has_an_opaque_request_id_and_echoes_ours(desk: Desk) -> None:
    ids = set()
    for by in ("ben", "eve", None):
        answer = await desk.get(deals.FABRIKAM, by=by, headers={"client-request-id": "abc-1"})
        assert answer.headers["client-request-id"] == "abc-1"
        ids.add(answer.headers["Request-ID"])
    assert len(ids) == 3
    assert all("h" in one for one in ids), "not a GUID, as in the documented sample"


@pytest.mark.parametrize("slashes", ["/", "//"])
async def test_trailing_slashes_are_tolerated(desk: Desk, slashes: str) -> None:
    for method, path, by in (
        ("GET", REFERRALS, "ada"),
        ("GET", f"{REFERRALS}/{deals.FABRIKAM}", "ben"),
        ("GET", PARTNER, "ben"),
        ("POST", f"{REFERRALS}/{deals.FABRIKAM}/dealregistrations/eligibility", "ben"),
    ):
        assert (await desk.call(method, path + slashes, by=by)).status == 200


async def test_protocol_errors_have_the_documented_body(desk: Desk) -> None:
    one = f"{REFERRALS}/{deals.FABRIKAM}"
    refused = {
        404: await desk.call("GET", "/v1.0/engagements/nothing"),
        405: await desk.call("DELETE", one),
        406: await desk.call("GET", one, headers={"Accept": "text/xml"}),
        415: await desk.call("PATCH", one, data="[]", headers={"Content-Type": "text/plain"}),
        413: await desk.call("PATCH", one, data=" " * (1024 * 1024 + 1)),
        400: await desk.call("PATCH", one, data="["),
    }
    for status, answer in refused.items():
        assert answer.status == status
        assert answer.error["code"]
        assert answer.error["message"]
    assert desk.world.ledger.writes == []


async def test_json_patch_content_type_is_not_what_the_api_takes(desk: Desk) -> None:
    answer = await desk.patch(
        deals.FABRIKAM, put("/name", "x"), headers={"Content-Type": "application/json-patch+json"}
    )
    assert answer.status == 415


async def test_the_ledger_has_every_request_without_its_token(desk: Desk) -> None:
    await desk.get(deals.FABRIKAM, headers={"client-request-id": "abc-2"})
    await desk.get(deals.FABRIKAM, by=None)
    first, second = desk.world.ledger.requests
    assert (first.owner, first.method, first.status) == ("ben", "GET", 200)
    assert first.headers["client-request-id"] == "abc-2"
    assert "Authorization" not in first.headers
    assert (second.owner, second.status) == (None, 401)
