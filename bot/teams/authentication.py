"""Decides whether an activity really comes from Teams, for this bot, from a tenant it serves.

botbuilder's own check is replaced through its extension point `BotFrameworkAuthentication`: it
accepts tokens without `exp`, activities without `serviceUrl`, any host and the emulator's issuers.
Rules: Bot Connector authentication (issuer, audience, 5 min skew, `serviceurl` claim, endorsement).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import jwt
from botbuilder.schema import Activity
from botframework.connector.auth import (
    AuthenticateRequestResult,
    BotFrameworkAuthentication,
    ClaimsIdentity,
    ConnectorFactory,
)
from jwt.types import Options

from bot.recent import Recent
from bot.teams.activity import sender_id, tenant_of
from bot.teams.hosts import Hosts
from bot.teams.keys import Freshness, SigningKey, SigningKeys
from bot.teams.refusal import Reason, Refused

ISSUER = "https://api.botframework.com"
CHANNEL = "msteams"
SKEW_SECONDS = 300
_MAX_TOKEN = 16 * 1024
_MOST_SIGNED = 256
_SIGNED_FOR = timedelta(minutes=5)
_BEARER = re.compile(r"Bearer ((?:[A-Za-z0-9_-]+\.){2}[A-Za-z0-9_-]+)", re.ASCII | re.IGNORECASE)
_KINDS_WITHOUT_PERSON = frozenset({"conversationUpdate", "installationUpdate"})
_UNCHECKED: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
}


@dataclass(frozen=True, slots=True)
class Verified:
    """What a valid token says; the token itself is not kept."""

    service_url: str
    endorsements: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Signed:
    """What the signature of a token stands for."""

    key_id: str
    key: SigningKey
    claims: Mapping[str, object]


class TeamsAuthentication(BotFrameworkAuthentication):  # type: ignore[misc]
    """Tokens of Bot Framework for this bot, from allowed hosts and tenants; nothing else."""

    def __init__(
        self,
        *,
        app_id: str,
        tenants: frozenset[str],
        hosts: Hosts,
        keys: SigningKeys,
        connectors: ConnectorFactory,
        now: Callable[[], datetime],
    ) -> None:
        self._app_id = app_id
        self._tenants = tenants
        self._hosts = hosts
        self._keys = keys
        self._connectors = connectors
        self._now = now
        self._signed: Recent[bytes, _Signed] = Recent(_MOST_SIGNED, _SIGNED_FOR, now)

    async def verify(self, header: str | None) -> Verified:
        """What the token of an Authorization header says. Raises Refused, 401 or 403."""
        match = _BEARER.fullmatch(header) if header and len(header) <= _MAX_TOKEN else None
        if match is None:
            raise Refused(401, Reason.UNREADABLE_TOKEN if header else Reason.NO_TOKEN)
        signed = await self._signed_by_microsoft(match[1])
        self._check(signed.claims)
        service_url = signed.claims.get("serviceurl")
        if not isinstance(service_url, str) or not service_url:
            raise Refused(403, Reason.SERVICE_URL)
        return Verified(service_url, signed.key.endorsements)

    async def _signed_by_microsoft(self, token: str) -> _Signed:
        """What a token says, once its signature is right. That of a token seen lately is not
        worked out again while its key is still the one that is published."""
        print_of_it = sha256(token.encode()).digest()
        known = self._signed.get(print_of_it)
        key_id = known.key_id if known is not None else _key_id(token)
        key = await self._key(key_id)
        if known is None or known.key is not key:
            known = _Signed(key_id, key, _claims(token, key))
            self._signed.put(print_of_it, known)
        return known

    async def _key(self, key_id: str) -> SigningKey:
        key = await self._keys.find(key_id)
        if key is None and self._keys.freshness is Freshness.MISSING:
            raise Refused(503, Reason.NO_KEYS)
        if key is None:
            raise Refused(403, Reason.UNKNOWN_KEY)
        return key

    def _check(self, claims: Mapping[str, object]) -> None:
        if claims.get("iss") != ISSUER:
            raise Refused(403, Reason.ISSUER)
        if claims.get("aud") != self._app_id:
            raise Refused(403, Reason.AUDIENCE)
        moment = self._now().timestamp()
        if _seconds(claims.get("exp"), Reason.TOO_LATE) + SKEW_SECONDS < moment:
            raise Refused(403, Reason.TOO_LATE)
        if _seconds(claims.get("nbf"), Reason.TOO_EARLY) - SKEW_SECONDS > moment:
            raise Refused(403, Reason.TOO_EARLY)

    def admit(self, verified: Verified, activity: Activity) -> AuthenticateRequestResult:
        """Ties a verified token to the activity it came with. Raises Refused(403)."""
        if activity.channel_id != CHANNEL:
            raise Refused(403, Reason.CHANNEL)
        if CHANNEL not in verified.endorsements:
            raise Refused(403, Reason.ENDORSEMENT)
        service_url = activity.service_url
        if not service_url or service_url.rstrip("/") != verified.service_url.rstrip("/"):
            raise Refused(403, Reason.SERVICE_URL)
        if not self._hosts.allow(service_url):
            raise Refused(403, Reason.HOST)
        if tenant_of(activity) not in self._tenants:
            raise Refused(403, Reason.TENANT)
        if activity.type not in _KINDS_WITHOUT_PERSON and sender_id(activity) is None:
            raise Refused(403, Reason.PERSON)
        return self._result(service_url)

    def _result(self, service_url: str) -> AuthenticateRequestResult:
        result = AuthenticateRequestResult()
        result.claims_identity = ClaimsIdentity(
            {"iss": ISSUER, "aud": self._app_id, "serviceurl": service_url}, True
        )
        result.audience = ISSUER
        result.connector_factory = self._connectors
        return result

    async def authenticate_request(
        self, activity: Activity, auth_header: str
    ) -> AuthenticateRequestResult:
        """botbuilder's entry: verify and admit in one."""
        return self.admit(await self.verify(auth_header), activity)

    async def authenticate_streaming_request(
        self, auth_header: str, channel_id_header: str
    ) -> AuthenticateRequestResult:
        """Streaming connections are not served."""
        raise Refused(403, Reason.CHANNEL)

    def create_connector_factory(self, claims_identity: ClaimsIdentity) -> ConnectorFactory:
        """The factory whose clients share the door's session."""
        return self._connectors

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> None:
        """None: people sign in with this bot itself, never through the token service."""


def _key_id(token: str) -> str:
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError) as error:
        raise Refused(401, Reason.UNREADABLE_TOKEN) from error
    if header.get("alg") != "RS256":
        raise Refused(403, Reason.ALGORITHM)
    found = header.get("kid")
    if not isinstance(found, str):
        raise Refused(403, Reason.UNKNOWN_KEY)
    return found


def _claims(token: str, key: SigningKey) -> Mapping[str, object]:
    try:
        claims: Mapping[str, object] = jwt.decode(
            token, key.public, algorithms=["RS256"], options=_UNCHECKED
        )
    except jwt.InvalidSignatureError as error:
        raise Refused(403, Reason.SIGNATURE) from error
    except (jwt.PyJWTError, ValueError) as error:
        raise Refused(403, Reason.UNREADABLE_TOKEN) from error
    return claims


def _seconds(value: object, reason: Reason) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(403, reason)
    return value
