"""A seller checks whether a deal can be registered, and registers it, through a crash as well."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from sandbox.deals import FABRIKAM
from tests.client.journey import Office, Person

pytestmark = pytest.mark.client
TODAY = datetime.now(UTC).date()
DATES = {
    "term": "With an end date",
    "sign": TODAY.isoformat(),
    "start": TODAY.isoformat(),
    "end": (TODAY + timedelta(days=729)).isoformat(),
}


async def registrations(office: Office) -> list[str]:
    """Who made the writes that added a registration."""
    writes = await office.world.ledger()
    return [str(row["owner"]) for row in writes if "/registrations/-" in str(row["body"])]


async def goes_to_the_end(person: Person, *, pictured: bool = False) -> None:
    """Click through the steps after the dates, to the registered card."""
    shown = (lambda name: name) if pictured else (lambda _name: "")
    await person.sees("step 3 of 5", picture=shown("step-3"))
    await person.presses("Next")
    await person.sees("step 4 of 5", picture=shown("step-4"))
    await person.fills(azure="Yes", tenant="The customer's tenant", pricing="Other")
    await person.presses("Next")
    await person.sees("step 5 of 5", picture=shown("step-5"))
    await person.fills(marketplace="No")
    await person.presses("Next")
    await person.sees("Check and submit", "USD 250,000", picture=shown("read-back"))
    await person.is_readable()
    await person.presses("Submit")
    await person.sees("Approved", "USD 250,000", picture=shown("registered"))


async def test_a_failing_checklist_and_a_passing_one(office: Office) -> None:
    ben = await office.signed_in("ben")
    await ben.says("eligible northwind")
    failing = await ben.sees("Cannot be registered yet", "USD 25,000", picture="failing")
    assert await failing.get_by_role("button", name="Register").count() == 0
    await ben.says("eligible fabrikam analytics")
    passing = await ben.sees("Ready to register", "6 of 6", picture="passing")
    assert await passing.get_by_role("button", name="Register").count() == 1
    await ben.is_readable()


async def test_one_answer_typed_and_the_rest_clicked(office: Office) -> None:
    ben = await office.signed_in("ben")
    await ben.says("register fabrikam analytics")
    await ben.sees("step 1 of 5", picture="step-1")
    await ben.says("250k")
    await ben.sees("step 2 of 5", picture="step-2")
    await expect(ben.desk.get_by_role("button", name="Next", exact=True)).to_have_count(1)
    await ben.fills(**DATES)
    await ben.presses("Next")
    await goes_to_the_end(ben, pictured=True)
    assert await registrations(office) == ["ben"]
    (held,) = (await office.world.referral(FABRIKAM))["registrations"]
    assert held["contract"]["value"] == 250000


async def test_a_draft_survives_a_killed_bot(office: Office) -> None:
    ben = await office.signed_in("ben")
    await ben.says("register fabrikam analytics")
    await ben.sees("step 1 of 5")
    await ben.fills(value="250k")
    await ben.presses("Next")
    await ben.sees("step 2 of 5")
    await office.restarted()
    await ben.says("drafts")
    await ben.sees("Registrations not yet sent", "Fabrikam", picture="drafts")
    await ben.presses(re.compile("^#.+ Stopped at: "))
    await ben.sees("step 2 of 5", picture="resumed")
    await expect(ben.desk.get_by_role("button", name="Next", exact=True)).to_have_count(1)
    await ben.fills(**DATES)
    await ben.presses("Next")
    await goes_to_the_end(ben)
    assert await registrations(office) == ["ben"]
