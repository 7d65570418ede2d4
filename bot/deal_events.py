"""What became true of a deal, read off the deal itself: pure, with the form it is stored in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from bot.store.events import Event
from bot.store.feeds import Kind
from bot.store.jsontext import Json
from cards.won import Happening
from partner_center.money import plain
from partner_center.referral import Referral, Status, Substatus
from partner_center.registration import Registration


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that is true of a deal and was not always."""

    kind: Kind
    state_key: str
    """Tells one occurrence from another, so that each is told once."""
    at: datetime
    by_microsoft: bool = False
    registration: Registration | None = None


def moments(referral: Referral, microsoft: Referral | None = None) -> tuple[Moment, ...]:
    """Everything that a deal, as it was just read, has to tell. Microsoft's own record beside it
    tells when Microsoft accepted. Empty for Microsoft's record by itself."""
    if referral.is_microsofts:
        return ()
    changed = referral.updated or datetime.now(UTC)
    found = []
    if referral.is_won:
        found.append(Moment(Kind.WON, "Closed/Won", referral.closed or changed))
    if _was_accepted(referral):
        found.append(Moment(Kind.ACCEPTED, "ours", referral.accepted or changed))
    if microsoft is not None and referral.direction != "Incoming" and _was_accepted(microsoft):
        at = microsoft.accepted or microsoft.updated or changed
        found.append(Moment(Kind.ACCEPTED, "microsoft", at, by_microsoft=True))
    found += [_registered(each, changed) for each in referral.registrations]
    return tuple(found)


def _was_accepted(referral: Referral) -> bool:
    if referral.direction == "Outgoing" and not referral.is_microsofts:
        return False
    return (referral.status, referral.substatus) == (Status.ACTIVE, Substatus.ACCEPTED)


def _registered(registration: Registration, changed: datetime) -> Moment:
    began = _began(registration)
    key = f"{registration.id}:{registration.status}"
    if began is not None:
        key += f":{began.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    first = registration.status in {"Approved", "ReviewPending"}
    at = began or (registration.registered if first else None) or changed
    return Moment(Kind.REGISTERED, key[:200], at, registration=registration)


def _began(registration: Registration) -> datetime | None:
    """When the present state began (API reference 10.4, `statusHistory`)."""
    history = registration.raw.get("statusHistory")
    status = registration.status
    name = f"{status[:1].lower()}{status[1:]}DateTime"
    said = history.get(name) if isinstance(history, Mapping) else None
    if not isinstance(said, str):
        return None
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def facts_of(
    referral: Referral, moment: Moment, handle: int, source: str, by: str = ""
) -> dict[str, Json]:
    """What is kept of an event, enough to tell it later without asking again."""
    owner = referral.team[0] if referral.team else None
    name = f"{owner.first_name} {owner.last_name}".strip() if owner else ""
    registration = moment.registration
    state = registration.status if registration else referral.registration_status
    return {
        "handle": handle,
        "happened": moment.at.isoformat(),
        "source": source,
        "by": by,
        "by_microsoft": moment.by_microsoft,
        "name": referral.name[:255],
        "customer": referral.customer[:255],
        "country": referral.country[:40],
        "value": None if referral.deal_value is None else plain(referral.deal_value),
        "currency": referral.currency,
        "owner": name[:120],
        "accepted": _stamp(referral.accepted),
        "expires": _stamp(referral.expires),
        "cosell": referral.is_cosell,
        "registration": state or "None",
        "reason": (registration.status_reason or "")[:2000] if registration else "",
    }


def happening(event: Event) -> Happening:
    """An event as its card tells it. Raises ValueError for facts that none of ours wrote."""
    facts = event.facts
    if not isinstance(facts, Mapping):
        raise ValueError("facts of an event are an object")
    handle = facts.get("handle")
    return Happening(
        deal=event.referral_id,
        handle=handle if isinstance(handle, int) else 0,
        at=_moment(facts.get("happened")) or event.at,
        name=_text(facts, "name"),
        customer=_text(facts, "customer"),
        country=_text(facts, "country"),
        value=_decimal(facts.get("value")),
        currency=_text(facts, "currency") or None,
        owner=_text(facts, "owner"),
        by=_text(facts, "by"),
        by_microsoft=facts.get("by_microsoft") is True,
        accepted=_moment(facts.get("accepted")),
        expires=_moment(facts.get("expires")),
        is_cosell=facts.get("cosell") is True,
        registration=_text(facts, "registration") or "None",
        reason=_text(facts, "reason"),
        approval=_text(facts, "approval"),
        asked_by=_text(facts, "asked_by"),
    )


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(said: Json) -> datetime | None:
    return datetime.fromisoformat(said) if isinstance(said, str) else None


def _text(facts: Mapping[str, Json], name: str) -> str:
    said = facts.get(name)
    return said if isinstance(said, str) else ""


def _decimal(said: Json) -> Decimal | None:
    try:
        return Decimal(said) if isinstance(said, str) else None
    except InvalidOperation as error:
        raise ValueError("a value of an event is a number") from error
