"""Subscriptions: who is told what of deals, once, and how that is changed by buttons."""

from __future__ import annotations

import pytest

from sandbox.deals import FABRIKAM, TAILSPIN
from tests.scenario.conftest import signed_in
from tests.seen import Heard
from tests.world import World


async def subscribes(world: World, person: str, what: str, where: str = "wins") -> Heard:
    """Say `subscribe ...` and wait for its card."""
    await world.says(person, f"subscribe {what}", where)
    return await world.hears(person, where, until="Subscri")


async def wins(world: World, person: str = "ben", deal: str = FABRIKAM) -> None:
    """Mark a deal as won in personal chat."""
    await world.says(person, f"won {deal}")
    await world.hears(person, until="Mark this deal as won?")
    await world.clicks(person, "Mark as won")
    await world.hears(person, until="Saved")


def notices(messages: list[Heard], words: str = "Deal won") -> list[Heard]:
    """The messages that tell it."""
    return [each for each in messages if words in each]


async def test_a_win_reaches_the_channel_that_asked_once(ben: World) -> None:
    card = await subscribes(ben, "ben", "won")
    assert "Deals are looked at every few minutes" in card
    await wins(ben)
    messages = await ben.sees("dana", lambda seen: bool(notices(seen)), "wins")
    (notice,) = notices(messages)
    for said in ("Fabrikam Inc", "Fabrikam analytics rollout", "USD 30,000", "Ben Okafor"):
        assert said in notice
    assert "register it within 60 days of signature" in notice
    assert "through Dealdesk" in notice
    assert "Accepted\u00a0to\u00a0won" in notice
    assert "say “subscriptions”" in notice
