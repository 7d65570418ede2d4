"""A deal that does not exist yet: what it needs, and the one document that creates it.

It is private: visible to one partner, not shared with Microsoft (API reference 4.4 and 8).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal

from partner_center.errors import UnexpectedAnswer
from partner_center.referral import (
    LATEST_CLOSE,
    TEXT_LIMITS,
    Field,
    Member,
    Problem,
    check_person,
    check_text,
    check_value,
)
from partner_center.wire import (
    Json,
    as_list,
    as_moment,
    as_object,
    as_text,
    encoded,
    parse_json,
)

CUSTOMER_LIMIT = 255
NOTES_LIMIT = 2000
"""Longest notes of a new deal: its form holds everything at once. More can be written later."""


@dataclass(frozen=True, slots=True)
class NewDeal:
    """A private deal to create. `country` is two capital letters, `close` a day in UTC, `contact`
    the first person of our own team."""

    customer: str
    country: str
    name: str
    value: Decimal
    currency: str
    close: date
    contact: Member
    notes: str = ""


def check_new_deal(deal: NewDeal, today: date) -> tuple[Problem, ...]:
    """Why this cannot be sent; empty when it can.

    Codes: text_empty, text_too_long, text_unreadable (field), country_unknown, value_not_positive,
    those of `check_value`, currency_unknown, close_in_past, close_out_of_range, and those of
    `check_person`.
    """
    problems = list(check_text("customer", deal.customer, CUSTOMER_LIMIT, needed=True))
    if not (len(deal.country) == 2 and deal.country.isascii() and deal.country.isupper()):
        problems.append(Problem("country_unknown", {"typed": deal.country}))
    problems += check_text("name", deal.name, TEXT_LIMITS[Field.NAME], needed=True)
    problems += _check_value(deal)
    problems += _check_close(deal.close, today)
    problems += check_text("notes", deal.notes, NOTES_LIMIT, lines=True)
    problems += check_person(deal.contact)
    return tuple(problems)


def _check_value(deal: NewDeal) -> tuple[Problem, ...]:
    found = check_value(deal.value, deal.currency)
    return found if found or deal.value else (Problem("value_not_positive"),)


def _check_close(close: date, today: date) -> tuple[Problem, ...]:
    if close < today:
        facts = {"close": close.isoformat(), "today": today.isoformat()}
        return (Problem("close_in_past", facts),)
    if close > LATEST_CLOSE:
        facts = {"earliest": today.isoformat(), "latest": LATEST_CLOSE.isoformat()}
        return (Problem("close_out_of_range", facts),)
    return ()


def new_deal_document(deal: NewDeal, mark: str) -> dict[str, Json]:
    """The body of the POST. `mark` makes the deal recognisable when its answer is lost."""
    details: dict[str, Json] = {
        "notes": deal.notes,
        "dealValue": deal.value,
        "currency": deal.currency,
        "closingDateTime": f"{deal.close.isoformat()[:10]}T00:00:00Z",
    }
    contact: dict[str, Json] = {
        "firstName": deal.contact.first_name,
        "lastName": deal.contact.last_name,
        "phoneNumber": deal.contact.phone_number,
        "email": deal.contact.email,
    }
    return {
        "name": deal.name,
        "externalReferenceId": mark,
        "qualification": "SalesQualified",
        "type": "Independent",
        "customerProfile": {"name": deal.customer, "address": {"country": deal.country}},
        "consent": {
            "consentToToShareInfoWithOthers": False,
            "consentToContact": True,
            "consentToShareReferralWithMicrosoftSellers": False,
        },
        "details": details,
        "team": [contact],
        "target": [],
    }


def written(deal: NewDeal, mark: str) -> str:
    """The body as it is stored and sent."""
    return encoded(new_deal_document(deal, mark)).decode()


def read(document: str) -> tuple[NewDeal, str]:
    """The deal and the mark back from `written`.

    Raises ValueError for any other document, so that nothing else is ever sent.
    """
    try:
        top = as_object(parse_json(document.encode()))
        details, profile = as_object(top.get("details")), as_object(top.get("customerProfile"))
        team = as_list(top.get("team"))
        deal = _deal(top, details, profile, as_object(team[0] if team else None))
    except UnexpectedAnswer as error:
        raise ValueError("not the document of a new deal") from error
    mark = _word(top, "externalReferenceId")
    if written(deal, mark) != document:
        raise ValueError("not the document of a new deal")
    return deal, mark


def _deal(
    top: Mapping[str, Json],
    details: Mapping[str, Json],
    profile: Mapping[str, Json],
    person: Mapping[str, Json],
) -> NewDeal:
    close, value = as_moment(details.get("closingDateTime")), details.get("dealValue")
    if close is None or isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise UnexpectedAnswer("not_a_new_deal")
    contact = Member(
        first_name=_word(person, "firstName"),
        last_name=_word(person, "lastName"),
        email=_word(person, "email"),
        phone_number=_word(person, "phoneNumber"),
    )
    return NewDeal(
        customer=_word(profile, "name"),
        country=_word(as_object(profile.get("address")), "country"),
        name=_word(top, "name"),
        value=Decimal(value),
        currency=_word(details, "currency"),
        close=close.astimezone(UTC).date(),
        contact=contact,
        notes=_word(details, "notes"),
    )


def _word(document: Mapping[str, Json], name: str) -> str:
    return as_text(document.get(name)) or ""


def fingerprint(deal: NewDeal) -> str:
    """What the deal says, without its mark: two wishes for the same deal have the same one."""
    return hashlib.sha256(encoded(new_deal_document(deal, ""))).hexdigest()
