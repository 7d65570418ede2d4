"""What is new to a reader: the fields that changed since they last looked, with what they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cards.changes import Value, shown
from cards.elements import Color, Piece, Size, Text, paragraph, words
from cards.reader import Reader


@dataclass(frozen=True, slots=True)
class Since:
    """What is new to a reader who last looked `at` then: the fields, with what they `was`.

    None for a value that was empty, or too long to be kept; amounts were in `currency`.
    """

    at: datetime
    was: Mapping[str, Value]
    currency: str | None = None


def news(since: Since, reader: Reader) -> Piece:
    """The line that says what the sign behind a value means."""
    said = words("◆ Changed since you last looked, {moment}", moment=reader.moment(since.at))
    return paragraph(said, color=Color.ACCENT, size=Size.SMALL)


def marked(field: str, now: Text, since: Since | None, reader: Reader) -> Text:
    """The value, with what it was when that is new to the reader."""
    if since is None or field not in since.was:
        return now
    before, now = since.was[field], now or words("not set")
    if before is None:
        return words("{now} ◆ changed", now=now)
    was = shown(field, before, since.currency, reader, limit=80)
    return words("{now} ◆ was {before}", now=now, before=was)
