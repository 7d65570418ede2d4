"""Control routes for Teams: speak, press, look, install, and read what a person sees."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from zoneinfo import available_timezones

from aiohttp import web

from sandbox.activities import Client, said
from sandbox.body import BadCall, Body, answer
from sandbox.chats import ChatKind, chat_facts
from sandbox.delivery import Answer, TokenChange
from sandbox.house import House
from sandbox.people import PEOPLE

PERSON_SWITCHES = frozenset(field.name for field in dataclasses.fields(Client))


def routes(house: House) -> list[web.RouteDef]:
    """All of them, below `/_sandbox`."""
    control = TeamsControl(house)
    return [
        web.post("/_sandbox/teams/say", control.say),
        web.post("/_sandbox/teams/click", control.click),
        web.post("/_sandbox/teams/activity", control.activity),
        web.post("/_sandbox/teams/deliver", control.deliver),
        web.post("/_sandbox/teams/look", control.look),
        web.post("/_sandbox/teams/install", control.install),
        web.post("/_sandbox/teams/verify-state", control.verify_state),
        web.post("/_sandbox/teams/switches", control.switches),
        web.post("/_sandbox/teams/channels", control.channels),
        web.post("/_sandbox/teams/owners", control.owners),
        web.get("/_sandbox/teams/conversations", control.conversations),
        web.get("/_sandbox/teams/messages", control.messages),
    ]


class TeamsControl:
    """The handlers."""

    def __init__(self, house: House) -> None:
        self.teams = house.teams

    async def say(self, request: web.Request) -> web.Response:
        """`{"person", "conversation", "text", "mention", "thread", "id", "locale", "timezone",
        "times", "together"}`: a person types. `status` is None when nothing reached the bot."""
        body = await Body.of(request)
        key = body.person()
        message, answers = await self.teams.say(
            key,
            _place(body),
            body.text("text"),
            mention=body.flag("mention", True),
            activity_id=body.optional("id"),
            client=self._client(key, body),
            times=body.count("times", 1),
            together=body.flag("together", False),
        )
        return answer({"id": message.id, **_statuses(answers)})

    async def click(self, request: web.Request) -> web.Response:
        """`{"person", "conversation", "message", "title" or "verb" (+ "data"), "inputs", "times",
        "together"}`: a person presses a button of a card they see."""
        body = await Body.of(request)
        title, verb = body.optional("title"), body.optional("verb")
        if title is None and verb is None:
            raise BadCall("a button is named by its title or its verb")
        pressed = await self.teams.click(
            body.person(),
            _place(body),
            message_id=body.optional("message"),
            title=title,
            verb=verb,
            data=body.mapping("data"),
            inputs=body.mapping("inputs"),
            times=body.count("times", 1),
            together=body.flag("together", False),
        )
        return answer({"url": pressed.url, **_statuses(pressed.answers)})

    async def activity(self, request: web.Request) -> web.Response:
        """`{"person", "conversation", "text"}`: the message activity Teams would post, unsent."""
        body = await Body.of(request)
        key = body.person()
        chat, root = self.teams.chats.find(_place(body))
        new_id = self.teams.chats.new_id(chat, key)
        if chat.kind is ChatKind.CHANNEL:
            root = root or new_id
        origin = self.teams.origin(key, chat, root, self._client(key, body))
        mention = chat.kind is not ChatKind.PERSONAL
        return answer({"activity": said(origin, new_id, body.text("text"), mention=mention)})

    async def deliver(self, request: web.Request) -> web.Response:
        """`{"activity": {...}, "token": {"claims", "headers", "authorization"}, "times", "bot"}`:
        post this activity as it is, signed, with these changes to the token; `bot` is the address
        of another instance."""
        body = await Body.of(request)
        token = Body(body.mapping("token"))
        change = TokenChange(
            claims=token.mapping("claims"),
            headers=token.mapping("headers"),
            authorization=token.optional("authorization"),
        )
        activity, bot = dict(body.mapping("activity")), body.here("bot")
        answers = [
            await self.teams.delivery.send(activity, change, bot)
            for _ in range(max(1, body.count("times", 1)))
        ]
        return answer({**_statuses(tuple(answers)), "text": answers[0].text})

    async def look(self, request: web.Request) -> web.Response:
        """`{"person", "conversation"}`: open a conversation, so that its cards refresh."""
        body = await Body.of(request)
        return answer({"refreshed": await self.teams.look(body.person(), _place(body))})

    async def install(self, request: web.Request) -> web.Response:
        """`{"conversation", "person", "remove"}`: add the bot there, or take it out."""
        body = await Body.of(request)
        conversation = _place(body)
        chat, _ = self.teams.chats.find(conversation)
        key = body.person() if body.optional("person") else chat.members[0]
        added = not body.flag("remove", False)
        return answer(_statuses(await self.teams.install(key, conversation, added=added)))

    async def verify_state(self, request: web.Request) -> web.Response:
        """`{"person", "conversation", "state"}`: the client passes on a sign-in window's word."""
        body = await Body.of(request)
        told = await self.teams.verify_state(body.person(), _place(body), body.text("state"))
        return answer(_statuses((told,)))

    async def switches(self, request: web.Request) -> web.Response:
        """`{"sso": {"ben": true}, "clients", "refresh", "blocked", "locale", "timezone",
        "country", "platform", "retries": 1}`: how clients behave."""
        body = await Body.of(request)
        for name in body.members:
            if name == "retries":
                self.teams.retries = body.count("retries", 0)
            elif name in PERSON_SWITCHES:
                for key, value in body.mapping(name).items():
                    self._set(key, name, value)
            else:
                raise BadCall(f"there is no switch {name!r}")
        return answer({"retries": self.teams.retries, "people": self.teams.clients})

    async def channels(self, request: web.Request) -> web.Response:
        """`{"count": 20}`: more channels of the team; gives their ids."""
        body = await Body.of(request)
        return answer(self.teams.chats.add_channels(min(body.count("count", 1), 1000)))

    async def owners(self, request: web.Request) -> web.Response:
        """`{"people": ["ada"]}`: who owns the team from now on; everybody else is a member."""
        body = await Body.of(request)
        people = body.members.get("people")
        if not isinstance(people, list) or not set(map(str, people)) <= PEOPLE.keys():
            raise BadCall("people is a list of the keys of people")
        self.teams.chats.owners = frozenset(people)
        return answer(sorted(self.teams.chats.owners))

    async def conversations(self, request: web.Request) -> web.Response:
        """`?person=key`: the conversations they are in."""
        key = Body(request.query).person()
        return answer([chat_facts(chat) for chat in self.teams.chats.of(key)])

    async def messages(self, request: web.Request) -> web.Response:
        """`?conversation=&person=&last=N`: messages as that person sees them, oldest first; with
        `last` only the latest."""
        query = Body(request.query)
        key, last = query.person(), query.text("last", "0")
        if not last.isdecimal():
            raise BadCall("last is not a whole number")
        seen = list(self.teams.chats.seen(_place(query), key))
        return answer([message.seen_by(key) for message in seen[-int(last) :]])

    def _set(self, key: str, name: str, value: object) -> None:
        if key not in PEOPLE:
            raise BadCall(f"there is no {key!r}")
        client = self.teams.clients[key]
        if type(value) is not type(getattr(client, name)):
            raise BadCall(f"{name} cannot be {value!r}")
        if name == "timezone":
            _check_zone(str(value))
        setattr(client, name, value)

    def _client(self, key: str, body: Body) -> Client:
        usual = self.teams.clients[key]
        timezone = body.text("timezone", usual.timezone)
        _check_zone(timezone)
        return dataclasses.replace(
            usual, locale=body.text("locale", usual.locale), timezone=timezone
        )


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _check_zone(name: str) -> None:
    if name not in _zones():
        raise BadCall(f"there is no time zone {name!r}")


def _place(body: Body) -> str:
    conversation, thread = body.text("conversation"), body.optional("thread")
    return f"{conversation};messageid={thread}" if thread else conversation


def _statuses(answers: tuple[Answer, ...]) -> Mapping[str, object]:
    first = answers[0] if answers else Answer(None)
    return {
        "status": first.status,
        "answer": first.body,
        "statuses": [each.status for each in answers],
        "answers": [each.body for each in answers],
    }
