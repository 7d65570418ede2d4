"""The stage of the page's tests: a sandbox process, the stand-in bot, a browser and its pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from playwright.async_api import Page

from sandbox import launch
from sandbox.browser import launched
from tests.client.pages import Pages, heard, keep, say
from tests.client.stand_in_bot import StandInBot

__all__ = ["Stage", "heard", "keep", "say", "stage"]


@dataclass(slots=True)
class Stage:
    """Everything a test of the page needs."""

    bot: StandInBot
    pages: Pages
    http: aiohttp.ClientSession

    @property
    def address(self) -> str:
        """Where the page is."""
        return self.pages.address

    @property
    def troubles(self) -> list[str]:
        """What went wrong in any page."""
        return self.pages.troubles

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
        return await self.pages.open(person, conversation, theme=theme, width=width, height=height)

    async def say(self, person: str, conversation: str, text: str) -> None:
        """Have a person say something without a page of their own."""
        body = {"person": person, "conversation": conversation, "text": text}
        async with self.http.post(f"{self.address}_sandbox/teams/say", json=body) as answer:
            answer.raise_for_status()

    async def reset(self) -> None:
        """Back to empty conversations and no open page."""
        await self.pages.close()
        self.bot.hold.set()
        async with self.http.post(f"{self.address}_sandbox/reset") as answer:
            answer.raise_for_status()
        self.bot.activities.clear()
        self.troubles.clear()


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
        pages = Pages(running.page, browser, lambda url: url.startswith(f"{bot.url}/auth/"))
        yield Stage(bot, pages, http)
