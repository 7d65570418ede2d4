"""Whoever comes first decides; everybody else is told that they did not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.store import (
    proposals,
    questions,
    schema,
    seals,
    sign_ins,
    token_caches,
    token_exchanges,
    waiting,
)
from bot.store.connection import AsyncConnection
from bot.store.engine import Store
from bot.store.proposals import Kind, State
from tests.store.places import BEN, CLEO, NOW, place

Decision = Callable[[AsyncConnection], Awaitable[object]]
T, P = BEN.tenant, BEN.id


async def do(store: Store, decision: Decision) -> object:
    async with store.begin() as connection:
        return await decision(connection)


async def contest(store: Store, other: Store, decision: Decision, rounds: int = 4) -> list[object]:
    """The same decision from two instances at once, several times each."""
    return await asyncio.gather(*(do(one, decision) for one in (store, other) * rounds))


def won(results: list[object]) -> int:
    return sum(bool(result) for result in results)


async def test_a_token_cache_is_written_over_the_version_read(store: Store, other: Store) -> None:
    async def write(connection: AsyncConnection, expected: int) -> bool:
        return await token_caches.save(connection, T, P, b"blob", "key", expected=expected, now=NOW)

    async with store.begin() as connection:
        assert await write(connection, token_caches.ABSENT)
        assert not await write(connection, token_caches.ABSENT)
        first = await token_caches.load(connection, T, P)
    assert first is not None
    assert won(await contest(store, other, lambda c: write(c, first.version))) == 1
    assert "blob" not in repr(first)


async def test_a_cache_made_again_is_not_taken_for_the_former_one(store: Store) -> None:
    async with store.begin() as connection:
        await token_caches.save(connection, T, P, b"old", "k", expected=0, now=NOW)
        old = await token_caches.load(connection, T, P)
        assert old is not None
        assert await token_caches.delete(connection, T, P)
        await token_caches.save(connection, T, P, b"new", "k", expected=0, now=NOW)
        assert not await token_caches.save(
            connection, T, P, b"late", "k", expected=old.version, now=NOW
        )
        assert not await token_caches.delete(connection, T, P, expected=old.version)
        kept = await token_caches.load(connection, T, P)
        assert kept is not None
        assert kept.blob == b"new"
        assert await token_caches.load(connection, T, CLEO.id) is None


async def test_an_exchange_is_claimed_once(store: Store, other: Store) -> None:
    results = await contest(store, other, lambda c: token_exchanges.claim(c, T, P, "x", NOW))
    assert won(results) == 1
    async with store.begin() as connection:
        assert await token_exchanges.outcome(connection, T, P, "x") is None
        await token_exchanges.settle(connection, T, P, "x", succeeded=False)
        assert await token_exchanges.outcome(connection, T, P, "x") is False
        assert await token_exchanges.claim(connection, T, CLEO.id, "x", NOW)
        await token_exchanges.prune(connection, NOW + timedelta(seconds=1))
        assert await token_exchanges.outcome(connection, T, P, "x") is None


def link(state_hash: str = "h", reason: str = "signed_out") -> sign_ins.SignIn:
    return sign_ins.SignIn(state_hash, BEN, place(), reason, None, NOW, NOW + timedelta(minutes=15))


async def test_a_link_is_prepared_once_and_used_once(store: Store, other: Store) -> None:
    await do(store, lambda c: sign_ins.put(c, link()))
    assert won(await contest(store, other, lambda c: sign_ins.prepare(c, "h", b"flow"))) == 1
    assert won(await contest(store, other, lambda c: sign_ins.use(c, "h", NOW))) == 1
    async with store.read() as connection:
        used = await sign_ins.find(connection, "h")
    assert used is not None
    assert (used.person, used.place, used.used, used.flow) == (BEN, place(), NOW, None)


async def test_an_expired_link_is_not_used(store: Store) -> None:
    async with store.begin() as connection:
        await sign_ins.put(connection, link())
        assert not await sign_ins.use(connection, "h", NOW + timedelta(minutes=15))
        assert not await sign_ins.use(connection, "other", NOW)
        await sign_ins.prune(connection, NOW + timedelta(minutes=16))
        assert await sign_ins.find(connection, "h") is None


async def test_open_links_of_a_reason_are_found(store: Store) -> None:
    async with store.begin() as connection:
        await sign_ins.put(connection, link("h1"))
        await sign_ins.put(connection, link("h2", "mfa"))
        assert await sign_ins.is_asked(connection, T, P, ("mfa", "claims"), NOW)
        assert not await sign_ins.is_asked(connection, T, CLEO.id, ("mfa",), NOW)
        assert not await sign_ins.is_asked(connection, T, P, ("claims",), NOW)
        await sign_ins.use(connection, "h2", NOW)
        assert not await sign_ins.is_asked(connection, T, P, ("mfa",), NOW)


def said(command: str = "list") -> waiting.Waiting:
    return waiting.Waiting(command, place(), "de-DE", None, "activity-1", NOW)


async def test_a_waiting_command_is_taken_once(store: Store, other: Store) -> None:
    await do(store, lambda c: waiting.put(c, T, P, said("help")))
    await do(store, lambda c: waiting.put(c, T, P, said("list")))
    results = await contest(store, other, lambda c: waiting.take(c, T, P, NOW))
    assert [result for result in results if result] == [said("list")]
    await do(store, lambda c: waiting.put(c, T, P, said("show #1001")))
    assert await do(store, lambda c: waiting.take(c, T, P, NOW)) == said("show #1001")


async def test_a_command_that_waited_too_long_or_was_dropped_is_gone(store: Store) -> None:
    late = NOW + waiting.STALE_AFTER + timedelta(seconds=1)
    async with store.begin() as connection:
        await waiting.put(connection, T, P, said())
        assert await waiting.take(connection, T, P, late) is None
        assert await waiting.take(connection, T, P, NOW) is None
        await waiting.put(connection, T, P, said())
        await waiting.drop(connection, T, P)
        assert await waiting.take(connection, T, P, NOW) is None
        assert await waiting.take(connection, T, CLEO.id, NOW) is None


async def test_a_question_is_answered_once_by_whom_it_was_put_to(
    store: Store, other: Store
) -> None:
    async with store.begin() as connection:
        asked = await questions.ask(connection, T, P, place(), "Which?", ["show a", "show b"], NOW)
        found = await questions.find(connection, asked)
        assert found is not None
        assert (found.choices, found.is_open) == (("show a", "show b"), True)
        assert not await questions.answer(connection, asked, T, CLEO.id)
        assert not await questions.answer(connection, asked, "tenant-2", P)
    assert won(await contest(store, other, lambda c: questions.answer(c, asked, T, P))) == 1
    async with store.read() as connection:
        found = await questions.find(connection, asked)
        assert found is not None
        assert not found.is_open
        assert await questions.find(connection, "made-up") is None


async def test_a_seal_is_forgotten_by_its_age(store: Store) -> None:
    async with store.begin() as connection:
        await seals.put(connection, "vote:gone:dana", "seal", NOW)
        await seals.prune(connection, NOW)
        assert await seals.find(connection, "vote:gone:dana") == "seal"
        await seals.prune(connection, NOW + timedelta(seconds=1))
        assert await seals.find(connection, "vote:gone:dana") is None


async def proposed(store: Store) -> proposals.Proposal:
    async with store.begin() as connection:
        made = await proposals.create(
            connection,
            tenant=T,
            person=P,
            place=place(),
            referral_id="deal",
            kind=Kind.CHANGE,
            operations=[{"op": "replace", "path": "/details/dealValue", "value": "30000"}],
            base_etag='"e1"',
            base={"value": "20000"},
            after={"value": "30000"},
            now=NOW,
        )
        found = await proposals.find(connection, made.id)
    assert found is not None
    return found


async def again(store: Store, proposal: proposals.Proposal) -> proposals.Proposal:
    async with store.read() as connection:
        found = await proposals.find(connection, proposal.id)
    assert found is not None
    return found


async def test_b6_a_proposal_pressed_many_times_is_applied_once(store: Store, other: Store) -> None:
    proposal = await proposed(store)
    results = await contest(
        store,
        other,
        lambda c: proposals.advance(
            c, proposal, State.APPLYING, now=NOW, client_request_id="request-1"
        ),
    )
    assert won(results) == 1
    applying = await again(store, proposal)
    assert (applying.state, applying.version) == (State.APPLYING, 2)
    assert applying.client_request_id == "request-1"
    assert applying.operations == proposal.operations


async def test_save_and_discard_at_once_leave_one_winner(store: Store, other: Store) -> None:
    for _ in range(10):
        proposal = await proposed(store)
        saved, discarded = await asyncio.gather(
            do(store, lambda c, p=proposal: proposals.advance(c, p, State.APPLYING, now=NOW)),  # type: ignore[misc]
            do(other, lambda c, p=proposal: proposals.advance(c, p, State.DISCARDED, now=NOW)),  # type: ignore[misc]
        )
        assert saved != discarded
        expected = State.APPLYING if saved else State.DISCARDED
        assert (await again(store, proposal)).state is expected


async def test_a_proposal_is_rebased_from_what_was_read(store: Store) -> None:
    proposal = await proposed(store)
    await do(store, lambda c: proposals.advance(c, proposal, State.CONFLICT, now=NOW))
    conflict = await again(store, proposal)

    async def rebase(connection: AsyncConnection) -> bool:
        return await proposals.rebase(
            connection,
            conflict,
            operations=[],
            base_etag='"e2"',
            base={"value": "25000"},
            after={"value": "30000"},
            now=NOW,
        )

    assert await do(store, rebase)
    assert not await do(store, rebase)
    rebased = await again(store, proposal)
    assert (rebased.state, rebased.base_etag, rebased.version) == (State.OPEN, '"e2"', 3)


async def test_what_was_left_half_done_is_found(store: Store) -> None:
    proposal = await proposed(store)
    await proposed(store)
    await do(store, lambda c: proposals.advance(c, proposal, State.APPLYING, now=NOW))
    await do(store, lambda c: proposals.set_message(c, proposal.id, "m-1"))
    async with store.read() as connection:
        found = await proposals.in_state(
            connection, State.APPLYING, before=NOW + timedelta(seconds=1)
        )
        none = await proposals.in_state(connection, State.APPLYING, before=NOW)
    assert [(one.id, one.message_id) for one in found] == [(proposal.id, "m-1")]
    assert none == []


def draft(number: int, state: str, deal: str = "deal") -> sa.Insert:
    return schema.drafts.insert().values(
        id=f"draft-{number}",
        tenant=T,
        person=P,
        referral_id=deal,
        place="{}",
        locale="en-US",
        step="value",
        answers="{}",
        state=state,
        created=NOW,
        updated=NOW,
        expires=NOW,
    )


def registration(number: int, state: str, fingerprint: str, deal: str = "deal") -> sa.Insert:
    return schema.registrations.insert().values(
        id=f"registration-{number}",
        tenant=T,
        referral_id=deal,
        fingerprint=fingerprint,
        values_json="{}",
        requester=P,
        draft_id="draft",
        place="{}",
        locale="en-US",
        state=state,
        created=NOW,
        updated=NOW,
    )


@pytest.mark.parametrize(
    ("first", "second", "allowed"),
    [
        (draft(1, "open"), draft(2, "open"), False),
        (draft(1, "open"), draft(2, "open", "other"), True),
        (draft(1, "cancelled"), draft(2, "open"), True),
        (draft(1, "submitted"), draft(2, "submitted"), True),
        (registration(1, "DONE", "f"), registration(2, "INTENT", "f"), False),
        (registration(1, "UNKNOWN", "f"), registration(2, "DONE", "f"), False),
        (registration(1, "FAILED", "f"), registration(2, "INTENT", "f"), True),
        (registration(1, "INTENT", "f"), registration(2, "UNKNOWN", "g"), False),
        (registration(1, "DONE", "f"), registration(2, "INTENT", "g"), True),
        (registration(1, "INTENT", "f"), registration(2, "INTENT", "f", "other"), True),
        (draft(1, "open"), draft(2, "forgotten", "other"), False),
        (registration(1, "DONE", "f"), registration(2, "done", "g"), False),
    ],
)
async def test_the_database_itself_refuses_doubles(
    store: Store, first: sa.Insert, second: sa.Insert, allowed: bool
) -> None:
    async def both() -> None:
        async with store.begin() as connection:
            await connection.execute(first)
            await connection.execute(second)

    if allowed:
        await both()
    else:
        with pytest.raises(IntegrityError):
            await both()
