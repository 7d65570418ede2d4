"""Activities in the shape in which Teams posts them to a bot."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from sandbox.chats import TEAM_ID, TEAM_NAME, Chat, ChatKind
from sandbox.people import BOT_ID, BOT_NAME, TENANT_ID, Person

Activity = dict[str, object]
MENTION = f"<at>{BOT_NAME}</at>"


@dataclass(slots=True)
class Client:
    """One person's Teams client: language, zone, and what it does by itself."""

    locale: str = "en-US"
    timezone: str = "Etc/UTC"
    country: str = "US"
    platform: str = "Web"
    sso: bool = False
    """Answer a sign-in card silently with a single sign-on token."""
    clients: int = 1
    """How many devices are open; each answers a sign-in card for itself."""
    refresh: bool = False
    """Refresh cards that name this person in `refresh.userIds` as soon as they appear."""
    blocked: bool = False
    """The person has blocked the bot: writes to their chat answer 403."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where and from whom an activity comes."""

    person: Person
    client: Client
    chat: Chat
    root: str | None
    """The first message of the channel thread, when there is one."""
    service_url: str
    at: datetime

    def base(self, kind: str, activity_id: str) -> Activity:
        """What every activity of this origin has."""
        zone = ZoneInfo(self.client.timezone)
        return {
            "type": kind,
            "id": activity_id,
            "timestamp": _utc(self.at),
            "localTimestamp": self.at.astimezone(zone).isoformat(timespec="milliseconds"),
            "localTimezone": self.client.timezone,
            "serviceUrl": self.service_url,
            "channelId": "msteams",
            "from": account(self.person),
            "conversation": self.conversation(),
            "recipient": {"id": BOT_ID, "name": BOT_NAME},
            "entities": [self.client_info()],
            "channelData": self.channel_data(),
            "locale": self.client.locale,
        }

    def conversation(self) -> dict[str, object]:
        """The conversation account."""
        shared = {"isGroup": True} if self.chat.kind is not ChatKind.PERSONAL else {}
        return {
            **shared,
            "conversationType": self.chat.kind.value,
            "tenantId": TENANT_ID,
            "id": self.chat.thread_id(self.root),
        }

    def client_info(self) -> dict[str, object]:
        """The entity that names the client's language, country, platform and time zone."""
        return {
            "locale": self.client.locale,
            "country": self.client.country,
            "platform": self.client.platform,
            "timezone": self.client.timezone,
            "type": "clientInfo",
        }

    def channel_data(self) -> dict[str, object]:
        """Teams' own part: tenant, and team and channel where there are any."""
        tenant: dict[str, object] = {"tenant": {"id": TENANT_ID}}
        if self.chat.kind is not ChatKind.CHANNEL:
            return tenant
        return {
            "teamsChannelId": self.chat.id,
            "teamsTeamId": TEAM_ID,
            "channel": {"id": self.chat.id},
            "team": {"id": TEAM_ID, "name": TEAM_NAME},
            **tenant,
        }


def said(origin: Origin, activity_id: str, text: str, *, mention: bool) -> Activity:
    """A typed message. With a mention Teams ends the text with a line break and adds the HTML."""
    activity = origin.base("message", activity_id)
    activity["textFormat"] = "plain"
    if not mention:
        return {**activity, "text": text}
    span = (
        '<span itemscope="" itemtype="http://schema.skype.com/Mention" itemid="0">'
        f"{BOT_NAME}</span>"
    )
    html = f"<div><div>{span}&nbsp;{escape(text, quote=False)}</div>\n</div>"
    return {
        **activity,
        "text": f"{MENTION} {text}\n",
        "attachments": [{"contentType": "text/html", "content": html}],
        "entities": [
            {
                "mentioned": {"id": BOT_ID, "name": BOT_NAME},
                "text": MENTION,
                "type": "mention",
            },
            origin.client_info(),
        ],
    }


def submitted(
    origin: Origin, activity_id: str, message_id: str, value: Mapping[str, object]
) -> Activity:
    """Action.Submit: a message without text that carries the value."""
    return {
        **origin.base("message", activity_id),
        "replyToId": message_id,
        "value": dict(value),
    }


def invoked(
    origin: Origin, name: str, value: Mapping[str, object], message_id: str | None
) -> Activity:
    """An invoke: Teams waits for its answer."""
    activity = origin.base("invoke", f"f:{uuid.uuid4()}")
    reply = {"replyToId": message_id} if message_id else {}
    data = {**origin.channel_data(), "source": {"name": "message"}}
    return {**activity, **reply, "name": name, "value": dict(value), "channelData": data}


def installed(origin: Origin, *, added: bool) -> tuple[Activity, Activity]:
    """The two activities that tell of the bot being added or removed."""
    event = {"eventType": "teamMemberAdded" if added else "teamMemberRemoved"}
    data = origin.channel_data()
    update = {
        **origin.base("conversationUpdate", f"f:{uuid.uuid4()}"),
        ("membersAdded" if added else "membersRemoved"): [{"id": BOT_ID}],
        "channelData": {**data, **event} if origin.chat.kind is ChatKind.CHANNEL else data,
    }
    installation = {
        **origin.base("installationUpdate", f"f:{uuid.uuid4()}"),
        "action": "add" if added else "remove",
    }
    return update, installation


def account(person: Person) -> dict[str, object]:
    """A person as the sender of an activity."""
    return {"id": person.teams_id, "name": person.name, "aadObjectId": person.oid}


def member(person: Person, role: str = "user") -> dict[str, object]:
    """A person as the roster tells them. `role` is what Teams calls them there: owner, user or
    guest (microsoft/botbuilder-dotnet#3405)."""
    return {
        "id": person.teams_id,
        "name": person.name,
        "objectId": person.oid,
        "aadObjectId": person.oid,
        "givenName": person.first,
        "surname": person.last,
        "email": person.email,
        "userPrincipalName": person.email,
        "tenantId": TENANT_ID,
        "userRole": role,
    }


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
