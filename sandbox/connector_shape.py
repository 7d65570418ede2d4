"""What the Bot Connector takes and refuses: error bodies, message size, cards, who is meant."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

from sandbox.chats import ADAPTIVE
from sandbox.people import BY_OID, BY_TEAMS_ID, Person

SIZE_LIMIT = 100 * 1024
"""Bytes of one message counted as UTF-16 (Teams expectations 2.2)."""
Json = Mapping[str, object]


class ConnectorRefused(Exception):
    """An error in the connector's shape: `{"error": {"code", "message"}}`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def response(self) -> web.Response:
        """The refusal as it is answered."""
        body = {"error": {"code": self.code, "message": str(self)}}
        return web.json_response(body, status=self.status)


def parsed(raw: bytes) -> object:
    """A body as JSON, or as text when it is none."""
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode(errors="replace")


def check_message(activity: Json) -> None:
    """Size, and cards that Teams would not take."""
    text = json.dumps(activity, ensure_ascii=False)
    if len(text.encode("utf-16-le", "surrogatepass")) > SIZE_LIMIT:
        raise ConnectorRefused(413, "MessageSizeTooBig", "Message size too large.")
    found = attachments(activity)
    if not found and not text_of(activity, "text"):
        raise ConnectorRefused(400, "BadSyntax", "The message is empty.")
    for attachment in found:
        content = attachment.get("content")
        card = content if isinstance(content, Mapping) else {}
        if attachment.get("contentType") == ADAPTIVE and (
            card.get("type") != "AdaptiveCard" or not isinstance(card.get("body"), list)
        ):
            raise ConnectorRefused(400, "BadSyntax", "The attachment is not an Adaptive Card.")


def parts(activity: Json) -> list[Json]:
    """Teams splits text and a card into two messages (Teams expectations 2.2)."""
    if not text_of(activity, "text") or not attachments(activity):
        return [activity]
    return [{**activity, "attachments": []}, {**activity, "text": ""}]


def attachments(activity: Json) -> tuple[Json, ...]:
    """The attachments that are objects."""
    found = activity.get("attachments")
    if not isinstance(found, list):
        return ()
    return tuple(entry for entry in found if isinstance(entry, Mapping))


def text_of(activity: Json, name: str) -> str:
    """A member that is text; empty when it is not."""
    value = activity.get(name)
    return value if isinstance(value, str) else ""


def person_of(account: object) -> Person | None:
    """Whom an account names, by Teams id or object id."""
    named = account.get("id") if isinstance(account, Mapping) else None
    return BY_TEAMS_ID.get(str(named)) or BY_OID.get(str(named))


def channel_of(body: Json) -> str | None:
    """The channel a new conversation is to begin in."""
    channel = _within(body, "channel")
    return str(channel) if channel else None


def tenant_of(body: Json) -> object:
    """The tenant a new conversation is for."""
    return body.get("tenantId") or _within(body, "tenant")


def _within(body: Json, name: str) -> object:
    """`channelData.{name}.id`."""
    data = body.get("channelData")
    part = data.get(name) if isinstance(data, Mapping) else None
    return part.get("id") if isinstance(part, Mapping) else None
