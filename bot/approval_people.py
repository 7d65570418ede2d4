"""Who may decide on a request: looked up now, from the verified activity, never from a card."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.conversation import Person
from bot.policy import Policy
from bot.store import delegations, people
from bot.store.approvals import Approval
from bot.store.people import Known
from cards.approval import Role

_GUEST = "#ext#"


class Refusal(StrEnum):
    """Why somebody may not decide."""

    OWN = "own"
    """They asked for it themselves, under this or another name."""
    GUEST = "guest"
    """A guest of the organisation."""
    UNKNOWN = "unknown"
    """Approvers are listed by sign-in name, and this person's is not known yet."""
    NOT_AN_APPROVER = "not_an_approver"


@dataclass(frozen=True, slots=True)
class Authority:
    """What somebody is to a request. An approver may act for the one who is away."""

    role: Role
    acting_for: str | None = None
    refusal: Refusal | None = None


def canonical(upn: str | None) -> str | None:
    """A sign-in name such that aliases of one person are equal.

    A guest's name is read as the address it was made of, and what follows a plus is left out.
    """
    name = (upn or "").strip().lower()
    if _GUEST in name:
        local, _sign, host = name.partition(_GUEST)[0].rpartition("_")
        name = f"{local}@{host}"
    local, sign, host = name.rpartition("@")
    return f"{local.partition('+')[0]}@{host}" if sign and local and host else None


def is_same(first: str | None, second: str | None) -> bool:
    """Whether two sign-in names belong to one person; unknown names never do."""
    one = canonical(first)
    return one is not None and one == canonical(second)


def is_guest(upn: str | None) -> bool:
    """Whether this sign-in name is a guest's."""
    return _GUEST in (upn or "").lower()


async def authority(
    connection: AsyncConnection,
    policy: Policy,
    approval: Approval,
    person: Person,
    now: datetime,
) -> Authority:
    """What this person may do with the request at this moment."""
    if person.id == approval.requester:
        return Authority(Role.REQUESTER, refusal=Refusal.OWN)
    known = await people.find(connection, approval.tenant, person.id)
    upn = known.upn if known else None
    if is_same(upn, approval.requester_upn):
        return Authority(Role.OTHER, refusal=Refusal.OWN)
    if is_guest(upn):
        return Authority(Role.OTHER, refusal=Refusal.GUEST)
    rules = policy.at(approval.tenant, approval.place.channel)
    if rules.is_approver(person.id, upn):
        return Authority(Role.APPROVER)
    for each in await delegations.active_for(connection, approval.tenant, person.id, now):
        away = await people.find(connection, approval.tenant, each.person)
        name = away.upn if away else None
        own = each.person == approval.requester or is_same(name, approval.requester_upn)
        if not own and rules.is_approver(each.person, name):
            return Authority(Role.APPROVER, acting_for=each.person)
    unknown = upn is None and any("@" in name for name in rules.approvers)
    refusal = Refusal.UNKNOWN if unknown else Refusal.NOT_AN_APPROVER
    return Authority(Role.OTHER, refusal=refusal)


async def deciders(
    connection: AsyncConnection, policy: Policy, approval: Approval, now: datetime
) -> tuple[str, ...]:
    """Object ids of everybody to show the request to: approvers and those who stand in for them."""
    found: list[str] = []
    for name in sorted(policy.at(approval.tenant, approval.place.channel).approvers):
        known = await named(connection, approval.tenant, name)
        person = known.person.id if known else name
        if "@" not in person:
            found.append(person)
            standing = await delegations.of(connection, approval.tenant, person, now)
            found += [standing.to_person] if standing else []
    allowed = []
    for person in dict.fromkeys(found):
        who = Person(approval.tenant, person, "", "")
        if (await authority(connection, policy, approval, who, now)).role is Role.APPROVER:
            allowed.append(person)
    return tuple(allowed)


async def named(connection: AsyncConnection, tenant: str, name: str) -> Known | None:
    """Whom an entry of DEALDESK_APPROVERS names, once the bot has met them."""
    if "@" in name:
        return await people.find_by_upn(connection, tenant, name)
    return await people.find(connection, tenant, name)


async def names_of(connection: AsyncConnection, tenant: str, who: Iterable[str]) -> dict[str, str]:
    """Display names by object id or sign-in name; the sign-in name itself for the unknown."""
    found: dict[str, str] = {}
    for each in who:
        known = await named(connection, tenant, each)
        found[each] = known.person.name if known and known.person.name else _unknown(each)
    return found


def _unknown(name: str) -> str:
    return name if "@" in name else "a colleague"
