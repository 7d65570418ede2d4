"""A sign-in link signs in the person it was made for, once, soon, in the browser it began in."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import sqlalchemy as sa
from aiohttp import web

from bot.identity import Identity, Reason, Refusal, SignInNeeded, SignInRefused, Started
from bot.store import people, schema
from bot.store.engine import Store
from sandbox.accounts import Account
from sandbox.keys import KeyRing
from tests.door.sign_in.entra_stand import (
    Clock,
    Stand,
    browse,
    person,
    personal,
    sign_in,
    state_of,
)

Claims = dict[str, object]


async def begin(identity: Identity, who: str = "ben") -> tuple[str, Started]:
    link = await identity.sign_in_link(person(who), personal(who))
    return link, await identity.start(state_of(link))


def with_cookie(started: Started) -> dict[str, str]:
    return {started.cookie_name: started.cookie}


async def refusal(identity: Identity, query: dict[str, str], cookies: dict[str, str]) -> Refusal:
    with pytest.raises(SignInRefused) as caught:
        await identity.finish(query, cookies)
    return caught.value.code


async def cached(store: Store) -> list[str]:
    async with store.read() as connection:
        return list((await connection.scalars(sa.select(schema.token_caches.c.person))).all())


async def test_signing_in_gives_a_token_and_the_place_it_was_asked_from(
    stand: Stand, identity: Identity
) -> None:
    link, started = await begin(identity)
    finished = await identity.finish(browse(stand, started.url, "ben"), with_cookie(started))
    assert finished.person == person("ben")
    assert finished.place == personal("ben")
    token = await (await identity.bearer(person("ben")))()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["oid"] == person("ben").id
    account = await identity.account(person("ben"))
    assert account is not None
    assert (account.name, account.upn) == ("Ben Okafor", "ben.okafor@contoso.example")
    assert link.startswith("http://127.0.0.1:3978/auth/start?state=")


async def test_pkce_nonce_and_state_travel_to_entra(stand: Stand, identity: Identity) -> None:
    link, started = await begin(identity)
    asked = parse_qs(urlsplit(started.url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["state"] == [state_of(link)]
    assert asked["response_mode"] == ["query"]
    assert len(asked["nonce"][0]) >= 16
    await identity.finish(browse(stand, started.url, "ben"), with_cookie(started))
    assert [call.pkce for call in stand.entra.calls] == [True]


async def test_the_link_itself_is_not_stored(store: Store, identity: Identity) -> None:
    link, _ = await begin(identity)
    async with store.read() as connection:
        rows = (await connection.execute(sa.select(schema.sign_ins))).all()
    assert len(rows) == 1
    assert state_of(link) not in str(rows)


async def test_a_forwarded_link_plants_nobodys_token(
    stand: Stand, store: Store, identity: Identity
) -> None:
    _, started = await begin(identity, "ben")
    query = browse(stand, started.url, "cleo")
    assert await refusal(identity, query, with_cookie(started)) is Refusal.OTHER_PERSON
    assert await cached(store) == []
    assert not await identity.is_signed_in(person("ben"))
    assert not await identity.is_signed_in(person("cleo"))
    assert await refusal(identity, query, with_cookie(started)) is Refusal.USED


async def test_a_link_works_once(stand: Stand, identity: Identity) -> None:
    link, started = await begin(identity)
    query = browse(stand, started.url, "ben")
    await identity.finish(query, with_cookie(started))
    assert await refusal(identity, query, with_cookie(started)) is Refusal.USED
    with pytest.raises(SignInRefused) as caught:
        await identity.start(state_of(link))
    assert caught.value.code is Refusal.USED


async def test_two_returns_at_once_sign_in_once(stand: Stand, identity: Identity) -> None:
    _, started = await begin(identity)
    query = browse(stand, started.url, "ben")
    results = await asyncio.gather(
        *(identity.finish(query, with_cookie(started)) for _ in range(4)), return_exceptions=True
    )
    refused = [result.code for result in results if isinstance(result, SignInRefused)]
    assert refused == [Refusal.USED] * 3
    assert stand.grants("authorization_code") == 1


@pytest.mark.parametrize(("seconds", "works"), [(899, True), (900, False)])
async def test_a_link_lives_15_minutes(
    stand: Stand, identity: Identity, clock: Clock, seconds: int, works: bool
) -> None:
    _, started = await begin(identity)
    query = browse(stand, started.url, "ben")
    clock.advance(seconds=seconds)
    if works:
        await identity.finish(query, with_cookie(started))
    else:
        assert await refusal(identity, query, with_cookie(started)) is Refusal.EXPIRED


async def test_a_state_nobody_gave_out_is_refused(identity: Identity) -> None:
    for query in ({}, {"state": ""}, {"state": "made-up", "code": "x"}):
        assert await refusal(identity, query, {}) is Refusal.UNKNOWN_LINK


async def test_only_the_browser_that_began_may_finish(stand: Stand, identity: Identity) -> None:
    _, started = await begin(identity)
    query = browse(stand, started.url, "ben")
    for cookies in ({}, {started.cookie_name: "x"}, {"other": started.cookie}):
        assert await refusal(identity, query, cookies) is Refusal.OTHER_BROWSER
    await identity.finish(query, with_cookie(started))


async def test_a_preview_that_opens_the_link_does_not_spoil_it(
    stand: Stand, identity: Identity
) -> None:
    link, first = await begin(identity)
    again = await asyncio.gather(*(identity.start(state_of(link)) for _ in range(3)))
    assert {(one.url, one.cookie) for one in again} == {(first.url, first.cookie)}
    await identity.finish(browse(stand, first.url, "ben"), with_cookie(again[-1]))


async def test_links_opened_at_once_agree_on_one_flow(stand: Stand, identity: Identity) -> None:
    link = await identity.sign_in_link(person("ben"), personal("ben"))
    started = await asyncio.gather(*(identity.start(state_of(link)) for _ in range(4)))
    assert len({one.url for one in started}) == 1
    await identity.finish(browse(stand, started[0].url, "ben"), with_cookie(started[3]))


async def test_cancelling_leaves_the_link_usable(stand: Stand, identity: Identity) -> None:
    link, started = await begin(identity)
    cancelled = {"error": "access_denied", "state": state_of(link)}
    assert await refusal(identity, cancelled, with_cookie(started)) is Refusal.DECLINED
    await identity.finish(browse(stand, started.url, "ben"), with_cookie(started))


async def test_missing_admin_consent_is_told_apart(identity: Identity) -> None:
    link, started = await begin(identity)
    query = {"error": "consent_required", "state": state_of(link)}
    assert await refusal(identity, query, with_cookie(started)) is Refusal.NOT_ALLOWED


async def test_a_code_of_another_sign_in_is_refused(
    stand: Stand, store: Store, identity: Identity
) -> None:
    _, mine = await begin(identity, "ben")
    _, other = await begin(identity, "ben")
    query = browse(stand, mine.url, "ben") | {
        "code": browse(stand, other.url, "ben")["code"],
    }
    assert await refusal(identity, query, with_cookie(mine)) is Refusal.FAILED
    assert await cached(store) == []


def _unsigned(claims: Claims) -> str:
    return jwt.encode(claims, "", algorithm="none")


def _hs256(claims: Claims) -> str:
    return jwt.encode(claims, "a-key-that-is-long-enough-for-hs256", algorithm="HS256")


_strange = KeyRing()
ID_TOKENS: dict[str, tuple[Claims, Callable[[Claims], str] | None, Refusal]] = {
    "other audience": ({"aud": "00000000-0000-0000-0000-000000000000"}, None, Refusal.FAILED),
    "other issuer": ({"iss": "https://evil.example/v2.0"}, None, Refusal.FAILED),
    "other nonce": ({"nonce": "replayed"}, None, Refusal.FAILED),
    "no nonce": ({"nonce": None}, None, Refusal.FAILED),
    "expired": ({"exp": int(time.time()) - 3600}, None, Refusal.FAILED),
    "no expiry": ({"exp": None}, None, Refusal.FAILED),
    "no object id": ({"oid": None}, None, Refusal.FAILED),
    "strange key": ({}, _strange.sign, Refusal.FAILED),
    "unsigned": ({}, _unsigned, Refusal.FAILED),
    "hs256": ({}, _hs256, Refusal.FAILED),
    "other tenant": (
        {"tid": "11111111-1111-1111-1111-111111111111"},
        None,
        Refusal.OTHER_PERSON,
    ),
    "other object id": ({"oid": person("cleo").id}, None, Refusal.OTHER_PERSON),
}


@pytest.mark.parametrize("case", ID_TOKENS)
async def test_a_wrong_id_token_signs_nobody_in(
    stand: Stand, store: Store, identity: Identity, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    change, sign, expected = ID_TOKENS[case]
    real = stand.entra.tokens.identity
    _, started = await begin(identity)

    def forged(account: Account, nonce: str | None) -> str:
        claims = jwt.decode(real(account, nonce), options={"verify_signature": False}) | change
        kept = {name: value for name, value in claims.items() if value is not None}
        return (sign or stand.entra.tokens.keys.sign)(kept)

    monkeypatch.setattr(stand.entra.tokens, "identity", forged)
    code = await refusal(identity, browse(stand, started.url, "ben"), with_cookie(started))
    assert code is expected
    assert await cached(store) == []


async def test_rolled_keys_of_entra_are_fetched_again(stand: Stand, identity: Identity) -> None:
    await sign_in(stand, identity, "ben")
    stand.entra.tokens.keys.roll(keep_old=False)
    await sign_in(stand, identity, "cleo")
    assert await identity.is_signed_in(person("cleo"))


async def test_entra_down_stores_nothing(stand: Stand, store: Store, identity: Identity) -> None:
    async def down() -> web.StreamResponse | None:
        return web.Response(status=503, text="<html>busy</html>")

    _, started = await begin(identity)
    stand.before_token = down
    code = await refusal(identity, browse(stand, started.url, "ben"), with_cookie(started))
    assert code is Refusal.UNAVAILABLE
    assert await cached(store) == []


async def test_e4_a_link_for_a_second_factor_asks_entra_for_it(
    stand: Stand, identity: Identity
) -> None:
    stand.entra.accounts["ben"].mfa = False
    await sign_in(stand, identity, "ben")
    plain = await (await identity.bearer(person("ben")))()
    assert "mfa" not in jwt.decode(plain, options={"verify_signature": False})["amr"]
    link = await identity.sign_in_link(person("ben"), personal("ben"), reason=Reason.MFA)
    started = await identity.start(state_of(link))
    asked = json.loads(parse_qs(urlsplit(started.url).query)["claims"][0])
    assert asked == {"access_token": {"amr": {"essential": True, "values": ["mfa"]}}}
    await identity.finish(browse(stand, started.url, "ben"), with_cookie(started))
    strong = await (await identity.bearer(person("ben")))()
    assert "mfa" in jwt.decode(strong, options={"verify_signature": False})["amr"]


async def test_e2_a_claims_challenge_is_passed_on_and_the_refused_tokens_go(
    stand: Stand, identity: Identity
) -> None:
    challenge = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}'
    await sign_in(stand, identity, "ben")
    link = await identity.sign_in_link(
        person("ben"), personal("ben"), reason=Reason.CLAIMS, claims=challenge
    )
    with pytest.raises(SignInNeeded):
        await identity.bearer(person("ben"))
    started = await identity.start(state_of(link))
    assert parse_qs(urlsplit(started.url).query)["claims"] == [challenge]
    await identity.finish(browse(stand, started.url, "ben"), with_cookie(started))
    await identity.bearer(person("ben"))


async def test_the_account_used_last_is_hinted(
    stand: Stand, store: Store, identity: Identity, clock: Clock
) -> None:
    async with store.begin() as connection:
        await people.remember(connection, person("ben"), "http://127.0.0.1:1/", clock())
    await sign_in(stand, identity, "ben")
    _, started = await begin(identity)
    hint = parse_qs(urlsplit(started.url).query)["login_hint"]
    assert hint == ["ben.okafor@contoso.example"]
