"""What a turn costs outside: no token and no connection of its own, no client of the SDK (I8)."""

from __future__ import annotations

import asyncio

import msrest.service_client
import pytest
from botbuilder.core import TurnContext
from botbuilder.schema import Activity
from botframework.connector.auth import AppCredentials

from bot.conversation import Message, Said
from bot.teams.activity import read_activity
from bot.teams.adapter import SharedConnectors, TeamsAdapter
from bot.teams.authentication import TeamsAuthentication
from bot.teams.hosts import Hosts
from bot.teams.keys import SigningKeys
from bot.teams.outside import Outside
from bot.teams.refusal import Refused
from tests.door.stage import APP_ID, AT_START, TENANT, Stage


def _forbid(name: str) -> object:
    def fail(*_args: object, **_named: object) -> None:
        raise AssertionError(f"{name} was built")

    return fail


async def test_i8_twenty_turns_one_token_one_connection_no_sdk_client(
    at_door: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(msrest.service_client.ServiceClient, "__init__", _forbid("a client"))
    monkeypatch.setattr(AppCredentials, "__init__", _forbid("credentials"))
    faults: list[BaseException] = []

    async def reply(heard: object) -> None:
        assert isinstance(heard, Said)
        try:
            await at_door.teams.sender.send(heard.place, Message(text="echo"))
        except BaseException as error:
            faults.append(error)
            raise

    at_door.listener.react = reply
    for _ in range(20):
        assert (await at_door.post(at_door.activity())).status == 200
    assert faults == []
    assert len(at_door.connector.calls) == 20
    assert at_door.entra.requests == AT_START
    assert len(at_door.connector.connections) == 1
    assert at_door.keys.fetches == 1


async def test_i8_turns_at_once_share_the_token(at_door: Stage) -> None:
    async def reply(heard: object) -> None:
        assert isinstance(heard, Said)
        await at_door.teams.sender.send(heard.place, Message(text="echo"))

    at_door.listener.react = reply
    replies = await asyncio.gather(*(at_door.post(at_door.activity()) for _ in range(50)))
    assert {answer.status for answer in replies} == {200}
    assert len(at_door.connector.calls) == 50
    assert at_door.entra.requests == AT_START


def _adapter(at_door: Stage) -> TeamsAdapter:
    return TeamsAdapter(
        TeamsAuthentication(
            app_id=APP_ID,
            tenants=frozenset({TENANT}),
            hosts=Hosts(at_door.settings.connector_hosts),
            keys=SigningKeys(
                at_door.settings.openid_metadata_url, at_door.fetch, at_door.clock.monotonic
            ),
            connectors=SharedConnectors(at_door.teams.sender),
            now=at_door.clock.now,
        )
    )


async def test_a_turn_context_sends_over_the_same_session(at_door: Stage) -> None:
    ids: list[str | None] = []

    async def turn(context: TurnContext) -> None:
        sent = await context.send_activity("hello")
        ids.append(sent.id)
        update = Activity(type="message", id=sent.id, text="changed")
        ids.append((await context.update_activity(update)).id)
        await context.delete_activity(sent.id)

    header = f"Bearer {at_door.token()}"
    activity = read_activity(at_door.activity(id="m1"))
    await _adapter(at_door).process_activity(header, activity, turn)
    assert ids == ["sent-1", "sent-1"]
    path = "/teams/v3/conversations/a%3Apersonal-ada/activities"
    assert [(call.method, call.path) for call in at_door.connector.calls] == [
        ("POST", f"{path}/m1"),
        ("PUT", f"{path}/sent-1"),
        ("DELETE", f"{path}/sent-1"),
    ]
    assert at_door.connector.calls[0].authorization == "Bearer app-token-1"


async def test_a7_botbuilders_own_ways_out_keep_to_the_list(at_door: Stage) -> None:
    adapter = _adapter(at_door)
    reference = TurnContext.get_conversation_reference(
        read_activity(at_door.activity(serviceUrl="https://evil.example/"))
    )

    async def turn(context: TurnContext) -> None:
        await context.send_activity("hello")

    with pytest.raises(Refused):
        await adapter.continue_conversation(reference, turn, bot_app_id=APP_ID)
    assert at_door.entra.requests == AT_START


async def test_s23_a_failed_proactive_send_is_not_taken_for_sent(at_door: Stage) -> None:
    adapter = _adapter(at_door)
    reference = TurnContext.get_conversation_reference(read_activity(at_door.activity()))
    at_door.connector.answers(403, {"error": {"code": "BotDisabledByAdmin", "message": "x"}})

    async def turn(context: TurnContext) -> None:
        await context.send_activity("hello")

    with pytest.raises(Exception, match=r"forbidden \(BotDisabledByAdmin\)"):
        await adapter.continue_conversation(reference, turn, bot_app_id=APP_ID)


async def test_what_is_kept_with_everybody_is_kept_once(at_door: Stage) -> None:
    for _ in range(2):
        assert (await at_door.post(at_door.activity())).status == 200
    one, other = (heard for heard in at_door.listener.heard if isinstance(heard, Said))
    assert one.activity_id != other.activity_id
    assert one.person.tenant is other.person.tenant is one.place.tenant
    assert one.place.service_url is other.place.service_url


async def test_the_session_must_be_open() -> None:
    with pytest.raises(RuntimeError, match="not open"):
        assert Outside().session
