"""What a press, a refresh and a sign-in card ask of the bot, and what its answer means."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox import activities
from sandbox.activities import Activity, Origin
from sandbox.chats import ADAPTIVE, Message
from sandbox.delivery import Answer
from sandbox.entra_tokens import SSO_RESOURCE
from sandbox.people import PEOPLE

CARD_ANSWER = "application/vnd.microsoft.card.adaptive"
TEXT_ANSWER = "application/vnd.microsoft.activity.message"
FAILED = "Something went wrong. Please try again."
"""What a client shows under a card when the answer to a press is of no use."""


def execute(
    origin: Origin,
    message: Message,
    action: Mapping[str, object],
    data: Mapping[str, object],
    trigger: str,
) -> Activity:
    """Action.Execute as the bot gets it; `trigger` is `manual` or `automatic` (a refresh)."""
    named = {name: action[name] for name in ("id", "title") if name in action}
    value = {
        "action": {
            "type": "Action.Execute",
            **named,
            "verb": action.get("verb", ""),
            "data": dict(data),
        },
        "trigger": trigger,
    }
    return activities.invoked(origin, "adaptiveCard/action", value, message.id)


def exchange_resource(message: Message) -> Mapping[str, object] | None:
    """What a client needs to answer the sign-in card silently, when it is meant for this app."""
    card = message.sign_in_card()
    resource = card.get("tokenExchangeResource") if card else None
    if isinstance(resource, Mapping) and resource.get("uri") == SSO_RESOURCE:
        return resource
    return None


def refresh_action(message: Message, key: str) -> Mapping[str, object] | None:
    """The refresh action of the message's own card, when it names this person."""
    for attachment in message.attachments:
        card = attachment.get("content")
        refresh = card.get("refresh") if isinstance(card, Mapping) else None
        if attachment.get("contentType") != ADAPTIVE or not isinstance(refresh, Mapping):
            continue
        action, people = refresh.get("action"), refresh.get("userIds")
        named = isinstance(people, list) and PEOPLE[key].teams_id in people
        if named and isinstance(action, Mapping):
            return action
    return None


def value_of(answer: Answer, kind: str) -> object:
    """The value of an invoke answer of this type that reports success, else None."""
    body = answer.body
    good = answer.status == 200 and isinstance(body, Mapping)
    if good and isinstance(body, Mapping) and body.get("type") == kind:
        return body.get("value") if body.get("statusCode") == 200 else None
    return None
