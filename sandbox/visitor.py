"""Does with a sign-in link what a browser and a person in front of it would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp

from sandbox.loopback import is_here

HOPS = 10
WAIT_SECONDS = 20.0


class LostVisitor(Exception):
    """The link leads off this machine, to nobody who answers, or in circles."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Where the visit ended: the last page's status, text and address."""

    status: int
    text: str
    url: str


async def sign_in(link: str, person: str, *, authorize: str, password_only: bool = False) -> Visit:
    """Open `link`, pick `person` on the authorize page, follow the way back.

    `authorize` is the address of the authorize page without its query; an empty `person`
    cancels there. A link that never gets that far ends on the page it shows. Raises LostVisitor.
    """
    picked = {"person": person, **({"password_only": "1"} if password_only else {})}
    url: str = link
    form: Mapping[str, str] | None = None
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        timeout=aiohttp.ClientTimeout(total=WAIT_SECONDS),
        trust_env=False,
    ) as session:
        for _ in range(HOPS):
            at, _, _ = url.partition("?")
            if not is_here(url):
                raise LostVisitor(f"the link leads to {at}")
            status, text, location = await _open(session, url, form)
            if location is not None:
                url, form = urljoin(url, location), None
            elif status == 200 and form is None and at == authorize:
                form = picked
            else:
                return Visit(status, text, url)
    raise LostVisitor("the link leads in circles")


async def _open(
    session: aiohttp.ClientSession, url: str, form: Mapping[str, str] | None
) -> tuple[int, str, str | None]:
    """The status, the text and where the browser is sent on to; a form is sent by POST."""
    method = "POST" if form else "GET"
    try:
        async with session.request(method, url, data=form, allow_redirects=False) as answer:
            return answer.status, await answer.text(), answer.headers.get("Location")
    except (aiohttp.ClientError, TimeoutError) as error:
        raise LostVisitor(f"nobody answers at {url.partition('?')[0]}") from error
