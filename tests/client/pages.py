"""Opens the chat page as people do, each in a browser profile of their own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from playwright.async_api import Browser, Locator, Page, Route

from sandbox.browser import CHECKOUT

SCREENS = CHECKOUT / "out" / "screens"
WAIT_MS = 60_000
"""Patience: of a page, and of whoever looks for something on it."""


@dataclass(slots=True)
class Pages:
    """The open pages; `troubles` is what went wrong in any of them.

    `outside` says which addresses beside the page's own a browser may ask for.
    """

    address: str
    browser: Browser
    outside: Callable[[str], bool]
    troubles: list[str] = field(default_factory=list)
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

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
        self._open.push_async_callback(context.close)
        context.set_default_timeout(WAIT_MS)
        context.on("weberror", lambda error: self.troubles.append(f"script: {error.error}"))
        await context.route("**/*", lambda route: self._watch(route))
        page = await context.new_page()
        where = f"&conversation={conversation}" if conversation else ""
        await page.goto(f"{self.address}?person={person}&theme={theme}{where}")
        await page.locator("nav a[aria-current]").wait_for(state="attached")
        return page

    async def close(self) -> None:
        """Close every page."""
        await self._open.aclose()

    async def _watch(self, route: Route) -> None:
        url = route.request.url
        if url.startswith(self.address) or self.outside(url):
            await route.continue_()
        else:
            self.troubles.append(f"network: {url}")
            await route.abort()


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
