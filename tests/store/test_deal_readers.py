"""Whose token may show a deal that was announced."""

from __future__ import annotations

import sqlalchemy as sa

from bot.conversation import Person, Place, PlaceKind
from bot.store import deal_readers, feeds, people, schema
from bot.store.engine import Store
from bot.store.feeds import Kind, State
from tests.store.places import BEN, CLEO, NOW

DEAL = "c5fbb3b6-be74-4795-9fb5-4324c73fed37"
ABROAD = Person("tenant-2", BEN.id, "Ben Abroad", "29:abroad")
DANA = Person("tenant-1", "oid-dana", "Dana Whitfield", "29:dana")


async def known(store: Store, *persons: Person, signed_in: bool = True) -> None:
    """Note people as seen, and with tokens unless said otherwise."""
    async with store.begin() as connection:
        for person in persons:
            await people.remember(connection, person, "http://127.0.0.1:1/teams/", NOW)
            if signed_in:
                await connection.execute(
                    schema.token_caches.insert().values(
                        tenant=person.tenant,
                        person=person.id,
                        blob=b"sealed",
                        key_id="key",
                        version=1,
                        updated=NOW,
                    )
                )


async def subscribe(store: Store, person: Person, kind: Kind = Kind.WON) -> None:
    place = Place(
        PlaceKind.PERSONAL, person.tenant, f"a:{person.id}", "http://127.0.0.1:1/teams/", "28:bot"
    )
    async with store.begin() as connection:
        await feeds.create(
            connection,
            place=place,
            owner=person.id,
            kind=kind,
            filters={},
            flat=False,
            quiet=None,
            locale="en-US",
            now=NOW,
        )


async def worked_on(store: Store, person: Person, deal: str = DEAL) -> None:
    async with store.begin() as connection:
        await connection.execute(
            schema.proposals.insert().values(
                id=f"proposal-{person.id}",
                tenant=person.tenant,
                person=person.id,
                place="{}",
                referral_id=deal,
                kind="change",
                operations="[]",
                base_etag='"1"',
                base="{}",
                after="{}",
                state="done",
                created=NOW,
                updated=NOW,
                version=1,
            )
        )


async def readers(store: Store, *tenants: str) -> list[Person]:
    async with store.read() as connection:
        return await deal_readers.of_deal(connection, tenants or ("tenant-1",), DEAL)


async def test_who_worked_on_the_deal_comes_before_who_listens(store: Store) -> None:
    await known(store, BEN, CLEO, DANA)
    await subscribe(store, BEN)
    await subscribe(store, BEN, Kind.ACCEPTED)
    await worked_on(store, CLEO)
    assert await readers(store) == [CLEO, BEN]


async def test_only_people_of_these_tenants_with_tokens_and_a_reason(store: Store) -> None:
    await known(store, BEN, ABROAD)
    await known(store, CLEO, signed_in=False)
    await subscribe(store, ABROAD)
    await subscribe(store, CLEO)
    await subscribe(store, BEN, Kind.APPROVALS)
    await worked_on(store, BEN, "another-deal")
    assert await readers(store) == []
    assert await readers(store, "tenant-1", "tenant-2") == [ABROAD]


async def test_a_subscription_that_is_not_on_lends_no_token(store: Store) -> None:
    await known(store, BEN)
    await subscribe(store, BEN)
    async with store.begin() as connection:
        (feed,) = await feeds.of_owner(connection, BEN.tenant, BEN.id)
        await feeds.set_state(connection, feed, State.PAUSED, NOW)
    assert await readers(store) == []
    async with store.begin() as connection:
        await connection.execute(sa.update(schema.feeds).values(state="on"))
    assert await readers(store) == [BEN]
