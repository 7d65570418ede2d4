"""The two pages a browser sees: what they say, what they set, and what they never give away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser

import pytest
from aiohttp import ClientResponse, ClientSession, DummyCookieJar, web
from aiohttp.test_utils import TestServer

from bot.background import Background
from bot.conversation import Person, Place
from bot.identity import Identity, Refusal
from bot.sign_in import REFUSALS, SIGNED_IN, Page, SignInPages, page
from tests.door.sign_in.entra_stand import (
    Clock,
    Stand,
    browse,
    cookies_of,
    person,
    personal,
    state_of,
)

SIGNED: list[tuple[Person, Place]] = []


class Browser:
    """Follows nothing by itself and sends only the cookies it is told to."""

    def __init__(self, base: str, session: ClientSession) -> None:
        self._base = base
        self._session = session

    async def get(
        self, path: str, query: dict[str, str], cookies: dict[str, str] | None = None
    ) -> tuple[ClientResponse, str]:
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())
        }
        answer = await self._session.get(
            self._base + path, params=query, headers=headers, allow_redirects=False
        )
        return answer, await answer.text()


@asynccontextmanager
async def browsing(identity: Identity, *, secure: bool) -> AsyncIterator[Browser]:
    SIGNED.clear()
    background = Background()

    async def signed_in(person: Person, place: Place) -> None:
        SIGNED.append((person, place))

    app = web.Application()
    app.router.add_routes(SignInPages(identity, background, signed_in, secure=secure).routes())
    async with TestServer(app) as server, ClientSession(cookie_jar=DummyCookieJar()) as session:
        yield Browser(str(server.make_url("")).rstrip("/"), session)
        await background.finish(5)


@pytest.fixture
async def browser(identity: Identity) -> AsyncIterator[Browser]:
    async with browsing(identity, secure=False) as browser:
        yield browser


async def opened(browser: Browser, identity: Identity) -> tuple[str, dict[str, str], str]:
    link = await identity.sign_in_link(person("ben"), personal("ben"))
    answer, _ = await browser.get("/auth/start", {"state": state_of(link)})
    assert answer.status == 303
    set_cookie = answer.headers["Set-Cookie"]
    return answer.headers["Location"], cookies_of(set_cookie), set_cookie


def guarded(answer: ClientResponse) -> None:
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script" not in policy
    assert "frame-ancestors 'none'" in policy


async def test_a_browser_signs_in_and_the_bot_is_told(
    stand: Stand, identity: Identity, browser: Browser
) -> None:
    url, cookies, set_cookie = await opened(browser, identity)
    answer, text = await browser.get("/auth/callback", browse(stand, url, "ben"), cookies)
    assert answer.status == 200
    assert "You are signed in" in text
    assert "Ben Okafor" in text
    guarded(answer)
    for attribute in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=900"):
        assert attribute in set_cookie
    assert "Secure" not in set_cookie
    assert await identity.is_signed_in(person("ben"))
    await browser.get("/auth/callback", {}, {})
    assert [(person("ben"), personal("ben"))] == SIGNED


async def test_over_https_the_cookie_is_secure_and_bound_to_the_host(
    stand: Stand, identity: Identity
) -> None:
    async with browsing(identity, secure=True) as browser:
        url, cookies, set_cookie = await opened(browser, identity)
        assert set_cookie.startswith("__Host-")
        assert "Secure" in set_cookie
        plain = {name.removeprefix("__Host-"): value for name, value in cookies.items()}
        refused, _ = await browser.get("/auth/callback", browse(stand, url, "ben"), plain)
        assert refused.status == 403
        answer, _ = await browser.get("/auth/callback", browse(stand, url, "ben"), cookies)
        assert answer.status == 200


async def test_somebody_else_gets_a_clear_page_and_nothing_happens(
    stand: Stand, identity: Identity, browser: Browser
) -> None:
    url, cookies, _ = await opened(browser, identity)
    answer, text = await browser.get("/auth/callback", browse(stand, url, "cleo"), cookies)
    assert answer.status == 403
    assert "This link is for somebody else" in text
    assert "Ben" not in text
    assert "Cleo" not in text
    guarded(answer)
    assert SIGNED == []
    assert not await identity.is_signed_in(person("ben"))


async def test_an_expired_link_says_so(identity: Identity, browser: Browser, clock: Clock) -> None:
    link = await identity.sign_in_link(person("ben"), personal("ben"))
    clock.advance(minutes=15)
    answer, text = await browser.get("/auth/start", {"state": state_of(link)})
    assert answer.status == 410
    assert "This link has expired" in text
    guarded(answer)


@pytest.mark.parametrize("path", ["/auth/start", "/auth/callback"])
@pytest.mark.parametrize("state", ["", "x", "<script>alert(1)</script>", "A" * 4000, "\r\nX: y"])
async def test_made_up_links_are_refused_and_nothing_is_echoed(
    browser: Browser, path: str, state: str
) -> None:
    answer, text = await browser.get(path, {"state": state, "code": "c", "error": state})
    assert answer.status == 404
    assert "<script" not in text
    assert "A" * 100 not in text
    guarded(answer)


class _Shape(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.lang: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "html":
            self.lang = dict(attrs).get("lang")


@pytest.mark.parametrize("shown", [SIGNED_IN, *REFUSALS.values()], ids=lambda one: one.title)
def test_every_page_can_be_read_by_everybody(shown: Page) -> None:
    text = page(shown, name="<b>Ben</b>").text
    assert text is not None
    shape = _Shape()
    shape.feed(text)
    assert shape.lang == "en"
    assert shape.tags.count("h1") == 1
    assert {"main", "title", "meta"} <= set(shape.tags)
    assert not {"script", "b", "a", "form", "img"} & set(shape.tags)


def test_every_refusal_has_its_own_page() -> None:
    assert set(REFUSALS) == set(Refusal)
