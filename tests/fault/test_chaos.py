"""Chaos with real processes on one database: killed, stopped, cut off; then the books are checked.

Every case ends with `tests.chaos.check`: the sandbox's ledgers against the bot's audit.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiohttp import web

from bot.crash import Point
from bot.store import schema
from bot.store.engine import open_store
from sandbox.people import PEOPLE
from tests.bots import AsProcess
from tests.chaos import Books, age, check, kept, moment, until
from tests.fault.pairs import looking_away
from tests.fault.servers import Server
from tests.fault.test_b_approvals import comes_to, presses
from tests.scenario.conftest import patches, signed_in
from tests.scenario.test_approvals import ADA, DANA, DONE, POLICY, WAITING
from tests.seen import Heard
from tests.world import PATIENCE_SECONDS, Refused, World

SETTLED_SECONDS = 180.0
STOPPED_SECONDS = 10.0
FULL = "I cannot save anything right now"
NOTHING = "Nothing was changed"
LONG = 1000
"""Seconds of the sandbox's clock until a held PATCH is worked on."""
ASKING = (Point.APPROVAL_ASKED,)
CARDS = (Point.OUTBOX_CLAIMED, Point.OUTBOX_SENDING, Point.OUTBOX_SENT)
DECIDING = (
    Point.APPROVAL_DECIDED,
    Point.APPROVAL_CLAIMED,
    Point.WRITE_INTENDED,
    Point.WRITE_APPLIED,
    Point.WRITE_TOLD,
    Point.WRITE_DONE,
    Point.APPROVAL_ENDED,
)
STEPS = (*ASKING, *CARDS, *DECIDING)


async def instance(world: World, database: str, **env: str) -> AsProcess:
    """One more process of the bot, on this database, with the policy."""
    return await world.bot_process(
        {
            "DEALDESK_DATABASE_URL": database,
            "DEALDESK_APPROVAL_POLICY": POLICY,
            "DEALDESK_APPROVERS": f"{DANA},{ADA}",
            **env,
        }
    )


def any_has(words: str) -> Callable[[list[Heard]], bool]:
    return lambda seen: any(words in one for one in seen)


async def asks(world: World, where: str = "personal") -> None:
    """Ben asks for a change that needs approval."""
    await world.says("ben", "update fabrikam analytics value 45k", where)
    await world.hears("ben", where, until="Save this change?")
    with contextlib.suppress(Refused):
        await world.clicks("ben", "Save", where=where)


async def settled(world: World, database: str, *, needs_approval: bool = True) -> None:
    """Wait, letting what the dead held run out, until the books agree with the world."""
    last: AssertionError | None = None
    try:
        async with asyncio.timeout(SETTLED_SECONDS):
            while True:
                try:
                    await check(world, database, needs_approval=needs_approval)
                except AssertionError as error:
                    last = error
                else:
                    return
                await moment(world)
    except TimeoutError:
        raise last or AssertionError("never settled") from None


def was_judged(books: Books) -> bool:
    """Somebody looked what became of the write; it may have been sent again already."""
    return books.proposals[0]["state"] in {"unknown", "done"}


@pytest.mark.parametrize("point", STEPS)
async def test_killed_at_any_step_of_an_approval_the_other_instance_ends_it_once(
    world: World, database: str, point: Point
) -> None:
    second = await instance(world, database)
    first = await instance(world, database, DEALDESK_CRASH_AT=point.value)
    await signed_in(world, "ben")
    async with looking_away(second, database):
        await asks(world)
        if point in DECIDING:
            await world.hears("dana", until=WAITING)
            with contextlib.suppress(Refused):
                await world.clicks("dana", "Approve")
        assert await first.ended() == -signal.SIGKILL
        await age(database, 61)

    await world.post("bot", url=second.url)
    if point is Point.WRITE_INTENDED:
        await until(world, database, was_judged)
        await age(database, 61)
    if point in ASKING:
        await world.clicks("ben", "Save")
    if point not in DECIDING:
        await world.sees("dana", any_has(WAITING))
        await world.clicks("dana", "Approve")
    await world.sees("dana", any_has(DONE))
    await settled(world, database)
    assert len(await world.ledger()) == 1


async def patch_arrived(world: World) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await patches(world):
            await moment(world)


async def test_stopped_beyond_its_lease_the_other_instance_takes_over_and_writes_once(
    world: World, database: str
) -> None:
    first = await instance(world, database)
    await signed_in(world, "ben")
    await asks(world)
    await world.hears("dana", until=WAITING)
    await world.fault("delay", method="PATCH", seconds=LONG)
    await world.clicks("dana", "Approve")
    await patch_arrived(world)
    async with looking_away(first, database):
        await age(database, 61)
        await instance(world, database)
        await until(world, database, was_judged)
        await age(database, 61)
        await world.sees("dana", any_has(DONE))
    await world.post("clock", advance=LONG)
    await settled(world, database)
    assert len(await world.ledger()) == 1
    assert len(await patches(world)) == 2


@pytest.mark.postgres
async def test_I3_postgresql_falls_over_in_the_middle_of_a_write(
    world: World, server: Server
) -> None:
    database = await server.emptied()
    await instance(world, database)
    await signed_in(world, "ben")
    await asks(world)
    await world.hears("dana", until=WAITING)
    await world.fault("delay", method="PATCH", seconds=LONG)
    await world.clicks("dana", "Approve")
    await patch_arrived(world)
    server.crash()
    await world.post("clock", advance=LONG)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await world.ledger():
            await moment(world)
    said = await world.says("ben", "show fabrikam analytics")
    assert said.status == 200
    await world.hears("ben", until="I cannot reach my storage")
    await server.restart()
    await age(database, 61)
    await world.sees("dana", any_has(DONE))
    await settled(world, database)
    assert len(await world.ledger()) == len(await patches(world)) == 1


async def test_I5_two_turns_of_one_conversation_at_once_on_two_instances(
    world: World, database: str
) -> None:
    first = await instance(world, database)
    await signed_in(world, "ben")
    await asks(world)
    await world.hears("dana", until=WAITING)
    await world.hears("ada", until=WAITING)
    second = await instance(world, database)

    async def press(person: str, title: str, bot: AsProcess) -> None:
        await world.post("bot", url=bot.url)
        with contextlib.suppress(Refused):
            await world.clicks(person, title)

    await asyncio.gather(
        press("dana", "Approve", first),
        press("ada", "Approve", second),
        press("ben", "Withdraw", first),
    )
    ends = {"done", "withdrawn"}
    await until(world, database, lambda books: books.approvals[0]["state"] in ends)
    await settled(world, database)
    assert len(await world.ledger()) <= 1


async def test_I7_sigterm_with_turns_under_way_leaves_nothing_half(
    world: World, database: str
) -> None:
    first = await instance(world, database)
    await signed_in(world, "ben")
    await asks(world)
    await world.hears("dana", until=WAITING)
    await world.fault("delay", method="GET", seconds=1, times=6)
    await world.clicks("dana", "Approve")
    turns = [asyncio.create_task(world.says("ben", "show fabrikam analytics")) for _ in range(20)]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while sum(row["method"] == "GET" for row in await world.requests()) < 5:
            await moment(world)
    first.process.send_signal(signal.SIGTERM)
    assert await first.seconds_to_end() < STOPPED_SECONDS
    assert first.process.returncode == 0
    await asyncio.gather(*turns, return_exceptions=True)
    await world.clear_faults()
    left = await kept(database)
    assert "applying" not in {row["state"] for row in left.proposals}
    half = [dict(row) for row in left.outbox if row["state"] == "sending"]
    assert half == [], first.log.read_text()[-6000:]
    await age(database, 61)
    await instance(world, database)
    await world.sees("dana", any_has(DONE))
    await settled(world, database)
    assert len(await world.ledger()) == 1


def no_room(bot: AsProcess, folder: Path) -> None:
    """From now on no file of the bot can grow beyond what its journal has: as on a full disk."""
    size = (folder / "dealdesk.db-wal").stat().st_size
    assert bot.log.stat().st_size < size
    _hard = resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (size, _hard))


def room(bot: AsProcess) -> None:
    """There is room again."""
    hard = resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (hard, hard))


async def test_I1_a_full_disk_writes_nothing_and_recovers_without_a_restart(world: World) -> None:
    database = f"sqlite+aiosqlite:///{world.folder / 'dealdesk.db'}"
    bot = await instance(world, database)
    await signed_in(world, "ben")
    await world.says("ben", "update fabrikam analytics value 39k")
    await world.hears("ben", until="Save this change?")
    no_room(bot, world.folder)
    told = len(await world.messages("ben"))
    refused = await world.clicks("ben", "Save")
    assert refused.status == 200
    assert NOTHING in await comes_to(world, "ben", refused, "My own storage is full")
    said = await world.says("ben", "update fabrikam analytics value 38k")
    assert said.status == 200
    card = await world.hears("ben", until=FULL)
    assert NOTHING in card
    assert len(await world.messages("ben")) == told + 2
    assert await patches(world) == []
    room(bot)
    await world.clicks("ben", "Save")
    await world.hears("ben", until="Saved in Partner Center")
    await settled(world, database, needs_approval=False)
    assert len(await world.ledger()) == 1


async def test_I1_a_disk_that_fills_up_while_a_write_is_under_way_loses_nothing(
    world: World,
) -> None:
    database = f"sqlite+aiosqlite:///{world.folder / 'dealdesk.db'}"
    bot = await instance(world, database)
    await signed_in(world, "ben")
    await asks(world)
    await world.hears("dana", until=WAITING)
    await world.fault("delay", method="PATCH", seconds=LONG)
    await world.clicks("dana", "Approve")
    await patch_arrived(world)
    no_room(bot, world.folder)
    await world.post("clock", advance=LONG)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await world.ledger():
            await moment(world)
    room(bot)
    await age(database, 61)
    await world.sees("dana", any_has(DONE))
    await settled(world, database)
    assert len(await world.ledger()) == len(await patches(world)) == 1


async def changed(database: str, table: sa.Table, **values: object) -> None:
    """Somebody wrote into the database by hand."""
    store = open_store(database)
    async with store.begin() as connection:
        await connection.execute(table.update().values(**values))
    await store.close()


async def test_I4_a_changed_list_of_approvers_gives_nobody_the_right(world: World) -> None:
    database = f"sqlite+aiosqlite:///{world.folder / 'dealdesk.db'}"
    await instance(world, database)
    await signed_in(world, "ben")
    await asks(world, "group")
    await world.hears("cleo", "group", until=WAITING)
    await changed(database, schema.approvals, approvers=f'["{PEOPLE["cleo"].oid}"]', quorum=1)
    data = {"approval": (await kept(database)).approvals[0]["id"]}
    card = world.heard("cleo", "group").id
    for person in ("cleo", "ben"):
        answered = await presses(world, person, "approve", data, card, "group")
        await comes_to(world, person, answered, "You may not approve this", "group")
    assert (await kept(database)).approvals[0]["state"] == "waiting"
    assert await world.ledger() == []


async def test_I4_a_changed_service_address_is_never_called(world: World) -> None:
    calls: list[str] = []

    async def sink(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.json_response({"id": "1"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", sink)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/teams/"
    database = f"sqlite+aiosqlite:///{world.folder / 'dealdesk.db'}"
    bot = await instance(world, database, DEALDESK_APPROVERS=DANA)
    await signed_in(world, "ben")
    await world.says("dana", "help")
    await world.hears("dana")
    await changed(database, schema.people, service_url=address)
    await asks(world)
    await until(world, database, lambda books: any(r["state"] == "failed" for r in books.outbox))
    await runner.cleanup()
    assert calls == []
    assert "refused" in bot.log.read_text()
