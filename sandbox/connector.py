"""The Bot Connector REST interface, version 3, as Teams serves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.activities import member
from sandbox.chats import BOT, TEAM_ID, Chat, ChatKind, Message, NoSuchChat
from sandbox.connector_shape import (
    ConnectorRefused,
    Json,
    attachments,
    channel_of,
    check_message,
    parsed,
    parts,
    person_of,
    tenant_of,
    text_of,
)
from sandbox.entra_tokens import EntraTokens
from sandbox.faults import NO_ANSWER
from sandbox.keys import BadToken
from sandbox.people import APP_ID, PEOPLE, TENANT_ID
from sandbox.teams import Teams

PAGE_SIZES = range(50, 501)
"""What `pageSize` may be; anything else is taken as the nearest of these."""


@dataclass(slots=True)
class ConnectorCall:
    """One call of the connector; `status` is None when no answer left."""

    seq: int
    at: datetime
    op: str
    conversation: str | None
    activity_id: str | None
    body: object
    status: int | None = None


CALL = web.RequestKey("connector_call", ConnectorCall)
OPERATIONS: Mapping[tuple[str, str], str] = {
    ("POST", "conversations"): "create",
    ("POST", "activities"): "send",
    ("POST", "{activity}"): "reply",
    ("PUT", "{activity}"): "update",
    ("DELETE", "{activity}"): "delete",
    ("GET", "members"): "members",
    ("GET", "{member}"): "members",
    ("GET", "pagedmembers"): "members",
    ("GET", "conversations"): "channels",
}
"""What a call is named in the record, by method and the end of its route."""


@dataclass(slots=True)
class Connector:
    """The handlers and the record of calls."""

    teams: Teams
    tokens: EntraTokens
    now: Callable[[], datetime]
    calls: list[ConnectorCall] = field(default_factory=list)

    def routes(self) -> list[web.RouteDef]:
        """Routes below the service URL."""
        chat = "/v3/conversations/{conversation}"
        activity = f"{chat}/activities/{{activity}}"
        return [
            web.post("/v3/conversations", self.create),
            web.post(f"{chat}/activities", self.send),
            web.post(activity, self.send),
            web.put(activity, self.update),
            web.delete(activity, self.delete),
            web.get(f"{chat}/members", self.members),
            web.get(f"{chat}/members/{{member}}", self.one_member),
            web.get(f"{chat}/pagedmembers", self.paged_members),
            web.get("/v3/teams/{team}/conversations", self.channels),
        ]

    @web.middleware
    async def record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Middleware, outermost: note every call and how it was answered."""
        raw = await request.read()
        call = ConnectorCall(
            seq=len(self.calls) + 1,
            at=self.now(),
            op=_operation(request),
            conversation=request.match_info.get("conversation"),
            activity_id=request.match_info.get("activity"),
            body=parsed(raw),
        )
        self.calls.append(call)
        request[CALL] = call
        response = await handler(request)
        call.status = None if response.get(NO_ANSWER) else response.status
        return response

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Middleware, innermost: the app's token, and refusals in the connector's shape."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            if scheme != "Bearer" or self.tokens.read_app(token) != APP_ID:
                raise BadToken("not this bot")
            return await handler(request)
        except BadToken:
            denied = {"message": "Authorization has been denied for this request."}
            return web.json_response(denied, status=401)
        except NoSuchChat:
            return ConnectorRefused(
                404, "ConversationNotFound", "Conversation not found."
            ).response()
        except ConnectorRefused as refused:
            return refused.response()

    async def send(self, request: web.Request) -> web.Response:
        """Send to a conversation, or reply to one of its activities."""
        activity = _body(request)
        chat, root = self._writable(request.match_info["conversation"])
        kind = activity.get("type")
        if kind == "typing":
            self.teams.typing(chat)
            return web.json_response({}, status=201)
        if kind != "message":
            raise ConnectorRefused(400, "BadSyntax", f"Activity type {kind!r} is not supported.")
        check_message(activity)
        reply_to = request.match_info.get("activity") or text_of(activity, "replyToId") or None
        if reply_to and root is None and chat.kind is ChatKind.CHANNEL:
            root = self._root_of(chat, reply_to)
        only_for = self._recipient(request, chat, activity)
        ids = [
            self._post(chat, part, root=root, reply_to=reply_to, only_for=only_for)
            for part in parts(activity)
        ]
        self._name(request, ids[-1])
        return web.json_response({"id": ids[0]} if len(ids) == 1 else {}, status=201)

    async def update(self, request: web.Request) -> web.Response:
        """Edit one of the bot's own messages."""
        activity = _body(request)
        message = self._own_message(request)
        check_message(activity)
        message.text = text_of(activity, "text")
        message.attachments = attachments(activity)
        message.summary = text_of(activity, "summary")
        self.teams.changed(message)
        return web.json_response({"id": message.id})

    async def delete(self, request: web.Request) -> web.Response:
        """Delete one of the bot's own messages."""
        self.teams.removed(self._own_message(request))
        return web.Response(status=200)

    async def create(self, request: web.Request) -> web.Response:
        """Open the personal chat with one person, or a new thread in a channel."""
        body = _body(request)
        if body.get("isGroup") is True and not channel_of(body):
            raise ConnectorRefused(400, "BadSyntax", "Incorrect conversation creation parameters")
        channel = channel_of(body)
        if channel:
            return self._create_thread(request, channel, body)
        if tenant_of(body) != TENANT_ID:
            raise ConnectorRefused(403, "Forbidden", "The bot is not installed in this tenant.")
        people = body.get("members")
        person = person_of(people[0]) if isinstance(people, list) and len(people) == 1 else None
        if person is None:
            raise ConnectorRefused(400, "BadSyntax", "Bot is not able to find the member.")
        chat, _ = self.teams.chats.find(f"a:personal-{person.key}")
        if not chat.installed:
            raise ConnectorRefused(
                403,
                "ForbiddenOperationException",
                "The bot is not installed in user's personal scope",
            )
        self._name(request, None, chat.id)
        return web.json_response({"id": chat.id}, status=201)

    async def members(self, request: web.Request) -> web.Response:
        """The whole roster."""
        chat, _ = self._readable(request.match_info["conversation"])
        return web.json_response([self._seat(chat, key) for key in chat.members])

    async def one_member(self, request: web.Request) -> web.Response:
        """One member, by Teams id or by object id."""
        chat, _ = self._readable(request.match_info["conversation"])
        person = person_of({"id": request.match_info["member"]})
        if person is None or person.key not in chat.members:
            raise ConnectorRefused(404, "MemberNotFoundInConversation", "Member not found.")
        return web.json_response(self._seat(chat, person.key))

    async def paged_members(self, request: web.Request) -> web.Response:
        """The roster by pages; the continuation token is opaque to the bot."""
        chat, _ = self._readable(request.match_info["conversation"])
        try:
            size = int(request.query.get("pageSize", PAGE_SIZES[-1]))
            start = int(request.query.get("continuationToken", 0))
        except ValueError as error:
            raise ConnectorRefused(400, "BadArgument", "Not a page.") from error
        size = min(max(size, PAGE_SIZES[0]), PAGE_SIZES[-1])
        shown = [self._seat(chat, key) for key in chat.members[start : start + size]]
        more = start + size < len(chat.members)
        token = {"continuationToken": str(start + size)} if more else {}
        return web.json_response({"members": shown, **token})

    async def channels(self, request: web.Request) -> web.Response:
        """The channels of the team; General has no name, as in Teams."""
        if request.match_info["team"] != TEAM_ID:
            raise ConnectorRefused(404, "TeamNotFound", "Team not found.")
        chats = self.teams.chats.of("ada")
        return web.json_response(
            {
                "conversations": [
                    {"id": chat.id, "name": None if chat.id == TEAM_ID else chat.name}
                    for chat in chats
                    if chat.kind is ChatKind.CHANNEL
                ]
            }
        )

    def _seat(self, chat: Chat, key: str) -> dict[str, object]:
        return member(PEOPLE[key], self.teams.chats.role_of(chat, key))

    def _create_thread(self, request: web.Request, channel: str, body: Json) -> web.Response:
        chat, _ = self._writable(channel)
        activity = body.get("activity")
        if not isinstance(activity, Mapping):
            raise ConnectorRefused(400, "BadSyntax", "Activity is required for a new thread.")
        check_message(activity)
        new_id = self._post(chat, activity, root=None, reply_to=None, only_for=None)
        self._name(request, new_id, chat.thread_id(new_id))
        answer = {"id": chat.thread_id(new_id), "activityId": new_id}
        return web.json_response(answer, status=201)

    def _post(
        self,
        chat: Chat,
        activity: Json,
        *,
        root: str | None,
        reply_to: str | None,
        only_for: str | None,
    ) -> str:
        message = Message(
            id=self.teams.chats.new_id(chat, BOT),
            chat=chat.id,
            author=BOT,
            at=self.now(),
            text=text_of(activity, "text"),
            attachments=attachments(activity),
            summary=text_of(activity, "summary"),
            thread=root,
            only_for=only_for,
            reply_to=reply_to,
        )
        self.teams.posted(message)
        return message.id

    def _readable(self, conversation: str) -> tuple[Chat, str | None]:
        chat, root = self.teams.chats.find(conversation)
        if not chat.installed:
            raise ConnectorRefused(
                403, "BotNotInConversationRoster", "The bot is not part of the conversation roster."
            )
        return chat, root

    def _writable(self, conversation: str) -> tuple[Chat, str | None]:
        chat, root = self._readable(conversation)
        person = chat.members[0] if chat.kind is ChatKind.PERSONAL else None
        if person and self.teams.clients[person].blocked:
            raise ConnectorRefused(403, "MessageWritesBlocked", "Message writes are blocked.")
        return chat, root

    def _root_of(self, chat: Chat, message_id: str) -> str:
        replied = self.teams.chats.message(chat.id, message_id)
        return replied.thread or replied.id

    def _recipient(self, request: web.Request, chat: Chat, activity: Json) -> str | None:
        """Whom a targeted message is for; None for an ordinary one."""
        if request.query.get("isTargetedActivity") != "true":
            return None
        if chat.kind is ChatKind.PERSONAL:
            raise ConnectorRefused(400, "BadArgument", "Not supported in personal chat.")
        person = person_of(activity.get("recipient"))
        if person is None or person.key not in chat.members:
            raise ConnectorRefused(400, "BadArgument", "The recipient is not a member.")
        return person.key

    def _own_message(self, request: web.Request) -> Message:
        chat, _ = self._writable(request.match_info["conversation"])
        try:
            message = self.teams.chats.message(chat.id, request.match_info["activity"])
        except NoSuchChat as error:
            raise ConnectorRefused(
                404, "ActivityNotFoundInConversation", "Activity not found."
            ) from error
        targeted = request.query.get("isTargetedActivity") == "true"
        if message.deleted or targeted != (message.only_for is not None):
            raise ConnectorRefused(404, "ActivityNotFoundInConversation", "Activity not found.")
        if message.author != BOT:
            raise ConnectorRefused(403, "Forbidden", "Only the bot's own messages can be changed.")
        return message

    @staticmethod
    def _name(request: web.Request, activity_id: str | None, chat_id: str | None = None) -> None:
        """Put the ids that came of a call into its record."""
        call = request[CALL]
        call.activity_id = activity_id or call.activity_id
        call.conversation = chat_id or call.conversation


def _operation(request: web.Request) -> str:
    resource = request.match_info.route.resource
    end = resource.canonical.rpartition("/")[2] if resource else ""
    return OPERATIONS.get((request.method, end), "other")


def _body(request: web.Request) -> Json:
    body = request[CALL].body
    if not isinstance(body, Mapping):
        raise ConnectorRefused(400, "BadSyntax", "The body is not a JSON object.")
    return body
