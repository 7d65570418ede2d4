"""Presses that meet: late, twice, by somebody else, or while something else is under way."""

import asyncio

from sandbox.deals import FABRIKAM
from tests.scenario.conftest import patches, signed_in
from tests.world import World

SAVE = "Save this change?"


async def proposed(world: World, where: str = "personal") -> None:
    await world.says("ben", "update fabrikam analytics value 45k", where)
    await world.hears("ben", where, until=SAVE)


async def conflict(world: World, theirs: object) -> None:
    """Ben's change meets a colleague's."""
    await proposed(world)
    await world.edit(FABRIKAM, theirs)
    await world.clicks("ben", "Save")
    await world.hears("ben", until="changed this deal meanwhile")


def to(path: str, value: object) -> list[dict[str, object]]:
    return [{"op": "replace", "path": path, "value": value}]


async def test_a_discard_while_it_is_saved_tells_what_became_of_it(ben: World) -> None:
    await proposed(ben)
    await ben.fault("delay", method="PATCH", seconds=30)
    saving = asyncio.create_task(ben.clicks("ben", "Save"))
    await ben.befallen()
    await ben.clicks("ben", "Discard")
    await saving
    assert not any("Saved" in message.words for message in await ben.messages("ben"))
    await ben.post("clock", advance=60)
    await ben.hears("ben", until="Saved in Partner Center")
    assert len(await ben.ledger()) == 1


async def test_apply_again_pressed_twice_shows_and_writes_nothing(ben: World) -> None:
    await conflict(ben, to("/details/dealValue", 40000))
    await asyncio.gather(
        ben.clicks("ben", "Apply mine again"), ben.clicks("ben", "Apply mine again")
    )
    await ben.hears("ben", until=SAVE)
    assert await ben.ledger() == []
    await ben.clicks("ben", "Save")
    await ben.hears("ben", until="Saved in Partner Center")


async def test_D7_applying_again_to_a_deal_that_was_closed_is_never_sent(ben: World) -> None:
    closed = [*to("/status", "Closed"), *to("/substatus", "Lost")]
    await conflict(ben, closed)
    sent = len(await patches(ben))
    await ben.clicks("ben", "Apply mine again")
    await ben.hears("ben", until="not possible")
    assert len(await patches(ben)) == sent


async def test_F2_a_409_shows_the_deal_as_it_is_and_applies_again(ben: World) -> None:
    await proposed(ben)
    await ben.edit(FABRIKAM, to("/details/dealValue", 40000))
    body = {"error": {"code": "conflict", "message": "The resource is being changed."}}
    await ben.fault("status", method="PATCH", status=409, body=body)
    await ben.clicks("ben", "Save")
    shown = await ben.hears("ben", until="changed this deal meanwhile")
    for amount in ("30,000", "40,000", "45,000"):
        assert amount in shown.words
    assert (await ben.referral(FABRIKAM))["details"]["dealValue"] == 40000
    await ben.clicks("ben", "Apply mine again")
    await ben.hears("ben", until=SAVE)
    await ben.clicks("ben", "Save")
    await ben.hears("ben", until="Saved in Partner Center")


async def test_saved_is_said_although_microsofts_side_cannot_be_read(ben: World) -> None:
    await proposed(ben)
    await ben.fault("status", method="GET", status=503, times=20)
    await ben.clicks("ben", "Save")
    heard = await ben.hears("ben", until="Saved")
    assert "Nothing was changed" not in heard.words
    assert len(await ben.ledger()) == 1


async def test_E9_signing_out_while_it_is_saved_still_tells_that_it_was(ben: World) -> None:
    await proposed(ben)
    await ben.fault("delay", method="PATCH", seconds=30)
    await ben.clicks("ben", "Save")
    await ben.befallen()
    await ben.says("ben", "sign out")
    await ben.hears("ben", until="You are signed out")
    await ben.post("clock", advance=60)
    await ben.hears("ben", until="Saved")
    assert len(await ben.ledger()) == 1


async def test_E1_a_401_at_the_write_with_no_token_left_changes_nothing_and_goes_on(
    ben: World,
) -> None:
    await proposed(ben)
    await ben.revoke("ben")
    await ben.clicks("ben", "Save")
    assert (await ben.hears("ben", until="Sign in")).sign_in is not None
    await ben.signs_in("ben")
    await ben.hears("ben", until="Saved in Partner Center")
    assert len(await ben.ledger()) == 1


async def test_nobody_else_answers_a_question_and_its_card_stays(ben: World) -> None:
    await signed_in(ben, "cleo")
    await ben.says("ben", "update fabrikam analytics value 50.000", "general")
    await ben.hears("ben", "general", until="more than one way")
    await ben.clicks("cleo", "50000", where="general")
    assert "else's" in (await ben.hears("cleo", "general")).words
    await ben.clicks("ben", "50000", where="general")
    await ben.hears("ben", "general", until=SAVE)


async def test_E1_a_choice_waits_for_the_sign_in(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 50.000")
    await ben.hears("ben", until="more than one way")
    await ben.revoke("ben")
    await ben.clicks("ben", "50000")
    assert (await ben.hears("ben", until="Sign in")).sign_in is not None
    await ben.signs_in("ben")
    await ben.hears("ben", until=SAVE)


async def test_a_choice_pressed_twice_is_made_once_and_its_answer_stays(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 50.000")
    await ben.hears("ben", until="more than one way")
    await asyncio.gather(ben.clicks("ben", "50000"), ben.clicks("ben", "50000"))
    await ben.hears("ben", until=SAVE)
    await asyncio.sleep(0.5)
    assert SAVE in (await ben.messages("ben"))[-1].words


async def test_a_choice_that_failed_can_be_made_again(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 50.000")
    await ben.hears("ben", until="more than one way")
    await ben.fault("status", method="GET", status=503, times=3)
    await ben.clicks("ben", "50000")
    await ben.hears("ben", until="not answering")
    await ben.clicks("ben", "Try again")
    await ben.hears("ben", until=SAVE)
