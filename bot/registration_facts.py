"""What a read of the deal, or a refused PATCH, says about a registration on its way."""

from __future__ import annotations

from dataclasses import dataclass

from bot.registration_rules import Outcome, Seen, Version
from bot.store.registrations import Submission
from partner_center import errors
from partner_center.referral import Referral
from partner_center.registration import Match, Registration, matches


@dataclass(frozen=True, slots=True)
class Look:
    """One read of the referral, and how its registrations compare with ours."""

    referral: Referral
    seen: Seen
    same: tuple[Registration, ...]
    others: tuple[Registration, ...]


def look_of(submission: Submission, referral: Referral) -> Look:
    """A referral as seen by a submission. Raises UnexpectedAnswer for one without an eTag."""
    if not referral.etag:
        raise errors.UnexpectedAnswer("no_etag")
    same: list[Registration] = []
    others: list[Registration] = []
    for read in referral.registrations:
        fits = matches(submission.registration, read) is Match.SAME
        (same if fits else others).append(read)
    before = submission.base_inputs
    seen = Seen(
        version=Version(referral.etag, referral.updated),
        same=len(same),
        others=len(others),
        changed=bool(before) and before != inputs_of(referral),
    )
    return Look(referral, seen, tuple(same), tuple(others))


def inputs_of(referral: Referral) -> dict[str, str]:
    """What of the deal a registration is made from: when this moves, a person is asked again."""
    return {
        "value": str(referral.deal_value),
        "currency": str(referral.currency),
        "type": referral.type,
        "customer": referral.customer,
        "country": referral.country,
        "matching": str(referral.matching_complete),
        "solutions": ", ".join(sorted(solution.id for solution in referral.solutions)),
        "status": "open" if referral.is_open or referral.is_won else referral.substatus,
    }


def outcome_of(error: errors.PartnerCenterError) -> Outcome:
    """What a failed PATCH says about itself (step 6). What is not certain is UNKNOWN."""
    parsed = error.code is not None
    match error:
        case errors.NotSent():
            return Outcome.NOT_SENT
        case errors.Unauthorized():
            return Outcome.UNAUTHORIZED
        case errors.Conflict():
            return Outcome.MOVED
        case errors.Throttled(own_body=True):
            return Outcome.THROTTLED
        case errors.Refused(status=409) if parsed:
            return Outcome.CONFLICT
        case errors.Forbidden() | errors.NotFound() if parsed:
            return Outcome.REFUSED
        case errors.Refused(status=400 | 422) if parsed:
            return Outcome.REFUSED
        case _:
            return Outcome.UNKNOWN
