"""Reading one referral and lists of them from the sandbox (API reference 4, 6, 7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox import deals, wire
from tests.sandbox.partner_center import NOW, REFERRALS, Desk, put

DOCUMENTED_FIELDS = (
    "id engagementId name organizationId organizationName externalReferenceId campaignId "
    "createdDateTime updatedDateTime expirationDateTime acceptedDateTime closedDateTime status "
    "substatus statusReason qualification type direction referralSource callToAction quality "
    "isSpam favorite salesStage tags mpnId referralProgram dealSensitivity createdVia "
    "lastModifiedVia lastRunId registrationStatus registrations eTag target customerProfile "
    "consent details team inviteContext links trackingInfo"
)


async def test_one_referral_carries_its_etag_twice_with_the_quotes(desk: Desk) -> None:
    answer = await desk.get(deals.FABRIKAM)
    assert answer.json["eTag"] == answer.headers["ETag"]
    assert answer.json["eTag"].startswith('"')
    assert answer.json["eTag"].endswith('"')
    assert answer.json["@odata.context"].endswith("$metadata#Referrals/$entity")


async def test_every_documented_field_is_there(desk: Desk) -> None:
    shown = (await desk.get(deals.FABRIKAM)).json
    for member in DOCUMENTED_FIELDS.split():
        assert member in shown
    assert shown["details"]["dealValue"] == 30000
    assert "65edc0b5" in shown["links"]["relatedReferrals"]["uri"]


async def test_dates_have_seven_digits_and_z(desk: Desk) -> None:
    made = (await desk.get(deals.FABRIKAM)).json["createdDateTime"]
    assert len(made.partition(".")[2]) == 8
    assert made.endswith("Z")


async def test_an_id_is_read_in_any_case(desk: Desk) -> None:
    assert (await desk.get(deals.FABRIKAM.upper())).json["id"] == deals.FABRIKAM


async def test_u19_pages_of_100_lead_to_each_other(desk: Desk) -> None:
    first = await desk.list("ada", orderby="createdDateTime desc")
    assert len(first.ids) == 100
    link = first.json["@odata.nextLink"]
    assert link.startswith(desk.url(REFERRALS) + "?$skiptoken=")
    second = await desk.call("GET", link, by="ada")
    assert "@odata.nextLink" not in second.json
    seen = first.ids + second.ids
    assert len(seen) == len(set(seen)) == first.json["@odata.count"] == second.json["@odata.count"]
    made = [entry["createdDateTime"] for entry in first.json["value"] + second.json["value"]]
    order = [wire.ticks(one) or 0 for one in made]
    assert order == sorted(order, reverse=True)


async def test_u19_top_caps_the_total_over_pages(desk: Desk) -> None:
    first = await desk.list("ada", top="120")
    second = await desk.call("GET", first.json["@odata.nextLink"], by="ada")
    assert (len(first.ids), len(second.ids)) == (100, 20)
    assert "@odata.nextLink" not in second.json
    few = await desk.list("ada", top="10")
    assert len(few.ids) == 10
    assert "@odata.nextLink" not in few.json
    assert few.json["@odata.count"] == first.json["@odata.count"]


async def test_skip_count_and_select(desk: Desk) -> None:
    everything = (await desk.list("ben")).ids
    assert (await desk.list("ben", skip="3")).ids == everything[3:]
    assert "@odata.count" not in (await desk.list("ben", count="false")).json
    picked = await desk.list("ben", select="id,status,customerProfile", top="1")
    assert set(picked.json["value"][0]) == {"id", "status", "customerProfile"}


async def test_list_entries_miss_their_etag_unless_switched_on(desk: Desk) -> None:
    assert all("eTag" not in entry for entry in (await desk.list("ben")).json["value"])
    desk.world.switches.apply({"list_etags": True})
    assert all("eTag" in entry for entry in (await desk.list("ben")).json["value"])


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("documented", "http://api.partner.microsoft.com/v1.0/referrals?$skiptoken="),
        ("https://evil.example/x", "https://evil.example/x?$skiptoken="),
    ],
)
async def test_f10_the_next_link_may_point_elsewhere(desk: Desk, where: str, expected: str) -> None:
    desk.world.switches.apply({"next_link": where})
    assert (await desk.list("ada")).json["@odata.nextLink"].startswith(expected)


async def test_f10_the_next_link_may_loop(desk: Desk) -> None:
    desk.world.switches.apply({"next_link": "loop"})
    first = await desk.list("ada")
    second = await desk.call("GET", first.json["@odata.nextLink"], by="ada")
    assert second.ids == first.ids
    assert second.json["@odata.nextLink"] == first.json["@odata.nextLink"]


@pytest.mark.parametrize("token", ["x", "e30", "bm90IGpzb24", "", "eyJvZmZzZXQiOi0xfQ"])
async def test_a_forged_skiptoken_is_400(desk: Desk, token: str) -> None:
    answer = await desk.list("ada", skiptoken=token)
    assert (answer.status, answer.error["target"]) == (400, "$skiptoken")


DOCUMENTED = [
    f"engagementId eq '{deals.FABRIKAM_ENGAGEMENT}'",
    f"engagementId eq {deals.FABRIKAM_ENGAGEMENT}",
    f"engagementId eq {deals.FABRIKAM_ENGAGEMENT.upper()}",
    "status eq 'New' and qualification eq 'SalesQualified'",
    "customerProfile/address/country eq 'US' and direction eq 'Incoming'",
    "(type eq 'Shared' and direction eq 'Incoming')",
    "(direction eq 'Incoming' and substatus eq 'Pending')",
    "status eq 'Active' and direction eq 'Outgoing' and type eq 'Shared'"
    " and team/any(t:t/email eq 'ben.okafor@contoso.example')",
]


@pytest.mark.parametrize("text", DOCUMENTED)
async def test_u20_documented_filters_find_some_but_not_all(desk: Desk, text: str) -> None:
    answer = await desk.list("ada", filter=text, orderby="createdDateTime desc", top="10")
    assert answer.status == 200
    assert 0 < answer.json["@odata.count"] < 100


async def test_microsofts_referral_is_found_through_the_engagement_only(desk: Desk) -> None:
    both = await desk.list("ben", filter=f"engagementId eq {deals.FABRIKAM_ENGAGEMENT}")
    assert both.ids == [deals.FABRIKAM, deals.FABRIKAM_MICROSOFT]
    assert deals.FABRIKAM_MICROSOFT not in (await desk.list("ben")).ids
    other = await desk.list("cleo", filter="engagementId ne null")
    assert deals.PROSEWARE_MICROSOFT not in other.ids


async def test_u20_comparisons_of_datetimes(desk: Desk) -> None:
    limit = f"{NOW - timedelta(days=12):%Y-%m-%dT%H:%M:%SZ}"
    young = (await desk.list("ada", filter=f"createdDateTime gt {limit}")).ids
    old = (await desk.list("ada", filter=f"createdDateTime le {limit}")).json["@odata.count"]
    everything = (await desk.list("ada")).json["@odata.count"]
    assert deals.TAILSPIN in young
    assert deals.FABRIKAM not in young
    assert len(young) + old == everything
    exact = (await desk.get(deals.FABRIKAM)).json["updatedDateTime"]
    same = await desk.list("ada", filter=f"updatedDateTime eq {exact}")
    assert deals.FABRIKAM in same.ids
    after = await desk.list("ada", filter=f"updatedDateTime gt {exact}")
    assert deals.FABRIKAM not in after.ids


async def test_u20_or_ne_and_parentheses(desk: Desk) -> None:
    async def ids(text: str) -> set[str]:
        return set((await desk.list("ben", filter=text)).ids)

    won, lost = await ids("substatus eq 'Won'"), await ids("substatus eq 'Lost'")
    assert await ids("substatus eq 'Won' or substatus eq 'Lost'") == won | lost
    assert await ids("status eq 'Closed' and substatus ne 'Lost'") == won
    both = await ids("status eq 'Active' or status eq 'Closed' and substatus eq 'Lost'")
    assert both == await ids("status eq 'Active' or (status eq 'Closed' and substatus eq 'Lost')")
    assert both != await ids("(status eq 'Active' or status eq 'Closed') and substatus eq 'Lost'")


async def test_quotes_in_a_literal_are_doubled(desk: Desk) -> None:
    answer = await desk.list("ben", filter="name eq 'Margie''s Travel itineraries'")
    assert answer.ids == [deals.MARGIE]


@pytest.mark.parametrize(
    "text",
    [
        "contains(name, 'x')",
        "startswith(name,'F') eq true",
        "not (status eq 'New')",
        "details/dealValue gt 25000",
        "name gt 'a'",
        "nothing eq 'x'",
        "status eq New",
        "status = 'New'",
        "status eq 'New",
        "status eq",
        "status eq 'New' and",
        "(status eq 'New'",
        "status eq 'New')",
        "team/any(t:u/email eq 'x')",
        "team/all(t:t/email eq 'x')",
        "STATUS eq 'New'",
        "(" * 60 + "status eq 'New'" + ")" * 60,
        "status eq 'New' " + "and status eq 'New' " * 300,
        "' or 1 eq 1",
    ],
)
async def test_u20_any_other_filter_is_400(desk: Desk, text: str) -> None:
    answer = await desk.list("ada", filter=text)
    assert (answer.status, answer.error["target"]) == (400, "$filter")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("orderby", "name"),
        ("orderby", "createdDateTime down"),
        ("select", "secret"),
        ("top", "-1"),
        ("top", "ten"),
        ("skip", "1.5"),
        ("count", "yes"),
        ("search", "x"),
        ("apply", "x"),
    ],
)
async def test_other_options_are_400(desk: Desk, option: str, value: str) -> None:
    answer = await desk.list("ada", **{option: value})
    assert (answer.status, answer.error["target"]) == (400, f"${option}")


async def test_orders_by_the_last_change(desk: Desk) -> None:
    await desk.patch(deals.GRAPHIC, put("/name", "Touched"))
    answer = await desk.list("ben", orderby="updatedDateTime desc", top="1")
    assert answer.ids == [deals.GRAPHIC]


async def test_d6_hostile_and_unusual_shapes_are_sent_as_they_are(desk: Desk) -> None:
    hostile = (await desk.get(deals.HOSTILE)).json
    assert "<script>" in hostile["customerProfile"]["name"]
    assert "\u202e" in hostile["customerProfile"]["name"]
    unusual = (await desk.get(deals.UNUSUAL, by="ada")).json
    assert unusual["customerProfile"]["ids"] == {}
    assert "registrations" not in unusual
    assert unusual["pulseScore"] == {"band": "high", "points": 7}
    await desk.patch(deals.UNUSUAL, put("/name", "Still odd"), by="ada")
    assert (await desk.get(deals.UNUSUAL, by="ada")).json["pulseScore"]["points"] == 7


async def test_registrations_may_be_left_out_when_there_are_none(desk: Desk) -> None:
    desk.world.switches.apply({"omit_empty_registrations": True})
    assert "registrations" not in (await desk.get(deals.FABRIKAM)).json
    assert len((await desk.get(deals.REGISTERED_APPROVED)).json["registrations"]) == 1
