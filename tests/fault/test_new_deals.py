"""New deals when answers are lost, lists are behind, processes die and several act at once."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
from contextlib import closing

import pytest

from bot.crash import Point
from tests.chaos import age
from tests.fault.pairs import looking_away
from tests.fault.test_b_approvals import presses
from tests.fault.test_i11_put_back import copied, data_of
from tests.scenario.conftest import signed_in
from tests.scenario.test_create import CREATED, PREVIEW, line, posts
from tests.seen import Json
from tests.world import PATIENCE_SECONDS, Refused, World, buttons, newest

LIST = "/referrals$"
UNKNOWN = "do not know yet whether the deal was created"
ASKED = "looked for more than ten minutes"
LONG = 1000
"""Seconds of the sandbox's clock until the POST is worked on."""
STEPS = (Point.WRITE_INTENDED, Point.WRITE_APPLIED, Point.WRITE_TOLD, Point.WRITE_DONE)


@pytest.fixture
async def ben(world: World) -> World:
    """The real bot is up and Ben, a seller, is signed in."""
    await world.bot()
    await signed_in(world, "ben")
    return world


async def asks(world: World) -> None:
    """Ben has the deal before him, nothing is sent."""
    await world.says("ben", line())
    await world.hears("ben", until=PREVIEW)


async def made(world: World) -> list[Json]:
    """The deals that really were created."""
    return [await world.referral(row["referral"]) for row in await world.ledger()]


def rows(world: World) -> list[tuple[str, str]]:
    """State and deal of every new deal, oldest first."""
    with closing(sqlite3.connect(world.folder / "dealdesk.db")) as database:
        return list(
            database.execute(
                "SELECT state, referral_id FROM proposals WHERE kind = 'create' ORDER BY created"
            )
        )


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "apply_then_drop"},
        {"kind": "truncate"},
        {"kind": "truncate", "size": 0},
        {"kind": "reset", "size": 10},
    ],
)
async def test_a_lost_answer_is_looked_for_and_the_deal_found(
    ben: World, fault: dict[str, object]
) -> None:
    await asks(ben)
    await ben.fault(method="POST", path=LIST, **fault)  # type: ignore[arg-type]
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=CREATED)
    (deal,) = await made(ben)
    assert deal["customerProfile"]["name"] == "Wide World Importers"
    assert rows(ben) == [("done", deal["id"])]
    assert len(await posts(ben)) == 1


async def test_what_did_not_arrive_is_not_sent_again_by_pressing_again(ben: World) -> None:
    await asks(ben)
    await ben.fault("drop_before", method="POST", path=LIST)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=UNKNOWN)
    for _each in range(3):
        await ben.clicks("ben", "Look again")
        await ben.hears("ben", until=UNKNOWN)
    assert len(await posts(ben)) == 1
    assert "Start over" not in buttons(ben.card("ben"))
    assert await ben.ledger() == []


async def test_a_request_that_arrives_late_is_found(ben: World) -> None:
    await asks(ben)
    await ben.fault("late", method="POST", path=LIST)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=UNKNOWN)
    assert await ben.release() == 1
    await ben.clicks("ben", "Look again")
    await ben.hears("ben", until=CREATED)
    assert len(await made(ben)) == 1


async def test_it_is_corrected_without_a_press(ben: World) -> None:
    await asks(ben)
    await ben.fault("late", method="POST", path=LIST)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=UNKNOWN)
    await ben.release()
    await ben.hears("ben", until=CREATED)
    assert len(await made(ben)) == 1


async def test_the_same_words_again_send_nothing_while_nobody_knows(ben: World) -> None:
    await asks(ben)
    await ben.fault("late", method="POST", path=LIST)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=UNKNOWN)
    await asks(ben)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=UNKNOWN)
    assert len(await posts(ben)) == 1
    await ben.release()
    await ben.clicks("ben", "Look again")
    await ben.hears("ben", until=CREATED)
    assert len(await made(ben)) == 1


async def test_after_ten_minutes_its_person_is_asked_and_may_start_over(ben: World) -> None:
    await asks(ben)
    await ben.fault("late", method="POST", path=LIST)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=UNKNOWN)
    await ben.advance(601)
    await ben.clicks("ben", "Look again")
    await ben.hears("ben", until=ASKED)
    assert len(await posts(ben)) == 1
    await ben.clicks("ben", "Start over")
    await ben.hears("ben", until="New deal")
    await ben.clicks("ben", "Preview")
    await ben.hears("ben", until=PREVIEW)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=CREATED)
    assert len(await made(ben)) == 1
    first, second = await posts(ben)
    assert first["externalReferenceId"] != second["externalReferenceId"]

    await ben.release()
    assert len(await made(ben)) == 2, "the window that the README names"
    await ben.clicks("ben", "Look again")
    told = await ben.hears("ben", until="appeared after all")
    assert "close one of the two" in told.words
    seen = await ben.messages("ben")
    assert sum(CREATED in each.words for each in seen) == 1, "its own card stays"


async def test_a_deal_that_was_accepted_but_not_shown_is_never_started_over(ben: World) -> None:
    await asks(ben)
    await ben.fault("status", method="POST", path=LIST, status=201, body="created")
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until="has not shown it yet")
    await ben.advance(3600)
    await ben.clicks("ben", "Look again")
    await ben.hears("ben", until="has not shown it yet")
    assert "Start over" not in buttons(ben.card("ben"))
    await asks(ben)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until="has not shown it yet")
    assert len(await posts(ben)) == 1


async def test_a_list_that_is_behind_or_out_of_order_says_nothing(ben: World) -> None:
    await asks(ben)
    await ben.fault("apply_then_drop", method="POST", path=LIST)
    await ben.fault("status", method="GET", path=LIST, status=200, body={"value": []}, times=3)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=UNKNOWN)
    await ben.clicks("ben", "Look again")
    await ben.hears("ben", until=CREATED)
    assert len(await made(ben)) == len(await posts(ben)) == 1


async def test_it_is_found_behind_many_newer_ones(ben: World) -> None:
    await ben.switch(page_size=2)
    await asks(ben)
    await ben.fault("apply_then_drop", method="POST", path=LIST)
    await ben.fault("unavailable", method="GET", path=LIST, times=9)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=UNKNOWN)
    await ben.clear_faults()
    for number in range(3):
        await ben.says("ben", line().replace("Data platform", f"Another {number}"))
        await ben.hears("ben", until=PREVIEW)
        await ben.clicks("ben", "Create deal")
        await ben.hears("ben", until=CREATED)
    await ben.sees("ben", lambda seen: sum(CREATED in one.words for one in seen) == 4)
    assert len(await made(ben)) == len(await posts(ben)) == 4


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (400, "invalidRequest", "Partner Center refused that"),
        (422, "invalidRequest", "Partner Center refused that"),
        (409, "invalidRequest", "Partner Center refused that"),
        (403, "accessDenied", "role"),
    ],
)
async def test_a_refusal_is_told_and_leads_back_to_the_form(
    ben: World, status: int, code: str, said: str
) -> None:
    await asks(ben)
    body = {"error": {"code": code, "message": "Canary for developers."}}
    await ben.fault("status", method="POST", path=LIST, status=status, body=body)
    await ben.clicks("ben", "Create deal")
    told = await ben.hears("ben", until=said)
    assert "Canary" not in told.words
    assert await made(ben) == []
    assert rows(ben) == [("failed", "")]


async def test_after_a_refusal_it_can_be_changed_and_created(ben: World) -> None:
    await asks(ben)
    body = {"error": {"code": "invalidRequest", "message": "No."}}
    await ben.fault("status", method="POST", path=LIST, status=400, body=body)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until="refused")
    await ben.clicks("ben", "Change")
    await ben.hears("ben", until="New deal")
    await ben.clicks("ben", "Preview", inputs={"value": "31k"})
    await ben.hears("ben", until="EUR 31,000")
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=CREATED)
    assert len(await made(ben)) == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [(None, UNKNOWN), ({"statusCode": 429, "message": "Slow down."}, "slow down")],
)
async def test_a_429_is_believed_when_it_is_the_services_own(
    ben: World, body: object, told: str
) -> None:
    await asks(ben)
    await ben.fault("status", method="POST", path=LIST, status=429, body=body)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=told)
    state = rows(ben)[0][0]
    assert state == ("unknown" if body is None else "open")


async def test_a_refusal_in_between_is_not_believed(ben: World) -> None:
    await asks(ben)
    await ben.fault("html", method="POST", path=LIST, status=403)
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until=UNKNOWN)


async def test_a_lost_sign_in_sends_nothing_and_then_goes_on(ben: World) -> None:
    await asks(ben)
    await ben.revoke("ben")
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben")
    assert await made(ben) == []
    await ben.signs_in("ben")
    await ben.hears("ben", until=CREATED)
    assert len(await made(ben)) == 1


async def test_what_was_altered_after_it_was_shown_is_not_created(ben: World) -> None:
    await asks(ben)
    with closing(sqlite3.connect(ben.folder / "dealdesk.db")) as database, database:
        database.execute("UPDATE proposals SET operations = replace(operations, '30000', '90000')")
    await ben.clicks("ben", "Create deal")
    await ben.hears("ben", until="is not what you were shown")
    assert await posts(ben) == []


@pytest.mark.parametrize("point", STEPS)
async def test_killed_at_any_point_there_is_one_deal_and_the_card_says_so(
    world: World, point: Point
) -> None:
    first = await world.bot_process({"DEALDESK_CRASH_AT": point.value})
    await signed_in(world, "ben")
    await asks(world)
    with contextlib.suppress(Refused):
        await world.clicks("ben", "Create deal")
    assert await first.ended() == -signal.SIGKILL
    sent = 0 if point is Point.WRITE_INTENDED else 1
    assert len(await posts(world)) == sent
    await age(world.environment(0)["DEALDESK_DATABASE_URL"], 61)

    await world.bot_process()
    if point is Point.WRITE_INTENDED:
        with contextlib.suppress(Refused):
            await world.clicks("ben", "Create deal")
        await world.sees("ben", lambda seen: UNKNOWN in newest(seen), within=180)
        assert await posts(world) == []
        return
    if point is Point.WRITE_DONE:
        await world.clicks("ben", "Create deal")
    await world.sees("ben", lambda seen: CREATED in newest(seen), within=180)
    assert len(await posts(world)) == len(await made(world)) == 1


async def test_two_instances_create_one_deal(world: World) -> None:
    """The same preview pressed through two processes that share the database."""
    second = await world.bot_process()
    first = await world.bot()
    await signed_in(world, "ben")
    await asks(world)
    preview = world.heard("ben")
    data = data_of(preview, "create_deal")
    await world.fault("delay", method="POST", path=LIST, seconds=3)
    for each in (first, second):
        await world.post("bot", url=each.url)
        await presses(world, "ben", "create_deal", data, preview.id)
    await world.sees("ben", lambda seen: any(CREATED in one.words for one in seen))
    assert len(await posts(world)) == len(await made(world)) == 1


async def test_g6_a_process_stopped_in_the_middle_is_not_followed_by_a_second_post(
    world: World,
) -> None:
    first = await world.bot_process()
    await signed_in(world, "ben")
    await asks(world)
    await world.fault("delay", method="POST", path=LIST, seconds=LONG)
    await world.clicks("ben", "Create deal")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await posts(world):
            await world.get("events", wait="1", person="ben")
    database = world.environment(0)["DEALDESK_DATABASE_URL"]
    async with looking_away(first, database):
        await age(database, 61)
        await world.bot_process()
        await world.sees("ben", lambda seen: UNKNOWN in newest(seen), within=180)
    await world.post("clock", advance=LONG)
    await world.sees("ben", lambda seen: CREATED in newest(seen))
    assert len(await posts(world)) == len(await made(world)) == 1


async def test_i11_an_older_copy_put_back_does_not_create_it_again(world: World) -> None:
    await world.bot()
    await signed_in(world, "ben")
    await asks(world)
    preview = world.heard("ben")
    await world._bots.pop().stop()
    await asyncio.to_thread(copied, world.folder, "dealdesk.db", "yesterday.db")
    await world.advance(6 * 3600)
    await world.bot()
    await world.clicks("ben", "Create deal")
    await world.hears("ben", until=CREATED)
    await world._bots.pop().stop()

    await asyncio.to_thread(copied, world.folder, "yesterday.db", "dealdesk.db")
    await world.bot()
    assert rows(world) == [("unknown", "")]
    await presses(world, "ben", "create_deal", data_of(preview, "create_deal"), preview.id)
    await world.hears("ben", until="appeared after all")
    assert len(await made(world)) == 1
