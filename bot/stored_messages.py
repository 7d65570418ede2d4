"""Messages as the outbox stores them, and what becomes of one that is sent again or too big."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from bot.conversation import Message, SendFailure
from bot.store.jsontext import Json
from cards.elements import with_line_on_top
from cards.language import speaking
from cards.wording import Text, words

_REPEAT = words("You may have got this message already.")
_MOST_CHARACTERS = 1000


def written(message: Message) -> Json:
    """A message as it is stored. A sign-in card is never owed."""
    if message.sign_in is not None:
        raise ValueError("a sign-in card is never owed")
    card = cast("Json", dict(message.card)) if message.card is not None else None
    return {"text": message.text, "card": card, "summary": message.summary}


def read(stored: Json) -> Message:
    """The message that `written` stored. Raises ValueError for anything else."""
    if not isinstance(stored, Mapping):
        raise ValueError("a stored message is an object")
    text, card, summary = stored.get("text"), stored.get("card"), stored.get("summary")
    return Message(
        text=text if isinstance(text, str) else None,
        card=card if isinstance(card, Mapping) else None,
        summary=summary if isinstance(summary, str) else "",
    )


def as_repeat(message: Message) -> Message:
    """The message, saying that it may be there already: a line on top of a card, or a sentence."""
    if message.card is not None:
        with speaking(_language(message.card)):
            return replace(message, card=with_line_on_top(message.card, _REPEAT))
    return replace(message, text=f"{message.text} ({_REPEAT.plain})")


def shortened(stored: Json, failure: SendFailure = SendFailure.TOO_BIG) -> Json | None:
    """What to send instead of a message that was too big, or a card that was refused: its words
    alone, cut.

    None when it was shortened before, or is refused although it is text: then nothing of it can be
    sent.
    """
    if not isinstance(stored, Mapping) or stored.get("shortened") is True:
        return None
    message = read(stored)
    if failure is SendFailure.REFUSED and message.card is None:
        return None
    said = message.text if message.card is None else message.summary or _spoken(message.card)
    cut = (said or "")[:_MOST_CHARACTERS].rstrip()
    with speaking(_language(message.card or {})):
        return {"text": f"{cut}\n\n{_why(failure).plain}".strip(), "shortened": True}


def _why(failure: SendFailure) -> Text:
    if failure is SendFailure.TOO_BIG:
        return words(
            "This message was too big for Teams and is shortened. Ask me for the deal to see all."
        )
    return words("Teams did not take this message's card. Ask me for the deal to see all.")


def _language(card: Mapping[str, object]) -> str | None:
    """The language a card is written in; English ones do not say so."""
    said = card.get("lang")
    return said if isinstance(said, str) else None


def _spoken(card: Mapping[str, object]) -> str:
    said = card.get("speak")
    return said if isinstance(said, str) else ""
