"""JSON Patch documents for a referral: add and replace only, on white-listed paths (RFC 6902)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias

from partner_center.money import plain
from partner_center.referral import MOVES, Change, Field, Member, Move
from partner_center.registration import REGISTRATION_TYPE, DealRegistration
from partner_center.wire import Json, as_list, as_object, encoded, parse_json

JsonObject: TypeAlias = Mapping[str, Json]

PATHS: Mapping[str, str] = MappingProxyType(
    {
        "/details/dealValue": "replace",
        "/details/currency": "replace",
        "/details/closingDateTime": "replace",
        "/details/notes": "replace",
        "/name": "replace",
        "/externalReferenceId": "replace",
        "/campaignId": "replace",
        "/status": "replace",
        "/substatus": "replace",
        "/statusReason": "replace",
        "/team/-": "add",
        "/registrations/-": "add",
    }
)
"""The only paths ever sent, and the one operation of each (API reference 9, U3)."""


class PathNotAllowed(ValueError):
    """An operation or path outside the white-list; it is never sent."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. Raises PathNotAllowed unless `op` is the one that PATHS allows on `path`."""

    op: str
    path: str
    value: Json

    def __post_init__(self) -> None:
        if PATHS.get(self.path) != self.op:
            raise PathNotAllowed(f"{self.op!r} on {self.path!r}")
        if not isinstance(self.value, str if self.op == "replace" else dict):
            raise PathNotAllowed(f"{type(self.value).__name__} for {self.path!r}")


def replace(path: str, value: str) -> Operation:
    """Set a field. Raises PathNotAllowed."""
    return Operation("replace", path, value)


def append(path: str, value: JsonObject) -> Operation:
    """Append to an array; `path` ends in `/-`. Raises PathNotAllowed."""
    return Operation("add", path, dict(value))


_FIELD_PATHS: Mapping[Field, str] = MappingProxyType(
    {
        Field.VALUE: "/details/dealValue",
        Field.CURRENCY: "/details/currency",
        Field.CLOSE: "/details/closingDateTime",
        Field.NOTES: "/details/notes",
        Field.NAME: "/name",
        Field.CRM: "/externalReferenceId",
        Field.CAMPAIGN: "/campaignId",
    }
)


def changes_document(changes: Sequence[Change]) -> tuple[Operation, ...]:
    """One replace per change: amounts as decimal text, days as midnight UTC."""
    return tuple(replace(_FIELD_PATHS[change.field], _spelled(change)) for change in changes)


def _spelled(change: Change) -> str:
    match change.value:
        case Decimal() as value:
            return plain(value)
        case date() as day:
            return f"{day.isoformat()[:10]}T00:00:00Z"
        case str(text):
            return text


def move_document(move: Move, reason: str | None = None) -> tuple[Operation, ...]:
    """Status and substatus in one document, with the reason when there is one (U8)."""
    rule = MOVES[move]
    pair = (
        replace("/status", rule.status.value),
        replace("/substatus", rule.substatus.value),
    )
    text = (reason or "").strip()
    return (*pair, replace("/statusReason", text)) if text else pair


def member_document(member: Member) -> tuple[Operation, ...]:
    """Exactly the four fields of the founding page."""
    value: dict[str, Json] = {
        "email": member.email,
        "firstName": member.first_name,
        "lastName": member.last_name,
        "phoneNumber": member.phone_number,
    }
    return (append("/team/-", value),)


def registration_document(registration: DealRegistration) -> tuple[Operation, ...]:
    """The one append that creates a deal registration (API reference 10.3).

    Days are sent as midnight UTC with milliseconds; what does not apply is left out.
    """
    contract: dict[str, Json] = {"currency": registration.currency}
    if registration.end is not None:
        contract["endDateTime"] = _midnight(registration.end)
    contract["signDateTime"] = _midnight(registration.sign)
    contract["startDateTime"] = _midnight(registration.start)
    contract["term"] = registration.term.value
    contract["value"] = registration.value
    marketplace: dict[str, Json] = {"isMarketplaceTransacted": registration.marketplace}
    if registration.marketplace_date is not None:
        marketplace["marketplaceTransactionDateTime"] = _midnight(registration.marketplace_date)
    solution: dict[str, Json] = {
        "id": registration.solution_id,
        "isDeployedOnAzure": registration.deployed_on_azure,
        "marketplaceTransactionDetails": marketplace,
        "primaryDeploymentOn": registration.deployment.value,
        "pricingModel": registration.pricing.value,
        "value": registration.solution_value,
        "currency": registration.solution_currency,
    }
    value: dict[str, Json] = {
        "type": REGISTRATION_TYPE,
        "contract": contract,
        "solutionDetails": [solution],
    }
    return (append("/registrations/-", value),)


def _midnight(day: date) -> str:
    return f"{day.isoformat()[:10]}T00:00:00.000Z"


def encode(operations: Sequence[Operation]) -> bytes:
    """The request body: keys in the order op, path, value; amounts exact. Raises ValueError."""
    document = [
        {"op": operation.op, "path": operation.path, "value": operation.value}
        for operation in operations
    ]
    return encoded(document)


def decode(document: bytes | str) -> tuple[Operation, ...]:
    """Operations back from `encode`, checked against the white-list again.

    Raises PathNotAllowed, or UnexpectedAnswer when it is not such a document.
    """
    data = document.encode() if isinstance(document, str) else document
    return tuple(_operation(as_object(entry)) for entry in as_list(parse_json(data)))


def _operation(entry: Mapping[str, Json]) -> Operation:
    op, path = entry.get("op"), entry.get("path")
    if not isinstance(op, str) or not isinstance(path, str):
        raise PathNotAllowed("an operation without op or path")
    return Operation(op, path, entry.get("value"))
