"""Seals of proposals in the store, on both databases: stored with the row, and brought there from
beside it."""

from __future__ import annotations

from functools import partial

import sqlalchemy as sa
from alembic import command

from bot.sealed import is_as_shown, seal_of
from bot.store import proposals, schema
from bot.store.engine import Store, open_store, upgrade
from bot.store.migrations import upgrading
from bot.store.proposals import Kind, Proposal, State
from tests.store.places import BEN, NOW, SEALS, place

_EARLIER = (
    "INSERT INTO proposals (id, tenant, person, place, referral_id, kind, operations, base_etag, "
    "base, after, state, created, updated, version) VALUES (:id, 't', 'p', '{}', 'deal', 'change', "
    "'[]', 'v1', '{}', '{}', 'open', :at, :at, 1)"
)


async def proposed(store: Store) -> Proposal:
    async with store.each(flush=True) as alone:
        return await proposals.create(
            alone,
            tenant=BEN.tenant,
            person=BEN.id,
            place=place(),
            referral_id="deal",
            kind=Kind.CHANGE,
            operations="[]",
            base_etag="v1",
            base={"value": "30000"},
            after={"value": "45000"},
            now=NOW,
            seal=partial(seal_of, SEALS),
        )


async def test_a_proposal_holds_its_seal_until_it_changes(store: Store) -> None:
    new = await proposed(store)
    async with store.begin() as connection:
        assert await proposals.find(connection, new.id) == new
        assert await proposals.advance(connection, new, State.CONFLICT, now=NOW)
        conflict = await proposals.find(connection, new.id)
        assert conflict is not None
        assert is_as_shown(SEALS, conflict)
        assert await proposals.rebase(
            connection, conflict, operations="[]", base_etag="v2", base={}, after={}, now=NOW
        )
        opened = await proposals.find(connection, new.id)
        assert opened is not None
        assert not is_as_shown(SEALS, opened)
        await proposals.set_seal(connection, new.id, seal_of(SEALS, opened))
        sealed = await proposals.find(connection, new.id)
    assert sealed is not None
    assert is_as_shown(SEALS, sealed)


async def test_an_earlier_seal_comes_into_its_row(database: str) -> None:
    store = open_store(database)

    def to_before(connection: sa.Connection) -> None:
        config = upgrading._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0013")
        for each in ("sealed", "bare"):
            connection.execute(sa.text(_EARLIER), {"id": each, "at": NOW})
        for subject in ("proposal:sealed", "proposal:gone", "vote:one:dana"):
            row = {"subject": subject, "seal": f"of {subject}", "at": NOW}
            connection.execute(schema.seals.insert(), row)

    async with store.begin() as connection:
        await connection.run_sync(to_before)
    await upgrade(store)
    async with store.read() as connection:
        found = await connection.execute(
            sa.select(schema.proposals.c.id, schema.proposals.c.seal).order_by(
                schema.proposals.c.id
            )
        )
        assert [tuple(row) for row in found] == [("bare", None), ("sealed", "of proposal:sealed")]
        left = await connection.scalars(sa.select(schema.seals.c.subject))
        assert list(left) == ["vote:one:dana"]
    await store.close()
