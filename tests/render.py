"""Draws one card the way the chat page draws it, and measures the drawing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Page, Route

from tests.browser import CHECKOUT, Chromium, launched

ORIGIN = "http://cards.example"
TESTS = CHECKOUT / "tests"
PLACES = {
    "/adaptivecards/": CHECKOUT / "sandbox" / "node_modules" / "adaptivecards" / "dist",
    "/measure/": TESTS,
    "/": CHECKOUT / "sandbox" / "page",
}
TYPES = {".js": "text/javascript", ".css": "text/css"}
EMPTY_PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>Card</title>
<link rel="stylesheet" href="/page.css"><link rel="stylesheet" href="/card.css">
<style>html, body { height: auto; margin: 0; display: block } </style>
<script src="/adaptivecards/adaptivecards.min.js"></script>
<script type="module" src="/measure/render.js"></script></head><body></body></html>"""


@dataclass(frozen=True, slots=True)
class Shot:
    """One drawing of one card.

    `problems` is empty for a good drawing. Each line starts with its kind: `overflow` (something is
    cut or sticks out), `label` (an input or button without a name), `contrast` (text below 4.5:1),
    `warning` (the renderer complained), `network` (the card asked for something outside itself),
    `script` (an error while drawing).
    """

    png: bytes
    problems: tuple[str, ...]


class CardRenderer:
    """A browser that draws cards one after another; use as `async with CardRenderer() as r`."""

    def __init__(self, chromium: Chromium | None = None) -> None:
        self._chromium = chromium
        self._open = AsyncExitStack()
        self._pages: dict[str, Page] = {}
        self._troubles: list[str] = []
        self._browser: Browser | None = None

    async def __aenter__(self) -> Self:
        self._browser = await self._open.enter_async_context(launched(self._chromium))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pages.clear()
        await self._open.aclose()

    async def draw(
        self,
        card: Mapping[str, object],
        *,
        width: int,
        theme: str = "light",
        locale: str = "en",
    ) -> Shot:
        """Draw `card` as it looks `width` CSS pixels wide.

        `theme` is `light` or `dark`; `locale` is a language tag such as `de-DE`.
        """
        page = self._pages.get(locale) or await self._page(locale)
        self._troubles.clear()
        await page.set_viewport_size({"width": width, "height": 600})
        found = await page.evaluate(
            "([card, theme, locale]) => window.draw(card, theme, locale)",
            [dict(card), theme, locale],
        )
        png = await page.locator(".card").first.screenshot()
        return Shot(png, (*map(str, found), *self._troubles))

    async def markdown(self, text: str) -> str:
        """The HTML that cards and messages make of `text`."""
        page = self._pages.get("en") or await self._page("en")
        return str(await page.evaluate("(text) => window.markdown(text)", text))

    async def _page(self, locale: str) -> Page:
        if self._browser is None:
            raise RuntimeError("CardRenderer is used outside its `async with` block.")
        context = await self._browser.new_context(locale=locale, timezone_id="UTC")
        await self._serve(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: self._troubles.append(f"script: {error}"))
        await page.goto(f"{ORIGIN}/")
        await page.wait_for_function("() => window.draw !== undefined")
        self._pages[locale] = page
        return page

    async def _serve(self, context: BrowserContext) -> None:
        async def answer(route: Route) -> None:
            address = urlsplit(route.request.url)
            if f"{address.scheme}://{address.netloc}" != ORIGIN:
                self._troubles.append(f"network: {route.request.url}")
                await route.abort()
            elif address.path == "/":
                await route.fulfill(body=EMPTY_PAGE, content_type="text/html")
            else:
                await _fulfil(route, address.path)

        await context.route("**/*", answer)


async def _fulfil(route: Route, path: str) -> None:
    file = _file(path)
    if file is None:
        await route.fulfill(status=404)
    else:
        await route.fulfill(path=file, content_type=TYPES.get(file.suffix))


def _file(path: str) -> Path | None:
    prefix = next(known for known in PLACES if path.startswith(known))
    file = PLACES[prefix] / path.removeprefix(prefix)
    return file if file.is_file() else None
