"""Case B7: two approvers decide in the same moment on two instances; one decides, once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import cast

from bot import approvals as asking
from bot.conversation import Person, Place, PlaceKind, Sender
from bot.desk import Desk, Turn
from bot.identity import Identity
from bot.policy import parse_policy
from bot.sealed import seal_request
from bot.store import approvals, audit, people
from bot.store.approvals import Approval, State, Subject
from bot.store.connection import AsyncConnection
from bot.store.engine import Store
from cards import actions
from cards.reader import Reader
from partner_center.client import PartnerCenter
from tests.store.places import BEN, NOW, SEALS, place

ROUNDS = 200
DANA = Person(BEN.tenant, "dddddddd-0000-4000-8000-000000000001", "Dana Whitfield", "29:dana")
ADA = Person(BEN.tenant, "dddddddd-0000-4000-8000-000000000002", "Ada Lindqvist", "29:ada")
POLICY = parse_policy("won", [DANA.id, ADA.id])


def desk(store: Store) -> Desk:
    """An instance of the bot, as far as a decision needs one: nothing but the store."""
    return Desk(
        store,
        cast("PartnerCenter", None),
        cast("Identity", None),
        cast("Sender", None),
        lambda: NOW,
        lambda: "id",
        asyncio.sleep,
        policy=POLICY,
        seals=SEALS,
    )


def chat(person: Person) -> Place:
    return Place(PlaceKind.PERSONAL, person.tenant, f"a:{person.id}", "http://127.0.0.1:1/", "28:b")


async def asked(store: Store, numbers: range, quorum: int = 1) -> list[Approval]:
    """Requests for as many deals, with their cards at both approvers."""
    async with store.begin() as connection:
        for person in (BEN, DANA, ADA):
            await people.remember(
                connection,
                person,
                "http://127.0.0.1:1/",
                NOW,
                personal_conversation=f"a:{person.id}",
            )
        return [await asked_of(connection, number, quorum) for number in numbers]


async def asked_of(connection: AsyncConnection, number: int, quorum: int) -> Approval:
    created = await approvals.create(
        connection,
        tenant=BEN.tenant,
        requester=BEN.id,
        requester_upn="ben.okafor@contoso.example",
        place=place(),
        referral_id=f"deal-{number}",
        kind="won",
        subject=Subject.PROPOSAL,
        subject_id=f"proposal-{number}",
        operations="[]",
        base_etag='"1"',
        fingerprint=None,
        diff={"name": "Fabrikam", "customer": "Fabrikam Inc", "changes": [], "base": {}},
        approvers=[ADA.id, DANA.id],
        quorum=quorum,
        expires=NOW + timedelta(hours=1),
        now=NOW,
    )
    assert created is not None
    for person in (DANA, ADA):
        card = f"card-{person.id}"
        await approvals.add_card(connection, created, chat(person), card, for_person=person.id)
    found = await approvals.find(connection, created)
    assert found is not None
    await seal_request(connection, SEALS, found, NOW)
    return found


async def press(instance: Desk, person: Person, action: actions.Action) -> str:
    turn = Turn(person, chat(person), Reader(now=NOW), "", pressed=f"card-{person.id}")
    reply = await asking.pressed(instance, turn, action, {"reason": "Too early"})
    assert reply is not None
    return str(reply.card)


async def test_B7_200_rounds_of_two_approvers_in_the_same_moment(
    store: Store, other: Store
) -> None:
    one, two = desk(store), desk(other)
    ends = set()
    for number, approval in enumerate(await asked(store, range(ROUNDS))):
        approve = actions.Approve(approval.id)
        against = approve if number % 2 else actions.Reject(approval.id)
        shown = await asyncio.gather(press(one, DANA, approve), press(two, ADA, against))
        async with store.read() as connection:
            end = await approvals.find(connection, approval.id)
            votes = await approvals.votes(connection, approval.id)
        assert end is not None
        assert end.state in {State.APPROVED, State.REJECTED}
        (vote,) = votes
        assert end.decided_by == vote.person
        words = "Rejected" if end.state is State.REJECTED else "Approved"
        winner = DANA.name if vote.person == DANA.id else ADA.name
        assert all(words in card and winner in card for card in shown)
        ends.add((end.state, vote.person))
    for number in range(ROUNDS):
        async with store.read() as connection:
            entries = await audit.of_referral(connection, BEN.tenant, f"deal-{number}", limit=9)
        assert len([each for each in entries if each.outcome in {"approve", "reject"}]) == 1


async def test_B7_of_two_who_are_both_needed_both_count(store: Store, other: Store) -> None:
    one, two = desk(store), desk(other)
    for approval in await asked(store, range(20), quorum=2):
        approve = actions.Approve(approval.id)
        await asyncio.gather(
            press(one, DANA, approve), press(two, ADA, approve), press(two, DANA, approve)
        )
        async with store.read() as connection:
            end = await approvals.find(connection, approval.id)
            votes = await approvals.votes(connection, approval.id)
        assert end is not None
        assert end.state is State.APPROVED
        assert {vote.person for vote in votes} == {DANA.id, ADA.id}
