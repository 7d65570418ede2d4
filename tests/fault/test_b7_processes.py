"""Case B7 with two real processes: two approvers press in the same moment, two hundred times."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
import sqlalchemy as sa

from bot.approval_work import LEASE
from bot.conversation import Place, PlaceKind
from bot.sealed import seal_of, seal_request
from bot.seals import Seals
from bot.store import approvals, people, proposals, schema
from bot.store.approvals import Subject
from bot.store.engine import Store, open_store
from bot.store.proposals import Kind
from partner_center.patch import changes_document, encode
from partner_center.referral import Change, Field
from sandbox.deals import FABRIKAM, NORTHWIND, WOODGROVE
from sandbox.people import APP_ID, PEOPLE, TENANT_ID
from tests.chaos import kept, moment
from tests.fault.servers import Server, postgresql
from tests.fault.test_b_approvals import LATER, presses, says
from tests.fault.test_chaos import instance
from tests.scenario.conftest import signed_in
from tests.world import World

ROUNDS = 200
DEALS = (FABRIKAM, NORTHWIND, WOODGROVE)
"""Each has one open request at a time, and goes on to the next when that is over."""
NAMES = {PEOPLE[key].oid: PEOPLE[key].name for key in ("dana", "ada")}
PATIENCE = 3 * LEASE.total_seconds()
"""Seconds until what was decided has to be carried out. A try that stumbled before anything was
sent, over a connection that a busy machine did not get in time for one, is made again when its
lease is over."""
ENDS = frozenset({"done", "rejected"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One round: a request, and what Ada does while Dana approves."""

    approval: str
    proposal: str
    against: str


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL server that the processes share."""
    with postgresql() as running:
        yield running


async def asks(store: Store, seals: Seals, place: Place, deal: str, etag: str, n: int) -> Asked:
    """What Ben's Save under a policy leaves: a request, and its cards at both approvers."""
    now = datetime.now(UTC)
    operations = encode(changes_document([Change(Field.VALUE, Decimal(41000 + n))])).decode()
    async with store.begin() as connection:
        proposal = await proposals.create(
            connection,
            tenant=TENANT_ID,
            person=PEOPLE["ben"].oid,
            place=place,
            referral_id=deal,
            kind=Kind.CHANGE,
            operations=operations,
            base_etag=etag,
            base={"value": "30000"},
            after={"value": str(41000 + n)},
            now=now,
            seal=partial(seal_of, seals),
        )
        made = await approvals.create(
            connection,
            tenant=TENANT_ID,
            requester=PEOPLE["ben"].oid,
            requester_upn=None,
            place=place,
            referral_id=deal,
            kind="value",
            subject=Subject.PROPOSAL,
            subject_id=proposal.id,
            operations=operations,
            base_etag=etag,
            fingerprint=None,
            diff={"name": "A deal", "customer": "A customer", "changes": [], "base": {}},
            approvers=sorted(NAMES),
            quorum=1,
            expires=now + timedelta(hours=1),
            now=now,
        )
        assert made is not None
        found = await approvals.find(connection, made)
        assert found is not None
        await seal_request(connection, seals, found, now)
        for person in ("dana", "ada"):
            here = replace(place, conversation_id=f"a:personal-{person}")
            card, who = f"{made}-{person}", PEOPLE[person].oid
            await approvals.add_card(connection, made, here, card, for_person=who)
    return Asked(made, proposal.id, "approve" if n % 2 else "reject")


async def pressed(world: World, asked: Asked, bots: tuple[str, str]) -> bool:
    """Both at once, each at another process; both are told who it was. False when one was only
    told that it takes longer, as a crowd of presses makes a busy machine say."""

    async def press(person: str, verb: str, bot: str) -> str:
        data = {"approval": asked.approval} | ({"reason": "No"} if verb == "reject" else {})
        card = f"{asked.approval}-{person}"
        sent = await presses(world, person, verb, data, card, bot=bot)
        assert sent.status == 200
        return says(sent)

    both = (press("dana", "approve", bots[0]), press("ada", asked.against, bots[1]))
    shown = await asyncio.gather(*both)
    told = [one for one in shown if LATER not in one]
    winners = [name for name in NAMES.values() if all(name in one for one in told)]
    assert len(winners) == 1 or not told, shown
    return len(told) == len(shown)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def test_B7_200_rounds_of_two_approvers_at_two_processes(
    world: World, kind: str, request: pytest.FixtureRequest
) -> None:
    database = f"sqlite+aiosqlite:///{world.folder / 'dealdesk.db'}"
    if kind == "postgresql":
        server: Server = request.getfixturevalue("server")
        database = await server.emptied()
    first = await instance(world, database)
    await signed_in(world, "ben")
    for person in ("dana", "ada"):
        await world.says(person, "approvals")
    second = await instance(world, database)
    store = open_store(database)
    seals = Seals(world.environment(0)["DEALDESK_ENCRYPTION_KEYS"].split(","))
    async with store.read() as connection:
        ben = await people.find(connection, TENANT_ID, PEOPLE["ben"].oid)
    assert ben is not None
    place = chat(ben.service_url)
    numbers = itertools.count()
    rounds: list[Asked] = []
    both_told: list[bool] = []

    async def at(deal: str) -> None:
        """One round after the other, until there are enough of all deals together."""
        while (n := next(numbers)) < ROUNDS:
            etag = (await world.referral(deal))["eTag"]
            asked = await asks(store, seals, place, deal, etag, n)
            rounds.append(asked)
            bots = (first.url, second.url) if n % 4 < 2 else (second.url, first.url)
            both_told.append(await pressed(world, asked, bots))
            await over(world, store, asked)

    try:
        async with asyncio.TaskGroup() as group:
            for deal in DEALS:
                group.create_task(at(deal))
    finally:
        await store.close()
    assert any(both_told)
    await judged(world, database, rounds)


async def over(world: World, store: Store, asked: Asked) -> None:
    """Until what was decided is carried out."""
    row = sa.select(schema.approvals).where(schema.approvals.c.id == asked.approval)
    kept: sa.RowMapping | None = None
    try:
        async with asyncio.timeout(PATIENCE):
            while kept is None or kept["state"] not in ENDS:
                await moment(world)
                async with store.read() as connection:
                    kept = (await connection.execute(row)).mappings().one()
    except TimeoutError:
        raise AssertionError(f"never carried out: {kept}") from None


def chat(service_url: str) -> Place:
    """Ben's personal chat."""
    return Place(PlaceKind.PERSONAL, TENANT_ID, "a:personal-ben", service_url, f"28:{APP_ID}")


async def judged(world: World, database: str, rounds: list[Asked]) -> None:
    """One decision a request, and one write for each that was approved."""
    books = await kept(database)
    subject_of = {
        row["client_request_id"]: row["id"] for row in books.proposals if row["client_request_id"]
    }
    written = Counter(subject_of[row["client_request_id"]] for row in await world.ledger())
    votes = Counter(row["approval_id"] for row in books.votes)
    by_id = {row["id"]: row for row in books.approvals}
    for each in rounds:
        row = by_id[each.approval]
        assert votes[each.approval] == 1
        assert written[each.proposal] == (1 if row["state"] == "done" else 0)
        decided = [
            one["outcome"]
            for one in books.audit
            if one["kind"] == "approval" and each.approval in one["detail"]
        ]
        assert decided.count("done") + decided.count("reject") == 1
    ends = Counter(row["state"] for row in books.approvals)
    assert ends.total() == ROUNDS
    assert ends["done"] >= ROUNDS // 2
    assert ends["rejected"] > 0
