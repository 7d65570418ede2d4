"""Teams single sign-on: takes up the token that Teams offers, once per offer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.conversation import CONNECTION_NAME, Person
from bot.identity.blocking import Blocking
from bot.identity.entra import (
    Entra,
    EntraRefused,
    EntraUnavailable,
    WrongIdToken,
    owns,
    unverified,
)
from bot.identity.reasons import Reason
from bot.identity.tokens import Tokens
from bot.store import sign_ins, token_exchanges
from bot.store.engine import Store

KEPT = timedelta(days=1)
ELSEWHERE_SECONDS = 4.0
_LOOK_AGAIN_SECONDS = 0.1
_NEED_A_BROWSER = (Reason.MFA.value, Reason.CLAIMS.value)

_log = structlog.get_logger(__name__)


class Offers:
    """The single sign-on offers of everybody."""

    def __init__(
        self,
        entra: Entra,
        blocking: Blocking,
        tokens: Tokens,
        store: Store,
        clock: Callable[[], datetime],
    ) -> None:
        self._entra = entra
        self._blocking = blocking
        self._tokens = tokens
        self._store = store
        self._clock = clock
        self._running: dict[tuple[str, str, str], asyncio.Task[bool]] = {}

    async def take(
        self, person: Person, exchange_id: str, connection_name: str, token: str
    ) -> bool:
        """Takes up an offer, as `Identity.exchange` promises."""
        if connection_name != CONNECTION_NAME or not self._is_persons(person, token):
            _log.warning("single sign-on offer refused", person=person.id)
            return False
        key = (person.tenant, person.id, exchange_id)
        running = self._running.get(key)
        if running is None:
            running = asyncio.create_task(self._once(person, exchange_id, token))
            self._running[key] = running
            running.add_done_callback(lambda _: self._running.pop(key, None))
        return await asyncio.shield(running)

    async def is_first(self, person: Person, exchange_id: str) -> bool:
        """Whether this asks first about an offer taken up, as `Identity.is_first` promises."""
        async with self._store.begin() as connection:
            return await token_exchanges.announce(connection, person.tenant, person.id, exchange_id)

    def _is_persons(self, person: Person, token: str) -> bool:
        """Whether a token is for the bot and this person; Entra checks the rest of it."""
        claims = unverified(token)
        return (
            claims is not None
            and self._entra.is_audience(claims.get("aud"))
            and str(claims.get("oid", "")).lower() == person.id
            and str(claims.get("tid", "")).lower() == person.tenant
        )

    async def _once(self, person: Person, exchange_id: str, token: str) -> bool:
        now = self._clock()
        async with self._store.begin() as connection:
            await token_exchanges.prune(connection, now - KEPT)
            needs_browser = await sign_ins.is_asked(
                connection, person.tenant, person.id, _NEED_A_BROWSER, now
            )
            mine = not needs_browser and await token_exchanges.claim(
                connection, person.tenant, person.id, exchange_id, now
            )
        if needs_browser:
            return False
        if not mine:
            return await self._elsewhere(person, exchange_id)
        succeeded = await self._exchange(person, token)
        async with self._store.begin() as connection:
            await token_exchanges.settle(
                connection, person.tenant, person.id, exchange_id, succeeded
            )
        return succeeded

    async def _elsewhere(self, person: Person, exchange_id: str) -> bool:
        """How the instance that is exchanging this offer fares; False when it takes too long."""
        try:
            async with asyncio.timeout(ELSEWHERE_SECONDS):
                while True:
                    async with self._store.read() as connection:
                        outcome = await token_exchanges.outcome(
                            connection, person.tenant, person.id, exchange_id
                        )
                    if outcome is not None:
                        return outcome
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        except TimeoutError:
            return False

    async def _exchange(self, person: Person, token: str) -> bool:
        try:
            granted = await self._blocking(self._entra.on_behalf_of, person.tenant, token)
        except (EntraRefused, EntraUnavailable, WrongIdToken) as error:
            _log.info("single sign-on did not work", person=person.id, why=str(error))
            return False
        if not owns(granted.account, person):
            _log.warning("single sign-on gave somebody else's token", person=person.id)
            return False
        await self._tokens.keep(person, granted, "single sign-on")
        return True
