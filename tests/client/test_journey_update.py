"""A seller changes a deal: typed, by form, with a new team member, alone and in a channel."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from sandbox.chats import GENERAL
from sandbox.deals import FABRIKAM
from tests.client.journey import Office
from tests.client.pages import heard, say

pytestmark = pytest.mark.client
ASKED = "Save this change?"
SAVED = "Saved in Partner Center"


async def test_a_value_is_typed_seen_before_and_after_and_saved(office: Office) -> None:
    ben = await office.signed_in("ben")
    await ben.says("update fabrikam analytics value 45k close 31 March 2027")
    await ben.sees(ASKED, "USD 30,000", "USD 45,000", "March 31, 2027", picture="before-after")
    assert await office.world.ledger() == []
    await ben.presses("Save")
    await ben.sees(SAVED, "USD 45,000", picture="saved")
    await ben.is_readable()
    await expect(ben.desk.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    (write,) = await office.world.ledger()
    assert write["owner"] == "ben"
    assert (await office.world.referral(FABRIKAM))["details"]["dealValue"] == 45000


async def test_the_form_changes_a_deal(office: Office) -> None:
    ben = await office.signed_in("ben")
    await ben.says("show fabrikam analytics")
    await ben.sees("Fabrikam analytics rollout", picture="deal")
    await ben.presses("Edit")
    await ben.sees("Edit this deal", picture="form")
    await ben.is_readable()
    await ben.fills(value="fifty", notes="Pilot agreed.\nBoard meets in May.")
    await ben.presses("Preview")
    form = await ben.sees("Edit this deal", "amount", picture="form-mistake")
    await expect(form.get_by_label("Notes")).to_have_value("Pilot agreed.\nBoard meets in May.")
    await ben.fills(value="52,500.00")
    await ben.presses("Preview")
    await ben.sees(ASKED, "USD 52,500", "Board meets in May.", picture="form-preview")
    await ben.presses("Save")
    await ben.sees(SAVED, picture="form-saved")
    held = (await office.world.referral(FABRIKAM))["details"]
    assert (held["dealValue"], held["notes"]) == (52500, "Pilot agreed.\nBoard meets in May.")


async def test_a_member_joins_the_team_by_form(office: Office) -> None:
    ben = await office.signed_in("ben")
    await ben.says("team add fabrikam analytics")
    await ben.sees("Add a team member", picture="member-form")
    await ben.fills(
        first="Jane", last="Doe", email="jane.doe@contoso.example", phone="+1 425 555 0100"
    )
    await ben.presses("Preview")
    await ben.sees(ASKED, "Jane Doe", picture="member-preview")
    await ben.presses("Save")
    await ben.sees(SAVED, "Jane Doe", picture="member-saved")
    (write,) = await office.world.ledger()
    assert write["owner"] == "ben"
    team = (await office.world.referral(FABRIKAM))["team"]
    assert "jane.doe@contoso.example" in [member["email"] for member in team]


async def test_in_a_channel_everybody_sees_and_only_the_asker_can_save(office: Office) -> None:
    await office.signed_in("ben")
    ben, cleo = await office.person("ben", GENERAL), await office.person("cleo", GENERAL)
    await say(ben.desk, "update fabrikam analytics value 45k")
    await ben.sees(ASKED, "USD 45,000")
    await cleo.sees(ASKED, "USD 45,000", picture="channel-cleo")

    await cleo.presses("Save")
    await cleo.sees("someone else", picture="channel-cleo-pressed")
    await expect(heard(ben.desk, "someone else")).to_have_count(0)
    assert await office.world.ledger() == []

    await ben.presses("Save")
    await ben.sees(SAVED, "USD 45,000", picture="channel-ben-saved")
    await cleo.sees(SAVED, "USD 45,000", picture="channel-cleo-saved")
    (write,) = await office.world.ledger()
    assert write["owner"] == "ben"
