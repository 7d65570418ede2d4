"""Which referrals somebody sees, and the pages of the list (API reference 2.5, 4.5, 6)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from yarl import URL

from sandbox import odata, wire
from sandbox.catalogue import CONTOSO, MICROSOFT
from sandbox.odata import BadQuery, Query
from sandbox.people import Role
from sandbox.wire import Document, Json
from sandbox.world import World

CONTEXT = "https://api.partner.microsoft.com/v1.0/engagements/referrals/$metadata#Referrals"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose token it is: sign-in name and role."""

    key: str
    oid: str
    email: str
    role: Role


def is_own(referral: Document) -> bool:
    """Whether it is the partner's own referral, and not another party's."""
    return referral["organizationId"] == CONTOSO


def sees(world: World, viewer: Viewer, referral: Document) -> bool:
    """Role, team and kind decide; others' referrals are seen by whoever sees ours of the deal."""
    if not world.switches.marketplace_leads and _is_marketplace_lead(referral):
        return False
    if viewer.role is Role.ADMIN:
        return True
    if is_own(referral):
        return _on_team(viewer, referral)
    ours = [other for other in world.deals.engagement(referral) if is_own(other)]
    return any(_on_team(viewer, other) for other in ours)


def page(
    world: World,
    viewer: Viewer,
    options: Mapping[str, str],
    collection: URL,
    version: Callable[[Document], Document] = lambda present: present,
) -> Document:
    """One page of the list, of the versions that `version` picks. Raises BadQuery."""
    asked, offset = _continued(options)
    query = odata.parse(asked)
    found = odata.in_order(
        [
            one
            for present in _candidates(world, viewer, query)
            if query.matches(one := version(present))
        ],
        query,
    )
    wanted = found[query.skip :][: query.top]
    size = max(world.switches.page_size, 1)
    entries: list[Json] = [
        _entry(world, one, query.select) for one in wanted[offset : offset + size]
    ]
    answer: Document = {"@odata.context": CONTEXT, "@odata.count": len(found), "value": entries}
    if asked.get("$count") == "false":
        del answer["@odata.count"]
    if offset + size < len(wanted):
        answer["@odata.nextLink"] = _next_link(world, asked, offset, size, collection)
    return answer


def presented(world: World, referral: Document) -> Document:
    """A referral as a reader sees it now: a new registration may not show yet (U30)."""
    shown = dict(referral)
    delay = world.switches.registration_visible_after
    if delay:
        shown = _without_young(shown, world.clock.now().timestamp() - delay)
    if world.switches.omit_empty_registrations and not shown.get("registrations"):
        shown.pop("registrations", None)
    return shown


def _candidates(world: World, viewer: Viewer, query: Query) -> list[Document]:
    """Others' referrals are listed only when an engagement is asked for."""
    related = "engagementId" in query.names
    visible = [one for one in world.deals if is_own(one) or related]
    if viewer.role is Role.ADMIN:
        return [one for one in visible if sees(world, viewer, one)]
    mine = {
        str(one["engagementId"]) for one in world.deals if is_own(one) and _on_team(viewer, one)
    }
    return [one for one in visible if str(one["engagementId"]) in mine and sees(world, viewer, one)]


def _is_marketplace_lead(referral: Document) -> bool:
    """Table 4.4: Independent, Direct, invited by Microsoft or nobody."""
    inviter = wire.text_at(referral, "inviteContext/invitedBy/organizationId")
    return (
        referral.get("type") == "Independent"
        and referral.get("qualification") == "Direct"
        and inviter in ("", MICROSOFT)
    )


def _on_team(viewer: Viewer, referral: Document) -> bool:
    team = wire.objects_at(referral, "team")
    return any(wire.text_at(one, "email").casefold() == viewer.email.casefold() for one in team)


def _entry(world: World, referral: Document, select: Sequence[str]) -> Document:
    shown = presented(world, referral)
    if not world.switches.list_etags:
        shown.pop("eTag", None)
    return {name: shown[name] for name in select if name in shown} if select else shown


def _without_young(referral: Document, until: float) -> Document:
    kept: list[Json] = [
        one
        for one in wire.objects_at(referral, "registrations")
        if (made := wire.moment(one.get("registrationDateTime"))) and made.timestamp() <= until
    ]
    if len(kept) != len(wire.objects_at(referral, "registrations")):
        referral["registrations"] = kept
        referral["registrationStatus"] = "None"
    return referral


def _next_link(
    world: World, asked: Mapping[str, str], offset: int, size: int, collection: URL
) -> str:
    where = world.switches.next_link
    token = _token(asked, offset if where == "loop" else offset + size)
    match where:
        case "own" | "loop":
            base = str(collection)
        case "documented":
            base = "http://api.partner.microsoft.com/v1.0/referrals"
        case _:
            base = where
    return f"{base}?$skiptoken={token}"


def _token(asked: Mapping[str, str], offset: int) -> str:
    plain = wire.write({"query": dict(asked), "offset": offset})
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _continued(options: Mapping[str, str]) -> tuple[Mapping[str, str], int]:
    token = options.get("$skiptoken")
    if token is None:
        return options, 0
    try:
        plain = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        kept = wire.read(plain)
    except (binascii.Error, wire.UnreadableJson, ValueError) as problem:
        raise BadQuery("$skiptoken", "this token is not one of ours") from problem
    query, offset = wire.object_at(kept, "query"), wire.at(kept, "offset")
    if not isinstance(offset, int) or offset < 0:
        raise BadQuery("$skiptoken", "this token is not one of ours")
    return {name: value for name, value in query.items() if isinstance(value, str)}, offset
