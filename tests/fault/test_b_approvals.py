"""Cases B1 to B10: requests for approval under forged, stale, doubled, copied and slow presses."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from copy import deepcopy

import pytest

from sandbox.deals import FABRIKAM
from sandbox.people import PEOPLE
from tests.scenario.conftest import patches
from tests.scenario.test_approvals import (
    ADA,
    DANA,
    DONE,
    POLICY,
    WAITING,
    asks_to_change,
    audited,
    open_house,
    sees,
    value,
)
from tests.scenario.test_register import begins, registered, walks_to_the_end
from tests.seen import Heard
from tests.stopwatch import stopwatch
from tests.world import Sent, World

NOT_VALID = "This card is no longer valid"
MAY_NOT = "You may not approve this"
LATER = "orking on it"
"""An answer that says that it takes longer: after 2.4 s by the turn, after 8 s by the door."""


@pytest.fixture
async def house(world: World) -> World:
    return await open_house(world)


def approval_in(card: Heard) -> str:
    """The id behind the buttons of a card."""
    return str(card.card["actions"][0]["data"]["approval"]) if card.card else ""


async def presses(
    world: World,
    person: str,
    verb: object,
    data: object,
    message: str | None,
    where: str = "personal",
    bot: str | None = None,
    **action: object,
) -> Sent:
    """An Action.Execute as an attacker may make it: any verb, any data, on any message."""
    activity = await world.activity(person, "x", where)
    activity |= {
        "type": "invoke",
        "name": "adaptiveCard/action",
        "replyToId": message,
        "value": {
            "action": {"type": "Action.Execute", "verb": verb, "data": data, **action},
            "trigger": "manual",
        },
    }
    activity.pop("text", None)
    activity.pop("entities", None)
    await world.listens(person, where)
    return await world.deliver(activity, bot=bot)


def says(sent: Sent) -> str:
    """The words of an invoke's answer."""
    return str(sent.answer)


async def comes_to(
    world: World, person: str, sent: Sent, words: str, where: str = "personal"
) -> str:
    """What a press came to, which says this: its answer, or what follows when that took longer
    than an answer may, as on a busy machine."""
    if LATER in says(sent):
        return (await world.hears(person, where, until=words)).words
    assert words in says(sent)
    return says(sent)


async def called(world: World, person: str, name: str) -> None:
    """Give somebody another sign-in name, as a second account of the same human would have."""

    def write() -> None:
        with closing(sqlite3.connect(world.folder / "dealdesk.db")) as database, database:
            given = (name.lower(), PEOPLE[person].oid)
            database.execute("UPDATE people SET upn = ? WHERE person = ?", given)

    await asyncio.to_thread(write)


def state_of(world: World, approval_id: str) -> str:
    with closing(sqlite3.connect(world.folder / "dealdesk.db")) as database:
        row = database.execute("SELECT state FROM approvals WHERE id = ?", (approval_id,))
        return str(row.fetchone()[0])


@pytest.mark.parametrize(
    "swapped",
    [
        {"approval": "f" * 32},
        {"deal": FABRIKAM},
        {"fingerprint": "0" * 64},
        {"amount": 1},
        {"operations": "[]"},
        {"person": DANA},
    ],
    ids=lambda swapped: next(iter(swapped)),
)
async def test_B1_swapped_card_data_has_no_effect(
    house: World, swapped: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    card = await asks_to_change(house)
    real = {"approval": approval_in(card)}
    answered = await presses(house, "dana", "approve", real | swapped, card.id)
    assert answered.status == 200
    assert NOT_VALID in says(answered)
    assert state_of(house, real["approval"]) == "waiting"
    assert await house.ledger() == []
    log = capsys.readouterr().out
    assert "unknown action" in log or "unknown approval pressed" in log


async def test_B1_another_requests_id_on_this_card_is_refused(house: World) -> None:
    first = await asks_to_change(house, "group")
    await house.says("ben", "update fabrikam analytics value 46k", "wins")
    await house.hears("ben", "wins", until="Save this change?")
    await house.clicks("ben", "Save", where="wins")
    there = await house.hears("ben", "wins", until=WAITING)
    swapped = {"approval": approval_in(first)}
    answered = await presses(house, "dana", "approve", swapped, there.id, "wins")
    assert NOT_VALID in says(answered)
    assert await house.ledger() == []


@pytest.mark.parametrize(
    ("verb", "data"),
    [
        ("approve_all", {}),
        ("", {}),
        ("approve", {"approval": ""}),
        ("approve", {"approval": ["a"]}),
        ("approve", {"approval": {"id": "a"}}),
        ("approve", {"approval": "../x"}),
        ("approve", {"approval": None}),
        ("approve", {"verb": "reject"}),
        ("reject", {"reason": {"$ne": ""}}),
        ("reject", {"reason": "x" * 30_000}),
        ("save", {"proposal": "none"}),
        ("approve", {"more": "x" * 900_000}),
    ],
    ids=str,
)
async def test_B2_odd_verbs_and_data_get_an_error_card(
    house: World, verb: str, data: dict[str, object]
) -> None:
    card = await asks_to_change(house)
    whole: dict[str, object] = {"approval": approval_in(card)}
    answered = await presses(house, "dana", verb, {**whole, **data}, card.id)
    if len(str(data)) < 100_000:
        assert answered.status == 200
        assert answered.answer["statusCode"] in (200, 400)
    else:
        assert answered.status in (200, 413)
    assert state_of(house, approval_in(card)) == "waiting"
    assert await house.ledger() == []


async def test_B2_approve_from_the_card_without_that_button(house: World) -> None:
    """Everybody's card has no Approve; who may not approve gains nothing by saying the verb."""
    asked = await asks_to_change(house, "group")
    (base,) = [one for one in await house.messages("cleo", "group") if WAITING in one]
    data = {"approval": approval_in(asked)}
    answered = await presses(house, "cleo", "approve", data, base.id, "group")
    assert MAY_NOT in says(answered)
    answered = await presses(house, "dana", "approve", data, base.id, "group")
    assert "Approved" in says(answered)


async def test_B2_action_submit_does_the_same(house: World) -> None:
    """An older client sends Action.Submit: a message with the verb among the data."""
    card = await asks_to_change(house)
    activity = await house.activity("dana", "x")
    activity |= {
        "text": None,
        "replyToId": card.id,
        "value": {"verb": "approve", "approval": approval_in(card)},
    }
    answered = await house.deliver(activity)
    assert answered.status in (200, 201, 202)
    await sees(house, "dana", DONE)
    assert len(await house.ledger()) == 1


async def test_B3_who_may_not_approve_is_told_alone(house: World) -> None:
    asked = await asks_to_change(house, "group")
    (base,) = [one for one in await house.messages("cleo", "group") if WAITING in one]
    data = {"approval": approval_in(asked)}
    for person in ("cleo", "ada"):
        answered = await presses(house, person, "approve", data, base.id, "group")
        assert answered.status == 200
        assert MAY_NOT in says(answered)
    for person in ("ben", "dana"):
        assert not any(MAY_NOT in one for one in await house.messages(person, "group"))
    assert await house.ledger() == []
    refused = [outcome for _who, outcome, _detail in audited(house, "approval")]
    assert refused.count("refused.not_an_approver") == 2


async def test_B3_a_right_that_was_taken_away_meanwhile(house: World) -> None:
    asked = await asks_to_change(house)
    await house._bots.pop().stop()
    await house.bot(approval_policy=POLICY, approvers=ADA)
    answered = await house.clicks("dana", "Approve", message=asked.id)
    assert MAY_NOT in says(answered)
    assert await house.ledger() == []
    assert state_of(house, approval_in(asked)) == "waiting"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ben.okafor@contoso.example", "your own request"),
        ("Ben.Okafor+approver@contoso.example", "your own request"),
        ("ben.okafor_contoso.example#EXT#@fabrikam.example", "your own request"),
        ("somebody_else.example#EXT#@contoso.example", "guests cannot approve"),
    ],
)
async def test_B4_a_second_account_of_the_requester_and_guests_are_refused(
    world: World, name: str, why: str
) -> None:
    house = await open_house(world, approvers=f"{DANA},{ADA}")
    card = await asks_to_change(house)
    await called(house, "dana", name)
    answered = await house.clicks("dana", "Approve", message=card.id)
    assert why in says(answered)
    assert state_of(house, approval_in(card)) == "waiting"
    assert await house.ledger() == []


async def test_B4_the_name_of_an_approver_who_never_signed_in_is_known(house: World) -> None:
    await asks_to_change(house)
    with closing(sqlite3.connect(house.folder / "dealdesk.db")) as database:
        row = database.execute("SELECT upn FROM people WHERE person = ?", (DANA,)).fetchone()
    assert row == (PEOPLE["dana"].email,)


async def test_B4_the_requester_never_approves_even_as_an_approver(world: World) -> None:
    house = await open_house(world, approvers=f"{DANA},{PEOPLE['ben'].oid}")
    card = await asks_to_change(house, "group")
    (base,) = [one for one in await house.messages("ben", "group") if WAITING in one]
    data = {"approval": approval_in(card)}
    answered = await presses(house, "ben", "approve", data, base.id, "group")
    assert "your own request" in says(answered)
    assert not any("Approve" in one for one in await house.messages("ben"))
    assert await house.ledger() == []


async def test_B4_standing_in_does_not_make_the_requester_an_approver(house: World) -> None:
    await house.says("dana", "delegate to ben until 2099-01-01")
    await house.hears("dana", until="three months")
    await house.says("dana", "delegate to ben until next friday")
    await house.hears("dana", until="stands in for you")
    card = await asks_to_change(house, "group")
    (base,) = [one for one in await house.messages("ben", "group") if WAITING in one]
    data = {"approval": approval_in(card)}
    answered = await presses(house, "ben", "approve", data, base.id, "group")
    assert "your own request" in says(answered)
    assert await house.ledger() == []


async def test_B5_a_stale_card_shows_the_end_and_does_nothing(world: World) -> None:
    house = await open_house(world, approvers=f"{DANA},{ADA}")
    card = await asks_to_change(house)
    other = await house.hears("ada", until=WAITING)
    await house.clicks("dana", "Approve")
    await sees(house, "dana", DONE)
    data = {"approval": approval_in(card)}
    for verb in ("approve", "reject", "ask_back", "withdraw"):
        answered = await presses(house, "ada", verb, {**data}, other.id)
        assert DONE in says(answered)
        assert "Dana Whitfield" in says(answered)
    assert len(await house.ledger()) == 1


async def test_B5_after_expiry_and_after_a_restart(house: World) -> None:
    card = await asks_to_change(house)
    await house._bots.pop().stop()
    await house.advance(24 * 3600 + 60)
    await house.bot(approval_policy=POLICY)
    data = {"approval": approval_in(card)}
    answered = await presses(house, "dana", "approve", data, card.id)
    assert "Nobody decided in time" in says(answered)
    await sees(house, "dana", "Nobody decided in time")
    assert await house.ledger() == []


async def test_B6_pressing_twice_and_again_later_is_one_decision(house: World) -> None:
    card = await asks_to_change(house)
    twice = await house.clicks("dana", "Approve", times=2, together=True)
    assert set(twice.statuses) == {200}
    assert str(twice.answers[0]) == str(twice.answers[1])
    await sees(house, "dana", DONE)
    await house.advance(30)
    again = await presses(house, "dana", "approve", {"approval": approval_in(card)}, card.id)
    assert DONE in says(again)
    assert len(await house.ledger()) == 1
    decided = [outcome for _who, outcome, _detail in audited(house, "approval")]
    assert decided == ["asked", "approve", "done"]


@pytest.mark.parametrize("verbs", [("approve", "approve"), ("approve", "reject")], ids="-".join)
async def test_B7_two_approvers_on_two_instances_in_the_same_moment(
    world: World, verbs: tuple[str, str]
) -> None:
    house = await open_house(world, approvers=f"{DANA},{ADA}")
    card = await asks_to_change(house)
    other = await house.hears("ada", until=WAITING)
    first = house._bots[-1].url
    second = (await house.bot(approval_policy=POLICY, approvers=f"{DANA},{ADA}")).url
    data = {"approval": approval_in(card), "reason": "No"}

    async def press(person: str, verb: str, message: str, url: str) -> Sent:
        await house.post("bot", url=url)
        given = data if verb == "reject" else {"approval": data["approval"]}
        return await presses(house, person, verb, given, message)

    answers = await asyncio.gather(
        press("dana", verbs[0], card.id, first), press("ada", verbs[1], other.id, second)
    )
    assert {answer.status for answer in answers} == {200}
    await house.sees("dana", lambda seen: any(DONE in m or "Rejected" in m for m in seen))
    end = state_of(house, data["approval"])
    assert end in {"done", "rejected"}
    assert len(await house.ledger()) == (1 if end == "done" else 0)
    for person in ("dana", "ada", "ben"):
        await sees(house, person, DONE if end == "done" else "Rejected")


@pytest.mark.parametrize("where", ["general", "wins", "personal"])
async def test_B8_a_card_pressed_where_it_was_not_put(
    house: World, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    card = await asks_to_change(house, "group")
    data = {"approval": approval_in(card)}
    person = "cleo" if where == "personal" else "dana"
    answered = await presses(house, person, "approve", data, "1700000000000", where)
    assert answered.status == 200
    assert NOT_VALID in says(answered)
    log = capsys.readouterr().out
    assert "approval card pressed elsewhere" in log
    assert "19:deal-room@thread.v2" in log
    assert state_of(house, data["approval"]) == "waiting"


async def test_B8_another_message_of_the_same_chat(house: World) -> None:
    card = await asks_to_change(house, "group")
    data = {"approval": approval_in(card)}
    answered = await presses(house, "dana", "approve", data, "1700000000000", "group")
    assert NOT_VALID in says(answered)
    assert state_of(house, data["approval"]) == "waiting"


async def test_B8_another_tenant(house: World) -> None:
    card = await asks_to_change(house)
    activity = await house.activity("dana", "x")
    foreign = deepcopy(activity)
    foreign["channelData"] = {"tenant": {"id": "11111111-2222-4333-8444-555555555555"}}
    foreign["conversation"]["tenantId"] = "11111111-2222-4333-8444-555555555555"
    foreign |= {
        "type": "invoke",
        "name": "adaptiveCard/action",
        "replyToId": card.id,
        "value": {
            "action": {
                "type": "Action.Execute",
                "verb": "approve",
                "data": {"approval": approval_in(card)},
            }
        },
    }
    answered = await house.deliver(foreign)
    assert answered.status == 403
    assert state_of(house, approval_in(card)) == "waiting"


@pytest.mark.parametrize(
    ("path", "new", "shown"),
    [
        ("/details/dealValue", 41000, "41,000"),
        ("/details/notes", "Their lawyer called", "Their lawyer called"),
    ],
)
async def test_B9_an_edited_deal_voids_the_approval_of_a_change(
    house: World, path: str, new: object, shown: str
) -> None:
    await asks_to_change(house, "group")
    before = len(await house.ledger())
    await house.edit(FABRIKAM, [{"op": "replace", "path": path, "value": new}])
    await house.clicks("dana", "Approve")
    for person, where in (("dana", "personal"), ("ben", "group"), ("cleo", "group")):
        await sees(house, person, "The deal has changed since", where)
        await sees(house, person, shown, where)
    assert await patches(house) == []
    assert len([w for w in await house.ledger() if w["owner"] == "ben"]) == before
    assert await value(house) == (41000 if path.endswith("dealValue") else 30000)


async def test_B9_an_edited_deal_voids_the_approval_of_a_registration(house: World) -> None:
    await begins(house)
    await walks_to_the_end(house)
    await house.clicks("ben", "Submit")
    await house.hears("dana", until=WAITING)
    first = approval_in(house.heard("dana"))
    moved = [{"op": "replace", "path": "/details/dealValue", "value": 260000}]
    await house.edit(FABRIKAM, moved)
    await house.clicks("dana", "Approve")
    await sees(house, "ben", "The deal has changed since")
    await sees(house, "dana", "260,000")
    assert await patches(house) == []
    await house.clicks("ben", "Look and ask again")
    await house.hears("ben", until="Check and submit")
    await house.clicks("ben", "Submit")
    again = await house.hears("dana", until=WAITING)
    assert approval_in(again) != first
    await house.clicks("dana", "Approve")
    await sees(house, "dana", DONE)
    assert len(await registered(house)) == 1


async def test_B10_a_slow_service_does_not_keep_the_press_waiting(house: World) -> None:
    await begins(house)
    await walks_to_the_end(house)
    await house.clicks("ben", "Submit")
    card = await house.hears("dana", until=WAITING)
    await house.fault("delay", method="PATCH", seconds=20)
    await house.fault("delay", method="GET", seconds=2)
    async with stopwatch() as watch:
        answered = await house.clicks("dana", "Approve")
        assert watch.seconds < 3
    assert "Registering…" in says(answered)
    again = await presses(house, "dana", "approve", {"approval": approval_in(card)}, card.id)
    assert "Registering…" in says(again)
    for person in ("dana", "ben"):
        await house.sees(person, lambda seen: any(DONE in one for one in seen))
    assert len(await registered(house)) == 1
    assert len(await patches(house)) == 1
