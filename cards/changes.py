"""A change at a glance: the field, what it was, what it will be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from cards.deal import state_of
from cards.elements import (
    Color,
    Piece,
    Size,
    Style,
    Text,
    column,
    columns,
    container,
    fact,
    facts,
    paragraph,
    passage,
    text,
    words,
)
from cards.reader import Reader
from partner_center.referral import Referral

Value = str | Decimal | date | None

LABELS: Final[Mapping[str, Text]] = {
    "value": words("Deal value"),
    "currency": words("Currency"),
    "close": words("Close date"),
    "notes": words("Notes"),
    "name": words("Deal name"),
    "crm": words("CRM ID"),
    "campaign": words("Campaign ID"),
    "status": words("Status"),
    "reason": words("Reason"),
    "member": words("Team member"),
    "first": words("First name"),
    "last": words("Last name"),
    "email": words("Email"),
    "phone": words("Phone"),
    "customer": words("Customer"),
    "country": words("Country"),
    "contact": words("Our contact"),
    "type": words("Deal type"),
    "matching": words("Account matching"),
    "solutions": words("Solutions"),
    "team": words("Team"),
}
_LONG: Final = 36
"""Characters of before and after together above which they stand below each other."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after. `field` is a key of LABELS; a status is "Closed/Won"."""

    field: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """One field in three versions: when the change was prepared, now, and as asked for."""

    field: str
    base: Value
    theirs: Value
    yours: Value


def label_of(field: str) -> Text:
    """The words for a field; an unknown one by its own name."""
    return LABELS.get(field.lower()) or text(field, limit=40)


def shown(field: str, value: Value, currency: str | None, reader: Reader, limit: int = 200) -> Text:
    """A field's value in words; amounts with `currency`."""
    match value:
        case None | "":
            return words("not set")
        case Decimal():
            return reader.money(value, currency)
        case date():
            return reader.date(value)
        case str() if field.lower() == "status" and "/" in value:
            status, _slash, substatus = value.partition("/")
            return state_of(status.strip(), substatus.strip())[0]
        case str() if field.lower() == "notes":
            return passage(value, limit=limit)
        case str():
            return text(value, limit=limit)


def change_pieces(
    changes: Sequence[FieldChange], referral: Referral, reader: Reader
) -> list[Piece]:
    """One block for each change. A change of currency colours the amount behind it."""
    return changed_pieces(changes, referral.currency, reader)


def changed_pieces(
    changes: Sequence[FieldChange], currency: str | None, reader: Reader
) -> list[Piece]:
    """As `change_pieces`, for a deal of which no more than the currency is at hand."""
    after_currency = _new_currency(changes) or currency
    before_currency = _old_currency(changes) or currency
    return [
        _joins(shown(change.field, change.after, None, reader))
        if change.field.lower() == "member"
        else _change(
            label_of(change.field),
            shown(change.field, change.before, before_currency, reader),
            shown(change.field, change.after, after_currency, reader),
        )
        for change in changes
    ]


def conflict_pieces(rows: Sequence[ConflictRow], referral: Referral, reader: Reader) -> list[Piece]:
    """One block for each field that is no longer as it was."""
    blocks: list[Piece] = []
    for row in rows:
        said = [
            shown(row.field, value, referral.currency, reader, limit=160)
            for value in (row.base, row.theirs, row.yours)
        ]
        lines = facts(
            [
                fact(words("Before"), one_line(said[0])),
                fact(words("Now"), one_line(said[1])),
                fact(words("You want"), one_line(said[2])),
            ],
            spacing="small",
        )
        blocks.append(
            container([paragraph(label_of(row.field), strong=True), lines], separator=True)
        )
    return blocks


def _joins(member: Text) -> Piece:
    """Somebody new: there is no before."""
    name = paragraph(words("New team member"), size=Size.SMALL, subtle=True)
    return container([name, paragraph(member, strong=True, spacing="none")], spacing="medium")


def _change(label: Text, before: Text, after: Text) -> Piece:
    name = paragraph(label, size=Size.SMALL, subtle=True)
    if len(before.plain) + len(after.plain) > _LONG or "\n" in before.plain + after.plain:
        return container([name, *_stacked(before, after)], spacing="medium")
    row = columns(
        [
            column([paragraph(before, subtle=True)], width="auto"),
            column([paragraph(words("→"))], width="auto"),
            column([paragraph(after, strong=True)]),
        ],
        spacing="none",
    )
    return container([name, row], spacing="medium")


def _stacked(before: Text, after: Text) -> Iterable[Piece]:
    yield container([paragraph(before, subtle=True)], spacing="small")
    yield paragraph(words("↓ becomes"), size=Size.SMALL, color=Color.ACCENT, spacing="small")
    yield container([paragraph(after)], style=Style.CALM, spacing="small")


def one_line(said: Text) -> Text:
    """The same without line breaks."""
    return text(said.plain) if "\n" in said.plain else said


def _new_currency(changes: Sequence[FieldChange]) -> str | None:
    found = [change.after for change in changes if change.field.lower() == "currency"]
    return found[0] if found and isinstance(found[0], str) else None


def _old_currency(changes: Sequence[FieldChange]) -> str | None:
    found = [change.before for change in changes if change.field.lower() == "currency"]
    return found[0] if found and isinstance(found[0], str) else None
