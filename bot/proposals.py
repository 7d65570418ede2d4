"""Every write: shown first as before and after, carried out once by its button, then told truly.

A proposal is a durable row bound to the version it was made against. The PATCH carries that
version as If-Match, and the row says APPLYING before the request leaves, so that a power cut
leaves a question that can be answered, never a silent second write.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

import structlog

from bot.conversation import SendFailed
from bot.crash import Point, crash_at
from bot.desk import Desk, Turn, bearer, view
from bot.explain import Button, Told, explain
from bot.proposal_fields import (
    changes_between,
    held_in,
    held_or_said,
    is_applied,
    names_of,
    operations_of,
    spelled,
    texts,
    typed,
)
from bot.replies import Reply, post
from bot.store import approvals, audit, handles, proposals
from bot.store.approvals import Subject
from bot.store.errors import StoreError
from bot.store.proposals import Kind, Proposal, State
from bot.won_deals import noticed
from cards.actions import Save, Show
from cards.changes import ConflictRow, FieldChange
from cards.notice import notice_card
from cards.referral import conflict_card, deal_card, proposal_card
from cards.wording import words
from partner_center import errors
from partner_center.patch import Operation, encode
from partner_center.referral import Move, Problem, Referral

_log = structlog.get_logger(__name__)
READ_BACK = (0.0, 0.5, 1.5)
"""Seconds before each look after a write whose answer did not arrive."""
LATER = (5.0, 15.0, 60.0, 300.0)
"""Seconds before each further look, after the seller was told that the outcome is unknown."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A write about to be proposed."""

    kind: Kind
    operations: tuple[Operation, ...]
    changes: tuple[FieldChange, ...]
    warnings: tuple[Problem, ...] = ()
    move: Move | None = None


async def propose(desk: Desk, turn: Turn, referral: Referral, draft: Draft) -> Reply:
    """Store the write and show it with its one button."""
    async with desk.store.begin() as connection:
        proposal_id = await proposals.create(
            connection,
            tenant=turn.person.tenant,
            person=turn.person.id,
            place=turn.place,
            referral_id=referral.id,
            kind=draft.kind,
            operations=encode(draft.operations).decode(),
            base_etag=referral.etag,
            base={change.field: spelled(change.before) for change in draft.changes},
            after={change.field: spelled(change.after) for change in draft.changes},
            now=desk.now(),
        )
    shown = await view(desk, turn, referral)
    card = proposal_card(
        shown, draft.changes, draft.warnings, proposal_id, turn.reader, move=draft.move
    )

    async def remember(message_id: str) -> None:
        async with desk.store.begin() as connection:
            await proposals.set_message(connection, proposal_id, message_id)

    summary = _summary(shown.handle, "before and after")
    return Reply(card=card, summary=summary, shown=remember)


async def save(desk: Desk, turn: Turn, proposal_id: str) -> Reply:
    """The button under before and after. However often it is pressed, the write happens once."""
    proposal = await _find(desk, turn, proposal_id)
    if isinstance(proposal, Reply):
        return proposal
    held = await desk.gate(desk, turn, proposal, asking=True)
    if held is not None:
        return held
    match proposal.state:
        case State.OPEN:
            return await _apply(desk, turn, proposal)
        case State.UNKNOWN | State.APPLYING:
            return await _settle(desk, turn, proposal, send_again=proposal.state is State.UNKNOWN)
        case State.CONFLICT:
            return await _show_conflict(desk, turn, proposal)
        case State.DONE | State.DISCARDED | State.FAILED:
            return await _show_ended(desk, turn, proposal)


async def discard(desk: Desk, turn: Turn, proposal_id: str) -> Reply:
    """Drop a write that was only shown."""
    proposal = await _find(desk, turn, proposal_id)
    if isinstance(proposal, Reply):
        return proposal
    held = await desk.gate(desk, turn, proposal, asking=False)
    if held is not None:
        return held
    if proposal.state in {State.OPEN, State.CONFLICT}:
        await _advance(desk, turn, proposal, State.DISCARDED)
    return await _show_ended(desk, turn, await _again(desk, proposal))


async def apply_again(desk: Desk, turn: Turn, proposal_id: str) -> Reply:
    """After a conflict: the same wish against the deal as it is now, shown once more."""
    proposal = await _find(desk, turn, proposal_id)
    if isinstance(proposal, Reply):
        return proposal
    if proposal.state is not State.CONFLICT:
        return await save(desk, turn, proposal_id)
    token = await bearer(desk, turn)
    referral = await desk.partner_center.get(token, proposal.referral_id)
    base = {name: spelled(held_in(referral, name)) for name in names_of(proposal)}
    async with desk.store.begin() as connection:
        await proposals.rebase(
            connection,
            proposal,
            operations=proposal.operations,
            base_etag=referral.etag,
            base=base,
            after=proposal.after,
            now=desk.now(),
        )
    changes = changes_between(base, texts(proposal.after))
    shown = await view(desk, turn, referral)
    card = proposal_card(shown, changes, (), proposal.id, turn.reader)
    return Reply(card=card, summary=_summary(shown.handle, "before and after"))


async def recover(desk: Desk, turn: Turn, proposal: Proposal) -> Reply | None:
    """Look once, after a restart or later, what became of a write; None when it is still open.

    Nothing is sent again: the person decides that with the button.
    """
    token = await bearer(desk, turn)
    referral = await desk.partner_center.get(token, proposal.referral_id)
    if referral.etag == proposal.base_etag:
        return None
    return await judge(desk, turn, proposal, referral)


async def give_back(desk: Desk, turn: Turn, proposal: Proposal) -> Reply:
    """A write that was cut off and is not there: its button may send the very same again."""
    await _advance(desk, turn, proposal, State.UNKNOWN)
    return await _about(desk, proposal, _UNKNOWN, (words("Check again"), Save(proposal.id)))


async def settle_later(desk: Desk, turn: Turn, proposal_id: str) -> None:
    """Keep looking after the seller was told "unknown", and correct the card when it is known."""
    for seconds in LATER:
        await desk.sleep(seconds)
        proposal = await _stored(desk, proposal_id)
        if proposal is None or proposal.state not in {State.UNKNOWN, State.APPLYING}:
            return
        try:
            reply = await recover(desk, turn, proposal)
        except errors.PartnerCenterError as error:
            _log.info("outcome still unknown", proposal=proposal_id, error=str(error))
            continue
        if reply is None:
            continue
        try:
            await post(desk.sender, proposal.place, reply, pressed=proposal.message_id)
        except SendFailed as error:
            _log.warning("outcome not shown", proposal=proposal_id, error=str(error))
        return


async def _apply(desk: Desk, turn: Turn, proposal: Proposal) -> Reply:
    token = await bearer(desk, turn)
    request_id = str(uuid.uuid4())
    if not await _advance(desk, turn, proposal, State.APPLYING, request_id=request_id):
        return await save(desk, turn, proposal.id)
    sent = await _again(desk, proposal)
    crash_at(Point.WRITE_INTENDED)
    try:
        patched = await desk.partner_center.patch(
            token,
            sent.referral_id,
            operations_of(sent),
            etag=sent.base_etag,
            client_request_id=request_id,
        )
    except errors.Conflict:
        return await _after_conflict(desk, turn, sent)
    except errors.OutcomeUnknown:
        await _advance(desk, turn, sent, State.UNKNOWN)
        return await _settle(desk, turn, await _again(desk, sent), send_again=False)
    except (errors.Unauthorized, errors.NotSent, errors.Throttled, errors.Locked) as error:
        await _advance(desk, turn, sent, State.OPEN, failure=error)
        if isinstance(error, errors.Unauthorized):
            raise
        return explain(error, turn.reader, again=(words("Try again"), Save(sent.id)))
    except errors.PartnerCenterError as error:
        await _advance(desk, turn, sent, State.FAILED, failure=error)
        return explain(error, turn.reader, again=(words("Show the deal"), Show(sent.referral_id)))
    crash_at(Point.WRITE_APPLIED)
    return await _written(desk, turn, sent, patched.referral)


async def _written(desk: Desk, turn: Turn, proposal: Proposal, referral: Referral | None) -> Reply:
    """Partner Center said yes; when it does not show the deal, saying so is all that is left."""
    token = await bearer(desk, turn)
    try:
        held_now = referral or await desk.partner_center.get(token, proposal.referral_id)
    except errors.PartnerCenterError as error:
        _log.warning("saved but not read back", proposal=proposal.id, error=str(error))
        await _advance(desk, turn, proposal, State.DONE)
        deal = (words("Show the deal"), Show(proposal.referral_id))
        return await _about(desk, proposal, _SAVED_UNSEEN, deal)
    return await _done(desk, turn, proposal, held_now)


async def _done(desk: Desk, turn: Turn, proposal: Proposal, referral: Referral) -> Reply:
    """Tell exactly what Partner Center holds now; the feeds first, so that a crash in between
    leaves a write that is looked at again."""
    await _tell_feeds(desk, turn, referral)
    crash_at(Point.WRITE_TOLD)
    await _advance(desk, turn, proposal, State.DONE)
    crash_at(Point.WRITE_DONE)
    before = texts(proposal.base)
    saved = tuple(
        FieldChange(name, typed(name, before.get(name)), held_or_said(referral, proposal, name))
        for name in names_of(proposal)
    )
    shown = await view(desk, turn, referral, related=True)
    card = deal_card(shown, turn.reader, saved=saved)
    return Reply(card=card, summary=_summary(shown.handle, "saved"))


async def _tell_feeds(desk: Desk, turn: Turn, referral: Referral) -> None:
    """What cannot be stored now is found by polling; the save itself has succeeded."""
    try:
        await noticed(desk, turn.person.tenant, referral, source="save", by=turn.person)
    except StoreError as error:
        _log.warning("feeds not told yet", referral=referral.id, error=str(error))


async def _after_conflict(desk: Desk, turn: Turn, proposal: Proposal) -> Reply:
    """412: somebody was faster, or our own earlier request was applied."""
    token = await bearer(desk, turn)
    try:
        referral = await desk.partner_center.get(token, proposal.referral_id)
    except errors.PartnerCenterError:
        await _advance(desk, turn, proposal, State.CONFLICT)
        raise
    return await judge(desk, turn, proposal, referral)


async def judge(desk: Desk, turn: Turn, proposal: Proposal, referral: Referral) -> Reply:
    """What a newer version of the deal says about a write: it is there, or somebody was faster."""
    if is_applied(proposal, referral):
        return await _done(desk, turn, proposal, referral)
    await _advance(desk, turn, proposal, State.CONFLICT)
    return await _conflict(desk, turn, proposal, referral)


async def _settle(desk: Desk, turn: Turn, proposal: Proposal, *, send_again: bool) -> Reply:
    """Read back until a version newer than the base is seen; only that allows an answer."""
    token = await bearer(desk, turn)
    for seconds in READ_BACK:
        await desk.sleep(seconds)
        try:
            referral = await desk.partner_center.get(token, proposal.referral_id)
        except (errors.Unavailable, errors.UnexpectedAnswer, errors.Throttled):
            break
        if referral.etag != proposal.base_etag:
            return await judge(desk, turn, proposal, referral)
        if send_again and await _advance(desk, turn, proposal, State.OPEN):
            return await _apply(desk, turn, await _again(desk, proposal))
    look = (words("Check again"), Save(proposal.id))
    reply = await _about(desk, proposal, _UNKNOWN, look)
    return replace(reply, unsettled=proposal.id)


async def _show_conflict(desk: Desk, turn: Turn, proposal: Proposal) -> Reply:
    token = await bearer(desk, turn)
    referral = await desk.partner_center.get(token, proposal.referral_id)
    return await _conflict(desk, turn, proposal, referral)


async def _conflict(desk: Desk, turn: Turn, proposal: Proposal, referral: Referral) -> Reply:
    base, after = texts(proposal.base), texts(proposal.after)
    rows = tuple(
        ConflictRow(name, typed(name, base.get(name)), held_in(referral, name), typed(name, wish))
        for name, wish in after.items()
    )
    shown = await view(desk, turn, referral)
    card = conflict_card(shown, rows, proposal.id, turn.reader)
    return Reply(card=card, summary=_summary(shown.handle, "changed meanwhile"))


async def _show_ended(desk: Desk, turn: Turn, proposal: Proposal) -> Reply:
    deal = (words("Show the deal"), Show(proposal.referral_id))
    if proposal.state is State.DISCARDED:
        return await _about(desk, proposal, _DISCARDED, deal)
    if proposal.state is State.FAILED:
        return await _about(desk, proposal, _REFUSED, deal)
    token = await bearer(desk, turn)
    referral = await desk.partner_center.get(token, proposal.referral_id)
    shown = await view(desk, turn, referral, related=True)
    card = deal_card(shown, turn.reader)
    return Reply(card=card, summary=_summary(shown.handle, "already saved"))


async def _find(desk: Desk, turn: Turn, proposal_id: str) -> Proposal | Reply:
    """The proposal, if it is this person's and the card is where it was shown."""
    proposal = await _stored(desk, proposal_id)
    owner = (turn.person.tenant, turn.person.id)
    if proposal is None or proposal.tenant != turn.person.tenant:
        return not_valid()
    if (proposal.tenant, proposal.person) != owner:
        return replace(_notice(_SOMEBODY_ELSES), only_me=True)
    if proposal.place.conversation_id != turn.place.conversation_id:
        _log.warning("card pressed elsewhere", proposal=proposal_id, person=turn.person.id)
        return not_valid()
    if turn.pressed is not None and proposal.message_id != turn.pressed:
        async with desk.store.begin() as connection:
            await proposals.set_message(connection, proposal_id, turn.pressed)
    return proposal


def not_valid() -> Reply:
    """The answer to a button of a card we do not know, or not here."""
    return _notice(_NOT_VALID)


async def _about(desk: Desk, proposal: Proposal, told: Told, *buttons: Button) -> Reply:
    """A notice that names the deal, also when Partner Center does not answer."""
    async with desk.store.begin() as connection:
        numbers = await handles.number_of(connection, proposal.tenant, [proposal.referral_id])
    handle = numbers[proposal.referral_id]
    named = words("#{handle} · {title}", handle=handle, title=told.title)
    return _notice(replace(told, title=named), *buttons)


def _notice(told: Told, *buttons: Button) -> Reply:
    card = notice_card(told.title, told.happened, told.did_not, told.todo, buttons)
    return Reply(card=card, summary=told.title.plain)


_UNKNOWN = Told(
    words("I do not know yet whether that was saved"),
    words("Partner Center took the request, but its answer did not arrive."),
    words("I have not sent it again. I keep looking and will correct this card."),
    words("Check again in a moment, before you change the deal in another way."),
)
_SAVED_UNSEEN = Told(
    words("✔ Saved"),
    words("Partner Center accepted the change."),
    words("It did not show me the deal afterwards."),
    words("Look at the deal in a moment to see it."),
)
_DISCARDED = Told(
    words("Dropped"),
    words("You dropped this change."),
    words("Nothing was changed."),
    words("Say what you want to change whenever you like."),
)
_REFUSED = Told(
    words("This change is closed"),
    words("Partner Center refused this change earlier."),
    words("Nothing was changed."),
    words("Look at the deal as it is now and say what to change."),
)
_NOT_VALID = Told(
    words("This card is no longer valid"),
    words("The button belongs to something that is over, or to another conversation."),
    words("Nothing was changed."),
    words("Say what you want to do, or say help."),
)
_SOMEBODY_ELSES = Told(
    words("This is somebody else's change"),
    words("Only the person who asked for a change can save or drop it."),
    words("Nothing was changed."),
    words("Say the change yourself, and you get a card of your own."),
)


async def _stored(desk: Desk, proposal_id: str) -> Proposal | None:
    async with desk.store.read() as connection:
        return await proposals.find(connection, proposal_id)


async def _again(desk: Desk, proposal: Proposal) -> Proposal:
    """The row as it is now."""
    found = await _stored(desk, proposal.id)
    return proposal if found is None else found


async def _advance(
    desk: Desk,
    turn: Turn,
    proposal: Proposal,
    to: State,
    *,
    request_id: str | None = None,
    failure: errors.PartnerCenterError | None = None,
) -> bool:
    """Compare-and-set with its audit entry; False when another turn was faster."""
    async with desk.store.begin() as connection:
        moved = await proposals.advance(
            connection, proposal, to, now=desk.now(), client_request_id=request_id
        )
        if moved:
            approval = await approvals.granted(connection, Subject.PROPOSAL, proposal.id)
            await audit.record(
                connection,
                audit.Entry(
                    at=desk.now(),
                    tenant=proposal.tenant,
                    person=turn.person.id,
                    kind=f"proposal.{proposal.kind}",
                    outcome=to.value,
                    referral_id=proposal.referral_id,
                    detail={
                        "proposal": proposal.id,
                        "after": proposal.after,
                        **({"approval": approval} if approval else {}),
                    },
                    client_request_id=request_id or proposal.client_request_id,
                    request_id=failure.request_id if failure is not None else None,
                ),
            )
    return moved


def _summary(handle: int, what: str) -> str:
    return f"#{handle}: {what}"
