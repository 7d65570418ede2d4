"""New referrals, Microsoft's among them, and the older whole replacement (API reference 8, 9.1)."""

from __future__ import annotations

import copy
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime

from sandbox import deal_shapes, wire
from sandbox.catalogue import CONTOSO, LOCATION, MICROSOFT, ORGANISATIONS
from sandbox.changes import SCALARS, check_open, move, team_member
from sandbox.listing import Viewer, is_own, sees
from sandbox.refusals import invalid, not_found
from sandbox.wire import Document, Json
from sandbox.world import World

REQUIRED = ("type", "customerProfile", "consent", "details")
TYPES = ("Independent", "Shared")

_SPELLING = (
    "type customerProfile consent details name externalReferenceId status substatus statusReason "
    "qualification team inviteContext target engagementId campaignId salesStage consentToContact "
    "consentToToShareInfoWithOthers consentToMicrosoftToContactSpecificPartners "
    "consentToShareReferralWithMicrosoftSellers dealValue currency closingDateTime notes address"
)
_NAMES: Mapping[str, str] = {name.lower(): name for name in _SPELLING.split()}
"""Members are bound in any case: a documented sample mixes `ConsentToContact` in."""

_REPLACEABLE = (
    "favorite",
    "salesStage",
    "tags",
    "target",
    "team",
    "qualification",
    "details/requirements",
)
"""What a PUT may change beside the single values of a PATCH."""


def create(world: World, viewer: Viewer, body: Json) -> list[Document]:
    """The new referral, then those of its engagement that change with it. Raises Refusal."""
    if not isinstance(body, dict):
        raise invalid("A referral is an object.")
    given = wire.object_at({"given": _bound(body)}, "given")
    for member in REQUIRED:
        if not given.get(member):
            raise invalid(f"{member} is required.", member)
    if given["type"] not in TYPES:
        raise invalid(f"type is one of {', '.join(TYPES)}.", "type")
    _check_customer(given)
    now = world.clock.now()
    if _for_microsoft(given):
        return _invite_microsoft(world, viewer, given, now)
    return [_own(given, now)]


def replaced(before: Document, body: Json, now: datetime) -> Document:
    """The referral after a PUT; members that are not the partner's stay. Raises Refusal."""
    if not isinstance(body, dict):
        raise invalid("A referral is an object.")
    if "links" in body:
        raise invalid("links must be removed from the body.", "links")
    if wire.text_at(body, "id").lower() != before["id"]:
        raise invalid("The body is another referral's.", "id")
    check_open(before, ["/"])
    after = copy.deepcopy(before)
    for path, value in _replacements(body):
        *above, last = path.split("/")
        wire.object_at({"": after}, "/".join(["", *above]))[last] = value
    move(before, after, now)
    return after


def _replacements(body: Document) -> Iterator[tuple[str, Json]]:
    for pointer, read in SCALARS.items():
        path = pointer[1:]
        value = wire.at(body, path)
        if value is None:
            continue
        try:
            yield path, read(value)
        except ValueError as problem:
            raise invalid(str(problem), pointer) from problem
    for path in _REPLACEABLE:
        if (value := wire.at(body, path)) is not None:
            yield path, copy.deepcopy(value)


def _bound(value: Json) -> Json:
    match value:
        case dict():
            return {_NAMES.get(name.lower(), name): _bound(one) for name, one in value.items()}
        case list():
            return [_bound(one) for one in value]
        case _:
            return value


def _check_customer(given: Document) -> None:
    if not wire.text_at(given, "customerProfile/name"):
        raise invalid("The customer needs a name.", "customerProfile/name")
    country = wire.text_at(given, "customerProfile/address/country")
    if not re.fullmatch(r"[A-Z]{2}", country):
        raise invalid("The country is two capital letters.", "customerProfile/address/country")
    if wire.at(given, "consent/consentToContact") is not True:
        raise invalid("The customer's consent is required.", "consent/consentToContact")


def _for_microsoft(given: Document) -> bool:
    return any(
        target.get("type") == "BusinessProfileLocation" and target.get("id") == MICROSOFT
        for target in wire.objects_at(given, "target")
    )


def _own(given: Document, now: datetime) -> Document:
    if given["type"] == "Shared" and not wire.objects_at(given, "details/requirements/solutions"):
        raise invalid("A co-sell deal needs a solution.", "details/requirements/solutions")
    _check_team(given)
    referral: Document = {
        **copy.deepcopy(_DEFAULTS),
        **copy.deepcopy(given),
        **_of_the_system(given, now),
    }
    wire.object_at(referral, "customerProfile")["isMatchingComplete"] = False
    details = wire.object_at(referral, "details")
    for pointer in ("/details/dealValue", "/details/currency", "/details/closingDateTime"):
        member = pointer.rpartition("/")[2]
        try:
            details[member] = SCALARS[pointer](details.get(member))
        except ValueError as problem:
            raise invalid(str(problem), pointer) from problem
    details.setdefault("notes", None)
    return referral


_DEFAULTS: Document = {
    **deal_shapes.system_members(),
    "name": None,
    "externalReferenceId": None,
    "statusReason": None,
    "qualification": "SalesQualified",
    "target": [],
}


def _of_the_system(given: Document, now: datetime) -> Document:
    referral_id, engagement = str(uuid.uuid4()), str(uuid.uuid4())
    organisation: Document = {
        "organizationId": CONTOSO,
        "organizationName": ORGANISATIONS[CONTOSO],
    }
    return {
        "id": referral_id,
        "engagementId": engagement,
        **organisation,
        "createdDateTime": wire.stamp(now),
        "updatedDateTime": wire.stamp(now),
        "expirationDateTime": None,
        "acceptedDateTime": wire.stamp(now),
        "closedDateTime": None,
        "status": "Active",
        "substatus": "Accepted",
        "direction": "Outgoing",
        "mpnId": LOCATION,
        "registrationStatus": "None",
        "registrations": [],
        "inviteContext": {**wire.object_at(given, "inviteContext"), "invitedBy": organisation},
        "links": deal_shapes.links(referral_id, engagement),
        "trackingInfo": deal_shapes.tracking(None),
    }


def _check_team(given: Document) -> None:
    members = wire.objects_at(given, "team")
    try:
        if not members:
            raise ValueError("A deal needs a team member.")
        for one in members:
            team_member(one)
    except ValueError as problem:
        raise invalid(str(problem), "team") from problem


def _invite_microsoft(
    world: World, viewer: Viewer, given: Document, now: datetime
) -> list[Document]:
    """The second POST of a co-sell deal: a referral for Microsoft in our engagement (4.4, 8)."""
    engagement = wire.text_at(given, "engagementId").lower()
    ours = [
        one
        for one in world.deals
        if one["engagementId"] == engagement and is_own(one) and sees(world, viewer, one)
    ]
    if not ours:
        raise not_found()
    own = ours[0]
    check_open(own, ["/target"])
    if not wire.objects_at(own, "details/requirements/solutions"):
        raise invalid("A co-sell deal needs a solution.", "details/requirements/solutions")
    _check_contact(given)
    made = deal_shapes.microsofts(own, deal_shapes.NEW, now, str(uuid.uuid4()))
    for member in ("name", "inviteContext"):
        if member in given:
            made[member] = given[member]
    shared: Document = {
        **own,
        "type": "Shared",
        "consent": {
            **wire.object_at(own, "consent"),
            "consentToShareReferralWithMicrosoftSellers": True,
        },
    }
    return [made, shared]


def _check_contact(given: Document) -> None:
    if not wire.objects_at(given, "customerProfile/team"):
        raise invalid("Microsoft's help needs a customer contact.", "customerProfile/team")
