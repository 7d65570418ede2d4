"""The fields of a proposal: as values, as stored text, and as a deal holds them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from bot.registration_rules import Age, Version
from bot.store.proposals import Kind, Proposal
from cards.changes import FieldChange, Value
from partner_center.money import plain
from partner_center.patch import Operation, decode
from partner_center.referral import (
    MOVES,
    Change,
    Field,
    Move,
    Problem,
    Referral,
    check_changes,
    check_move,
    check_open,
    held,
)


def operations_of(proposal: Proposal) -> tuple[Operation, ...]:
    """The JSON Patch of a proposal, checked against the white-list again."""
    if not isinstance(proposal.operations, str):
        raise TypeError("the operations of a proposal are stored as one document")
    return decode(proposal.operations)


def age_of(proposal: Proposal, referral: Referral) -> Age:
    """How what was read compares with the version the proposal was made on.

    A read may be older than that version. Rows without its time go by the eTag alone.
    """
    seen = Version(referral.etag, referral.updated)
    if proposal.base_updated is None:
        return Age.SAME if seen.etag == proposal.base_etag else Age.NEWER
    return Version(proposal.base_etag, proposal.base_updated).age_of(seen)


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


def move_of(proposal: Proposal) -> Move | None:
    """The status move a proposal makes; None for any other change."""
    wanted = texts(proposal.after).get("status")
    return next(
        (move for move, rule in MOVES.items() if f"{rule.status}/{rule.substatus}" == wanted), None
    )


def problems_of(proposal: Proposal, referral: Referral, now: datetime) -> tuple[Problem, ...]:
    """Why the deal as it is now no longer takes the proposal; empty when it does."""
    move = move_of(proposal)
    if move is not None:
        return check_move(referral, move, now)
    after = texts(proposal.after)
    if proposal.kind is Kind.MEMBER:
        return check_open(referral)
    values = ((Field(name), typed(name, wish)) for name, wish in after.items())
    return check_changes(
        referral, [Change(field, value) for field, value in values if value is not None]
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


def in_order(changes: Sequence[FieldChange]) -> tuple[FieldChange, ...]:
    """Changes in the one order in which every card shows them, however they were said or stored."""
    return tuple(sorted(changes, key=lambda change: _place_of(change.field)))


def names_of(proposal: Proposal) -> tuple[str, ...]:
    """The fields a proposal touches, in the order shown."""
    return tuple(sorted(texts(proposal.after), key=_place_of))


def _place_of(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


_ORDER = ("status", "reason", "member", *(field.value for field in Field))


def changes_between(
    base: dict[str, str | None], after: dict[str, str | None]
) -> Sequence[FieldChange]:
    """Before and after of each field."""
    return in_order(
        [
            FieldChange(name, typed(name, base.get(name)), typed(name, wish))
            for name, wish in after.items()
        ]
    )
