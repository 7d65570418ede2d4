"""Registrations of a referral: taken, stored as they are read, moved through their states."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox import wire
from sandbox.catalogue import MICROSOFT, SOLUTIONS
from sandbox.eligibility import Verdict, judge, microsofts_referrals
from sandbox.refusals import Code, Refusal, conflict, invalid
from sandbox.registration_rules import TYPE, first_state, form_faults, portal_faults
from sandbox.switches import Echo, Switches
from sandbox.wire import Document, Json

TARGET = "/registrations/-"

HISTORY: Mapping[str, str | None] = {
    "ReviewPending": "reviewPendingDateTime",
    "ActionRequired": "actionRequiredDateTime",
    "Passed": "passedDateTime",
    "Failed": "failedDateTime",
    "Approved": "approvedDateTime",
    "Closed": None,
}
"""Every state and the member of `statusHistory` that says when it began (API reference 10.4)."""

REASONS: Mapping[str, str] = {
    "ActionRequired": "The customer's name on the contract differs from the deal.",
    "Failed": "The contract does not name the solution.",
}
"""Comments of the review team, where a state comes with one."""


def register(
    referral: Document,
    engagement: Sequence[Document],
    value: Json,
    *,
    now: datetime,
    switches: Switches,
) -> Document:
    """Take a new registration and return it as stored. Raises Refusal (U25-U28)."""
    if wire.objects_at(referral, "registrations"):
        raise conflict("A registration exists already for this referral.", TARGET)
    if switches.registrations_frozen:
        raise invalid("Deal registration is closed until the new fiscal year.", TARGET)
    if not isinstance(value, dict):
        raise invalid("A registration is an object.", TARGET)
    _check_standing(referral, switches)
    if not switches.partner_eligible:
        raise _refused((("partnerNotEligible", "The partner may not register deals."),))
    failed = [verdict for verdict in judge(referral, engagement) if not verdict.passed]
    if failed:
        raise _refused(tuple(_inner(verdict) for verdict in failed))
    check(referral, engagement, value, now=now, switches=switches)
    partners = {str(other["organizationId"]) for other in engagement} - {MICROSOFT}
    return stored(value, first_state(value, len(partners)), now, switches.registration_echo)


def check(
    referral: Document,
    engagement: Sequence[Document],
    registration: Document,
    *,
    now: datetime,
    switches: Switches,
) -> None:
    """The form and the portal's validations. Raises Refusal, an inner error for each fault."""
    solutions = wire.objects_at(referral, "details/requirements/solutions")
    on_deal = frozenset(wire.text_at(entry, "id") for entry in solutions)
    faults = list(form_faults(registration, on_deal))
    if not faults and switches.enforce_form_rules:
        faults = list(
            portal_faults(
                registration,
                made=wire.moment(referral.get("createdDateTime")) or now,
                invited=_invited(engagement),
                now=now,
            )
        )
    if faults:
        raise _refused(tuple(("invalidRegistration", fault) for fault in faults))


def stored(value: Document, state: str, now: datetime, echo: str) -> Document:
    """A registration in the shape it is read in (API reference 10.3)."""
    registration: Document = {
        **copy.deepcopy(value),
        "id": str(uuid.uuid4()),
        "registrationDateTime": wire.stamp(now),
        "status": state,
        "statusReason": None,
        "statusHistory": dict.fromkeys((name for name in HISTORY.values() if name), None),
    }
    for entry in wire.objects_at(registration, "solutionDetails"):
        entry.setdefault("name", _name(entry))
        market = wire.object_at(entry, "marketplaceTransactionDetails")
        market.setdefault("marketplaceTransactionDateTime", None)
    _began(registration, state, now)
    return _echoed(registration, echo)


def set_state(referral: Document, state: str, reason: str | None, now: datetime) -> Document:
    """A copy of the referral whose registration is in this state. Raises ValueError."""
    if state not in HISTORY:
        raise ValueError(f"a registration is never {state}")
    changed = copy.deepcopy(referral)
    registrations = wire.objects_at(changed, "registrations")
    if not registrations:
        raise ValueError("this referral has no registration")
    registrations[-1]["status"] = state
    registrations[-1]["statusReason"] = REASONS.get(state) if reason is None else reason
    _began(registrations[-1], state, now)
    changed["registrationStatus"] = state
    return changed


def sample(own: Document, state: str, now: datetime) -> Document:
    """A registration in a given state for a start deal, sent a few days after it was won."""
    closed = wire.moment(own.get("closedDateTime")) or now
    value = wire.at(own, "details/dealValue")
    details: Json = [
        {
            "id": _first_solution(own),
            "value": value,
            "currency": wire.text_at(own, "details/currency"),
            "isDeployedOnAzure": True,
            "primaryDeploymentOn": "Customer",
            "pricingModel": "Other",
            "marketplaceTransactionDetails": {"isMarketplaceTransacted": False},
        }
    ]
    registration: Document = {
        "type": TYPE,
        "contract": {
            "value": value,
            "currency": wire.text_at(own, "details/currency"),
            "term": "Finite",
            "signDateTime": wire.day(closed - timedelta(days=2)),
            "startDateTime": wire.day(closed),
            "endDateTime": wire.day(closed + timedelta(days=364)),
        },
        "solutionDetails": details,
    }
    sent = min(now, closed + timedelta(days=1))
    document = stored(registration, state, sent, Echo.TRIMMED)
    document["id"] = str(uuid.uuid5(uuid.UUID(wire.text_at(own, "id")), "registration"))
    document["statusReason"] = REASONS.get(state)
    return document


def _first_solution(own: Document) -> str:
    return wire.text_at(wire.objects_at(own, "details/requirements/solutions")[0], "id")


def _check_standing(referral: Document, switches: Switches) -> None:
    standing = (wire.text_at(referral, "status"), wire.text_at(referral, "substatus"))
    won = standing == ("Closed", "Won")
    if not won and (switches.require_won or standing != ("Active", "Accepted")):
        raise _refused((("referralStatusNotEligible", f"The referral is {'/'.join(standing)}."),))


def _refused(inner: tuple[tuple[str, str], ...]) -> Refusal:
    message = "The deal registration is not valid."
    return Refusal(400, Code.INVALID_REQUEST, message, TARGET, inner)


def _inner(verdict: Verdict) -> tuple[str, str]:
    return verdict.policy, f"The referral does not pass {verdict.policy}."


def _invited(engagement: Sequence[Document]) -> datetime | None:
    dates = [wire.moment(other["createdDateTime"]) for other in microsofts_referrals(engagement)]
    return min((date for date in dates if date), default=None)


def _name(entry: Document) -> str:
    known = SOLUTIONS.get(wire.text_at(entry, "id"))
    return known.name if known else ""


def _began(registration: Document, state: str, now: datetime) -> None:
    name = HISTORY.get(state)
    if name:
        wire.object_at(registration, "statusHistory")[name] = wire.stamp(now)


def _echoed(registration: Document, echo: str) -> Document:
    match echo:
        case Echo.VERBATIM:
            return registration
        case Echo.NORMALISED:
            return {name: _rounded(value) for name, value in reversed(registration.items())}
        case _:
            return {name: _trimmed(value) for name, value in registration.items()}


def _trimmed(value: Json) -> Json:
    match value:
        case dict():
            return {name: _trimmed(member) for name, member in value.items()}
        case list():
            return [_trimmed(entry) for entry in value]
        case str():
            return wire.trimmed(value)
        case _:
            return value


def _rounded(value: Json) -> Json:
    match value:
        case dict():
            return {name: _rounded(member) for name, member in reversed(value.items())}
        case list():
            return [_rounded(entry) for entry in value]
        case str() if parsed := wire.moment(value):
            return f"{parsed:%Y-%m-%dT%H:%M:%S}Z"
        case bool() | None:
            return value
        case int() | Decimal():
            return Decimal(value).quantize(Decimal("0.1")) if value == int(value) else value
        case _:
            return value
