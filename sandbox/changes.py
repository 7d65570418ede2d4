"""What a partner may change on a referral, and to what (API reference 5, 9 and U3-U11, U15)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from sandbox import json_patch, wire
from sandbox.json_patch import Operation, PatchProblem
from sandbox.refusals import conflict, invalid
from sandbox.registrations import check, register
from sandbox.switches import Switches
from sandbox.wire import Document, Json

MEMBER = "/team/-"
REGISTRATION = "/registrations/-"

_AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?")
_REGISTRATION_EDIT = re.compile(
    r"/registrations/(?P<number>[0-9])/("
    r"contract/(startDateTime|endDateTime|signDateTime|term|value)|"
    r"solutionDetails/[0-9]/(value|currency|isDeployedOnAzure|primaryDeploymentOn|pricingModel|"
    r"marketplaceTransactionDetails/(isMarketplaceTransacted|marketplaceTransactionDateTime)))"
)
"""The connector's enumerated update paths (API reference 9)."""

SUBSTATUSES: Mapping[str, frozenset[str]] = {
    "New": frozenset({"Pending", "Received"}),
    "Active": frozenset({"Accepted"}),
    "Closed": frozenset({"Won", "Lost", "Declined", "Error"}),
}
"""Substatuses a partner may set while in each status (5.1, 5.2); Expired is the system's."""

NEXT: Mapping[str, frozenset[str]] = {
    "New": frozenset({"New", "Active", "Closed"}),
    "Active": frozenset({"Active", "Closed"}),
    "Closed": frozenset({"Closed"}),
}
"""Statuses each status may go to (5.1)."""


def _amount(value: Json) -> Json:
    if isinstance(value, str) and _AMOUNT.fullmatch(value):
        return Decimal(value)
    amount = wire.number(value)
    if amount is None or amount.is_signed():
        raise ValueError("a deal value is a plain number that is not negative")
    return amount


def _currency(value: Json) -> Json:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{3}", value):
        raise ValueError("a currency is three capital letters")
    return value


def _moment(value: Json) -> Json:
    if wire.moment(value) is None:
        raise ValueError("a date is written with time and zone")
    return value


def _text(value: Json) -> Json:
    if not isinstance(value, str | None):
        raise ValueError("this is a text")
    return value


def _standing(value: Json) -> Json:
    if not isinstance(value, str):
        raise ValueError("a status is a text")
    return value


def team_member(value: Json) -> Json:
    """Read somebody to be put on a team. Raises ValueError."""
    names = ("email", "firstName", "lastName", "phoneNumber")
    if not isinstance(value, dict) or not all(wire.text_at(value, name) for name in names):
        raise ValueError(f"a team member needs {', '.join(names)}")
    if "@" not in wire.text_at(value, "email"):
        raise ValueError("the e-mail address of a team member is wrong")
    return {"title": None, "contactPreference": None, **value}


SCALARS: Mapping[str, Callable[[Json], Json]] = {
    "/details/dealValue": _amount,
    "/details/currency": _currency,
    "/details/closingDateTime": _moment,
    "/details/notes": _text,
    "/status": _standing,
    "/substatus": _standing,
    "/statusReason": _text,
    "/name": _text,
    "/externalReferenceId": _text,
    "/campaignId": _text,
}
"""The allow-list of single values (U3) and how each is read (U9); `add` replaces them (U10)."""


def change(
    referral: Document,
    engagement: Sequence[Document],
    steps: Sequence[Operation],
    *,
    now: datetime,
    switches: Switches,
) -> Document:
    """The referral after a partner's patch, all of it or a Refusal (U11)."""
    check_open(referral, [step.path for step in steps])
    registering = [step for step in steps if step.path == REGISTRATION]
    plain = [_allowed(step) for step in steps if step.path != REGISTRATION]
    try:
        changed = json_patch.apply(referral, plain)
    except PatchProblem as problem:
        raise invalid(str(problem), problem.path) from problem
    move(referral, changed, now)
    _edit_registration(referral, engagement, changed, steps, now=now, switches=switches)
    for step in registering:
        if step.op != "add":
            raise invalid("A registration is added.", step.path)
        made = register(changed, engagement, step.value, now=now, switches=switches)
        changed["registrations"] = [made]
        changed["registrationStatus"] = made["status"]
    return changed


def check_open(referral: Document, paths: Sequence[str]) -> None:
    """Refuse any edit of a closed referral, registrations of a won one excepted (U6)."""
    if wire.text_at(referral, "status") != "Closed":
        return
    won = wire.text_at(referral, "substatus") == "Won"
    for path in paths:
        if not (won and path.startswith("/registrations")):
            raise conflict("The referral is closed and cannot be changed.", path)


def move(before: Document, after: Document, now: datetime) -> None:
    """Check the status step and set the dates that come with it. Raises Refusal (U7, U8)."""
    old = (wire.text_at(before, "status"), wire.text_at(before, "substatus"))
    new = (wire.text_at(after, "status"), wire.text_at(after, "substatus"))
    if old == new:
        return
    if new[0] not in NEXT.get(old[0], frozenset()):
        raise invalid(f"A referral cannot go from {old[0]} to {new[0]}.", "/status")
    if new[1] not in SUBSTATUSES[new[0]]:
        raise invalid(f"{new[1]} is not a substatus of {new[0]}.", "/substatus")
    if new[0] == "Active":
        after["acceptedDateTime"] = wire.stamp(now)
    if new[0] == "Closed":
        after["closedDateTime"] = wire.stamp(now)
    if new[0] != "New":
        after["expirationDateTime"] = None


def _allowed(step: Operation) -> Operation:
    if step.op not in ("add", "replace"):
        raise invalid(f"Operation {step.op} is not supported.", step.path)
    read = SCALARS.get(step.path)
    if step.path == MEMBER and step.op == "add":
        read = team_member
    if _REGISTRATION_EDIT.fullmatch(step.path):
        return step
    if read is None:
        raise invalid("This path cannot be changed.", step.path)
    try:
        return Operation(step.op, step.path, read(step.value))
    except ValueError as problem:
        raise invalid(str(problem), step.path) from problem


def _edit_registration(
    referral: Document,
    engagement: Sequence[Document],
    changed: Document,
    steps: Sequence[Operation],
    *,
    now: datetime,
    switches: Switches,
) -> None:
    edits = [found for step in steps if (found := _REGISTRATION_EDIT.fullmatch(step.path))]
    for number in {int(edit["number"]) for edit in edits}:
        registration = wire.objects_at(changed, "registrations")[number]
        if registration.get("status") != "ActionRequired":
            raise conflict("The registration cannot be changed in this state.", edits[0].string)
        check(referral, engagement, registration, now=now, switches=switches)
        registration["status"] = changed["registrationStatus"] = "ReviewPending"
        registration["statusReason"] = None
        history = wire.object_at(registration, "statusHistory")
        history["reviewPendingDateTime"] = wire.stamp(now)
