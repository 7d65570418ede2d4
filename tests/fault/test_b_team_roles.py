"""Cases B3, B4, B8 and B10 where a role in the team approves: the roster decides at the press."""

import pytest

from sandbox.people import PEOPLE, TENANT_ID
from tests.fault.test_b_approvals import (
    MAY_NOT,
    NOT_VALID,
    approval_in,
    comes_to,
    presses,
    says,
    state_of,
)
from tests.scenario.test_approvals import ADA, DONE, WAITING, audited, open_house, sees
from tests.scenario.test_approver_roles import POLICY, WINS, asks, owned_by
from tests.seen import Heard
from tests.stopwatch import stopwatch
from tests.world import World

ROSTER = ".*pagedmembers.*"


def seat(person: str, **told: object) -> dict[str, object]:
    """A seat of the roster, with what it tells differently."""
    who = PEOPLE[person]
    return {
        "id": who.teams_id,
        "aadObjectId": who.oid,
        "name": who.name,
        "userPrincipalName": who.email,
        "userRole": "user",
        "tenantId": TENANT_ID,
        **told,
    }


async def roster(world: World, *seats: dict[str, object]) -> None:
    """From now on Teams tells this roster."""
    await world.fault(
        "status",
        api="connector",
        path=ROSTER,
        status=200,
        body={"members": list(seats)},
        times=100,
    )


async def asked(
    world: World, approvers: str = "owners", where: str = "wins"
) -> tuple[World, Heard]:
    """Ben asks in a channel; Ada, the owner, has her card when owners approve."""
    house = await open_house(world, POLICY, approvers)
    base = await asks(house, where)
    if approvers == "owners":
        await house.hears("ada", until=WAITING)
    return house, base


def thread(message: Heard) -> str:
    """The thread of the channel that a message is in, as a place."""
    return f"{WINS};messageid={message.raw['thread']}"


def refusals(world: World) -> list[str]:
    return [what for _who, what, _ in audited(world, "approval") if what.startswith("refused")]


async def test_B3_who_owns_the_team_no_longer_is_refused_on_the_old_card(world: World) -> None:
    house, base = await asked(world)
    await owned_by(house, "dana")
    answered = await house.clicks("ada", "Approve")
    assert MAY_NOT in says(answered)
    assert state_of(house, approval_in(base)) == "waiting"
    assert await house.ledger() == []
    assert refusals(house) == ["refused.not_an_approver"]
    for person in ("ben", "cleo"):
        assert not any(MAY_NOT in one for one in await house.messages(person, "wins"))


async def test_B3_who_left_the_team_is_refused(world: World) -> None:
    house, base = await asked(world)
    await roster(house, seat("ben"), seat("dana"))
    answered = await house.clicks("ada", "Approve")
    assert MAY_NOT in says(answered)
    assert state_of(house, approval_in(base)) == "waiting"


async def test_B3_a_role_is_never_taken_from_the_card(world: World) -> None:
    house, base = await asked(world)
    data = {"approval": approval_in(base)}
    for more in ({"role": "owner"}, {"userRole": "owner"}, {"roles": ["owners"]}):
        answered = await presses(house, "cleo", "approve", data | more, base.id, thread(base))
        assert NOT_VALID in says(answered)
    answered = await presses(house, "cleo", "approve", data, base.id, thread(base))
    assert MAY_NOT in says(answered)
    assert state_of(house, data["approval"]) == "waiting"


@pytest.mark.parametrize(
    "told",
    [
        {"userRole": "guest"},
        {"userRole": "anonymous"},
        {"tenantId": "11111111-2222-4333-8444-555555555555"},
        {"userPrincipalName": "cleo_fabrikam.example#EXT#@contoso.example"},
    ],
    ids=lambda told: next(iter(told)) + str(next(iter(told.values())))[:6],
)
async def test_B4_guests_and_other_organisations_are_no_members(
    world: World, told: dict[str, object]
) -> None:
    house, base = await asked(world, "members")
    await roster(house, seat("ben"), seat("ada"), seat("cleo", **told))
    data = {"approval": approval_in(base)}
    answered = await presses(house, "cleo", "approve", data, base.id, thread(base))
    assert MAY_NOT in says(answered)
    assert state_of(house, data["approval"]) == "waiting"
    answered = await presses(house, "ada", "approve", data, base.id, thread(base))
    assert "Approved" in says(answered)


@pytest.mark.parametrize("approvers", ["owners", "members"])
async def test_B4_the_requester_never_approves_by_a_role(world: World, approvers: str) -> None:
    house = await open_house(world, POLICY, approvers)
    await owned_by(house, "ada", "ben")
    base = await asks(house, "wins")
    assert "Ben Okafor" not in base.words.partition("May approve")[2]
    data = {"approval": approval_in(base)}
    answered = await presses(house, "ben", "approve", data, base.id, thread(base))
    assert "your own request" in says(answered)
    assert not any("Approve" in one for one in await house.messages("ben"))
    assert state_of(house, data["approval"]) == "waiting"


async def test_B4_an_owner_who_is_the_requesters_second_account_is_refused(world: World) -> None:
    house, base = await asked(world)
    alias = "Ben.Okafor+lead@contoso.example"
    await roster(house, seat("ben"), seat("ada", userRole="owner", userPrincipalName=alias))
    answered = await house.clicks("ada", "Approve")
    assert "your own request" in says(answered)
    assert state_of(house, approval_in(base)) == "waiting"


async def test_B4_an_owner_without_a_name_is_not_taken_for_another_person(world: World) -> None:
    house = await open_house(world, POLICY, "owners")
    nameless = seat("dana", userRole="owner", userPrincipalName=None)
    await roster(house, seat("ben"), seat("ada", userRole="owner"), nameless)
    base = await asks(house, "wins")
    data = {"approval": approval_in(base)}
    answered = await presses(house, "dana", "approve", data, base.id, thread(base))
    assert "until I know who you are" in says(answered)
    assert state_of(house, data["approval"]) == "waiting"


async def test_B3_a_roster_that_is_old_decides_nothing_when_no_other_can_be_read(
    world: World,
) -> None:
    house, base = await asked(world)
    await house.advance(31)
    await house.fault("status", api="connector", path=ROSTER, status=403, times=100)
    answered = await house.clicks("ada", "Approve")
    await comes_to(house, "ada", answered, "I cannot see who is in this team")
    assert state_of(house, approval_in(base)) == "waiting"
    assert refusals(house) == ["refused.unseen"]
    await house.clear_faults()
    await house.clicks("ada", "Approve")
    await sees(house, "ben", DONE, "wins")


async def test_B3_nothing_is_asked_where_the_team_was_never_seen(world: World) -> None:
    house = await open_house(world, POLICY, "owners")
    await house.fault("status", api="connector", path=ROSTER, status=403, times=100)
    refused = await asks(house, "wins", until="I cannot see who is in this team")
    assert "Try again" in refused.words
    assert audited(house, "approval") == []
    await house.clear_faults()
    await asks(house, "wins", value="46k")
    await house.hears("ada", until=WAITING)


async def test_B10_a_slow_roster_is_answered_in_time_and_decides_nothing(world: World) -> None:
    house, base = await asked(world)
    await house.advance(31)
    await house.fault("delay", api="connector", path=ROSTER, seconds=20)
    async with stopwatch() as watch:
        answered = await house.clicks("ada", "Approve")
        assert watch.seconds < 3
    assert "I cannot see who is in this team" in says(answered)
    assert state_of(house, approval_in(base)) == "waiting"


async def test_B8_owning_one_team_is_nothing_in_another_conversation(world: World) -> None:
    house, base = await asked(world)
    data = {"approval": approval_in(base)}
    for where in ("general", "group"):
        answered = await presses(house, "ada", "approve", data, "1700000000000", where)
        assert NOT_VALID in says(answered)
    assert state_of(house, data["approval"]) == "waiting"
    assert [who for who, what, _ in audited(house, "approval") if what == "approve"] == []
    await house.clicks("ada", "Approve")
    await sees(house, "ben", DONE, "wins")
    assert [who for who, what, _ in audited(house, "approval") if what == "approve"] == [ADA]
