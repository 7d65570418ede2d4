"""The registration dialog, as sellers walk it: by button, by typing, with interruptions."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from sandbox.deals import FABRIKAM, NORTHWIND, REGISTERED_APPROVED
from tests.scenario.conftest import patches, signed_in
from tests.world import Heard, World, newest

DEAL = "fabrikam analytics"


def day(world: World, days: int) -> date:
    """A day seen from the bot's clock."""
    return world.clock().date() + timedelta(days=days)


async def begins(world: World, person: str = "ben", where: str = "personal") -> None:
    await world.says(person, f"register {DEAL}", where)
    await world.hears(person, where, until="step 1 of 5")


async def walks_to_the_end(world: World, person: str = "ben", where: str = "personal") -> None:
    """One answer typed, the rest by form."""
    await world.says(person, "250k", where)
    await world.hears(person, where, until="step 2 of 5")
    dates = {"sign": day(world, -10), "start": day(world, -5), "end": day(world, 720)}
    inputs = {"term": "Finite", **{name: each.isoformat() for name, each in dates.items()}}
    await world.clicks(person, "Next", inputs=inputs, where=where)
    await world.hears(person, where, until="step 3 of 5")
    await world.clicks(person, "Next", where=where)
    await world.hears(person, where, until="step 4 of 5")
    answers = {"azure": "true", "tenant": "Customer", "pricing": "Other"}
    await world.clicks(person, "Next", inputs=answers, where=where)
    await world.hears(person, where, until="step 5 of 5")
    await world.clicks(person, "Next", inputs={"marketplace": "false"}, where=where)
    await world.hears(person, where, until="Check and submit")


def approved(seen: list[Heard]) -> bool:
    """Whether the newest answer says so."""
    return "Approved" in newest(seen)


async def registered(world: World) -> list[Any]:
    held: list[Any] = (await world.referral(FABRIKAM))["registrations"]
    return held


async def test_a_registration_from_the_first_word_to_the_last(ben: World) -> None:
    await begins(ben)
    await walks_to_the_end(ben)
    assert await patches(ben) == []
    await ben.clicks("ben", "Submit")
    done = await ben.hears("ben", until="Approved")
    assert "USD 250,000" in done.words

    (write,) = await ben.ledger()
    assert write["owner"] == "ben"
    (patch,) = await patches(ben)
    (operation,) = patch["body"]
    assert (operation["op"], operation["path"]) == ("add", "/registrations/-")
    assert operation["value"]["type"] == "AzureIPCoSell"
    assert operation["value"]["contract"]["value"] == 250000
    assert patch["headers"]["If-Match"] == write["etag_before"]
    assert len(await registered(ben)) == 1
    order = [f"{row['method']} {row['path'].split('/')[-1]}" for row in await ben.requests()]
    last = order.index(f"PATCH {FABRIKAM}")
    assert order[last - 3 : last] == [
        "GET dealregistrationeligibility",
        "POST eligibility",
        f"GET {FABRIKAM}",
    ]


async def test_everything_can_be_typed(ben: World) -> None:
    await begins(ben)
    answers = [
        ("USD 250,000", "step 2 of 5"),
        (
            f"signed {day(ben, -10)}, starts {day(ben, -5)}, ends {day(ben, 720)}",
            "step 3 of 5",
        ),
        ("ok", "step 4 of 5"),
        ("yes, customer, other", "step 5 of 5"),
        ("no", "Check and submit"),
        ("submit", "Approved"),
    ]
    for said, heard in answers:
        await ben.says("ben", said)
        await ben.hears("ben", until=heard)
    assert len(await registered(ben)) == 1


async def test_only_the_last_card_has_buttons(ben: World) -> None:
    await begins(ben)
    await ben.says("ben", "250k")
    await ben.hears("ben", until="it goes on below")
    seen = await ben.messages("ben")
    assert sum("Next" in message.words.split("\n") for message in seen) == 1
    assert "step 2 of 5" in seen[-1].words


async def test_only_a_clear_word_submits(ben: World) -> None:
    await begins(ben)
    await walks_to_the_end(ben)
    for said in ("next", "ok"):
        await ben.says("ben", said)
        await ben.hears("ben", until="Check and submit")
    assert await ben.ledger() == []


async def test_a_draft_shown_again_leaves_no_second_card_with_buttons(ben: World) -> None:
    await begins(ben)
    for again in (f"register {DEAL}", "drafts"):
        await ben.says("ben", again)
        if again == "drafts":
            await ben.hears("ben", until="Registrations not yet sent")
            await ben.clicks("ben", verb="resume")
        seen = await ben.sees("ben", _one_card_with_buttons)
        assert any("it goes on below" in message.words for message in seen)
    await ben.says("ben", "cancel")
    await ben.sees("ben", lambda seen: not any(map(_has_next, seen)))


def _has_next(message: Heard) -> bool:
    return "Next" in message.words.split("\n")


def _one_card_with_buttons(seen: list[Heard]) -> bool:
    return sum(map(_has_next, seen)) == 1


async def test_pressing_submit_twice_registers_once(ben: World) -> None:
    await begins(ben)
    await walks_to_the_end(ben)
    pressed = await ben.clicks("ben", "Submit", times=2, together=True)
    assert set(pressed.statuses) == {200}
    await ben.hears("ben", until="Approved")
    assert len(await registered(ben)) == 1
    assert len(await patches(ben)) == 1


async def test_an_answer_can_be_changed_from_the_read_back(ben: World) -> None:
    await begins(ben)
    await walks_to_the_end(ben)
    await ben.clicks("ben", "Change Contract value")
    await ben.hears("ben", until="Total contract value")
    await ben.says("ben", "300k")
    again = await ben.hears("ben", until="Check and submit")
    assert "USD 300,000" in again.words


@pytest.mark.parametrize(
    ("said", "step"),
    [("change solution", "step 3 of 5"), ("Change the end date", "step 2 of 5")],
)
async def test_a_typed_change_at_the_read_back_is_about_the_answers(
    ben: World, said: str, step: str
) -> None:
    await begins(ben)
    await walks_to_the_end(ben)
    await ben.says("ben", said)
    await ben.hears("ben", until=step)


async def test_a_change_of_a_deal_is_still_one_at_the_read_back(ben: World) -> None:
    await begins(ben)
    await walks_to_the_end(ben)
    await ben.says("ben", f"change {DEAL} value 45k")
    await ben.hears("ben", until="Save this change?")


async def test_pay_as_you_go_says_at_once_what_it_asks_of_the_dates(ben: World) -> None:
    await begins(ben)
    await ben.says("ben", "250k")
    await ben.hears("ben", until="step 2 of 5")
    await ben.says("ben", f"{day(ben, -10)}, {day(ben, -10)}")
    partial = await ben.hears("ben", until="Still needed: End date")
    assert "✖" not in partial.words
    await ben.says("ben", f"ends {day(ben, 720)}")
    await ben.hears("ben", until="step 3 of 5")
    await ben.clicks("ben", "Next")
    await ben.hears("ben", until="step 4 of 5")
    answers = {"azure": "true", "tenant": "Customer", "pricing": "PayAsYouGo"}
    await ben.clicks("ben", "Next", inputs=answers)
    await ben.hears("ben", until="last invoice so far")
    await ben.clicks("ben", "Change: Term and dates")
    await ben.hears("ben", until="step 2 of 5")
    await ben.says("ben", f"ends {day(ben, -1)}")
    await ben.hears("ben", until="step 5 of 5")


async def test_back_keeps_what_was_answered(ben: World) -> None:
    await begins(ben)
    await ben.says("ben", "250k")
    await ben.hears("ben", until="step 2 of 5")
    await ben.clicks("ben", "Back")
    await ben.hears("ben", until="step 1 of 5")
    assert "250000" in json.dumps(ben.card("ben"))


async def test_D1_an_ambiguous_answer_asks_which(ben: World) -> None:
    await begins(ben)
    await ben.says("ben", "250.000")
    asked = await ben.hears("ben")
    assert "step 2" not in asked.words
    assert "250000" in asked.words


@pytest.mark.parametrize(
    ("signed", "starts", "ends", "reason"),
    [
        (-61, -5, 720, "60 days"),
        (1, 2, 720, "after today"),
        (-10, -91, 720, "90 days"),
        (-10, -5, -6, "before it starts"),
    ],
)
async def test_D5_dates_outside_the_windows_are_refused_with_the_numbers(
    ben: World, signed: int, starts: int, ends: int, reason: str
) -> None:
    await begins(ben)
    await ben.says("ben", "250k")
    await ben.hears("ben", until="step 2 of 5")
    dates = {"sign": day(ben, signed), "start": day(ben, starts), "end": day(ben, ends)}
    inputs = {"term": "Finite", **{name: each.isoformat() for name, each in dates.items()}}
    await ben.clicks("ben", "Next", inputs=inputs)
    again = await ben.hears("ben", until="step 2 of 5")
    assert reason in again.words


async def test_cancel_ends_it_and_a_new_one_begins_afresh(ben: World) -> None:
    await begins(ben)
    await ben.says("ben", "250k")
    await ben.hears("ben", until="step 2 of 5")
    await ben.says("ben", "cancel")
    await ben.hears("ben")
    await ben.says("ben", "drafts")
    await ben.hears("ben", until="There are none")
    await begins(ben)
    assert "250000" not in json.dumps(ben.card("ben"))


async def test_E5_nobody_else_answers_it(ben: World) -> None:
    await signed_in(ben, "cleo")
    await begins(ben, where="general")
    await ben.says("cleo", "999k", "general")
    await ben.hears("cleo", "general", until="do not know")
    await ben.clicks("cleo", "Next", inputs={"value": "999k"}, where="general")
    await ben.hears("cleo", "general", until="someone else")
    await walks_to_the_end(ben, where="general")
    assert "USD 250,000" in ben.heard("ben", "general").words
    await ben.clicks("cleo", "Submit", where="general")
    assert await ben.ledger() == []
    await ben.clicks("ben", "Submit", where="general")
    await ben.hears("ben", "general", until="Approved")
    (write,) = await ben.ledger()
    assert write["owner"] == "ben"
    assert {row["owner"] for row in await patches(ben)} == {"ben"}


async def test_E5_two_people_walk_side_by_side(ben: World) -> None:
    await signed_in(ben, "cleo")
    await begins(ben, where="general")
    await begins(ben, "cleo", "general")
    await ben.says("cleo", "400k", "general")
    await ben.hears("cleo", "general", until="step 2 of 5")
    await ben.says("ben", "250k", "general")
    await ben.hears("ben", "general", until="step 2 of 5")
    await ben.clicks("ben", "Back", where="general")
    await ben.hears("ben", "general", until="step 1 of 5")
    assert "250000" in json.dumps(ben.card("ben", "general"))


async def test_it_is_resumed_after_a_restart_and_in_another_place(ben: World, world: World) -> None:
    await begins(ben)
    await ben.says("ben", "250k")
    await ben.hears("ben", until="step 2 of 5")
    await ben.restart()
    await ben.says("ben", "drafts", "group")
    await ben.hears("ben", "group", until="Fabrikam")
    await ben.clicks("ben", verb="resume", where="group")
    await ben.hears("ben", "group", until="step 2 of 5")
    await ben.clicks("ben", "Back", where="group")
    await ben.hears("ben", "group", until="step 1 of 5")
    assert "250000" in json.dumps(ben.card("ben", "group"))


async def test_E1_a_token_that_expires_in_the_middle_is_renewed_without_a_word(ben: World) -> None:
    await begins(ben)
    await ben.advance(7200)
    await walks_to_the_end(ben)
    await ben.clicks("ben", "Submit")
    await ben.hears("ben", until="Approved")


async def test_E1_consent_withdrawn_in_the_middle_asks_and_goes_on(ben: World) -> None:
    await begins(ben)
    await walks_to_the_end(ben)
    await ben.revoke("ben")
    await ben.clicks("ben", "Submit")
    await ben.hears("ben", until="Sign in")
    assert await ben.ledger() == []
    await ben.signs_in("ben")
    await ben.hears("ben", until="Approved")
    assert len(await registered(ben)) == 1


async def test_a_deal_that_is_not_eligible_is_not_begun(ben: World) -> None:
    await ben.says("ben", f"register {NORTHWIND}")
    await ben.hears("ben", until="Cannot be registered yet")


async def test_F11_eligible_at_first_and_not_at_the_end_never_registers(ben: World) -> None:
    await begins(ben)
    await walks_to_the_end(ben)
    await ben.edit(
        FABRIKAM, [{"op": "replace", "path": "/details/dealValue", "value": 20000}], "portal"
    )
    await ben.clicks("ben", "Submit")
    await ben.hears("ben", until="25,000")
    assert await patches(ben) == []


async def test_a_registered_deal_shows_its_registration_instead(ben: World) -> None:
    await ben.says("ben", f"register {REGISTERED_APPROVED}")
    await ben.hears("ben", until="Approved")


async def test_a_draft_expires_after_14_days_with_a_notice(ben: World) -> None:
    await begins(ben)
    await ben.advance(14 * 86400 + 60)
    await ben.restart()
    await ben.hears("ben", until="14 days")
    await ben.says("ben", "drafts")
    assert "Fabrikam" not in (await ben.hears("ben")).words
