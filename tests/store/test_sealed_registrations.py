"""Seals of registrations in the store, on both databases: they outlive the way there and back, and
what an older version stored has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from alembic import command

from bot.conversation import Place, PlaceKind
from bot.registration_rules import State
from bot.sealed import is_as_checked, is_as_decided, seal_of_answers, sealed_submission
from bot.store import drafts, registrations, schema
from bot.store.drafts import Draft
from bot.store.engine import Store, open_store, upgrade
from bot.store.migrations import upgrading
from bot.store.registrations import Submission
from partner_center.registration import DealRegistration, Term
from tests.fault.stand import REGISTRATION, intent
from tests.store.places import BEN, NOW, SEALS, place

BERLIN = NOW.replace(microsecond=123456).astimezone(ZoneInfo("Europe/Berlin"))
CHANNEL = Place(
    PlaceKind.CHANNEL,
    BEN.tenant,
    "19:dürer@thread.tacv2;messageid=1",
    "https://example.com/",
    "28:bot",
    team_id="19:team@thread.tacv2",
    channel_id="19:dürer@thread.tacv2",
)
DECIDED: Mapping[str, DealRegistration] = {
    "as usual": REGISTRATION,
    "without an end": replace(REGISTRATION, term=Term.PERPETUAL, end=None),
    "with cents": replace(REGISTRATION, value=Decimal("120000.50"), solution_value=Decimal("0.10")),
    "with an exponent": replace(REGISTRATION, value=Decimal("1.2E+5")),
    "in the marketplace": replace(
        REGISTRATION, marketplace=True, marketplace_date=date(2026, 12, 31)
    ),
}


def drafted(answers: Mapping[str, str]) -> Draft:
    """A draft that stands at its read-back."""
    return Draft(
        id="draft",
        tenant=BEN.tenant,
        person=BEN.id,
        referral_id="deal",
        place=place(),
        message_id=None,
        locale="en-US",
        timezone=None,
        step="read_back",
        answers=answers,
        state=drafts.State.OPEN,
        created=NOW,
        updated=NOW,
        expires=NOW + timedelta(days=14),
    )


async def kept(store: Store, submission: Submission) -> Submission:
    async with store.read() as connection:
        found = await registrations.find(connection, submission.id)
    assert found is not None
    return found


async def kept_draft(store: Store) -> Draft:
    async with store.read() as connection:
        found = await drafts.find(connection, "draft")
    assert found is not None
    return found


@pytest.mark.parametrize("registration", DECIDED.values(), ids=DECIDED)
@pytest.mark.parametrize("now", [NOW, BERLIN], ids=["utc", "berlin"])
async def test_a_registration_holds_its_seal_through_its_life(
    store: Store, registration: DealRegistration, now: datetime
) -> None:
    new = replace(intent(now, registration), place=CHANNEL, approver="dana")
    async with store.begin() as connection:
        assert await registrations.insert(connection, sealed_submission(SEALS, new))
        assert not is_as_decided(SEALS, new)
    assert is_as_decided(SEALS, await kept(store, new))
    async with store.begin() as connection:
        await registrations.place_at(connection, new.id, "message")
        await registrations.doubt(connection, now + timedelta(hours=1))
        until = now + timedelta(hours=2)
        held = await registrations.claim(connection, new.id, "me", now, until)
        assert held is not None
        saved = await registrations.save(connection, held, now, looks=3, told="sign_in")
    assert saved is not None
    assert saved.state is State.UNKNOWN
    assert is_as_decided(SEALS, saved)


async def test_only_what_was_merely_decided_is_doubted(store: Store) -> None:
    async with store.begin() as connection:
        for number, state in enumerate(State):
            each = replace(intent(NOW), id=state.value, referral_id=f"deal-{number}")
            assert await registrations.insert(connection, each)
            row = schema.registrations.update().where(schema.registrations.c.id == each.id)
            await connection.execute(row.values(state=state.value))
        await registrations.doubt(connection, NOW)
        found = [await registrations.find(connection, state.value) for state in State]
    after = [each.state for each in found if each is not None]
    assert after == [State.UNKNOWN if state is State.INTENT else state for state in State]


async def test_answers_hold_their_seal_until_they_change(store: Store) -> None:
    answers = {"value": "250000", "name": "Zürich „Süd“ 日本", "_invited": NOW.isoformat()}
    new = drafted(answers)
    async with store.begin() as connection:
        sealed = replace(new, seal=seal_of_answers(SEALS, new, answers))
        assert await drafts.insert(connection, sealed)
    assert is_as_checked(SEALS, await kept_draft(store))
    async with store.begin() as connection:
        await drafts.place_at(connection, new.id, CHANNEL, "message")
    shown = await kept_draft(store)
    assert is_as_checked(SEALS, shown)
    async with store.begin() as connection:
        changed = {**answers, "value": "300000"}
        saved = await drafts.save(connection, shown, NOW, answers=changed)
        assert saved is not None
        assert not is_as_checked(SEALS, saved)
        resealed = seal_of_answers(SEALS, saved, changed)
        saved = await drafts.save(connection, saved, NOW, answers=changed, seal=resealed)
    assert saved is not None
    assert is_as_checked(SEALS, saved)


async def test_what_an_older_version_stored_is_kept_and_bears_no_seal(database: str) -> None:
    store, new = open_store(database), intent(NOW)

    def to_before(connection: sa.Connection) -> None:
        config = upgrading._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0012")

    async with store.begin() as connection:
        await connection.run_sync(to_before)
        for table, given in (
            (schema.registrations, {"id": new.id, "values_json": "{}", "state": "INTENT"}),
            (schema.drafts, {"id": "draft", "answers": '{"value":"1"}', "state": "open"}),
        ):
            texts = {
                name: "{}" if name == "place" else "x"
                for name, column in table.c.items()
                if isinstance(column.type, sa.Text) and not column.nullable
            }
            times = {
                name: NOW
                for name, column in table.c.items()
                if isinstance(column.type, schema.Utc) and not column.nullable
            }
            await connection.execute(table.insert().values(**{**texts, **times, **given}))
    await upgrade(store)
    async with store.read() as connection:
        (row,) = await connection.execute(sa.select(schema.registrations))
        assert (row.id, row.state, row.seal) == (new.id, "INTENT", None)
        (row,) = await connection.execute(sa.select(schema.drafts))
        assert (row.answers, row.seal) == ('{"value":"1"}', None)
    await store.close()
