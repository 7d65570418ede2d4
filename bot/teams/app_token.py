"""The bot's own token for the connector: there from the start, renewed before it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import msal
import structlog
from msal.exceptions import MsalError

from bot.identity.entra import client_credential, msal_client
from bot.identity.entra_http import EntraHttp
from bot.settings import Settings

SCOPE = "https://api.botframework.com/.default"
AHEAD_SECONDS = 600.0
"""How long before its end a token is renewed."""
PAUSE_SECONDS = 5.0
"""After a failure, before Entra is asked again for somebody who waits."""
AGAIN_SECONDS = 60.0
"""The same while nobody waits."""
LIMIT_SECONDS = 10.0
LAST_SECONDS = 2.0
"""How long an answer that is on its way is waited for at the end."""

log = structlog.get_logger(__name__)


class NoAppToken(Exception):
    """Entra gave no token for the bot; the message is its error code and holds no secret."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A token and its life in seconds from now."""

    token: str = field(repr=False)
    seconds: float


class Ask(Protocol):
    """Gets a new token; blocks, so it is called in a thread. Raises NoAppToken."""

    def __call__(self) -> Granted: ...

    def close(self) -> None: ...


class Entra:
    """Asks Entra with the bot's own credential, for the connector unless another `scope` is given.

    The MSAL client is made once, on first use.
    """

    def __init__(self, settings: Settings, scope: str = SCOPE) -> None:
        self._settings = settings
        self._scope = scope
        self._http = EntraHttp(settings.ca_file)
        self._client: msal.ConfidentialClientApplication | None = None

    def __call__(self) -> Granted:
        """A new token, never one of MSAL's cache. Raises NoAppToken."""
        try:
            client = self._client = self._client or self._make()
            client.remove_tokens_for_client()
            answer = client.acquire_token_for_client([self._scope])
        except (OSError, ValueError, RuntimeError, MsalError) as error:
            raise NoAppToken(type(error).__name__) from error
        match answer:
            case {"access_token": str(token), "expires_in": int(seconds)}:
                return Granted(token, float(seconds))
            case {"error": str(code)}:
                raise NoAppToken(code)
            case _:
                raise NoAppToken("unexpected answer")

    def close(self) -> None:
        """Closes the connections to Entra."""
        self._http.close()

    def _make(self) -> msal.ConfidentialClientApplication:
        settings = self._settings
        credential = client_credential(settings)
        return msal_client(settings.app_id or "", credential, settings.authority or "", self._http)


class AppToken:
    """Gives the cached token out; `monotonic` gives seconds.

    From `start` to `close` it is asked for whenever it is due, so that no turn has to wait for it.
    """

    def __init__(
        self,
        ask: Ask,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._sleep = sleep
        self._token: str | None = None
        self._ends = 0.0
        self._due = 0.0
        self._failed: float | None = None
        self._asking: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Asks for a token in the background, and from then on before each one ends."""
        self._keeper = asyncio.create_task(self._keep())

    async def bearer(self) -> str:
        """A token that is still good. Raises NoAppToken."""
        self._renew_if_due()
        if not self._is_good() and self._asking is not None:
            await asyncio.wait({self._asking})
        if self._token is None or not self._is_good():
            raise NoAppToken("no token")
        return self._token

    def _is_good(self) -> bool:
        return self._token is not None and self._monotonic() < self._ends

    def refuse(self, token: str) -> None:
        """The connector did not accept this token: the next caller gets another one."""
        if token == self._token:
            self._token = None

    async def close(self) -> None:
        """Stops renewing and closes the connections to Entra; the one in use too, when it can."""
        if self._keeper is not None:
            self._keeper.cancel()
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=LAST_SECONDS)
            self._asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._asking
        self._ask.close()

    async def _keep(self) -> None:
        while True:
            self._renew_if_due()
            if self._asking is not None:
                await asyncio.wait({self._asking})
            wait = self._due - self._monotonic()
            await self._sleep(wait if wait > 0 else AGAIN_SECONDS)

    def _renew_if_due(self) -> None:
        if self._token is not None and self._monotonic() < self._due:
            return
        if self._asking is not None and not self._asking.done():
            return
        if self._failed is not None and self._monotonic() - self._failed < PAUSE_SECONDS:
            return
        self._asking = asyncio.create_task(self._fetch())

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                granted = await asyncio.to_thread(self._ask)
        except (NoAppToken, TimeoutError) as error:
            self._failed = self._monotonic()
            log.warning("no app token", reason=str(error) or "time-out")
            return
        self._failed = None
        wait = max(granted.seconds - AHEAD_SECONDS, granted.seconds / 2)
        now = self._monotonic()
        self._token, self._ends, self._due = granted.token, now + granted.seconds, now + wait
