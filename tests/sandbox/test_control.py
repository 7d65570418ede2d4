"""The sandbox's control routes: what cannot be understood is refused in words, and does nothing."""

from __future__ import annotations

import pytest

from sandbox.deals import FABRIKAM
from tests.world import Refused, World

TYPED = {"person": "ben", "conversation": "a:personal-ben", "text": "hi"}
FORGED = {"event": "referral-updated", "referral": FABRIKAM}
REFUSED: list[tuple[str, dict[str, object], str]] = [
    ("bot", {}, "url is missing"),
    ("bot", {"url": "https://bot.example"}, "not on this machine"),
    ("bot", {"url": "http://["}, "not on this machine"),
    ("bot", {"url": "file://127.0.0.1/x"}, "not on this machine"),
    ("teams/deliver", {"activity": {}, "bot": "https://bot.example"}, "not on this machine"),
    ("webhooks", {"url": "https://bot.example"}, "on this machine"),
    ("webhooks", {"url": "http://["}, "on this machine"),
    ("webhooks/deliver", {**FORGED, "to": "https://bot.example"}, "not on this machine"),
    ("webhooks/deliver", {**FORGED, "age": 10**12}, "not a whole number"),
    ("webhooks/deliver", {"body64": "%"}, "not base64"),
    ("entra/sign-in", {"person": "ben", "link": "https://bot.example/?code=1"}, "leads to"),
    ("entra/sign-in", {"person": "ben", "link": "http://["}, "leads to"),
    ("entra/sign-in", {"person": "ben", "link": "http://127.0.0.1:9/"}, "nobody answers"),
    ("clock", {"advance": 1e18}, "a hundred years"),
    ("clock", {"advance": "nan"}, "a hundred years"),
    ("clock", {"now": "0001-01-01T00:00:00+14:00"}, "a hundred years"),
    ("clock", {"now": "2026-01-01T00:00:00"}, "a time with a zone"),
    ("clock", {}, "could not convert"),
    ("teams/say", {**TYPED, "timezone": "Mars/Olympus"}, "no time zone"),
    ("teams/switches", {"timezone": {"ben": "Mars/Olympus"}}, "no time zone"),
    ("teams/say", {**TYPED, "times": -1}, "not a whole number"),
    ("teams/owners", {"people": [["ada"]]}, "keys of people"),
    ("edit", {"referral": FABRIKAM, "operations": [{"op": "remove", "path": "/id"}]}, "its id"),
]


@pytest.mark.parametrize(("route", "body", "why"), REFUSED)
async def test_what_cannot_be_done_is_refused_in_words(
    route: str, body: dict[str, object], why: str, world: World
) -> None:
    before = await world.get("bot"), await world.referral(FABRIKAM)
    with pytest.raises(Refused, match=f"{route}: 400 .*{why}"):
        await world.post(route, **body)
    assert (await world.get("bot"), await world.referral(FABRIKAM)) == before
    assert await world.messages("ben") == []


async def test_half_a_character_does_not_hide_a_conversation(world: World) -> None:
    await world.says("ben", "one \ud83d half")
    (message,) = await world.messages("ben")
    assert message.raw["text"] == "one \ud83d half"


async def test_the_latest_messages_can_be_asked_for(world: World) -> None:
    for words in ("one", "two", "three"):
        await world.says("ben", words)
    there = {"person": "ben", "conversation": "a:personal-ben"}
    shown = await world.get("teams/messages", **there, last="2")
    assert [message["text"] for message in shown] == ["two", "three"]
    assert len(await world.get("teams/messages", **there)) == 3
    with pytest.raises(Refused, match="400"):
        await world.get("teams/messages", **there, last="-1")


@pytest.mark.parametrize("wait", ["nan", "-1", "soon"])
async def test_nobody_waits_for_ever_for_an_event(wait: str, world: World) -> None:
    last = await world.get("events", wait="0")
    with pytest.raises(Refused, match=r"events: 400 .*wait"):
        await world.get("events", after=str(last["last"]), wait=wait)
