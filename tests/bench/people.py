"""Signs the people of the benchmark in: their sealed token caches, as a sign-in leaves them."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime

import msal
from pydantic import SecretStr

from bot.identity.sealing import Sealer
from bot.store import token_caches
from bot.store.engine import Store, open_store
from tests.bench.driver import CONVERSATIONS, person_id
from tests.bench.outside import APP_ID, TENANT, TOKEN_SECONDS, Outside
from tests.bench.servers import Settings

SCOPE = "https://api.partner.microsoft.com/.default"


async def sign_in(
    settings: Settings, people: int = CONVERSATIONS, *, first: int = 0, seconds: int = TOKEN_SECONDS
) -> None:
    """Keeps tokens for so many people, good for so many seconds. The tables must be there."""
    store, sealer = open_store(settings.database_url), Sealer([SecretStr(settings.key)])
    try:
        await _sign_in(store, sealer, settings.world, range(first, first + people), seconds)
    finally:
        await store.close()


async def _sign_in(
    store: Store, sealer: Sealer, world: Outside, people: range, seconds: int
) -> None:
    async with store.begin() as connection:
        for number in people:
            person = person_id(number)
            kept = sealer.seal(cache_of(world, person, seconds), "tokens", TENANT, person)
            await token_caches.save(
                connection,
                TENANT,
                person,
                kept,
                sealer.key_id,
                expected=token_caches.ABSENT,
                now=datetime.now(UTC),
            )


def cache_of(world: Outside, person: str, seconds: int) -> str:
    """MSAL's cache after an authorization code was redeemed."""
    cache = msal.SerializableTokenCache()
    now = int(time.time())
    claims = {
        "aud": APP_ID,
        "exp": now + TOKEN_SECONDS,
        "iat": now,
        "iss": f"{world.https}/{TENANT}/v2.0",
        "name": "Seller",
        "oid": person,
        "preferred_username": f"{person[-4:]}@contoso.example",
        "tid": TENANT,
    }
    cache.add(
        {
            "client_id": APP_ID,
            "scope": [SCOPE],
            "token_endpoint": f"{world.https}/{TENANT}/oauth2/v2.0/token",
            "grant_type": "authorization_code",
            "params": {},
            "data": {},
            "response": {
                "token_type": "Bearer",
                "scope": SCOPE,
                "access_token": "for-the-bench",
                "refresh_token": "for-the-bench",
                "expires_in": seconds,
                "id_token": f"{_encoded({'alg': 'none'})}.{_encoded(claims)}.{_encoded({})}",
                "client_info": _encoded({"uid": person, "utid": TENANT}),
                "id_token_claims": claims,
            },
        }
    )
    serialized: str = cache.serialize()
    return serialized


def _encoded(claims: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
