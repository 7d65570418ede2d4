"""The office of the journeys: the real bot, a sandbox, a browser."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from tests.client.journey import Office
from tests.client.journey import office as opened
from tests.client.pages import WAIT_MS
from tests.world import World

expect.set_options(timeout=WAIT_MS)


@pytest.fixture
async def office(world: World) -> AsyncIterator[Office]:
    """The real bot is up in a process of its own; nobody is signed in."""
    async with opened(world) as place:
        yield place
