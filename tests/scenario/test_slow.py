"""When Partner Center is slow: a sign of life within two seconds, an answer to a press in three."""

import asyncio

from sandbox.deals import FABRIKAM
from tests.scenario.conftest import patches
from tests.stopwatch import stopwatch
from tests.world import PATIENCE_SECONDS, World


async def release(world: World) -> None:
    """Let the delayed call of Partner Center go on now."""
    await world.post("clock", advance=60)


async def typing_shown(world: World) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not any(
            row["op"] == "send" and (row["body"] or {}).get("type") == "typing"
            for row in await world.connector()
        ):
            await world.get("events", wait="0.2", person="ben", after="999999")


async def test_typing_is_shown_while_a_read_takes_long(ben: World) -> None:
    await ben.fault("delay", method="GET", seconds=30)
    saying = asyncio.create_task(ben.says("ben", f"show {FABRIKAM}"))
    await typing_shown(ben)
    await release(ben)
    await saying
    await ben.hears("ben", until="Fabrikam analytics rollout")


async def test_a_press_is_answered_in_time_and_the_card_changes_when_it_is_done(
    ben: World,
) -> None:
    await ben.says("ben", "update fabrikam analytics value 45k")
    await ben.hears("ben", until="Save this change?")
    await ben.fault("delay", method="PATCH", seconds=30)
    async with stopwatch() as watch:
        both = await asyncio.gather(ben.clicks("ben", "Save"), ben.clicks("ben", "Save"))
        assert watch.seconds < 3
    assert any("Working on it" in str(pressed.answer) for pressed in both)
    assert {pressed.status for pressed in both} == {200}
    await ben.befallen()
    assert await ben.ledger() == []
    await release(ben)
    await ben.hears("ben", until="Saved in Partner Center")
    assert len(await ben.ledger()) == 1
    assert len(await patches(ben)) == 1


async def test_the_same_press_delivered_again_gets_the_same_answer(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 45k")
    await ben.hears("ben", until="Save this change?")
    pressed = await ben.clicks("ben", "Save", times=3)
    assert set(pressed.statuses) == {200}
    assert len({str(answer) for answer in pressed.answers}) == 1
    assert len(await ben.ledger()) == 1


async def test_the_same_message_delivered_again_is_answered_once(ben: World) -> None:
    await ben.says("ben", "list mine", times=3)
    await ben.hears("ben", until="My deals")
    said = [m for m in await ben.messages("ben") if "My deals" in m.words.split("\n")[0]]
    assert len(said) == 1
