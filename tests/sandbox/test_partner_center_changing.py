"""What the sandbox takes and refuses as changes of a referral (API reference 5, 9; U3-U18)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox import deals
from sandbox.deal_shapes import microsoft_id
from tests.sandbox.partner_center import NOW, REFERRALS, Desk, add, put

JANE = {
    "email": "jane.doe@contoso.com",
    "firstName": "Jane",
    "lastName": "Doe",
    "phoneNumber": "0000000001",
}
BODY = {"Prefer": "return=representation"}
PORTAL_EDIT: list[Any] = [put("/details/notes", "From the portal")]


async def test_founding_sample_value_and_member_with_prefer(desk: Desk) -> None:
    answer = await desk.patch(
        deals.FABRIKAM, put("/details/dealValue", "10000"), add("/team/-", JANE), headers=BODY
    )
    assert answer.status == 200
    assert answer.json["details"]["dealValue"] == 10000
    assert answer.json["team"][-1]["email"] == "jane.doe@contoso.com"
    assert answer.headers["ETag"] == answer.json["eTag"]


async def test_founding_sample_value_and_notes_without_prefer(desk: Desk) -> None:
    answer = await desk.patch(
        deals.FABRIKAM,
        put("/details/dealValue", "10000"),
        put("/details/notes", "Lorem ipsum dolor sit amet."),
    )
    assert (answer.status, answer.text, answer.headers["Content-Length"]) == (204, "", "0")
    shown = (await desk.get(deals.FABRIKAM)).json["details"]
    assert (shown["dealValue"], shown["notes"]) == (10000, "Lorem ipsum dolor sit amet.")


async def test_founding_sample_won(desk: Desk) -> None:
    answer = await desk.patch(deals.FABRIKAM, put("/status", "Closed"), put("/substatus", "Won"))
    assert answer.status == 204
    shown = (await desk.get(deals.FABRIKAM)).json
    assert (shown["status"], shown["substatus"]) == ("Closed", "Won")
    assert shown["closedDateTime"].startswith("2026-02-20T10:00:00")


async def test_founding_sample_member_with_prefer(desk: Desk) -> None:
    answer = await desk.patch(deals.FABRIKAM, add("/team/-", JANE), headers=BODY)
    assert answer.status == 200
    assert len(answer.json["team"]) == 3


@pytest.mark.parametrize(
    ("path", "value", "member"),
    [
        ("/details/dealValue", "250000.10", "dealValue"),
        ("/details/closingDateTime", "2026-03-31T00:00:00Z", "closingDateTime"),
        ("/details/currency", "EUR", "currency"),
        ("/details/notes", None, "notes"),
        ("/name", "New name", "name"),
        ("/externalReferenceId", "CRM-7", "externalReferenceId"),
        ("/campaignId", "spring", "campaignId"),
        ("/statusReason", "because", "statusReason"),
    ],
)
async def test_u3_the_allow_list(desk: Desk, path: str, value: object, member: str) -> None:
    answer = await desk.patch(deals.FABRIKAM, put(path, value), headers=BODY)
    assert answer.status == 200
    held = answer.json["details"] if path.startswith("/details") else answer.json
    expected = Decimal("250000.10") if member == "dealValue" else value
    assert held[member] == expected


@pytest.mark.parametrize(
    "operation",
    [
        put("/id", "x"),
        put("/eTag", '"x"'),
        put("/customerProfile/name", "x"),
        put("/consent/consentToContact", False),
        put("/direction", "Outgoing"),
        put("/registrationStatus", "Approved"),
        put("/registrations/0/status", "Approved"),
        put("/salesStage", "100"),
        put("/details", {}),
        put("/details~1notes", "x"),
        put("/details/notes/", "x"),
        put("//details/notes", "x"),
        put("/Details/Notes", "x"),
        add("/details/requirements/solutions/-", {"id": "SOL-34104-EBB"}),
        put("", {}),
    ],
)
async def test_u4_any_other_path_is_400_and_names_it(
    desk: Desk, operation: dict[str, object]
) -> None:
    answer = await desk.patch(deals.FABRIKAM, operation)
    assert (answer.status, answer.error["code"]) == (400, "invalidRequest")
    assert answer.error["target"] == operation["path"]
    assert desk.world.ledger.writes == []


@pytest.mark.parametrize("op", ["remove", "move", "copy", "test", "Replace", ""])
async def test_u4_only_add_and_replace(desk: Desk, op: str) -> None:
    operation = {"op": op, "path": "/details/notes", "value": "x", "from": "/name"}
    answer = await desk.patch(deals.FABRIKAM, operation)
    assert (answer.status, answer.error["target"]) == (400, "/details/notes")


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        "[1]",
        "null",
        '"x"',
        '[{"op":"replace","path":"/name"}]',
        '[{"op":"replace","value":"x"}]',
        '[{"path":"/name","value":"x"}]',
        '[{"op":"replace","path":"/name","value":"x","value":"y"}]',
        '[{"op":"replace","path":"/details/dealValue","value":NaN}]',
        '[{"op":"replace","path":"/details/dealValue","value":1e999999999}]',
        "[" * 100_000,
        "",
    ],
)
async def test_u4_malformed_documents_are_400(desk: Desk, body: str) -> None:
    answer = await desk.call("PATCH", f"{REFERRALS}/{deals.FABRIKAM}", data=body)
    assert answer.status == 400
    assert desk.world.ledger.writes == []


CLOSED = [deals.LOST, deals.DECLINED, deals.EXPIRED, deals.ERROR, deals.VANARSDEL]


@pytest.mark.parametrize("referral", CLOSED)
async def test_u6_a_closed_deal_refuses_edits_with_409(desk: Desk, referral: str) -> None:
    for operations in (
        [put("/details/notes", "x")],
        [put("/status", "Active"), put("/substatus", "Accepted")],
        [put("/status", "Closed"), put("/substatus", "Lost")],
        [add("/team/-", JANE)],
    ):
        answer = await desk.patch(referral, *operations, by="ada")
        assert (answer.status, answer.error["code"]) == (409, "invalidRequest")
    assert desk.world.ledger.writes == []


@pytest.mark.parametrize(
    ("referral", "status", "substatus", "expected"),
    [
        (deals.TAILSPIN, "Active", "Accepted", 204),
        (deals.TAILSPIN, "Closed", "Declined", 204),
        (deals.TAILSPIN, "New", "Received", 204),
        (deals.TAILSPIN, "Closed", "Won", 204),
        (deals.TAILSPIN, "Closed", "Error", 204),
        (deals.TAILSPIN, "Closed", "Expired", 400),
        (deals.TAILSPIN, "None", "None", 400),
        (deals.TAILSPIN, "Active", "Pending", 400),
        (deals.FABRIKAM, "Closed", "Won", 204),
        (deals.FABRIKAM, "Closed", "Lost", 204),
        (deals.FABRIKAM, "Closed", "Error", 204),
        (deals.FABRIKAM, "Closed", "Declined", 204),
        (deals.FABRIKAM, "Closed", "Expired", 400),
        (deals.FABRIKAM, "New", "Pending", 400),
        (deals.FABRIKAM, "Closed", "None", 400),
        (deals.FABRIKAM, "closed", "won", 400),
        (deals.FABRIKAM, "Nothing", "Won", 400),
        (deals.FABRIKAM, "Active", "Accepted", 204),
    ],
)
async def test_u7_the_status_table_is_followed_to_the_letter(
    desk: Desk, referral: str, status: str, substatus: str, expected: int
) -> None:
    answer = await desk.patch(referral, put("/status", status), put("/substatus", substatus))
    assert answer.status == expected
    after = (await desk.get(referral)).json
    assert ((after["status"], after["substatus"]) == (status, substatus)) is (expected == 204)


@pytest.mark.parametrize(
    "operation",
    [put("/status", "Closed"), put("/substatus", "Won"), put("/status", 3), put("/status", None)],
)
async def test_u8_an_inconsistent_pair_is_400(desk: Desk, operation: dict[str, object]) -> None:
    assert (await desk.patch(deals.FABRIKAM, operation)).status == 400


async def test_accepting_ends_the_time_to_answer(desk: Desk) -> None:
    await desk.patch(deals.TAILSPIN, put("/status", "Active"), put("/substatus", "Accepted"))
    shown = (await desk.get(deals.TAILSPIN)).json
    assert shown["expirationDateTime"] is None
    assert shown["acceptedDateTime"].startswith("2026-02-20T10:00:00")
    desk.world.clock.advance(timedelta(days=30).total_seconds())
    assert (await desk.get(deals.TAILSPIN)).json["status"] == "Active"


async def test_13_1_unanswered_in_time_it_expires_and_hides_the_contacts(desk: Desk) -> None:
    before = await desk.get(deals.TAILSPIN)
    desk.world.clock.advance(timedelta(days=3).total_seconds())
    after = await desk.get(deals.TAILSPIN)
    assert (after.json["status"], after.json["substatus"]) == ("Closed", "Expired")
    assert after.json["eTag"] != before.json["eTag"]
    assert after.json["customerProfile"]["team"] == []
    moved = await desk.patch(
        deals.TAILSPIN, put("/status", "Active"), put("/substatus", "Accepted")
    )
    assert moved.status == 409


async def test_13_1_microsoft_has_14_days_too(desk: Desk) -> None:
    theirs = microsoft_id(deals.PROSEWARE)
    assert (await desk.get(theirs)).json["substatus"] == "Pending"
    desk.world.clock.advance(timedelta(days=12).total_seconds())
    assert (await desk.get(theirs)).json["substatus"] == "Expired"


@pytest.mark.parametrize("value", ["30000", 30000, "0", "0.01", "250000.10", 1e3, "123456789012.5"])
async def test_u9_values_are_kept_exactly(desk: Desk, value: object) -> None:
    answer = await desk.patch(deals.FABRIKAM, put("/details/dealValue", value), headers=BODY)
    assert answer.status == 200
    assert answer.json["details"]["dealValue"] == Decimal(str(value))
    assert "E" not in answer.text.partition('"dealValue":')[2].partition(",")[0]


@pytest.mark.parametrize(
    "value",
    [
        *("-1", -1, -0.0, "NaN", "Infinity", "1,000", "1.000,50", "1e9", "+5", " 5", "٣٠"),
        *("", None, True, [], {}, "10 USD", ".5", "5."),
    ],
)
async def test_u9_other_values_are_400(desk: Desk, value: object) -> None:
    answer = await desk.patch(deals.FABRIKAM, put("/details/dealValue", value))
    assert (answer.status, answer.error["target"]) == (400, "/details/dealValue")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/details/closingDateTime", "2026-02-30T00:00:00Z"),
        ("/details/closingDateTime", "2026-03-31"),
        ("/details/closingDateTime", "2026-03-31T00:00:00"),
        ("/details/closingDateTime", "31/03/2026"),
        ("/details/closingDateTime", None),
        ("/details/currency", "eur"),
        ("/details/currency", "EURO"),
        ("/details/notes", 5),
        ("/name", ["x"]),
    ],
)
async def test_u9_other_fields_refuse_what_is_not_theirs(
    desk: Desk, path: str, value: object
) -> None:
    answer = await desk.patch(deals.FABRIKAM, put(path, value))
    assert (answer.status, answer.error["target"]) == (400, path)


async def test_u10_add_on_a_scalar_replaces_it(desk: Desk) -> None:
    await desk.patch(deals.FABRIKAM, add("/details/notes", "Added"))
    assert (await desk.get(deals.FABRIKAM)).json["details"]["notes"] == "Added"


async def test_u11_all_or_nothing(desk: Desk) -> None:
    before = (await desk.get(deals.FABRIKAM)).text
    answer = await desk.patch(
        deals.FABRIKAM,
        put("/details/notes", "never seen"),
        add("/team/-", JANE),
        put("/details/dealValue", "-1"),
    )
    assert answer.status == 400
    assert (await desk.get(deals.FABRIKAM)).text == before
    assert desk.world.ledger.writes == []


async def test_u12_if_match_fresh_star_stale_and_weak(desk: Desk) -> None:
    fresh = (await desk.get(deals.FABRIKAM)).headers["ETag"]

    async def sent(etag: str) -> int:
        headers = {"If-Match": etag}
        return (await desk.patch(deals.FABRIKAM, put("/name", "x"), headers=headers)).status

    assert await sent(f"W/{fresh}") == 412
    assert await sent(fresh.strip('"')) == 412
    assert await sent(fresh) == 204
    assert await sent(fresh) == 412
    assert await sent("*") == 204
    stale = await desk.patch(deals.FABRIKAM, put("/name", "y"), headers={"If-Match": fresh})
    assert stale.error["code"] == "preconditionFailed"


async def test_u12_the_etag_of_a_204_is_the_next_if_match(desk: Desk) -> None:
    answer = await desk.patch(deals.FABRIKAM, put("/name", "x"))
    headers = {"If-Match": answer.headers["ETag"]}
    assert (await desk.patch(deals.FABRIKAM, put("/name", "y"), headers=headers)).status == 204


async def test_without_if_match_the_last_write_wins(desk: Desk) -> None:
    desk.world.edit(deals.FABRIKAM, PORTAL_EDIT, by="cleo")
    assert (await desk.patch(deals.FABRIKAM, put("/details/notes", "mine"))).status == 204


async def test_etag_and_updated_time_change_on_every_write_and_never_return(desk: Desk) -> None:
    etags, updated = set(), []
    for _ in range(5):
        answer = await desk.patch(deals.FABRIKAM, put("/name", "same"), headers=BODY)
        etags.add(answer.json["eTag"])
        updated.append(answer.json["updatedDateTime"])
    assert len(etags) == 5
    assert updated == sorted(set(updated)), "later each time, though the clock stands still"
    desk.world.reset()
    assert (await desk.get(deals.FABRIKAM)).json["eTag"] not in etags


async def test_of_two_writers_with_one_etag_one_wins(desk: Desk) -> None:
    etag = (await desk.get(deals.FABRIKAM)).headers["ETag"]
    answers = await asyncio.gather(
        *(
            desk.patch(deals.FABRIKAM, put("/name", by), by=by, headers={"If-Match": etag})
            for by in ("ben", "cleo", "ada", "dana")
        )
    )
    assert sorted(answer.status for answer in answers) == [204, 412, 412, 412]
    assert len(desk.world.ledger.writes) == 1


@pytest.mark.parametrize("prefer", ["return=representation", "wait=5, return=representation"])
async def test_u13_prefer_gives_200_with_the_body(desk: Desk, prefer: str) -> None:
    answer = await desk.patch(deals.FABRIKAM, put("/name", "x"), headers={"Prefer": prefer})
    assert (answer.status, answer.json["name"]) == (200, "x")


async def test_u13_switch_force_204(desk: Desk) -> None:
    desk.world.switches.apply({"force_204": True})
    answer = await desk.patch(deals.FABRIKAM, put("/name", "x"), headers=BODY)
    assert (answer.status, answer.text) == (204, "")
    assert answer.headers["ETag"] == (await desk.get(deals.FABRIKAM)).headers["ETag"]


async def test_u14_a_member_twice_is_appended_twice(desk: Desk) -> None:
    for _ in range(2):
        assert (await desk.patch(deals.FABRIKAM, add("/team/-", JANE))).status == 204
    team = (await desk.get(deals.FABRIKAM)).json["team"]
    assert [one["email"] for one in team].count("jane.doe@contoso.com") == 2


@pytest.mark.parametrize(
    "operation",
    [
        put("/team", []),
        put("/team/0", JANE),
        add("/team/0", JANE),
        put("/team/-", JANE),
        put("/team/0/email", "x@y"),
        add("/team", [JANE]),
    ],
)
async def test_u15_members_cannot_be_replaced(desk: Desk, operation: dict[str, object]) -> None:
    answer = await desk.patch(deals.FABRIKAM, operation)
    assert (answer.status, answer.error["target"]) == (400, operation["path"])


@pytest.mark.parametrize("missing", ["email", "firstName", "lastName", "phoneNumber"])
async def test_a_member_needs_all_four(desk: Desk, missing: str) -> None:
    value = {name: text for name, text in JANE.items() if name != missing}
    answer = await desk.patch(deals.FABRIKAM, add("/team/-", value))
    assert (answer.status, answer.error["target"]) == (400, "/team/-")


async def test_u16_long_texts_pass_up_to_the_size_of_the_body(desk: Desk) -> None:
    long = "x" * 900_000
    assert (await desk.patch(deals.FABRIKAM, put("/details/notes", long))).status == 204
    longer = "x" * 1_100_000
    assert (await desk.patch(deals.FABRIKAM, put("/details/notes", longer))).status == 413


async def test_u17_u18_unknown_words_pass_through(desk: Desk) -> None:
    desk.world.edit(
        deals.FABRIKAM,
        [
            put("/salesStage", "40"),
            add(
                "/details/requirements/additionalRequirements/attributes/-",
                {"type": "SolutionArea", "id": "Anything"},
            ),
        ],
    )
    shown = (await desk.patch(deals.FABRIKAM, put("/name", "x"), headers=BODY)).json
    assert shown["salesStage"] == "40"
    attributes = shown["details"]["requirements"]["additionalRequirements"]["attributes"]
    assert {"type": "SolutionArea", "id": "Anything"} in attributes


async def test_the_ledger_names_the_owner_of_each_applied_write(desk: Desk) -> None:
    etag = (await desk.get(deals.FABRIKAM)).headers["ETag"]
    headers = {"client-request-id": "w-1"}
    await desk.patch(deals.FABRIKAM, put("/name", "x"), headers=headers)
    await desk.patch(deals.FABRIKAM, put("/nothing", "x"))
    await desk.patch(deals.FABRIKAM, put("/name", "y"), by="cleo")
    first, second = desk.world.ledger.writes
    assert (first.owner, first.client_request_id, first.etag_before) == ("ben", "w-1", etag)
    assert first.body == [put("/name", "x")]
    assert (second.owner, second.etag_before) == ("cleo", first.etag_after)


async def test_a_portal_edit_changes_the_etag_and_is_no_write_of_ours(desk: Desk) -> None:
    before = (await desk.get(deals.FABRIKAM)).headers["ETag"]
    desk.world.edit(deals.FABRIKAM, PORTAL_EDIT, by="cleo")
    answer = await desk.get(deals.FABRIKAM)
    assert answer.headers["ETag"] != before
    assert answer.json["details"]["notes"] == "From the portal"
    assert desk.world.ledger.writes == []
    assert desk.world.ledger.edits[0].owner == "cleo"


async def test_9_1_put_needs_if_match_and_no_links(desk: Desk) -> None:
    path = f"{REFERRALS}/{deals.FABRIKAM}"
    whole = (await desk.get(deals.FABRIKAM)).json
    etag = whole["eTag"]
    whole["details"]["dealValue"] = int(whole["details"]["dealValue"])
    whole["externalReferenceId"] = "CRM-2"
    whole["organizationName"] = "Somebody else"
    with_links = await desk.call("PUT", path, body=whole, headers={"If-Match": etag})
    assert (with_links.status, with_links.error["target"]) == (400, "links")
    del whole["links"]
    assert (await desk.call("PUT", path, body=whole)).status == 400
    done = await desk.call("PUT", path, body=whole, headers={"If-Match": etag})
    assert (done.status, done.json["externalReferenceId"]) == (200, "CRM-2")
    assert done.json["organizationName"] == "Contoso"
    assert (await desk.call("PUT", path, body=whole, headers={"If-Match": etag})).status == 412
    assert [write.method for write in desk.world.ledger.writes] == ["PUT"]


async def test_reset_brings_everything_back(desk: Desk) -> None:
    await desk.patch(deals.FABRIKAM, put("/name", "x"))
    desk.world.switches.apply({"force_204": True})
    desk.world.clock.advance(100)
    desk.world.reset()
    assert (await desk.get(deals.FABRIKAM)).json["name"] == "Fabrikam analytics rollout"
    assert desk.world.ledger.writes == []
    assert not desk.world.switches.force_204
    assert desk.world.clock.now() == NOW
