"""People and acts come back as they were noted."""

from __future__ import annotations

from datetime import timedelta

from bot.conversation import Person
from bot.store import audit, people
from bot.store.engine import Store
from tests.store.places import BEN, CLEO, NOW

URL = "http://127.0.0.1:1/teams/"


async def test_a_person_is_remembered_and_nothing_known_is_lost(store: Store) -> None:
    async with store.begin() as connection:
        await people.remember(
            connection, BEN, URL, NOW, personal_conversation="a:ben", upn="Ben@Contoso.example"
        )
        renamed = Person(BEN.tenant, BEN.id, "Ben O.", "29:ben-2")
        later = NOW + timedelta(days=1)
        await people.remember(connection, renamed, URL + "emea/", later, locale="de-DE")
        known = await people.find(connection, BEN.tenant, BEN.id)
    assert known == people.Known(
        renamed, URL + "emea/", "a:ben", "ben@contoso.example", "de-DE", later
    )


async def test_people_are_found_by_sign_in_name_in_their_tenant_only(store: Store) -> None:
    async with store.begin() as connection:
        await people.remember(connection, BEN, URL, NOW)
        await people.note_upn(connection, BEN.tenant, BEN.id, "BEN@contoso.example")
        await people.note_upn(connection, CLEO.tenant, CLEO.id, "cleo@contoso.example")
        known = await people.find_by_upn(connection, BEN.tenant, "ben@CONTOSO.example")
        assert known is not None
        assert known.person == BEN
        assert await people.find_by_upn(connection, "tenant-2", "ben@contoso.example") is None
        assert await people.find(connection, CLEO.tenant, CLEO.id) is None


async def test_acts_are_listed_newest_first(store: Store) -> None:
    entries = [
        audit.Entry(
            at=NOW + timedelta(minutes=minute),
            tenant=BEN.tenant,
            person=who.id,
            kind="update",
            outcome="done",
            referral_id=deal,
            detail={"value": ["20000", "30000"], "note": "Ünïcode ✓"},
            client_request_id=f"client-{minute}",
            request_id=None,
        )
        for minute, who, deal in ((1, BEN, "a"), (2, CLEO, "a"), (3, BEN, "b"))
    ]
    async with store.begin() as connection:
        for entry in entries:
            await audit.record(connection, entry)
    async with store.read() as connection:
        assert await audit.of_referral(connection, BEN.tenant, "a") == [entries[1], entries[0]]
        newest = await audit.of_referral(connection, BEN.tenant, "a", limit=1)
        assert newest == [entries[1]]
        assert await audit.of_referral(connection, "tenant-2", "a") == []
