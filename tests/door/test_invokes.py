"""Invokes answer with their own JSON, also the malformed ones, and never 500 (B2, E6)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.conversation import Answer, Exchanged, Pressed
from bot.teams.door import Patience
from tests.door.stage import ADA, Stage, stage
from tests.door.test_turns import Hold

CARD = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "ok"}]}
MESSAGE = "application/vnd.microsoft.activity.message"
ERROR = "application/vnd.microsoft.error"


async def test_a_button_is_answered_with_a_card(at_door: Stage) -> None:
    at_door.listener.answer = Answer(card=CARD)
    reply = await at_door.post(at_door.execute("save"))
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("application/json")
    assert reply.json == {
        "statusCode": 200,
        "type": "application/vnd.microsoft.card.adaptive",
        "value": CARD,
    }
    pressed = at_door.listener.heard[0]
    assert isinstance(pressed, Pressed)
    assert (pressed.verb, pressed.invoke, pressed.trigger) == ("save", True, "manual")
    assert (pressed.data, pressed.message_id, pressed.person.id) == ({"deal": "x"}, "m1", ADA)
    assert pressed.timezone == "Europe/Stockholm"


async def test_a_button_is_answered_with_a_text(at_door: Stage) -> None:
    at_door.listener.answer = Answer(text="You may not approve this.")
    reply = await at_door.post(at_door.execute())
    assert reply.json == {
        "statusCode": 200,
        "type": MESSAGE,
        "value": "You may not approve this.",
    }


async def test_a_button_without_answer_is_still_answered(at_door: Stage) -> None:
    reply = await at_door.post(at_door.execute())
    assert isinstance(reply.json, dict)
    assert reply.json["type"] == MESSAGE
    assert reply.json["value"]


STILL_WORKING = {
    "en-US": "Still working on it. The card will change when it is done.",
    "de-AT": "Ich bin noch dabei. Die Karte ändert sich, wenn es fertig ist.",
    "fr-FR": "J'y travaille encore. La carte changera quand ce sera terminé.",
    "es-ES": "Sigo en ello. La tarjeta cambiará cuando esté listo.",
    "ja-JP": "まだ処理しています。完了するとカードが変わります。",
}


@pytest.mark.parametrize("locale", STILL_WORKING)
@pytest.mark.parametrize("chosen", [True, False], ids=["chosen", "theirs"])
async def test_a_slow_button_is_answered_in_the_language_of_who_pressed_it(
    tmp_path: Path, locale: str, chosen: bool
) -> None:
    async with stage(tmp_path, patience=Patience(invoke=0.1)) as at_door:
        at_door.listener.chosen = locale if chosen else None
        hold = Hold(at_door)
        reply = await at_door.post(at_door.execute(locale="sv-SE" if chosen else locale))
        hold.go.set()
    assert isinstance(reply.json, dict)
    assert reply.json["value"] == STILL_WORKING[locale]


async def test_a_fault_of_ours_is_told_in_the_language_of_who_pressed(at_door: Stage) -> None:
    async def fail(_heard: object) -> None:
        raise KeyError("deal")

    at_door.listener.react = fail
    told = {}
    for locale in ("en-US", "de-DE", "fr-FR", "es-ES", "ja-JP", "sv-SE"):
        reply = await at_door.post(at_door.execute(locale=locale))
        assert isinstance(reply.json, dict)
        assert reply.json["type"] == MESSAGE
        told[locale] = reply.json["value"]
    assert told["en-US"] == told["sv-SE"]
    assert "fault on our side" in told["en-US"]
    assert "Fehlers auf unserer Seite" in told["de-DE"]
    assert len(set(told.values())) == 5


async def test_a_button_that_nothing_is_said_about_is_done_in_their_language(
    at_door: Stage,
) -> None:
    reply = await at_door.post(at_door.execute(locale="de-DE"))
    assert isinstance(reply.json, dict)
    assert reply.json["value"] == "Erledigt."


async def test_a_refresh_is_told_apart_from_a_press(at_door: Stage) -> None:
    value = {"action": {"type": "Action.Execute", "verb": "look"}, "trigger": "automatic"}
    await at_door.post(at_door.invoke("adaptiveCard/action", value))
    pressed = at_door.listener.heard[0]
    assert isinstance(pressed, Pressed)
    assert (pressed.trigger, pressed.data) == ("automatic", {})


MALFORMED: Mapping[str, object] = {
    "missing": None,
    "a_text": "x",
    "a_list": [],
    "empty": {},
    "no_action": {"trigger": "manual"},
    "action_is_a_text": {"action": "Action.Execute"},
    "submit": {"action": {"type": "Action.Submit", "verb": "x", "data": {}}},
    "no_type": {"action": {"verb": "x"}},
    "no_verb": {"action": {"type": "Action.Execute", "data": {}}},
    "verb_is_a_number": {"action": {"type": "Action.Execute", "verb": 5}},
    "data_is_a_list": {"action": {"type": "Action.Execute", "verb": "x", "data": ["id"]}},
    "data_is_a_text": {"action": {"type": "Action.Execute", "verb": "x", "data": "id"}},
}


@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED.keys())
async def test_b2_a_malformed_action_is_answered_by_the_protocol(
    at_door: Stage, value: object
) -> None:
    reply = await at_door.post(at_door.invoke("adaptiveCard/action", value))
    assert reply.status == 200
    assert isinstance(reply.json, dict)
    assert (reply.json["statusCode"], reply.json["type"]) == (400, ERROR)
    assert set(reply.json["value"]) == {"code", "message"}
    assert reply.json["value"]["code"] == "BadRequest"
    assert at_door.listener.heard == []


def _exchange(at_door: Stage, **changes: object) -> dict[str, object]:
    value = {"id": "ex-1", "connectionName": "PartnerCenter", "token": "sso"} | changes
    return at_door.invoke("signin/tokenExchange", value)


async def test_a_token_exchange_that_works_is_200(at_door: Stage) -> None:
    reply = await at_door.post(_exchange(at_door))
    assert (reply.status, reply.json) == (200, {})
    exchanged = at_door.listener.heard[0]
    assert isinstance(exchanged, Exchanged)
    assert (exchanged.exchange_id, exchanged.connection_name) == ("ex-1", "PartnerCenter")
    assert exchanged.token == "sso"
    assert "sso" not in repr(exchanged)


async def test_a_token_exchange_that_fails_is_412(at_door: Stage) -> None:
    at_door.listener.exchange = False
    reply = await at_door.post(_exchange(at_door))
    assert reply.status == 412
    assert reply.json == {
        "id": "ex-1",
        "connectionName": "PartnerCenter",
        "failureDetail": "not exchanged",
    }


async def test_e6_the_same_exchange_from_four_clients_happens_once(at_door: Stage) -> None:
    posts = [at_door.post(_exchange(at_door)) for _ in range(4)]
    replies = await asyncio.gather(*posts)
    assert [(reply.status, reply.json) for reply in replies] == [(200, {})] * 4
    assert len(at_door.listener.heard) == 1


async def test_e6_somebody_elses_exchange_is_not_answered_with_hers(at_door: Stage) -> None:
    await at_door.post(_exchange(at_door))
    ben = {"id": "29:1ben", "aadObjectId": "22222222-633e-4263-a000-307fa96d1741"}
    await at_door.post(_exchange(at_door) | {"from": ben})
    assert len(at_door.listener.heard) == 2


WRONG: Mapping[str, Mapping[str, object]] = {
    "other_connection": {"connectionName": "ATTACKER_CHOSEN"},
    "no_connection": {"connectionName": None},
    "no_token": {"token": None},
    "empty_token": {"token": ""},
    "token_is_a_list": {"token": ["x"]},
    "long_token": {"token": "x" * 20_000},
    "no_id": {"id": None},
    "empty_id": {"id": ""},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
async def test_e6_a_wrong_exchange_is_400(at_door: Stage, changes: Mapping[str, object]) -> None:
    reply = await at_door.post(_exchange(at_door, **changes))
    assert reply.status == 400
    assert isinstance(reply.json, dict)
    assert set(reply.json) == {"id", "connectionName", "failureDetail"}
    assert "ATTACKER" not in reply.body.decode()
    assert at_door.listener.heard == []


async def test_verify_state_is_answered_and_believed_in_nothing(at_door: Stage) -> None:
    reply = await at_door.post(at_door.invoke("signin/verifyState", {"state": "123456"}))
    assert (reply.status, reply.json, at_door.listener.heard) == (200, {}, [])


@pytest.mark.parametrize(
    "name", ["composeExtension/query", "task/fetch", "fileConsent/invoke", "unknown", None]
)
async def test_an_invoke_of_a_feature_we_lack_is_501(at_door: Stage, name: str | None) -> None:
    reply = await at_door.post(at_door.activity(type="invoke", name=name, value={}, text=None))
    assert (reply.status, reply.body, at_door.listener.heard) == (501, b"", [])
