"""What was done to a deal from chat: who, when, and what it was before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from cards.actions import Show
from cards.changes import FieldChange, label_of, one_line, shown
from cards.deal import DealView, header, summary_of
from cards.elements import Piece, Size, Text, button, card, container, paragraph, text, words
from cards.reader import Reader

MOST: Final = 10
"""Acts on one card."""


class Act(StrEnum):
    """What somebody did."""

    CHANGED = "changed"
    CREATED = "created"
    REGISTERED = "registered"
    ASKED = "asked"
    APPROVED = "approve"
    REJECTED = "reject"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Done:
    """One act; `changes` are empty where it was none of the deal's fields. Before is None as well
    where it is not known, which `has_before` tells."""

    act: Act
    by: str
    at: datetime
    changes: tuple[FieldChange, ...] = ()
    has_before: bool = True


def history_card(
    view: DealView, done: Sequence[Done], reader: Reader, *, can_undo: bool
) -> dict[str, object]:
    """At most MOST acts, the newest first. `can_undo`: the reader may take back one of them."""
    title = words("What was done from chat")
    body: list[Piece] = [*header(view, title)]
    body += [_row(each, view, reader) for each in done[:MOST]]
    if not done:
        body.append(paragraph(words("Nothing yet.")))
    if len(done) > MOST:
        older = words("Only the latest {count} are shown.", count=MOST)
        body.append(paragraph(older, subtle=True, size=Size.SMALL))
    if can_undo:
        body.append(paragraph(words("Say “undo” to take back your last change."), spacing="medium"))
    aside = words("What was changed in Partner Center itself is not listed.")
    body.append(paragraph(aside, subtle=True, size=Size.SMALL, spacing="medium"))
    return card(
        body,
        [button(words("Show the deal"), Show(view.referral.id))],
        summary=summary_of(view, title),
    )


def _row(done: Done, view: DealView, reader: Reader) -> Piece:
    who = words("{name} · {moment}", name=text(done.by, limit=60), moment=reader.moment(done.at))
    lines = [paragraph(line, spacing="none") for line in _said(done, view, reader)]
    return container(
        [*lines, paragraph(who, subtle=True, size=Size.SMALL, spacing="none")], separator=True
    )


def _said(done: Done, view: DealView, reader: Reader) -> list[Text]:
    match done.act:
        case Act.CHANGED:
            return [_change(each, done, view, reader) for each in done.changes]
        case Act.CREATED:
            return [words("Created the deal")]
        case Act.REGISTERED:
            return [words("Registered the deal")]
        case Act.ASKED:
            return [words("Asked for approval")]
        case Act.APPROVED:
            return [words("Approved a request")]
        case Act.REJECTED:
            return [words("Rejected a request")]
        case Act.WITHDRAWN:
            return [words("Withdrew a request")]


def _change(change: FieldChange, done: Done, view: DealView, reader: Reader) -> Text:
    codes = [each for each in done.changes if each.field == "currency"]
    currency = view.referral.currency
    was, now = (
        _code(code) or currency
        for code in ((codes[0].before, codes[0].after) if codes else (None, None))
    )
    after = one_line(shown(change.field, change.after, now, reader, limit=80))
    label = label_of(change.field)
    if change.field == "member" or not done.has_before:
        return words("{field}: {after}", field=label, after=after)
    before = one_line(shown(change.field, change.before, was, reader, limit=80))
    return words("{field}: {before} → {after}", field=label, before=before, after=after)


def _code(value: object) -> str | None:
    return value if isinstance(value, str) else None
