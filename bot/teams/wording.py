"""Messages as the JSON that Bot Connector takes, and failures as what they mean for a send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bot.conversation import Message, Place, SendFailed, SendFailure, SignInCard
from cards.drawn import Drawn, as_json

ADAPTIVE_CARD = "application/vnd.microsoft.card.adaptive"
OAUTH_CARD = "application/vnd.microsoft.card.oauth"
_KINDS = {
    403: SendFailure.FORBIDDEN,
    404: SendFailure.GONE,
    408: SendFailure.UNKNOWN,
    412: SendFailure.PRECONDITION,
    413: SendFailure.TOO_BIG,
    429: SendFailure.THROTTLED,
}
_CODES = {"MessageSizeTooBig": SendFailure.TOO_BIG}
_JSON = json.JSONEncoder(allow_nan=False).encode
_MAX_CODE = 64
_MAX_WAIT = 86_400.0


def activity_of(place: Place, message: Message) -> dict[str, object]:
    """The message activity. Texts are plain, never Markdown, so that nothing in them can act."""
    activity = _envelope(place, "message")
    if message.card is not None:
        activity["attachments"] = [{"contentType": ADAPTIVE_CARD, "content": message.card}]
        activity["summary"] = message.summary or message.card.get("speak", "")
    elif message.sign_in is not None:
        activity["attachments"] = [{"contentType": OAUTH_CARD, "content": _oauth(message.sign_in)}]
        activity["summary"] = message.summary or message.sign_in.text
    else:
        activity["text"] = message.text or ""
        activity["textFormat"] = "plain"
    return activity


def as_sent(activity: Mapping[str, object]) -> bytes:
    """The activity as JSON. A drawn card in it is not written out again."""
    match activity:
        case {"attachments": [{"contentType": kind, "content": Drawn() as card}], **rest}:
            attached = as_json({"contentType": kind, "content": card})
            return f'{_JSON(rest)[:-1]}, "attachments": [{attached}]}}'.encode()
        case _:
            return _JSON(activity).encode()


def typing_of(place: Place) -> dict[str, object]:
    """The activity that shows the bot working."""
    return _envelope(place, "typing")


def _envelope(place: Place, kind: str) -> dict[str, object]:
    return {
        "type": kind,
        "from": {"id": place.bot_id},
        "conversation": {"id": place.conversation_id, "tenantId": place.tenant},
        "channelId": "msteams",
        "serviceUrl": place.service_url,
    }


def _oauth(card: SignInCard) -> dict[str, object]:
    return {
        "text": card.text,
        "connectionName": card.connection_name,
        "tokenExchangeResource": {"id": card.exchange_id, "uri": card.exchange_uri},
        "buttons": [{"type": "signin", "title": card.button_title, "value": card.link}],
    }


def failure_of(status: int, retry_after: str | None, body: bytes, now: datetime) -> SendFailed:
    """What an answer other than 2xx means: not accepted, or perhaps accepted all the same (5xx)."""
    code = _code(body)
    kind = _CODES.get(code or "") or _KINDS.get(status)
    if kind is None:
        kind = SendFailure.UNKNOWN if status >= 500 else SendFailure.REFUSED
    return SendFailed(kind, retry_after=_wait(retry_after, now), code=code or f"status {status}")


def _code(body: bytes) -> str | None:
    try:
        parsed = json.loads(body)
    except ValueError:
        return None
    match parsed:
        case {"error": {"code": str(code)}} if code.isascii() and code.isprintable():
            return code[:_MAX_CODE]
        case _:
            return None


def _wait(header: str | None, now: datetime) -> float | None:
    """Seconds to wait: `Retry-After` as a number or an HTTP date; None when it says neither."""
    if header is None:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return min(float(header), _MAX_WAIT)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return min(max((aware - now).total_seconds(), 0.0), _MAX_WAIT)


def id_of(answer: Mapping[str, object]) -> str | None:
    """The id Teams gave, without which nothing counts as sent."""
    found = answer.get("id")
    return found if isinstance(found, str) and found else None
