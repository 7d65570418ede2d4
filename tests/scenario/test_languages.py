"""Whose language: each person's own, unless a conversation has chosen one."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from cards.language import speaking, typed_as
from sandbox.people import PEOPLE
from tests.scenario.conftest import said_in, signed_in
from tests.world import World

CHOSEN = "From now on I answer here in English."

TAKEN_BACK = "From now on I answer here in the language of each person's Teams."


async def test_a_conversation_is_answered_in_the_language_it_has_chosen(ben: World) -> None:
    await ben.says("ben", "language deutsch")
    await ben.hears("ben", until=said_in("de-DE", CHOSEN))
    await ben.says("ben", "show fabrikam")
    await ben.hears("ben", until="USD 30.000")
    await ben.says("ben", "language teams")
    await ben.hears("ben", until=said_in("de-DE", TAKEN_BACK))
    await ben.says("ben", "show fabrikam")
    await ben.hears("ben", until="USD 30,000")


async def test_who_spoke_in_vain_is_told_so_in_the_language_that_was_chosen(ben: World) -> None:
    await ben.says("ben", "language deutsch")
    await ben.hears("ben", until=said_in("de-DE", CHOSEN))
    await ben.says("ben", "show fabrikam analytics")
    await ben.hears("ben", until="Fabrikam")
    with closing(sqlite3.connect(ben.folder / "dealdesk.db")) as rows:
        rows.execute("ALTER TABLE seen RENAME TO gone")
    await ben.says("ben", "update fabrikam analytics value 45k")
    await ben.hears("ben", until=said_in("de-DE", "Nothing was changed."))


async def test_each_person_is_answered_in_the_language_of_their_teams(ben: World) -> None:
    await ben.says("ben", "sign out", locale="de-DE")
    await ben.hears("ben", until=said_in("de-DE", "You are signed out"))


async def test_a_command_is_understood_in_the_language_it_is_answered_in(ben: World) -> None:
    with speaking("de-DE"):
        show = typed_as("show")[0]
    await ben.says("ben", f"{show} fabrikam", locale="de-DE")
    await ben.hears("ben", until="USD 30.000")
    await ben.says("ben", "show fabrikam", locale="de-DE")
    await ben.hears("ben", until="USD 30.000")


async def test_a_language_is_chosen_by_pressing_its_name(ben: World) -> None:
    await ben.says("ben", "language")
    await ben.hears("ben", until="In which language")
    await ben.clicks("ben", "Deutsch")
    await ben.hears("ben", until=said_in("de-DE", CHOSEN))
    await ben.says("ben", "show fabrikam")
    await ben.hears("ben", until="USD 30.000")
    await ben.says("ben", "language")
    await ben.hears("ben", until=said_in("de-DE", "In which language shall I answer here?"))
    await ben.clicks("ben", said_in("de-DE", "As in Teams"))
    await ben.hears("ben", until=said_in("de-DE", TAKEN_BACK))


async def test_pressing_a_language_in_a_channel_is_for_whom_the_setting_names(world: World) -> None:
    await world.bot(subscribers="approvers", approvers=PEOPLE["dana"].email)
    await signed_in(world, "dana")
    await world.says("ben", "language", "wins")
    await world.hears("ben", "wins", until="In which language")
    await world.clicks("ben", "Deutsch", where="wins")
    await world.says("ben", "help", "wins")
    await world.hears("ben", "wins", until="What you can say")
    await world.clicks("dana", "Deutsch", where="wins")
    await world.hears("dana", "wins", until=said_in("de-DE", CHOSEN))
