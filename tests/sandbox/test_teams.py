"""The sandbox's Teams, proved with a small bot that verifies what it gets as the platform asks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
import jwt
import pytest
import requests
from aiohttp import web

from sandbox.chats import DEAL_ROOM
from sandbox.launch import Sandbox
from sandbox.people import APP_ID, BOT_ID, PEOPLE, TENANT_ID
from tests.world import NothingHeard, Refused, World, buttons, texts

BEN, CLEO = PEOPLE["ben"], PEOPLE["cleo"]
GENERAL = "19:general@thread.tacv2"
ADAPTIVE = "application/vnd.microsoft.card.adaptive"


@dataclass(slots=True)
class Stand:
    """A bot that verifies tokens, records activities and answers invokes with `answer`."""

    sandbox: Sandbox
    http: aiohttp.ClientSession
    activities: list[Mapping[str, Any]] = field(default_factory=list)
    claims: list[Mapping[str, Any]] = field(default_factory=list)
    answer: object = None
    status: int = 200

    async def messages(self, request: web.Request) -> web.Response:
        """`POST /api/messages`: verify, record, answer."""
        activity = await request.json()
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            assert scheme == "Bearer"
            claims = await self.verify(token)
        except (AssertionError, jwt.PyJWTError, KeyError):
            return web.Response(status=403)
        if claims["serviceurl"] != activity.get("serviceUrl"):
            return web.Response(status=403)
        self.activities.append(activity)
        self.claims.append(claims)
        if activity["type"] == "invoke":
            if self.answer is None:
                return web.Response(status=self.status)
            return web.json_response(self.answer, status=self.status)
        return web.Response(status=self.status)

    async def verify(self, token: str) -> Mapping[str, Any]:
        """As the Bot Connector authentication article asks: key, endorsement, issuer, audience."""
        metadata_url = self.sandbox.settings["DEALDESK_OPENID_METADATA_URL"]
        async with self.http.get(metadata_url) as found:
            assert found.status == 200
            metadata = await found.json()
        async with self.http.get(metadata["jwks_uri"]) as found:
            keys = (await found.json())["keys"]
        kid = jwt.get_unverified_header(token)["kid"]
        entry = {key["kid"]: key for key in keys}[kid]
        assert "msteams" in entry["endorsements"]
        claims: Mapping[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(entry),
            algorithms=metadata["id_token_signing_alg_values_supported"],
            audience=APP_ID,
            issuer="https://api.botframework.com",
            options={"require": ["exp", "nbf", "iss", "aud"]},
        )
        return claims

    async def app_token(self) -> str:
        """The bot's own token."""
        settings = self.sandbox.settings

        def ask() -> str:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(
                    f"{settings['DEALDESK_AUTHORITY']}/oauth2/v2.0/token",
                    data={
                        "grant_type": "client_credentials",
                        "client_id": APP_ID,
                        "client_secret": settings["DEALDESK_APP_SECRET"],
                        "scope": "https://api.botframework.com/.default",
                    },
                    verify=settings["DEALDESK_CA_FILE"],
                )
                return str(answer.json()["access_token"])

        return await asyncio.to_thread(ask)

    async def call(
        self, method: str, path: str, body: object = None, *, token: str | None = None
    ) -> tuple[int, Any]:
        """Call the connector; gives status and parsed body."""
        bearer = await self.app_token() if token is None else token
        async with self.http.request(
            method,
            f"{self.sandbox.page}teams/v3/{path}",
            json=body,
            headers={"Authorization": f"Bearer {bearer}"},
        ) as answer:
            text = await answer.read()
            return answer.status, (await answer.json() if text else None)

    async def send(self, conversation: str, **activity: object) -> str:
        """Send a message; gives its id."""
        path = f"conversations/{quote(conversation)}/activities"
        status, body = await self.call("POST", path, {"type": "message", **activity})
        assert status == 201, body
        return str(body["id"])


@pytest.fixture
async def stand(world: World) -> AsyncIterator[Stand]:
    async with aiohttp.ClientSession(trust_env=False) as http:
        bot = Stand(world.sandbox, http)
        app = web.Application()
        app.add_routes([web.post("/api/messages", bot.messages)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        await world.post("bot", url=f"http://127.0.0.1:{runner.addresses[0][1]}")
        yield bot
        await runner.cleanup()


def card(*actions: Mapping[str, object], text: str = "Deal", **more: object) -> dict[str, object]:
    return {
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": [
            {"type": "TextBlock", "text": text},
            {"type": "Input.Text", "id": "value", "label": "Value", "value": "30000"},
            {"type": "Input.Text", "id": "notes", "label": "Notes"},
        ],
        "actions": list(actions),
        **more,
    }


def attach(content: Mapping[str, object], kind: str = ADAPTIVE) -> list[dict[str, object]]:
    return [{"contentType": kind, "content": content}]


SAVE = {"type": "Action.Execute", "title": "Save", "verb": "save", "data": {"deal": "d1"}}
SUBMIT = {"type": "Action.Submit", "title": "Send", "data": {"verb": "send"}}


async def test_personal_message_in_teams_shape(world: World, stand: Stand) -> None:
    sent = await world.says("ben", "list <mine> & all", locale="de-DE", timezone="Europe/Berlin")
    assert sent.status == 200
    activity = stand.activities[0]
    assert activity["type"] == "message"
    assert activity["text"] == "list <mine> & all"
    assert activity["id"] == sent.id
    assert activity["channelId"] == "msteams"
    assert activity["serviceUrl"] == f"{world.sandbox.page}teams/"
    assert activity["from"] == {"id": BEN.teams_id, "name": BEN.name, "aadObjectId": BEN.oid}
    assert activity["recipient"] == {"id": BOT_ID, "name": "Dealdesk"}
    assert activity["conversation"] == {
        "conversationType": "personal",
        "tenantId": TENANT_ID,
        "id": "a:personal-ben",
    }
    assert activity["channelData"] == {"tenant": {"id": TENANT_ID}}
    assert activity["entities"][0]["timezone"] == "Europe/Berlin"
    assert activity["locale"] == "de-DE"
    assert "replyToId" not in activity
    claims = stand.claims[0]
    assert claims["exp"] - claims["nbf"] == 3900
    assert claims["nbf"] <= time.time() < claims["exp"]


async def test_only_a_mention_reaches_the_bot_in_a_channel(world: World, stand: Stand) -> None:
    unheard = await world.says("ben", "lunch?", "general", mention=False)
    assert unheard.status is None
    first = await world.says("ben", "show #1001", "general")
    again = await world.says("cleo", "me too", "general", thread=first.id)
    assert [activity["id"] for activity in stand.activities] == [first.id, again.id]
    activity = stand.activities[0]
    assert activity["text"] == "<at>Dealdesk</at> show #1001\n"
    assert activity["entities"][0]["type"] == "mention"
    assert activity["entities"][0]["mentioned"]["id"] == BOT_ID
    assert activity["attachments"][0]["contentType"] == "text/html"
    assert activity["conversation"]["id"] == f"{GENERAL};messageid={first.id}"
    assert activity["conversation"]["isGroup"] is True
    assert activity["channelData"]["team"]["id"] == GENERAL
    assert activity["channelData"]["channel"]["id"] == GENERAL
    assert stand.activities[1]["conversation"]["id"] == f"{GENERAL};messageid={first.id}"


async def test_stranger_is_not_in_the_group(world: World, stand: Stand) -> None:
    with pytest.raises(Refused, match="not in"):
        await world.says("eve", "hello", "group")
    assert (await world.says("ada", "hello", "group")).status == 200


async def test_send_reply_update_delete(world: World, stand: Stand) -> None:
    said = await world.says("ben", "hi")
    path = f"conversations/{quote('a:personal-ben')}/activities"
    status, body = await stand.call("POST", f"{path}/{said.id}", {"type": "message", "text": "yes"})
    assert (status, body["id"][:2]) == (201, "1:")
    heard = await world.hears("ben")
    assert (heard.text, heard.raw["reply_to"]) == ("yes", said.id)
    status, again = await stand.call(
        "PUT", f"{path}/{quote(body['id'])}", {"type": "message", "text": "no"}
    )
    assert (status, again) == (200, {"id": body["id"]})
    heard = await world.hears("ben")
    assert (heard.text, heard.raw["updated"]) == ("no", 1)
    status, nothing = await stand.call("DELETE", f"{path}/{quote(body['id'])}")
    assert (status, nothing) == (200, None)
    gone = (await world.messages("ben"))[-1]
    assert (gone.raw["deleted"], gone.words) == (True, "")
    calls = await world.connector()
    assert [(call["op"], call["status"]) for call in calls] == [
        ("reply", 201),
        ("update", 200),
        ("delete", 200),
    ]
    assert {call["activity_id"] for call in calls} == {body["id"]}


async def test_reply_in_a_channel_stays_in_its_thread(world: World, stand: Stand) -> None:
    said = await world.says("ben", "hi", "general")
    await stand.send(f"{GENERAL};messageid={said.id}", text="in the thread")
    await stand.send(GENERAL, text="a new post")
    found = {m.text: m.raw["thread"] for m in await world.messages("eve", "general")}
    assert found["in the thread"] == said.id
    assert found["a new post"] is None
    thread = await world.messages("eve", f"{GENERAL};messageid={said.id}")
    assert [message.text for message in thread] == ["hi", "in the thread"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "conversations/a:nobody/activities", {}, 404, "ConversationNotFound"),
        ("PUT", "conversations/a:personal-ben/activities/1", {}, 404, "ActivityNotFound"),
        ("DELETE", "conversations/a:personal-ben/activities/1", None, 404, "ActivityNotFound"),
        ("POST", "conversations/a:personal-ben/activities", {"text": ""}, 400, "BadSyntax"),
        (
            "POST",
            "conversations/a:personal-ben/activities",
            {"text": "x" * 51_200},
            413,
            "MessageSizeTooBig",
        ),
        (
            "POST",
            "conversations/a:personal-ben/activities",
            {"attachments": attach({"type": "Card"})},
            400,
            "BadSyntax",
        ),
        ("GET", "conversations/a:nobody/members", None, 404, "ConversationNotFound"),
        ("POST", "conversations", {"members": [{"id": "29:nobody"}]}, 403, "Forbidden"),
        (
            "POST",
            "conversations",
            {"members": [{"id": "29:nobody"}], "tenantId": TENANT_ID},
            400,
            "BadSyntax",
        ),
        ("POST", "conversations", {"isGroup": True, "members": []}, 400, "BadSyntax"),
    ],
)
async def test_refusals_of_the_connector(
    world: World,
    stand: Stand,
    method: str,
    path: str,
    body: Mapping[str, object] | None,
    status: int,
    code: str,
) -> None:
    sent = None if body is None else {"type": "message", "text": "t", **body}
    got, answer = await stand.call(method, path, sent)
    assert got == status
    assert answer["error"]["code"].startswith(code)
    assert answer["error"]["message"]
    assert [call["status"] for call in await world.connector()] == [status]


async def test_connector_wants_the_apps_own_token(world: World, stand: Stand) -> None:
    path = "conversations/a:personal-ben/activities"
    message = {"type": "message", "text": "t"}
    for token in ("", "garbage", jwt.encode({"aud": "x"}, "k" * 32, algorithm="HS256")):
        status, body = await stand.call("POST", path, message, token=token)
        assert (status, list(body)) == (401, ["message"])
    assert await world.messages("ben") == []


async def test_removed_or_blocked_bot_may_not_write(world: World, stand: Stand) -> None:
    removed = await world.post("teams/install", conversation="a:personal-ben", remove=True)
    assert removed["statuses"] == [200, 200]
    path = "conversations/a:personal-ben/activities"
    message = {"type": "message", "text": "t"}
    status, body = await stand.call("POST", path, message)
    assert (status, body["error"]["code"]) == (403, "BotNotInConversationRoster")
    await world.post("teams/install", conversation="a:personal-ben")
    update, installation = stand.activities[-2:]
    assert update["type"] == "conversationUpdate"
    assert update["membersAdded"] == [{"id": BOT_ID}]
    assert (installation["type"], installation["action"]) == ("installationUpdate", "add")
    await world.teams(blocked={"ben": True})
    status, body = await stand.call("POST", path, message)
    assert (status, body["error"]["code"]) == (403, "MessageWritesBlocked")


async def test_personal_chat_is_opened_and_members_are_told(world: World, stand: Stand) -> None:
    created = await stand.call(
        "POST", "conversations", {"members": [{"id": CLEO.teams_id}], "tenantId": TENANT_ID}
    )
    assert created == (201, {"id": "a:personal-cleo"})
    status, members = await stand.call("GET", f"conversations/{quote(GENERAL)}/members")
    assert status == 200
    assert {member["aadObjectId"] for member in members} == {p.oid for p in PEOPLE.values()}
    status, page = await stand.call(
        "GET", f"conversations/{quote(GENERAL)}/pagedmembers?pageSize=50"
    )
    assert len(page["members"]) == len(PEOPLE)
    status, one = await stand.call(
        "GET", f"conversations/{quote(GENERAL)}/members/{quote(BEN.teams_id)}"
    )
    assert one["userPrincipalName"] == BEN.email


async def test_the_roster_tells_who_owns_the_team_and_only_of_a_team(
    world: World, stand: Stand
) -> None:
    async def owners(conversation: str) -> set[str]:
        path = f"conversations/{quote(conversation)}/pagedmembers?pageSize=50"
        _status, page = await stand.call("GET", path)
        return {seat["name"] for seat in page["members"] if seat["userRole"] == "owner"}

    assert await owners(GENERAL) == {PEOPLE["ada"].name}
    await world.post("teams/owners", people=["ben", "dana"])
    assert await owners(GENERAL) == {BEN.name, PEOPLE["dana"].name}
    assert await owners(DEAL_ROOM) == set()
    await world.post("reset")
    assert await owners(GENERAL) == {PEOPLE["ada"].name}


async def test_targeted_message_is_for_one_person(world: World, stand: Stand) -> None:
    path = f"conversations/{quote(GENERAL)}/activities?isTargetedActivity=true"
    message = {"type": "message", "text": "psst", "recipient": {"id": BEN.teams_id}}
    status, body = await stand.call("POST", path, message)
    assert status == 201
    assert [m.text for m in await world.messages("ben", "general")] == ["psst"]
    assert await world.messages("cleo", "general") == []
    plain = f"conversations/{quote(GENERAL)}/activities/{body['id']}"
    assert (await stand.call("PUT", plain, message))[0] == 404
    assert (await stand.call("PUT", f"{plain}?isTargetedActivity=true", message))[0] == 200
    personal = "conversations/a:personal-ben/activities?isTargetedActivity=true"
    assert (await stand.call("POST", personal, message))[0] == 400


async def test_text_beside_a_card_is_split_and_has_no_id(world: World, stand: Stand) -> None:
    status, body = await stand.call(
        "POST",
        "conversations/a:personal-ben/activities",
        {"type": "message", "text": "look", "attachments": attach(card(SAVE))},
    )
    assert (status, body) == (201, {})
    assert len(await world.messages("ben")) == 2


async def test_execute_is_an_invoke_and_its_card_is_for_the_presser(
    world: World, stand: Stand
) -> None:
    message_id = await stand.send(GENERAL, attachments=attach(card(SAVE)))
    stand.answer = {"statusCode": 200, "type": ADAPTIVE, "value": card(text="Saved")}
    clicked = await world.clicks(
        "ben", "Save", inputs={"value": "31000"}, where="general", message=message_id
    )
    assert clicked.answer == stand.answer
    activity = stand.activities[0]
    assert (activity["type"], activity["name"]) == ("invoke", "adaptiveCard/action")
    assert activity["replyToId"] == message_id
    assert activity["conversation"]["id"] == f"{GENERAL};messageid={message_id}"
    assert activity["value"] == {
        "action": {
            "type": "Action.Execute",
            "title": "Save",
            "verb": "save",
            "data": {"deal": "d1", "value": "31000"},
        },
        "trigger": "manual",
    }
    heard = await world.hears("ben", "general")
    assert "Saved" in texts(world.card("ben", "general"))
    assert heard.raw["own_view"] is True
    others = (await world.messages("cleo", "general"))[0]
    assert "Deal" in others
    await stand.call(
        "PUT",
        f"conversations/{quote(GENERAL)}/activities/{message_id}",
        {"type": "message", "attachments": attach(card(text="For all"))},
    )
    assert "For all" in await world.hears("ben", "general", until="For all")


@pytest.mark.parametrize(
    ("status", "answer", "notice"),
    [
        (
            200,
            {
                "statusCode": 200,
                "type": "application/vnd.microsoft.activity.message",
                "value": "Working on it",
            },
            "Working on it",
        ),
        (200, None, "Something went wrong. Please try again."),
        (500, None, "Something went wrong. Please try again."),
        (
            200,
            {"statusCode": 400, "type": ADAPTIVE, "value": {}},
            "Something went wrong. Please try again.",
        ),
    ],
)
async def test_other_invoke_answers_leave_the_card(
    world: World, stand: Stand, status: int, answer: object, notice: str
) -> None:
    await stand.send("a:personal-ben", attachments=attach(card(SAVE)))
    stand.answer, stand.status = answer, status
    await world.clicks("ben", "Save")
    heard = await world.hears("ben", until=notice)
    assert heard.notice == notice
    assert buttons(world.card("ben")) == ["Save"]


async def test_submit_is_a_message_with_a_value(world: World, stand: Stand) -> None:
    message_id = await stand.send("a:personal-ben", attachments=attach(card(SAVE, SUBMIT)))
    await world.clicks("ben", "Send", inputs={"notes": "soon"})
    activity = stand.activities[0]
    assert activity["type"] == "message"
    assert "text" not in activity
    assert activity["value"] == {"verb": "send", "value": "30000", "notes": "soon"}
    assert activity["replyToId"] == message_id


async def test_client_refuses_what_it_would_not_send(world: World, stand: Stand) -> None:
    required = {
        **card(SAVE),
        "body": [
            {
                "type": "Input.Text",
                "id": "value",
                "isRequired": True,
                "regex": "^[0-9]+$",
                "errorMessage": "A number",
            }
        ],
    }
    await stand.send("a:personal-ben", attachments=attach(required))
    for inputs in ({}, {"value": "ten"}):
        with pytest.raises(Refused, match="A number"):
            await world.clicks("ben", "Save", inputs=inputs)
    with pytest.raises(Refused, match="no card in sight"):
        await world.clicks("ben", "Register")
    assert stand.activities == []
    await world.clicks("ben", verb="save", data={"deal": "d1"}, inputs={"value": "10"})
    assert len(stand.activities) == 1


async def test_same_activity_can_be_delivered_again(world: World, stand: Stand) -> None:
    sent = await world.says("ben", "hi", times=3, together=True)
    assert sent.statuses == [200, 200, 200]
    assert {activity["id"] for activity in stand.activities} == {sent.id}
    await world.teams(retries=2)
    stand.status = 503
    retried = await world.says("ben", "hello", id="f:twice")
    assert retried.statuses == [503, 503, 503]
    assert {activity["id"] for activity in stand.activities[3:]} == {"f:twice"}


def oauth_card(world: World) -> dict[str, object]:
    return {
        "text": "Sign in",
        "connectionName": "PartnerCenter",
        "tokenExchangeResource": {"id": "exchange-1", "uri": f"api://botid-{APP_ID}"},
        "buttons": [
            {"type": "signin", "title": "Sign in", "value": "http://127.0.0.1:1/auth/start?state=s"}
        ],
    }


async def test_silent_sign_in_by_every_open_client(
    world: World, stand: Stand, sandbox: Sandbox
) -> None:
    await world.teams(sso={"ben": True}, clients={"ben": 2})
    await world.says("ben", "sign in")
    content = oauth_card(world)
    kind = "application/vnd.microsoft.card.oauth"
    await stand.send("a:personal-ben", attachments=attach(content, kind))
    seen = await world.sees("ben", lambda messages: bool(messages[-1].raw["signed_in"]))
    assert seen[-1].sign_in is None
    invokes = [activity for activity in stand.activities if activity["type"] == "invoke"]
    assert [invoke["name"] for invoke in invokes] == ["signin/tokenExchange"] * 2
    assert len({invoke["id"] for invoke in invokes}) == 2
    value = invokes[0]["value"]
    assert (value["id"], value["connectionName"]) == ("exchange-1", "PartnerCenter")
    claims = jwt.decode(value["token"], options={"verify_signature": False})
    assert (claims["aud"], claims["oid"]) == (f"api://botid-{APP_ID}", BEN.oid)
    await exchange_on_behalf_of(sandbox, value["token"])


async def exchange_on_behalf_of(sandbox: Sandbox, assertion: str) -> None:
    """The token that Teams sent can be exchanged, and one for another audience cannot."""
    settings = sandbox.settings

    def ask(token: str) -> dict[str, Any]:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                f"{settings['DEALDESK_AUTHORITY']}/oauth2/v2.0/token",
                data={
                    "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                    "requested_token_use": "on_behalf_of",
                    "client_id": APP_ID,
                    "client_secret": settings["DEALDESK_APP_SECRET"],
                    "assertion": token,
                    "scope": "https://api.partner.microsoft.com/.default offline_access openid",
                },
                verify=settings["DEALDESK_CA_FILE"],
            )
            return dict(answer.json())

    result = await asyncio.to_thread(ask, assertion)
    claims = jwt.decode(result["access_token"], options={"verify_signature": False})
    assert (claims["aud"], claims["oid"]) == ("https://api.partner.microsoft.com", BEN.oid)
    assert {"refresh_token", "id_token"} <= set(result)
    refused = await asyncio.to_thread(ask, result["access_token"])
    assert (refused["error"], refused["error_codes"]) == ("invalid_grant", [50013])


async def test_failed_silent_sign_in_leaves_the_button(world: World, stand: Stand) -> None:
    await world.teams(sso={"ben": True})
    stand.status = 412
    await world.says("ben", "sign in")
    kind = "application/vnd.microsoft.card.oauth"
    await stand.send("a:personal-ben", attachments=attach(oauth_card(world), kind))
    heard = await world.hears("ben")
    assert heard.sign_in is not None
    with pytest.raises(NothingHeard):
        await world.hears("ben", until="never", within=0.3)
    assert [a["name"] for a in stand.activities if a["type"] == "invoke"] == [
        "signin/tokenExchange"
    ]
    assert (await world.messages("ben"))[-1].sign_in is not None
    assert await world.sign_in_link("ben") == "http://127.0.0.1:1/auth/start?state=s"


async def test_card_refreshes_for_those_it_names_once_a_minute(world: World, stand: Stand) -> None:
    refresh = {
        "action": {"type": "Action.Execute", "verb": "again", "data": {"deal": "d1"}},
        "userIds": [BEN.teams_id],
    }
    await stand.send(GENERAL, attachments=attach(card(refresh=refresh)))
    stand.answer = {"statusCode": 200, "type": ADAPTIVE, "value": card(text="Fresh for Ben")}

    async def looks(person: str) -> int:
        return int(
            (await world.post("teams/look", person=person, conversation=GENERAL))["refreshed"]
        )

    assert await looks("cleo") == 0
    assert await looks("ben") == 1
    assert await looks("ben") == 0
    assert stand.activities[0]["value"]["trigger"] == "automatic"
    assert "Fresh for Ben" in (await world.messages("ben", "general"))[0]
    assert "Fresh for Ben" not in (await world.messages("cleo", "general"))[0]
    await world.post("clock", advance=61)
    assert await looks("ben") == 1


async def test_raw_delivery_with_a_changed_token(world: World, stand: Stand) -> None:
    activity = await world.activity("ben", "hi")
    assert (await world.deliver(activity)).status == 200
    for token in (
        {"claims": {"aud": TENANT_ID}},
        {"claims": {"iss": "https://evil.example"}},
        {"claims": {"exp": 1}},
        {"claims": {"exp": None}},
        {"claims": {"serviceurl": "http://127.0.0.1:1/teams/"}},
        {"headers": {"kid": "unknown"}},
        {"authorization": ""},
        {"authorization": "Bearer abc"},
    ):
        assert (await world.deliver(activity, token)).status == 403, token
    assert len(stand.activities) == 1


async def test_key_roll_over_of_the_channel(world: World, stand: Stand) -> None:
    await world.says("ben", "before")
    await world.post("entra/roll", which="channel", keep_old=False)
    assert (await world.says("ben", "after")).status == 200


async def test_faults_of_connector_and_keys(world: World, stand: Stand) -> None:
    await world.fault(
        "status",
        api="connector",
        method="POST",
        path="activities",
        status=429,
        headers={"Retry-After": "2"},
    )
    path = "conversations/a:personal-ben/activities"
    message = {"type": "message", "text": "t"}
    assert (await stand.call("POST", path, message))[0] == 429
    assert (await stand.call("POST", path, message))[0] == 201
    await world.fault("drop_before", api="connector", path="activities")
    with pytest.raises(aiohttp.ClientError):
        await stand.call("POST", path, message)
    assert [call["status"] for call in await world.connector()] == [429, 201, None]
    await world.fault("status", api="keys", status=500)
    assert (await world.says("ben", "hi")).status == 403
    assert (await world.says("ben", "hi")).status == 200


async def test_bot_that_is_not_there(world: World, stand: Stand) -> None:
    await world.post("bot", url="http://127.0.0.1:9")
    assert (await world.says("ben", "hi")).status is None
