"""What changed on a deal since a person last looked at it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from bot.desk import Desk, Turn
from bot.store import looks
from bot.store.looks import Look
from cards.changes import Value
from cards.deal import DealView
from cards.since import Since
from partner_center.money import plain


async def since(desk: Desk, turn: Turn, view: DealView) -> Since | None:
    """What is new to this person; the deal as it is now counts as seen from here on.

    None when nothing is, or where others read along: what is new to one is not to them.
    """
    now = Look(turn.reader.now, shown_of(view))
    who = (turn.person.tenant, turn.person.id, view.referral.id)
    async with desk.store.read() as connection:
        before = await looks.find(connection, *who)
    if before is None or before.shown != now.shown or now.at - before.at >= _FRESH:
        async with desk.store.begin() as connection:
            await looks.put(connection, *who, now)
    if before is None or not turn.is_personal:
        return None
    return changed(before, now)


async def remember(desk: Desk, turn: Turn, view: DealView) -> None:
    """What this person was just shown of a deal otherwise, such as their own change."""
    look = Look(turn.reader.now, shown_of(view))
    who = (turn.person.tenant, turn.person.id, view.referral.id)
    async with desk.store.begin() as connection:
        await looks.put(connection, *who, look)


def shown_of(view: DealView) -> Mapping[str, str]:
    """The values that a deal's card shows, by field; long ones as a digest."""
    deal = view.referral
    crm = (deal.own_crm_id or "")[:_LONGEST]
    registered = deal.registrations[0].status if deal.registrations else None
    return {
        "value": plain(deal.deal_value) if deal.deal_value is not None else "",
        "currency": deal.currency or "",
        "close": deal.closing.date().isoformat() if deal.closing else "",
        "name": deal.name[:_LONGEST],
        "status": f"{deal.status}/{deal.substatus}"[:_LONGEST],
        "crm": crm,
        "campaign": (deal.campaign_id or "")[:_LONGEST],
        "notes": _digest([deal.notes or ""]),
        "team": _digest(member.email.casefold() for member in deal.team),
        "solutions": _digest(each.id for each in deal.solutions),
        "registration": (registered or deal.registration_status)[:_LONGEST],
        "microsoft": view.microsoft.substatus[:_LONGEST] if view.microsoft is not None else "",
    }


_LONGEST = 200
_FRESH = timedelta(hours=1)
"""How long a look at the same values needs no newer one: whoever looks again writes nothing."""
_UNTOLD = frozenset({"notes", "team", "solutions", "registration", "microsoft"})
"""Fields of which the card says that they changed, and not what they were."""


def changed(before: Look, now: Look) -> Since | None:
    """The fields that differ, with what they were; fields that were not kept then do not count."""
    names = [
        name
        for name, value in now.shown.items()
        if name != "currency" and name in before.shown and before.shown[name] != value
    ]
    if before.shown.get("currency") != now.shown.get("currency") and "value" not in names:
        names.append("value")
    if not names:
        return None
    was = {name: _value(name, before.shown.get(name, "")) for name in names}
    return Since(before.at, was, before.shown.get("currency") or None)


def _value(name: str, kept: str) -> Value:
    if not kept or name in _UNTOLD:
        return None
    match name:
        case "value":
            return Decimal(kept)
        case "close":
            return date.fromisoformat(kept)
        case _:
            return kept


def _digest(parts: Iterable[str]) -> str:
    whole = "\n".join(sorted(parts))
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:16] if whole else ""
