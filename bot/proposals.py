"""Every write: shown first as before and after, carried out once by its button, then told truly.

A proposal is a durable row bound to the version it was made against. The PATCH carries that
version as If-Match, and the row says APPLYING before the request leaves, so that a power cut
leaves a question that can be answered, never a silent second write.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from http import HTTPStatus

import structlog

from bot import looks
from bot.crash import Point, crash_at
from bot.desk import Desk, Turn, bearer, view
from bot.explain import Told, explain
from bot.identity import SignInNeeded, SignInUnavailable
from bot.outbox import written
from bot.proposal_fields import (
    age_of,
    changes_between,
    held_in,
    held_or_said,
    in_order,
    is_applied,
    move_of,
    names_of,
    operations_of,
    problems_of,
    spelled,
    texts,
    typed,
)
from bot.registration_rules import Age
from bot.replies import Reply
from bot.sealed import is_as_shown, is_granted, seal_of
from bot.store import approvals, audit, handles, proposals
from bot.store import outbox as outbox_rows
from bot.store.approvals import Subject
from bot.store.connection import AsyncConnection
from bot.store.errors import StoreError
from bot.store.proposals import Kind, Proposal, State, Why
from bot.won_deals import noticed
from cards.actions import Save, Show
from cards.changes import ConflictRow, FieldChange
from cards.deal import DealView
from cards.notice import Button, notice_card, problem_text
from cards.proposal import conflict_card, proposal_card
from cards.referral import deal_card
from cards.wording import sentence, words
from partner_center import errors
from partner_center.client import Bearer, Patched
from partner_center.patch import Operation, encode
from partner_center.referral import (
    Move,
    Problem,
    Referral,
    warnings_of_close,
    warnings_of_move,
)

_log = structlog.get_logger(__name__)
READ_BACK = (0.0, 0.5, 1.5)
"""Seconds before each look after a write whose answer did not arrive."""
UNDER_WAY = timedelta(seconds=40)
"""Longer than a PATCH may take: a write that is under way for longer was cut off."""
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
    shown = await view(desk, turn, referral)
    async with desk.store.each(flush=True) as alone:
        proposal = await proposals.create(
            alone,
            tenant=turn.person.tenant,
            person=turn.person.id,
            place=turn.place,
            referral_id=referral.id,
            kind=draft.kind,
            operations=encode(draft.operations).decode(),
            base_etag=referral.etag,
            base_updated=referral.updated,
            base={change.field: spelled(change.before) for change in draft.changes},
            after={change.field: spelled(change.after) for change in draft.changes},
            now=desk.now(),
            seal=partial(seal_of, desk.seals),
        )
    changes = in_order(draft.changes)
    card = proposal_card(shown, changes, draft.warnings, proposal.id, turn.reader, move=draft.move)
    summary = sentence("#{handle}: before and after", handle=shown.handle)
    return Reply(card=card, summary=summary)


async def save(desk: Desk, turn: Turn, proposal_id: str) -> Reply:
    """The button under before and after. However often it is pressed, the write happens once."""
    proposal = await find_own(desk, turn, proposal_id)
    if isinstance(proposal, Reply):
        return proposal
    held = await desk.gate(desk, turn, proposal, asking=True)
    if held is not None:
        return held
    match proposal.state:
        case State.OPEN:
            return await _apply(desk, turn, proposal)
        case State.APPLYING:
            return await _follow(desk, turn, proposal, then=save)
        case State.UNKNOWN:
            return await _settle(desk, turn, proposal, send_again=True)
        case State.CONFLICT:
            return await _show_conflict(desk, turn, proposal)
        case State.DONE | State.DISCARDED | State.FAILED:
            return await _show_ended(desk, turn, proposal)


async def discard(desk: Desk, turn: Turn, proposal_id: str) -> Reply:
    """Drop a write that was only shown."""
    proposal = await find_own(desk, turn, proposal_id)
    if isinstance(proposal, Reply):
        return proposal
    held = await desk.gate(desk, turn, proposal, asking=False)
    if held is not None:
        return held
    match proposal.state:
        case State.OPEN | State.CONFLICT:
            if not await advance(desk, turn, proposal, State.DISCARDED):
                return await discard(desk, turn, proposal_id)
            return await _show_ended(desk, turn, await again(desk, proposal))
        case State.APPLYING:
            return await _follow(desk, turn, proposal, then=discard)
        case State.UNKNOWN:
            return await _settle(desk, turn, proposal, send_again=False)
        case State.DONE | State.DISCARDED | State.FAILED:
            return await _show_ended(desk, turn, proposal)


async def apply_again(desk: Desk, turn: Turn, proposal_id: str) -> Reply:
    """After a conflict: the same wish against the deal as it is now, shown once more."""
    proposal = await find_own(desk, turn, proposal_id)
    if isinstance(proposal, Reply):
        return proposal
    if proposal.state not in {State.CONFLICT, State.OPEN}:
        return await save(desk, turn, proposal_id)
    if (tampered := await altered(desk, turn, proposal)) is not None:
        return tampered
    token = await bearer(desk, turn)
    referral = await desk.partner_center.get(token, proposal.referral_id)
    shown = await view(desk, turn, referral)
    problems = problems_of(proposal, referral, desk.now())
    if problems:
        return _impossible(shown, problems, turn)
    if proposal.state is State.OPEN:
        base = texts(proposal.base)
    else:
        base = {name: spelled(held_in(referral, name)) for name in names_of(proposal)}
        if not await _rebase(desk, proposal, referral, base):
            return await apply_again(desk, turn, proposal_id)
    move = move_of(proposal)
    after = texts(proposal.after)
    close = typed("close", after.get("close"))
    warnings = warnings_of_close(close if isinstance(close, date) else None, turn.today)
    if move is not None:
        warnings = warnings_of_move(referral, move, desk.now())
    changes = changes_between(base, after)
    card = proposal_card(shown, changes, warnings, proposal.id, turn.reader, move=move)
    return Reply(card=card, summary=sentence("#{handle}: before and after", handle=shown.handle))


async def _rebase(
    desk: Desk, proposal: Proposal, referral: Referral, base: dict[str, str | None]
) -> bool:
    async with desk.store.begin() as connection:
        rebased = await proposals.rebase(
            connection,
            proposal,
            operations=proposal.operations,
            base_etag=referral.etag,
            base_updated=referral.updated,
            base=base,
            after=proposal.after,
            now=desk.now(),
        )
        opened = await proposals.find(connection, proposal.id) if rebased else None
        if opened is not None:
            await proposals.set_seal(connection, opened.id, seal_of(desk.seals, opened))
        return rebased


def _impossible(shown: DealView, problems: Sequence[Problem], turn: Turn) -> Reply:
    """The deal has moved on so far that the wish no longer fits it."""
    card = notice_card(
        words("That is not possible with #{handle}", handle=shown.handle),
        " ".join(problem_text(problem, turn.reader) for problem in problems),
        _NOTHING_CHANGED,
        "",
        ((words("Show the deal"), Show(shown.referral.id)),),
    )
    return Reply(card=card, summary=sentence("#{handle}: not possible", handle=shown.handle))


async def recover(desk: Desk, turn: Turn, proposal: Proposal) -> Reply | None:
    """Look once, after a restart or later, what became of a write; None when it is still open.

    Nothing is sent again: the person decides that with the button.
    """
    token = await bearer(desk, turn)
    referral = await desk.partner_center.get(token, proposal.referral_id)
    if age_of(proposal, referral) is not Age.NEWER:
        return None
    return await judge(desk, turn, proposal, referral)


async def give_back(desk: Desk, turn: Turn, proposal: Proposal) -> Reply | None:
    """A write that was cut off and is not there: its button may send the very same again.

    None when it has been decided meanwhile.
    """
    if not await advance(desk, turn, proposal, State.UNKNOWN):
        return None
    return await _about(desk, proposal, _UNKNOWN, (words("Check again"), Save(proposal.id)))


async def owe_outcome(desk: Desk, proposal: Proposal, reply: Reply) -> None:
    """What became of a write goes to its card for certain, also when Teams is busy now."""
    async with desk.store.begin() as connection:
        await outbox_rows.put(
            connection,
            proposal.place,
            written(reply.message()),
            desk.now(),
            target_message=proposal.message_id,
            key=f"recovered:{proposal.id}:{proposal.version}",
        )


async def _follow(
    desk: Desk,
    turn: Turn,
    proposal: Proposal,
    *,
    then: Callable[[Desk, Turn, str], Awaitable[Reply]],
) -> Reply:
    """Another press is on its way to Partner Center: wait for what becomes of it."""
    while desk.now() - proposal.updated < UNDER_WAY:
        await desk.sleep(0.3)
        proposal = await again(desk, proposal)
        if proposal.state is not State.APPLYING:
            return await then(desk, turn, proposal.id)
    return await _settle(desk, turn, proposal, send_again=False)


async def _apply(desk: Desk, turn: Turn, proposal: Proposal) -> Reply:
    token = await bearer(desk, turn)
    request_id = str(uuid.uuid4())
    if not await advance(desk, turn, proposal, State.APPLYING, request_id=request_id):
        return await save(desk, turn, proposal.id)
    sent = await again(desk, proposal)
    crash_at(Point.WRITE_INTENDED)
    try:
        if (tampered := await altered(desk, turn, sent)) is not None:
            return tampered
        patched = await _send(desk, turn, sent, token)
        if isinstance(patched, Reply):
            return patched
        crash_at(Point.WRITE_APPLIED)
        return await _written(desk, turn, sent, patched.referral)
    except StoreError as error:
        _log.warning("outcome not noted", proposal=sent.id, error=str(error))
        look = (words("Check again"), Save(sent.id))
        return replace(_notice(_UNNOTED, look), unsettled=sent.id)


async def altered(desk: Desk, turn: Turn, proposal: Proposal) -> Reply | None:
    """The end of a proposal that is not what its person was shown, or not what was approved; None
    for every other."""
    if await _is_right(desk, turn, proposal):
        return None
    async with desk.store.begin() as connection:
        if await proposals.fail(connection, proposal, Why.ALTERED, now=desk.now()):
            await note(connection, desk, turn, proposal, State.FAILED)
    return _notice(TAMPERED)


async def _is_right(desk: Desk, turn: Turn, proposal: Proposal) -> bool:
    if not is_as_shown(desk.seals, proposal):
        return False
    if turn.approval is None:
        return True
    async with desk.store.read() as connection:
        approval = await approvals.find(connection, turn.approval)
        return approval is not None and await is_granted(connection, desk.seals, approval, proposal)


async def _send(desk: Desk, turn: Turn, sent: Proposal, token: Bearer) -> Patched | Reply:
    """The one PATCH; a reply when it was not accepted."""
    try:
        return await desk.partner_center.patch(
            token,
            sent.referral_id,
            operations_of(sent),
            etag=sent.base_etag,
            client_request_id=sent.client_request_id,
        )
    except errors.Conflict:
        return await _read_back(desk, turn, sent, _UNSEEN)
    except errors.OutcomeUnknown:
        return await _read_back(desk, turn, sent, _UNKNOWN)
    except (SignInNeeded, SignInUnavailable):
        await advance(desk, turn, sent, State.OPEN)
        raise
    except (errors.Unauthorized, errors.NotSent, errors.Throttled, errors.Locked) as error:
        await advance(desk, turn, sent, State.OPEN, failure=error)
        if turn.approval is not None or isinstance(error, errors.Unauthorized):
            raise
        return explain(error, turn.reader, again=(words("Try again"), Save(sent.id)))
    except errors.PartnerCenterError as error:
        if error.status == HTTPStatus.CONFLICT:
            return await _read_back(desk, turn, sent, _UNSEEN)
        await advance(desk, turn, sent, State.FAILED, failure=error)
        return explain(error, turn.reader, again=(words("Show the deal"), Show(sent.referral_id)))


async def _written(desk: Desk, turn: Turn, proposal: Proposal, referral: Referral | None) -> Reply:
    """Partner Center said yes; when it does not show the deal, saying so is all that is left."""
    try:
        held_now = referral or await _look(desk, turn, proposal)
    except (errors.PartnerCenterError, SignInNeeded, SignInUnavailable) as error:
        await advance(desk, turn, proposal, State.DONE)
        return await _unseen(desk, proposal, error)
    return await _done(desk, turn, proposal, held_now)


async def _look(desk: Desk, turn: Turn, proposal: Proposal) -> Referral:
    return await desk.partner_center.get(await bearer(desk, turn), proposal.referral_id)


async def _unseen(desk: Desk, proposal: Proposal, error: Exception) -> Reply:
    _log.warning("saved but not read back", proposal=proposal.id, error=str(error))
    deal = (words("Show the deal"), Show(proposal.referral_id))
    return await _about(desk, proposal, _SAVED_UNSEEN, deal)


async def _done(desk: Desk, turn: Turn, proposal: Proposal, referral: Referral) -> Reply:
    """The feeds are told first, so that a crash in between leaves a write that is looked at."""
    await _tell_feeds(desk, turn, referral)
    crash_at(Point.WRITE_TOLD)
    await advance(desk, turn, proposal, State.DONE)
    crash_at(Point.WRITE_DONE)
    return await _saved(desk, turn, proposal, referral)


async def _saved(desk: Desk, turn: Turn, proposal: Proposal, referral: Referral) -> Reply:
    """Tell exactly what Partner Center holds now."""
    before = texts(proposal.base)
    saved = tuple(
        FieldChange(name, typed(name, before.get(name)), held_or_said(referral, proposal, name))
        for name in names_of(proposal)
    )
    try:
        shown = await view(desk, turn, referral, related=True)
    except (errors.PartnerCenterError, SignInNeeded, SignInUnavailable) as error:
        _log.info("saved, Microsoft's side not read", proposal=proposal.id, error=str(error))
        shown = await view(desk, turn, referral)
    await looks.remember(desk, turn, shown)
    card = deal_card(shown, turn.reader, saved=saved)
    return Reply(card=card, summary=sentence("#{handle}: saved", handle=shown.handle))


async def _tell_feeds(desk: Desk, turn: Turn, referral: Referral) -> None:
    """What cannot be stored now is found by polling; the save itself has succeeded."""
    try:
        await noticed(desk, turn.person.tenant, referral, source="save", by=turn.person)
    except StoreError as error:
        _log.warning("feeds not told yet", referral=referral.id, error=str(error))


async def _read_back(desk: Desk, turn: Turn, sent: Proposal, told: Told) -> Reply:
    """No clear yes or no, or 412: somebody was faster, or an earlier request of ours was applied.

    The row says "unknown" before anything is read, so that nothing read too early decides. Another
    instance that took over meanwhile may have ended it: that end stands, and is shown.
    """
    await advance(desk, turn, sent, State.UNKNOWN)
    now = await again(desk, sent)
    if now.state in {State.DONE, State.DISCARDED, State.FAILED}:
        return await _show_ended(desk, turn, now)
    return await _settle(desk, turn, now, send_again=False, told=told)


async def judge(desk: Desk, turn: Turn, proposal: Proposal, referral: Referral) -> Reply:
    """What a newer version of the deal says about a write: it is there, or somebody was faster."""
    if is_applied(proposal, referral):
        return await _done(desk, turn, proposal, referral)
    await advance(desk, turn, proposal, State.CONFLICT)
    return await _conflict(desk, turn, proposal, referral)


async def _settle(
    desk: Desk, turn: Turn, proposal: Proposal, *, send_again: bool, told: Told | None = None
) -> Reply:
    """Read back until a version newer than the base is seen; only that allows an answer."""
    for seconds in READ_BACK:
        await desk.sleep(seconds)
        try:
            token = await bearer(desk, turn)
            referral = await desk.partner_center.get(token, proposal.referral_id)
        except errors.Unauthorized:
            raise
        except (errors.PartnerCenterError, SignInUnavailable):
            break
        if age_of(proposal, referral) is Age.NEWER:
            return await judge(desk, turn, proposal, referral)
        if send_again and await advance(desk, turn, proposal, State.OPEN):
            return await _apply(desk, turn, await again(desk, proposal))
    look = (words("Check again"), Save(proposal.id))
    reply = await _about(desk, proposal, told or _UNKNOWN, look)
    return replace(reply, unsettled=proposal.id)


async def older(desk: Desk, proposal: Proposal) -> Reply:
    """Partner Center showed an earlier version than the one this was proposed on: nothing is said
    about the deal, and nothing is sent."""
    return await _about(desk, proposal, _OLDER, (words("Try again"), Save(proposal.id)))


async def _show_conflict(desk: Desk, turn: Turn, proposal: Proposal) -> Reply:
    token = await bearer(desk, turn)
    referral = await desk.partner_center.get(token, proposal.referral_id)
    return await _conflict(desk, turn, proposal, referral)


async def _conflict(desk: Desk, turn: Turn, proposal: Proposal, referral: Referral) -> Reply:
    base, after = texts(proposal.base), texts(proposal.after)
    rows = tuple(
        ConflictRow(
            name,
            typed(name, base.get(name)),
            held_in(referral, name),
            typed(name, after[name]),
        )
        for name in names_of(proposal)
    )
    shown = await view(desk, turn, referral)
    card = conflict_card(shown, rows, proposal.id, turn.reader)
    return Reply(card=card, summary=sentence("#{handle}: changed meanwhile", handle=shown.handle))


async def _show_ended(desk: Desk, turn: Turn, proposal: Proposal) -> Reply:
    deal = (words("Show the deal"), Show(proposal.referral_id))
    if proposal.state is State.DISCARDED:
        return await _about(desk, proposal, _DISCARDED, deal)
    if proposal.state is State.FAILED:
        why = proposals.why_failed(proposal)
        return await _about(desk, proposal, _CLOSED.get(why, _REFUSED), deal)
    try:
        referral = await _look(desk, turn, proposal)
    except (errors.PartnerCenterError, SignInNeeded, SignInUnavailable) as error:
        return await _unseen(desk, proposal, error)
    return await _saved(desk, turn, proposal, referral)


async def find_own(
    desk: Desk, turn: Turn, proposal_id: str, *, creates: bool = False
) -> Proposal | Reply:
    """The proposal, if it is this person's, of that kind, and the card is where it was shown. The
    message that was pressed is noted before anything is sent: what becomes of it goes there."""
    proposal = await _stored(desk, proposal_id)
    owner = (turn.person.tenant, turn.person.id)
    if proposal is None or proposal.tenant != turn.person.tenant:
        return not_valid()
    if (proposal.kind is Kind.CREATE) is not creates:
        return not_valid()
    if (proposal.tenant, proposal.person) != owner:
        return replace(_notice(_SOMEBODY_ELSES), only_me=True)
    if proposal.place.conversation_id != turn.place.conversation_id:
        _log.warning("card pressed elsewhere", proposal=proposal_id, person=turn.person.id)
        return not_valid()
    if turn.pressed is not None and proposal.message_id != turn.pressed:
        async with desk.store.each() as alone:
            await proposals.set_message(alone, proposal_id, turn.pressed)
        return replace(proposal, message_id=turn.pressed)
    return proposal


def not_valid() -> Reply:
    """The answer to a button of a card we do not know, or not here."""
    return replace(_notice(_NOT_VALID), only_me=True)


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


_NOTHING_CHANGED = words("Nothing was changed.")
_UNKNOWN = Told(
    words("I do not know yet whether that was saved"),
    words("Partner Center took the request, but its answer did not arrive."),
    words("I have not sent it again. I keep looking and will correct this card."),
    words("Check again in a moment, before you change the deal in another way."),
)
_UNSEEN = Told(
    words("I do not know yet whether that was saved"),
    words("Partner Center has another version of this deal, but does not show it to me yet."),
    words("I have not sent it again. I keep looking and will correct this card."),
    words("Check again in a moment, before you change the deal in another way."),
)
_OLDER = Told(
    words("Partner Center is behind"),
    words("It showed me an earlier version of this deal than the one you decided on."),
    _NOTHING_CHANGED,
    words("Try again in a moment."),
)
_SAVED_UNSEEN = Told(
    words("✔ Saved"),
    words("Partner Center accepted the change."),
    words("It did not show me the deal afterwards."),
    words("Look at the deal in a moment to see it."),
)
_UNNOTED = Told(
    words("I do not know yet whether that was saved"),
    words("Partner Center got the request, but my own storage failed before I noted the outcome."),
    words("I will not send it again by myself. I keep looking and will correct this card."),
    words("Check again in a moment, before you change the deal in another way."),
)
_DISCARDED = Told(
    words("Dropped"),
    words("You dropped this change."),
    _NOTHING_CHANGED,
    words("Say what you want to change whenever you like."),
)
_REFUSED = Told(
    words("This change is closed"),
    words("Partner Center refused this change earlier."),
    _NOTHING_CHANGED,
    words("Look at the deal as it is now and say what to change."),
)
TAMPERED = Told(
    words("This change is not what you were shown"),
    words("Somebody altered it in my storage after you saw it."),
    _NOTHING_CHANGED,
    words("Please tell your administrator, and say again what you want to change."),
)
_CLOSED = {
    Why.ALTERED: TAMPERED,
    Why.UNREADABLE: replace(
        _REFUSED,
        happened=words("Partner Center does not know this deal, or it is not one of yours."),
    ),
    Why.LATE: replace(
        _REFUSED, happened=words("It could not be carried out within a day; ask again.")
    ),
}
_NOT_VALID = Told(
    words("This card is no longer valid"),
    words("The button belongs to something that is over, or to another conversation."),
    _NOTHING_CHANGED,
    words("Say what you want to do, or say help."),
)
_SOMEBODY_ELSES = Told(
    words("This is someone else's change"),
    words("Only the person who asked for a change can save or drop it."),
    _NOTHING_CHANGED,
    words("Say the change yourself, and you get a card of your own."),
)


async def _stored(desk: Desk, proposal_id: str) -> Proposal | None:
    async with desk.store.each(writes=False) as connection:
        return await proposals.find(connection, proposal_id)


async def again(desk: Desk, proposal: Proposal) -> Proposal:
    """The row as it is now."""
    found = await _stored(desk, proposal.id)
    return proposal if found is None else found


async def advance(
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
            now_sent = request_id or proposal.client_request_id
            noted = replace(proposal, client_request_id=now_sent)
            await note(connection, desk, turn, noted, to, failure)
    return moved


async def note(
    connection: AsyncConnection,
    desk: Desk,
    turn: Turn,
    proposal: Proposal,
    outcome: State,
    failure: errors.PartnerCenterError | None = None,
) -> None:
    """The audit entry of a step: who did it, to which deal, under which approval."""
    approval = await approvals.granted(connection, Subject.PROPOSAL, proposal.id)
    await audit.record(
        connection,
        audit.Entry(
            at=desk.now(),
            tenant=proposal.tenant,
            person=turn.person.id,
            kind=f"proposal.{proposal.kind}",
            outcome=outcome.value,
            referral_id=proposal.referral_id or None,
            detail={
                "proposal": proposal.id,
                "before": proposal.base,
                "after": proposal.after,
                **({"approval": approval} if approval else {}),
            },
            client_request_id=proposal.client_request_id,
            request_id=failure.request_id if failure is not None else None,
        ),
    )
