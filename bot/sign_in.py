"""The two pages of a sign-in in the browser: where the link leads, and where Entra leads back.

Plain HTML without script; nothing of the address is passed on, kept or shown.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from html import escape

from aiohttp import web

from bot.background import Background
from bot.conversation import Person, Place
from bot.identity import Finished, Identity, Refusal, SignInRefused, Started
from cards.language import speaking, spoken
from cards.wording import marked, sentence

COOKIE_SECONDS = 900
START_PATH = "/auth/start"
CALLBACK_PATH = "/auth/callback"

SignedIn = Callable[[Person, Place], Awaitable[None]]

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;margin:0;color:#1b1a19;background:#fff}"
    "main{max-width:34rem;margin:12vh auto;padding:0 1.5rem}h1{font-size:1.5rem}"
    "@media(prefers-color-scheme:dark){body{color:#f3f2f1;background:#1f1f1f}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


@dataclass(frozen=True, slots=True)
class Page:
    """What a result page says: one heading, what happened, what to do next."""

    title: str
    happened: str
    next: str
    status: int


_NEW_LINK = marked("Go back to Teams and say sign in to Dealdesk to get a new link.")
SIGNED_IN = Page(
    marked("You are signed in"),
    marked("Dealdesk now works in Partner Center as {name}."),
    marked("You can close this window and go back to Teams."),
    200,
)
REFUSALS: Mapping[Refusal, Page] = {
    Refusal.UNKNOWN_LINK: Page(
        marked("This link is not valid"),
        marked("Dealdesk did not give out this link."),
        _NEW_LINK,
        404,
    ),
    Refusal.EXPIRED: Page(
        marked("This link has expired"),
        marked("A sign-in link works for 15 minutes."),
        _NEW_LINK,
        410,
    ),
    Refusal.USED: Page(
        marked("This link was used already"), marked("A sign-in link works once."), _NEW_LINK, 410
    ),
    Refusal.OTHER_BROWSER: Page(
        marked("The sign-in began elsewhere"),
        marked("You were not signed in, because this browser did not open the sign-in link."),
        marked("Open the link from Teams in this browser, and allow cookies for this page."),
        403,
    ),
    Refusal.OTHER_PERSON: Page(
        marked("This link is for somebody else"),
        marked(
            "You were not signed in: the link belongs to the person who asked for it in Teams, and "
            "you chose a different account."
        ),
        marked(
            "If you asked for it, get a new link in Teams and choose the account you use there. If "
            "somebody sent it to you, close this window."
        ),
        403,
    ),
    Refusal.DECLINED: Page(
        marked("You are not signed in"),
        marked("The sign-in was cancelled."),
        marked("Open the link again to retry."),
        403,
    ),
    Refusal.NOT_ALLOWED: Page(
        marked("Your organization has to allow this first"),
        marked("You were not signed in, because Dealdesk may not use Partner Center for you yet."),
        marked("Ask your Microsoft Entra administrator to grant consent to Dealdesk."),
        403,
    ),
    Refusal.UNAVAILABLE: Page(
        marked("Sign-in is not available right now"),
        marked("You were not signed in, because Microsoft Entra did not answer."),
        marked("Wait a minute and say sign in to Dealdesk in Teams."),
        503,
    ),
    Refusal.FAILED: Page(
        marked("You are not signed in"),
        marked("Microsoft Entra did not complete the sign-in."),
        _NEW_LINK,
        403,
    ),
}


class SignInPages:
    """The handlers. `signed_in` is told of everybody who got through, beside the page's answer."""

    def __init__(
        self, identity: Identity, background: Background, signed_in: SignedIn, *, secure: bool
    ) -> None:
        self._identity = identity
        self._background = background
        self._signed_in = signed_in
        self._secure = secure

    def routes(self) -> list[web.RouteDef]:
        """The two addresses that are open to browsers."""
        return [web.get(START_PATH, self.start), web.get(CALLBACK_PATH, self.callback)]

    async def start(self, request: web.Request) -> web.Response:
        """Sends the browser on to Entra, or says why not."""
        try:
            started = await self._identity.start(request.query.get("state", ""))
        except SignInRefused as refused:
            with _in_language_of(request):
                return page(REFUSALS[refused.code])
        answer = web.Response(status=303, headers={**HEADERS, "Location": started.url})
        self._set_cookie(answer, started)
        return answer

    async def callback(self, request: web.Request) -> web.Response:
        """Completes the sign-in and says how it went."""
        try:
            finished = await self._identity.finish(request.query, self._cookies(request))
        except SignInRefused as refused:
            with _in_language_of(request):
                return page(REFUSALS[refused.code])
        self._background.start(self._tell(finished), "after sign-in")
        with _in_language_of(request):
            return page(SIGNED_IN, name=finished.person.name)

    async def _tell(self, finished: Finished) -> None:
        await self._signed_in(finished.person, finished.place)

    def _set_cookie(self, answer: web.Response, started: Started) -> None:
        """Lax, because the browser comes back from Entra's site by a link."""
        answer.set_cookie(
            self._prefix + started.cookie_name,
            started.cookie,
            max_age=COOKIE_SECONDS,
            path="/",
            httponly=True,
            secure=self._secure,
            samesite="Lax",
        )

    def _cookies(self, request: web.Request) -> dict[str, str]:
        prefix = self._prefix
        return {
            name.removeprefix(prefix): value
            for name, value in request.cookies.items()
            if name.startswith(prefix)
        }

    @property
    def _prefix(self) -> str:
        """With https browsers refuse such a cookie from any other host."""
        return "__Host-" if self._secure else ""


def _in_language_of(request: web.Request) -> AbstractContextManager[None]:
    return speaking(request.headers.get("Accept-Language", "").partition(",")[0].strip())


def page(result: Page, **facts: str) -> web.Response:
    """A result page; facts are shown as text, whatever they contain."""
    title = escape(sentence(result.title))
    happened = escape(sentence(result.happened, **facts))
    html = (
        f'<!doctype html><html lang="{spoken().value}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} - Dealdesk</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{title}</h1><p>{happened}</p>"
        f"<p>{escape(sentence(result.next))}</p></main></body></html>"
    )
    return web.Response(text=html, status=result.status, content_type="text/html", headers=HEADERS)
