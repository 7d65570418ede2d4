"""Before signing in: help works, and a command waits for the sign-in, once."""

import sqlite3
from contextlib import closing

import pytest

from sandbox.deals import FABRIKAM
from tests.world import World, conversation


@pytest.mark.parametrize("text", ["hi", "Hello", "HELP", "help!"])
async def test_greetings_get_help(office: World, text: str) -> None:
    await office.says("eve", text)
    heard = await office.hears("eve", until="What you can say")
    assert "register #1042" in heard.words
    assert "Sign in" in heard.words
    assert "team add" not in heard.words
    assert await office.requests() == []


@pytest.mark.parametrize(("where", "named"), [("wins", True), ("personal", False)])
async def test_the_introduction_names_who_brought_the_bot_to_others(
    office: World, where: str, named: bool
) -> None:
    await office.post("teams/install", conversation=conversation("ada", where), person="ada")
    (first,) = await office.sees("ada", lambda seen: len(seen) == 1, where)
    assert "Run your Partner Center deals from chat" in first.words
    assert ("Ada Lindqvist added me here." in first.words) is named


async def test_all_commands_are_one_press_or_word_away(office: World) -> None:
    await office.says("eve", "hello")
    await office.hears("eve", until="What you can say")
    await office.clicks("eve", "All commands")
    await office.hears("eve", until="team add")
    await office.says("eve", "help all")
    await office.hears("eve", until="who am I")


async def test_help_for_what_there_is_not_says_so(office: World) -> None:
    await office.says("eve", "help discounts")
    heard = await office.hears("eve", until="What you can say")
    assert "There is no command “discounts”" in heard.words
    assert "register #1042" in heard.words


async def test_help_for_one_command(office: World) -> None:
    await office.says("eve", "help update")
    heard = await office.hears("eve")
    assert "before and after" in heard.words
    assert "team add" not in heard.words


async def test_a_command_waits_for_the_sign_in_and_is_carried_out_once(office: World) -> None:
    await office.says("ben", "show fabrikam analytics")
    asked = await office.hears("ben")
    assert asked.sign_in is not None
    page = await office.signs_in("ben")
    assert page["status"] == 200
    await office.hears("ben", until="Fabrikam analytics rollout")
    reads = [row for row in await office.requests() if row["path"].endswith(FABRIKAM)]
    assert len(reads) == 1


@pytest.mark.parametrize("deal", ["#9999", "00000000-0000-4000-8000-000000009999"])
async def test_who_is_not_signed_in_does_not_learn_which_deals_there_are(
    office: World, deal: str
) -> None:
    await office.says("ben", f"update {deal} value 30000 USD")
    asked = await office.hears("ben")
    assert asked.sign_in is not None
    assert "did not find" not in asked.words


async def test_I1_a_store_that_fails_after_the_sign_in_leaves_nobody_waiting(office: World) -> None:
    await office.says("ben", "show fabrikam analytics")
    await office.hears("ben")
    with closing(sqlite3.connect(office.folder / "dealdesk.db")) as rows, rows:
        rows.execute("ALTER TABLE waiting RENAME TO waiting_no_more")
    await office.signs_in("ben")
    told = await office.hears("ben", until="signed in, but I could not go on")
    assert "Say it again" in told.words
    with closing(sqlite3.connect(office.folder / "dealdesk.db")) as rows, rows:
        rows.execute("ALTER TABLE waiting_no_more RENAME TO waiting")
    await office.says("ben", "show fabrikam analytics")
    await office.hears("ben", until="Fabrikam analytics rollout")


async def test_single_sign_on_needs_no_button(office: World) -> None:
    await office.teams(sso={"ben": True})
    await office.says("ben", "list")
    await office.hears("ben", until="My deals")
    grants = [call["grant"] for call in await office.token_calls() if call.get("person") == "ben"]
    assert grants.count("urn:ietf:params:oauth:grant-type:jwt-bearer") == 1


async def test_who_am_i_and_sign_out(ben: World) -> None:
    await ben.says("ben", "who am I")
    assert "ben.okafor@contoso.example" in (await ben.hears("ben")).words
    await ben.says("ben", "sign out")
    await ben.hears("ben", until="You are signed out")
    await ben.says("ben", "list")
    assert (await ben.hears("ben")).sign_in is not None


async def test_E9_signing_out_stops_a_pending_change(ben: World) -> None:
    await ben.says("ben", "update fabrikam analytics value 45k")
    await ben.hears("ben", until="Save this change?")
    await ben.says("ben", "sign out")
    await ben.hears("ben", until="You are signed out")
    pressed = await ben.clicks("ben", "Save")
    assert pressed.answer["value"] == "Please sign in first"
    assert (await ben.hears("ben", until="Sign in")).sign_in is not None
    assert await ben.ledger() == []


async def test_a_sign_in_in_a_channel_goes_to_the_personal_chat(office: World) -> None:
    await office.says("ben", "list", "general")
    await office.hears("ben", "general", until="personal chat")
    assert await office.sign_in_link("cleo", "general") is None
    assert await office.sign_in_link("ben", "personal") is not None
    await office.signs_in("ben", "personal")
    await office.hears("ben", "general", until="Deals of Ben Okafor")


async def test_a_forwarded_link_plants_nobodys_token(office: World) -> None:
    await office.says("ben", "list")
    await office.hears("ben")
    link = await office.sign_in_link("ben")
    page = await office.signs_in("ben", link=link, as_person="cleo")
    assert "somebody else" in page["text"]
    for person in ("ben", "cleo"):
        await office.says(person, "list")
        assert (await office.hears(person, until="Sign in to")).sign_in is not None
    assert await office.requests() == []
