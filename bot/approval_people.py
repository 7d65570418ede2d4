"""Who may decide on a request: looked up now, from the verified activity, never from a card."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.conversation import Person
from bot.policy import Policy, TeamRole
from bot.store import delegations, people, team_seats
from bot.store.approvals import Approval
from bot.store.connection import AsyncConnection
from bot.store.people import Known
from bot.team_roles import FRESH, Held, held, owners_of
from cards.approval import Role

_GUEST = "#ext#"


class Refusal(StrEnum):
    """Why somebody may not decide."""

    OWN = "own"
    """They asked for it themselves, under this or another name."""
    GUEST = "guest"
    """A guest of the organisation."""
    UNKNOWN = "unknown"
    """Their sign-in name is not known yet, and without it they cannot be told from others."""
    UNSEEN = "unseen"
    """The roster of the team cannot be read now, so nobody knows whether they may."""
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
    *,
    deciding: bool = False,
) -> Authority:
    """What this person may do with the request at this moment.

    With `deciding` a role in the team counts only by a roster that is not old.
    """
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
    since = now - FRESH if deciding else None
    role = await held(connection, approval.place, person.id, rules.roles, since=since)
    if role is Held.YES:
        return await _by_role(connection, approval, person.id, upn)
    for each in await delegations.active_for(connection, approval.tenant, person.id, now):
        away = await people.find(connection, approval.tenant, each.person)
        name = away.upn if away else None
        own = each.person == approval.requester or is_same(name, approval.requester_upn)
        if own:
            continue
        theirs = await held(connection, approval.place, each.person, rules.roles, since=since)
        if theirs is Held.YES or rules.is_approver(each.person, name):
            return Authority(Role.APPROVER, acting_for=each.person)
    if role is Held.UNSEEN:
        return Authority(Role.OTHER, refusal=Refusal.UNSEEN)
    unknown = upn is None and any("@" in name for name in rules.approvers)
    refusal = Refusal.UNKNOWN if unknown else Refusal.NOT_AN_APPROVER
    return Authority(Role.OTHER, refusal=refusal)


async def _by_role(
    connection: AsyncConnection, approval: Approval, person: str, upn: str | None
) -> Authority:
    """An approver by a role in the team, unless the roster tells another name of the requester.

    Without any sign-in name they could be anybody's second account.
    """
    seat = await team_seats.find(connection, approval.tenant, approval.place.channel, person)
    told = seat.upn if seat else None
    if is_same(told, approval.requester_upn):
        return Authority(Role.OTHER, refusal=Refusal.OWN)
    if is_guest(told):
        return Authority(Role.OTHER, refusal=Refusal.GUEST)
    if told is None and upn is None:
        return Authority(Role.OTHER, refusal=Refusal.UNKNOWN)
    return Authority(Role.APPROVER)


async def deciders(
    connection: AsyncConnection, policy: Policy, approval: Approval, now: datetime
) -> tuple[str, ...]:
    """Object ids of everybody to bring the request to: the people listed, the owners when they may
    approve, and those who stand in for them. Members decide where it was asked."""
    rules = policy.at(approval.tenant, approval.place.channel)
    people_of_it: list[str] = []
    for name in sorted(rules.approvers):
        known = await named(connection, approval.tenant, name)
        people_of_it.append(known.person.id if known else name)
    if TeamRole.OWNERS in rules.roles:
        people_of_it += [seat.person for seat in await owners_of(connection, approval.place)]
    found: list[str] = []
    for person in people_of_it:
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
