"""New deals that need approval: bound to all they say, created once, as the requester."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from tests.scenario.conftest import signed_in
from tests.scenario.test_approvals import DANA, DONE, WAITING, audited, open_house, sees
from tests.scenario.test_create import CREATED, LINE, PREVIEW, line, posts
from tests.world import PATIENCE_SECONDS, World, buttons, newest


@pytest.fixture
async def house(world: World) -> World:
    return await open_house(world, "create")


def states(world: World) -> list[str]:
    """Where each new deal stands."""
    with closing(sqlite3.connect(world.folder / "dealdesk.db")) as rows:
        return [
            str(row[0]) for row in rows.execute("SELECT state FROM proposals WHERE kind = 'create'")
        ]


async def asks_for_a_deal(world: World, where: str = "personal") -> None:
    """Ben asks for a new deal, and Dana has the card."""
    await world.says("ben", line(), where)
    await world.hears("ben", where, until=PREVIEW)
    await world.clicks("ben", "Create deal", where=where)
    await world.hears("ben", where, until=WAITING)
    await world.hears("dana", until=WAITING)


async def test_a_new_deal_is_created_after_approval_and_as_the_requester(house: World) -> None:
    await asks_for_a_deal(house, "group")
    asked = house.heard("dana")
    for piece in ("Wide World Importers", "Germany (DE)", "EUR 30,000", "New deal", "Ben Okafor"):
        assert piece in asked.words
    assert await posts(house) == []
    await house.clicks("dana", "Approve")
    for person, where in (("dana", "personal"), ("ben", "group"), ("cleo", "group")):
        await sees(house, person, DONE, where)
    await sees(house, "ben", CREATED)
    (write,) = await house.ledger()
    assert (write["method"], write["owner"]) == ("POST", "ben")
    entries = audited(house, "proposal.create")
    assert [outcome for _person, outcome, _detail in entries] == ["applying", "done"]
    assert all('"approval":"' in detail for _person, _outcome, detail in entries)


async def test_the_value_alone_can_ask_for_approval(world: World) -> None:
    await open_house(world, "value>20000 EUR")
    await asks_for_a_deal(world)
    await world.clicks("dana", "Approve")
    await sees(world, "ben", CREATED)
    await world.says("ben", line().replace("30k", "10k"))
    await world.hears("ben", until=PREVIEW)
    await world.clicks("ben", "Create deal")
    await world.hears("ben", until=CREATED)
    assert len(await world.ledger()) == 2


async def test_a_rejected_deal_is_not_created_and_can_be_changed(house: World) -> None:
    await asks_for_a_deal(house)
    await house.clicks("dana", "Reject", inputs={"reason": "We know this customer"})
    await sees(house, "ben", "We know this customer")
    assert await posts(house) == []
    await house.clicks("ben", "Change and ask again")
    await house.hears("ben", until="It will be a private deal")
    await house.clicks("ben", "Preview", inputs={"name": "Another platform"})
    await house.hears("ben", until=PREVIEW)
    await house.clicks("ben", "Create deal")
    await house.hears("ben", until=WAITING)
    await house.sees("dana", lambda seen: "Another platform" in newest(seen))
    await house.clicks("dana", "Approve")
    await sees(house, "ben", CREATED)
    assert len(await posts(house)) == 1


async def test_a_deal_that_is_out_of_date_when_it_is_approved_fails_and_says_so(
    world: World,
) -> None:
    await open_house(world, "create, expires=96h")
    soon = (world.clock() + timedelta(days=2)).date().isoformat()
    await world.says("ben", LINE.format(close=soon))
    await world.hears("ben", until=PREVIEW)
    await world.clicks("ben", "Create deal")
    await world.hears("dana", until=WAITING)
    await world.advance(3 * 86400 + 3600)
    await world.clicks("dana", "Approve")
    for person in ("dana", "ben"):
        await sees(world, person, "Approved, but not carried out")
        await sees(world, person, "was right when it was shown, and is not any more")
    await sees(world, "ben", "Change and ask again")
    assert await posts(world) == []


async def test_what_waits_can_be_withdrawn_but_not_changed(house: World) -> None:
    await asks_for_a_deal(house)
    assert "Change" not in buttons(house.card("ben"))
    await house.says("dana", "approvals")
    await house.hears("dana", until="Wide World Importers")
    await house.clicks("dana", verb="open_approval")
    await house.hears("dana", until=WAITING)
    await house.clicks("ben", "Withdraw")
    await sees(house, "ben", "Withdrawn")
    assert await posts(house) == []


async def test_signed_out_meanwhile_it_happens_after_the_sign_in(house: World) -> None:
    await asks_for_a_deal(house)
    await house.says("ben", "sign out")
    await house.hears("ben", until="signed out")
    await house.clicks("dana", "Approve")
    await sees(house, "ben", "please sign in")
    assert await posts(house) == []
    await signed_in(house, "ben")
    await sees(house, "ben", CREATED)
    await sees(house, "dana", DONE)
    assert len(await posts(house)) == 1


async def test_an_altered_document_is_not_created(house: World) -> None:
    await asks_for_a_deal(house)
    with closing(sqlite3.connect(house.folder / "dealdesk.db")) as rows, rows:
        rows.execute(
            "UPDATE proposals SET operations = replace(operations, '30000', '90000')"
            " WHERE kind = 'create'"
        )
    await house.clicks("dana", "Approve")
    await sees(house, "dana", "is not what was approved")
    assert await posts(house) == []


async def test_a_lost_answer_under_approval_is_looked_for_and_not_sent_again(house: World) -> None:
    await asks_for_a_deal(house)
    await house.fault("late", method="POST", path="/referrals$")
    await house.clicks("dana", "Approve")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while states(house) != ["unknown"]:
            await posts(house)
    await house.advance(61)
    assert await house.release() == 1
    await house.sees("dana", lambda seen: any(DONE in one.words for one in seen))
    await sees(house, "ben", CREATED)
    assert len(await posts(house)) == len(await house.ledger()) == 1


async def test_its_requester_is_asked_when_nobody_knows(house: World) -> None:
    await asks_for_a_deal(house)
    await house.fault("drop_before", method="POST", path="/referrals$")
    await house.clicks("dana", "Approve")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while states(house) != ["unknown"]:
            await posts(house)
    await house.advance(601)
    asked = "looked for more than ten minutes"
    await house.sees("ben", lambda seen: asked in newest(seen))
    await house.clicks("ben", "Look again")
    await house.hears("ben", until=asked)
    await house.clicks("ben", "Start over")
    await house.hears("ben", until="It will be a private deal")
    assert len(await posts(house)) == 1


async def test_a_channel_that_follows_approvals_hears_of_a_new_deal(house: World) -> None:
    await house.says("ben", "subscribe approvals", "wins")
    await house.hears("ben", "wins")
    await asks_for_a_deal(house)
    told = await house.hears("ben", "wins", until="waits for a decision")
    assert "New deal · Data platform" in told.words


async def test_the_requester_cannot_approve_it(world: World) -> None:
    await open_house(world, "create", f"{DANA},ben.okafor@contoso.example")
    await asks_for_a_deal(world)
    assert "Approve" not in buttons(world.card("ben"))
