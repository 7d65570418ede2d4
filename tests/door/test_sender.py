"""Sends: what goes over the wire, what counts as sent, what failures mean (A7, F6, F9, H9)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.conversation import (
    Message,
    Person,
    Place,
    PlaceKind,
    SendFailed,
    SendFailure,
    SignInCard,
)
from tests.bots import free_port
from tests.door.stage import AT_START, BOT_ID, TENANT, Stage, serving, stage

CARD = {"type": "AdaptiveCard", "version": "1.5", "body": []}
ACTIVITIES = "/teams/v3/conversations/a%3Apersonal-ada/activities"


async def _failure(at_door: Stage) -> SendFailed:
    with pytest.raises(SendFailed) as caught:
        await at_door.teams.sender.send(at_door.place, Message(text="hello"))
    return caught.value


async def test_a_text_is_sent_plain_and_gives_its_id(at_door: Stage) -> None:
    sent = await at_door.teams.sender.send(at_door.place, Message(text="**hello**"))
    (call,) = at_door.connector.calls
    assert sent == "sent-1"
    assert (call.method, call.path) == ("POST", ACTIVITIES)
    assert (call.authorization, call.content_type) == ("Bearer app-token-1", "application/json")
    assert call.body == {
        "type": "message",
        "from": {"id": BOT_ID},
        "conversation": {"id": "a:personal-ada", "tenantId": TENANT},
        "channelId": "msteams",
        "serviceUrl": at_door.connector.service_url,
        "text": "**hello**",
        "textFormat": "plain",
    }


async def test_a_card_is_one_attachment_with_a_summary(at_door: Stage) -> None:
    await at_door.teams.sender.send(
        at_door.place, Message(card=CARD, summary="Deal #1"), reply_to="m1"
    )
    (call,) = at_door.connector.calls
    assert call.path == f"{ACTIVITIES}/m1"
    assert call.body is not None
    assert call.body["attachments"] == [
        {"contentType": "application/vnd.microsoft.card.adaptive", "content": CARD}
    ]
    assert call.body["summary"] == "Deal #1"
    assert "text" not in call.body


async def test_a_sign_in_card_carries_the_exchange_and_the_link(at_door: Stage) -> None:
    card = SignInCard(
        text="Sign in",
        button_title="Sign in",
        link="https://bot.example/auth/start?state=x",
        connection_name="PartnerCenter",
        exchange_id="ex-1",
        exchange_uri="api://botid-x",
    )
    await at_door.teams.sender.send(at_door.place, Message(sign_in=card))
    (call,) = at_door.connector.calls
    assert call.body is not None
    assert call.body["attachments"] == [
        {
            "contentType": "application/vnd.microsoft.card.oauth",
            "content": {
                "text": "Sign in",
                "connectionName": "PartnerCenter",
                "tokenExchangeResource": {"id": "ex-1", "uri": "api://botid-x"},
                "buttons": [
                    {
                        "type": "signin",
                        "title": "Sign in",
                        "value": "https://bot.example/auth/start?state=x",
                    }
                ],
            },
        }
    ]


@pytest.mark.parametrize("parts", [{}, {"text": "a", "card": CARD}])
def test_a_message_is_one_thing(parts: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Message(**parts)  # type: ignore[arg-type]


async def test_update_delete_and_typing(at_door: Stage) -> None:
    sender = at_door.teams.sender
    at_door.connector.answers(200, {"id": "m1"})
    await sender.update(at_door.place, "m1", Message(card=CARD))
    at_door.connector.answers(200)
    await sender.delete(at_door.place, "m/1")
    await sender.typing(at_door.place)
    calls = at_door.connector.calls
    assert [(call.method, call.path) for call in calls] == [
        ("PUT", f"{ACTIVITIES}/m1"),
        ("DELETE", f"{ACTIVITIES}/m%2F1"),
        ("POST", ACTIVITIES),
    ]
    assert calls[0].body is not None
    assert calls[0].body["id"] == "m1"
    assert calls[1].body is None
    assert calls[2].body is not None
    assert calls[2].body["type"] == "typing"


async def test_a_personal_conversation_is_opened(at_door: Stage) -> None:
    at_door.connector.answers(201, {"id": "a:new"})
    place = await at_door.teams.sender.open_personal(
        TENANT, "29:1ben", at_door.connector.service_url
    )
    assert place == Place(
        PlaceKind.PERSONAL, TENANT, "a:new", at_door.connector.service_url, BOT_ID
    )
    (call,) = at_door.connector.calls
    assert call.path == "/teams/v3/conversations"
    assert call.body == {
        "bot": {"id": BOT_ID},
        "members": [{"id": "29:1ben"}],
        "isGroup": False,
        "tenantId": TENANT,
        "channelData": {"tenant": {"id": TENANT}},
    }


async def test_members_come_page_by_page(at_door: Stage) -> None:
    ada = {"id": "29:1ada", "aadObjectId": "AAAA", "name": "Ada"}
    ben = {"id": "29:1ben", "objectId": "bbbb", "name": "Ben"}
    at_door.connector.answers(
        200, {"members": [ada, {"id": BOT_ID}, 5], "continuationToken": "a+b"}
    )
    at_door.connector.answers(200, {"members": [ben]})
    thread = replace(at_door.place, kind=PlaceKind.CHANNEL, conversation_id="19:wins;messageid=17")
    assert await at_door.teams.sender.members(thread) == [
        Person(TENANT, "aaaa", "Ada", "29:1ada"),
        Person(TENANT, "bbbb", "Ben", "29:1ben"),
    ]
    assert [call.path for call in at_door.connector.calls] == [
        "/teams/v3/conversations/19%3Awins/pagedmembers?pageSize=500",
        "/teams/v3/conversations/19%3Awins/pagedmembers?pageSize=500&continuationToken=a%2Bb",
    ]


async def test_members_whose_pages_never_end_are_bounded(at_door: Stage) -> None:
    for number in range(40):
        at_door.connector.answers(200, {"members": [], "continuationToken": f"t{number}"})
    await at_door.teams.sender.members(at_door.place)
    assert len(at_door.connector.calls) == 20


@pytest.mark.parametrize("body", [None, {}, {"id": ""}, {"id": 5}, [], "x"])
async def test_h9_a_send_without_an_id_is_not_sent_for_sure(at_door: Stage, body: object) -> None:
    at_door.connector.answers(201, body)
    failure = await _failure(at_door)
    assert (failure.kind, failure.code) == (SendFailure.UNKNOWN, "no activity id")
    assert len(at_door.connector.calls) == 1


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "BadSyntax", SendFailure.REFUSED),
        (400, "MessageSizeTooBig", SendFailure.TOO_BIG),
        (403, "BotNotInConversationRoster", SendFailure.FORBIDDEN),
        (404, "ConversationNotFound", SendFailure.GONE),
        (405, None, SendFailure.REFUSED),
        (408, None, SendFailure.UNKNOWN),
        (409, None, SendFailure.REFUSED),
        (412, "PreconditionFailed", SendFailure.PRECONDITION),
        (413, "MessageSizeTooBig", SendFailure.TOO_BIG),
        (429, "Throttled", SendFailure.THROTTLED),
        (500, "ServiceError", SendFailure.UNKNOWN),
        (502, None, SendFailure.UNKNOWN),
        (503, None, SendFailure.UNKNOWN),
        (504, None, SendFailure.UNKNOWN),
    ],
)
async def test_h9_every_refusal_has_its_kind_and_one_attempt(
    at_door: Stage, status: int, code: str | None, kind: SendFailure
) -> None:
    body = {"error": {"code": code, "message": "canary words of Teams"}} if code else None
    at_door.connector.answers(status, body)
    failure = await _failure(at_door)
    assert (failure.kind, failure.code) == (kind, code or f"status {status}")
    assert "canary" not in str(failure)
    assert len(at_door.connector.calls) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2.0),
        ("120", 120.0),
        ("Mon, 02 Mar 2026 09:00:30 GMT", 30.0),
        ("Monday, 02-Mar-26 09:00:30 GMT", 30.0),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0.0),
        ("99999999", 86_400.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
async def test_h9_retry_after_is_read_in_all_its_forms(
    at_door: Stage, header: str, seconds: float | None
) -> None:
    at_door.connector.answers(429, headers={"Retry-After": header})
    assert (await _failure(at_door)).retry_after == seconds


async def test_f9_redirects_are_not_followed(at_door: Stage) -> None:
    hits: list[str] = []

    async def take(request: web.Request) -> web.Response:
        hits.append(request.path)
        return web.json_response({"id": "x"})

    sink = web.Application()
    sink.router.add_route("*", "/{rest:.*}", take)
    async with serving(sink) as origin:
        for status in (301, 302, 307, 308):
            at_door.connector.answers(status, headers={"Location": f"{origin}/steal"})
            assert (await _failure(at_door)).kind is SendFailure.REFUSED
    assert hits == []
    assert len(at_door.connector.calls) == 4


async def test_f6_a_refused_connection_is_not_sent(tmp_path: Path) -> None:
    with free_port() as kept:
        gone = f"127.0.0.1:{kept.getsockname()[1]}"
        async with stage(tmp_path, connector_hosts=gone) as at_door:
            place = replace(at_door.place, service_url=f"http://{gone}/teams/")
            with pytest.raises(SendFailed) as caught:
                await at_door.teams.sender.send(place, Message(text="x"))
    assert caught.value.kind is SendFailure.NOT_SENT


async def test_f6_a_connection_cut_after_the_request_is_unknown(at_door: Stage) -> None:
    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    at_door.connector.reactions.append(cut)
    assert (await _failure(at_door)).kind is SendFailure.UNKNOWN
    assert len(at_door.connector.calls) == 1


async def test_f7_an_endless_answer_is_cut_off(at_door: Stage) -> None:
    async def pour(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(status=201)
        await answer.prepare(request)
        for _ in range(40):
            await answer.write(b" " * 64 * 1024)
        return answer

    at_door.connector.reactions.append(pour)
    assert (await _failure(at_door)).kind is SendFailure.UNKNOWN


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.trafficmanager.net/teams/",
        "https://smba.trafficmanager.net/teams/",
        "http://localhost/",
        "",
    ],
)
async def test_a7_a_stored_place_elsewhere_gets_no_token(at_door: Stage, url: str) -> None:
    place = replace(at_door.place, service_url=url)
    sender = at_door.teams.sender
    attempts = (
        sender.send(place, Message(text="x")),
        sender.update(place, "m1", Message(text="x")),
        sender.delete(place, "m1"),
        sender.typing(place),
        sender.members(place),
        sender.open_personal(TENANT, "29:1ada", url),
    )
    for attempt in attempts:
        with pytest.raises(SendFailed) as caught:
            await attempt
        assert caught.value.kind is SendFailure.REFUSED
    assert at_door.connector.calls == []
    assert at_door.entra.requests == AT_START


async def test_a_token_the_connector_refuses_is_renewed_once(at_door: Stage) -> None:
    at_door.connector.answers(401)
    assert await at_door.teams.sender.send(at_door.place, Message(text="x")) == "sent-2"
    tokens = [call.authorization for call in at_door.connector.calls]
    assert tokens == ["Bearer app-token-1", "Bearer app-token-2"]
    at_door.connector.answers(401)
    at_door.connector.answers(401)
    assert (await _failure(at_door)).kind is SendFailure.REFUSED
    assert len(at_door.connector.calls) == 4


async def test_the_app_token_is_renewed_before_it_ends(at_door: Stage) -> None:
    sender = at_door.teams.sender
    for _ in range(5):
        await sender.send(at_door.place, Message(text="x"))
    assert at_door.entra.requests == AT_START
    at_door.clock.advance(3600 - 599)
    await sender.send(at_door.place, Message(text="x"))
    async with asyncio.timeout(60):
        while at_door.connector.calls[-1].authorization != "Bearer app-token-2":
            await sender.send(at_door.place, Message(text="x"))
    assert at_door.entra.requests == 2
    at_door.clock.advance(3600)
    await sender.send(at_door.place, Message(text="x"))
    assert at_door.connector.calls[-1].authorization == "Bearer app-token-3"


async def test_many_at_once_ask_for_one_token(at_door: Stage) -> None:
    await at_door.teams.sender.send(at_door.place, Message(text="the token of the start is there"))
    at_door.clock.advance(3600)
    sends = [at_door.teams.sender.send(at_door.place, Message(text="x")) for _ in range(20)]
    assert len(set(await asyncio.gather(*sends))) == 20
    assert at_door.entra.requests == AT_START + 1


async def test_without_a_token_nothing_is_sent_and_entra_is_left_in_peace(
    at_door: Stage,
) -> None:
    await at_door.teams.sender.send(at_door.place, Message(text="the token of the start is there"))
    at_door.clock.advance(3600)
    at_door.entra.status = 401
    with capture_logs() as lines:
        failures = [await _failure(at_door) for _ in range(5)]
    assert {(failure.kind, failure.code) for failure in failures} == {
        (SendFailure.NOT_SENT, "no app token")
    }
    assert at_door.entra.requests == AT_START + 1
    assert "a-client-secret" not in str(lines)
    at_door.entra.status = 200
    at_door.clock.advance(5)
    await at_door.teams.sender.send(at_door.place, Message(text="x"))
