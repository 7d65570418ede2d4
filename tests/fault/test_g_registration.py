"""Cases G2 to G9: a registration under crashes of the line, late and stale answers, and rivals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.registration_rules import State
from tests.fault.stand import (
    REGISTRATION,
    Stand,
    drive_until,
    fetch,
    intent,
    open_stand,
    owed,
    submit,
)


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


async def test_a_registration_is_sent_once_and_shown(stand: Stand) -> None:
    process = await stand.process()
    submission = intent(stand.now())
    await submit(process, submission)
    await process.resolver.drive_due()
    done = await fetch(process, submission)
    assert done.state is State.DONE
    assert len(stand.registered()) == stand.sent() == 1
    assert len(await owed(process, "end")) == 1
    (write,) = stand.desk.world.ledger.writes
    assert write.owner == "ben"
    assert write.client_request_id == done.standing.attempts[0].client_request_id


async def test_every_patch_bears_the_version_that_was_read(stand: Stand) -> None:
    process = await stand.process()
    before = str(stand.desk.world.referral(intent(stand.now()).referral_id)["eTag"])
    await submit(process, intent(stand.now()))
    await process.resolver.drive_due()
    patches = [each for each in stand.desk.world.ledger.requests if each.method == "PATCH"]
    assert [each.headers["If-Match"] for each in patches] == [before]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "apply_then_drop"},
        {"kind": "truncate", "size": 20},
        {"kind": "reset", "size": 10},
    ],
    ids=["dropped", "truncated", "reset"],
)
async def test_g2_applied_and_reply_lost(stand: Stand, fault: dict[str, object]) -> None:
    process = await stand.process()
    stand.fault(**fault)  # type: ignore[arg-type]
    submission = intent(stand.now())
    await submit(process, submission)
    await drive_until(process, submission, stand, State.DONE, seconds=30)
    assert len(stand.registered()) == stand.sent() == 1
    assert len(await owed(process, "end")) == 1


async def test_g2_a_502_after_it_was_applied(stand: Stand) -> None:
    """A gateway that says 502 although the service behind it did the work."""
    process = await stand.process()
    stand.fault("status", status=502)
    submission = intent(stand.now())
    await submit(process, submission)
    await process.resolver.drive_due()
    assert (await fetch(process, submission)).state is State.UNKNOWN
    stand.register_in_portal()
    await drive_until(process, submission, stand, State.DONE, seconds=30)
    assert len(stand.registered()) == 1


async def test_g2_a_502_that_did_nothing_is_sent_again_after_the_settling(stand: Stand) -> None:
    process = await stand.process()
    stand.fault("status", status=502)
    submission = intent(stand.now())
    await submit(process, submission)
    await process.resolver.drive_due()
    sent_at = stand.now()
    done = await drive_until(process, submission, stand, State.DONE, seconds=120)
    first, second = done.standing.attempts
    assert second.at - first.at >= timedelta(seconds=60)
    assert second.base.etag == first.base.etag
    assert stand.now() - sent_at < timedelta(seconds=90)
    assert len(stand.registered()) == 1


async def test_g3_a_patch_delivered_after_the_retry_is_refused_by_its_version(
    stand: Stand,
) -> None:
    process = await stand.process()
    stand.fault("late", seconds=3600)
    submission = intent(stand.now())
    await submit(process, submission)
    await drive_until(process, submission, stand, State.DONE, seconds=120)
    assert await stand.desk.world.faults.release() == 1
    assert len(stand.registered()) == 1
    assert stand.sent() == 2


async def test_g3_a_patch_delivered_before_the_retry_is_found(stand: Stand) -> None:
    process = await stand.process()
    stand.fault("late", seconds=3600)
    submission = intent(stand.now())
    await submit(process, submission)
    await process.resolver.drive_due()
    await stand.desk.world.faults.release()
    await drive_until(process, submission, stand, State.DONE, seconds=60)
    assert len(stand.registered()) == stand.sent() == 1


async def test_g4_stale_reads_say_nothing(stand: Stand) -> None:
    process = await stand.process()
    submission = intent(stand.now())
    stand.fault("apply_then_drop")
    stand.fault("stale_read", "GET", after=1, times=5, path="referrals/")
    await submit(process, submission)
    await process.resolver.drive_due()
    states = {(await fetch(process, submission)).state}
    done = await drive_until(process, submission, stand, State.DONE, seconds=120)
    assert states == {State.UNKNOWN}
    assert len(stand.registered()) == 1
    assert done.result["do"] == "done"  # type: ignore[index,call-overload]


async def test_g4_an_accepted_patch_is_never_sent_again(stand: Stand) -> None:
    """2xx, and reads that do not show it for ten minutes (U30)."""
    stand.desk.world.switches.registration_visible_after = 600
    process = await stand.process()
    submission = intent(stand.now())
    await submit(process, submission)
    await process.resolver.drive_due()
    assert (await fetch(process, submission)).state is State.UNKNOWN
    await drive_until(process, submission, stand, State.DONE, seconds=1200)
    assert stand.sent() == 1


async def test_g5_a_server_that_ignores_if_match_doubles_and_it_is_noticed(stand: Stand) -> None:
    process = await stand.process()
    stand.fault("late", seconds=3600)
    submission = intent(stand.now())
    await submit(process, submission)
    await drive_until(process, submission, stand, State.DONE, seconds=120)
    stand.register_in_portal()
    stand.advance(301)
    await process.resolver.drive_due()
    assert len(await owed(process, "alert")) == 1
    assert len(await owed(process, "doubled")) == 1
    assert (await fetch(process, submission)).state is State.DONE


async def test_g7_no_token_after_a_restart(stand: Stand) -> None:
    first = await stand.process()
    stand.fault("late", seconds=3600)
    submission = intent(stand.now())
    await submit(first, submission)
    await first.resolver.drive_due()
    stand.signed_in.discard("ben")
    second = await stand.process()
    await second.resolver.recover()
    await second.resolver.drive_due()
    asked = await owed(second, "ask")
    assert len(asked) == 1
    assert "I do not know whether this deal was registered" in str(asked)
    rival = replace(intent(stand.now()), requester="somebody-else")
    assert not await submit(second, rival)
    for _ in range(30):
        stand.advance(60)
        await second.resolver.drive_due()
    assert len(await owed(second, "ask")) == 1
    assert (await fetch(second, submission)).state is State.UNKNOWN
    stand.signed_in.add("ben")
    await second.resolver.look_now(submission.id)
    await drive_until(second, submission, stand, State.DONE)
    assert len(stand.registered()) == 1


async def test_g8_registered_in_the_portal_meanwhile_is_recognised(stand: Stand) -> None:
    process = await stand.process()
    stand.register_in_portal()
    submission = intent(stand.now())
    await submit(process, submission)
    await process.resolver.drive_due()
    done = await fetch(process, submission)
    assert done.state is State.DONE
    assert stand.sent() == 0
    assert "registered already" in str(await owed(process, "end"))


async def test_g8_other_values_in_the_portal_are_for_a_person(stand: Stand) -> None:
    process = await stand.process()
    stand.register_in_portal(replace(REGISTRATION, value=Decimal(130000)))
    submission = intent(stand.now())
    await submit(process, submission)
    await process.resolver.drive_due()
    assert (await fetch(process, submission)).state is State.STOPPED
    assert stand.sent() == 0
    said = str(await owed(process, "end"))
    assert "130,000" in said
    assert "120,000" in said


async def test_g8_normalised_values_are_recognised(stand: Stand) -> None:
    stand.desk.world.switches.registration_echo = "normalised"
    process = await stand.process()
    submission = intent(stand.now())
    await submit(process, submission)
    await process.resolver.drive_due()
    assert (await fetch(process, submission)).state is State.DONE


async def test_f11_a_failed_check_sends_nothing(stand: Stand) -> None:
    process = await stand.process()
    stand.edit("/details/dealValue", 20000)
    submission = intent(stand.now())
    await submit(process, submission)
    await process.resolver.drive_due()
    assert (await fetch(process, submission)).state is State.REJECTED
    assert stand.sent() == 0
    assert "isDealValueEligible" not in str(await owed(process, "end"))


async def test_f11_no_answer_of_the_check_sends_nothing(stand: Stand) -> None:
    process = await stand.process()
    stand.fault("status", "POST", status=503, times=None, path="eligibility")
    submission = intent(stand.now())
    await submit(process, submission)
    for _ in range(10):
        await process.resolver.drive_due()
        stand.advance(60)
    assert (await fetch(process, submission)).state is State.INTENT
    assert stand.sent() == 0
    assert "not answering" in str(await owed(process, "waiting"))


async def test_f11_eligible_and_then_refused(stand: Stand) -> None:
    process = await stand.process()
    body = {"error": {"code": "invalidRequest", "message": "no"}}
    stand.fault("status", status=400, body=body)
    submission = intent(stand.now())
    await submit(process, submission)
    await process.resolver.drive_due()
    failed = await fetch(process, submission)
    assert failed.state is State.FAILED
    assert stand.sent() == 1
    assert await submit(process, intent(stand.now()))


async def test_a_refusal_after_a_lost_patch_is_not_believed_before_the_fence(stand: Stand) -> None:
    process = await stand.process()
    stand.fault("late", seconds=36000)
    stand.fault("status", status=400, body={"error": {"code": "invalidRequest"}}, after=0)
    submission = intent(stand.now())
    await submit(process, submission)
    for _ in range(100):
        await process.resolver.drive_due()
        stand.advance(2)
    assert (await fetch(process, submission)).state is State.UNKNOWN
    stand.edit()
    failed = await drive_until(process, submission, stand, State.FAILED)
    assert len(failed.standing.attempts) == 2
    await stand.desk.world.faults.release()
    assert stand.registered() == []


async def test_a_412_with_an_unrelated_edit_goes_on_with_the_new_version(stand: Stand) -> None:
    process = await stand.process()
    stand.fault("race")
    submission = intent(stand.now())
    await submit(process, submission)
    await process.resolver.drive_due()
    done = await fetch(process, submission)
    assert done.state is State.DONE
    assert [each.outcome for each in done.standing.attempts] == ["moved", "applied"]
    assert len(stand.registered()) == 1


async def test_a_412_with_another_deal_value_asks_again(stand: Stand) -> None:
    process = await stand.process()
    stand.fault("late", seconds=36000)
    submission = intent(stand.now())
    await submit(process, submission)
    await process.resolver.drive_due()
    stand.edit("/details/dealValue", 45000)
    await drive_until(process, submission, stand, State.STOPPED)
    assert "45000" in str(await owed(process, "end"))
    await stand.desk.world.faults.release()
    assert stand.registered() == []


async def test_throttled_waits_as_long_as_it_was_told(stand: Stand) -> None:
    process = await stand.process()
    stand.fault("throttled", seconds=57)
    submission = intent(stand.now())
    await submit(process, submission)
    await process.resolver.drive_due()
    waiting = await fetch(process, submission)
    assert waiting.look_at is not None
    assert waiting.look_at - stand.now() >= timedelta(seconds=57)
    stand.advance(58)
    await process.resolver.drive_due()
    assert (await fetch(process, submission)).state is State.DONE


async def test_after_a_day_a_person_is_told_once(stand: Stand) -> None:
    process = await stand.process()
    stand.fault("late", seconds=10**6)
    submission = intent(stand.now())
    await submit(process, submission)
    await process.resolver.drive_due()
    stand.fault("status", "GET", status=503, times=None)
    for _ in range(27):
        stand.advance(3600)
        await process.resolver.drive_due()
    assert (await fetch(process, submission)).state is State.UNKNOWN
    assert len(await owed(process, "tell")) == 1
    assert not await submit(process, intent(stand.now()))


async def test_a_second_instance_does_not_drive_what_the_first_holds(stand: Stand) -> None:
    one, two = await stand.process(), await stand.process()
    submission = intent(stand.now())
    await submit(one, submission)
    async with one.store.begin() as connection:
        from bot.store import registrations

        held = await registrations.claim(
            connection, submission.id, "one", stand.now(), stand.now() + timedelta(seconds=45)
        )
    assert held is not None
    assert not await two.resolver.drive(submission.id)
    stand.advance(46)
    assert await two.resolver.drive(submission.id)
    async with one.store.begin() as connection:
        assert await registrations.save(connection, held, stand.now(), state="FAILED") is None
    assert (await fetch(two, submission)).state is State.DONE
