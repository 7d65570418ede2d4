"""Approvals as people live them: asked, decided, carried out once, the same on every card."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from sandbox.deals import FABRIKAM
from sandbox.people import PEOPLE
from tests.scenario.conftest import patches, signed_in
from tests.scenario.test_register import begins, registered, walks_to_the_end
from tests.seen import Heard
from tests.world import PATIENCE_SECONDS, World, buttons

POLICY = "register, won, lost, value>40000 USD"
WAITING = "Waiting for approval"
DONE = "Approved and done"
DANA, ADA, CLEO = (PEOPLE[key].oid for key in ("dana", "ada", "cleo"))


async def open_house(world: World, policy: str = POLICY, approvers: str = DANA) -> World:
    """A bot with a policy; Ben is signed in. Nobody else has ever said a word."""
    await world.bot(approval_policy=policy, approvers=approvers)
    await signed_in(world, "ben")
    return world


@pytest.fixture
async def house(world: World) -> World:
    return await open_house(world)


async def asks_to_change(
    world: World, where: str = "personal", value: str = "45k", approver: str = "dana"
) -> Heard:
    """Ben asks for a change that needs approval; gives the approver's card."""
    await world.says("ben", f"update fabrikam analytics value {value}", where)
    await world.hears("ben", where, until="Save this change?")
    await world.clicks("ben", "Save", where=where)
    await world.hears("ben", where, until=WAITING)
    return await world.hears(approver, until=WAITING)


async def sees(world: World, person: str, words: str, where: str = "personal") -> None:
    await world.sees(person, lambda seen: any(words in one for one in seen), where)


async def value(world: World) -> object:
    return (await world.referral(FABRIKAM))["details"]["dealValue"]


def audited(world: World, kind: str) -> list[tuple[str, str, str]]:
    """Person, outcome and detail of the audit's entries, oldest first."""
    with closing(sqlite3.connect(world.folder / "dealdesk.db")) as database:
        rows = database.execute(
            "SELECT person, outcome, detail FROM audit WHERE kind LIKE ? ORDER BY at", (kind,)
        )
        return [(str(row[0]), str(row[1]), str(row[2])) for row in rows]


async def test_register_needs_approval_and_happens_once_as_the_requester(house: World) -> None:
    await begins(house, where="group")
    await walks_to_the_end(house, where="group")
    await house.clicks("ben", "Submit", where="group")
    await house.hears("cleo", "group", until=WAITING)
    asked = await house.hears("dana", until=WAITING)
    assert "Contoso Experience Platform" in asked.words
    for piece in ("Ben Okafor", "USD 250,000", "Fabrikam", "Approve", "Reject", "Ask back"):
        assert piece in asked.words
    assert await patches(house) == []

    pressed = await house.clicks("dana", "Approve")
    assert pressed.status == 200
    for person, where in (("dana", "personal"), ("ben", "group"), ("cleo", "group")):
        await sees(house, person, DONE, where)
    assert len(await registered(house)) == 1
    (write,) = await house.ledger()
    assert write["owner"] == "ben"
    await sees(house, "ben", "USD 250,000")
    (_person, outcome, detail) = audited(house, "register")[-1]
    assert outcome == "done"
    assert '"approval":"' in detail


async def test_a_change_needs_approval_only_where_the_policy_says_so(house: World) -> None:
    await house.says("ben", "update fabrikam analytics value 39k")
    await house.hears("ben", until="Save this change?")
    await house.clicks("ben", "Save")
    await house.hears("ben", until="Saved in Partner Center")
    card = await asks_to_change(house)
    assert "USD 39,000" in card.words
    assert "USD 45,000" in card.words
    assert len(await house.ledger()) == 1
    await house.clicks("dana", "Approve")
    await sees(house, "dana", DONE)
    await sees(house, "ben", DONE)
    await sees(house, "ben", "Saved in Partner Center")
    assert await value(house) == 45000
    (patch, again) = await patches(house)
    assert [op["path"] for op in again["body"]] == ["/details/dealValue"]
    assert patch["headers"]["If-Match"] != again["headers"]["If-Match"]
    written = [detail for _person, _outcome, detail in audited(house, "proposal.%")]
    assert all('"approval":"' in detail for detail in written[-2:])


async def test_a_win_needs_approval(house: World) -> None:
    await house.says("ben", "won fabrikam analytics")
    await house.hears("ben", until="Mark this deal as won?")
    await house.clicks("ben", "Mark as won")
    await house.hears("dana", until="Mark this deal as won?")
    await house.clicks("dana", "Approve")
    await sees(house, "ben", DONE)
    assert (await house.referral(FABRIKAM))["substatus"] == "Won"


async def test_each_sees_only_their_own_buttons(house: World) -> None:
    await house.teams(refresh={"ben": True, "dana": True, "cleo": True})
    await asks_to_change(house, "group")

    def shows(*titles: str) -> Callable[[list[Heard]], bool]:
        return lambda seen: any(buttons(one.card or {}) == [*titles] for one in seen)

    await house.sees("ben", shows("Remind", "Withdraw"), "group")
    await house.sees("dana", shows("Approve", "Reject", "Ask back"), "group")
    await house.sees("cleo", shows("Refresh"), "group")
    await house.clicks("cleo", "Refresh", where="group")
    await house.sees("cleo", shows("Refresh"), "group")


@pytest.mark.parametrize("where", ["group", "wins"])
async def test_who_asked_sees_their_own_view_without_a_refresh(house: World, where: str) -> None:
    """The answer to their press is shown to them alone, after everybody's card has changed."""
    await house.teams(refresh=dict.fromkeys(PEOPLE, False))
    await asks_to_change(house, where)
    seen = {
        person: buttons(
            next(one for one in await house.messages(person, where) if WAITING in one).card or {}
        )
        for person in ("ben", "cleo", "dana")
    }
    assert seen == {"ben": ["Remind", "Withdraw"], "cleo": ["Refresh"], "dana": ["Refresh"]}
    await house.clicks("dana", "Approve")
    await sees(house, "ben", DONE, where)


async def test_rejecting_needs_a_reason_and_writes_nothing(house: World) -> None:
    await asks_to_change(house, "group")
    answered = await house.clicks("dana", verb="reject", inputs={"reason": "The budget is 35k"})
    assert answered.status == 200
    for person, where in (("dana", "personal"), ("ben", "group")):
        await sees(house, person, "The budget is 35k", where)
        await sees(house, person, "Rejected", where)
    assert await house.ledger() == []


async def test_asking_back_reaches_the_requester_and_goes_on_waiting(house: World) -> None:
    await asks_to_change(house, "group")
    await house.clicks("dana", "Ask back", inputs={"reason": "Who signed it?"})
    asked = await house.hears("ben", until="Who signed it?")
    assert "Dana Whitfield" in asked.words
    await sees(house, "cleo", "Who signed it?", "group")
    await house.clicks("dana", "Approve")
    await sees(house, "cleo", DONE, "group")
    assert len(await house.ledger()) == 1


async def test_the_requester_withdraws_and_reminds(house: World) -> None:
    await asks_to_change(house)
    await house.clicks("ben", "Remind")
    await sees(house, "dana", "waits for you")
    await sees(house, "ben", "They have been reminded")
    await house.clicks("ben", "Remind")
    await sees(house, "ben", "reminded within this hour")
    await house.clicks("ben", "Withdraw")
    await sees(house, "ben", "Withdrawn")
    await sees(house, "dana", "Withdrawn")
    assert await house.ledger() == []
    reminders = [one for one in await house.messages("dana") if "waits for you" in one]
    assert len(reminders) == 1


async def test_a_request_that_nobody_decides_expires(house: World) -> None:
    await asks_to_change(house)
    await house.advance(24 * 3600 + 60)
    await sees(house, "dana", "Nobody decided in time")
    await sees(house, "ben", "Nobody decided in time")
    assert await house.ledger() == []


async def test_signed_out_the_requester_is_asked_and_it_then_runs_by_itself(house: World) -> None:
    await asks_to_change(house, "group")
    await house.says("ben", "sign out")
    await house.hears("ben", until="signed out")
    await house.clicks("dana", "Approve")
    await sees(house, "dana", "has to sign in")
    await sees(house, "ben", "has to sign in", "group")
    await sees(house, "ben", "please sign in")
    assert await house.ledger() == []
    await house.signs_in("ben")
    await sees(house, "dana", DONE)
    await sees(house, "ben", DONE, "group")
    (write,) = await house.ledger()
    assert write["owner"] == "ben"


async def test_two_approvals_are_two_people(world: World) -> None:
    house = await open_house(world, "value>40000 USD, quorum=2", f"{DANA},{ADA}")
    await asks_to_change(house)
    await house.hears("ada", until=WAITING)
    await house.clicks("dana", "Approve")
    await sees(house, "ada", "1 of 2 approvals given")
    await house.clicks("dana", "Approve")
    await sees(house, "dana", "people count once")
    assert await house.ledger() == []
    await house.clicks("ada", "Approve")
    await sees(house, "dana", DONE)
    assert len(await house.ledger()) == 1


async def test_somebody_stands_in_until_a_day(house: World) -> None:
    await house.says("cleo", "help")
    await house.hears("cleo")
    await house.says("ben", "delegate to cleo until 2099-01-01")
    assert "may not delegate" in (await house.hears("ben")).words
    await house.says("dana", "delegate to cleo until next friday")
    assert "Cleo Marchetti stands in for you" in (await house.hears("dana")).words
    await house.hears("cleo", until="You stand in for Dana Whitfield")
    await asks_to_change(house, approver="cleo")
    await house.clicks("cleo", "Approve")
    await sees(house, "dana", "Cleo Marchetti for Dana Whitfield")
    await sees(house, "dana", DONE)
    assert len(await house.ledger()) == 1
    await house.says("dana", "delegate to nobody")
    await house.hears("dana", until="Nobody stands in for you")
    await asks_to_change(house, value="46k")
    assert len([one for one in await house.messages("cleo") if WAITING in one]) == 0


async def test_the_list_says_what_waits_for_whom(house: World) -> None:
    await asks_to_change(house)
    await house.says("dana", "approvals")
    listed = await house.hears("dana", until="Approvals")
    assert "Ben Okafor asked" in listed.words
    await house.says("ben", "approvals")
    mine = await house.hears("ben", until="Approvals")
    assert "Nothing waits for your decision" in mine.words
    assert WAITING in mine.words
    await house.says("eve", "approvals")
    assert "Nothing waits" in (await house.hears("eve")).words
    opens = next(title for title in buttons(listed.card or {}) if "Ben Okafor asked" in title)
    await house.clicks("dana", opens)
    await house.hears("dana", until="Ask back")
    await house.clicks("dana", "Approve")
    await sees(house, "ben", DONE)
    await house.sees("dana", lambda seen: sum(DONE in one for one in seen) == 2)


async def test_after_the_deal_moved_it_can_be_asked_again(house: World) -> None:
    await asks_to_change(house)
    moved = [{"op": "replace", "path": "/details/dealValue", "value": 41000}]
    await house.edit(FABRIKAM, moved)
    await house.clicks("dana", "Approve")
    await sees(house, "ben", "The deal has changed since")
    await sees(house, "ben", "41,000")
    await house.clicks("ben", "Look and ask again")
    await house.hears("ben", until="Save this change?")
    await house.clicks("ben", "Save")
    await house.hears("ben", until=WAITING)
    await house.sees("dana", lambda seen: any("Approve" in buttons(m.card or {}) for m in seen))
    await house.clicks("dana", "Approve")
    await sees(house, "dana", DONE)
    assert await value(house) == 45000


async def test_nobody_else_may_register_while_it_waits(house: World) -> None:
    await begins(house)
    await walks_to_the_end(house)
    await house.clicks("ben", "Submit")
    await house.hears("ben", until=WAITING)
    await signed_in(house, "ada")
    await house.says("ada", f"register {FABRIKAM}")
    await house.hears("ada", until="waits for approval")
    await house.clicks("ben", "Withdraw")
    await sees(house, "ben", "Withdrawn")
    await house.says("ben", "register fabrikam analytics")
    await house.hears("ben", until="Check and submit")


async def test_who_is_the_only_approver_cannot_ask(world: World) -> None:
    await world.bot(approval_policy=POLICY, approvers=PEOPLE["ben"].oid)
    await signed_in(world, "ben")
    await world.says("ben", "update fabrikam analytics value 45k")
    await world.hears("ben", until="Save this change?")
    await world.clicks("ben", "Save")
    await world.hears("ben", until="Nobody else may approve this")
    assert await world.ledger() == []


async def test_a_restart_loses_no_request(house: World) -> None:
    await asks_to_change(house, "group")
    await house.says("ben", "sign out")
    await house.hears("ben", until="signed out")
    await house.clicks("dana", "Approve")
    await sees(house, "dana", "has to sign in")
    await house._bots.pop().stop()
    await house.bot(approval_policy=POLICY)
    await house.signs_in("ben")
    await sees(house, "dana", DONE)
    await sees(house, "cleo", DONE, "group")
    assert len(await house.ledger()) == 1


async def test_an_approver_listed_by_sign_in_name_is_found_in_the_conversation(
    world: World,
) -> None:
    house = await open_house(world, approvers=PEOPLE["dana"].email)
    asked = await asks_to_change(house, "group")
    assert "Dana Whitfield" in asked.words
    await house.clicks("dana", "Approve")
    await sees(house, "cleo", DONE, "group")
    assert len(await house.ledger()) == 1


async def test_an_approver_listed_by_sign_in_name_signs_in_once(world: World) -> None:
    house = await open_house(world, approvers=PEOPLE["dana"].email)
    await house.says("ben", "update fabrikam analytics value 45k")
    await house.hears("ben", until="Save this change?")
    await house.clicks("ben", "Save")
    base = await house.hears("ben", until=WAITING)
    assert PEOPLE["dana"].email in base.words
    await house.says("dana", "approvals")
    assert "Nothing waits" in (await house.hears("dana")).words
    await signed_in(house, "dana")
    await house.hears("dana", until="Ask back")
    await house.clicks("dana", "Approve")
    await sees(house, "ben", DONE)
    assert len(await house.ledger()) == 1


async def test_F5_an_approved_change_whose_answer_was_lost_is_read_back(house: World) -> None:
    await asks_to_change(house)
    await house.fault("apply_then_drop", method="PATCH")
    await house.clicks("dana", "Approve")
    await sees(house, "dana", DONE)
    assert len(await patches(house)) == 1
    assert len(await house.ledger()) == 1


async def test_F5_an_approved_change_that_never_arrived_is_sent_again_alike(house: World) -> None:
    await asks_to_change(house)
    await house.fault("drop_before", method="PATCH")
    await house.clicks("dana", "Approve")
    await sees(house, "dana", "Saving…")
    await house.sees("ben", lambda seen: any("Saving…" in one for one in seen))
    await _until_patched(house)
    await house.advance(61)
    await sees(house, "dana", DONE)
    await sees(house, "ben", DONE)
    first, second = await patches(house)
    assert first["headers"]["If-Match"] == second["headers"]["If-Match"]
    assert len(await house.ledger()) == 1


async def _until_patched(house: World) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not [row for row in audited(house, "proposal.%") if row[1] == "unknown"]:
            await house.get("events", wait="0", person="ben")


async def test_a_deal_the_requester_lost_sight_of_fails_and_says_so(house: World) -> None:
    await asks_to_change(house)
    await house.account("ben", role="")
    await house.clicks("dana", "Approve")
    await sees(house, "dana", "Approved, but not carried out")
    await sees(house, "ben", "does not show this deal")
    assert await house.ledger() == []


async def test_F3_a_registration_waits_as_long_as_it_is_asked_to(house: World) -> None:
    await begins(house)
    await walks_to_the_end(house)
    await house.clicks("ben", "Submit")
    await house.hears("dana", until=WAITING)
    slow = {"Retry-After": "600"}
    await house.fault("status", method="GET", path=f"{FABRIKAM}$", status=429, headers=slow)
    await house.clicks("dana", "Approve")
    for person in ("dana", "ben"):
        await sees(house, person, "has sent Partner Center too many requests.")
        await sees(house, person, "I try again after")
    assert await registered(house) == []
    await house.advance(601)
    await sees(house, "dana", DONE)
    await sees(house, "ben", DONE)
    assert len(await registered(house)) == 1


async def test_who_never_signs_in_is_not_waited_for_for_ever(house: World) -> None:
    await asks_to_change(house)
    await house.says("ben", "sign out")
    await house.hears("ben", until="signed out")
    await house.clicks("dana", "Approve")
    await sees(house, "dana", "has to sign in")
    await house.advance(24 * 3600 + 60)
    await sees(house, "dana", "could not be carried out within a day")
    await sees(house, "ben", "could not be carried out within a day")
    await house.signs_in("ben")
    await house.hears("ben", until="You are signed in")
    assert await house.ledger() == []


async def test_a_write_that_cannot_be_shown_afterwards_is_still_done(house: World) -> None:
    await asks_to_change(house)
    await house.fault("status", method="GET", path="/engagements/referrals$", status=404, times=9)
    await house.clicks("dana", "Approve")
    await sees(house, "dana", DONE)
    await sees(house, "ben", DONE)
    assert len(await house.ledger()) == 1


async def test_a_channel_asks_and_decides_in_its_thread(house: World) -> None:
    await house.teams(refresh={"dana": True})
    await asks_to_change(house, "general")
    await house.sees(
        "dana",
        lambda seen: any("Approve" in buttons(one.card or {}) for one in seen),
        "general",
    )
    pressed = await house.clicks("dana", "Approve", where="general")
    assert "Saving…" in str(pressed.answer)
    for person in ("ben", "cleo", "eve"):
        await sees(house, person, DONE, "general")
    await sees(house, "dana", DONE)
    assert len(await house.ledger()) == 1
