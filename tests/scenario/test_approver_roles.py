"""Approvers by what they are in the team: its owners, or its members; looked up, never said."""

import pytest

from sandbox.people import PEOPLE
from tests.scenario.conftest import signed_in
from tests.scenario.test_approvals import (
    DANA,
    DONE,
    WAITING,
    asks_to_change,
    audited,
    open_house,
    sees,
    value,
)
from tests.seen import Heard
from tests.world import World, buttons

POLICY = "value>40000 USD"
WINS = "19:wins@thread.tacv2"
TO_DECIDE = ["Approve", "Reject", "Ask back"]


async def owned_by(world: World, *people: str) -> None:
    """Who owns the team from now on."""
    await world.post("teams/owners", people=list(people))


async def asks(world: World, where: str, until: str = WAITING, value: str = "45k") -> Heard:
    """Ben asks for a change that needs approval; gives the card he asked with."""
    await world.says("ben", f"update fabrikam analytics value {value}", where)
    await world.hears("ben", where, until="Save this change?")
    await world.clicks("ben", "Save", where=where)
    return await world.hears("ben", where, until=until)


async def told(world: World, person: str) -> list[Heard]:
    """Requests in somebody's personal chat."""
    return [one for one in await world.messages(person) if WAITING in one or DONE in one]


async def test_the_owners_of_the_team_approve(world: World) -> None:
    house = await open_house(world, POLICY, "owners")
    await owned_by(house, "dana")
    asked = await asks(house, "wins")
    assert "Dana Whitfield" in asked.words
    await house.hears("dana", until=WAITING)
    await house.clicks("dana", "Approve")
    await sees(house, "ben", DONE, "wins")
    assert await value(house) == 45000
    (write,) = await house.ledger()
    assert write["owner"] == "ben"
    assert await told(house, "ada") == []
    assert [(who, what) for who, what, _ in audited(house, "approval")][1] == (DANA, "approve")


async def test_every_member_may_approve_where_it_was_asked_and_nobody_is_written_to(
    world: World,
) -> None:
    house = await open_house(world, POLICY, "members")
    await house.teams(refresh={"cleo": True, "ben": True})
    await house.says("cleo", "help", "wins")
    await house.hears("cleo", "wins")
    asked = await asks(house, "wins")
    assert "Every member of this team" in asked.words

    def shows(titles: list[str]) -> bool:
        return titles == TO_DECIDE

    await house.sees(
        "cleo", lambda seen: any(shows(buttons(one.card or {})) for one in seen), "wins"
    )
    for person in ("ada", "dana", "cleo"):
        assert await told(house, person) == []
    await house.clicks("cleo", "Approve", where="wins")
    await sees(house, "ben", DONE, "wins")
    assert len(await house.ledger()) == 1


async def test_owners_and_people_together_are_two_approvals(world: World) -> None:
    house = await open_house(world, f"{POLICY}, quorum=2", f"owners, {DANA}")
    await asks(house, "wins")
    for person in ("ada", "dana"):
        await house.hears(person, until=WAITING)
        assert await house.ledger() == []
        await house.clicks(person, "Approve")
    await sees(house, "ben", DONE, "wins")


async def test_one_person_is_not_two_approvers_by_two_names(world: World) -> None:
    house = await open_house(world, f"{POLICY}, quorum=2", f"owners, {PEOPLE['ada'].email}")
    refused = await asks(house, "wins", until="Nobody else in this team")
    assert "Nothing was changed" in refused.words
    assert await told(house, "ada") == []


@pytest.mark.parametrize("where", ["personal", "group"])
async def test_where_there_is_no_team_the_one_who_asks_learns_it_at_once(
    world: World, where: str
) -> None:
    house = await open_house(world, POLICY, "owners")
    refused = await asks(house, where, until="Nobody may approve this here")
    assert "Say it again in a channel of your team" in refused.words
    assert audited(house, "approval") == []
    assert await house.ledger() == []
    await house.says("ben", "approvals")
    assert "You wait for no approval" in (await house.hears("ben", until="Approvals")).words


async def test_where_there_is_no_team_the_people_listed_decide(world: World) -> None:
    house = await open_house(world, POLICY, f"owners, {DANA}")
    await asks_to_change(house)
    await house.clicks("dana", "Approve")
    await sees(house, "ben", DONE)


async def test_the_only_owner_asks_nobody(world: World) -> None:
    house = await open_house(world, POLICY, "owners")
    await owned_by(house, "ben")
    refused = await asks(house, "wins", until="Nobody else in this team")
    assert "Teams names no other owner" in refused.words
    assert audited(house, "approval") == []


async def test_a_channel_names_its_own_approvers(world: World) -> None:
    policy = f"{POLICY}; [channel {WINS}] {POLICY}, by=owners"
    house = await open_house(world, policy, DANA)
    await asks(house, "wins")
    await house.hears("ada", until=WAITING)
    assert await told(house, "dana") == []
    await house.clicks("ada", "Approve")
    await sees(house, "ben", DONE, "wins")
    await asks_to_change(house, "general", "46k")
    await house.clicks("dana", "Approve")
    await sees(house, "ben", DONE, "general")


async def test_the_list_and_a_stand_in_know_the_role(world: World) -> None:
    house = await open_house(world, POLICY, "owners")
    for person in ("ada", "cleo"):
        await house.says(person, "help")
        await house.hears(person)
    await house.says("ada", "delegate to cleo until next friday")
    await house.hears("ada", until="Cleo Marchetti stands in for you")
    await asks(house, "wins")
    await house.hears("ada", until=WAITING)
    await house.says("ada", "approvals")
    assert "Ben Okafor asked" in (await house.hears("ada", until="Approvals")).words
    await house.hears("cleo", until=WAITING)
    await house.clicks("cleo", "Approve")
    await sees(house, "ada", "Cleo Marchetti for Ada Lindqvist")
    await sees(house, "ben", DONE, "wins")


async def test_who_becomes_an_owner_while_it_waits_gets_the_card(world: World) -> None:
    house = await open_house(world, POLICY, "owners")
    await asks(house, "wins")
    await house.hears("ada", until=WAITING)
    await owned_by(house, "ada", "dana")
    await house.advance(301)
    await house.hears("dana", until=WAITING)
    await house.clicks("dana", "Approve")
    await sees(house, "ben", DONE, "wins")


async def test_only_owners_subscribe_a_channel_where_that_is_asked_for(world: World) -> None:
    await world.bot(subscribers="owners", approvers=PEOPLE["dana"].email)
    for person in ("ada", "cleo"):
        await signed_in(world, person)
    await world.says("cleo", "subscribe won", "wins")
    refused = await world.hears("cleo", "wins", until="may not change what is told here")
    assert "owners of the team and approvers" in refused.words
    await world.says("ada", "subscribe won", "wins")
    await world.hears("ada", "wins", until="Subscri")
    await owned_by(world, "cleo")
    await world.says("cleo", "subscribe accepted", "wins")
    await world.hears("cleo", "wins", until="Subscri")
    await world.says("ada", "subscribe registered", "general")
    await world.hears("ada", "general", until="may not change what is told here")
    await world.says("cleo", "subscribe won", "group")
    await world.hears("cleo", "group", until="may not change what is told here")
