"""A conversation's language is kept, followed by its feeds and its person, and seldom asked for."""

from __future__ import annotations

from datetime import timedelta

from bot import chosen_languages
from bot.chosen_languages import KEPT_FOR, Choices
from bot.store import feeds, languages, people
from bot.store.engine import Store
from tests.store.places import BEN, NOW, place
from tests.store.test_feeds import subscribe

T, HERE = BEN.tenant, "a:personal-ben"


async def choose(store: Store, locale: str, conversation: str = HERE) -> None:
    """Note a choice past every memory."""
    async with store.begin() as connection:
        await languages.choose(connection, T, conversation, locale, BEN.id, NOW)


async def test_the_last_choice_counts_until_it_is_taken_back(store: Store) -> None:
    await choose(store, "de-DE")
    await choose(store, "ja-JP")
    async with store.begin() as connection:
        assert await languages.find(connection, T, HERE) == "ja-JP"
        assert await languages.find(connection, "tenant-2", HERE) is None
        await languages.drop(connection, T, HERE)
        assert await languages.find(connection, T, HERE) is None


async def test_the_feeds_of_a_conversation_are_written_in_its_language(store: Store) -> None:
    here = await subscribe(store, "19:wins@thread.tacv2;messageid=1")
    elsewhere = await subscribe(store, "19:other@thread.tacv2")
    await choose(store, "fr-FR", "19:wins@thread.tacv2")
    async with store.read() as connection:
        found = [await feeds.find(connection, each.id) for each in (here, elsewhere)]
    assert [each.locale for each in found if each] == ["fr-FR", "de-DE"]


async def test_a_person_is_written_to_in_the_language_of_their_personal_chat(store: Store) -> None:
    async with store.begin() as connection:
        await people.remember(
            connection, BEN, "http://127.0.0.1:1/", NOW, personal_conversation=HERE, locale="en-US"
        )
    await choose(store, "es-ES")
    async with store.read() as connection:
        known = await people.find(connection, T, BEN.id)
        (named,) = await people.named(connection, T, BEN.name)
    assert known is not None
    assert (known.locale, named.locale) == ("es-ES", "es-ES")


async def test_what_was_read_lately_is_known_without_asking(store: Store) -> None:
    choices = Choices()
    await choose(store, "de-DE")
    assert choices.remembered(place(), NOW) is None
    assert await choices.of(store, place(), NOW) == "de-DE"
    assert choices.remembered(place(), NOW) == "de-DE"
    assert choices.remembered(place("a:other"), NOW) is None
    assert choices.remembered(place(), NOW + KEPT_FOR) is None


async def test_a_choice_is_read_once_a_while(store: Store) -> None:
    choices = Choices()
    assert await choices.of(store, place(), NOW) is None
    await choose(store, "de-DE")
    assert await choices.of(store, place(), NOW) is None
    assert await choices.of(store, place(), NOW + KEPT_FOR) == "de-DE"
    choices.note(place(), "ja-JP", NOW + KEPT_FOR)
    assert await choices.of(store, place(), NOW + KEPT_FOR + timedelta(seconds=1)) == "ja-JP"


async def test_no_more_choices_are_remembered_than_there_is_room_for(store: Store) -> None:
    choices = Choices()
    for number in range(chosen_languages.MOST_KEPT + 5):
        choices.note(place(f"a:{number}"), "de-DE", NOW)
    assert await choices.of(store, place("a:0"), NOW) is None
    assert await choices.of(store, place("a:9"), NOW) == "de-DE"
