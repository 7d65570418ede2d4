"""A newcomer says hello, signs in through the browser, and the command they gave is carried out."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.client.journey import Office, Person
from tests.client.pages import SCREENS

pytestmark = pytest.mark.client


async def authorize(person: Person, name: str) -> Page:
    """Press the newest sign-in link and choose an account on the page it opens."""
    link = person.desk.get_by_role("link", name="Sign in").last
    async with person.desk.expect_popup() as opening:
        await link.click()
    tab = await opening.value
    await tab.get_by_role("heading", name="Pick a person").wait_for()
    await tab.screenshot(path=SCREENS / "journey-authorize-1280-light.png")
    await tab.get_by_role("button", name=name).click()
    await tab.wait_for_url("**/auth/callback*")
    return tab


async def test_a_newcomer_signs_in_and_gets_what_they_asked_for(office: Office) -> None:
    ben = await office.person("ada")
    await ben.desk.get_by_label("You are").select_option("ben")
    await ben.phone.get_by_label("You are").select_option("ben")
    await ben.says("hello")
    await ben.sees("What you can say", picture="help")
    assert await office.world.requests() == []

    await ben.says("list")
    await ben.sees("Sign in to Partner Center", picture="asked-to-sign-in")
    tab = await authorize(ben, "Ben Okafor")
    await expect(tab.get_by_text("You can close this window")).to_be_visible()
    await tab.screenshot(path=SCREENS / "journey-callback-1280-light.png")
    await tab.close()
    await ben.sees("My deals", "Fabrikam Inc", picture="list")
    await expect(ben.desk.get_by_role("link", name="Sign in")).to_have_count(0)
    await ben.is_readable()
    listed = [row for row in await office.world.requests() if row["method"] == "GET"]
    assert [row["owner"] for row in listed] == ["ben"]

    await ben.says("sign out")
    await ben.sees("You are signed out", picture="signed-out")
    await ben.says("list")
    await expect(ben.desk.get_by_role("link", name="Sign in")).to_be_visible()


async def test_the_account_of_somebody_else_is_refused(office: Office) -> None:
    ben = await office.person("ben")
    await ben.says("list")
    await ben.sees("Sign in to Partner Center")
    tab = await authorize(ben, "Cleo Marchetti")
    await expect(tab.get_by_role("heading", name="somebody else")).to_be_visible()
    await tab.screenshot(path=SCREENS / "journey-somebody-else-1280-light.png")
    await ben.says("who am I")
    await ben.sees("sign")
    assert await office.world.requests() == []
