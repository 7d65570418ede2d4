"""How a start deal becomes referrals on the wire: ours, Microsoft's, another partner's."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox import wire
from sandbox.catalogue import ADATUM, CONTOSO, LOCATION, MICROSOFT, ORGANISATIONS, SOLUTIONS
from sandbox.people import PEOPLE
from sandbox.wire import Document, Json

API = "https://api.partner.microsoft.com/v1.0/engagements/referrals"
"""The documented address; links inside a referral carry it whatever host served them."""
ANSWER_TIME = timedelta(days=14)
"""A new referral that nobody answers within this time expires (API reference 13.1)."""

Standing = tuple[str, str]
"""Status and substatus."""
NEW: Standing = ("New", "Pending")
RECEIVED: Standing = ("New", "Received")
ACCEPTED: Standing = ("Active", "Accepted")
WON: Standing = ("Closed", "Won")
LOST: Standing = ("Closed", "Lost")
DECLINED: Standing = ("Closed", "Declined")
EXPIRED: Standing = ("Closed", "Expired")
ERROR: Standing = ("Closed", "Error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """What sets one start deal apart; days count back from the sandbox's now."""

    id: str
    name: str
    customer: str
    value: Decimal = Decimal(48000)
    currency: str = "USD"
    type: str = "Shared"
    shared: bool = True
    standing: Standing = ACCEPTED
    direction: str = "Outgoing"
    qualification: str = "SalesQualified"
    invited_by: str | None = CONTOSO
    team: tuple[str, ...] = ("ada",)
    solution: str = "DEAL-123456-XYZ"
    managed: bool = True
    matched: bool = True
    microsoft: Standing | None = ACCEPTED
    partner: bool = False
    country: str = "US"
    made: float = 40
    closed: float | None = None
    closing: int = 60
    """Days until the estimated close date."""
    expires: float | None = None
    """Days until the answer is due, for new referrals."""
    notes: str = ""
    reason: str | None = None
    crm: str = ""
    help: str = "ProofOfConceptOrDemo"
    engagement: str = ""
    registration: str = ""
    """State of its registration, empty for none."""
    more: Mapping[str, Json] = field(default_factory=dict)
    """Top-level members as they are to be on the wire, over everything above."""


def referrals_of(deal: Deal, now: datetime) -> list[Document]:
    """The partner's own referral first, then the other parties' of the same engagement."""
    own = _own(deal, now)
    others = []
    if deal.microsoft:
        invited = now - timedelta(days=max(deal.made - 2, 0))
        others.append(microsofts(own, deal.microsoft, invited, microsoft_id(deal.id)))
    if deal.partner:
        made = now - timedelta(days=deal.made)
        others.append(_others(own, ADATUM, ACCEPTED, made, _other_id(deal.id, ADATUM)))
    return [own, *others]


def microsoft_id(own_id: str) -> str:
    """The id of Microsoft's referral in the engagement of a start deal."""
    return _other_id(own_id, MICROSOFT)


def microsofts(own: Document, standing: Standing, made: datetime, referral_id: str) -> Document:
    """Microsoft's referral in the engagement of ours (API reference 4.5)."""
    referral = _others(own, MICROSOFT, standing, made, referral_id)
    if own["direction"] == "Incoming":
        referral["direction"] = "Outgoing"
    referral["target"] = [{"type": "BusinessProfileLocation", "id": MICROSOFT}]
    return referral


def links(referral_id: str, engagement_id: str) -> Document:
    """The links member, as real answers have it: with the engagement's id unquoted."""
    related = f"{API}?$filter=engagementId eq {engagement_id}"
    return {
        "relatedReferrals": {"uri": related, "method": "GET"},
        "self": {"uri": f"{API}/{referral_id}", "method": "GET"},
    }


def member(first: str, last: str, email: str, phone: str) -> Document:
    """Somebody on a team."""
    return {
        "firstName": first,
        "lastName": last,
        "phoneNumber": phone,
        "email": email,
        "title": None,
        "contactPreference": {"locale": "en-us", "disableNotifications": False},
    }


def solution(solution_id: str) -> Document:
    """A solution on a deal."""
    return {
        "id": solution_id,
        "name": SOLUTIONS[solution_id].name,
        "type": "Name",
        "price": None,
        "quantity": None,
        "currency": None,
        "publisherName": None,
        "solutionType": None,
        "closingDateTime": None,
    }


def _ids(deal: Deal) -> tuple[str, str]:
    return deal.id, deal.engagement or str(uuid.uuid5(uuid.UUID(deal.id), "engagement"))


def _own(deal: Deal, now: datetime) -> Document:
    referral_id, engagement_id = _ids(deal)
    made = now - timedelta(days=deal.made)
    status, substatus = deal.standing
    closed = None if deal.closed is None else wire.stamp(now - timedelta(days=deal.closed))
    expires = None if deal.expires is None else wire.stamp(now + timedelta(days=deal.expires))
    took_part = deal.standing in (ACCEPTED, WON, LOST)
    changed = now - timedelta(days=deal.closed if deal.closed is not None else deal.made * 0.6)
    document: Document = {
        "id": referral_id,
        "engagementId": engagement_id,
        "name": deal.name,
        "organizationId": CONTOSO,
        "organizationName": ORGANISATIONS[CONTOSO],
        "externalReferenceId": deal.crm,
        "createdDateTime": wire.stamp(made),
        "updatedDateTime": wire.stamp(changed),
        "expirationDateTime": expires,
        "acceptedDateTime": wire.stamp(made) if took_part else None,
        "closedDateTime": closed,
        "status": status,
        "substatus": substatus,
        "statusReason": deal.reason,
        "qualification": deal.qualification,
        "type": deal.type,
        "direction": deal.direction,
        **system_members(),
        "target": [{"type": "SolutionProfile", "id": deal.solution}],
        "customerProfile": _customer(deal),
        "consent": {
            "consentToToShareInfoWithOthers": True,
            "consentToContact": True,
            "consentToShareReferralWithMicrosoftSellers": deal.shared,
        },
        "details": _details(deal, now),
        "team": [_colleague(key) for key in deal.team],
        "inviteContext": _invitation(deal.help, deal.invited_by),
        "links": links(referral_id, engagement_id),
        "trackingInfo": tracking("7-3K9QWE2XYZ" if deal.microsoft == ACCEPTED else None),
        "registrations": [],
    }
    return document | dict(deal.more)


def system_members() -> Document:
    """What a referral has that nobody filled in."""
    return {
        "lastModifiedVia": None,
        "lastRunId": None,
        "referralSource": None,
        "callToAction": None,
        "quality": "Unknown",
        "isSpam": False,
        "favorite": False,
        "campaignId": None,
        "salesStage": None,
        "mpnId": LOCATION,
        "referralProgram": None,
        "dealSensitivity": "None",
        "createdVia": None,
        "tags": [],
        "registrationStatus": "None",
    }


def tracking(msx: str | None) -> Document:
    """The ids under which Microsoft follows a deal."""
    return {
        "microsoftMsxId": msx,
        "microsoftUSFedOpportunityId": None,
        "microsoftUSFedLeadId": None,
        "migratedPSCDealId": None,
        "migratedPSCPartnerDealId": None,
    }


def _invitation(help_code: str, invited_by: str | None) -> Document:
    inviter: Json = None
    if invited_by is not None:
        inviter = {"organizationId": invited_by, "organizationName": ORGANISATIONS[invited_by]}
    return {
        "notes": None,
        "assistanceRequestCode": help_code,
        "invitedMpnId": None,
        "invitedBy": inviter,
    }


def _customer(deal: Deal) -> Document:
    account = uuid.UUID(deal.id).int
    ids: list[Json] = [{"profileType": "Duns", "id": f"{account % 10**9:09d}"}]
    if deal.managed:
        ids.append({"profileType": "External", "id": f"1-{account % 36**7:X}"})
    contact = member("Sue", "Smith", "sue.smith@customer.example", "1234567890")
    return {
        "name": deal.customer,
        "size": "251to1000employees",
        "isMatchingComplete": deal.matched,
        "address": {
            "addressLine1": "1 Main St",
            "addressLine2": "",
            "city": "Redmond",
            "state": "WA",
            "postalCode": "98052",
            "country": deal.country,
            "region": None,
        },
        "team": [contact | {"contactPreference": {"locale": None, "disableNotifications": None}}],
        "ids": list(ids),
    }


def _details(deal: Deal, now: datetime) -> Document:
    return {
        "notes": deal.notes,
        "dealValue": deal.value,
        "currency": deal.currency,
        "closingDateTime": wire.day(now + timedelta(days=deal.closing)),
        "customerRequestedContact": None,
        "customerAction": None,
        "incentiveLevel": None,
        "requirements": {
            "industries": [{"id": "Education"}],
            "products": [{"id": "Azure"}],
            "services": [],
            "solutions": [solution(deal.solution)] if deal.solution else [],
            "offers": [],
            "salesPlays": [],
            "additionalRequirements": {
                "iot": {},
                "attributes": [{"type": "CustomerMarketplaceIntent", "id": "HaveNotDecided"}],
            },
        },
    }


def _colleague(key: str) -> Document:
    person = PEOPLE[key]
    return member(person.first, person.last, person.email, f"425555{len(key):04d}")


def _other_id(own_id: str, organisation: str) -> str:
    return str(uuid.uuid5(uuid.UUID(own_id), organisation))


def _others(
    own: Document, organisation: str, standing: Standing, made: datetime, referral_id: str
) -> Document:
    status, substatus = standing
    closed = wire.stamp(made + timedelta(days=1)) if status == "Closed" else None
    answered = wire.stamp(made + timedelta(hours=20)) if standing in (ACCEPTED, WON) else None
    changed: Document = {
        "id": referral_id,
        "organizationId": organisation,
        "organizationName": ORGANISATIONS[organisation],
        "externalReferenceId": "",
        "createdDateTime": wire.stamp(made),
        "updatedDateTime": answered or closed or wire.stamp(made),
        "expirationDateTime": wire.stamp(made + ANSWER_TIME) if status == "New" else None,
        "acceptedDateTime": answered,
        "closedDateTime": closed,
        "status": status,
        "substatus": substatus,
        "statusReason": None,
        "direction": "Incoming",
        "type": "Shared",
        "mpnId": "",
        "target": [],
        "team": [member("Marta", "Silva", f"marta.silva@{organisation[:4]}.example", "4255550100")],
        "inviteContext": _invitation("ProofOfConceptOrDemo", CONTOSO),
        "links": links(referral_id, wire.text_at(own, "engagementId")),
        "registrations": [],
        "registrationStatus": "None",
    }
    return own | changed
