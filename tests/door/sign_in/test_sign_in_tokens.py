"""Tokens are renewed silently, kept sealed, given to their owner only, and shown nowhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import structlog
from aiohttp import web
from cryptography.fernet import Fernet

from bot.conversation import CONNECTION_NAME
from bot.identity import Identity, Reason, SignInNeeded, SignInUnavailable
from bot.identity.entra import Entra
from bot.store import schema, token_caches
from bot.store.engine import Store
from tests.door.sign_in.entra_stand import (
    SECRET,
    Clock,
    Stand,
    browse,
    files,
    person,
    personal,
    sign_in,
    state_of,
)

REFRESH = "refresh_token"


def owner(token: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})["oid"])


async def needed(identity: Identity, who: str = "ben") -> SignInNeeded:
    with pytest.raises(SignInNeeded) as caught:
        await identity.bearer(person(who))
    return caught.value


async def row(store: Store, who: str = "ben") -> token_caches.SealedCache | None:
    async with store.read() as connection:
        return await token_caches.load(connection, person(who).tenant, person(who).id)


async def put_blob(store: Store, who: str, blob: bytes) -> None:
    async with store.begin() as connection:
        await connection.execute(
            schema.token_caches.update()
            .where(schema.token_caches.c.person == person(who).id)
            .values(blob=blob)
        )


async def test_what_is_shown_of_a_sign_in_is_half_a_minute_late_at_most(
    stand: Stand, identity: Identity, store: Store, clock: Clock
) -> None:
    elsewhere = stand.identity(store, clock)
    assert not await identity.seems_signed_in(person("ben"))
    await sign_in(stand, identity, "ben")
    assert await identity.seems_signed_in(person("ben"))
    await elsewhere.sign_out(person("ben"))
    assert await identity.seems_signed_in(person("ben"))
    assert not await identity.is_signed_in(person("ben"))
    clock.advance(seconds=31)
    assert not await identity.seems_signed_in(person("ben"))
    await sign_in(stand, identity, "ben")
    assert await identity.seems_signed_in(person("ben"))
    await identity.sign_out(person("ben"))
    assert not await identity.seems_signed_in(person("ben"))
    elsewhere.close()


async def test_without_a_sign_in_there_is_no_token(stand: Stand, identity: Identity) -> None:
    assert (await needed(identity)).reason is Reason.SIGNED_OUT
    assert stand.entra.calls == []
    assert await identity.account(person("ben")) is None


async def test_a_live_token_costs_no_call(stand: Stand, identity: Identity) -> None:
    await sign_in(stand, identity, "ben")
    bearer = await identity.bearer(person("ben"))
    assert await bearer() == await bearer()
    assert stand.grants(REFRESH) == 0


async def test_a_live_token_is_given_again_only_while_its_cache_is_the_stored_one(
    stand: Stand, identity: Identity, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    silent = Entra.silent

    def counted(*given: Any, **more: Any) -> Any:  # noqa: ANN401 - whatever MSAL is asked
        asked.append(1)
        return silent(*given, **more)

    monkeypatch.setattr(Entra, "silent", counted)
    await sign_in(stand, identity, "ben")
    await sign_in(stand, identity, "ada")
    bearer = await identity.bearer(person("ben"))
    first = await bearer()
    assert (await bearer(), len(asked)) == (first, 1)
    sealed = await row(store)
    assert sealed is not None
    await put_blob(store, "ben", sealed.blob[:-8])
    assert (await needed(identity)).reason is Reason.SIGNED_OUT
    await put_blob(store, "ben", sealed.blob)
    assert (await bearer(), len(asked)) == (first, 1)
    await sign_in(stand, identity, "ben")
    assert await bearer() != first
    assert len(asked) == 2


async def test_a_sign_out_leaves_no_token_in_memory(stand: Stand, identity: Identity) -> None:
    await sign_in(stand, identity, "ben")
    await sign_in(stand, identity, "ada")
    tokens = {await (await identity.bearer(person(who)))() for who in ("ben", "ada")}
    kept = identity._tokens._given._kept
    assert {given.token for _since, given in kept.values()} == tokens
    await identity.sign_out(person("ben"))
    assert [owner(given.token) for _since, given in kept.values()] == [person("ada").id]


async def test_e1_an_expired_token_is_renewed_silently(stand: Stand, identity: Identity) -> None:
    stand.entra.accounts["ben"].token_seconds = 60
    await sign_in(stand, identity, "ben")
    first = await (await identity.bearer(person("ben")))()
    assert await (await identity.bearer(person("ben")))() != first
    assert stand.grants(REFRESH) == 4


async def test_e1_a_refused_token_is_replaced(stand: Stand, identity: Identity) -> None:
    await sign_in(stand, identity, "ben")
    bearer = await identity.bearer(person("ben"))
    refused = await bearer()
    assert await bearer(fresh=True) != refused
    assert stand.grants(REFRESH) == 1


async def test_a_token_refused_to_many_calls_at_once_is_replaced_once(
    stand: Stand, identity: Identity
) -> None:
    await sign_in(stand, identity, "ben")
    bearers = [await identity.bearer(person("ben")) for _ in range(10)]
    tokens = await asyncio.gather(*(bearer(fresh=True) for bearer in bearers))
    assert len(set(tokens)) == 1
    assert stand.grants(REFRESH) == 1


async def test_many_turns_of_one_person_renew_once(stand: Stand, identity: Identity) -> None:
    stand.entra.accounts["ben"].token_seconds = 60
    await sign_in(stand, identity, "ben")
    stand.entra.accounts["ben"].token_seconds = 3599
    await asyncio.gather(*(identity.bearer(person("ben")) for _ in range(20)))
    assert stand.grants(REFRESH) == 1


async def test_two_instances_renewing_at_once_both_go_on(
    stand: Stand, store: Store, clock: Clock, identity: Identity
) -> None:
    stand.entra.accounts["ben"].token_seconds = 60
    await sign_in(stand, identity, "ben")
    other = stand.identity(store, clock)
    bearers = await asyncio.gather(*(one.bearer(person("ben")) for one in (identity, other) * 4))
    assert {owner(token) for token in [await bearer() for bearer in bearers]} == {person("ben").id}
    other.close()


@pytest.mark.parametrize("how", ["consent", "disabled"])
async def test_e2_a_revoked_person_is_asked_once_and_the_cache_is_gone(
    stand: Stand, store: Store, identity: Identity, how: str
) -> None:
    stand.entra.accounts["ben"].token_seconds = 60
    await sign_in(stand, identity, "ben")
    if how == "disabled":
        stand.entra.accounts["ben"].disabled = True
    else:
        stand.entra.accounts.revoke("ben", tokens=True)
    assert (await needed(identity)).reason is Reason.REVOKED
    assert await row(store) is None
    calls = len(stand.entra.calls)
    assert (await needed(identity)).reason is Reason.SIGNED_OUT
    assert len(stand.entra.calls) == calls


async def test_e2_entras_challenge_reaches_the_caller(stand: Stand, identity: Identity) -> None:
    challenge = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
    stand.entra.accounts["ben"].token_seconds = 60
    await sign_in(stand, identity, "ben")
    stand.entra.accounts["ben"].claims = challenge
    trouble = await needed(identity)
    assert trouble.reason is Reason.MFA
    assert trouble.claims == challenge


async def test_after_a_revocation_signing_in_again_works(stand: Stand, identity: Identity) -> None:
    await sign_in(stand, identity, "ben")
    stand.entra.accounts.revoke("ben", tokens=True)
    bearer = await identity.bearer(person("ben"))
    with pytest.raises(SignInNeeded):
        await bearer(fresh=True)
    await sign_in(stand, identity, "ben")
    await identity.bearer(person("ben"))


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_outage_signs_nobody_out(stand: Stand, identity: Identity, status: int) -> None:
    async def down() -> web.StreamResponse | None:
        return web.Response(status=status, text="busy", headers={"Retry-After": "120"})

    for who in ("ben", "cleo"):
        stand.entra.accounts[who].token_seconds = 60
        await sign_in(stand, identity, who)
    stand.before_token = down
    with pytest.raises(SignInUnavailable):
        await identity.bearer(person("ben"))
    stand.before_token = None
    await identity.bearer(person("cleo"))
    await identity.bearer(person("ben"))


async def test_a_slow_entra_holds_up_nobody_else(stand: Stand, identity: Identity) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> web.StreamResponse | None:
        arrived.set()
        await go_on.wait()
        return None

    await sign_in(stand, identity, "cleo")
    stand.entra.accounts["ben"].token_seconds = 60
    await sign_in(stand, identity, "ben")
    stand.before_token = slow
    waiting = asyncio.create_task(identity.bearer(person("ben")))
    await arrived.wait()
    await identity.bearer(person("cleo"))
    assert not waiting.done()
    go_on.set()
    await waiting


async def test_e8_a_stolen_file_shows_no_token(
    stand: Stand, store: Store, identity: Identity, tmp_path: Path
) -> None:
    await sign_in(stand, identity, "ben")
    token = await (await identity.bearer(person("ben")))()
    await store.close()
    stolen = files(tmp_path)
    assert person("ben").id.encode() in stolen
    for secret in (token, token.split(".")[1], "refresh_token", "secret"):
        assert secret.encode() not in stolen


async def test_e8_with_a_wrong_key_everybody_is_signed_out(
    stand: Stand, store: Store, clock: Clock, identity: Identity
) -> None:
    await sign_in(stand, identity, "ben")
    stand.keys[:] = [Fernet.generate_key().decode()]
    other = stand.identity(store, clock)
    assert (await needed(other)).reason is Reason.SIGNED_OUT
    await sign_in(stand, other, "ben")
    await other.bearer(person("ben"))
    other.close()


@pytest.mark.parametrize("keep", [0, 1, 40, -1])
async def test_e8_a_truncated_cache_is_a_signed_out_person(
    stand: Stand, store: Store, identity: Identity, keep: int
) -> None:
    await sign_in(stand, identity, "ben")
    sealed = await row(store)
    assert sealed is not None
    await put_blob(store, "ben", sealed.blob[:keep])
    assert (await needed(identity)).reason is Reason.SIGNED_OUT
    assert not await identity.is_signed_in(person("ben"))
    await sign_in(stand, identity, "ben")
    await identity.bearer(person("ben"))


async def test_e8_a_new_key_seals_and_the_old_one_still_opens(
    stand: Stand, store: Store, clock: Clock, identity: Identity
) -> None:
    await sign_in(stand, identity, "ben")
    old = await row(store)
    stand.keys.insert(0, Fernet.generate_key().decode())
    rotated = stand.identity(store, clock)
    await rotated.bearer(person("ben"))
    new = await row(store)
    assert old is not None
    assert new is not None
    assert new.key_id != old.key_id
    stand.keys.pop()
    without_old = stand.identity(store, clock)
    await without_old.bearer(person("ben"))
    assert stand.grants(REFRESH) == 0
    rotated.close()
    without_old.close()


async def test_e9_everybody_has_only_their_own_token(stand: Stand, identity: Identity) -> None:
    for who in ("ada", "ben", "cleo"):
        await sign_in(stand, identity, who)
    for who in ("ada", "ben", "cleo"):
        assert owner(await (await identity.bearer(person(who)))()) == person(who).id
    assert (await needed(identity, "eve")).reason is Reason.SIGNED_OUT


async def test_e9_a_cache_row_copied_to_another_person_opens_nothing(
    stand: Stand, store: Store, identity: Identity
) -> None:
    await sign_in(stand, identity, "ada")
    await sign_in(stand, identity, "ben")
    adas = await row(store, "ada")
    assert adas is not None
    await put_blob(store, "ben", adas.blob)
    assert (await needed(identity)).reason is Reason.SIGNED_OUT


async def test_e9_signing_out_stops_what_is_pending(
    stand: Stand, store: Store, identity: Identity
) -> None:
    await sign_in(stand, identity, "ben")
    pending = await identity.bearer(person("ben"))
    assert await identity.sign_out(person("ben"))
    assert await row(store) is None
    for fresh in (False, True):
        with pytest.raises(SignInNeeded) as caught:
            await pending(fresh=fresh)
        assert caught.value.reason is Reason.SIGNED_OUT
    assert not await identity.sign_out(person("ben"))


async def test_e9_signing_out_during_a_renewal_wins(
    stand: Stand, store: Store, identity: Identity
) -> None:
    async def sign_out_meanwhile() -> web.StreamResponse | None:
        await identity.sign_out(person("ben"))
        return None

    stand.entra.accounts["ben"].token_seconds = 60
    await sign_in(stand, identity, "ben")
    stand.before_token = sign_out_meanwhile
    assert (await needed(identity)).reason is Reason.SIGNED_OUT
    assert await row(store) is None


@pytest.fixture
async def shouted(caplog: pytest.LogCaptureFixture) -> AsyncIterator[list[str]]:
    """Every log line of the run, at DEBUG, structured ones with all their fields."""
    lines: list[str] = []

    def keep(_logger: object, _name: str, event: structlog.typing.EventDict) -> str:
        lines.append(repr(event))
        return str(event.get("event", ""))

    caplog.set_level(logging.DEBUG)
    structlog.configure(processors=[keep])
    yield lines
    structlog.reset_defaults()
    lines.extend(record.getMessage() for record in caplog.records)


async def test_e7_no_secret_is_ever_shown(
    stand: Stand,
    store: Store,
    identity: Identity,
    shouted: list[str],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    secrets = [SECRET, *stand.keys]
    link = await identity.sign_in_link(person("ben"), personal("ben"))
    started = await identity.start(state_of(link))
    query = browse(stand, started.url, "ben")
    secrets += [query["code"], started.cookie, state_of(link)]
    finished = await identity.finish(query, {started.cookie_name: started.cookie})
    bearer = await identity.bearer(person("ben"))
    secrets += [await bearer(), await bearer(fresh=True)]
    offer = stand.entra.tokens.sso(stand.entra.accounts["cleo"])
    secrets.append(offer)
    assert await identity.exchange(person("cleo"), "x", CONNECTION_NAME, offer)
    secrets.append(await (await identity.bearer(person("cleo")))())
    secrets += list(stand.entra._refreshes)
    stand.entra.accounts.revoke("ben", tokens=True)
    with pytest.raises(SignInNeeded) as caught:
        await bearer(fresh=True)
    sealed = await row(store, "cleo")
    said = [repr(thing) for thing in (started, finished, bearer, identity, sealed, caught.value)]
    said += [*shouted, *(record.getMessage() for record in caplog.records)]
    await store.close()
    said.append(files(tmp_path).decode("latin-1"))
    assert any("no silent token" in line for line in said)
    assert len(secrets) >= 12
    for secret in secrets:
        assert [line[:80] for line in said if secret in line] == []
