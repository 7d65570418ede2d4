"""A referral as its owner sees it, and the rules for changing it: fields, status moves, team."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from partner_center.money import CURRENCIES, LIMIT, Amount, decimals_of, minor_digits, plain

if TYPE_CHECKING:
    from partner_center.registration import Registration


class Status(StrEnum):
    """Known statuses (API reference 4.1). The service may send others."""

    NONE = "None"
    NEW = "New"
    ACTIVE = "Active"
    CLOSED = "Closed"


class Substatus(StrEnum):
    """Known substatuses (API reference 4.1 and 5.2). The service may send others."""

    NONE = "None"
    PENDING = "Pending"
    RECEIVED = "Received"
    ACCEPTED = "Accepted"
    WON = "Won"
    LOST = "Lost"
    DECLINED = "Declined"
    EXPIRED = "Expired"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the partner's own team."""

    first_name: str
    last_name: str
    email: str
    phone_number: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Solution:
    """A solution on the deal. `id` is opaque (`SOL-34104-EBB`, `DEAL-123456-XYZ` or a GUID)."""

    id: str
    name: str | None = None
    type: str | None = None


MICROSOFT = "msft"
"""Microsoft's organisation id (API reference 4.3)."""
MARK = "dealdesk-"
"""How the external reference of every deal made here begins; the rest tells one from another."""


@dataclass(frozen=True, slots=True)
class Referral:
    """One party's record of a deal (API reference 4). All times are aware and in UTC.

    `status`, `substatus`, `type` and the like are plain text: unknown values pass. `etag` keeps its
    quotes and is empty where the service left it out (entries of a list may lack it).
    """

    id: str
    engagement_id: str
    name: str
    customer: str
    country: str
    organization_id: str
    organization_name: str
    invited_by: str | None
    status: str
    substatus: str
    status_reason: str | None
    type: str
    qualification: str
    direction: str
    deal_value: Decimal | None
    currency: str | None
    closing: datetime | None
    notes: str | None
    crm_id: str | None
    campaign_id: str | None
    created: datetime | None
    updated: datetime | None
    expires: datetime | None
    accepted: datetime | None
    closed: datetime | None
    team: tuple[Member, ...]
    solutions: tuple[Solution, ...]
    registrations: tuple[Registration, ...]
    registration_status: str
    shared_with_microsoft: bool
    matching_complete: bool | None
    help_code: str | None
    mpn_id: str
    etag: str
    raw: Mapping[str, object] = field(repr=False, compare=False)

    @property
    def own_crm_id(self) -> str | None:
        """The id in the partner's own system: the mark of a deal made here is none."""
        return None if (self.crm_id or "").startswith(MARK) else self.crm_id

    @property
    def is_open(self) -> bool:
        """New or Active: the only states in which anything can be edited."""
        return self.status in (Status.NEW, Status.ACTIVE)

    @property
    def is_won(self) -> bool:
        """Closed as Won, the only closed state in which a deal can still be registered."""
        return self.status == Status.CLOSED and self.substatus == Substatus.WON

    @property
    def is_cosell(self) -> bool:
        """Shared with Microsoft in one engagement (API reference 4.4)."""
        return self.type == "Shared" and not self.is_microsofts

    @property
    def is_microsofts(self) -> bool:
        """Microsoft's own referral of an engagement, which no partner may change."""
        return self.organization_id.lower() == MICROSOFT


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why something cannot or should not be done. `facts` are plain values for wording:
    amounts as `plain()` text, dates as ISO, counts as digits."""

    code: str
    facts: Mapping[str, str] = field(default_factory=dict)


class Field(StrEnum):
    """What a seller may change on a deal."""

    VALUE = "value"
    CURRENCY = "currency"
    CLOSE = "close"
    NOTES = "notes"
    NAME = "name"
    CRM = "crm"
    CAMPAIGN = "campaign"


@dataclass(frozen=True, slots=True)
class Change:
    """A new value of a field: Decimal for VALUE, date for CLOSE (a day, in UTC), else text."""

    field: Field
    value: Decimal | str | date


TEXT_LIMITS: Mapping[Field, int] = MappingProxyType(
    {Field.NOTES: 5000, Field.NAME: 255, Field.CRM: 255, Field.CAMPAIGN: 255}
)
"""Longest texts sent (API reference U16)."""

REASON_LIMIT = 255
EARLIEST_CLOSE = date(2000, 1, 1)
LATEST_CLOSE = date(2100, 12, 31)


def held(referral: Referral, which: Field) -> Decimal | str | date | None:
    """What the deal holds in a field now; the closing date as its UTC day."""
    if which is Field.CLOSE:
        return referral.closing.astimezone(UTC).date() if referral.closing else None
    values: Mapping[Field, Decimal | str | None] = {
        Field.VALUE: referral.deal_value,
        Field.CURRENCY: referral.currency,
        Field.NOTES: referral.notes,
        Field.NAME: referral.name,
        Field.CRM: referral.own_crm_id,
        Field.CAMPAIGN: referral.campaign_id,
    }
    return values[which]


def check_changes(referral: Referral, changes: Sequence[Change]) -> tuple[Problem, ...]:
    """Why these changes cannot be sent; empty when they can.

    Codes: no_changes, not_yours, closed_terminal, repeated, value_not_a_number, value_negative,
    value_too_precise, value_too_large, currency_unknown, close_out_of_range, close_before_created,
    text_too_long, text_empty, text_unreadable (API reference 5.4, U9, U16).
    """
    problems = list(check_open(referral))
    if not changes:
        problems.append(Problem("no_changes"))
    currency = next(
        (str(change.value) for change in changes if change.field is Field.CURRENCY),
        referral.currency,
    )
    seen: set[Field] = set()
    for change in changes:
        if change.field in seen:
            problems.append(Problem("repeated", {"field": change.field}))
        seen.add(change.field)
        problems.extend(_check_change(referral, change, currency))
    return tuple(problems)


def check_amount(
    referral: Referral, amount: Amount, changes: Sequence[Change] = ()
) -> tuple[Problem, ...]:
    """Whether the currency somebody typed is the deal's own, or the one the same changes set.

    Code: currency_differs (typed, held); an amount without a currency is in the deal's.
    """
    target = next(
        (str(change.value) for change in changes if change.field is Field.CURRENCY),
        referral.currency,
    )
    if amount.currency is None or target is None or amount.currency == target:
        return ()
    facts = {"typed": amount.currency, "held": target, "value": plain(amount.value)}
    return (Problem("currency_differs", facts),)


def check_open(referral: Referral) -> tuple[Problem, ...]:
    """Why nothing of this referral can be edited. Codes: not_yours, closed_terminal."""
    if referral.is_microsofts:
        return (Problem("not_yours", {"organization": referral.organization_name}),)
    if not referral.is_open:
        facts = {"status": referral.status, "substatus": referral.substatus}
        return (Problem("closed_terminal", facts),)
    return ()


def _check_change(referral: Referral, change: Change, currency: str | None) -> tuple[Problem, ...]:
    match change.field, change.value:
        case Field.VALUE, Decimal() as value:
            return check_value(value, currency)
        case Field.CURRENCY, str(code):
            return () if code in CURRENCIES else (Problem("currency_unknown", {"currency": code}),)
        case Field.CLOSE, date() as day:
            return _check_close(referral, day)
        case (Field.NOTES | Field.NAME | Field.CRM | Field.CAMPAIGN) as which, str(text):
            limit, is_notes = TEXT_LIMITS[which], which is Field.NOTES
            return check_text(which, text, limit, needed=which is Field.NAME, lines=is_notes)
        case which, value:
            raise TypeError(f"{which} does not take {type(value).__name__}")


def check_value(value: Decimal, currency: str | None) -> tuple[Problem, ...]:
    """Limits of an amount that is sent: 0 or more, at most two decimals and never more than the
    currency has (API reference U9). Codes as in `check_changes`."""
    if not value.is_finite():
        return (Problem("value_not_a_number"),)
    shown = {"value": plain(value)} if value < LIMIT else {}
    if value < 0:
        return (Problem("value_negative", shown),)
    if value >= LIMIT:
        return (Problem("value_too_large", {"limit": plain(LIMIT)}),)
    most = min(2, minor_digits(currency)) if currency else 2
    if decimals_of(value) > most:
        facts = shown | {"decimals": str(most), "currency": currency or ""}
        return (Problem("value_too_precise", facts),)
    return ()


def _check_close(referral: Referral, day: date) -> tuple[Problem, ...]:
    facts = {"close": day.isoformat()}
    if not EARLIEST_CLOSE <= day <= LATEST_CLOSE:
        earliest, latest = EARLIEST_CLOSE.isoformat(), LATEST_CLOSE.isoformat()
        return (Problem("close_out_of_range", facts | {"earliest": earliest, "latest": latest}),)
    if referral.created and day < referral.created.astimezone(UTC).date():
        created = referral.created.astimezone(UTC).date().isoformat()
        return (Problem("close_before_created", facts | {"created": created}),)
    return ()


def check_text(
    field: str, text: str, limit: int, *, needed: bool = False, lines: bool = False
) -> tuple[Problem, ...]:
    """Codes: text_empty (when it is `needed`), text_too_long, text_unreadable. `lines`: it may
    have several."""
    facts = {"field": str(field)}
    if needed and not text.strip():
        return (Problem("text_empty", facts),)
    if len(text) > limit:
        return (Problem("text_too_long", facts | {"limit": str(limit), "length": str(len(text))}),)
    if not _is_readable(text, lines=lines):
        return (Problem("text_unreadable", facts),)
    return ()


def _is_readable(text: str, *, lines: bool) -> bool:
    """No control characters (line ends and tabs where lines are allowed), no lone surrogates."""
    allowed = "\n\r\t" if lines else ""
    return all(
        character in allowed or unicodedata.category(character) not in ("Cc", "Cs")
        for character in text
    )


TEAM_LIMIT = 50
_EMAIL = re.compile(
    r"[^\s@,;<>\"()\[\]]{1,64}@[^\s@,;<>\"()\[\]]{1,185}\.[^\s@,;<>\"()\[\].]{2,63}"
)


def check_member(referral: Referral, member: Member) -> tuple[Problem, ...]:
    """Why this person cannot be added (API reference 4.3, U14).

    Codes: not_yours, closed_terminal, member_incomplete (field), text_too_long, text_unreadable,
    email_invalid, member_there (email), team_full (limit).
    """
    problems = [*check_open(referral), *check_person(member)]
    if member.email.lower() in {known.email.lower() for known in referral.team}:
        problems.append(Problem("member_there", {"email": member.email}))
    if len(referral.team) >= TEAM_LIMIT:
        problems.append(Problem("team_full", {"limit": str(TEAM_LIMIT)}))
    return tuple(problems)


def check_person(member: Member) -> tuple[Problem, ...]:
    """Why this is nobody for a team: Partner Center wants all four parts (API reference 4.3).

    Codes: member_incomplete (field), text_too_long, text_unreadable, email_invalid.
    """
    problems: list[Problem] = []
    parts = {
        "first": member.first_name,
        "last": member.last_name,
        "email": member.email,
        "phone": member.phone_number,
    }
    for name, part in parts.items():
        if not part.strip():
            problems.append(Problem("member_incomplete", {"field": name}))
        elif len(part) > REASON_LIMIT:
            facts = {"field": name, "limit": str(REASON_LIMIT), "length": str(len(part))}
            problems.append(Problem("text_too_long", facts))
        elif not _is_readable(part, lines=False):
            problems.append(Problem("text_unreadable", {"field": name}))
    if member.email.strip() and not _EMAIL.fullmatch(member.email):
        problems.append(Problem("email_invalid", {"email": member.email}))
    return tuple(problems)


class Move(StrEnum):
    """What a seller may do with the status of a deal (API reference 5.3)."""

    ACCEPT = "accept"
    DECLINE = "decline"
    WON = "won"
    LOST = "lost"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class MoveRule:
    """The pair a move ends in, whether it needs a reason, and the statuses it starts from."""

    status: Status
    substatus: Substatus
    needs_reason: bool
    allowed_from: frozenset[Status]

    @property
    def is_terminal(self) -> bool:
        return self.status is Status.CLOSED


_NEW = frozenset({Status.NEW})
_ACTIVE = frozenset({Status.ACTIVE})

MOVES: Mapping[Move, MoveRule] = MappingProxyType(
    {
        Move.ACCEPT: MoveRule(Status.ACTIVE, Substatus.ACCEPTED, False, _NEW),
        Move.DECLINE: MoveRule(Status.CLOSED, Substatus.DECLINED, False, _NEW),
        Move.WON: MoveRule(Status.CLOSED, Substatus.WON, False, _ACTIVE),
        Move.LOST: MoveRule(Status.CLOSED, Substatus.LOST, False, _ACTIVE),
        Move.ERROR: MoveRule(Status.CLOSED, Substatus.ERROR, True, _NEW | _ACTIVE),
    }
)

WON_AFTER = timedelta(hours=72)
"""A deal marked Won sooner than this after its creation may be refused registration (13.1)."""


def check_move(referral: Referral, move: Move, now: datetime) -> tuple[Problem, ...]:
    """Why this move is not possible; empty when it is.

    Codes: not_yours, closed_terminal, move_not_from (move, status, allowed), not_incoming,
    invitation_expired (expires).
    """
    closed = check_open(referral)
    if closed:
        return closed
    rule = MOVES[move]
    if referral.status not in rule.allowed_from:
        allowed = ", ".join(sorted(rule.allowed_from))
        facts = {"move": str(move), "status": referral.status, "allowed": allowed}
        return (Problem("move_not_from", facts),)
    if move not in (Move.ACCEPT, Move.DECLINE):
        return ()
    if referral.direction == "Outgoing":
        return (Problem("not_incoming", {"move": str(move)}),)
    if referral.expires and now > referral.expires:
        return (Problem("invitation_expired", {"expires": referral.expires.isoformat()}),)
    return ()


def check_reason(move: Move, reason: str | None) -> tuple[Problem, ...]:
    """Codes: reason_missing, text_too_long, text_unreadable (field "reason")."""
    text = (reason or "").strip()
    if not text:
        return (Problem("reason_missing", {"move": str(move)}),) if MOVES[move].needs_reason else ()
    facts = {"field": "reason"}
    if len(text) > REASON_LIMIT:
        facts |= {"limit": str(REASON_LIMIT), "length": str(len(text))}
        return (Problem("text_too_long", facts),)
    return () if _is_readable(text, lines=False) else (Problem("text_unreadable", facts),)


def warnings_of_move(referral: Referral, move: Move, now: datetime) -> tuple[Problem, ...]:
    """What a person should know before a possible move. Nothing here forbids it.

    Codes: closing_is_final (substatus), won_within_72_hours (created, until), and
    check_registration_first for a co-sell deal without a registration, because its value and
    solutions can no longer be corrected afterwards (API reference 13.1, 13.3).
    """
    if not MOVES[move].is_terminal:
        return ()
    warnings = [Problem("closing_is_final", {"substatus": str(MOVES[move].substatus)})]
    if move is Move.WON and referral.is_cosell and not referral.registrations:
        warnings.append(Problem("check_registration_first"))
        if referral.created and now < referral.created + WON_AFTER:
            created, until = referral.created, referral.created + WON_AFTER
            facts = {"created": created.isoformat(), "until": until.isoformat()}
            warnings.append(Problem("won_within_72_hours", facts))
    return tuple(warnings)


def warnings_of_close(close: date | None, today: date) -> tuple[Problem, ...]:
    """What a person should know before a close date is written: close_in_past (close, today).

    No rule forbids it: a deal may have closed before it was written down.
    """
    if close is None or close >= today:
        return ()
    return (Problem("close_in_past", {"close": close.isoformat(), "today": today.isoformat()}),)
