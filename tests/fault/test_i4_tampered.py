"""Case I4: somebody wrote into the database by hand. Nothing is written or sent because of it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.deals import FABRIKAM, WOODGROVE
from sandbox.people import PEOPLE
from tests.fault.test_b_approvals import approval_in, presses, says, state_of
from tests.scenario.conftest import patches
from tests.scenario.test_approvals import DANA, WAITING, asks_to_change, open_house, sees
from tests.scenario.test_create import PREVIEW, line, posts
from tests.scenario.test_create_approved import asks_for_a_deal
from tests.scenario.test_register import begins, walks_to_the_end
from tests.world import World

TAMPERED = "tampered with"
DEARER = json.dumps([{"op": "replace", "path": "/details/dealValue", "value": "9"}])


def written(folder: Path, statement: str, *values: str) -> None:
    """What somebody with the file at hand does."""
    with closing(sqlite3.connect(folder / "dealdesk.db", timeout=10)) as rows, rows:
        assert rows.execute(statement, values).rowcount != 0


async def by_hand(world: World, statement: str, *values: str) -> None:
    await asyncio.to_thread(written, world.folder, statement, *values)


@pytest.fixture
async def house(world: World) -> World:
    return await open_house(world, approvers=DANA)


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE approvals SET diff = ?", "{}"),
        ("UPDATE approvals SET operations = ?", DEARER),
        ("UPDATE approvals SET base_etag = ?", '"other"'),
        ("UPDATE approvals SET referral_id = ?", WOODGROVE),
        ("UPDATE approvals SET quorum = ?", "0"),
        ("UPDATE approvals SET requester = ?", PEOPLE["cleo"].oid),
        ("UPDATE approvals SET expires = ?", "2099-01-01 00:00:00.000000"),
        ("UPDATE seals SET seal = ?", "bad"),
        ("DELETE FROM seals WHERE seal <> ?", ""),
    ],
    ids=lambda given: " ".join(given.split()[:4]) if given[:6] in {"UPDATE", "DELETE"} else "",
)
async def test_I4_a_request_that_was_altered_cannot_be_approved(
    house: World, statement: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    card = await asks_to_change(house)
    await by_hand(house, statement, value)
    data = {"approval": approval_in(card)}
    answered = await presses(house, "dana", "approve", data, card.id)
    assert "not as it was asked" in says(answered)
    assert state_of(house, data["approval"]) == "waiting"
    assert await patches(house) == []
    assert TAMPERED in capsys.readouterr().out


@pytest.mark.parametrize("voter", ["", "dana", "ben"], ids=["no vote", "forged", "the requester"])
async def test_I4_an_approval_that_nobody_gave_writes_nothing(
    house: World, voter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    card = await asks_to_change(house)
    if voter:
        forged = "INSERT INTO approval_votes SELECT id, ?, 'approve', NULL, created FROM approvals"
        await by_hand(house, forged, PEOPLE[voter].oid)
    await by_hand(house, "UPDATE approvals SET version = version + 1, state = ?", "approved")
    await sees(house, "ben", "not what was approved")
    assert state_of(house, approval_in(card)) == "failed"
    assert await patches(house) == []
    assert TAMPERED in capsys.readouterr().out


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE proposals SET operations = ?", json.dumps(DEARER)),
        ("UPDATE proposals SET base_etag = ?", '"other"'),
        ("UPDATE proposals SET person = ?", PEOPLE["cleo"].oid),
    ],
    ids=["operations", "base", "person"],
)
async def test_I4_another_write_than_the_approved_one_is_not_made(
    house: World, statement: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    card = await asks_to_change(house)
    await by_hand(house, statement, value)
    await presses(house, "dana", "approve", {"approval": approval_in(card)}, card.id)
    await sees(house, "dana", "not what was approved")
    assert await patches(house) == []
    assert TAMPERED in capsys.readouterr().out


OPERATIONS: Mapping[str, object] = {
    "path": [{"op": "replace", "path": "/organizationId", "value": "other"}],
    "op": [{"op": "remove", "path": "/team/-", "value": {}}],
    "another value": [{"op": "replace", "path": "/details/dealValue", "value": "9"}],
    "py/object": {"py/object": "os.system", "py/reduce": ["touch", "pwned"]},
    "py/object inside": [
        {"py/object": "builtins.exec", "op": "replace", "path": "/name", "value": "x"}
    ],
}


@pytest.mark.parametrize("operations", OPERATIONS.values(), ids=OPERATIONS)
async def test_I4_a_write_that_its_person_was_not_shown_never_leaves(
    world: World, operations: object, capsys: pytest.CaptureFixture[str]
) -> None:
    house = await open_house(world, policy="")
    await house.says("ben", "update fabrikam analytics value 39k")
    card = await house.hears("ben", until="Save this change?")
    stored = json.dumps(json.dumps(operations))
    await by_hand(house, "UPDATE proposals SET operations = ?", stored)
    pressed = await presses(house, "ben", "save", (card.card or {})["actions"][0]["data"], card.id)
    assert "not what you were shown" in says(pressed)
    assert await patches(house) == []
    assert TAMPERED in capsys.readouterr().out
    assert not (house.folder / "pwned").exists()


NEW_DEAL: Mapping[str, tuple[str, str]] = {
    "document": ("UPDATE proposals SET operations = replace(operations, ?, '90000')", "30000"),
    "mark": ("UPDATE proposals SET operations = replace(operations, ?, 'other-')", "dealdesk-"),
    "fields": ("UPDATE proposals SET after = replace(after, ?, 'Northwind')", "Wide World"),
    "fingerprint": ("UPDATE proposals SET fingerprint = ?", "0" * 64),
    "kind": ("UPDATE proposals SET kind = 'change', referral_id = ?", WOODGROVE),
    "seal": ("UPDATE proposals SET seal = seal || ?", "x"),
    "no seal": ("UPDATE proposals SET seal = NULL WHERE seal <> ?", ""),
}


@pytest.mark.parametrize(("statement", "value"), NEW_DEAL.values(), ids=NEW_DEAL)
async def test_I4_a_new_deal_that_its_person_was_not_shown_is_not_created(
    world: World, statement: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    house = await open_house(world, policy="")
    await house.says("ben", line())
    card = await house.hears("ben", until=PREVIEW)
    await by_hand(house, statement, value)
    data = (card.card or {})["actions"][0]["data"]
    await presses(house, "ben", "create_deal", data, card.id)
    await presses(house, "ben", "save", data, card.id)
    assert await posts(house) == await patches(house) == []
    assert TAMPERED in capsys.readouterr().out


@pytest.mark.parametrize(
    ("statement", "value", "told"),
    [
        (*NEW_DEAL["document"], "not what was approved"),
        (*NEW_DEAL["fingerprint"], "not what you were shown"),
        ("DELETE FROM seals WHERE subject <> ?", "", "not what was approved"),
    ],
    ids=["document", "fingerprint", "no seals"],
)
async def test_I4_another_new_deal_than_the_approved_one_is_not_created(
    world: World, statement: str, value: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    house = await open_house(world, "create", approvers=DANA)
    await asks_for_a_deal(house)
    card = house.heard("dana")
    await by_hand(house, statement, value)
    await presses(house, "dana", "approve", {"approval": approval_in(card)}, card.id)
    if state_of(house, approval_in(card)) == "waiting":
        await by_hand(house, "UPDATE approvals SET version = version + 1, state = ?", "approved")
    await sees(house, "ben", told)
    assert await posts(house) == []
    assert TAMPERED in capsys.readouterr().out


async def test_I4_a_write_altered_at_the_last_moment_never_leaves(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    house = await open_house(world, policy="")
    await house.says("ben", "update fabrikam analytics value 39k")
    card = await house.hears("ben", until="Save this change?")
    with closing(sqlite3.connect(house.folder / "dealdesk.db", timeout=10)) as rows, rows:
        rows.execute(
            "CREATE TRIGGER late AFTER UPDATE OF state ON proposals WHEN NEW.state = 'applying' "
            "BEGIN UPDATE proposals SET operations = replace(operations, '39000', '9') "
            "WHERE id = NEW.id; END"
        )
    pressed = await presses(house, "ben", "save", (card.card or {})["actions"][0]["data"], card.id)
    assert "not what you were shown" in says(pressed)
    assert await patches(house) == []
    assert TAMPERED in capsys.readouterr().out


async def test_I4_what_replaces_an_approved_write_at_the_last_moment_never_leaves(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """An earlier state of the same proposal, with the seal it had then."""
    house = await open_house(world, approvers=DANA)
    await house.says("ben", "update fabrikam analytics value 45k")
    await house.hears("ben", until="Save this change?")
    await by_hand(house, KEEP)
    await house.edit(FABRIKAM, [{"op": "replace", "path": "/details/dealValue", "value": 31000}])
    await house.clicks("ben", "Save")
    await house.hears("ben", until="Apply mine again")
    await house.clicks("ben", "Apply mine again")
    await house.hears("ben", until="Save this change?")
    await house.clicks("ben", "Save")
    asked = await house.hears("dana", until=WAITING)
    await by_hand(house, SWAP)
    await presses(house, "dana", "approve", {"approval": approval_in(asked)}, asked.id)
    await sees(house, "ben", "not what you were shown")
    assert await patches(house) == []
    assert TAMPERED in capsys.readouterr().out


KEEP = "CREATE TABLE kept AS SELECT base_etag, base, seal FROM proposals"
SWAP = (
    "CREATE TRIGGER late AFTER UPDATE OF state ON proposals WHEN NEW.state = 'applying' BEGIN "
    "UPDATE proposals SET (base_etag, base, seal) = (SELECT base_etag, base, seal FROM kept); "
    "END"
)


async def test_I4_altered_answers_are_not_even_asked_about(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    house = await open_house(world, "register", approvers=DANA)
    await begins(house)
    await walks_to_the_end(house)
    card = house.heard("ben")
    await by_hand(house, "UPDATE drafts SET answers = replace(answers, '250000', ?)", "990000")
    pressed = await house.clicks("ben", "Submit", message=card.id)
    assert "I cannot be sure that what I stored is what you checked" in says(pressed)
    assert TAMPERED in capsys.readouterr().out
    await by_hand(house, "UPDATE drafts SET answers = replace(answers, '990000', ?)", "250000")
    await house.clicks("ben", "Check and submit", message=card.id)
    await house.clicks("ben", "Submit", message=card.id)
    request = await house.hears("dana", until=WAITING)
    assert "250,000" in request.words
    assert await patches(house) == []


RUBBISH = {
    "place": "UPDATE proposals SET place = ?",
    "base": "UPDATE proposals SET base = ?",
    "after": "UPDATE proposals SET after = ?",
}


@pytest.mark.parametrize("payload", ['{"py/object": "os.system"}', "[]", "{", "null", "1"])
@pytest.mark.parametrize("column", RUBBISH)
async def test_I4_rubbish_in_a_row_is_an_answer_and_runs_nothing(
    world: World, column: str, payload: str
) -> None:
    house = await open_house(world, policy="")
    await house.says("ben", "update fabrikam analytics value 39k")
    card = await house.hears("ben", until="Save this change?")
    await by_hand(house, RUBBISH[column], payload)
    pressed = await house.clicks("ben", "Save", message=card.id)
    assert pressed.status == 200
    assert len(await house.ledger()) <= 1
    still = await house.says("ben", "show fabrikam analytics")
    assert still.status in {200, 201, 202}
