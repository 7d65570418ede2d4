"""Control routes for Entra: sign people in, revoke, roll keys, change accounts."""

from __future__ import annotations

from aiohttp import web

from sandbox.body import BadCall, Body, answer
from sandbox.house import House
from sandbox.people import PEOPLE, TENANT_ID, Role
from sandbox.visitor import sign_in

CLAIMS = '{"access_token":{"polids":{"essential":true,"values":["5ce770ea-8690-4747-aa73"]}}}'
"""What a claims challenge asks for when the caller does not say."""


def routes(house: House) -> list[web.RouteDef]:
    """All of them, below `/_sandbox`."""
    control = EntraControl(house)
    return [
        web.get("/_sandbox/entra", control.calls),
        web.get("/_sandbox/entra/issued", control.issued),
        web.get("/_sandbox/entra/people", control.people),
        web.post("/_sandbox/entra/people", control.change),
        web.post("/_sandbox/entra/sign-in", control.sign_in),
        web.post("/_sandbox/entra/revoke", control.revoke),
        web.post("/_sandbox/entra/roll", control.roll),
    ]


class EntraControl:
    """The handlers."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def calls(self, request: web.Request) -> web.Response:
        """Every call of the token endpoint."""
        return answer(self.house.entra.calls)

    async def issued(self, request: web.Request) -> web.Response:
        """Every code and token given out since the start: canaries for a test of leaks."""
        return answer(self.house.entra.issued)

    async def people(self, request: web.Request) -> web.Response:
        """Everybody who lives here, and their accounts as they stand."""
        return answer([self._facts(key) for key in PEOPLE])

    async def change(self, request: web.Request) -> web.Response:
        """`{"person", "mfa", "disabled", "role", "claims", "token_seconds"}`: change an account.

        `claims`: true or a claims string sets a challenge, false takes it away.
        """
        body = await Body.of(request)
        account = self.house.accounts[body.person()]
        account.mfa = body.flag("mfa", account.mfa)
        account.disabled = body.flag("disabled", account.disabled)
        account.token_seconds = body.count("token_seconds", account.token_seconds)
        roles = self.house.world.roles
        role = body.text("role", roles[account.person.key].value)
        if role not in set(Role):
            raise BadCall(f"there is no role {role!r}; there are {[r.value for r in Role]}")
        roles[account.person.key] = Role(role)
        claims = body.members.get("claims")
        if claims is not None:
            account.claims = CLAIMS if claims is True else str(claims) if claims else None
        return answer(self._facts(account.person.key))

    async def sign_in(self, request: web.Request) -> web.Response:
        """`{"person", "link", "password_only"}`: what a browser does; an empty person cancels."""
        body = await Body.of(request)
        key = "" if body.optional("person") == "" else body.person()
        visit = await sign_in(
            body.text("link"),
            key,
            authorize=f"{self.house.addresses.plain}/entra/{TENANT_ID}/oauth2/v2.0/authorize",
            password_only=body.flag("password_only", False),
        )
        return answer(visit)

    async def revoke(self, request: web.Request) -> web.Response:
        """`{"person", "tokens"}`: invalid_grant until they sign in again; access tokens given
        out die at once unless `tokens` is false."""
        body = await Body.of(request)
        key = body.person()
        self.house.accounts.revoke(key, tokens=body.flag("tokens", True))
        return answer(self._facts(key))

    async def roll(self, request: web.Request) -> web.Response:
        """`{"keep_old", "which": "all"|"entra"|"channel"}`: sign with new keys from now on."""
        body = await Body.of(request)
        rings = {
            "entra": [self.house.entra.tokens.keys],
            "channel": [self.house.channel_keys],
            "all": [self.house.entra.tokens.keys, self.house.channel_keys],
        }
        which = body.text("which", "all")
        if which not in rings:
            raise BadCall(f"there are no keys {which!r}")
        for ring in rings[which]:
            ring.roll(keep_old=body.flag("keep_old", True))
        return answer({"rolled": which})

    def _facts(self, key: str) -> dict[str, object]:
        account = self.house.accounts[key]
        person = account.person
        return {
            "key": key,
            "name": person.name,
            "email": person.email,
            "oid": person.oid,
            "teams_id": person.teams_id,
            "title": person.title,
            "role": self.house.world.roles[key].value,
            "mfa": account.mfa,
            "disabled": account.disabled,
            "consented": account.consented,
            "claims": account.claims,
            "token_seconds": account.token_seconds,
        }
