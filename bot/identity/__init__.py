"""Whose token: signs people in, keeps their tokens sealed, and gives one out right before use.

Tokens leave this package only as the answer of a bearer. They are never part of a value that is
shown, of an exception or of a log line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from bot.conversation import Person, Place
from bot.identity.blocking import Blocking
from bot.identity.entra import Account, Entra
from bot.identity.links import Finished, Links, Started
from bot.identity.offers import Offers
from bot.identity.reasons import (
    Reason,
    Refusal,
    SignInNeeded,
    SignInRefused,
    SignInUnavailable,
)
from bot.identity.sealing import Sealer
from bot.identity.tokens import PersonsToken, Tokens
from bot.settings import Settings
from bot.store.engine import Store

__all__ = [
    "Account",
    "Finished",
    "Identity",
    "PersonsToken",
    "Reason",
    "Refusal",
    "SignInNeeded",
    "SignInRefused",
    "SignInUnavailable",
    "Started",
]


class Identity:
    """Everybody's sign-in. `clock` gives aware UTC times."""

    def __init__(self, settings: Settings, store: Store, clock: Callable[[], datetime]) -> None:
        sealer = Sealer(settings.encryption_keys)
        self._entra = Entra(settings)
        self._blocking = Blocking()
        self._tokens = Tokens(self._entra, self._blocking, sealer, store, clock)
        self._offers = Offers(self._entra, self._blocking, self._tokens, store, clock)
        self._links = Links(
            self._entra, self._blocking, sealer, self._tokens, store, clock, settings.public_url
        )

    async def bearer(self, person: Person) -> PersonsToken:
        """Access to Partner Center as this person, renewed silently.

        Raises SignInNeeded when they have to sign in first, SignInUnavailable when Entra does not
        answer; so may every later call of the bearer itself.
        """
        bearer = self.acting(person)
        await bearer()
        return bearer

    def acting(self, person: Person) -> PersonsToken:
        """The same without asking now: for a request that follows at once, and asks itself."""
        return PersonsToken(self._tokens, person)

    async def is_signed_in(self, person: Person) -> bool:
        """Whether there are tokens for this person; they may turn out to be revoked."""
        return await self.account(person) is not None

    async def seems_signed_in(self, person: Person) -> bool:
        """As `is_signed_in`, but half a minute late: for what is only shown."""
        return await self._tokens.has_any(person)

    async def account(self, person: Person) -> Account | None:
        """Who this person is signed in as, or None when signed out."""
        return await self._tokens.account(person)

    async def sign_out(self, person: Person) -> bool:
        """Deletes the person's tokens; says whether there were any. Teams stays signed in."""
        return await self._tokens.delete(person)

    async def exchange(
        self, person: Person, exchange_id: str, connection_name: str, token: str
    ) -> bool:
        """Takes up a single sign-on offer of Teams; False means that Teams shows the button.

        The same offer from several clients is exchanged once and answered alike. An offer for
        another connection or with another person's token is refused, and so is any offer while
        the person is asked for a second factor or claims, which an offer cannot bring.
        """
        return await self._offers.take(person, exchange_id, connection_name, token)

    async def is_first(self, person: Person, exchange_id: str) -> bool:
        """True once for an offer that was taken up: whoever gets it carries on after the sign-in.

        Several clients send the same offer, and all of them are answered that it worked.
        """
        return await self._offers.is_first(person, exchange_id)

    async def sign_in_link(
        self,
        person: Person,
        place: Place,
        *,
        reason: Reason = Reason.SIGNED_OUT,
        claims: str | None = None,
    ) -> str:
        """A link that signs in this person and nobody else, once, within 15 minutes.

        For MFA a second factor is asked for; for CLAIMS what the challenge `claims` demands. The
        tokens that met a claims challenge are deleted, as they would be refused again.
        """
        return await self._links.make(person, place, reason, claims)

    async def start(self, state: str) -> Started:
        """Where a browser that opened a sign-in link goes. Raises SignInRefused.

        A link may be opened often: previews and scanners open links too.
        """
        return await self._links.start(state)

    async def finish(self, query: Mapping[str, str], cookies: Mapping[str, str]) -> Finished:
        """Completes a sign-in with what Entra sent the browser back with. Raises SignInRefused.

        The first code from the browser that opened the link uses it up, whoever's code it is.
        """
        return await self._links.finish(query, cookies)

    def close(self) -> None:
        """Ends the threads and connections to Entra."""
        self._blocking.close()
        self._entra.close()
