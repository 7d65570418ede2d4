"""A write that needs approval becomes a request instead, bound to what it was shown with."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot import proposals as writing
from bot.approval_acts import noted, placed
from bot.approval_people import canonical
from bot.approval_reach import meet
from bot.approval_view import changes_text, facts
from bot.crash import Point, crash_at
from bot.creation import deal_of, fields_of
from bot.desk import Desk, Turn, bearer
from bot.policy import (
    Lost,
    Policy,
    Register,
    TeamRole,
    ValueAbove,
    ValueChange,
    Valuing,
    Wish,
    Won,
)
from bot.proposal_fields import age_of, changes_between, texts, typed
from bot.registration_rules import Age
from bot.replies import Reply, Where
from bot.sealed import seal_request
from bot.store import approvals, jsontext, people, proposals, registrations, team_seats
from bot.store.approvals import Approval, State, Subject
from bot.store.connection import AsyncConnection
from bot.store.drafts import Draft
from bot.store.jsontext import Json
from bot.store.proposals import Kind as Written
from bot.store.proposals import Proposal
from bot.store.team_seats import TeamSeat
from bot.team_roles import ASK_SECONDS, SHOWN, has_team, holders_of, renew
from cards.approval import Kind
from cards.changes import FieldChange
from cards.notice import notice_card
from cards.wording import Text, words
from partner_center.referral import Referral
from partner_center.registration import DealRegistration, fingerprint


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is bound to."""

    kind: Kind
    subject: Subject
    subject_id: str
    operations: str
    fingerprint: str | None
    changes: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class About:
    """The deal a request is about, and its version; both empty while it does not exist."""

    referral_id: str
    etag: str
    diff: Json


async def gate(desk: Desk, turn: Turn, proposal: Proposal, *, asking: bool) -> Reply | None:
    """What happens instead of writing a proposal; None when it may be written now.

    An open request is shown again. With `asking`, a write the policy wants approved becomes one.
    """
    if turn.approval is not None:
        return None
    async with desk.store.read() as connection:
        standing = await approvals.of_subject(connection, Subject.PROPOSAL, proposal.id)
    if standing is not None and standing.state in {State.WAITING, State.APPROVED}:
        return await show(desk, turn, standing)
    if not asking or proposal.state is not proposals.State.OPEN:
        return None
    if proposal.kind is Written.CREATE:
        return await _ask_to_create(desk, turn, proposal)
    kind = _kind_of(desk, turn, proposal)
    if kind is None:
        return None
    referral = await desk.partner_center.get(await bearer(desk, turn), proposal.referral_id)
    if not _rules(desk, turn).asks(_wish_of(kind, proposal, referral)):
        return None
    match age_of(proposal, referral):
        case Age.NEWER:
            return await writing.judge(desk, turn, proposal, referral)
        case Age.OLDER:
            return await writing.older(desk, proposal)
    changes = tuple(changes_between(texts(proposal.base), texts(proposal.after)))
    operations = proposal.operations
    if not isinstance(operations, str):
        raise TypeError("the operations of a proposal are stored as one document")
    asked = Asked(kind, Subject.PROPOSAL, proposal.id, operations, None, changes)
    return await ask(desk, turn, referral, asked)


def print_of(operations: str) -> str:
    """The fingerprint of a document that creates a deal."""
    return hashlib.sha256(operations.encode()).hexdigest()


def registration_asked(draft: Draft, registration: DealRegistration) -> Asked:
    """What a request to register is bound to: every value, and their fingerprint."""
    operations = jsontext.write(registrations.values_of(registration))
    return Asked(Kind.REGISTER, Subject.DRAFT, draft.id, operations, fingerprint(registration))


def asks_to_register(desk: Desk, turn: Turn) -> bool:
    """Whether a registration needs approval here."""
    return _rules(desk, turn).asks(Register())


async def ask(
    desk: Desk,
    turn: Turn,
    referral: Referral,
    asked: Asked,
    also: Callable[[AsyncConnection], Awaitable[bool]] | None = None,
) -> Reply:
    """Store the request about a deal and show it where it was asked.

    `also` is done in the same transaction; when it says False, nothing is stored.
    """
    about = About(referral.id, referral.etag, facts(referral, asked.changes))
    return await _ask(desk, turn, about, asked, also)


async def _ask_to_create(desk: Desk, turn: Turn, proposal: Proposal) -> Reply | None:
    """A new deal has no version to be bound to: the request is bound to its whole document."""
    deal, _mark = deal_of(proposal)
    if not _rules(desk, turn).asks_to_create(deal.value, deal.currency):
        return None
    changes, operations = fields_of(proposal), str(proposal.operations)
    asked = Asked(
        Kind.CREATE, Subject.PROPOSAL, proposal.id, operations, print_of(operations), changes
    )
    diff: dict[str, Json] = {
        "name": deal.name,
        "customer": deal.customer,
        "currency": deal.currency,
        "changes": changes_text(changes),
        "base": {},
    }
    return await _ask(desk, turn, About("", "", diff), asked)


async def _ask(
    desk: Desk,
    turn: Turn,
    about: About,
    asked: Asked,
    also: Callable[[AsyncConnection], Awaitable[bool]] | None = None,
) -> Reply:
    """Store the request and show it where it was asked; the worker brings it to the approvers."""
    account = await desk.identity.account(turn.person)
    now, rules = desk.now(), _rules(desk, turn)
    await meet(desk, turn.place, rules.approvers)
    await renew(desk, turn.place, rules.roles, older_than=SHOWN, within=ASK_SECONDS)
    async with desk.store.begin() as connection:
        known = await people.find(connection, turn.person.tenant, turn.person.id)
        upn = account.upn if account else known.upn if known else None
        others = _others(rules.approvers, turn, upn)
        holders = await holders_of(connection, turn.place, rules.roles)
        by_role = _by_role(holders, others, turn, upn)
        if len(others) + len(by_role) < rules.quorum:
            return await _nobody_left(connection, turn, rules)
        if also is not None and not await also(connection):
            return writing.not_valid()
        created = await approvals.create(
            connection,
            tenant=turn.person.tenant,
            requester=turn.person.id,
            requester_upn=upn,
            place=turn.place,
            referral_id=about.referral_id,
            kind=asked.kind.value,
            subject=asked.subject,
            subject_id=asked.subject_id,
            operations=asked.operations,
            base_etag=about.etag,
            fingerprint=asked.fingerprint,
            diff=about.diff,
            approvers=sorted(others | {seat.person for seat in by_role if seat.is_owner}),
            quorum=rules.quorum,
            expires=now + rules.expires,
            now=now,
        )
        approval = (
            await approvals.find(connection, created)
            if created
            else await approvals.of_subject(connection, asked.subject, asked.subject_id)
        )
        if approval is None:
            return writing.not_valid()
        if created:
            await seal_request(connection, desk.seals, approval, now)
            await noted(connection, approval, turn, "asked", now)
    crash_at(Point.APPROVAL_ASKED)
    desk.wake_approvals()
    return await placed(desk, turn, approval, Where.EDIT)


async def standing_of(desk: Desk, subject: Subject, subject_id: str) -> Approval | None:
    """The newest request for a proposal or a draft."""
    async with desk.store.read() as connection:
        return await approvals.of_subject(connection, subject, subject_id)


async def show(desk: Desk, turn: Turn, approval: Approval) -> Reply:
    """A request as this person may see it, as a card of its own here."""
    return await placed(desk, turn, approval, Where.EDIT)


def _rules(desk: Desk, turn: Turn) -> Policy:
    return desk.policy.at(turn.person.tenant, turn.place.channel)


def _others(approvers: frozenset[str], turn: Turn, upn: str | None) -> frozenset[str]:
    """The approvers without the requester, whatever name they are listed by."""
    own = canonical(upn)
    return frozenset(
        name
        for name in approvers
        if name != turn.person.id and (own is None or canonical(name) != own)
    )


def _by_role(
    holders: Sequence[TeamSeat], others: frozenset[str], turn: Turn, upn: str | None
) -> tuple[TeamSeat, ...]:
    """Who may approve by a role: neither the requester nor anybody who is listed already."""
    own = canonical(upn)
    return tuple(
        seat
        for seat in holders
        if seat.person != turn.person.id
        and not {seat.person, seat.upn} & others
        and (own is None or canonical(seat.upn) != own)
    )


def _kind_of(desk: Desk, turn: Turn, proposal: Proposal) -> Kind | None:
    """What a proposal would be asked for as; None for what no rule here can ask for."""
    rules, after = _rules(desk, turn).rules, texts(proposal.after)
    if after.get("status") == "Closed/Won":
        return Kind.WON if Won() in rules else None
    if after.get("status") == "Closed/Lost":
        return Kind.LOST if Lost() in rules else None
    if not {"value", "currency"} & set(after):
        return None
    return Kind.VALUE if any(isinstance(rule, ValueAbove | ValueChange) for rule in rules) else None


def _wish_of(kind: Kind, proposal: Proposal, referral: Referral) -> Wish:
    match kind:
        case Kind.WON:
            return Won()
        case Kind.LOST:
            return Lost()
        case _:
            after = texts(proposal.after)
            value = typed("value", after["value"]) if "value" in after else referral.deal_value
            return Valuing(
                before=referral.deal_value,
                before_currency=referral.currency,
                after=value if isinstance(value, Decimal) else None,
                after_currency=after.get("currency") or referral.currency,
            )


async def _nobody_left(connection: AsyncConnection, turn: Turn, rules: Policy) -> Reply:
    """Nobody could approve this, so nothing is asked, and the one who asks learns why at once."""
    if not rules.roles:
        return _not_asked(
            words("Nobody else may approve this"),
            words("This needs approval, and you cannot approve what you ask for yourself."),
            words("Ask your administrator to name another approver."),
        )
    if not has_team(turn.place):
        return _not_asked(
            words("Nobody may approve this here"),
            words("This needs the approval of your team, and this chat belongs to no team."),
            words("Say it again in a channel of your team."),
        )
    place = turn.place
    if await team_seats.asked_at(connection, place.tenant, place.channel) is None:
        return _not_asked(
            words("I cannot see who is in this team"),
            words("This needs the approval of your team, and Teams did not tell me who is in it."),
            words("Try again in a minute."),
        )
    return _not_asked(
        words("Nobody else in this team may approve this"),
        _needs_role(rules),
        words("Ask your administrator to name another approver, or to look at the team's roles."),
    )


def _needs_role(rules: Policy) -> Text:
    if TeamRole.MEMBERS in rules.roles:
        return words(
            "This needs the approval of other members of this team, and guests do not count."
        )
    return words("This needs the approval of owners of this team, and Teams names no other owner.")


def _not_asked(title: Text, why: Text, todo: Text) -> Reply:
    card = notice_card(title, why, words("Nothing was changed."), todo)
    return Reply(card=card, summary=title.plain)
