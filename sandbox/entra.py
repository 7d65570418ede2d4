"""Entra: the authorize page's decisions and the token endpoint's grants."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

from sandbox.accounts import Account, Accounts
from sandbox.entra_refusal import EntraRefused
from sandbox.entra_tokens import (
    APP_TOKEN_SECONDS,
    BOT_FRAMEWORK,
    GRAPH,
    PARTNER_CENTER,
    PARTNER_CENTER_API,
    SSO_RESOURCE,
    EntraTokens,
)
from sandbox.keys import BadToken
from sandbox.people import APP_ID, TENANT_ID

CODE_SECONDS = 600
OIDC_SCOPES = frozenset({"openid", "profile", "offline_access", "email"})
USER_RESOURCES = frozenset({PARTNER_CENTER, GRAPH})
APP_RESOURCES = frozenset({BOT_FRAMEWORK, PARTNER_CENTER_API})
"""What the app may ask a token of its own for."""
CODE = "authorization_code"
REFRESH = "refresh_token"
CLIENT = "client_credentials"
ON_BEHALF = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Authorize:
    """A checked request to the authorize page."""

    redirect_uri: str
    scope: str
    state: str | None
    nonce: str | None
    challenge: str | None
    claims: str | None
    login_hint: str | None

    def back(self, **answer: str) -> str:
        """The address the browser is sent back to, with this answer."""
        state = {"state": self.state} if self.state is not None else {}
        separator = "&" if "?" in self.redirect_uri else "?"
        return f"{self.redirect_uri}{separator}{urlencode({**answer, **state})}"


@dataclass(frozen=True, slots=True)
class TokenCall:
    """One call of the token endpoint, without its secrets."""

    seq: int
    at: str
    grant: str
    client: str
    person: str | None
    scope: str
    ok: bool
    error: str | None
    pkce: bool


@dataclass(slots=True)
class _Code:
    person: str
    request: Authorize
    amr: tuple[str, ...]
    born: float
    used: bool = False


@dataclass(frozen=True, slots=True)
class _Refresh:
    person: str
    amr: tuple[str, ...]
    generation: int


@dataclass(slots=True)
class _Call:
    form: Mapping[str, str]
    person: str | None = None
    pkce: bool = False


@dataclass(slots=True)
class Entra:
    """The tenant's sign-in service. Times are epoch seconds of the machine's clock."""

    tokens: EntraTokens
    accounts: Accounts
    secret: str
    redirect_uris: Callable[[], frozenset[str]]
    calls: list[TokenCall] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    """Every code and token given out: what must never turn up anywhere else."""
    _codes: dict[str, _Code] = field(default_factory=dict)
    _refreshes: dict[str, _Refresh] = field(default_factory=dict)

    def reset(self) -> None:
        """Forget calls, codes and sign-ins; everybody back to the start. Keys stay."""
        self.calls.clear()
        self.issued.clear()
        self._codes.clear()
        self._refreshes.clear()
        self.accounts.reset()

    def authorize(self, query: Mapping[str, str]) -> Authorize:
        """Check a request to the authorize page.

        Raises EntraRefused, which is shown and never redirected, as Entra does for a bad client
        or redirect address.
        """
        if query.get("client_id") != APP_ID:
            raise EntraRefused("unauthorized_client", 700016, "Application was not found.")
        if query.get("redirect_uri") not in self.redirect_uris():
            raise EntraRefused("invalid_request", 50011, "The redirect URI is not registered.")
        if query.get("response_type") != "code":
            raise EntraRefused("unsupported_response_type", 700054, "Only code is enabled.")
        if query.get("response_mode", "query") != "query":
            raise EntraRefused("invalid_request", 901007, "Only response_mode=query is enabled.")
        challenge = query.get("code_challenge")
        if challenge and query.get("code_challenge_method") != "S256":
            raise EntraRefused("invalid_request", 501481, "Only S256 code challenges are taken.")
        return Authorize(
            redirect_uri=query["redirect_uri"],
            scope=query.get("scope", ""),
            state=query.get("state"),
            nonce=query.get("nonce"),
            challenge=challenge,
            claims=query.get("claims"),
            login_hint=query.get("login_hint"),
        )

    def pick(self, request: Authorize, key: str, *, password_only: bool = False) -> str:
        """Sign a person in on the authorize page; gives the address to redirect to.

        Raises EntraRefused for a disabled account.
        """
        account = self.accounts[key]
        if account.disabled:
            raise EntraRefused("invalid_grant", 50057, "The user account is disabled.")
        second_factor = account.mfa or "mfa" in (request.claims or "")
        amr = ("pwd", "mfa") if second_factor and not password_only else ("pwd",)
        account.consented = True
        if request.claims or (account.claims and not password_only):
            account.claims = None
        code = f"0.{secrets.token_urlsafe(32)}"
        self.issued.append(code)
        self._codes[code] = _Code(key, request, amr, time.time())
        return request.back(code=code, session_state=str(uuid.uuid4()))

    def token(self, form: Mapping[str, str]) -> dict[str, object]:
        """Answer a call of the token endpoint. Raises EntraRefused; every call is recorded."""
        call = _Call(form)
        grants: dict[str, Callable[[_Call], dict[str, object]]] = {
            CODE: self._redeem_code,
            REFRESH: self._refresh,
            CLIENT: self._client_credentials,
            ON_BEHALF: self._on_behalf_of,
        }
        try:
            self._check_client(form)
            grant = grants.get(form.get("grant_type", ""))
            if grant is None:
                raise EntraRefused("unsupported_grant_type", 70003, "Unknown grant type.")
            answer = grant(call)
        except EntraRefused as refused:
            self._record(call, error=f"AADSTS{refused.number}")
            raise
        self._record(call, error=None)
        kinds = ("access_token", "id_token", REFRESH)
        self.issued += [str(answer[kind]) for kind in kinds if kind in answer]
        return answer

    def _record(self, call: _Call, *, error: str | None) -> None:
        form = call.form
        self.calls.append(
            TokenCall(
                seq=len(self.calls) + 1,
                at=datetime.now(UTC).isoformat(),
                grant=form.get("grant_type", ""),
                client=form.get("client_id", ""),
                person=call.person,
                scope=form.get("scope", ""),
                ok=error is None,
                error=error,
                pkce=call.pkce,
            )
        )

    def _check_client(self, form: Mapping[str, str]) -> None:
        if form.get("client_id") != APP_ID:
            raise EntraRefused("unauthorized_client", 700016, "Application was not found.")
        if not hmac.compare_digest(form.get("client_secret", ""), self.secret):
            raise EntraRefused("invalid_client", 7000215, "Invalid client secret provided.")

    def _client_credentials(self, call: _Call) -> dict[str, object]:
        resource = call.form.get("scope", "").removesuffix("/.default")
        if resource not in APP_RESOURCES or resource == call.form["scope"]:
            raise EntraRefused("invalid_scope", 70011, "The scope is not valid for this app.")
        return {
            "token_type": "Bearer",
            "expires_in": APP_TOKEN_SECONDS,
            "ext_expires_in": APP_TOKEN_SECONDS,
            "access_token": self.tokens.app_access(resource),
        }

    def _redeem_code(self, call: _Call) -> dict[str, object]:
        form = call.form
        code = self._codes.get(form.get("code", ""))
        if code is None:
            raise EntraRefused("invalid_grant", 9002313, "The code is malformed or unknown.")
        call.person = code.person
        if code.used:
            raise EntraRefused("invalid_grant", 54005, "The code was already redeemed.")
        if time.time() - code.born > CODE_SECONDS:
            raise EntraRefused("invalid_grant", 70008, "The code has expired.")
        code.used = True
        if form.get("redirect_uri") != code.request.redirect_uri:
            raise EntraRefused("invalid_grant", 50011, "The redirect URI is not the code's.")
        call.pkce = code.request.challenge is not None
        _check_pkce(code.request.challenge, form.get("code_verifier"))
        account = self._usable(code.person)
        scope = form.get("scope") or code.request.scope
        return self._user_answer(call, account, scope, code.amr, nonce=code.request.nonce)

    def _refresh(self, call: _Call) -> dict[str, object]:
        refresh = self._refreshes.get(call.form.get("refresh_token", ""))
        if refresh is None:
            raise EntraRefused("invalid_grant", 9002313, "The refresh token is unknown.")
        call.person = refresh.person
        account = self._usable(refresh.person)
        if refresh.generation != account.generation:
            raise EntraRefused("invalid_grant", 50173, "The grant was revoked.")
        return self._user_answer(call, account, call.form.get("scope", ""), refresh.amr)

    def _on_behalf_of(self, call: _Call) -> dict[str, object]:
        form = call.form
        if form.get("requested_token_use") != "on_behalf_of":
            raise EntraRefused("invalid_request", 900144, "requested_token_use is missing.")
        try:
            token = self.tokens.read_user(form.get("assertion", ""), SSO_RESOURCE)
        except BadToken as error:
            raise EntraRefused("invalid_grant", 50013, f"Assertion failed: {error}.") from error
        call.person = token.account.person.key
        account = self._usable(call.person)
        return self._user_answer(call, account, form.get("scope", ""), token.amr)

    def _usable(self, key: str) -> Account:
        """The account, when it may be given tokens without showing a page. Raises EntraRefused."""
        account = self.accounts[key]
        if account.disabled:
            raise EntraRefused("invalid_grant", 50057, "The user account is disabled.")
        if not account.consented:
            raise EntraRefused(
                "invalid_grant", 65001, "Consent was revoked.", suberror="consent_required"
            )
        if account.claims is not None:
            raise EntraRefused(
                "interaction_required",
                50076,
                "Multi-factor authentication is required by a policy.",
                suberror="basic_action",
                claims=account.claims,
            )
        return account

    def _user_answer(
        self,
        call: _Call,
        account: Account,
        scope: str,
        amr: tuple[str, ...],
        *,
        nonce: str | None = None,
    ) -> dict[str, object]:
        wanted = scope.split()
        resource = _resource(wanted)
        answer: dict[str, object] = {
            "token_type": "Bearer",
            "scope": f"{resource}/user_impersonation {resource}/.default",
            "expires_in": account.token_seconds,
            "ext_expires_in": account.token_seconds,
            "access_token": self.tokens.user_access(account, resource, amr),
        }
        if "offline_access" in wanted:
            refresh = f"1.{secrets.token_urlsafe(48)}"
            self._refreshes[refresh] = _Refresh(account.person.key, amr, account.generation)
            answer["refresh_token"] = refresh
        if "openid" in wanted:
            answer["id_token"] = self.tokens.identity(account, nonce)
        if call.form.get("client_info") == "1":
            answer["client_info"] = _client_info(account)
        return answer


def _resource(wanted: list[str]) -> str:
    """The one resource that the scopes name; Graph when they name none."""
    resources = {
        scope.rpartition("/")[0] for scope in wanted if scope not in OIDC_SCOPES and "/" in scope
    }
    if len(resources) > 1:
        raise EntraRefused("invalid_scope", 28000, "Scopes of more than one resource.")
    resource = next(iter(resources), GRAPH)
    if resource not in USER_RESOURCES:
        raise EntraRefused("invalid_scope", 70011, "The scope is not valid.")
    return resource


def _check_pkce(challenge: str | None, verifier: str | None) -> None:
    if challenge is None:
        return
    digest = hashlib.sha256((verifier or "").encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not verifier or not hmac.compare_digest(made, challenge):
        raise EntraRefused("invalid_grant", 501481, "The code verifier does not match.")


def _client_info(account: Account) -> str:
    raw = f'{{"uid":"{account.person.oid}","utid":"{TENANT_ID}"}}'.encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
