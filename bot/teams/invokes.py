"""The JSON answers that Teams understands for each kind of invoke.

Universal Actions want HTTP 200 whenever the bot looked at the invoke, with the outcome in
`statusCode`; any other HTTP status shows "Unable to reach app" and makes Teams send again.
"""

from __future__ import annotations

from http import HTTPStatus

from bot.conversation import Answer, Exchanged
from bot.store.seen import Stored
from bot.teams.wording import ADAPTIVE_CARD
from cards.wording import marked

MESSAGE = "application/vnd.microsoft.activity.message"
ERROR = "application/vnd.microsoft.error"

NOT_IMPLEMENTED = Stored(HTTPStatus.NOT_IMPLEMENTED)
"""An invoke of a feature the bot does not have: the status botbuilder documents for it."""
EMPTY = Stored(HTTPStatus.OK, {})


def card_answer(answer: Answer | None) -> Stored | None:
    """The answer to a button: the card to show instead, else a short text; None without either."""
    if answer is not None and answer.card is not None:
        return Stored(200, {"statusCode": 200, "type": ADAPTIVE_CARD, "value": answer.card})
    return card_text(answer.text) if answer is not None and answer.text else None


def card_text(text: str) -> Stored:
    """A short text beside the pressed card, which stays as it is."""
    return Stored(200, {"statusCode": 200, "type": MESSAGE, "value": text})


def card_malformed(message: str) -> Stored:
    """The invoke is not one: Universal Actions, response format, 400."""
    value = {"code": "BadRequest", "message": message}
    return Stored(200, {"statusCode": 400, "type": ERROR, "value": value})


DONE = marked("Done.")
STILL_WORKING = marked("Still working on it. The card will change when it is done.")
WENT_WRONG = marked("That did not work because of a fault on our side. Please try again.")


def exchange_answer(exchanged: Exchanged, done: bool) -> Stored:
    """200 when the token was of use, else 412, on which Teams shows the sign-in button."""
    if done:
        return EMPTY
    return exchange_failure(412, exchanged.exchange_id, exchanged.connection_name, "not exchanged")


def exchange_failure(status: int, exchange_id: str, connection: str, detail: str) -> Stored:
    """A token exchange that did not happen, in the shape of TokenExchangeInvokeResponse."""
    return Stored(
        status, {"id": exchange_id, "connectionName": connection, "failureDetail": detail}
    )
