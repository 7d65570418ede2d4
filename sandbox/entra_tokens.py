"""What Entra writes into the tokens it signs, and how those tokens are read back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.accounts import Account, Accounts
from sandbox.keys import BadToken, KeyRing
from sandbox.people import APP_ID, APP_OBJECT_ID, TENANT_ID, Person
from sandbox.tokens import Claims, TokenProblem

PARTNER_CENTER = "https://api.partner.microsoft.com"
PARTNER_CENTER_API = "https://api.partnercenter.microsoft.com"
"""Where notifications are registered: another audience than the referrals API."""
BOT_FRAMEWORK = "https://api.botframework.com"
GRAPH = "https://graph.microsoft.com"
SSO_RESOURCE = f"api://botid-{APP_ID}"
TEAMS_CLIENT = "5e3ce6c0-2b1f-4285-8d4b-75ee78787346"
"""The app id of Teams on the web, which asks for single sign-on tokens."""
ISSUER_V1 = f"https://sts.windows.net/{TENANT_ID}/"
APP_TOKEN_SECONDS = 86_399
ID_TOKEN_SECONDS = 3_599


@dataclass(frozen=True, slots=True)
class UserToken:
    """A verified delegated access token: whose it is and how they signed in."""

    account: Account
    amr: tuple[str, ...]
    audience: str


class EntraTokens:
    """Signs and reads Entra's tokens.

    A token is valid by the machine's clock and by the sandbox's movable clock alike, so that
    moving the latter ages tokens already given out and no new one is born expired.
    """

    def __init__(self, keys: KeyRing, accounts: Accounts, now: Callable[[], float]) -> None:
        self.keys = keys
        self._accounts = accounts
        self._now = now
        self.issuer_v2 = ""

    def span(self, seconds: float) -> dict[str, object]:
        """`iat`, `nbf` and `exp` of a token that lives this long on both clocks."""
        clocks = (time.time(), self._now())
        return {
            "iat": int(min(clocks)),
            "nbf": int(min(clocks)),
            "exp": int(max(clocks) + seconds),
        }

    def user_access(self, account: Account, resource: str, amr: tuple[str, ...]) -> str:
        """A delegated access token in the v1 shape (API reference 2.4)."""
        return self.keys.sign(
            {
                "aud": resource,
                "iss": ISSUER_V1,
                **self.span(account.token_seconds),
                **_names_v1(account.person),
                "acr": "1",
                "amr": list(amr),
                "appid": APP_ID,
                "appidacr": "1",
                "scp": "user_impersonation",
                "uti": self._accounts.new_token_id(account),
                "ver": "1.0",
            }
        )

    def sso(self, account: Account) -> str:
        """The token Teams fetches silently for the bot's own resource (single sign-on)."""
        return self.keys.sign(
            {
                "aud": SSO_RESOURCE,
                "iss": ISSUER_V1,
                **self.span(account.token_seconds),
                **_names_v1(account.person),
                "amr": list(amr_of(account)),
                "appid": TEAMS_CLIENT,
                "appidacr": "0",
                "scp": "access_as_user",
                "uti": self._accounts.new_token_id(account),
                "ver": "1.0",
            }
        )

    def app_access(self, resource: str) -> str:
        """An application's own access token."""
        return self.keys.sign(
            {
                "aud": resource,
                "iss": ISSUER_V1,
                **self.span(APP_TOKEN_SECONDS),
                "appid": APP_ID,
                "appidacr": "1",
                "idp": ISSUER_V1,
                "oid": APP_OBJECT_ID,
                "sub": APP_OBJECT_ID,
                "tid": TENANT_ID,
                "ver": "1.0",
            }
        )

    def identity(self, account: Account, nonce: str | None) -> str:
        """An id token in the v2 shape."""
        person = account.person
        named = {"nonce": nonce} if nonce else {}
        return self.keys.sign(
            {
                "aud": APP_ID,
                "iss": self.issuer_v2,
                **self.span(ID_TOKEN_SECONDS),
                **named,
                "name": person.name,
                "email": person.email,
                "oid": person.oid,
                "preferred_username": person.email,
                "sub": _subject(person),
                "tid": TENANT_ID,
                "ver": "2.0",
            }
        )

    def read_user(self, token: str, resource: str | None) -> UserToken:
        """Verify a delegated access token for `resource` (None: any). Raises BadToken."""
        claims = self.keys.verify(token, audience=resource, now=self._now())
        account = self._accounts.by_oid(str(claims.get("oid", "")))
        if claims["iss"] != ISSUER_V1 or account is None or "scp" not in claims:
            raise BadToken("not a user's token of this tenant")
        if not self._accounts.is_live(account, claims.get("uti")):
            raise BadToken("revoked")
        return UserToken(account, _strings(claims, "amr"), str(claims["aud"]))

    def read(self, authorization: str | None) -> Claims | TokenProblem:
        """Read an `Authorization` header for Partner Center, which checks the audience itself."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return TokenProblem("no bearer token")
        try:
            user = self.read_user(token.strip(), None)
        except BadToken as error:
            return TokenProblem(str(error))
        person = user.account.person
        return Claims(
            oid=person.oid,
            tenant=TENANT_ID,
            upn=person.email,
            aud=user.audience,
            amr=user.amr,
        )

    def read_app(self, token: str, audience: str = BOT_FRAMEWORK) -> str:
        """Verify the app's own token for an audience; gives the app id. Raises BadToken.

        Compared with the machine's clock: a client renews this token by the machine's clock.
        """
        claims = self.keys.verify(token, audience=audience, now=time.time())
        if claims["iss"] != ISSUER_V1 or "scp" in claims:
            raise BadToken("not an application's token of this tenant")
        return str(claims.get("appid", ""))


def amr_of(account: Account) -> tuple[str, ...]:
    """How this person signs in: password, and a second factor unless switched off."""
    return ("pwd", "mfa") if account.mfa else ("pwd",)


def _names_v1(person: Person) -> dict[str, object]:
    return {
        "family_name": person.last,
        "given_name": person.first,
        "name": person.name,
        "oid": person.oid,
        "sub": _subject(person),
        "tid": TENANT_ID,
        "unique_name": person.email,
        "upn": person.email,
    }


def _subject(person: Person) -> str:
    return f"sub-{person.oid.replace('-', '')}"


def _strings(claims: Mapping[str, object], name: str) -> tuple[str, ...]:
    values = claims.get(name)
    return tuple(str(value) for value in values) if isinstance(values, list) else ()
