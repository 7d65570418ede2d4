"""Teams single sign-on: each offer is taken up once, and only the person's own."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.conversation import CONNECTION_NAME
from bot.identity import Identity, Reason
from bot.store import token_exchanges
from bot.store.engine import Store
from sandbox.people import PEOPLE
from tests.door.sign_in.entra_stand import Clock, Stand, person, personal

ON_BEHALF = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def offer(stand: Stand, who: str = "ben") -> str:
    return stand.entra.tokens.sso(stand.entra.accounts[who])


async def test_e6_an_offer_signs_its_person_in(stand: Stand, identity: Identity) -> None:
    assert await identity.exchange(person("ben"), "x1", CONNECTION_NAME, offer(stand))
    account = await identity.account(person("ben"))
    assert account is not None
    assert account.upn == PEOPLE["ben"].email
    bearer = await identity.bearer(person("ben"))
    assert await bearer(fresh=True)


async def test_e6_the_same_offer_from_four_clients_and_two_instances_is_exchanged_once(
    stand: Stand, store: Store, clock: Clock, identity: Identity
) -> None:
    other = stand.identity(store, clock)
    token = offer(stand)
    took = await asyncio.gather(
        *(
            one.exchange(person("ben"), "x1", CONNECTION_NAME, token)
            for one in (identity, other, identity, other)
        )
    )
    assert took == [True] * 4
    assert stand.grants(ON_BEHALF) == 1
    assert await identity.exchange(person("ben"), "x1", CONNECTION_NAME, token)
    assert stand.grants(ON_BEHALF) == 1
    other.close()


async def test_e6_of_many_clients_one_carries_on(
    stand: Stand, store: Store, clock: Clock, identity: Identity
) -> None:
    other = stand.identity(store, clock)
    assert not await identity.is_first(person("ben"), "x1")
    await identity.exchange(person("ben"), "x1", CONNECTION_NAME, offer(stand))
    first = await asyncio.gather(
        *(one.is_first(person("ben"), "x1") for one in (identity, other, identity, other))
    )
    assert sorted(first) == [False, False, False, True]
    stand.entra.accounts.revoke("cleo", tokens=False)
    assert not await identity.exchange(person("cleo"), "x1", CONNECTION_NAME, offer(stand, "cleo"))
    assert not await identity.is_first(person("cleo"), "x1")
    other.close()


async def test_e6_equal_ids_of_two_people_are_two_offers(stand: Stand, identity: Identity) -> None:
    took = await asyncio.gather(
        *(
            identity.exchange(person(who), "x1", CONNECTION_NAME, offer(stand, who))
            for who in ("ben", "cleo")
        )
    )
    assert took == [True, True]
    assert stand.grants(ON_BEHALF) == 2


async def test_e6_another_connection_is_refused(stand: Stand, identity: Identity) -> None:
    for name in ("ATTACKER_CHOSEN", "", CONNECTION_NAME.lower()):
        assert not await identity.exchange(person("ben"), "x1", name, offer(stand))
    assert stand.entra.calls == []


async def test_e6_somebody_elses_or_a_strange_token_is_refused(
    stand: Stand, identity: Identity
) -> None:
    account = stand.entra.accounts["ben"]
    for token in (
        offer(stand, "cleo"),
        stand.entra.tokens.user_access(account, "https://graph.microsoft.com", ("pwd",)),
        "",
        "not.a.token",
        "123456",
    ):
        assert not await identity.exchange(person("ben"), "x1", CONNECTION_NAME, token)
    assert stand.entra.calls == []
    assert not await identity.is_signed_in(person("ben"))


async def test_e6_a_failed_offer_shows_the_button_and_a_new_one_is_tried(
    stand: Stand, identity: Identity
) -> None:
    stand.entra.accounts.revoke("ben", tokens=False)
    for _ in range(2):
        assert not await identity.exchange(person("ben"), "x1", CONNECTION_NAME, offer(stand))
    assert stand.grants(ON_BEHALF) == 1
    stand.entra.accounts["ben"].consented = True
    assert await identity.exchange(person("ben"), "x2", CONNECTION_NAME, offer(stand))


@pytest.mark.parametrize("reason", [Reason.MFA, Reason.CLAIMS])
async def test_e2_while_a_browser_is_needed_no_offer_is_taken(
    stand: Stand, identity: Identity, clock: Clock, reason: Reason
) -> None:
    await identity.sign_in_link(person("ben"), personal("ben"), reason=reason)
    assert not await identity.exchange(person("ben"), "x1", CONNECTION_NAME, offer(stand))
    assert await identity.exchange(person("cleo"), "x1", CONNECTION_NAME, offer(stand, "cleo"))
    clock.advance(minutes=16)
    assert await identity.exchange(person("ben"), "x2", CONNECTION_NAME, offer(stand))


async def test_an_offer_an_instance_died_over_is_answered(
    stand: Stand, store: Store, clock: Clock, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.identity.offers.ELSEWHERE_SECONDS", 0.05)
    async with store.begin() as connection:
        await token_exchanges.claim(
            connection, person("ben").tenant, person("ben").id, "x1", clock() - timedelta(minutes=1)
        )
    assert not await identity.exchange(person("ben"), "x1", CONNECTION_NAME, offer(stand))
    assert await identity.exchange(person("ben"), "x2", CONNECTION_NAME, offer(stand))
