"""The stage of the page's tests: a sandbox process, the stand-in bot, a browser and its pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from playwright.async_api import Browser, Locator, Page, Route

from sandbox import launch
from tests.browser import CHECKOUT, launched
from tests.client.stand_in_bot import StandInBot

SCREENS = CHECKOUT / "out" / "screens"
MEASURE = CHECKOUT / "tests" / "render.js"
WAIT_MS = 10_000


@dataclass(slots=True)
class Stage:
    """Everything a test of the page needs; `troubles` is what went wrong in any page."""

    address: str
    bot: StandInBot
    browser: Browser
    http: aiohttp.ClientSession
    troubles: list[str] = field(default_factory=list)
    _pages: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def open(
        self,
        person: str,
        conversation: str = "",
        *,
        theme: str = "light",
        width: int = 1280,
        height: int = 900,
    ) -> Page:
        """Open the page as a person, in a browser profile of its own."""
        context = await self.browser.new_context(viewport={"width": width, "height": height})
        self._pages.push_async_callback(context.close)
        context.set_default_timeout(WAIT_MS)
        context.on("weberror", lambda error: self.troubles.append(f"script: {error.error}"))
        await context.route("**/*", lambda route: self._watch(route))
        page = await context.new_page()
        where = f"&conversation={conversation}" if conversation else ""
        await page.goto(f"{self.address}?person={person}&theme={theme}{where}")
        await page.locator("nav a[aria-current]").wait_for(state="attached")
        return page

    async def say(self, person: str, conversation: str, text: str) -> None:
        """Have a person say something without a page of their own."""
        body = {"person": person, "conversation": conversation, "text": text}
        async with self.http.post(f"{self.address}_sandbox/teams/say", json=body) as answer:
            answer.raise_for_status()

    async def reset(self) -> None:
        """Back to empty conversations and no open page."""
        await self._pages.aclose()
        self.bot.hold.set()
        async with self.http.post(f"{self.address}_sandbox/reset") as answer:
            answer.raise_for_status()
        self.bot.activities.clear()
        self.troubles.clear()

    async def _watch(self, route: Route) -> None:
        url = route.request.url
        if url == f"{self.address}measure.js":
            await route.fulfill(path=MEASURE, content_type="text/javascript")
        elif url.startswith((self.address, f"{self.bot.url}/auth/")):
            await route.continue_()
        else:
            self.troubles.append(f"network: {url}")
            await route.abort()


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """Start the sandbox, the bot and the browser; all of them end with the block."""
    async with AsyncExitStack() as stack:
        bot = StandInBot()
        runner = await bot.start()
        stack.push_async_callback(runner.cleanup)
        running = await asyncio.to_thread(launch.start, 0, bot.url, folder)
        stack.push_async_callback(asyncio.to_thread, running.stop)
        bot.settings = running.settings
        browser = await stack.enter_async_context(launched())
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Stage(running.page, bot, browser, http)


async def say(page: Page, text: str) -> None:
    """Type into the message box and press Enter."""
    await page.locator("#compose-text").fill(text)
    await page.locator("#compose-text").press("Enter")


def heard(page: Page, text: str) -> Locator:
    """The bot's messages that contain this text."""
    return page.locator("article.bot", has_text=text)


async def keep(page: Page, name: str) -> None:
    """Write a screenshot, for people to look at."""
    await page.screenshot(path=SCREENS / f"{name}.png")
