"""Entra through MSAL: the thin, blocking boundary. `blocking` calls it in threads.

MSAL since 1.38 does not validate id tokens ("validation is the application's responsibility"), so
they are verified here: signature, issuer, audience, life and nonce.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import jwt
import msal
import requests
from msal.exceptions import MsalError

from bot.conversation import Person
from bot.identity.entra_http import EntraHttp
from bot.settings import MICROSOFT_LOGIN, Settings

SKEW_SECONDS = 300
for _talkative in ("msal", "urllib3", "requests"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)


class EntraUnavailable(Exception):
    """Entra did not answer, or not with anything usable; the same call may work later."""


class EntraRefused(Exception):
    """Entra said no. Carries its OAuth error and AADSTS numbers, never its text or a token."""

    def __init__(self, error: str, codes: frozenset[int], claims: str | None = None) -> None:
        super().__init__(f"{error} {sorted(codes)}")
        self.error = error
        self.codes = codes
        self.claims = claims


class WrongIdToken(Exception):
    """An id token that is not for us, not from Entra, out of date or for another sign-in."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who is signed in, as Entra says."""

    oid: str
    tenant: str
    name: str
    upn: str
    email: str | None


@dataclass(frozen=True, slots=True)
class Granted:
    """A fresh sign-in: whose it is, and the MSAL cache that holds its tokens."""

    account: Account
    cache: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Silent:
    """An access token got without asking; `cache` is set when the cache changed with it."""

    token: str = field(repr=False)
    cache: str | None = field(repr=False)
    seconds: float = 0.0
    """How long the token is good; 0 when Entra does not say."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A sign-in under way: where the browser goes, and what is needed to finish it."""

    url: str = field(repr=False)
    secret: str = field(repr=False)

    @classmethod
    def of(cls, secret: str) -> Flow:
        """The flow that gave this secret."""
        return cls(json.loads(secret)["auth_uri"], secret)


def fingerprint(token: str) -> str:
    """What may be remembered of a token: enough to know it again, not to use it."""
    return hashlib.sha256(token.encode()).hexdigest()


class Entra:
    """Signs people in for Partner Center. Every method blocks and may raise EntraUnavailable."""

    def __init__(self, settings: Settings) -> None:
        self._client_id = settings.app_id or ""
        self._credential = client_credential(settings)
        self._authority = (settings.authority or "").rstrip("/")
        self._tenant = (settings.tenant_id or "").lower()
        self._scopes = [settings.partner_center_scope]
        self._audiences = frozenset({self._client_id, settings.sso_resource})
        self._http = EntraHttp(settings.ca_file)

    def __repr__(self) -> str:
        return f"Entra({self._authority})"

    def silent(self, tenant: str, cache: str, *, rejected: str | None = None) -> Silent | None:
        """A token for the person whose cache this is, refreshed when needed; None without one.

        `rejected` is the fingerprint of a token that was refused: that one is not given again.
        Raises EntraRefused when the person has to sign in anew.
        """
        kept = _opened(cache)
        app = self._app(tenant, kept)
        with _spoken():
            account = next(iter(app.get_accounts()), None)
            if account is None:
                return None
            answer = app.acquire_token_silent_with_error(self._scopes, account)
            if rejected and answer and fingerprint(answer.get("access_token", "")) == rejected:
                answer = app.acquire_token_silent_with_error(
                    self._scopes, account, force_refresh=True
                )
        if answer is None:
            return None
        token, seconds = _token(answer), answer.get("expires_in")
        return Silent(
            token,
            kept.serialize() if kept.has_state_changed else None,
            seconds if isinstance(seconds, int) else 0.0,
        )

    def on_behalf_of(self, tenant: str, assertion: str) -> Granted:
        """Exchanges a single sign-on token of Teams. Raises EntraRefused or WrongIdToken."""
        kept = msal.SerializableTokenCache()
        app = self._app(tenant, kept)
        with _spoken():
            answer = app.acquire_token_on_behalf_of(assertion, self._scopes)
        return self._granted(tenant, answer, kept, nonce=None)

    def authorize(
        self,
        tenant: str,
        redirect_uri: str,
        state: str,
        *,
        claims: str | None,
        login_hint: str | None,
    ) -> Flow:
        """Begins a sign-in in the browser, with PKCE and a nonce."""
        app = self._app(tenant, msal.SerializableTokenCache())
        with _spoken():
            flow = app.initiate_auth_code_flow(
                self._scopes,
                redirect_uri=redirect_uri,
                state=state,
                login_hint=login_hint,
                claims_challenge=claims,
                response_mode="form_post",
            )
        flow["auth_uri"] = _answered_by_query(flow["auth_uri"])
        return Flow.of(json.dumps(flow))

    def redeem(self, tenant: str, flow: Flow, query: Mapping[str, str]) -> Granted:
        """Finishes a sign-in with what the browser brought. Raises EntraRefused, WrongIdToken."""
        agreed = json.loads(flow.secret)
        kept = msal.SerializableTokenCache()
        app = self._app(tenant, kept)
        with _spoken():
            answer = _redeemed(app, agreed, query)
        nonce = hashlib.sha256(agreed["nonce"].encode("ascii")).hexdigest()
        return self._granted(tenant, answer, kept, nonce=nonce)

    def account(self, tenant: str, cache: str) -> Account | None:
        """Who a cache belongs to; read from it, without the network."""
        search = _opened(cache).search(msal.TokenCache.CredentialType.ID_TOKEN)
        for entry in search:
            claims = unverified(entry["secret"])
            if claims is not None and claims.get("tid") == tenant:
                return _account(claims)
        return None

    def is_audience(self, audience: object) -> bool:
        """Whether a single sign-on token with this `aud` is meant for the bot."""
        return isinstance(audience, str) and audience in self._audiences

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _app(self, tenant: str, cache: msal.SerializableTokenCache) -> Any:  # noqa: ANN401
        authority = self._authority_of(tenant)
        with _spoken():
            return msal_client(self._client_id, self._credential, authority, self._http, cache)

    def _authority_of(self, tenant: str) -> str:
        if tenant == self._tenant:
            return self._authority
        return f"{self._authority.rpartition('/')[0]}/{tenant}"

    def _granted(
        self,
        tenant: str,
        answer: Mapping[str, Any],
        cache: msal.SerializableTokenCache,
        *,
        nonce: str | None,
    ) -> Granted:
        _token(answer)
        with _spoken():
            claims = self._verified(tenant, answer.get("id_token"), nonce)
        return Granted(_account(claims), cache.serialize())

    def _verified(self, tenant: str, token: object, nonce: str | None) -> Mapping[str, object]:
        if not isinstance(token, str):
            raise WrongIdToken("there is none")
        metadata_url = f"{self._authority_of(tenant)}/v2.0/.well-known/openid-configuration"
        metadata = self._http.get(metadata_url).json()
        try:
            claims: dict[str, object] = jwt.decode(
                token,
                self._key(metadata["jwks_uri"], jwt.get_unverified_header(token).get("kid")),
                algorithms=["RS256"],
                audience=self._client_id,
                issuer=metadata["issuer"],
                leeway=SKEW_SECONDS,
                options={"require": ["exp", "iat", "aud", "iss", "oid", "tid"]},
            )
        except jwt.PyJWTError as error:
            raise WrongIdToken(type(error).__name__) from None
        if nonce is not None and claims.get("nonce") != nonce:
            raise WrongIdToken("another sign-in's nonce")
        return claims

    def _key(self, url: str, key_id: object) -> jwt.PyJWK:
        for fresh in (False, True):
            for key in jwt.PyJWKSet.from_dict(self._http.get(url, fresh=fresh).json()).keys:
                if key.key_id == key_id:
                    return key
        raise WrongIdToken("an unknown key")


def msal_client(
    client_id: str,
    credential: object,
    authority: str,
    http: EntraHttp,
    cache: msal.SerializableTokenCache | None = None,
) -> msal.ConfidentialClientApplication:
    """The bot to Entra; only Microsoft's own authority is looked up in its list of clouds."""
    known = urlsplit(authority).hostname == MICROSOFT_LOGIN
    return msal.ConfidentialClientApplication(
        client_id,
        client_credential=credential,
        authority=authority,
        token_cache=cache,
        http_client=http,
        instance_discovery=None if known else False,
    )


def client_credential(settings: Settings) -> str | dict[str, str]:
    """What proves the app to Entra, in MSAL's form: the secret, or a PEM with key and certificate.

    Raises ValueError when neither is set, OSError when the file cannot be read.
    """
    if settings.app_secret is not None:
        return settings.app_secret.get_secret_value()
    if settings.app_certificate is None:
        raise ValueError("an app secret or an app certificate is needed")
    pem = settings.app_certificate.read_text("ascii")
    return {"private_key": pem, "public_certificate": pem}


def owns(account: Account, person: Person) -> bool:
    """Whether who signed in is the person who acts in Teams: same object id, same tenant."""
    return (account.oid, account.tenant) == (person.id, person.tenant)


def unverified(token: str) -> Mapping[str, object] | None:
    """The claims of a token that somebody else verifies or has verified; None for a non-token."""
    try:
        claims: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return None
    return claims


def _answered_by_query(url: str) -> str:
    """The authorize address with the answer in the query, which MSAL can only warn about.

    A form posted from Entra's site would come without our Lax cookie. The code in the query is of
    no use to anybody else: it is bound to the PKCE verifier and to the cookie, and used at once.
    """
    parts = urlsplit(url)
    wanted = [pair for pair in parse_qsl(parts.query) if pair[0] != "response_mode"]
    return urlunsplit(parts._replace(query=urlencode([*wanted, ("response_mode", "query")])))


@contextmanager
def _spoken() -> Iterator[None]:
    """Turns what MSAL and requests raise into EntraUnavailable, without their text."""
    try:
        yield
    except (requests.RequestException, MsalError, ValueError, RuntimeError, KeyError) as error:
        raise EntraUnavailable(type(error).__name__) from None


def _redeemed(app: Any, agreed: dict[str, Any], query: Mapping[str, str]) -> Any:  # noqa: ANN401
    try:
        return app.acquire_token_by_auth_code_flow(dict(agreed), dict(query))
    except RuntimeError as error:
        raise WrongIdToken(type(error).__name__) from None


def _opened(cache: str) -> msal.SerializableTokenCache:
    opened = msal.SerializableTokenCache()
    opened.deserialize(cache)
    return opened


def _token(answer: Mapping[str, Any]) -> str:
    if "error" in answer:
        codes = frozenset(code for code in answer.get("error_codes", ()) if isinstance(code, int))
        raise EntraRefused(str(answer["error"]), codes, answer.get("claims"))
    token = answer.get("access_token")
    if not isinstance(token, str):
        raise EntraUnavailable("no token in the answer")
    return token


def _account(claims: Mapping[str, object]) -> Account:
    email = claims.get("email")
    return Account(
        oid=str(claims.get("oid", "")).lower(),
        tenant=str(claims.get("tid", "")).lower(),
        name=str(claims.get("name", "")),
        upn=str(claims.get("preferred_username", "")),
        email=email if isinstance(email, str) else None,
    )
