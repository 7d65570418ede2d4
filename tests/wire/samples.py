"""Documents of the API reference, as it prints them, for tests that need a whole referral."""

from typing import Any

REFERRAL_ID = "c5fbb3b6-be74-4795-9fb5-4324c73fed37"
ENGAGEMENT_ID = "65edc0b5-3485-41b7-a17e-dfa9ef4706e2"
ETAG = '"2500ec5a-0000-0000-0000-5bf4967d0000"'


def referral(**top: Any) -> dict[str, Any]:  # noqa: ANN401
    """The full sample of API reference 4.7, with some top-level fields replaced."""
    return {
        "@odata.context": "https://api.partner.microsoft.com/v1.0/engagements/referrals/"
        "$metadata#Referrals/$entity",
        "id": REFERRAL_ID,
        "engagementId": ENGAGEMENT_ID,
        "name": "Fabrikam analytics rollout",
        "organizationId": "7d23e5ca-19dc-4eaa-aac8-5e6b559f0d1d",
        "organizationName": "Contoso",
        "lastModifiedVia": None,
        "lastRunId": None,
        "externalReferenceId": "",
        "createdDateTime": "2026-01-05T09:00:00.1234567Z",
        "updatedDateTime": "2026-01-06T09:00:00.1234567Z",
        "expirationDateTime": None,
        "acceptedDateTime": "2026-01-05T09:00:00.1234567Z",
        "closedDateTime": None,
        "status": "Active",
        "substatus": "Accepted",
        "statusReason": None,
        "qualification": "SalesQualified",
        "type": "Shared",
        "direction": "Outgoing",
        "referralSource": None,
        "callToAction": None,
        "quality": "Unknown",
        "isSpam": False,
        "favorite": False,
        "campaignId": None,
        "salesStage": None,
        "mpnId": "1234567",
        "referralProgram": None,
        "dealSensitivity": "None",
        "createdVia": None,
        "tags": [],
        "registrationStatus": "None",
        "eTag": ETAG,
        "target": [{"type": "SolutionProfile", "id": "SOL-34104-EBB"}],
        "customerProfile": {
            "name": "Fabrikam Inc",
            "size": "251to1000employees",
            "isMatchingComplete": True,
            "address": {
                "addressLine1": "1 Main St",
                "addressLine2": "",
                "city": "Redmond",
                "state": "WA",
                "postalCode": "98052",
                "country": "US",
                "region": None,
            },
            "team": [
                {
                    "firstName": "Sue",
                    "lastName": "Smith",
                    "phoneNumber": "1234567890",
                    "email": "sue.smith@fabrikam.example",
                    "title": None,
                    "contactPreference": {"locale": None, "disableNotifications": None},
                }
            ],
            "ids": [{"profileType": "External", "id": "1-15ABCDE"}],
        },
        "consent": {
            "consentToToShareInfoWithOthers": True,
            "consentToContact": True,
            "consentToShareReferralWithMicrosoftSellers": True,
        },
        "details": {
            "notes": "…",
            "dealValue": 30000,
            "currency": "USD",
            "closingDateTime": "2026-03-24T00:00:00Z",
            "customerRequestedContact": None,
            "customerAction": None,
            "incentiveLevel": None,
            "requirements": {
                "industries": [{"id": "Education"}],
                "products": [{"id": "Azure"}],
                "services": [],
                "solutions": [
                    {
                        "id": "SOL-34104-EBB",
                        "name": "Contoso Experience Platform",
                        "type": "Name",
                        "price": None,
                        "quantity": None,
                        "currency": None,
                        "publisherName": None,
                        "solutionType": None,
                        "closingDateTime": None,
                    }
                ],
                "offers": [],
                "salesPlays": [],
                "additionalRequirements": {
                    "iot": {},
                    "attributes": [{"type": "CustomerMarketplaceIntent", "id": "HaveNotDecided"}],
                },
            },
        },
        "team": [
            {
                "firstName": "John",
                "lastName": "Doe",
                "phoneNumber": "1231231234",
                "email": "john.doe@contoso.example",
                "title": None,
                "contactPreference": {"locale": "en-us", "disableNotifications": False},
            }
        ],
        "inviteContext": {
            "notes": None,
            "assistanceRequestCode": "ProofOfConceptOrDemo",
            "invitedMpnId": None,
            "invitedBy": {
                "organizationId": "7d23e5ca-19dc-4eaa-aac8-5e6b559f0d1d",
                "organizationName": "Contoso",
            },
        },
        "links": {"self": {"uri": "https://example.com/ignored", "method": "GET"}},
        "trackingInfo": {"microsoftMsxId": None},
        "registrations": [],
        **top,
    }


def registration(**top: Any) -> dict[str, Any]:  # noqa: ANN401
    """The read-back of API reference 10.3, with some top-level fields replaced."""
    return {
        "id": "3f0c6f0e-0000-4000-8000-000000000001",
        "type": "AzureIPCoSell",
        "registrationDateTime": "2026-02-20T10:00:00.1234567Z",
        "status": "ReviewPending",
        "statusReason": None,
        "contract": {
            "value": 120000,
            "currency": "USD",
            "term": "Finite",
            "signDateTime": "2026-02-10T00:00:00Z",
            "startDateTime": "2026-02-15T00:00:00Z",
            "endDateTime": "2027-02-14T00:00:00Z",
        },
        "solutionDetails": [
            {
                "id": "SOL-34104-EBB",
                "name": "Contoso Experience Platform",
                "value": 100000,
                "currency": "USD",
                "isDeployedOnAzure": True,
                "primaryDeploymentOn": "Customer",
                "pricingModel": "Other",
                "marketplaceTransactionDetails": {
                    "isMarketplaceTransacted": False,
                    "marketplaceTransactionDateTime": None,
                },
            }
        ],
        "statusHistory": {"reviewPendingDateTime": "2026-02-20T10:00:00.1234567Z"},
        **top,
    }
