"""JSON of Partner Center <-> values: strict about JSON itself, lenient about what it says.

Not JSON, duplicate keys, NaN and numbers no amount can have are refused as UnexpectedAnswer, and so
is a value in a field of money or time that cannot be read. Unknown fields stay in `raw`, unknown
enum values pass as they are, missing fields are None or empty (API reference 4.1, U17).
"""

import html
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import NoReturn, TypeAlias

from partner_center.errors import UnexpectedAnswer
from partner_center.referral import Member, Referral, Solution, Status, Substatus
from partner_center.registration import Registration

Json: TypeAlias = "bool | int | Decimal | str | list[Json] | dict[str, Json] | None"

_LONGEST_NUMBER = 40
_NOTHING: Mapping[str, Json] = {}


def parse_json(data: bytes) -> Json:
    """Strict JSON in UTF-8; numbers with a fraction as Decimal. Raises UnexpectedAnswer."""
    try:
        parsed: Json = _STRICT.decode(data.decode("utf-8-sig"))
    except UnexpectedAnswer:
        raise
    except (ValueError, RecursionError) as error:
        raise UnexpectedAnswer("not_json") from error
    return parsed


def _decimal(text: str) -> Decimal:
    number = Decimal(text) if len(text) <= _LONGEST_NUMBER else None
    if number is None or (number and abs(number.adjusted()) > _LONGEST_NUMBER):
        raise UnexpectedAnswer("number_out_of_range")
    return number


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise UnexpectedAnswer("number_out_of_range")
    return int(text)


def _constant(_name: str) -> NoReturn:
    raise UnexpectedAnswer("not_a_number")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise UnexpectedAnswer("duplicate_key")
    return document


_STRICT = json.JSONDecoder(
    parse_float=_decimal,
    parse_int=_integer,
    parse_constant=_constant,
    object_pairs_hook=_object,
)


def as_object(value: Json) -> Mapping[str, Json]:
    """An object, or UnexpectedAnswer."""
    if not isinstance(value, dict):
        raise UnexpectedAnswer("not_an_object")
    return value


def as_list(value: Json) -> list[Json]:
    """An array, or UnexpectedAnswer."""
    if not isinstance(value, list):
        raise UnexpectedAnswer("not_an_array")
    return value


def as_text(value: Json) -> str | None:
    """Text; a number or truth value as its JSON spelling; None for null and containers."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, list | dict):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def as_flag(value: Json) -> bool | None:
    """A truth value, also when spelled as text (`"true"`); None for anything else."""
    if isinstance(value, bool):
        return value
    spelled = value.lower() if isinstance(value, str) else None
    return {"true": True, "false": False}.get(spelled or "")


def encoded(document: object) -> bytes:
    """A document as it is sent: UTF-8, no blanks, amounts exact. Raises ValueError."""
    return json.dumps(
        document,
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
        default=_number,
    ).encode()


def _number(value: object) -> int | float:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise ValueError(f"{type(value).__name__} cannot be written as a JSON number")
    if value == value.to_integral_value():
        return int(value)
    nearest = float(value)
    if Decimal(repr(nearest)) != value:
        raise ValueError("the amount has too many digits for a JSON number")
    return nearest


_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,29})(?:\.\d{1,9})?", re.ASCII)


def as_amount(value: Json) -> Decimal | None:
    """A number, or a decimal number as text (API reference C4). None for null and empty text.

    Raises UnexpectedAnswer for anything else.
    """
    if value is None or value == "":
        return None
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    raise UnexpectedAnswer("not_an_amount")


_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)


def as_moment(value: Json) -> datetime | None:
    """A time in UTC with microseconds; 0 to 9 fractional digits; no zone means UTC.

    None for null, empty text and year 1 (an unset time). Raises UnexpectedAnswer for anything else.
    """
    if value is None or value == "":
        return None
    parts = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise UnexpectedAnswer("not_a_time")
    day, clock, fraction, zone = parts.groups()
    offset = "+00:00" if zone is None or zone in "Zz" else zone
    text = f"{day}T{clock or '00:00:00'}.{(fraction or '')[:6]:0<6}{offset}"
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.year == 1 else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnexpectedAnswer("not_a_time") from error


def _inner(document: Mapping[str, Json], *path: str) -> Mapping[str, Json]:
    for key in path:
        inner = document.get(key)
        document = inner if isinstance(inner, dict) else _NOTHING
    return document


def _entries(value: Json) -> tuple[Mapping[str, Json], ...]:
    """The objects of an array; a single object counts as one, `{}` as none (API reference C12)."""
    listed = value if isinstance(value, list) else [value]
    return tuple(entry for entry in listed if isinstance(entry, dict) and entry)


def _word(value: Json) -> str:
    return as_text(value) or ""


def _known(value: Json, names: type[StrEnum]) -> str:
    """A known name in its documented spelling, any other as it came."""
    word = _word(value)
    return _spellings(names).get(word.lower(), word)


@cache
def _spellings(names: type[StrEnum]) -> Mapping[str, str]:
    return {name.lower(): name.value for name in names}


def referral_from_json(document: Json) -> Referral:
    """A referral. Raises UnexpectedAnswer without an id, or with an unreadable amount or time."""
    top = as_object(document)
    identity = top.get("id")
    if not isinstance(identity, str) or not identity:
        raise UnexpectedAnswer("no_id")
    details = _inner(top, "details")
    profile = _inner(top, "customerProfile")
    invite = _inner(top, "inviteContext")
    return Referral(
        id=identity,
        engagement_id=_word(top.get("engagementId")),
        name=_word(top.get("name")),
        customer=html.unescape(_word(profile.get("name"))),
        country=_word(_inner(profile, "address").get("country")),
        organization_id=_word(top.get("organizationId")),
        organization_name=html.unescape(_word(top.get("organizationName"))),
        invited_by=as_text(_inner(invite, "invitedBy").get("organizationId")),
        status=_known(top.get("status"), Status),
        substatus=_known(top.get("substatus"), Substatus),
        status_reason=as_text(top.get("statusReason")),
        type=_word(top.get("type")),
        qualification=_word(top.get("qualification")),
        direction=_word(top.get("direction")),
        deal_value=as_amount(details.get("dealValue")),
        currency=as_text(details.get("currency")),
        closing=as_moment(details.get("closingDateTime")),
        notes=as_text(details.get("notes")),
        crm_id=as_text(top.get("externalReferenceId")),
        campaign_id=as_text(top.get("campaignId")),
        created=as_moment(top.get("createdDateTime")),
        updated=as_moment(top.get("updatedDateTime")),
        expires=as_moment(top.get("expirationDateTime")),
        accepted=as_moment(top.get("acceptedDateTime")),
        closed=as_moment(top.get("closedDateTime")),
        team=tuple(_member(entry) for entry in _entries(top.get("team"))),
        solutions=_solutions(_inner(details, "requirements").get("solutions")),
        registrations=tuple(map(registration_from_json, _entries(top.get("registrations")))),
        registration_status=_word(top.get("registrationStatus")) or "None",
        shared_with_microsoft=as_flag(
            _inner(top, "consent").get("consentToShareReferralWithMicrosoftSellers")
        )
        is True,
        matching_complete=as_flag(profile.get("isMatchingComplete")),
        help_code=as_text(invite.get("assistanceRequestCode")),
        mpn_id=_word(top.get("mpnId")),
        etag=_word(top.get("eTag")),
        raw=top,
    )


def _member(entry: Mapping[str, Json]) -> Member:
    return Member(
        first_name=_word(entry.get("firstName")),
        last_name=_word(entry.get("lastName")),
        email=_word(entry.get("email")),
        phone_number=_word(entry.get("phoneNumber")),
        title=as_text(entry.get("title")),
    )


def _solutions(value: Json) -> tuple[Solution, ...]:
    return tuple(
        Solution(_word(entry.get("id")), as_text(entry.get("name")), as_text(entry.get("type")))
        for entry in _entries(value)
    )


def registration_from_json(entry: Mapping[str, Json]) -> Registration:
    """A registration as shown on a referral (API reference 10.3). Raises UnexpectedAnswer."""
    contract = _inner(entry, "contract")
    solutions = _entries(entry.get("solutionDetails"))
    first = solutions[0] if solutions else _NOTHING
    marketplace = _inner(first, "marketplaceTransactionDetails")
    return Registration(
        id=_word(entry.get("id")),
        status=_word(entry.get("status")),
        status_reason=as_text(entry.get("statusReason")),
        type=as_text(entry.get("type")),
        value=as_amount(contract.get("value")),
        currency=as_text(contract.get("currency")),
        term=as_text(contract.get("term")),
        sign=as_moment(contract.get("signDateTime")),
        start=as_moment(contract.get("startDateTime")),
        end=as_moment(contract.get("endDateTime")),
        solution_id=as_text(first.get("id")),
        solution_name=as_text(first.get("name")),
        solution_value=as_amount(first.get("value")),
        solution_currency=as_text(first.get("currency")),
        deployed_on_azure=as_flag(first.get("isDeployedOnAzure")),
        deployment=as_text(first.get("primaryDeploymentOn")),
        pricing=as_text(first.get("pricingModel")),
        marketplace=as_flag(marketplace.get("isMarketplaceTransacted")),
        marketplace_date=as_moment(marketplace.get("marketplaceTransactionDateTime")),
        registered=as_moment(entry.get("registrationDateTime")),
        solution_ids=tuple(sorted(_word(each.get("id")) for each in solutions)),
        raw=entry,
    )
