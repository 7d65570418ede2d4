"""A bot in a world, with somebody signed in."""

import json

import pytest

from cards.language import speaking
from cards.wording import sentence
from tests.seen import Json
from tests.world import World


@pytest.fixture
async def office(world: World) -> World:
    """The real bot is up; nobody is signed in."""
    await world.bot()
    return world


@pytest.fixture
async def ben(office: World) -> World:
    """The real bot is up and Ben, a seller, is signed in."""
    await signed_in(office, "ben")
    return office


async def signed_in(world: World, person: str) -> None:
    """Sign a person in through the link the bot gives."""
    await world.signs_in(person)
    await world.hears(person, until="You are signed in")


async def patches(world: World) -> list[Json]:
    """The PATCH requests that reached Partner Center, bodies as JSON, oldest first."""
    rows = [row for row in await world.requests() if row["method"] == "PATCH"]
    return [{**row, "body": json.loads(row["body"])} for row in rows]


def said_in(locale: str, source: str) -> str:
    """The sentence as somebody of this locale reads it, every space a plain one."""
    with speaking(locale):
        return sentence(source).replace("\u00a0", " ")
