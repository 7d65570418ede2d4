"""Entra over HTTP: discovery, keys and tokens over TLS; the authorize page for browsers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from sandbox.entra import CLIENT, CODE, ON_BEHALF, REFRESH, Authorize, Entra
from sandbox.entra_page import pick_page, trouble_page
from sandbox.entra_refusal import EntraRefused
from sandbox.people import PEOPLE, TENANT_DOMAIN, TENANT_ID

TENANT_NAMES = frozenset({TENANT_ID, TENANT_DOMAIN, "organizations"})
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
PAGE_HEADERS = {
    **NO_STORE,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
"""A browser says `Origin: null` of a form on a page without any referrer, and is refused."""


@dataclass(frozen=True, slots=True)
class EntraRoutes:
    """The handlers; `tls` and `plain` are the bases of the two servers, without a slash."""

    entra: Entra
    tls: str
    plain: str

    def tls_routes(self) -> list[web.RouteDef]:
        """What the bot reaches over TLS."""
        return [
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", self.metadata),
            web.get("/{tenant}/discovery/v2.0/keys", self.keys),
            web.post("/{tenant}/oauth2/v2.0/token", self.token),
        ]

    def plain_routes(self) -> list[web.RouteDef]:
        """What a browser reaches beside the chat page."""
        path = "/entra/{tenant}/oauth2/v2.0/authorize"
        return [web.get(path, self.authorize), web.post(path, self.pick)]

    async def metadata(self, request: web.Request) -> web.Response:
        """The OpenID provider metadata of the tenant."""
        if refused := _wrong_tenant(request):
            return refused
        base = f"{self.tls}/{TENANT_ID}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{self.plain}/entra/{TENANT_ID}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_modes_supported": ["query"],
                "response_types_supported": ["code"],
                "grant_types_supported": [CODE, REFRESH, CLIENT, ON_BEHALF],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
            }
        )

    async def keys(self, request: web.Request) -> web.Response:
        """The published signing keys."""
        return _wrong_tenant(request) or web.json_response(self.entra.tokens.keys.jwks())

    async def token(self, request: web.Request) -> web.Response:
        """The token endpoint."""
        if refused := _wrong_tenant(request):
            return refused
        form = _texts(await request.post())
        try:
            return web.json_response(self.entra.token(form), headers=NO_STORE)
        except EntraRefused as error:
            return web.json_response(error.body(), status=error.status, headers=NO_STORE)

    async def authorize(self, request: web.Request) -> web.Response:
        """The page on which a person is picked."""
        try:
            wanted = self._wanted(request)
        except EntraRefused as error:
            return _html(trouble_page(str(error)), status=400)
        accounts = [self.entra.accounts[key] for key in PEOPLE]
        return _html(pick_page(accounts, wanted.login_hint))

    async def pick(self, request: web.Request) -> web.Response:
        """A button of that page was pressed."""
        form = _texts(await request.post())
        key = form.get("person", "")
        try:
            wanted = self._wanted(request)
            if key not in PEOPLE:
                target = wanted.back(
                    error="access_denied",
                    error_description="AADSTS65004: The user declined to consent.",
                )
            else:
                only = form.get("password_only") == "1"
                target = self.entra.pick(wanted, key, password_only=only)
        except EntraRefused as error:
            return _html(trouble_page(str(error)), status=400)
        return web.Response(status=302, headers={**NO_STORE, "Location": target})

    def _wanted(self, request: web.Request) -> Authorize:
        _check_tenant(request)
        return self.entra.authorize(request.query)


def _check_tenant(request: web.Request) -> None:
    if request.match_info["tenant"].lower() not in TENANT_NAMES:
        raise EntraRefused("invalid_tenant", 90002, "The tenant was not found.")


def _wrong_tenant(request: web.Request) -> web.Response | None:
    try:
        _check_tenant(request)
    except EntraRefused as refused:
        return web.json_response(refused.body(), status=refused.status)
    return None


def _texts(form: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _html(page: str, *, status: int = 200) -> web.Response:
    return web.Response(text=page, content_type="text/html", status=status, headers=PAGE_HEADERS)
