"""Case I4 for registrations: answers that are not what their person checked are not submitted, and
a row that is not what they decided is never sent.

Whoever can write to the database may make one up, alter one, or take its seal away.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.registration_rules import State
from bot.sealed import is_as_checked
from bot.store import drafts
from bot.store.registrations import Submission, values_of
from cards import actions
from partner_center.registration import fingerprint
from sandbox.deals import WOODGROVE
from sandbox.people import PEOPLE
from tests.fault.stand import (
    PLACE,
    REGISTRATION,
    Process,
    Stand,
    drive_until,
    fetch,
    intent,
    open_stand,
    owed,
    submit,
)
from tests.fault.test_i5_drafts import Talk
from tests.store.places import SEALS

TAMPERED = "a registration was tampered with"
TOLD = "I cannot be sure that what I stored is what you checked"
DEARER = replace(REGISTRATION, value=Decimal(990000))


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


def by_hand(stand: Stand, statement: str, *values: str) -> None:
    """What somebody with the file at hand does."""
    with closing(sqlite3.connect(stand.path, timeout=10)) as rows, rows:
        assert rows.execute(statement, values).rowcount != 0


async def begun(stand: Stand, submission: Submission | None = None) -> tuple[Process, Submission]:
    process, decided = await stand.process(), submission or intent(stand.now())
    assert await submit(process, decided)
    return process, decided


ALTERED = {
    "values": ("values_json", json.dumps(values_of(DEARER))),
    "fingerprint": ("fingerprint", fingerprint(DEARER)),
    "deal": ("referral_id", WOODGROVE),
    "requester": ("requester", PEOPLE["cleo"].oid),
    "tenant": ("tenant", "another"),
    "approver": ("approver", PEOPLE["dana"].oid),
    "draft": ("draft_id", "another"),
    "id": ("id", "another"),
    "place": (
        "place",
        json.dumps(replace(PLACE, service_url="https://elsewhere.example/").to_json()),
    ),
    "day": ("created", "2026-02-19 00:00:00.000000"),
    "seal": ("seal", "0" * 64),
    "no seal": ("seal", ""),
}


@pytest.mark.parametrize(("column", "value"), ALTERED.values(), ids=ALTERED)
async def test_I4_an_altered_registration_is_not_sent(
    stand: Stand, column: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    process, decided = await begun(stand)
    by_hand(stand, f"UPDATE registrations SET {column} = nullif(?, '')", value)  # noqa: S608
    await process.resolver.drive_due()
    kept = await fetch(process, replace(decided, id="another") if column == "id" else decided)
    assert kept.state is State.STOPPED
    assert stand.desk.world.ledger.requests == []
    assert TOLD in str(await owed(process, "end"))
    assert TAMPERED in capsys.readouterr().out


async def test_I4_a_registration_that_nobody_decided_is_not_sent(stand: Stand) -> None:
    """The seal is a real one, of another registration of the same person."""
    genuine = intent(stand.now())
    made_up = replace(intent(stand.now(), DEARER), seal=genuine.seal)
    process, _ = await begun(stand, made_up)
    await process.resolver.drive_due()
    assert (await fetch(process, made_up)).state is State.STOPPED
    assert stand.desk.world.ledger.requests == []


async def test_I4_the_deal_is_free_after_it_and_the_same_can_be_decided_again(
    stand: Stand,
) -> None:
    process, _ = await begun(stand)
    by_hand(stand, "UPDATE registrations SET seal = NULL")
    await process.resolver.drive_due()
    again = intent(stand.now())
    assert await submit(process, again)
    await drive_until(process, again, stand, State.DONE, seconds=30)
    assert len(stand.registered()) == stand.sent() == 1


async def test_I4_a_registration_altered_at_the_last_moment_never_leaves(
    stand: Stand, capsys: pytest.CaptureFixture[str]
) -> None:
    process, decided = await begun(stand)
    by_hand(
        stand,
        "CREATE TRIGGER late AFTER UPDATE OF state ON registrations WHEN NEW.state = 'UNKNOWN' "
        "BEGIN UPDATE registrations SET values_json = replace(values_json, '120000', '990000') "
        "WHERE id = NEW.id; END",
    )
    await process.resolver.drive_due()
    assert TAMPERED in capsys.readouterr().out
    await drive_until(process, decided, stand, State.STOPPED, seconds=60)
    assert stand.sent() == 0


async def test_I4_without_a_seal_what_was_sent_is_looked_for_and_told(stand: Stand) -> None:
    """As a registration that was under way when its version of the bot made no seals."""
    process, decided = await begun(stand)
    stand.fault("apply_then_drop")
    stand.fault("stale_read", "GET", after=1, times=5, path="referrals/")
    await process.resolver.drive_due()
    assert (await fetch(process, decided)).state is State.UNKNOWN
    by_hand(stand, "UPDATE registrations SET seal = NULL")
    await drive_until(process, decided, stand, State.DONE, seconds=60)
    assert len(stand.registered()) == stand.sent() == 1


async def test_I4_without_a_seal_nothing_is_sent_again_and_no_is_not_said_before_the_fence(
    stand: Stand,
) -> None:
    process, decided = await begun(stand)
    stand.fault("late", seconds=36000)
    await process.resolver.drive_due()
    by_hand(stand, "UPDATE registrations SET seal = NULL")
    for _ in range(60):
        stand.advance(5)
        await process.resolver.drive_due()
    assert (await fetch(process, decided)).state is State.UNKNOWN
    stand.edit()
    await drive_until(process, decided, stand, State.STOPPED)
    assert stand.sent() == 1
    await stand.desk.world.faults.release()
    assert stand.registered() == []


async def test_I4_a_decision_that_is_put_back_is_not_sent_after_its_day(stand: Stand) -> None:
    """The row and its seal are real, but of yesterday: whoever kept a copy gains nothing by it."""
    process, decided = await begun(stand)
    stand.advance(timedelta(hours=24).total_seconds())
    await process.resolver.drive_due()
    assert (await fetch(process, decided)).state is State.FAILED
    assert stand.sent() == 0


def dearer(answers: Mapping[str, str]) -> str:
    """The same answers, but one."""
    return json.dumps({**answers, "value": "990000"})


@pytest.mark.parametrize("columns", ["answers", "seal", "no seal"])
async def test_I4_answers_that_are_not_surely_what_was_shown_are_checked_again(
    stand: Stand, columns: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a seal: as a draft of a version of the bot that made none."""
    talk = Talk(stand, await stand.process())
    draft = await talk.walks_to_the_end()
    spoilt = {"answers": dearer(draft.answers), "seal": "0" * 64, "no seal": None}
    await talk.spoil(**{columns.removeprefix("no "): spoilt[columns]})
    assert TOLD in await talk.presses(actions.Submit(draft.id))
    assert await talk.intents() == 0
    assert "a draft was tampered with" in capsys.readouterr().out
    shown = await talk.presses(actions.Resume(draft.id))
    assert "Nothing is sent until you press Submit" in shown
    assert ("990,000" in shown) is (columns == "answers")
    await talk.presses(actions.Submit(draft.id))
    assert await talk.intents() == 1
    assert (await talk.draft()).state is drafts.State.SUBMITTED


@pytest.mark.parametrize("field", ["id", "tenant", "person", "referral_id"])
async def test_I4_what_was_checked_is_bound_to_its_person_and_deal(
    stand: Stand, field: str
) -> None:
    talk = Talk(stand, await stand.process())
    draft = await talk.walks_to_the_end()
    moved: dict[str, Any] = {field: "another"}
    assert is_as_checked(SEALS, draft)
    assert not is_as_checked(SEALS, replace(draft, **moved))


async def test_I4_the_button_of_an_earlier_card_shows_everything_again_before_it_sends(
    stand: Stand, capsys: pytest.CaptureFixture[str]
) -> None:
    """The draft moved on: what the earlier card showed is no longer what would be sent."""
    talk = Talk(stand, await stand.process())
    draft = await talk.walks_to_the_end()
    await talk.presses(actions.GoTo(draft.id, "dates"))
    await talk.spoil(answers=dearer(draft.answers))
    assert "990,000" in await talk.presses(actions.Submit(draft.id))
    assert await talk.intents() == 0
    await talk.presses(actions.Submit(draft.id))
    assert await talk.intents() == 1
    assert "tampered" not in capsys.readouterr().out


async def test_I4_rubbish_in_a_row_is_logged_now_and_then_and_holds_up_nothing(
    stand: Stand, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    process, decided = await begun(stand)
    rubbish = replace(intent(stand.now()), referral_id=WOODGROVE)
    assert await submit(process, rubbish)
    by_hand(stand, "UPDATE registrations SET values_json = '{' WHERE id = ?", rubbish.id)
    done, drive = asyncio.Event(), process.resolver.drive

    async def driven(submission_id: str) -> bool:
        driven = await drive(submission_id)
        done.set()
        return driven

    monkeypatch.setattr(process.resolver, "drive", driven)
    began = time.monotonic()
    running = asyncio.create_task(process.resolver.run())
    await asyncio.wait_for(done.wait(), 60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    looks = 2 + (time.monotonic() - began) / 0.5  # at the start, at the end, and in between
    assert (await fetch(process, decided)).state is State.DONE
    assert 1 <= capsys.readouterr().out.count("registration drive failed") <= looks
