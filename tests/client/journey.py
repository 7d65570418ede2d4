"""People in front of the chat page with the real bot behind it: at a desk and on a phone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import quote

import aiohttp
from playwright.async_api import Locator, Page, expect

from sandbox.browser import launched
from tests.bots import AsProcess, start_process, until_ready
from tests.client.pages import SCREENS, Pages, say
from tests.world import World

DESK = (1280, 900)
PHONE = (320, 1400)
"""As narrow as a small phone; tall, so that a picture shows a whole card."""
REMINDER = "A new deal expires"
"""Comes unasked, soon after somebody's first registration: never what a person waits for here."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has the same conversation open twice: light on a desk, dark on a phone."""

    desk: Page
    phone: Page

    async def says(self, text: str) -> None:
        """Type at the desk and send."""
        await say(self.desk, text)

    async def sees(self, *texts: str, picture: str = "") -> Locator:
        """Wait until the bot's newest message, reminders aside, shows all these texts, at the desk
        and on the phone; gives it as the desk shows it. With `picture`, both are photographed."""
        for page in (self.desk, self.phone):
            for text in texts:
                await expect(newest(page)).to_contain_text(text)
        if picture:
            await self._photographed(picture)
        return newest(self.desk)

    async def presses(self, title: str | re.Pattern[str]) -> None:
        """Press the newest button with this title."""
        await (
            self.desk.locator("#messages")
            .get_by_role("button", name=title, exact=True)
            .last.click()
        )

    async def fills(self, **inputs: str) -> None:
        """Fill inputs of the newest card by their ids; a choice is picked by what it says."""
        for name, value in inputs.items():
            field = self.desk.locator(f"#messages [id^='card'][id$='-{name}']").last
            if await field.locator("select").count():
                await field.locator("select").select_option(label=value)
            elif await field.get_by_role("radio").count():
                await field.get_by_text(value, exact=True).click()
            else:
                await field.locator("input, textarea").fill(value)

    async def is_readable(self) -> None:
        """Nothing is cut off sideways on the phone, everything has a name and contrast."""
        for page in (self.desk, self.phone):
            assert await page.evaluate(_SIDEWAYS) == []
            assert await page.evaluate(_UNREADABLE) == []

    async def _photographed(self, name: str) -> None:
        for page, kind in ((self.desk, "1280-light"), (self.phone, "320-dark")):
            await page.screenshot(path=SCREENS / f"journey-{name}-{kind}.png")


def newest(page: Page) -> Locator:
    """The bot's newest message there, reminders aside."""
    return page.locator("article.bot").filter(has_not_text=REMINDER).last


@dataclass(slots=True)
class Office:
    """A world with the real bot in a process of its own, and browsers in front of it."""

    world: World
    pages: Pages
    bot: AsProcess

    async def person(self, key: str, conversation: str = "") -> Person:
        """Sit somebody down before a conversation, their personal chat unless named."""
        where = quote(conversation)
        desk = await self.pages.open(key, where, width=DESK[0], height=DESK[1])
        phone = await self.pages.open(key, where, theme="dark", width=PHONE[0], height=PHONE[1])
        return Person(desk, phone)

    async def signed_in(self, key: str) -> Person:
        """Somebody who signed in before, in their personal chat."""
        await self.world.signs_in(key)
        await self.world.hears(key, until="You are signed in")
        return await self.person(key)

    async def restarted(self) -> None:
        """Kill the bot with SIGKILL and start it again on its port and database."""
        await self.bot.kill()
        port = int(self.bot.url.rpartition(":")[2])
        log = self.bot.log.with_name("bot-again.log")
        begun = start_process(lambda _free: self.world.environment(port), self.world.folder, log)
        begun.kept.close()
        self.bot = replace(begun, url=self.bot.url, kept=self.bot.kept)
        async with aiohttp.ClientSession() as http:
            await until_ready(self.bot, http)


@asynccontextmanager
async def office(world: World) -> AsyncIterator[Office]:
    """Open for business; afterwards no page had a script error or asked the outside."""
    bot = await world.bot_process()
    async with launched() as browser:
        pages = Pages(world.sandbox.page, browser, lambda url: url.startswith(f"{bot.url}/auth/"))
        opened = Office(world, pages, bot)
        try:
            yield opened
        finally:
            await pages.close()
            await opened.bot.stop()
    assert pages.troubles == []


_SIDEWAYS = """[document.documentElement, ...document.querySelectorAll('#messages, .card')]
    .filter((it) => it.scrollWidth > it.clientWidth).map((it) => it.tagName + it.className)"""
_UNREADABLE = """import('./gallery/rules.js')
    .then((it) => [...it.unnamed(document.body), ...it.faint(document.body)])"""
