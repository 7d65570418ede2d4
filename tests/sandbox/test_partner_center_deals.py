"""The deals the sandbox starts with: the checklist of the API reference, section 16."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import deals, wire
from sandbox.catalogue import CONTOSO
from sandbox.clock import Clock
from sandbox.people import PEOPLE
from sandbox.start_deals import named
from sandbox.wire import Document, Json
from sandbox.world import World
from tests.sandbox.partner_center import NOW


@pytest.fixture(scope="module")
def world() -> World:
    """Start data as of a fixed time; these tests only read."""
    return World(Clock(lambda: NOW))


def of_team(world: World, key: str) -> list[Document]:
    """Own referrals whose team has this person."""
    email = PEOPLE[key].email
    return [
        one
        for one in world.deals
        if one["organizationId"] == CONTOSO
        and any(member["email"] == email for member in wire.objects_at(one, "team"))
    ]


def test_enough_of_them_for_paging_and_for_each_seller(world: World) -> None:
    own = [one for one in world.deals if one["organizationId"] == CONTOSO]
    assert len(own) >= 150
    assert 10 <= len(of_team(world, "ben")) <= 18
    assert 8 <= len(of_team(world, "cleo")) <= 14
    assert len({str(one["id"]) for one in world.deals}) == len(world.deals)


def test_how_many_can_be_chosen() -> None:
    many = World(Clock(lambda: NOW), count=500)
    assert sum(one["organizationId"] == CONTOSO for one in many.deals) == 500


def test_every_constant_names_a_deal(world: World) -> None:
    constants = {
        value for name, value in vars(deals).items() if name.isupper() and isinstance(value, str)
    }
    assert constants >= {deal.id for deal in named()}
    known = {str(one["id"]) for one in world.deals}
    assert constants - known == {deals.FABRIKAM_ENGAGEMENT}


@pytest.mark.parametrize(
    ("referral", "status", "substatus", "direction"),
    [
        (deals.FABRIKAM, "Active", "Accepted", "Outgoing"),
        (deals.TAILSPIN, "New", "Pending", "Incoming"),
        (deals.ADVENTURE, "New", "Received", "Incoming"),
        (deals.VANARSDEL, "Closed", "Won", "Outgoing"),
        (deals.LOST, "Closed", "Lost", "Outgoing"),
        (deals.DECLINED, "Closed", "Declined", "Incoming"),
        (deals.EXPIRED, "Closed", "Expired", "Incoming"),
        (deals.ERROR, "Closed", "Error", "Outgoing"),
        (deals.FABRIKAM_MICROSOFT, "Active", "Accepted", "Incoming"),
        (deals.PROSEWARE_MICROSOFT, "New", "Pending", "Incoming"),
    ],
)
def test_standings(
    world: World, referral: str, status: str, substatus: str, direction: str
) -> None:
    held = world.referral(referral)
    assert (held["status"], held["substatus"]) == (status, substatus)
    assert held["direction"] == direction
    assert (held["closedDateTime"] is not None) is (status == "Closed")
    assert (held["expirationDateTime"] is not None) is (status == "New")


def test_times_count_from_the_clock_of_the_sandbox(world: World) -> None:
    expires = wire.moment(world.referral(deals.TAILSPIN)["expirationDateTime"])
    assert expires is not None
    assert abs(expires - NOW - timedelta(days=3)) < timedelta(seconds=1)
    young = wire.moment(world.referral(deals.RELECLOUD)["createdDateTime"])
    assert young is not None
    assert NOW - young < timedelta(hours=72)
    won = world.referral(deals.VANARSDEL)
    made, closed = wire.moment(won["createdDateTime"]), wire.moment(won["closedDateTime"])
    assert made is not None
    assert closed is not None
    assert closed - made > timedelta(hours=72)
    world.pass_time()
    assert world.referral(deals.ADVENTURE)["status"] == "New"


def test_values_at_the_edge(world: World) -> None:
    assert wire.at(world.referral(deals.ALPINE), "details/dealValue") == 25000
    assert wire.at(world.referral(deals.MARGIE), "details/dealValue") == Decimal("25000.01")


@pytest.mark.parametrize(
    ("referral", "state"),
    [
        (deals.REGISTERED_APPROVED, "Approved"),
        (deals.REGISTERED_REVIEW, "ReviewPending"),
        (deals.REGISTERED_ACTION, "ActionRequired"),
        (deals.REGISTERED_PASSED, "Passed"),
        (deals.REGISTERED_FAILED, "Failed"),
        (deals.REGISTERED_CLOSED, "Closed"),
    ],
)
def test_a_won_deal_with_a_registration_in_each_state(
    world: World, referral: str, state: str
) -> None:
    held = world.referral(referral)
    assert (held["substatus"], held["registrationStatus"]) == ("Won", state)
    [registration] = wire.objects_at(held, "registrations")
    assert registration["status"] == state
    sent = wire.moment(registration["registrationDateTime"])
    assert sent is not None
    assert sent <= NOW


def test_people_and_addresses_are_fictitious(world: World) -> None:
    for one in world.deals:
        for member in (
            *wire.objects_at(one, "team"),
            *wire.objects_at(one, "customerProfile/team"),
        ):
            assert wire.text_at(member, "email").endswith(".example")


numbers = st.decimals(allow_nan=False, allow_infinity=False, places=4) | st.integers()
documents = st.recursive(
    st.none() | st.booleans() | numbers | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=20,
)


@given(documents)
def test_json_is_read_back_as_it_was_written(value: Json) -> None:
    assert wire.read(wire.write(value)) == value


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', "NaN", "[Infinity]", "1e999999", "{", b"\xff"])
def test_strict_json(text: str | bytes) -> None:
    with pytest.raises(wire.UnreadableJson):
        wire.read(text)


def test_the_seventh_digit_counts() -> None:
    early, late = "2026-01-01T00:00:00.1234561Z", "2026-01-01T00:00:00.1234562Z"
    assert (wire.ticks(late) or 0) - (wire.ticks(early) or 0) == 1
