"""Teams does not take a reply, or a turn fails under a button: nothing said or typed is lost."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from sandbox.deals import FABRIKAM
from tests.scenario.conftest import ben, office, signed_in
from tests.scenario.test_register import begins, day
from tests.world import Heard, World, buttons

__all__ = ["ben", "office"]
SAVE = "Save this change?"


async def proposed(world: World, where: str = "personal") -> None:
    await world.says("ben", "update fabrikam analytics value 45k", where)
    await world.hears("ben", where, until=SAVE)


@pytest.mark.parametrize(("status", "headers"), [(429, {"Retry-After": "1"}), (412, {})])
async def test_H9_an_answer_teams_did_not_take_comes_later(
    ben: World, status: int, headers: dict[str, str]
) -> None:
    refusal = {"method": "POST", "path": "activities", "status": status, "headers": headers}
    await ben.post("faults", api="connector", kind="status", **refusal)
    await ben.says("ben", f"show {FABRIKAM}")
    await ben.hears("ben", until="Fabrikam analytics rollout")


async def test_H9_the_outcome_of_a_save_reaches_its_card_after_a_429(ben: World) -> None:
    await proposed(ben)
    headers = {"Retry-After": "1"}
    await ben.fault("delay", method="PATCH", seconds=30)
    await ben.fault("status", api="connector", method="PUT", status=429, headers=headers)
    await ben.clicks("ben", "Save")
    await ben.befallen()
    await ben.post("clock", advance=60)
    await ben.sees("ben", lambda seen: any("Saved in Partner" in each.words for each in seen))


async def test_H9_a_card_that_is_gone_is_answered_by_a_new_message(ben: World) -> None:
    await proposed(ben)
    await ben.fault("delay", method="PATCH", seconds=30)
    await ben.fault("status", api="connector", method="PUT", status=404)
    await ben.clicks("ben", "Save")
    await ben.befallen()
    await ben.post("clock", advance=60)
    await ben.sees("ben", lambda seen: any("Saved in Partner" in each.words for each in seen))


async def test_C4_a_reply_too_large_for_teams_becomes_a_sentence(ben: World) -> None:
    await ben.fault("status", api="connector", method="POST", path="activities", status=413)
    await ben.says("ben", f"show {FABRIKAM}")
    heard = await ben.hears("ben", until="too large")
    assert "Fabrikam" in heard.words


async def test_a_form_keeps_what_was_typed_when_partner_center_is_down(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics")
    await ben.hears("ben", until="Edit this deal")
    await ben.fault("status", method="GET", status=503, times=3)
    typed = {"notes": "A long note"}
    await ben.clicks("ben", "Preview", inputs=typed)
    await ben.hears("ben", until="not answering")
    await ben.clicks("ben", "Preview", inputs=typed)
    await ben.hears("ben", until=SAVE)


async def test_a_press_that_failed_offers_itself_again(ben: World) -> None:
    await ben.says("ben", f"show {FABRIKAM}")
    await ben.hears("ben", until="Fabrikam analytics rollout")
    await ben.fault("status", method="GET", status=503, times=3)
    await ben.clicks("ben", "Refresh")
    await ben.hears("ben", until="not answering")
    await ben.clicks("ben", "Try again")
    await ben.hears("ben", until="Fabrikam analytics rollout")


async def test_B1_a_forged_press_spoils_nobodys_card(ben: World) -> None:
    await signed_in(ben, "cleo")
    await proposed(ben, "general")
    for verb, data in (("save", {"proposal": "0" * 32}), ("help", {"topic": ""})):
        activity = await ben.activity("cleo", "", "general")
        shown = next(
            each for each in reversed(await ben.messages("ben", "general")) if SAVE in each.words
        )
        activity |= {"text": None, "value": {"verb": verb, **data}, "replyToId": shown.id}
        await ben.deliver(activity)
    cards = [each.words for each in await ben.messages("ben", "general")]
    assert any(SAVE in words for words in cards)
    assert await ben.ledger() == []


async def test_a_slow_look_of_one_person_does_not_take_the_card_of_all(ben: World) -> None:
    await signed_in(ben, "cleo")
    await ben.says("ben", f"show {FABRIKAM}", "general")
    await ben.hears("ben", "general", until="Fabrikam analytics rollout")
    await ben.fault("delay", method="GET", seconds=30)
    pressed = await ben.clicks("cleo", "Edit", where="general")
    assert "AdaptiveCard" not in str(pressed.answer)
    await ben.befallen()
    await ben.post("clock", advance=60)
    await ben.hears("ben", "general", until="Edit this deal")
    cards = [each.words for each in await ben.messages("ben", "general")]
    assert any("Fabrikam analytics rollout" in words and "Won" in words for words in cards)


async def test_I1_a_busy_store_after_the_write_does_not_call_it_unchanged(ben: World) -> None:
    await proposed(ben)
    await ben.fault("delay", method="PATCH", seconds=30)
    await ben.clicks("ben", "Save")
    await ben.befallen()
    with closing(sqlite3.connect(ben.folder / "dealdesk.db", isolation_level=None)) as rows:
        rows.execute("BEGIN EXCLUSIVE")
        await ben.post("clock", advance=60)
        heard = await ben.hears("ben", until="do not know yet")
        rows.execute("ROLLBACK")
    assert "Nothing was changed" not in heard.words
    await ben.clicks("ben", "Check again")
    await ben.hears("ben", until="Saved")
    assert len(await ben.ledger()) == 1


async def test_I1_a_busy_store_before_the_write_sends_nothing(ben: World) -> None:
    await proposed(ben)
    with closing(sqlite3.connect(ben.folder / "dealdesk.db", isolation_level=None)) as rows:
        rows.execute("BEGIN EXCLUSIVE")
        await ben.clicks("ben", "Save")
        rows.execute("ROLLBACK")
    assert await ben.ledger() == []


async def test_H9_a_step_that_is_owed_stands_where_it_arrives_and_the_former_is_left(
    ben: World,
) -> None:
    await begins(ben)
    refusal = {"method": "POST", "path": "activities", "headers": {"Retry-After": "1"}}
    await ben.post("faults", api="connector", kind="status", status=429, **refusal)
    await ben.says("ben", "250k")
    second = await ben.hears("ben", until="step 2 of 5")

    def answers(step: Heard) -> Callable[[list[Heard]], bool]:
        return lambda seen: (
            [one.id for one in seen if "Next" in buttons(one.card or {})] == [step.id]
        )

    await ben.sees("ben", answers(second))
    await ben.says("ben", f"signed {day(ben, -10)}, starts {day(ben, -5)}, ends {day(ben, 720)}")
    third = await ben.hears("ben", until="step 3 of 5")
    await ben.sees("ben", answers(third))
    assert [row["status"] for row in await ben.connector()].count(429) == 1


@pytest.mark.parametrize("is_late", [False, True])
async def test_H9_a_line_that_asks_to_sign_in_and_is_owed_ends_with_the_sign_in(
    office: World, is_late: bool
) -> None:
    asks, done = "please sign in first", "Signed in to Partner Center"
    refusal = {"method": "POST", "path": "deal-room.*activities", "status": 429}
    headers = {"Retry-After": "40" if is_late else "1"}
    await office.post("faults", api="connector", kind="status", headers=headers, **refusal)
    await office.says("ben", "show fabrikam analytics", "group")
    await office.hears("ben", until="Sign in")
    if not is_late:
        await office.hears("ben", "group", until=asks)
    await office.signs_in("ben")
    await office.hears("ben", until=done)
    await office.advance(60)
    await office.sees(
        "ben",
        lambda seen: any(done in each for each in seen) and not any(asks in each for each in seen),
        "group",
    )
    assert [row["status"] for row in await office.connector()].count(429) == 1
