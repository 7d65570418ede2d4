"""A small bot that answers with cards and verifies nothing, for tests of the chat page."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import aiohttp
from aiohttp import web

Json = dict[str, object]
ADAPTIVE = "application/vnd.microsoft.card.adaptive"
OAUTH = "application/vnd.microsoft.card.oauth"
SCOPE = "https://api.botframework.com/.default"


def text(words: str, **more: object) -> Json:
    """A TextBlock."""
    return {"type": "TextBlock", "text": words, "wrap": True, **more}


def execute(title: str, verb: str, **more: object) -> Json:
    """An Action.Execute with the fallback that Teams asks for."""
    fallback = {"type": "Action.Submit", "title": title, "data": {"verb": verb}}
    return {"type": "Action.Execute", "title": title, "verb": verb, "fallback": fallback, **more}


def card(*body: Json, actions: tuple[Json, ...] = (), **more: object) -> Json:
    """An Adaptive Card."""
    return {
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": list(body),
        "actions": list(actions),
        **more,
    }


DEAL = card(
    text("Fabrikam: cloud migration", style="heading"),
    text("Written with **care** by Ben_Okafor_ and <b>friends</b>."),
    {
        "type": "FactSet",
        "facts": [
            {"title": "Deal value", "value": "USD 25,000.00 → **USD 30,000.00**"},
            {"title": "Closing date", "value": "31 March 2026"},
        ],
    },
    {"type": "Input.Text", "id": "note", "label": "Note", "value": "as agreed"},
    actions=(
        execute("Save", "save", data={"deal": "1042"}, style="positive"),
        {"type": "Action.Submit", "title": "Send in", "data": {"verb": "send", "deal": "1042"}},
        execute("Ask why", "why"),
        execute("Break", "break"),
    ),
)


@dataclass(slots=True)
class StandInBot:
    """What the bot was told; while `hold` is cleared, whoever presses or speaks waits."""

    settings: Mapping[str, str] = field(default_factory=dict)
    activities: list[Json] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _session: aiohttp.ClientSession | None = None
    _token: str = ""

    async def start(self) -> web.AppRunner:
        """Listen on a free port of this machine; the runner's cleanup ends it."""
        app = web.Application()
        app.add_routes(
            [web.post("/api/messages", self._messages), web.get("/auth/start", self._sign_in)]
        )
        app.on_cleanup.append(self._close)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.hold.set()
        return runner

    def invokes(self, verb: str) -> list[Json]:
        """The values of the invokes of Action.Execute with this verb."""
        values = [one["value"] for one in self.activities if one["type"] == "invoke"]
        return [v for v in values if isinstance(v, dict) and _verb(v) == verb]

    def submits(self) -> list[Json]:
        """The values of Action.Submit."""
        messages = [one for one in self.activities if one["type"] == "message"]
        return [one["value"] for one in messages if isinstance(one.get("value"), dict)]  # type: ignore[misc]

    async def post(self, place: Mapping[str, object], **content: object) -> str:
        """Send a message to the conversation of an activity; returns its id."""
        answer = await self._connector("POST", place, "", {"type": "message", **content})
        return str(answer.get("id", ""))

    async def edit(self, place: Mapping[str, object], message: str, **content: object) -> None:
        """Put new content into a message."""
        await self._connector("PUT", place, f"/{quote(message)}", {"type": "message", **content})

    async def delete(self, place: Mapping[str, object], message: str) -> None:
        """Delete a message."""
        await self._connector("DELETE", place, f"/{quote(message)}", None)

    async def typing(self, place: Mapping[str, object]) -> None:
        """Show that the bot writes."""
        await self._connector("POST", place, "", {"type": "typing"})

    async def _messages(self, request: web.Request) -> web.Response:
        activity: Json = await request.json()
        self.activities.append(activity)
        if activity["type"] == "invoke":
            return await self._pressed(activity)
        if activity["type"] == "message" and isinstance(activity.get("value"), dict):
            await self.edit(
                activity, str(activity["replyToId"]), attachments=adaptive(card(text("Sent in.")))
            )
        elif activity["type"] == "message":
            await self._said(activity)
        return web.Response()

    async def _sign_in(self, request: web.Request) -> web.Response:
        page = "<!doctype html><title>Sign-in</title><p>Signing in."
        return web.Response(text=page, content_type="text/html")

    async def _said(self, activity: Json) -> None:
        words = str(activity["text"]).replace("<at>Dealdesk</at>", "").strip()
        contents: dict[str, Json] = {
            "deal": {"attachments": adaptive(DEAL)},
            "sign in": {"attachments": [sign_in(f"{self.url}/auth/start?state=made-up")]},
            "mine": {"attachments": adaptive(for_each(activity))},
        }
        if not self.hold.is_set():
            await self.typing(activity)
            await self.hold.wait()
        await self.post(activity, **contents.get(words, {"text": f"You said *{words}*."}))

    async def _pressed(self, activity: Json) -> web.Response:
        value = activity["value"]
        verb = _verb(value) if isinstance(value, dict) else ""
        await self.hold.wait()
        answers = {
            "save": _answer(ADAPTIVE, card(text("Saved."), text("USD 30,000.00", color="good"))),
            "why": _answer("application/vnd.microsoft.activity.message", "Because the value grew."),
            "look": _answer(ADAPTIVE, card(text("Only yours to decide."))),
        }
        return answers.get(verb) or web.Response(status=500)

    async def _connector(
        self, method: str, place: Mapping[str, object], path: str, body: Json | None
    ) -> Json:
        session = self._session = self._session or aiohttp.ClientSession()
        where = place["conversation"]
        chat = quote(str(where["id"]), safe="") if isinstance(where, dict) else ""
        address = f"{place['serviceUrl']}v3/conversations/{chat}/activities{path}"
        self._token = self._token or await self._fetch_token(session)
        headers = {"Authorization": f"Bearer {self._token}"}
        async with session.request(method, address, json=body, headers=headers) as response:
            response.raise_for_status()
            answer: Json = await response.json() if await response.text() else {}
            return answer

    async def _fetch_token(self, session: aiohttp.ClientSession) -> str:
        trust = ssl.create_default_context(cafile=self.settings["DEALDESK_CA_FILE"])
        form = {
            "grant_type": "client_credentials",
            "client_id": self.settings["DEALDESK_APP_ID"],
            "client_secret": self.settings["DEALDESK_APP_SECRET"],
            "scope": SCOPE,
        }
        address = f"{self.settings['DEALDESK_AUTHORITY']}/oauth2/v2.0/token"
        async with session.post(address, data=form, ssl=trust) as response:
            response.raise_for_status()
            return str((await response.json())["access_token"])

    async def _close(self, app: web.Application) -> None:
        if self._session is not None:
            await self._session.close()


def adaptive(content: Json) -> list[Json]:
    """A card as the attachments of a message."""
    return [{"contentType": ADAPTIVE, "content": content}]


def sign_in(link: str) -> Json:
    """A sign-in card that opens `link`."""
    button = {"type": "signin", "title": "Sign in", "value": link}
    content = {"text": "Sign in, please.", "connectionName": "PartnerCenter", "buttons": [button]}
    return {"contentType": OAUTH, "content": content}


def for_each(activity: Json) -> Json:
    """A card for all that shows the one who asked for it something of their own."""
    asker = activity["from"]
    ids = [asker["id"]] if isinstance(asker, dict) else []
    refresh = {"action": execute("Look", "look"), "userIds": ids}
    return card(text("Somebody has to decide."), refresh=refresh)


def _verb(value: Json) -> str:
    action = value.get("action")
    return str(action.get("verb", "")) if isinstance(action, dict) else ""


def _answer(kind: str, value: object) -> web.Response:
    return web.json_response({"statusCode": 200, "type": kind, "value": value})
