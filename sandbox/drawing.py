"""Draws cards as the chat page draws them, many at a time, and says what is wrong with each."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from sandbox.browser import Chromium, NoBrowser, launched

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, CDPSession, Page, Route

ORIGIN = "http://cards.example"
SANDBOX = Path(__file__).resolve().parent
PLACES = {
    "/adaptivecards/": SANDBOX / "node_modules" / "adaptivecards" / "dist",
    "/letters/": SANDBOX / "node_modules" / "@fontsource" / "kosugi" / "files",
    "/axe-core/": SANDBOX / "node_modules" / "axe-core",
    "/": SANDBOX / "page",
}
TYPES = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}
EMPTY_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Cards</title>
<link rel="stylesheet" href="/page.css"><link rel="stylesheet" href="/card.css">
<style>html, body { height: auto; margin: 0; display: block } main { display: block }
section { padding-bottom: 16px } #before, #after { position: absolute; width: 1px; padding: 0;
border: 0; clip-path: inset(50%) } </style>
<script src="/adaptivecards/adaptivecards.min.js"></script>
<script src="/axe-core/axe.min.js"></script>
<script type="module" src="/gallery/draw.js"></script></head>
<body><button id="before">Before</button><main></main><button id="after">After</button>
</body></html>"""
THEMES = ("light", "dark", "contrast")
WIDTHS = (320, 480, 800)
"""A phone, a narrow pane and a desk, in CSS pixels."""
RULES = ("layout", "fields", "names", "colours")
"""`layout` and `fields` (what stands in them) depend on width and words, `colours` on the theme."""
_WINDOW = 900
_TABS_AT_ONCE = 40
_MOST_TABS = 4000

Cards = Mapping[str, Mapping[str, object]]
Found = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Look:
    """How cards are looked at: `width` in CSS pixels, one of THEMES, a language tag (`de-DE`)."""

    width: int = 800
    theme: str = "light"
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Shot:
    """One drawing of one card.

    `problems` is empty for a good drawing. Each line starts with its kind: `overflow`, `clipped`,
    `overlap` (something is cut, sticks out or lies upon something else), `scroll` (the page moves
    sideways), `label` (an input or button without a name), `heading` (none, or out of order),
    `contrast` (text below 4.5:1, an edge below 3:1), `warning` (the renderer complained),
    `network` (the card asked for something outside itself), `script` (an error while drawing).
    """

    png: bytes
    problems: tuple[str, ...]


class DrawingRoom:
    """A browser that draws cards; use as `async with DrawingRoom() as room`. Raises NoBrowser.

    `hang` draws many at once; the rest says what is to be seen of those that hang.
    """

    def __init__(self, chromium: Chromium | None = None) -> None:
        self._chromium = chromium
        self._open = AsyncExitStack()
        self._pages: dict[str, tuple[Page, CDPSession]] = {}
        self._language = ""
        self._troubles: list[str] = []
        self._browser: Browser | None = None

    async def __aenter__(self) -> Self:
        if missing := [place for place in PLACES.values() if not place.is_dir()]:
            raise NoBrowser(f"{missing[0].relative_to(SANDBOX.parent)} is missing: make install.")
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

    async def hang(self, cards: Cards, look: Look) -> None:
        """Draw these cards below each other; what hung before is taken down."""
        self._language = look.language
        if look.language not in self._pages:
            self._pages[look.language] = await self._opened(look.language)
        self._troubles.clear()
        await self.widen(look.width)
        await self.page.evaluate(
            "([cards, theme, language]) => window.hang(cards, theme, language)",
            [{name: dict(card) for name, card in cards.items()}, look.theme, look.language],
        )

    async def widen(self, width: int) -> None:
        """Let the cards that hang be so many CSS pixels wide."""
        await self.page.set_viewport_size({"width": width, "height": _WINDOW})

    async def problems(self, rules: Sequence[str] = RULES) -> Found:
        """What breaks these rules, by card; under `""` what no single card is to blame for."""
        found: Found = await self.page.evaluate("(rules) => window.judge(rules)", list(rules))
        return _bad({**found, "": [*found.get("", []), *self._troubles]})

    async def accessibility(self) -> Found:
        """What axe-core objects to, by card."""
        return _bad(await self.page.evaluate("() => window.accessibility()"))

    async def focus(self) -> Found:
        """Press Tab from the first card to the last: what is out of order, not reached or unseen.

        Raises RuntimeError when the walk does not end.
        """
        await self.page.evaluate("() => window.startWalk()")
        for _ in range(_MOST_TABS // _TABS_AT_ONCE):
            for _ in range(_TABS_AT_ONCE):
                await self.page.keyboard.press("Tab")
            if await self.page.evaluate("() => window.walked()"):
                return _bad(await self.page.evaluate("() => window.endWalk()"))
        raise RuntimeError(f"The end was not reached by pressing Tab {_MOST_TABS} times.")

    async def pictures(self, names: Sequence[str] = ()) -> AsyncIterator[tuple[str, bytes]]:
        """The name and the PNG of each of these cards, or of all."""
        _, devtools = self._pages[self._language]
        heights: dict[str, int] = await self.page.evaluate("() => window.sizes()")
        size = self.page.viewport_size or {"width": 0, "height": 0}
        await self.page.set_viewport_size(
            {"width": size["width"], "height": max([*heights.values(), _WINDOW])}
        )
        for name in [name for name in heights if not names or name in names]:
            place = await self.page.evaluate("(name) => window.show(name)", name)
            taken = await devtools.send(
                "Page.captureScreenshot",
                {"format": "png", "clip": {**place, "scale": 1}, "optimizeForSpeed": True},
            )
            yield name, base64.b64decode(taken["data"])

    async def draw(
        self,
        card: Mapping[str, object],
        *,
        width: int,
        theme: str = "light",
        locale: str = "en",
    ) -> Shot:
        """Draw one card by itself and hold it to all RULES."""
        await self.hang({"card": card}, Look(width, theme, locale))
        found = await self.problems()
        shots = [png async for _, png in self.pictures()]
        return Shot(shots[0], (*found.get("card", ()), *found.get("", ())))

    async def markdown(self, text: str) -> str:
        """The HTML that cards and messages make of `text`."""
        if not self._pages:
            await self.hang({}, Look())
        return str(await self.page.evaluate("(text) => window.markdown(text)", text))

    @property
    def page(self) -> Page:
        """The page on which the cards hang."""
        return self._pages[self._language][0]

    async def _opened(self, language: str) -> tuple[Page, CDPSession]:
        if self._browser is None:
            raise RuntimeError("DrawingRoom is used outside its `async with` block.")
        context = await self._browser.new_context(locale=language, timezone_id="UTC")
        await self._serve(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: self._troubles.append(f"script: {error}"))
        await page.goto(f"{ORIGIN}/")
        await page.wait_for_function("() => window.hang !== undefined")
        return page, await context.new_cdp_session(page)

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


def _bad(found: Found) -> Found:
    return {name: problems for name, problems in found.items() if problems}


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
