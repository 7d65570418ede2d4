"""The fields of a proposal: as values, as stored text, and as a deal holds them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from bot.store.proposals import Kind, Proposal
from cards.changes import FieldChange, Value
from partner_center.money import plain
from partner_center.patch import Operation, decode
from partner_center.referral import Field, Referral, held


def operations_of(proposal: Proposal) -> tuple[Operation, ...]:
    """The JSON Patch of a proposal, checked against the white-list again."""
    if not isinstance(proposal.operations, str):
        raise TypeError("the operations of a proposal are stored as one document")
    return decode(proposal.operations)


def is_applied(proposal: Proposal, referral: Referral) -> bool:
    """Whether the deal holds what the proposal wanted, whoever wrote it."""
    if proposal.kind is Kind.MEMBER:
        emails = {member.email.casefold() for member in referral.team}
        return all(
            isinstance(operation.value, dict)
            and str(operation.value.get("email")).casefold() in emails
            for operation in operations_of(proposal)
        )
    after = texts(proposal.after)
    return all(
        (held_in(referral, name) or None) == (typed(name, after[name]) or None) for name in after
    )


def held_or_said(referral: Referral, proposal: Proposal, name: str) -> Value:
    """What the deal holds; a new member has no field of its own."""
    return texts(proposal.after)[name] if name == "member" else held_in(referral, name)


def held_in(referral: Referral, name: str) -> Value:
    """What the deal holds in a field of a proposal."""
    match name:
        case "status":
            return f"{referral.status}/{referral.substatus}"
        case "reason":
            return referral.status_reason
        case "member":
            return None
        case _:
            return held(referral, Field(name))


def spelled(value: Value) -> str | None:
    """A value as it is stored."""
    match value:
        case Decimal():
            return plain(value)
        case date():
            return value.isoformat()
        case _:
            return value


def typed(name: str, stored: str | None) -> Value:
    """A stored value as it was."""
    if stored is None:
        return None
    match name:
        case Field.VALUE:
            return Decimal(stored)
        case Field.CLOSE:
            return date.fromisoformat(stored)
        case _:
            return stored


def texts(stored: object) -> dict[str, str | None]:
    """The stored fields of a proposal, by name."""
    if not isinstance(stored, dict):
        raise TypeError("the fields of a proposal are stored as an object")
    return {str(name): None if text is None else str(text) for name, text in stored.items()}


def names_of(proposal: Proposal) -> tuple[str, ...]:
    """The fields a proposal touches, in the order shown."""
    return tuple(texts(proposal.after))


def changes_between(
    base: dict[str, str | None], after: dict[str, str | None]
) -> Sequence[FieldChange]:
    """Before and after of each field."""
    return tuple(
        FieldChange(name, typed(name, base.get(name)), typed(name, wish))
        for name, wish in after.items()
    )
