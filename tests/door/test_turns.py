"""One delivery, one effect, one answer, in time: repeats, slow turns, the end (A11, B6, I7)."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from bot.conversation import Answer, Installed, Message, Pressed, Said
from bot.store import seen
from bot.store.schema import seen as seen_table
from bot.teams.door import Patience
from tests.door.stage import ADA, BOT_ID, TENANT, Stage, stage
from tests.stopwatch import stopwatch

CARD = {"type": "AdaptiveCard", "version": "1.5", "body": []}
SHOWN = {"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": CARD}


class Hold:
    """Keeps the listener busy until let go."""

    def __init__(self, at_door: Stage) -> None:
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        at_door.listener.react = self._wait

    async def _wait(self, _heard: object) -> None:
        self.began.set()
        await self.go.wait()


async def test_a11_a_message_delivered_again_has_one_effect(at_door: Stage) -> None:
    activity, token = at_door.activity(), at_door.token()
    for _ in range(3):
        reply = await at_door.post(activity, token=token)
        assert (reply.status, reply.body) == (200, b"")
    assert len(at_door.listener.heard) == 1


async def test_a11_an_invoke_delivered_again_gets_the_same_answer(at_door: Stage) -> None:
    at_door.listener.answer = Answer(card=CARD)
    activity = at_door.execute()
    first = await at_door.post(activity)
    at_door.listener.answer = Answer(text="another")
    second = await at_door.post(activity)
    assert first.json == second.json == SHOWN
    assert len(at_door.listener.heard) == 1


async def test_b6_a_duplicate_while_the_first_runs_waits_for_its_answer(at_door: Stage) -> None:
    at_door.listener.answer = Answer(card=CARD)
    hold, activity = Hold(at_door), at_door.execute()
    posts = [asyncio.create_task(at_door.post(activity)) for _ in range(5)]
    await hold.began.wait()
    hold.go.set()
    assert [reply.json for reply in await asyncio.gather(*posts)] == [SHOWN] * 5
    assert len(at_door.listener.heard) == 1


async def test_a11_the_same_id_elsewhere_is_another_delivery(at_door: Stage) -> None:
    elsewhere = {"id": "a:other", "conversationType": "personal", "tenantId": TENANT}
    assert (await at_door.post(at_door.activity(id="1"))).status == 200
    assert (await at_door.post(at_door.activity(id="1", conversation=elsewhere))).status == 200
    assert len(at_door.listener.heard) == 2


async def test_a11_the_answer_survives_a_restart(tmp_path: Path) -> None:
    async with stage(tmp_path) as before:
        before.listener.answer = Answer(card=CARD)
        activity = before.execute()
        assert (await before.post(activity)).json == SHOWN
    async with stage(tmp_path) as after:
        moved = activity | {"serviceUrl": after.connector.service_url}
        assert (await after.post(moved)).json == SHOWN
        assert after.listener.heard == []


async def test_a11_a_delivery_left_by_a_killed_process_is_taken_up(at_door: Stage) -> None:
    activity = at_door.activity(id="77")
    key = seen.key_of("activity", TENANT, "a:personal-ada", "77")
    async with at_door.store.begin() as connection:
        past = at_door.clock.now() - dt.timedelta(seconds=5)
        await seen.claim(connection, key, now=past, abandoned=past)
    assert (await at_door.post(activity)).status == 200
    assert len(at_door.listener.heard) == 1


async def test_a11_a_delivery_another_process_runs_is_waited_for(at_door: Stage) -> None:
    activity = at_door.execute(id="78")
    key = seen.key_of("activity", TENANT, "a:personal-ada", "78")
    now = at_door.clock.now()
    async with at_door.store.begin() as connection:
        await seen.claim(connection, key, now=now, abandoned=now)
    post = asyncio.create_task(at_door.post(activity))
    done, _ = await asyncio.wait({post}, timeout=0.3)
    assert not done
    async with at_door.store.begin() as connection:
        await seen.settle(connection, key, seen.Stored(200, SHOWN))
    assert (await post).json == SHOWN
    assert at_door.listener.heard == []


async def _kept(at_door: Stage) -> int:
    async with at_door.store.read() as connection:
        return len((await connection.execute(sa.select(seen_table))).all())


async def test_a11_what_may_be_repeated_is_remembered_by_the_process_alone(
    at_door: Stage,
) -> None:
    at_door.listener.repeatable = True
    activity = at_door.activity()
    for _ in range(3):
        assert (await at_door.post(activity)).status == 200
    assert len(at_door.listener.heard) == 1
    assert await _kept(at_door) == 0
    at_door.clock.advance(601)
    await at_door.post(activity)
    assert len(at_door.listener.heard) == 2


async def test_a11_a_button_that_may_be_repeated_answers_again(at_door: Stage) -> None:
    at_door.listener.repeatable = True
    at_door.listener.answer = Answer(card=CARD)
    activity = at_door.execute()
    assert [(await at_door.post(activity)).json for _ in range(2)] == [SHOWN, SHOWN]
    assert await _kept(at_door) == 0


async def test_a11_duplicates_at_once_of_what_may_be_repeated_run_once(at_door: Stage) -> None:
    at_door.listener.repeatable = True
    hold, activity = Hold(at_door), at_door.activity()
    posts = [asyncio.create_task(at_door.post(activity)) for _ in range(5)]
    await hold.began.wait()
    hold.go.set()
    assert {reply.status for reply in await asyncio.gather(*posts)} == {200}
    assert len(at_door.listener.heard) == 1


async def test_old_deliveries_are_forgotten_a_few_at_a_time(
    at_door: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.teams.door._AT_ONCE", 2)
    for _ in range(5):
        await at_door.post(at_door.activity())
    at_door.clock.advance(24 * 3600)
    young = at_door.activity()
    await at_door.post(young)
    at_door.clock.advance(25 * 3600)
    await at_door.door.tidy()
    assert await _kept(at_door) == 1
    await at_door.post(young)
    assert len(at_door.listener.heard) == 6


async def test_a11_old_deliveries_are_forgotten(at_door: Stage) -> None:
    await at_door.post(at_door.activity())
    at_door.clock.advance(49 * 3600)
    await at_door.door.tidy()
    async with at_door.store.read() as connection:
        count = sa.select(sa.func.count()).select_from(seen_table)
        assert (await connection.execute(count)).scalar_one() == 0


async def test_e7_answers_kept_hold_no_token(at_door: Stage) -> None:
    value = {"id": "x1", "connectionName": "PartnerCenter", "token": "sso-canary-token"}
    assert (await at_door.post(at_door.invoke("signin/tokenExchange", value))).status == 200
    async with at_door.store.read() as connection:
        rows = (await connection.execute(sa.select(seen_table))).all()
    assert rows
    assert "canary" not in str(rows)


async def test_a_slow_message_is_answered_and_goes_on(tmp_path: Path) -> None:
    async with stage(tmp_path, patience=Patience(message=0.2)) as at_door:
        hold = Hold(at_door)
        async with stopwatch() as watch:
            assert (await at_door.post(at_door.activity())).status == 200
            assert watch.seconds < 2
        finished = asyncio.create_task(at_door.door.drain())
        hold.go.set()
        await finished
        assert len(at_door.listener.heard) == 1


async def test_a_slow_invoke_is_told_that_work_goes_on(tmp_path: Path) -> None:
    async with stage(tmp_path, patience=Patience(invoke=0.2)) as at_door:
        at_door.listener.answer = Answer(card=CARD)
        hold, activity = Hold(at_door), at_door.execute()
        reply = await at_door.post(activity)
        assert isinstance(reply.json, dict)
        assert reply.json["type"] == "application/vnd.microsoft.activity.message"
        assert reply.json["statusCode"] == 200
        hold.go.set()
        async with asyncio.timeout(60):  # its turn may take longer than the patience of a press
            while (await at_door.post(activity)).json != SHOWN:
                continue
        assert len(at_door.listener.heard) == 1


async def test_a_slow_message_shows_typing_until_it_ends(tmp_path: Path) -> None:
    patience = Patience(typing=0.05, typing_again=0.05)
    async with stage(tmp_path, patience=patience) as at_door:

        async def wait(_heard: object) -> None:
            await asyncio.wait_for(at_door.connector.has_taken(2), 60)

        at_door.listener.react = wait
        assert (await at_door.post(at_door.activity())).status == 200
        bodies = [call.body for call in at_door.connector.calls]
        assert len(bodies) >= 2
        assert all(body and body["type"] == "typing" for body in bodies)


async def test_a_fast_message_and_a_channel_show_no_typing(tmp_path: Path) -> None:
    async with stage(tmp_path, patience=Patience(message=0.2, typing=0.05)) as at_door:
        channel = {
            "id": "19:general@thread.tacv2;messageid=1",
            "conversationType": "channel",
            "tenantId": TENANT,
        }
        hold = Hold(at_door)
        await at_door.post(at_door.activity(conversation=channel))
        hold.go.set()
        assert at_door.connector.calls == []
    async with stage(tmp_path) as at_door:
        await at_door.post(at_door.activity())
        assert at_door.connector.calls == []


async def test_a_fault_in_the_bot_is_answered_200_and_not_repeated(at_door: Stage) -> None:
    async def fail(_heard: object) -> None:
        raise KeyError("deal")

    at_door.listener.react = fail
    with capture_logs() as lines:
        message = at_door.activity()
        assert [(await at_door.post(message)).status for _ in range(2)] == [200, 200]
        reply = await at_door.post(at_door.execute())
    assert isinstance(reply.json, dict)
    assert (reply.status, reply.json["statusCode"]) == (200, 200)
    assert len(at_door.listener.heard) == 2
    assert len([line for line in lines if line["event"] == "turn failed"]) == 2


@pytest.mark.parametrize("error", [PermissionError("no"), ValueError("x")])
async def test_a13_no_error_of_the_bot_becomes_401_or_404(at_door: Stage, error: Exception) -> None:
    async def fail(_heard: object) -> None:
        raise error

    at_door.listener.react = fail
    assert (await at_door.post(at_door.activity())).status == 200


async def without_memory(stage: Stage) -> None:
    async with stage.store.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE seen RENAME TO gone"))


async def test_i1_what_cannot_be_recorded_is_not_begun_and_whoever_said_it_is_told(
    at_door: Stage,
) -> None:
    await without_memory(at_door)
    reply = await at_door.post(at_door.activity())
    assert (reply.status, reply.body, at_door.listener.heard) == (200, b"", [])
    assert "Not begun: StoreUnavailable" in str(at_door.connector.calls[-1])


async def test_i1_a_press_that_cannot_be_recorded_is_answered_beside_its_card(
    at_door: Stage,
) -> None:
    await without_memory(at_door)
    reply = await at_door.post(at_door.execute())
    assert (reply.status, at_door.listener.heard) == (200, [])
    assert b"Not begun: StoreUnavailable" in reply.body


async def test_i1_when_nobody_can_be_told_either_teams_brings_it_again(at_door: Stage) -> None:
    await without_memory(at_door)
    at_door.connector.answers(502)
    activity = at_door.activity()
    reply = await at_door.post(activity)
    assert (reply.status, reply.body, at_door.listener.heard) == (503, b"", [])
    async with at_door.store.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE gone RENAME TO seen"))
    assert (await at_door.post(activity)).status == 200
    assert len(at_door.listener.heard) == 1


async def test_i7_turns_under_way_finish_and_new_ones_are_503(at_door: Stage) -> None:
    hold = Hold(at_door)
    posts = [asyncio.create_task(at_door.post(at_door.activity())) for _ in range(20)]
    async with asyncio.timeout(60):
        await hold.began.wait()
        await at_door.listener.has_heard(20)
    draining = asyncio.create_task(at_door.door.drain(seconds=5))
    await asyncio.sleep(0)
    late = await at_door.post(at_door.activity())
    assert (late.status, late.body) == (503, b"")
    assert (await at_door.get("/readyz")).status == 503
    hold.go.set()
    await draining
    assert {reply.status for reply in await asyncio.gather(*posts)} == {200}
    assert len(at_door.listener.heard) == 20


async def test_i7_new_connections_are_503_until_the_last_turn_ends(tmp_path: Path) -> None:
    headers = {"Content-Type": "application/json", "Authorization": "Bearer a.b.c"}
    async with stage(tmp_path) as at_door:
        hold = Hold(at_door)
        post = asyncio.create_task(at_door.post(at_door.activity()))
        await hold.began.wait()
        stopping = asyncio.ensure_future(at_door.stop())
        await asyncio.sleep(0)
        assert at_door.door.is_stopping
        async with (
            aiohttp.ClientSession() as another,
            another.post(f"{at_door.base}/api/messages", data=b"{}", headers=headers) as late,
        ):
            assert late.status == 503
        hold.go.set()
        assert (await post).status == 200
        await stopping


async def test_i7_a_turn_that_never_ends_is_cut_off(at_door: Stage) -> None:
    hold = Hold(at_door)
    post = asyncio.create_task(at_door.post(at_door.activity()))
    await hold.began.wait()
    await at_door.door.drain(seconds=0.05)
    assert (await post).status == 503


async def test_a_submit_button_is_a_press_without_answer(at_door: Stage) -> None:
    value = {"verb": "save", "proposal": "p1"}
    activity = at_door.activity(text=None, value=value, replyToId="m7")
    assert (await at_door.post(activity)).status == 200
    pressed = at_door.listener.heard[0]
    assert isinstance(pressed, Pressed)
    assert (pressed.verb, pressed.invoke, pressed.trigger) == ("save", False, "manual")
    assert (pressed.data, pressed.message_id) == (value, "m7")


@pytest.mark.parametrize("value", [{}, {"verb": 5}, {"verb": ["x"]}, {"other": 1}])
async def test_b2_a_submit_button_without_verb_reaches_the_bot(
    at_door: Stage, value: Mapping[str, object]
) -> None:
    assert (await at_door.post(at_door.activity(text=None, value=value))).status == 200
    pressed = at_door.listener.heard[0]
    assert isinstance(pressed, Pressed)
    assert (pressed.verb, pressed.data) == ("", value)


async def test_the_answer_to_a_submit_button_takes_the_cards_place(at_door: Stage) -> None:
    at_door.listener.answer = Answer(card=CARD)
    activity = at_door.activity(text=None, value={"verb": "save"}, replyToId="m7")
    await at_door.post(activity)
    (call,) = at_door.connector.calls
    assert (call.method, call.path.rsplit("/", 1)[-1]) == ("PUT", "m7")


async def test_text_with_a_value_is_something_said(at_door: Stage) -> None:
    await at_door.post(at_door.activity(text="show #1", value={"verb": "x"}))
    said = at_door.listener.heard[0]
    assert isinstance(said, Said)
    assert (said.text, said.value) == ("show #1", {"verb": "x"})


CHANNEL = {
    "id": "19:wins@thread.tacv2",
    "conversationType": "channel",
    "tenantId": TENANT,
}
TEAM = {"tenant": {"id": TENANT}, "team": {"id": "19:team"}, "channel": {"id": "19:wins"}}


async def test_an_installation_told_twice_is_greeted_once(at_door: Stage) -> None:
    def told(**changes: object) -> dict[str, object]:
        return at_door.activity(text=None, conversation=CHANNEL, channelData=TEAM, **changes)

    added = told(type="installationUpdate", action="add")
    also = told(type="conversationUpdate", membersAdded=[{"id": BOT_ID}])
    removed = told(type="installationUpdate", action="remove")
    for activity in (added, also, told(type="installationUpdate", action="add-upgrade")):
        assert (await at_door.post(activity)).status == 200
    (installed,) = at_door.listener.heard
    assert isinstance(installed, Installed)
    assert installed.person is not None
    assert installed.person.id == ADA
    assert (installed.place.team_id, installed.place.channel_id) == ("19:team", "19:wins")
    assert (await at_door.post(removed)).status == 200
    assert (await at_door.post(added | {"id": "again"})).status == 200
    assert len(at_door.listener.heard) == 2


async def test_an_installation_by_nobody_named_is_still_one(at_door: Stage) -> None:
    activity = at_door.activity(
        type="installationUpdate", action="add", text=None, **{"from": {"id": "29:team"}}
    )
    assert (await at_door.post(activity)).status == 200
    (installed,) = at_door.listener.heard
    assert isinstance(installed, Installed)
    assert installed.person is None


SILENT: Mapping[str, Mapping[str, object]] = {
    "tokens_response": {
        "type": "event",
        "name": "tokens/response",
        "value": {"connectionName": "PartnerCenter", "token": "t"},
    },
    "somebody_else_joined": {
        "type": "conversationUpdate",
        "membersAdded": [{"id": "29:1ben"}],
    },
    "edited": {"type": "messageUpdate", "text": "list"},
    "deleted": {"type": "messageDelete"},
    "reaction": {"type": "messageReaction"},
    "typing": {"type": "typing"},
    "unknown": {"type": "somethingNew"},
}


@pytest.mark.parametrize("changes", SILENT.values(), ids=SILENT.keys())
async def test_other_activities_are_taken_in_silently(
    at_door: Stage, changes: Mapping[str, object]
) -> None:
    reply = await at_door.post(at_door.activity(**({"text": None} | dict(changes))))
    assert (reply.status, reply.body, at_door.listener.heard) == (200, b"", [])


async def test_e6_six_digits_are_an_ordinary_message(at_door: Stage) -> None:
    for number in range(50):
        await at_door.post(at_door.activity(text=f"12{number:04}"))
    assert len(at_door.listener.heard) == 50
    assert at_door.connector.calls == []


async def test_the_place_of_a_thread_keeps_its_thread(at_door: Stage) -> None:
    thread = CHANNEL | {"id": "19:wins@thread.tacv2;messageid=1700"}
    activity = at_door.activity(
        conversation=thread, channelData=TEAM, text="<at>Dealdesk</at> list"
    )
    await at_door.post(activity)
    said = at_door.listener.heard[0]
    assert isinstance(said, Said)
    assert said.text == "list"
    await at_door.teams.sender.send(said.place, Message(text="here"))
    assert at_door.connector.calls[0].path == (
        "/teams/v3/conversations/19%3Awins%40thread.tacv2%3Bmessageid%3D1700/activities"
    )
