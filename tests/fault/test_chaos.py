"""Chaos with real processes on one database: killed, stopped, cut off; then the books are checked.

Every case ends with `tests.chaos.check`: the sandbox's ledgers against the bot's audit.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

import pytest

from bot.crash import Point
from tests.bots import AsProcess
from tests.chaos import age, check, moment, until
from tests.fault.servers import Server, postgresql
from tests.scenario.conftest import signed_in
from tests.scenario.test_approvals import ADA, DANA, DONE, POLICY, WAITING
from tests.seen import Heard
from tests.world import Refused, World

SETTLED_SECONDS = 40.0
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


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL server that processes share."""
    with postgresql() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def database(request: pytest.FixtureRequest, world: World) -> str:
    """The address of an empty database for several processes."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{world.folder / 'dealdesk.db'}"
    server: Server = request.getfixturevalue("server")
    return await server.emptied()


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


async def asks(world: World) -> None:
    """Ben asks for a change that needs approval."""
    await world.says("ben", "update fabrikam analytics value 45k")
    await world.hears("ben", until="Save this change?")
    with contextlib.suppress(Refused):
        await world.clicks("ben", "Save")


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


@pytest.mark.parametrize("point", STEPS)
async def test_killed_at_any_step_of_an_approval_another_instance_ends_it_once(
    world: World, database: str, point: Point
) -> None:
    first = await instance(world, database, DEALDESK_CRASH_AT=point.value)
    await signed_in(world, "ben")
    await asks(world)
    if point in DECIDING:
        await world.hears("dana", until=WAITING)
        with contextlib.suppress(Refused):
            await world.clicks("dana", "Approve")
    assert await first.ended() == -signal.SIGKILL
    await age(database, 61)

    await instance(world, database)
    if point is Point.WRITE_INTENDED:
        await until(
            world, database, lambda kept: [one["state"] for one in kept.proposals] == ["unknown"]
        )
        await age(database, 61)
    if point in ASKING:
        await world.clicks("ben", "Save")
    if point not in DECIDING:
        await world.sees("dana", any_has(WAITING), within=20)
        await world.clicks("dana", "Approve")
    await world.sees("dana", any_has(DONE), within=40)
    await settled(world, database)
    assert len(await world.ledger()) == 1
