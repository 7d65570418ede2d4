"""Reads an activity as Teams sends it and turns it into the values the bot works with.

Lenient about what it does not use, strict about what it does (unknown entities must never fail a
delivery). An activity of the wrong shape raises Refused(400).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from sys import intern

from botbuilder.schema import Activity, ChannelAccount, ConversationAccount

from bot.conversation import Installed, Person, Place, PlaceKind, Pressed, Said
from bot.teams.mentions import spoken
from bot.teams.refusal import malformed

CARD_ACTION = "adaptiveCard/action"
DEFAULT_LOCALE = "en-US"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}", re.ASCII)
_ZONE = re.compile(r"[A-Za-z0-9_+/-]{1,64}", re.ASCII)
_KINDS = {
    "personal": PlaceKind.PERSONAL,
    "groupchat": PlaceKind.GROUP,
    "channel": PlaceKind.CHANNEL,
}
_TEXTS = (
    ("type", "type"),
    ("id", "id"),
    ("service_url", "serviceUrl"),
    ("channel_id", "channelId"),
    ("name", "name"),
    ("action", "action"),
    ("locale", "locale"),
    ("local_timezone", "localTimezone"),
    ("reply_to_id", "replyToId"),
)
_MAX_TEXT = 1024
_NEEDS_ID = frozenset({"message", "invoke"})


class Delivered(Activity):  # type: ignore[misc]
    """An activity as it came in, and what it says once that was worked out."""

    heard: Said | Pressed | str | None = None


def read_activity(body: Mapping[str, object]) -> Delivered:
    """The activity in a request body, without what the bot does not use. Raises Refused(400)."""
    texts = {field: _text(body, key) for field, key in _TEXTS}
    if not texts["type"] or (texts["type"] in _NEEDS_ID and not texts["id"]):
        raise malformed()
    _check_moment(body.get("timestamp"))
    activity = Delivered(**texts)
    activity.text = _text(body, "text", longest=None)
    activity.value = body.get("value")
    activity.channel_data = _mapping(body, "channelData")
    activity.entities = _mappings(body, "entities")
    activity.conversation = _conversation(_mapping(body, "conversation"))
    if activity.type in _NEEDS_ID and _kind_of(activity) is None:
        raise malformed()
    activity.from_property = _account(_mapping(body, "from"))
    activity.recipient = _account(_mapping(body, "recipient"))
    activity.members_added = [_account(item) for item in _mappings(body, "membersAdded")]
    activity.members_removed = [_account(item) for item in _mappings(body, "membersRemoved")]
    return activity


def tenant_of(activity: Activity) -> str | None:
    """The tenant the activity says it is from; None when absent or told two ways. One string for
    all of its people, as it is kept with everybody who is remembered."""
    said = {
        intern(str(tenant).lower())
        for tenant in (
            _nested(activity.channel_data, "tenant", "id"),
            activity.conversation.tenant_id,
        )
        if tenant
    }
    return said.pop() if len(said) == 1 else None


def sender_id(activity: Activity) -> str | None:
    """The Entra object id of who acts; None for bots, other tenants' people and the unknown."""
    account = activity.from_property
    found = str(account.aad_object_id or "").lower()
    if not account.id or account.id.startswith("28:") or not _GUID.fullmatch(found):
        return None
    home = account.properties.get("tenantId")
    at_home = home is None or str(home).lower() == tenant_of(activity)
    return found if at_home else None


def delivery_parts(activity: Activity) -> tuple[str, ...] | None:
    """What makes two deliveries the same one; None when Teams gave no activity id."""
    if not activity.id:
        return None
    return (tenant_of(activity) or "", activity.conversation.id, activity.id)


def person_of(activity: Activity) -> Person:
    """Who acts. Raises Refused(400) when the door let in somebody it should not have."""
    found = sender_id(activity)
    if found is None:
        raise malformed()
    account = activity.from_property
    return Person(
        tenant=tenant_of(activity) or "",
        id=found,
        name=str(account.name or "")[:256],
        teams_id=account.id,
    )


def place_of(activity: Activity, bot_id: str) -> Place:
    """Where it happens. Raises Refused(400) for a kind of conversation Teams does not have."""
    conversation = activity.conversation
    kind = _kind_of(activity)
    if kind is None:
        raise malformed()
    return Place(
        kind=kind,
        tenant=tenant_of(activity) or "",
        conversation_id=conversation.id,
        service_url=intern(activity.service_url),
        bot_id=bot_id,
        team_id=_nested(activity.channel_data, "team", "id"),
        channel_id=_nested(activity.channel_data, "channel", "id"),
    )


def _kind_of(activity: Activity) -> PlaceKind | None:
    return _KINDS.get(str(activity.conversation.conversation_type or "").lower())


def heard_in(activity: Delivered, bot_id: str) -> Said | Pressed | str | None:
    """What a person says or presses, or what is wrong with the press; None for anything else.

    Worked out once, as it is asked before a delivery is taken in and again by its turn.
    """
    if activity.heard is None and activity.type == "message":
        activity.heard = message_of(activity, bot_id)
    elif activity.heard is None and (activity.type, activity.name) == ("invoke", CARD_ACTION):
        activity.heard = execute_of(activity, bot_id)
    return activity.heard


def message_of(activity: Activity, bot_id: str) -> Said | Pressed:
    """A message: something said or, with a value and no words, an Action.Submit button."""
    text = _spoken(activity, bot_id)
    value = activity.value if isinstance(activity.value, dict) else None
    if value is not None and not text:
        return _pressed(activity, bot_id, value.get("verb"), value, invoke=False, trigger="manual")
    return Said(
        person=person_of(activity),
        place=place_of(activity, bot_id),
        activity_id=activity.id,
        text=text,
        locale=locale_of(activity),
        timezone=_timezone_of(activity),
        value=value,
    )


def execute_of(activity: Activity, bot_id: str) -> Pressed | str:
    """An Action.Execute button, or what is wrong with the invoke (Universal Actions protocol)."""
    match activity.value:
        case {"action": {"type": "Action.Execute", "verb": str(verb), **rest}}:
            data = rest.get("data", {})
            if data is not None and not isinstance(data, dict):
                return "The data of the action must be an object."
            trigger = "automatic" if activity.value.get("trigger") == "automatic" else "manual"
            return _pressed(activity, bot_id, verb, data or {}, invoke=True, trigger=trigger)
        case {"action": {"type": "Action.Execute"}}:
            return "The action has no verb."
        case {"action": {}}:
            return "Only Action.Execute is supported."
        case _:
            return "The value has no action."


def installed_of(activity: Activity, bot_id: str) -> Installed:
    """The bot was added; by whom only when Teams says so."""
    return Installed(
        person=person_of(activity) if sender_id(activity) else None,
        place=place_of(activity, bot_id),
        activity_id=str(activity.id or ""),
        locale=locale_of(activity),
    )


def locale_of(activity: Activity) -> str:
    """The language of who acts, as a BCP 47 tag."""
    for found in (activity.locale, _client(activity).get("locale")):
        if isinstance(found, str) and _LOCALE.fullmatch(found):
            return found
    return DEFAULT_LOCALE


def _timezone_of(activity: Activity) -> str | None:
    for found in (_client(activity).get("timezone"), activity.local_timezone):
        if isinstance(found, str) and _ZONE.fullmatch(found):
            return found
    return None


def _client(activity: Activity) -> Mapping[str, object]:
    for entity in activity.entities:
        if entity.get("type") == "clientInfo":
            found: Mapping[str, object] = entity
            return found
    return {}


def _spoken(activity: Activity, bot_id: str) -> str:
    ids = frozenset({bot_id, activity.recipient.id or bot_id})
    return spoken(activity.text, activity.entities, ids, activity.recipient.name or "")


def _pressed(
    activity: Activity,
    bot_id: str,
    verb: object,
    data: Mapping[str, object],
    *,
    invoke: bool,
    trigger: str,
) -> Pressed:
    return Pressed(
        person=person_of(activity),
        place=place_of(activity, bot_id),
        activity_id=activity.id,
        message_id=activity.reply_to_id or None,
        verb=verb if isinstance(verb, str) else "",
        data=data,
        invoke=invoke,
        trigger=trigger,
        locale=locale_of(activity),
        timezone=_timezone_of(activity),
    )


def _conversation(found: Mapping[str, object]) -> ConversationAccount:
    if not _text(found, "id"):
        raise malformed()
    return ConversationAccount(
        id=_text(found, "id"),
        conversation_type=_text(found, "conversationType"),
        tenant_id=_text(found, "tenantId"),
        name=_text(found, "name"),
    )


def _account(found: Mapping[str, object]) -> ChannelAccount:
    return ChannelAccount(
        id=_text(found, "id"),
        name=_text(found, "name"),
        aad_object_id=_text(found, "aadObjectId"),
        properties={"tenantId": _text(found, "tenantId")},
    )


def _text(found: Mapping[str, object], key: str, *, longest: int | None = _MAX_TEXT) -> str | None:
    value = found.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or (longest is not None and len(value) > longest):
        raise malformed()
    return value


def _mapping(found: Mapping[str, object], key: str) -> dict[str, object]:
    value = found.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise malformed()
    return value


def _mappings(found: Mapping[str, object], key: str) -> list[dict[str, object]]:
    value = found.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise malformed()
    return [item for item in value if isinstance(item, dict)]


def _nested(found: Mapping[str, object], *keys: str) -> str | None:
    value: object = found
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) and len(value) <= _MAX_TEXT else None


def _check_moment(value: object) -> None:
    if value is None:
        return
    try:
        datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as error:
        raise malformed() from error
