"""Case I11 for a registration that was decided in the copy: whatever became of it since, the truth
is told, and it is looked for before anything is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import put_back
from bot.registration_rules import State
from bot.store import lives
from bot.store.registrations import Submission
from tests.fault.stand import Process, Stand, drive_until, fetch, intent, open_stand, owed, submit

HOUR = 3600.0
DAY = 24 * HOUR


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


async def kept(stand: Stand) -> tuple[Process, Submission]:
    """A copy in which it was decided, and nothing else."""
    process, submission = await stand.process(), intent(stand.now())
    await submit(process, submission)
    return process, submission


async def put_back_after(stand: Stand, process: Process, seconds: float, *, said: bool) -> None:
    """The copy is put back, and the bot notices it or not; then its work begins."""
    stand.advance(seconds)
    async with process.store.begin() as connection:
        await (lives.copied if said else lives.beat)(connection, stand.now())
    assert await put_back.reconcile(process.store, stand.now()) is said
    await process.resolver.recover()


def calls(stand: Stand) -> list[str]:
    return [each.method for each in stand.desk.world.ledger.requests]


@pytest.mark.parametrize("said", [True, False], ids=["said", "unnoticed"])
@pytest.mark.parametrize("age", [6 * HOUR, 30 * HOUR])
@pytest.mark.parametrize("eligible", [True, False], ids=["eligible", "not any more"])
async def test_I11_what_was_registered_since_is_found_and_told(
    stand: Stand, said: bool, age: float, eligible: bool
) -> None:
    process, submission = await kept(stand)
    stand.register_in_portal()
    stand.desk.world.switches.partner_eligible = eligible
    await put_back_after(stand, process, age, said=said)
    await process.resolver.drive_due()
    assert (await fetch(process, submission)).state is State.DONE
    assert stand.sent() == 0
    assert "registered already" in str(await owed(process, "end"))


@pytest.mark.parametrize("said", [True, False], ids=["said", "unnoticed"])
async def test_I11_what_was_not_registered_within_its_day_is_given_up_after_a_look(
    stand: Stand, said: bool
) -> None:
    process, submission = await kept(stand)
    await put_back_after(stand, process, 30 * HOUR, said=said)
    await process.resolver.drive_due()
    assert (await fetch(process, submission)).state is State.FAILED
    assert calls(stand) == ["GET"]
    assert "This deal was not registered" in str(await owed(process, "end"))


async def test_I11_what_was_not_registered_goes_on_within_its_day(stand: Stand) -> None:
    process, submission = await kept(stand)
    await put_back_after(stand, process, 6 * HOUR, said=True)
    await drive_until(process, submission, stand, State.DONE, seconds=30)
    assert calls(stand)[0] == "GET"
    assert len(stand.registered()) == stand.sent() == 1


@pytest.mark.parametrize(
    ("age", "told"),
    [
        (6 * HOUR, "I do not know whether this deal was registered"),
        (30 * HOUR, "I could not find out whether this deal is registered"),
    ],
)
async def test_I11_without_a_token_no_is_not_said(stand: Stand, age: float, told: str) -> None:
    process, submission = await kept(stand)
    stand.register_in_portal()
    stand.signed_in.discard("ben")
    await put_back_after(stand, process, age, said=True)
    for _ in range(30):
        await process.resolver.drive_due()
        stand.advance(HOUR)
    assert (await fetch(process, submission)).state is State.UNKNOWN
    assert told in str(await owed(process))
    assert "not registered" not in str(await owed(process))
    stand.signed_in.add("ben")
    await process.resolver.look_now(submission.id)
    await drive_until(process, submission, stand, State.DONE)
    assert stand.sent() == 0


@pytest.mark.parametrize("status", [403, 404, 503])
async def test_I11_while_the_deal_cannot_be_read_no_is_not_said(stand: Stand, status: int) -> None:
    process, submission = await kept(stand)
    stand.register_in_portal()
    await put_back_after(stand, process, 6 * HOUR, said=True)
    body = {"error": {"code": "no", "message": "no"}}
    stand.fault("status", "GET", status=status, times=None, body=body)
    for _ in range(30):
        await process.resolver.drive_due()
        stand.advance(HOUR)
    assert (await fetch(process, submission)).state is State.UNKNOWN
    assert "not registered" not in str(await owed(process)).lower()
    assert len(await owed(process, "tell")) == 1
