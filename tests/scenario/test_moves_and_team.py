"""Status moves and the team: what becomes impossible is said before, what happened after."""

from sandbox.deals import FABRIKAM, RELECLOUD, SOUTHRIDGE, TAILSPIN
from tests.scenario.conftest import patches, signed_in
from tests.world import World


async def test_accept_a_new_deal(ben: World) -> None:
    await ben.says("ben", "accept tailspin")
    shown = await ben.hears("ben", until="Accept this deal?")
    assert "Active" in shown.words
    await ben.clicks("ben", "Accept")
    await ben.hears("ben", until="Saved")
    (patch,) = await patches(ben)
    assert patch["body"] == [
        {"op": "replace", "path": "/status", "value": "Active"},
        {"op": "replace", "path": "/substatus", "value": "Accepted"},
    ]
    held = await ben.referral(TAILSPIN)
    assert (held["status"], held["substatus"]) == ("Active", "Accepted")


async def test_decline_with_a_reason(ben: World) -> None:
    await ben.says("ben", f"decline {TAILSPIN} not our region")
    shown = await ben.hears("ben", until="Decline this deal?")
    assert "not our region" in shown.words
    await ben.clicks("ben", "Decline")
    await ben.hears("ben", until="Saved")
    held = await ben.referral(TAILSPIN)
    assert (held["substatus"], held["statusReason"]) == ("Declined", "not our region")


async def test_a_reason_behind_a_name_is_found_out(ben: World) -> None:
    await ben.says("ben", "lost fabrikam analytics budget was cut")
    shown = await ben.hears("ben", until="Mark this deal as lost?")
    assert "Fabrikam analytics rollout" in shown.words
    assert "budget was cut" in shown.words.split("\n")


async def test_won_warns_of_what_becomes_impossible(ben: World) -> None:
    await ben.says("ben", "won fabrikam analytics")
    shown = await ben.hears("ben", until="Mark this deal as won?")
    assert "registration" in shown.words
    await ben.clicks("ben", "Mark as won")
    await ben.hears("ben", until="Saved")
    held = await ben.referral(FABRIKAM)
    assert (held["status"], held["substatus"]) == ("Closed", "Won")


async def test_won_too_soon_names_the_72_hours(ben: World) -> None:
    await ben.says("ben", f"won {RELECLOUD}")
    shown = await ben.hears("ben", until="Mark this deal as won?")
    assert "72" in shown.words


async def test_error_asks_for_its_reason(ben: World) -> None:
    await ben.says("ben", "error fabrikam analytics")
    await ben.hears("ben", until="Reason")
    await ben.clicks("ben", "Preview", inputs={"reason": "duplicate of #1040"})
    await ben.hears("ben", until="duplicate of #1040")
    await ben.clicks("ben", "Close as error")
    await ben.hears("ben", until="Saved")
    assert (await ben.referral(FABRIKAM))["substatus"] == "Error"


async def test_D7_an_impossible_move_is_never_sent(ben: World) -> None:
    await ben.says("ben", "accept fabrikam analytics")
    await ben.hears("ben", until="not possible")
    await ben.says("ben", "won tailspin")
    await ben.hears("ben", until="not possible")
    assert await patches(ben) == []


async def test_team_add_in_one_line(ben: World) -> None:
    await ben.says(
        "ben", "team add fabrikam analytics jane.doe@contoso.example Jane Doe 0000000001"
    )
    await ben.hears("ben", until="Jane Doe")
    await ben.clicks("ben", "Save")
    await ben.hears("ben", until="Saved")
    (patch,) = await patches(ben)
    assert patch["body"] == [
        {
            "op": "add",
            "path": "/team/-",
            "value": {
                "email": "jane.doe@contoso.example",
                "firstName": "Jane",
                "lastName": "Doe",
                "phoneNumber": "0000000001",
            },
        }
    ]


async def test_team_add_by_form_keeps_what_was_given(ben: World) -> None:
    await ben.says("ben", "team add fabrikam analytics jane.doe@contoso.example")
    form = await ben.hears("ben", until="Add a team member")
    assert "jane.doe@contoso.example" in str(form.card)
    await ben.clicks(
        "ben",
        "Preview",
        inputs={
            "first": "Jane",
            "last": "Doe",
            "email": "jane.doe@contoso.example",
            "phone": "1",
        },
    )
    await ben.hears("ben", until="Save this change?")


async def test_a_malformed_address_stays_in_its_field_with_what_is_wrong(ben: World) -> None:
    await ben.says("ben", "team add fabrikam analytics jane.doe@contoso Jane Doe 1")
    form = await ben.hears("ben", until="Add a team member")
    fields = {
        str(field["id"]): field.get("value")
        for field in form.card["body"]  # type: ignore[index]
        if str(field.get("type", "")).startswith("Input.")
    }
    assert fields == {"email": "jane.doe@contoso", "first": "Jane", "last": "Doe", "phone": "1"}
    assert "jane.doe@contoso" in form.words.replace("Jane", "")
    assert await ben.ledger() == []


async def test_a_member_who_is_there_is_refused_before_sending(ben: World) -> None:
    await ben.says("ben", "team add fabrikam analytics ben.okafor@contoso.example Ben Okafor 1")
    await ben.hears("ben", until="not possible")
    assert await ben.ledger() == []


async def test_no_role_says_which_and_whom_to_ask(office: World) -> None:
    await signed_in(office, "eve")
    await office.says("eve", "list")
    heard = await office.hears("eve")
    assert "role" in heard.words
    assert "administrator" in heard.words


async def test_F1_a_deal_out_of_sight_looks_like_one_that_is_not(ben: World) -> None:
    await ben.says("ben", f"show {SOUTHRIDGE}")
    hidden = await ben.hears("ben")
    await ben.says("ben", "show 00000000-0000-4000-8000-000000000000")
    missing = await ben.hears("ben")
    assert hidden.words.split("request")[0] == missing.words.split("request")[0]
