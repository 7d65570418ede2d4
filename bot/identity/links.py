"""Sign-in in the browser: a link for one person, opened, and finished once.

The link's secret is also OAuth's `state`; only its hash is stored. PKCE verifier and nonce are
sealed in the link's row. A browser may finish only what it began: a cookie that follows from the
verifier ties the two together, and is the same however often the link is opened.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.conversation import Person, Place
from bot.identity.blocking import Blocking
from bot.identity.entra import Entra, EntraRefused, EntraUnavailable, Flow, WrongIdToken, owns
from bot.identity.reasons import Reason, Refusal, SignInRefused, declined
from bot.identity.sealing import Sealer
from bot.identity.tokens import Tokens
from bot.store import people, sign_ins, token_caches
from bot.store.engine import Store
from bot.store.sign_ins import SignIn

LINK_LIFE = timedelta(minutes=15)
KEPT_AFTER = timedelta(days=1)
MFA_CLAIMS = '{"access_token":{"amr":{"essential":true,"values":["mfa"]}}}'

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Started:
    """Where the browser goes next, and the cookie that ties its return to it."""

    url: str = field(repr=False)
    cookie_name: str
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """Somebody signed in: who, and where in Teams they had asked for it."""

    person: Person
    place: Place


class Links:
    """The sign-in links of everybody."""

    def __init__(
        self,
        entra: Entra,
        blocking: Blocking,
        sealer: Sealer,
        tokens: Tokens,
        store: Store,
        clock: Callable[[], datetime],
        public_url: str,
    ) -> None:
        self._entra = entra
        self._blocking = blocking
        self._sealer = sealer
        self._tokens = tokens
        self._store = store
        self._clock = clock
        self._public_url = public_url.rstrip("/")

    async def make(self, person: Person, place: Place, reason: Reason, claims: str | None) -> str:
        """A new link for this person, as `Identity.sign_in_link` promises."""
        state = secrets.token_urlsafe(32)
        now = self._clock()
        link = SignIn(
            state_hash=_hash(state),
            person=person,
            place=place,
            reason=reason.value,
            claims=claims or (MFA_CLAIMS if reason is Reason.MFA else None),
            created=now,
            expires=now + LINK_LIFE,
        )
        async with self._store.begin() as connection:
            await sign_ins.prune(connection, now - KEPT_AFTER)
            await sign_ins.put(connection, link)
            if reason is Reason.CLAIMS:
                await token_caches.delete(connection, person.tenant, person.id)
        return f"{self._public_url}/auth/start?state={state}"

    async def start(self, state: str) -> Started:
        """Where a browser that opened the link goes, as `Identity.start` promises."""
        link = await self._usable(state)
        flow = self._opened(link) or await self._begin(link, state)
        return Started(flow.url, _cookie_name(link), _cookie(flow))

    async def finish(self, query: Mapping[str, str], cookies: Mapping[str, str]) -> Finished:
        """Completes a sign-in, as `Identity.finish` promises."""
        link = await self._usable(query.get("state", ""))
        flow = self._opened(link)
        given = cookies.get(_cookie_name(link), "")
        if flow is None or not hmac.compare_digest(given.encode(), _cookie(flow).encode()):
            raise SignInRefused(Refusal.OTHER_BROWSER)
        if "code" not in query:
            raise SignInRefused(declined(query.get("error", "")))
        async with self._store.begin() as connection:
            if not await sign_ins.use(connection, link.state_hash, self._clock()):
                raise SignInRefused(Refusal.USED)
        await self._redeem(link.person, flow, query)
        return Finished(link.person, link.place)

    async def _redeem(self, person: Person, flow: Flow, query: Mapping[str, str]) -> None:
        try:
            granted = await self._blocking(self._entra.redeem, person.tenant, flow, query)
        except EntraUnavailable:
            raise SignInRefused(Refusal.UNAVAILABLE) from None
        except (EntraRefused, WrongIdToken) as error:
            _log.warning("sign-in failed", person=person.id, why=str(error))
            raise SignInRefused(Refusal.FAILED) from None
        if not owns(granted.account, person):
            _log.warning("sign-in by somebody else", asked=person.id)
            raise SignInRefused(Refusal.OTHER_PERSON)
        await self._tokens.keep(person, granted, "link")

    async def _usable(self, state: str) -> SignIn:
        async with self._store.read() as connection:
            link = await sign_ins.find(connection, _hash(state))
        if link is None:
            raise SignInRefused(Refusal.UNKNOWN_LINK)
        if link.used is not None:
            raise SignInRefused(Refusal.USED)
        if link.expires <= self._clock():
            raise SignInRefused(Refusal.EXPIRED)
        return link

    async def _begin(self, link: SignIn, state: str) -> Flow:
        """Agrees on a flow with Entra; of two browsers at once both get the one stored first."""
        async with self._store.read() as connection:
            known = await people.find(connection, link.person.tenant, link.person.id)
        try:
            flow = await self._blocking(
                self._entra.authorize,
                link.person.tenant,
                f"{self._public_url}/auth/callback",
                state,
                claims=link.claims,
                login_hint=None if known is None else known.upn,
            )
        except EntraUnavailable:
            raise SignInRefused(Refusal.UNAVAILABLE) from None
        sealed = self._sealer.seal(flow.secret, "flow", link.state_hash)
        async with self._store.begin() as connection:
            if await sign_ins.prepare(connection, link.state_hash, sealed):
                return flow
            stored = await sign_ins.find(connection, link.state_hash)
        first = None if stored is None else self._opened(stored)
        if first is None:
            raise SignInRefused(Refusal.USED)
        return first

    def _opened(self, link: SignIn) -> Flow | None:
        if link.flow is None:
            return None
        secret = self._sealer.open(link.flow, "flow", link.state_hash)
        return None if secret is None else Flow.of(secret)


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _cookie_name(link: SignIn) -> str:
    return f"dealdesk_sign_in_{link.state_hash[:12]}"


def _cookie(flow: Flow) -> str:
    return hashlib.sha256(f"cookie {flow.secret}".encode()).hexdigest()
