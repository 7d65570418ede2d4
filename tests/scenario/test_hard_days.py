"""Partner Center on a bad day, and deals that lack what others have."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from sandbox.deals import FABRIKAM
from tests.scenario.conftest import patches, signed_in
from tests.world import World, buttons

SAVE = "Save this change?"


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("20", "in a minute"),
        ("75", "Try again after"),
        ("120", "Try again after"),
        ("86400", "Try again after"),
        ("date", "Try again after"),
        ("soon", "in a minute"),
        (None, "in a minute"),
    ],
)
async def test_F3_a_long_wait_is_told_with_its_time(
    ben: World, header: str | None, told: str
) -> None:
    if header == "date":
        header = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    headers = {} if header is None else {"Retry-After": header}
    await ben.fault("status", method="GET", status=429, headers=headers, times=3)
    await ben.says("ben", f"show {FABRIKAM}")
    heard = await ben.hears("ben", until="slow down")
    assert told in heard.words
    await ben.clear_faults()
    await ben.says("ben", f"show {FABRIKAM}")
    await ben.hears("ben", until="Fabrikam analytics rollout")


async def test_F4_no_answer_at_all_is_said_within_eight_seconds(ben: World) -> None:
    await ben.fault("status", method="GET", status=502, times=20)
    await ben.says("ben", f"show {FABRIKAM}")
    await ben.hears("ben", until="not answering", within=9)
    assert len([row for row in await ben.requests() if row["method"] == "GET"]) <= 3


@pytest.mark.parametrize("kind", ["drop_before", "apply_then_drop", "reset", "truncate"])
async def test_F6_a_connection_cut_at_the_write_ends_in_one_write(ben: World, kind: str) -> None:
    await ben.says("ben", "update fabrikam analytics value 45k")
    await ben.hears("ben", until=SAVE)
    await ben.fault(kind, method="PATCH", size=20 if kind == "truncate" else None)
    await ben.clicks("ben", "Save")
    heard = await ben.hears("ben", until="aved")
    if "do not know" in heard.words:
        await ben.clicks("ben", "Check again")
        await ben.hears("ben", until="Saved")
    assert len(await ben.ledger()) == 1


async def test_F5_an_unknown_outcome_is_never_called_unchanged(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 45k")
    await ben.hears("ben", until=SAVE)
    await ben.fault("apply_then_drop", method="PATCH")
    await ben.fault("status", method="GET", status=404)
    await ben.clicks("ben", "Save")
    heard = await ben.hears("ben", until="do not know")
    assert "Nothing was changed" not in heard.words


async def test_F5_an_unknown_outcome_is_looked_at_also_after_a_restart(world: World) -> None:
    bot = await world.bot()
    await signed_in(world, "ben")
    await world.says("ben", "update fabrikam analytics value 45k")
    await world.hears("ben", until=SAVE)
    await world.fault("late", method="PATCH")
    await world.clicks("ben", "Save")
    await world.hears("ben", until="do not know yet")
    await bot.stop()
    assert await world.release() == 1
    await world.advance(600)
    await world.bot()
    await world.hears("ben", until="Saved in Partner Center")
    assert len(await world.ledger()) == 1


async def test_E9_signing_out_leaves_nothing_that_acts(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 45k", "general")
    await ben.hears("ben", "general", until=SAVE)
    await ben.says("ben", "sign out")
    await ben.hears("ben", until="You are signed out")
    await signed_in(ben, "cleo")
    await ben.clicks("cleo", "Save", where="general")
    await ben.clicks("ben", "Save", where="general")
    await ben.hears("ben", "general", until="please sign in")
    assert await patches(ben) == []


async def test_D3_a_typed_currency_is_not_lost_on_a_deal_without_one(ben: World) -> None:
    for field in ("currency", "dealValue"):
        await ben.edit(
            FABRIKAM, [{"op": "replace", "path": f"/details/{field}", "value": None}], "portal"
        )
    await ben.says("ben", f"show {FABRIKAM}")
    await ben.hears("ben", until="Fabrikam analytics rollout")
    await ben.says("ben", "update fabrikam analytics value EUR 30k")
    shown = await ben.hears("ben", until=SAVE)
    assert "Currency" in shown.words
    await ben.clicks("ben", "Save")
    await ben.hears("ben", until="Saved in Partner Center")
    held = (await ben.referral(FABRIKAM))["details"]
    assert (held["dealValue"], held["currency"]) == (30000, "EUR")


async def test_a_form_left_alone_changes_nothing_whatever_its_line_ends(ben: World) -> None:
    notes = [{"op": "replace", "path": "/details/notes", "value": "One\r\ntwo"}]
    await ben.edit(FABRIKAM, notes, "portal")
    await ben.says("ben", "update fabrikam analytics")
    await ben.hears("ben", until="Edit this deal")
    await ben.clicks("ben", "Preview", inputs={"notes": "One\ntwo"})
    await ben.hears("ben", until="Nothing to change")


async def test_a_choice_keeps_the_whole_command_however_it_was_spaced(ben: World) -> None:
    await signed_in(ben, "ada")
    await ben.says("ada", "update  fabrikam   analytics value 45k")
    await ben.hears("ada", until="Which do you mean")
    choice = next(title for title in buttons(ben.card("ada")) if title.startswith("#"))
    await ben.clicks("ada", choice)
    heard = await ben.hears("ada")
    assert "45,000" in heard.words or "not possible" in heard.words
