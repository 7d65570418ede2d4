"""Ben asks, Dana decides, the channel looks on: every card ends the same; and a win is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from sandbox import launch
from sandbox.chats import WINS
from sandbox.deals import FABRIKAM
from tests.client.journey import Office, Person, newest
from tests.client.pages import heard
from tests.scenario.test_register import begins, walks_to_the_end
from tests.world import World

pytestmark = pytest.mark.client
WAITING = "Waiting for approval"
DONE = "Approved and done"
REASON = "The budget is 120k. Ask again with that."


class Governed(World):
    """A world whose bot keeps the policy of the embedded sandbox."""

    def environment(self, port: int, **overrides: object) -> dict[str, str]:
        """The settings of any bot here, and that policy."""
        policy = self.sandbox.settings["DEALDESK_APPROVAL_POLICY"]
        return super().environment(port, **{"approval_policy": policy, **overrides})


@pytest.fixture
async def world(sandbox: launch.Sandbox, tmp_path: Path) -> AsyncIterator[World]:
    """Where the office is; everybody's Teams refreshes a card that asks for it."""
    async with Governed(sandbox, tmp_path) as made:
        await made.teams(refresh={"ben": True, "cleo": True, "dana": True})
        yield made


async def can_press(person: Person, *titles: str) -> None:
    """Wait until the newest message offers these buttons and no other, at the desk and on the
    phone."""
    for page in (person.desk, person.phone):
        buttons = newest(page).locator(".card").get_by_role("button")
        await expect(buttons).to_have_text([*titles])


async def asks_for_150k(ben: Person) -> None:
    """Raise the value above what the policy lets pass."""
    await ben.says("update fabrikam analytics value 150k")
    await ben.sees("Save this change?", "USD 150,000")
    await ben.presses("Save")


async def value(office: Office) -> object:
    """What Partner Center holds."""
    return (await office.world.referral(FABRIKAM))["details"]["dealValue"]


async def test_a_registration_is_approved_and_every_card_says_so(office: Office) -> None:
    await office.signed_in("ben")
    await begins(office.world, where="wins")
    await walks_to_the_end(office.world, where="wins")
    ben, cleo = await office.person("ben", WINS), await office.person("cleo", WINS)
    dana = await office.person("dana")
    await ben.presses("Submit")

    asked = ("Register this deal?", WAITING, "USD 250,000", "The customer's tenant", "Ben Okafor")
    await can_press(ben, "Remind", "Withdraw")
    await ben.sees(*asked, picture="approval-asked-ben")
    await can_press(cleo, "Refresh")
    await cleo.sees(*asked, picture="approval-asked-cleo")
    await can_press(dana, "Approve", "Reject", "Ask back")
    await dana.sees(*asked, picture="approval-asked-dana")
    for person in (ben, cleo, dana):
        await person.is_readable()
    assert await office.world.ledger() == []

    await dana.presses("Approve")
    for person, name in ((ben, "ben"), (cleo, "cleo"), (dana, "dana")):
        await person.sees(DONE, "Dana Whitfield", picture=f"approval-done-{name}")
        await can_press(person)
        await person.is_readable()
    (write,) = await office.world.ledger()
    assert write["owner"] == "ben"
    (held,) = (await office.world.referral(FABRIKAM))["registrations"]
    assert held["contract"]["value"] == 250000


async def test_a_rejected_value_stays_as_it_was_and_everybody_reads_why(office: Office) -> None:
    await office.signed_in("ben")
    ben, cleo = await office.person("ben", WINS), await office.person("cleo", WINS)
    dana = await office.person("dana")
    await asks_for_150k(ben)
    await cleo.sees(WAITING, "USD 30,000", "USD 150,000", picture="approval-value-cleo")
    await dana.sees(WAITING, "USD 30,000", "USD 150,000")
    await dana.presses("Reject")
    await expect(heard(dana.desk, "Write why")).to_have_count(1)
    assert await office.world.ledger() == []
    await dana.fills(reason=REASON)
    await dana.presses("Reject")
    for person, name in ((ben, "ben"), (cleo, "cleo"), (dana, "dana")):
        await person.sees("Rejected", REASON, "Nothing was changed", "Dana Whitfield")
        await person.sees(REASON, picture=f"approval-rejected-{name}")
        await person.is_readable()
    assert await office.world.ledger() == []
    assert await value(office) == 30000


async def test_a_win_is_told_in_the_channel_that_asked(office: Office) -> None:
    ben = await office.signed_in("ben")
    await office.signed_in("cleo")
    cleo = await office.person("cleo", WINS)
    await cleo.says("subscribe won")
    await cleo.sees("Subscribed", "Deals won: ● On", picture="approval-subscribed")
    await cleo.is_readable()
    await ben.says("won fabrikam analytics")
    await ben.sees("Mark this deal as won?")
    await ben.presses("Mark as won")
    await ben.sees("Saved in Partner Center")
    won = ("Deal won", "Fabrikam Inc", "USD 30,000", "Ben Okafor", "register it within 60 days")
    await cleo.sees(*won, picture="approval-won")
    await cleo.is_readable()
    await expect(heard(cleo.desk, "Deal won")).to_have_count(1)
    (write,) = await office.world.ledger()
    assert write["owner"] == "ben"
