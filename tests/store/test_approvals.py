"""Of two people who decide in the same moment one decides; nobody counts twice; time ends it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.store import approvals, delegations
from bot.store.approvals import Approval, State, Subject, Verdict
from bot.store.connection import AsyncConnection
from bot.store.delegations import Delegation
from bot.store.engine import Store
from tests.store.places import BEN, CLEO, NOW, place
from tests.store.test_decisions import contest, won

T, P = BEN.tenant, BEN.id
DANA, ADA = "oid-dana", "oid-ada"
EXPIRES = NOW + timedelta(hours=24)


async def ask(
    store: Store,
    subject_id: str = "p-1",
    *,
    now: datetime = NOW,
    requester: str = P,
    approvers: Sequence[str] = (DANA, "Ada.Lindqvist@contoso.example"),
) -> Approval:
    async with store.begin() as connection:
        approval_id = await create(connection, subject_id, now, requester, approvers)
        assert approval_id is not None
        found = await approvals.find(connection, approval_id)
    assert found is not None
    return found


async def create(
    connection: AsyncConnection,
    subject_id: str,
    now: datetime = NOW,
    requester: str = P,
    approvers: Sequence[str] = (DANA,),
) -> str | None:
    return await approvals.create(
        connection,
        tenant=T,
        requester=requester,
        requester_upn="Ben.Okafor@contoso.example",
        place=place(),
        referral_id="deal",
        kind="move",
        subject=Subject.PROPOSAL,
        subject_id=subject_id,
        operations="[]",
        base_etag='"1"',
        fingerprint=None,
        diff=[{"field": "value", "before": "1", "after": "2"}],
        approvers=approvers,
        quorum=2,
        expires=now + timedelta(hours=24),
        now=now,
    )


async def reread(store: Store, approval: Approval) -> Approval:
    async with store.read() as connection:
        found = await approvals.find(connection, approval.id)
    assert found is not None
    return found


async def test_a_request_comes_back_as_it_was_asked(store: Store) -> None:
    asked = await ask(store)
    assert (asked.state, asked.quorum, asked.expires) == (State.WAITING, 2, EXPIRES)
    assert asked.requester_upn == "ben.okafor@contoso.example"
    assert asked.approvers == (DANA, "Ada.Lindqvist@contoso.example")
    assert asked.diff == [{"field": "value", "before": "1", "after": "2"}]
    assert asked.place == place()


async def test_b3_asked_twice_in_one_moment_there_is_one_request(
    store: Store, other: Store
) -> None:
    assert won(await contest(store, other, lambda c: create(c, "p-1"))) == 1


async def test_after_its_end_the_same_may_be_asked_again(store: Store) -> None:
    asked = await ask(store)
    async with store.begin() as connection:
        assert await create(connection, "p-1") is None
        assert await approvals.decide(connection, asked, State.REJECTED, DANA, NOW)
        again = await create(connection, "p-1", NOW + timedelta(minutes=1))
        newest = await approvals.of_subject(connection, Subject.PROPOSAL, "p-1")
    assert newest is not None
    assert newest.id == again


async def test_b2_one_of_many_decisions_in_the_same_moment_counts(
    store: Store, other: Store
) -> None:
    decisions = itertools.cycle((State.APPROVED, State.REJECTED))
    for number in range(10):
        asked = await ask(store, f"p-{number}")

        async def decide(connection: AsyncConnection, asked: Approval = asked) -> object:
            to = next(decisions)
            return await approvals.decide(connection, asked, to, DANA, NOW)

        assert won(await contest(store, other, decide)) == 1


async def test_withdrawing_and_deciding_exclude_each_other(store: Store, other: Store) -> None:
    asked = await ask(store)
    results = await contest(store, other, lambda c: approvals.withdraw(c, asked, NOW), rounds=2)
    assert won(results) == 1
    async with store.begin() as connection:
        assert not await approvals.decide(connection, asked, State.APPROVED, DANA, NOW)
        late = await approvals.find(connection, asked.id)
        assert late is not None
        assert await approvals.withdraw(connection, late, NOW) is None
    assert (await reread(store, asked)).state is State.WITHDRAWN


async def test_a_person_votes_once_whoever_they_act_for(store: Store, other: Store) -> None:
    asked = await ask(store)
    results = await contest(
        store, other, lambda c: approvals.vote(c, asked, DANA, Verdict.APPROVE, NOW)
    )
    assert won(results) == 1
    voted = await reread(store, asked)
    async with store.begin() as connection:
        again = approvals.vote(connection, voted, DANA, Verdict.REJECT, NOW, acting_for=ADA)
        assert not await again
        assert await approvals.find(connection, asked.id) == voted
        assert await approvals.vote(connection, voted, ADA, Verdict.REJECT, NOW, acting_for="x")
        votes = await approvals.votes(connection, asked.id)
    assert {(vote.person, vote.verdict, vote.acting_for) for vote in votes} == {
        (DANA, Verdict.APPROVE, None),
        (ADA, Verdict.REJECT, "x"),
    }


async def test_votes_counted_on_an_old_reading_decide_nothing(store: Store) -> None:
    asked = await ask(store)
    async with store.begin() as connection:
        assert await approvals.vote(connection, asked, DANA, Verdict.APPROVE, NOW)
        assert not await approvals.vote(connection, asked, ADA, Verdict.APPROVE, NOW)
        assert not await approvals.decide(connection, asked, State.APPROVED, DANA, NOW)


async def test_after_its_time_a_request_expires_and_takes_no_vote(
    store: Store, other: Store
) -> None:
    asked = await ask(store)
    await ask(store, "p-later", now=NOW + timedelta(hours=1))
    async with store.begin() as connection:
        assert await approvals.expire_due(connection, EXPIRES - timedelta(seconds=1)) == []
        assert not await approvals.vote(connection, asked, DANA, Verdict.APPROVE, EXPIRES)
        assert not await approvals.decide(connection, asked, State.APPROVED, DANA, EXPIRES)
    ended = await contest(store, other, lambda c: approvals.expire_due(c, EXPIRES), rounds=2)
    assert won(ended) == 1
    assert (await reread(store, asked)).state is State.EXPIRED


async def test_an_approved_request_is_carried_out_by_one_instance(
    store: Store, other: Store
) -> None:
    asked = await ask(store)
    until = NOW + timedelta(minutes=1)
    async with store.begin() as connection:
        assert await approvals.claim(connection, asked.id, "bot-1", NOW, until) is None
        assert await approvals.decide(connection, asked, State.APPROVED, DANA, NOW)
    taken = await contest(store, other, lambda c: approvals.claim(c, asked.id, "b", NOW, until))
    assert won(taken) == 1
    (paused,) = [one for one in taken if isinstance(one, Approval)]
    async with other.begin() as connection:
        held = await approvals.claim(connection, asked.id, "c", until, until + timedelta(minutes=1))
        assert held is not None
        assert await approvals.advance(connection, paused, State.FAILED, until) is None
        assert await approvals.advance(connection, held, State.DONE, until) is not None
    assert (await reread(store, asked)).state is State.DONE


async def test_what_is_let_go_is_taken_again_by_anybody_when_it_is_time(
    store: Store, other: Store
) -> None:
    asked = await ask(store)
    lease, later = NOW + timedelta(minutes=1), NOW + timedelta(seconds=9)
    async with store.begin() as connection:
        approved = await approvals.decide(connection, asked, State.APPROVED, DANA, NOW)
        assert approved is not None
        held = await approvals.claim(connection, asked.id, "a", NOW, lease)
        assert held is not None
        assert await approvals.postpone(connection, asked.id, "b", NOW, later) is None
        let_go = await approvals.postpone(connection, asked.id, "a", NOW, later, reason="!why")
        assert let_go is not None
        assert (let_go.tries, let_go.try_at, let_go.reason) == (1, later, "!why")
        assert let_go.updated == approved.updated
        assert await approvals.advance(connection, held, State.FAILED, NOW) is None
        assert not await approvals.any_due(connection, NOW)
        assert await approvals.due(connection, NOW) == []
        assert await approvals.claim(connection, asked.id, "a", NOW, lease) is None
    async with other.begin() as connection:
        assert await approvals.any_due(connection, later)
        assert await approvals.due(connection, later) == [let_go]
    taken = await contest(store, other, lambda c: approvals.claim(c, asked.id, "b", later, lease))
    assert won(taken) == 1
    async with store.begin() as connection:
        again = await approvals.postpone(connection, asked.id, "b", later, lease)
        assert again is not None
        assert (again.tries, again.try_at, again.reason) == (2, lease, "!why")
        assert await approvals.advance(connection, again, State.DONE, later) is not None
        assert await approvals.postpone(connection, asked.id, "b", later, lease) is None


async def test_why_it_waits_is_taken_back_without_letting_go(store: Store) -> None:
    asked = await ask(store)
    async with store.begin() as connection:
        await approvals.decide(connection, asked, State.APPROVED, DANA, NOW)
        await approvals.postpone(connection, asked.id, "a", NOW, NOW, reason="!why")
        lease = NOW + timedelta(minutes=1)
        held = await approvals.claim(connection, asked.id, "a", NOW, lease)
        assert held is not None
        kept = await approvals.forget_reason(connection, held)
        assert kept is not None
        assert kept.reason is None
        assert await approvals.forget_reason(connection, held) is None
        assert await approvals.claim(connection, asked.id, "b", NOW, lease) is None


async def test_a_requester_finds_what_is_open(store: Store) -> None:
    first, second = await ask(store), await ask(store, "p-2", now=NOW + timedelta(minutes=1))
    await ask(store, "p-3", requester=CLEO.id)
    async with store.begin() as connection:
        assert await approvals.of_requester(connection, T, P) == [second, first]
        await approvals.decide(connection, first, State.REJECTED, DANA, NOW, reason="too low")
        assert await approvals.of_requester(connection, T, P) == [second]
        (rejected,) = await approvals.of_requester(connection, T, P, (State.REJECTED,))
        assert len(await approvals.waiting(connection, T)) == 2
    assert (rejected.reason, rejected.decided_by) == ("too low", DANA)


async def test_every_copy_of_the_card_is_remembered_once(store: Store) -> None:
    asked = await ask(store)
    async with store.begin() as connection:
        assert await approvals.add_card(connection, asked.id, place("a:one"), "m-1")
        assert not await approvals.add_card(connection, asked.id, place("a:one"), "m-1")
        assert await approvals.add_card(
            connection, asked.id, place("a:two"), "m-1", for_person=DANA
        )
        copies = await approvals.cards_of(connection, asked.id)
    assert [(copy.place, copy.message_id, copy.for_person) for copy in copies] == [
        (place("a:one"), "m-1", None),
        (place("a:two"), "m-1", DANA),
    ]


async def test_only_ended_requests_are_pruned_with_all_that_hangs_on_them(store: Store) -> None:
    ended, waits = await ask(store), await ask(store, "p-2")
    async with store.begin() as connection:
        await approvals.add_card(connection, ended.id, place(), "m-1")
        await approvals.vote(connection, ended, DANA, Verdict.REJECT, NOW)
        voted = await approvals.find(connection, ended.id)
        assert voted is not None
        await approvals.decide(connection, voted, State.REJECTED, DANA, NOW)
        await approvals.prune(connection, NOW)
        assert await approvals.find(connection, ended.id) is not None
        await approvals.prune(connection, NOW + timedelta(seconds=1))
        assert await approvals.find(connection, ended.id) is None
        assert await approvals.votes(connection, ended.id) == []
        assert await approvals.cards_of(connection, ended.id) == []
        assert await approvals.find(connection, waits.id) == waits


async def test_a_person_has_one_stand_in_until_a_moment(store: Store) -> None:
    until = NOW + timedelta(days=7)
    async with store.begin() as connection:
        await delegations.put(connection, Delegation(T, DANA, ADA, until, NOW))
        await delegations.put(connection, Delegation(T, DANA, CLEO.id, until, NOW))
        (standing_in,) = await delegations.active_for(connection, T, CLEO.id, NOW)
        assert (standing_in.person, standing_in.until) == (DANA, until)
        assert await delegations.of(connection, T, DANA, NOW) == standing_in
        assert await delegations.active_for(connection, T, ADA, NOW) == []
        assert await delegations.active_for(connection, T, CLEO.id, until) == []
        await delegations.prune(connection, until)
        assert await delegations.drop(connection, T, DANA)
        assert not await delegations.drop(connection, T, DANA)
