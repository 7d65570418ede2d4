"""Posts activities to the bot, signed as the Bot Framework service signs them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

import aiohttp

from sandbox import wire
from sandbox.activities import Activity
from sandbox.keys import KeyRing
from sandbox.people import APP_ID

ISSUER = "https://api.botframework.com"
TOKEN_SECONDS = 3_600
TOKEN_EARLY_SECONDS = 300
"""Tokens are valid from five minutes before they are made: 3,900 s in all, as in Teams."""
WAIT_SECONDS = 15.0
"""How long Teams waits for a bot's answer (traps 1.6)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot answered; `status` is None when it did not answer in time or at all."""

    status: int | None
    body: object = None
    """Parsed JSON, or None for an empty or unreadable body."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class TokenChange:
    """What a raw delivery changes in the token: for tests of a bot's door."""

    claims: Mapping[str, object] = field(default_factory=dict)
    """Claims put in place of the usual ones; a None takes the claim out."""
    headers: Mapping[str, object] = field(default_factory=dict)
    authorization: str | None = None
    """The whole header, in place of a signed token; an empty one sends none."""


@dataclass(slots=True)
class Delivery:
    """The way from Teams to the bot. `bot_url` can be changed while it runs."""

    keys: KeyRing
    session: aiohttp.ClientSession
    bot_url: str
    now: Callable[[], float]

    async def send(
        self, activity: Activity, change: TokenChange | None = None, to: str | None = None
    ) -> Answer:
        """Post one activity and wait for the answer; `to` is another instance of the bot."""
        service_url = activity.get("serviceUrl")
        header = self._authorization(service_url, change or TokenChange())
        headers = {"Authorization": header} if header else {}
        wait = aiohttp.ClientTimeout(total=WAIT_SECONDS)
        try:
            async with self.session.post(
                f"{to or self.bot_url}/api/messages",
                data=wire.write_bytes(cast("wire.Json", activity)),
                headers={**headers, "Content-Type": "application/json; charset=utf-8"},
                allow_redirects=False,
                timeout=wait,
            ) as response:
                text = await response.text()
                return Answer(response.status, _parsed(text), text)
        except (aiohttp.ClientError, TimeoutError) as error:
            return Answer(None, text=type(error).__name__)

    async def send_again(
        self, activity: Activity, times: int, *, together: bool
    ) -> tuple[Answer, ...]:
        """Post the same activity several times, one after the other or all at once."""
        if together:
            return tuple(await asyncio.gather(*(self.send(activity) for _ in range(times))))
        return tuple([await self.send(activity) for _ in range(times)])

    def _authorization(self, service_url: object, change: TokenChange) -> str:
        if change.authorization is not None:
            return change.authorization
        clocks = (time.time(), self.now())
        claims: dict[str, object] = {
            "serviceurl": service_url,
            "nbf": int(min(clocks)) - TOKEN_EARLY_SECONDS,
            "exp": int(max(clocks)) + TOKEN_SECONDS,
            "iss": ISSUER,
            "aud": APP_ID,
            **change.claims,
        }
        present = {name: value for name, value in claims.items() if value is not None}
        return f"Bearer {self.keys.sign(present, headers=change.headers)}"


def _parsed(text: str) -> object:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
