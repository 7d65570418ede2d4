"""Case I5 and E5: two devices, a foreign hand, rubbish in the row and drafts of another version."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.conversation import Person
from bot.desk import Desk, Turn
from bot.dialog import Dialog
from bot.replies import Reply
from bot.store import drafts, schema
from bot.store.drafts import Draft
from cards import actions
from cards.actions import UnknownAction
from cards.reader import Reader
from sandbox.people import PEOPLE, TENANT_ID
from tests.fault.stand import FABRIKAM, PLACE, Badges, Process, Stand, ben, open_stand
from tests.store.places import SEALS

VALUE = {"value": "250k", "currency": "USD"}
DATES = {"term": "Finite", "sign": "2026-02-10", "start": "2026-02-15", "end": "2028-02-14"}

ANSWERS = [
    ("value", VALUE),
    ("dates", DATES),
    ("solution", {"solution": "DEAL-123456-XYZ", "solution_value": "250000"}),
    ("deployment", {"azure": "true", "tenant": "Customer", "pricing": "Other"}),
    ("marketplace", {"marketplace": "false"}),
]


class Talk:
    """Ben, at a dialog of one process."""

    def __init__(self, stand: Stand, process: Process) -> None:
        self.store = process.store
        self._stand = stand
        ids = (f"id{number}" for number in range(1000))
        desk = Desk(
            process.store,
            process.partner_center,
            Badges(stand),  # type: ignore[arg-type]
            None,  # type: ignore[arg-type]
            stand.now,
            lambda: next(ids),
            stand.sleep,
            seals=SEALS,
        )
        self.dialog = Dialog(desk, process.resolver)

    def turn(self) -> Turn:
        return Turn(ben(), PLACE, Reader(now=self._stand.now()), "activity", "card-1")

    async def opens(self) -> Draft:
        await self.dialog.open(self.turn(), FABRIKAM)
        return await self.draft()

    async def answers(self, draft: Draft, step: str, inputs: dict[str, str]) -> Reply:
        action = actions.Answer(draft.id, step)
        reply = await self.dialog.pressed(self.turn(), action, inputs)
        assert reply is not None
        return reply

    async def walks_to_the_end(self) -> Draft:
        """To the card that shows every answer."""
        draft = await self.opens()
        for step, inputs in ANSWERS:
            await self.answers(draft, step, inputs)
        return await self.draft()

    async def presses(self, action: actions.Action) -> str:
        """The words of the card that answers."""
        reply = await self.dialog.pressed(self.turn(), action, {})
        assert reply is not None
        return json.dumps(reply.card)

    async def intents(self) -> int:
        """How many registrations were decided."""
        async with self.store.read() as connection:
            rows = sa.select(sa.func.count()).select_from(schema.registrations)
            return await connection.scalar(rows) or 0

    async def draft(self) -> Draft:
        async with self.store.read() as connection:
            found = await drafts.latest_for(connection, TENANT_ID, ben().id, FABRIKAM)
        assert found is not None
        return found

    async def spoil(self, **columns: object) -> None:
        async with self.store.begin() as connection:
            await connection.execute(schema.drafts.update().values(**columns))


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


@pytest.fixture
async def talk(stand: Stand) -> Talk:
    return Talk(stand, await stand.process())


async def test_i5_two_openings_at_once_are_one_draft(stand: Stand, talk: Talk) -> None:
    other = Talk(stand, await stand.process())
    await asyncio.gather(*(each.dialog.open(each.turn(), FABRIKAM) for each in (talk, other) * 3))
    async with talk.store.read() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(schema.drafts)) == 1


async def test_i5_two_devices_lose_no_answer_that_was_shown_as_kept(
    stand: Stand, talk: Talk
) -> None:
    other = Talk(stand, await stand.process())
    draft = await talk.opens()
    replies = await asyncio.gather(
        talk.answers(draft, "value", VALUE), other.answers(draft, "dates", DATES)
    )
    kept = (await talk.draft()).answers
    of_value, of_dates = (json.dumps(reply.card) for reply in replies)
    assert "value" in kept or "sign" in kept
    assert ("step 1 of 5" in of_value) == ("value" not in kept)
    assert ("step 2 of 5" in of_dates) == ("value" in kept and "sign" not in kept)


async def test_i5_of_two_submits_one_is_an_intent(stand: Stand, talk: Talk) -> None:
    other = Talk(stand, await stand.process())
    draft = await talk.walks_to_the_end()
    submit = actions.Submit(draft.id)
    await asyncio.gather(
        *(each.dialog.pressed(each.turn(), submit, {}) for each in (talk, other) * 3)
    )
    assert await talk.intents() == 1
    assert (await talk.draft()).state is drafts.State.SUBMITTED


SPOILT = [
    {"answers": "{"},
    {"answers": "[]"},
    {"answers": json.dumps({"value": 5, "currency": None, "sign": "soon", "spell": "x"})},
    {"step": "palaver"},
    {"step": "read_back"},
    {"answers": json.dumps({"value": "NaN", "solution": "GONE", "term": "Eternal"})},
]


@pytest.mark.parametrize("columns", SPOILT)
async def test_i5_a_spoilt_draft_begins_again_politely(
    talk: Talk, columns: dict[str, object]
) -> None:
    await talk.opens()
    await talk.spoil(**columns)
    reply = await talk.dialog.open(talk.turn(), FABRIKAM)
    assert "step 1 of 5" in json.dumps(reply.card)
    draft = await talk.draft()
    moved = await talk.answers(draft, "value", VALUE)
    assert "step 2 of 5" in json.dumps(moved.card)


@pytest.mark.parametrize(
    ("step", "inputs"),
    [
        ("value", {"amount": "250k"}),
        ("value", {}),
        ("marketplace", {"marketplace": "perhaps"}),
    ],
)
async def test_i5_a_form_of_another_version_is_answered_with_a_step_of_this_one(
    talk: Talk, step: str, inputs: dict[str, str]
) -> None:
    draft = await talk.opens()
    reply = await talk.answers(draft, step, inputs)
    assert "step " in json.dumps(reply.card)
    kept = await talk.draft()
    assert kept.state is drafts.State.OPEN
    assert "amount" not in kept.answers
    assert "step 2 of 5" in json.dumps((await talk.answers(kept, "value", VALUE)).card)


@pytest.mark.parametrize("step", ["palaver", "read_back", ""])
async def test_i5_a_step_that_only_another_version_has_is_no_longer_valid_and_the_dialog_goes_on(
    talk: Talk, step: str
) -> None:
    draft = await talk.opens()
    with pytest.raises(UnknownAction):
        await talk.answers(draft, step, {"speech": "long"})
    kept = await talk.draft()
    assert (kept.state, kept.version) == (drafts.State.OPEN, draft.version)
    assert "step 2 of 5" in json.dumps((await talk.answers(kept, "value", VALUE)).card)


async def test_e5_somebody_elses_press_changes_nothing(talk: Talk) -> None:
    draft = await talk.opens()
    cleo = PEOPLE["cleo"]
    turn = Turn(
        Person(TENANT_ID, cleo.oid, cleo.name, "29:cleo"),
        PLACE,
        Reader(now=talk.turn().reader.now),
        "activity",
        "card-1",
    )
    for action in (
        actions.Answer(draft.id, "value"),
        actions.Back(draft.id),
        actions.GoTo(draft.id, "dates"),
        actions.Submit(draft.id),
        actions.CancelDraft(draft.id),
        actions.Resume(draft.id),
    ):
        reply = await talk.dialog.pressed(turn, action, VALUE)
        assert reply is not None
        assert reply.only_me
        assert "someone else" in json.dumps(reply.card)
    assert await talk.draft() == draft
    assert await talk.dialog.typed(turn, "250k") is None


async def test_a_submission_that_ended_otherwise_keeps_its_answers(
    stand: Stand, talk: Talk
) -> None:
    draft = await talk.opens()
    await talk.answers(draft, "value", VALUE)
    await talk.spoil(state="submitted")
    stand.advance(1)
    again = await talk.opens()
    assert again.id != draft.id
    assert again.answers["value"] == "250000"
    assert again.step == "dates"
