"""New deals in the store: the rows there were before, equal ones, and what a put back copy says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.exc import IntegrityError

from bot.store import proposals, schema
from bot.store.engine import Store, open_store, upgrade
from bot.store.migrations import upgrading
from bot.store.proposals import Kind, Proposal, State
from tests.store.places import place

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def new(store: Store, said: str | None = "print", kind: Kind = Kind.CREATE) -> Proposal:
    """An open proposal, as a seller was shown it."""
    async with store.begin() as connection:
        made = await proposals.create(
            connection,
            tenant="tenant",
            person="ben",
            place=place(),
            referral_id="",
            kind=kind,
            operations="{}",
            base_etag="",
            base={},
            after={"name": "Data platform"},
            now=NOW,
            fingerprint=said,
        )
    return await again(store, made.id)


async def again(store: Store, proposal_id: str) -> Proposal:
    async with store.read() as connection:
        found = await proposals.find(connection, proposal_id)
    assert found is not None
    return found


async def moved(store: Store, proposal: Proposal, to: State, **more: Any) -> Proposal:  # noqa: ANN401
    async with store.begin() as connection:
        assert await proposals.advance(connection, proposal, to, now=NOW, **more)
    return await again(store, proposal.id)


async def test_the_rows_of_an_older_schema_are_kept(database: str) -> None:
    store = open_store(database)

    def to_before(connection: sa.Connection) -> None:
        config = upgrading._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")

    async with store.begin() as connection:
        await connection.run_sync(to_before)
        older = {
            name: "{}" if name in {"operations", "base", "after", "place"} else "x"
            for name, column in schema.proposals.c.items()
            if isinstance(column.type, sa.Text) and not column.nullable
        }
        await connection.execute(
            schema.proposals.insert().values(
                **{**older, "kind": "change", "state": "done"}, created=NOW, updated=NOW, version=7
            )
        )
    await upgrade(store)
    async with store.read() as connection:
        (row,) = await connection.execute(sa.select(schema.proposals))
        assert (row.kind, row.state, row.version, row.fingerprint) == ("change", "done", 7, None)
    with pytest.raises(IntegrityError):
        async with store.begin() as connection:
            await connection.execute(schema.proposals.update().values(kind="other"))
    with pytest.raises(IntegrityError):
        async with store.begin() as connection:
            await connection.execute(schema.proposals.update().values(state="other"))
    await store.close()


async def test_two_equal_deals_are_never_under_way_at_once(store: Store) -> None:
    one, other = await new(store), await new(store)
    first = await moved(store, one, State.APPLYING)
    for state in (State.APPLYING, State.UNKNOWN):
        with pytest.raises(IntegrityError):
            await moved(store, other, state)
    await moved(store, first, State.DONE, referral_id="deal-1")
    assert (await moved(store, other, State.APPLYING)).state is State.APPLYING


async def test_twins_are_those_that_were_sent(store: Store) -> None:
    open_one, mine = await new(store), await new(store)
    different = await moved(store, await new(store, "another"), State.APPLYING)
    done = await moved(store, await new(store), State.DONE, referral_id="deal-1")
    sent = await moved(store, await new(store), State.UNKNOWN)
    async with store.begin() as connection:
        found = {each.id for each in await proposals.twins(connection, mine)}
        theirs = replace(mine, person="cleo")
        assert await proposals.twins(connection, theirs) == []
        await proposals.part(connection, sent)
        left = {each.id for each in await proposals.twins(connection, mine)}
    assert found == {done.id, sent.id}
    assert left == {done.id}
    assert not {open_one.id, different.id} & found


async def test_the_deal_it_became_is_kept(store: Store) -> None:
    made = await moved(store, await new(store), State.DONE, referral_id="deal-1")
    assert made.referral_id == "deal-1"


async def test_i11_what_was_only_shown_may_have_been_created_since(store: Store) -> None:
    later = NOW + timedelta(hours=6)
    shown = [await new(store), await new(store)]
    change = await new(store, None, Kind.CHANGE)
    async with store.begin() as connection:
        await proposals.doubt_new_deals(connection, later)
    for each in shown:
        doubted = await again(store, each.id)
        assert (doubted.state, doubted.fingerprint) == (State.UNKNOWN, None)
        assert doubted.result == {"sent": later.isoformat()}
        assert doubted.version == each.version + 1
    assert (await again(store, change.id)).state is State.OPEN
