"""A request as its cards show it, and the promise that every copy of it shows the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.approval_people import authority, deciders, names_of
from bot.conversation import Message, Person, Place
from bot.outbox import written
from bot.policy import Policy, TeamRole
from bot.proposal_fields import held_in, spelled, typed
from bot.registration_facts import inputs_of
from bot.registration_rules import Age, Version
from bot.store import (
    approvals,
    handles,
    jsontext,
    languages,
    outbox,
    people,
    proposals,
    registrations,
)
from bot.store.approvals import Approval, State, Subject, Verdict, Vote
from bot.store.connection import AsyncConnection
from bot.store.jsontext import Json
from bot.team_roles import has_team, holders_of, owners_of
from cards import approval as cards
from cards.approval import (
    ApprovalView,
    Delay,
    Kind,
    Role,
    VoteLine,
    approval_card,
    summary_of_request,
)
from cards.changes import FieldChange, Value
from cards.language import speaking
from cards.reader import Reader
from cards.wording import Text, sentence
from partner_center.referral import Field, Referral
from partner_center.registration import DealRegistration

NEEDS_SIGN_IN = "!sign_in"
"""The `reason` of an approved request that waits for its requester's sign-in."""
_DELAYED = "!later:"
"""How the `reason` of an approved request begins that is tried again; a Delay follows."""

_WATCHED = ("status", *(field.value for field in Field))


def snapshot(referral: Referral) -> dict[str, Json]:
    """What of a deal is compared when the request is decided."""
    held: dict[str, Json] = {name: spelled(held_in(referral, name)) for name in _WATCHED}
    inputs = inputs_of(referral)
    team = ", ".join(sorted(member.email.casefold() for member in referral.team))
    return {**{name: inputs[name] for name in inputs if name not in held}, **held, "team": team}


def difference(base: Mapping[str, Json], referral: Referral) -> tuple[FieldChange, ...]:
    """What has changed on a deal since the snapshot, field by field."""
    now = snapshot(referral)
    return tuple(
        FieldChange(name, _typed(name, base.get(name)), _typed(name, after))
        for name, after in now.items()
        if base.get(name) != after
    )


def facts(referral: Referral, changes: Sequence[FieldChange]) -> dict[str, Json]:
    """The column `diff`: the deal's name, what shall change, what it was decided upon and when
    that version was made, and what its solutions are called."""
    return {
        "name": referral.name,
        "customer": referral.customer,
        "currency": referral.currency,
        "changes": changes_text(changes),
        "base": snapshot(referral),
        "updated": referral.updated.isoformat() if referral.updated else None,
        "solutions": {each.id: each.name for each in referral.solutions if each.name},
    }


def changes_text(changes: Sequence[FieldChange]) -> list[Json]:
    """Changes as they are stored."""
    return [[each.field, spelled(each.before), spelled(each.after)] for each in changes]


def base_of(approval: Approval) -> Mapping[str, Json]:
    """The deal as it was when this was asked."""
    base = _object(approval.diff).get("base")
    return base if isinstance(base, Mapping) else {}


def age_at(approval: Approval, referral: Referral) -> Age:
    """How what was read compares with the version this was asked on; a read may be older."""
    updated = _text(_object(approval.diff).get("updated"))
    seen = Version(referral.etag, referral.updated)
    if updated is None:
        return Age.SAME if seen.etag == approval.base_etag else Age.NEWER
    return Version(approval.base_etag, datetime.fromisoformat(updated)).age_of(seen)


async def view_of(connection: AsyncConnection, policy: Policy, approval: Approval) -> ApprovalView:
    """Everything a card of this request shows."""
    diff = _object(approval.diff)
    voted = await approvals.votes(connection, approval.id)
    rules = policy.at(approval.tenant, approval.place.channel)
    owners = (
        [] if TeamRole.OWNERS not in rules.roles else await owners_of(connection, approval.place)
    )
    may = list(dict.fromkeys([*sorted(rules.approvers), *(seat.person for seat in owners)]))
    who = {approval.requester, *may}
    who |= {name for vote in voted for name in (vote.person, vote.acting_for) if name}
    names = await names_of(connection, approval.tenant, sorted(who))
    deal = approval.referral_id or await made_by(connection, approval)
    wanted = [deal] if deal else []
    numbers = await handles.number_of(connection, approval.tenant, wanted)
    reason, state = approval.reason, approval.state
    approved = state is State.APPROVED
    return ApprovalView(
        id=approval.id,
        deal=deal,
        subject=approval.subject_id,
        handle=numbers.get(deal),
        name=str(diff.get("name") or ""),
        customer=str(diff.get("customer") or ""),
        kind=Kind(approval.kind),
        requester=names[approval.requester],
        approvers=list(dict.fromkeys(names[name] for name in may if name != approval.requester)),
        any_member=TeamRole.MEMBERS in rules.roles and has_team(approval.place),
        quorum=approval.quorum,
        state=cards.State(state.value),
        created=approval.created,
        expires=approval.expires,
        changes=_changes(diff.get("changes")),
        currency=_text(diff.get("currency")),
        registration=_registration(approval),
        solutions=_names(diff.get("solutions")),
        votes=[_line(vote, names) for vote in voted],
        reason=_said(reason) if state in _TOLD_WHY else None,
        question=reason if state is State.WAITING else None,
        moved=_changes(jsontext.read(reason)) if state is State.STALE and reason else (),
        needs_sign_in=approved and reason == NEEDS_SIGN_IN,
        delay=await _shown_delay(connection, approval),
        try_at=approval.try_at,
    )


_TOLD_WHY = frozenset({State.REJECTED, State.FAILED})


def reason_of(delay: Delay) -> str:
    """The `reason` of a request that is not carried out yet."""
    return _DELAYED + delay.value


def is_delayed(approval: Approval) -> bool:
    """Whether the cards of an approved request say that it is tried again."""
    return approval.state is State.APPROVED and _delay(approval.reason) is not None


async def _shown_delay(connection: AsyncConnection, approval: Approval) -> Delay | None:
    """What was sent meanwhile is no longer called unchanged."""
    if not is_delayed(approval) or not await is_unsent(connection, approval):
        return None
    return _delay(approval.reason)


async def is_unsent(connection: AsyncConnection, approval: Approval) -> bool:
    """Whether nothing that was approved can have reached Partner Center."""
    if approval.subject is Subject.DRAFT:
        return await registrations.of_draft(connection, approval.subject_id) is None
    proposal = await proposals.find(connection, approval.subject_id)
    return proposal is not None and proposal.state is proposals.State.OPEN


def _delay(reason: str | None) -> Delay | None:
    kept = (reason or "").removeprefix(_DELAYED)
    return Delay(kept) if kept != reason and kept in set(Delay) else None


def _names(stored: Json) -> Mapping[str, str]:
    return {key: str(name) for key, name in stored.items()} if isinstance(stored, Mapping) else {}


def _said(reason: str | None) -> str | None:
    """Why it ended: a sentence of ours in the reader's language, a person's words as they are."""
    return sentence(reason) if reason else None


async def made_by(connection: AsyncConnection, approval: Approval) -> str:
    """The referral that a new deal became under this approval; empty while it does not exist."""
    if approval.subject is not Subject.PROPOSAL:
        return ""
    proposal = await proposals.find(connection, approval.subject_id)
    return proposal.referral_id if proposal is not None else ""


async def message_for(
    connection: AsyncConnection,
    policy: Policy,
    approval: Approval,
    for_person: str | None,
    now: datetime,
    *,
    reader: Reader | None = None,
    note: Text | None = None,
) -> Message:
    """The card one person sees, or, for nobody in particular, the one everybody sees.

    Everybody's card has no deciding buttons: clients of those it names fetch their own.
    """
    found = reader or await _reader(connection, approval, for_person, now)
    with speaking(found.locale):
        view = await view_of(connection, policy, approval)
    rules = policy.at(approval.tenant, approval.place.channel)
    members = await holders_of(connection, approval.place, rules.roles)
    viewers = [approval.requester, *await deciders(connection, policy, approval, now)]
    viewers = list(dict.fromkeys([*viewers, *(seat.person for seat in members)]))
    teams_ids = []
    for viewer in viewers:
        known = await people.find(connection, approval.tenant, viewer)
        teams_ids += [known.person.teams_id] if known and known.person.teams_id else []
    role = Role.OTHER
    if for_person is not None:
        who = Person(approval.tenant, for_person, "", "")
        role = (await authority(connection, policy, approval, who, now)).role
    with speaking(found.locale):
        card = approval_card(view, role, found, note=note, refresh_for=teams_ids)
        return Message(card=card, summary=summary_of_request(view).plain)


async def owe_copies(
    connection: AsyncConnection, policy: Policy, approval: Approval, now: datetime
) -> None:
    """Promise, in the transaction of a change, that every copy of the card will show it."""
    for copy in await approvals.cards_of(connection, approval.id):
        message = await message_for(connection, policy, approval, copy.for_person, now)
        await outbox.put(
            connection,
            copy.place,
            written(message),
            now,
            target_message=copy.message_id,
            key=f"approval:{approval.id}:{approval.version}:{copy.message_id}",
        )


async def tell(
    connection: AsyncConnection,
    approval: Approval,
    person: str,
    message: Message,
    key: str,
    now: datetime,
) -> bool:
    """Owe somebody a message in their personal chat; the requester's may go where it was asked.

    False when they cannot be reached, or were promised this before.
    """
    place = await personal_place(connection, approval, person)
    if place is None:
        if person != approval.requester:
            return False
        place = approval.place
    return await outbox.put(connection, place, written(message), now, key=key)


async def personal_place(
    connection: AsyncConnection, approval: Approval, person: str
) -> Place | None:
    """A person's personal chat with the bot, when there is one."""
    known = await people.find(connection, approval.tenant, person)
    return known.personal(approval.place.bot_id) if known is not None else None


async def _reader(
    connection: AsyncConnection, approval: Approval, person: str | None, now: datetime
) -> Reader:
    return Reader(await locale_of(connection, approval, person), None, now)


async def locale_of(connection: AsyncConnection, approval: Approval, person: str | None) -> str:
    """A person's locale; for everybody, that of the conversation, else the requester's."""
    if person is None:
        chosen = await languages.find(connection, approval.tenant, approval.place.channel)
        if chosen is not None:
            return chosen
    known = await people.find(connection, approval.tenant, person or approval.requester)
    return known.locale if known and known.locale else "en-US"


def _registration(approval: Approval) -> DealRegistration | None:
    if approval.subject is not Subject.DRAFT:
        return None
    return registrations.registration_from(jsontext.read(approval.operations))


def _line(vote: Vote, names: Mapping[str, str]) -> VoteLine:
    instead = names.get(vote.acting_for) if vote.acting_for else None
    return VoteLine(names[vote.person], vote.verdict is Verdict.APPROVE, vote.at, instead)


def _changes(stored: Json) -> tuple[FieldChange, ...]:
    rows = stored if isinstance(stored, list) else []
    return tuple(
        FieldChange(str(row[0]), _typed(str(row[0]), row[1]), _typed(str(row[0]), row[2]))
        for row in rows
        if isinstance(row, list) and len(row) == 3
    )


def _typed(name: str, stored: Json) -> Value:
    return typed(name, None if stored is None else str(stored))


def _text(stored: Json) -> str | None:
    return stored if isinstance(stored, str) else None


def _object(stored: Json) -> Mapping[str, Json]:
    return stored if isinstance(stored, Mapping) else {}
