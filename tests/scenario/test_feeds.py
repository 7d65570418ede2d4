"""Subscriptions: who is told what of deals, once, and how that is changed by buttons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sandbox.deals import FABRIKAM, PROSEWARE, WOODGROVE
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


async def wins_in_portal(world: World, deal: str = FABRIKAM, seconds: float = 0) -> None:
    """A colleague closes a deal as won where the bot does not see it."""
    closed = datetime.now(UTC) + world.clock.offset + timedelta(seconds=seconds)
    operations = [
        {"op": "replace", "path": "/status", "value": "Closed"},
        {"op": "replace", "path": "/substatus", "value": "Won"},
        {"op": "add", "path": "/closedDateTime", "value": f"{closed:%Y-%m-%dT%H:%M:%SZ}"},
    ]
    await world.edit(deal, operations)


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


async def test_a_win_elsewhere_is_found_by_looking_and_told_once(ben: World) -> None:
    await subscribes(ben, "ben", "won")
    await wins_in_portal(ben)
    await ben.advance(400)
    messages = await ben.sees("dana", lambda seen: bool(notices(seen)), "wins")
    (notice,) = notices(messages)
    assert "Fabrikam Inc" in notice
    assert "through Dealdesk" not in notice
    await ben.advance(400)
    await ben.advance(400)
    await wins(ben, deal=PROSEWARE)
    messages = await ben.sees("dana", lambda seen: len(notices(seen)) >= 2, "wins")
    assert len(notices(messages)) == 2


async def test_filters_keep_smaller_and_other_deals_out(ben: World) -> None:
    await subscribes(ben, "ben", "won value > 40k country US")
    await wins(ben, deal=FABRIKAM)
    await wins(ben, deal=WOODGROVE)
    messages = await ben.sees("dana", lambda seen: bool(notices(seen)), "wins")
    (notice,) = notices(messages)
    assert "Woodgrove" in notice


async def test_what_was_won_before_is_not_told(ben: World) -> None:
    await wins(ben)
    await subscribes(ben, "ben", "won")
    await ben.advance(400)
    await wins(ben, deal=WOODGROVE)
    messages = await ben.sees("dana", lambda seen: bool(notices(seen)), "wins")
    assert "Woodgrove" in notices(messages)[0]


async def test_a_person_hears_only_of_deals_they_may_see(office: World) -> None:
    for person in ("ben", "cleo", "ada"):
        await signed_in(office, person)
        await office.says(person, "notify me won")
        await office.hears(person, until="Subscribed")
    await wins(office, deal=WOODGROVE)
    await office.sees("ben", lambda seen: bool(notices(seen)))
    await office.advance(400)
    await office.sees("ada", lambda seen: bool(notices(seen)))
    assert notices(await office.messages("cleo")) == []


async def test_buttons_pause_resume_edit_test_and_delete(ben: World) -> None:
    await subscribes(ben, "ben", "won")
    await ben.clicks("ben", "Send a test", where="wins")
    test = await ben.hears("dana", "wins", until="Test: ")
    assert "This is an example" in test
    await ben.clicks("ben", "Pause", where="wins")
    await ben.hears("ben", "wins", until="○ Paused")
    await wins(ben)
    await ben.clicks("ben", "Resume", where="wins")
    await ben.hears("ben", "wins", until="● On")
    await ben.clicks("ben", "Edit", where="wins")
    await ben.sees("ben", lambda seen: "Value above" in seen[-1] or "Edit: " in str(seen), "wins")
    await ben.clicks(
        "ben", "Save", where="wins", inputs={"value": "50k", "country": "US", "quiet": ""}
    )
    await ben.hears("ben", "wins", until="above 50,000")
    await wins(ben, deal=WOODGROVE)
    messages = await ben.sees("dana", lambda seen: bool(notices(seen)), "wins")
    assert all("Fabrikam" not in each for each in notices(messages))
    await ben.says("ben", "subscriptions", "wins")
    await ben.hears("ben", "wins", until="Deals won")
    await ben.clicks("ben", "Delete", where="wins")
    await ben.hears("ben", "wins", until="The subscription has ended")
    await ben.says("ben", "subscriptions", "wins")
    await ben.hears("ben", "wins", until="Nothing is told here")


async def test_a_wrong_filter_is_explained(ben: World) -> None:
    await ben.says("ben", "subscribe won country Atlantis", "wins")
    await ben.hears("ben", "wins", until="I do not know the country")
    await ben.says("ben", "subscribe won value > 100.000", "wins")
    await ben.hears("ben", "wins", until="more than one way")
    await ben.clicks("ben", "100000", where="wins")
    await ben.hears("ben", "wins", until="above 100,000")


async def test_a_deal_opens_in_personal_chat(ben: World) -> None:
    await subscribes(ben, "ben", "won")
    await wins(ben)
    await ben.sees("ben", lambda seen: bool(notices(seen)), "wins")
    await ben.clicks("ben", "Open in personal chat", where="wins")
    await ben.hears("ben", until="Fabrikam analytics rollout")


async def test_no_role_no_subscription(office: World) -> None:
    await signed_in(office, "eve")
    await office.says("eve", "subscribe won", "wins")
    heard = await office.hears("eve", "wins")
    assert "role" in heard
