"""Does with a sign-in link what a browser and a person in front of it would do."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp

from sandbox.loopback import is_here

HOPS = 10
WAIT_SECONDS = 20.0


class LostVisitor(Exception):
    """The link leads off this machine, or in circles."""


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
    url, form = link, None
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        timeout=aiohttp.ClientTimeout(total=WAIT_SECONDS),
        trust_env=False,
    ) as session:
        for _ in range(HOPS):
            if not is_here(url):
                raise LostVisitor(f"the link leads to {url.partition('?')[0]}")
            method = "POST" if form else "GET"
            async with session.request(method, url, data=form, allow_redirects=False) as answer:
                text, form = await answer.text(), None
                if "Location" in answer.headers:
                    url = urljoin(url, answer.headers["Location"])
                elif (
                    answer.status == 200 and method == "GET" and url.partition("?")[0] == authorize
                ):
                    form = picked
                else:
                    return Visit(answer.status, text, url)
    raise LostVisitor("the link leads in circles")
