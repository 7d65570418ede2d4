"""Creates a deal: the row says so before the POST leaves, and a lost answer is looked for, by the
mark the deal bears. What was sent and may have arrived is never sent again.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

import structlog
from sqlalchemy.exc import IntegrityError

from bot import creation_rules as rules
from bot.crash import Point, crash_at
from bot.creation_rules import Do, Outcome
from bot.desk import Desk, Turn, bearer, view
from bot.explain import Told, explain
from bot.identity import SignInNeeded, SignInUnavailable
from bot.proposal_fields import changes_between, texts
from bot.proposals import READ_BACK, TAMPERED, UNDER_WAY, again, altered, find_own, note
from bot.replies import Reply
from bot.store import handles, proposals
from bot.store.errors import StoreError
from bot.store.jsontext import Json
from bot.store.proposals import Proposal, State, Why
from cards.actions import ChangeDeal, CreateDeal, Show
from cards.changes import FieldChange
from cards.new_deal import deal_line, doubled_card, uncertain_card
from cards.notice import notice_card
from cards.referral import deal_card
from cards.wording import sentence, words
from partner_center import errors
from partner_center.client import Bearer
from partner_center.new_deal import NewDeal, check_new_deal, read
from partner_center.query import newly_made
from partner_center.referral import Referral

_log = structlog.get_logger(__name__)
MOST_PAGES = 10
"""Pages of a list that are looked through for a new deal, last created first."""


async def save(desk: Desk, turn: Turn, proposal_id: str) -> Reply:
    """The button under what will be created. However often it is pressed, one POST leaves."""
    proposal = await find_own(desk, turn, proposal_id, creates=True)
    if isinstance(proposal, Reply):
        return proposal
    match proposal.state:
        case State.OPEN:
            held = await desk.gate(desk, turn, proposal, asking=True)
            return held if held is not None else await _create(desk, turn, proposal)
        case State.APPLYING:
            return await _follow(desk, turn, proposal)
        case State.UNKNOWN:
            return await _look_again(desk, turn, proposal)
        case State.DONE | State.DISCARDED | State.CONFLICT | State.FAILED:
            return await show_ended(desk, turn, proposal)


async def drop(desk: Desk, turn: Turn, proposal_id: str) -> Reply:
    """Give up a deal that was only shown."""
    proposal = await find_own(desk, turn, proposal_id, creates=True)
    if isinstance(proposal, Reply):
        return proposal
    held = await desk.gate(desk, turn, proposal, asking=False)
    if held is not None:
        return held
    if proposal.state is State.OPEN:
        await _advance(desk, turn, proposal, State.DISCARDED)
        proposal = await again(desk, proposal)
    if proposal.state is State.APPLYING:
        return await _follow(desk, turn, proposal)
    if proposal.state is State.UNKNOWN:
        return await _look_again(desk, turn, proposal)
    return await show_ended(desk, turn, proposal)


async def recover(desk: Desk, turn: Turn, proposal: Proposal) -> Reply | None:
    """Look once, after a restart or later, what became of it; None when there is nothing to tell.

    A request that was cut off may have arrived, so its row becomes UNKNOWN and nothing else.
    """
    was_cut_off = proposal.state is State.APPLYING
    if was_cut_off:
        await _advance(desk, turn, proposal, State.UNKNOWN)
        proposal = await again(desk, proposal)
    if proposal.state is not State.UNKNOWN:
        return None
    try:
        reply = await _judge(desk, turn, proposal, await _found(desk, turn, proposal))
    except (errors.PartnerCenterError, SignInNeeded, SignInUnavailable):
        if not was_cut_off:
            raise
        reply = None
    if reply is None and (was_cut_off or _after_look(desk, proposal, 0) is Do.ASK):
        return _uncertain(desk, turn, proposal)
    return reply


def fields_of(proposal: Proposal) -> tuple[FieldChange, ...]:
    """What the deal will say, field by field."""
    return tuple(changes_between({}, texts(proposal.after)))


def deal_of(proposal: Proposal) -> tuple[NewDeal, str]:
    """The deal and its mark, as they were shown. Raises ValueError for another document."""
    if not isinstance(proposal.operations, str):
        raise ValueError("a new deal is stored as one document")
    return read(proposal.operations)


def is_out_of_date(proposal: Proposal, today: date) -> bool:
    """Whether what a new deal says could not be said any more. Raises as `deal_of`."""
    deal, _mark = deal_of(proposal)
    return bool(check_new_deal(deal, today))


async def _create(desk: Desk, turn: Turn, proposal: Proposal) -> Reply:
    tampered = await altered(desk, turn, proposal)
    if tampered is not None:
        return tampered
    token = await bearer(desk, turn)
    deal, mark = deal_of(proposal)
    if is_out_of_date(proposal, turn.today):
        return _notice(_OUT_OF_DATE, proposal, change=True)
    sent = await _intend(desk, turn, proposal)
    if isinstance(sent, Reply):
        return sent
    crash_at(Point.WRITE_INTENDED)
    try:
        made = await _send(desk, turn, sent, token, deal, mark)
        if isinstance(made, Reply):
            return made
        crash_at(Point.WRITE_APPLIED)
        return await _created(desk, turn, sent, made)
    except StoreError as error:
        _log.warning("outcome not noted", proposal=sent.id, error=str(error))
        return _uncertain(desk, turn, sent)


async def _intend(desk: Desk, turn: Turn, proposal: Proposal) -> Proposal | Reply:
    """Say in the row that the POST leaves, unless the same deal is on its way or just made."""
    now, request_id = desk.now(), str(uuid.uuid4())
    twin: Proposal | None = None
    moved = False
    try:
        async with desk.store.begin() as connection:
            for other in await proposals.twins(connection, proposal):
                if _blocks(other, now):
                    twin = other
                    break
                await proposals.part(connection, other)
            if twin is None:
                moved = await proposals.advance(
                    connection,
                    proposal,
                    State.APPLYING,
                    now=now,
                    client_request_id=request_id,
                    result={"sent": now.isoformat()},
                )
            if moved:
                sent = replace(proposal, client_request_id=request_id)
                await note(connection, desk, turn, sent, State.APPLYING)
    except IntegrityError:
        _log.info("the same deal is sent at this moment", proposal=proposal.id)
        return await save(desk, turn, proposal.id)
    if twin is not None:
        return await _twin(desk, turn, twin)
    return await again(desk, proposal) if moved else await save(desk, turn, proposal.id)


def _blocks(other: Proposal, now: datetime) -> bool:
    done = other.state is State.DONE
    sent = other.updated if done else _sent_at(other)
    return rules.blocks(sent, now, _status(other), done=done)


async def _send(
    desk: Desk, turn: Turn, sent: Proposal, token: Bearer, deal: NewDeal, mark: str
) -> Referral | Reply:
    """The one POST; a reply when it was not accepted."""
    try:
        if desk.now() - _sent_at(sent) > rules.SEND_WITHIN:
            raise errors.NotSent("too_late")
        return await desk.partner_center.create(
            token, deal, mark, client_request_id=sent.client_request_id
        )
    except (SignInNeeded, SignInUnavailable):
        await _close(desk, turn, sent, State.OPEN)
        raise
    except errors.PartnerCenterError as error:
        match rules.outcome_of(error):
            case Outcome.NOT_APPLIED:
                await _close(desk, turn, sent, State.OPEN, failure=error)
                if turn.approval is not None or isinstance(error, errors.Unauthorized):
                    raise
                return explain(error, turn.reader, again=(words("Try again"), CreateDeal(sent.id)))
            case Outcome.REFUSED:
                await _close(desk, turn, sent, State.FAILED, failure=error)
                return explain(error, turn.reader, again=(words("Change"), ChangeDeal(sent.id)))
            case Outcome.UNKNOWN:
                _log.warning("creation not answered", proposal=sent.id, error=str(error))
                status: dict[str, Json] = {"sent": _sent_at(sent).isoformat()}
                status |= {"status": error.status} if error.status is not None else {}
                await _close(desk, turn, sent, State.UNKNOWN, failure=error, result=status)
                return await _look_again(desk, turn, await again(desk, sent))


async def _close(
    desk: Desk,
    turn: Turn,
    sent: Proposal,
    to: State,
    *,
    failure: errors.PartnerCenterError | None = None,
    result: Json = None,
    made: str | None = None,
) -> None:
    """Note what only this process knows, even when another one called the row unknown meanwhile."""
    while True:
        fresh = await again(desk, sent)
        if fresh.state not in {State.APPLYING, State.UNKNOWN}:
            return
        if await _advance(desk, turn, fresh, to, failure=failure, result=result, made=made):
            return


async def _created(desk: Desk, turn: Turn, sent: Proposal, made: Referral) -> Reply:
    crash_at(Point.WRITE_TOLD)
    await _close(desk, turn, sent, State.DONE, made=made.id)
    crash_at(Point.WRITE_DONE)
    return await _show(desk, turn, made)


async def _show(desk: Desk, turn: Turn, made: Referral) -> Reply:
    shown = await view(desk, turn, made)
    card = deal_card(shown, turn.reader, created=True)
    return Reply(card=card, summary=sentence("#{handle}: created", handle=shown.handle))


async def _follow(desk: Desk, turn: Turn, proposal: Proposal) -> Reply:
    """Another press is on its way to Partner Center: wait for what becomes of it."""
    while desk.now() - proposal.updated < UNDER_WAY:
        await desk.sleep(0.3)
        proposal = await again(desk, proposal)
        if proposal.state is not State.APPLYING:
            return await save(desk, turn, proposal.id)
    await _advance(desk, turn, proposal, State.UNKNOWN)
    return await save(desk, turn, proposal.id)


async def _look_again(desk: Desk, turn: Turn, proposal: Proposal) -> Reply:
    """Look for the deal a few times, and say what is known then."""
    for seconds in READ_BACK:
        await desk.sleep(seconds)
        try:
            reply = await _judge(desk, turn, proposal, await _found(desk, turn, proposal))
        except errors.Unauthorized:
            raise
        except (errors.PartnerCenterError, SignInUnavailable) as error:
            _log.info("cannot look for the deal", proposal=proposal.id, error=str(error))
            break
        if reply is not None:
            return reply
    return _uncertain(desk, turn, proposal)


async def _found(desk: Desk, turn: Turn, proposal: Proposal) -> tuple[Referral, ...]:
    """Every deal that bears our mark, as it is now. The list may be behind."""
    token = await bearer(desk, turn)
    _deal, mark = deal_of(proposal)
    since = proposal.created - rules.SKEW
    found: dict[str, Referral] = {}
    async for page in desk.partner_center.all_pages(token, newly_made(), MOST_PAGES):
        found |= {each.id: each for each in page.referrals if each.crm_id == mark}
        if any(each.created is not None and each.created < since for each in page.referrals):
            break
    if len(found) != 1:
        return tuple(found.values())
    (listed,) = found.values()
    try:
        return (await desk.partner_center.get(token, listed.id),)
    except errors.PartnerCenterError as error:
        _log.info("created, but not read", referral=listed.id, error=str(error))
        return (listed,)


async def _judge(
    desk: Desk, turn: Turn, proposal: Proposal, found: tuple[Referral, ...]
) -> Reply | None:
    match _after_look(desk, proposal, len(found)):
        case Do.DONE if proposal.fingerprint is None:
            return await _appeared(desk, turn, proposal, found[0])
        case Do.DONE:
            return await _created(desk, turn, proposal, found[0])
        case Do.DOUBLED:
            return await _doubled(desk, turn, proposal, found)
        case Do.WAIT | Do.ASK:
            return None


async def _appeared(desk: Desk, turn: Turn, proposal: Proposal, made: Referral) -> Reply:
    """Its person has started over since: there may be two now."""
    await _close(desk, turn, proposal, State.DONE, made=made.id)
    shown = await view(desk, turn, made)
    card = notice_card(
        words("The deal appeared after all"),
        deal_line(fields_of(proposal)),
        words("Partner Center holds it as #{handle}.", handle=shown.handle),
        words("If you have created it again since, close one of the two as an error."),
        ((words("Show the deal"), Show(made.id)),),
    )
    return Reply(card=card, summary=sentence("#{handle} appeared after all", handle=shown.handle))


async def _doubled(
    desk: Desk, turn: Turn, proposal: Proposal, found: tuple[Referral, ...]
) -> Reply:
    ids = [each.id for each in sorted(found, key=lambda each: str(each.created))]
    _log.error("created more than once", proposal=proposal.id, referrals=ids)
    await _close(desk, turn, proposal, State.DONE, made=ids[0])
    async with desk.store.begin() as connection:
        numbers = await handles.number_of(connection, proposal.tenant, ids)
    known = [(numbers[each], each) for each in ids]
    card = doubled_card(deal_line(fields_of(proposal)), known)
    return Reply(card=card, summary=sentence("A deal is there more than once"))


def _after_look(desk: Desk, proposal: Proposal, found: int) -> Do:
    return rules.after_look(found, _sent_at(proposal), desk.now(), _status(proposal))


def _uncertain(desk: Desk, turn: Turn, proposal: Proposal) -> Reply:
    asking = _after_look(desk, proposal, 0) is Do.ASK
    accepted = rules.was_accepted(_status(proposal))
    line = deal_line(fields_of(proposal))
    card = uncertain_card(line, proposal.id, accepted=accepted, asking=asking)
    return Reply(card=card, summary=sentence("I do not know yet"), unsettled=proposal.id)


async def _twin(desk: Desk, turn: Turn, twin: Proposal) -> Reply:
    """The same deal was sent already: what is known of it, instead of a second one."""
    if twin.state is State.DONE:
        reply = await show_ended(desk, turn, twin)
        return replace(reply, summary=sentence("You have just created this deal"))
    return _uncertain(desk, turn, twin)


async def show_ended(desk: Desk, turn: Turn, proposal: Proposal) -> Reply:
    """What became of a wish that is over."""
    if proposal.state is State.DISCARDED:
        return _notice(_DROPPED, proposal, change=True)
    if proposal.state is not State.DONE:
        why = proposals.why_failed(proposal)
        return _notice(_CLOSED.get(why, _REFUSED), proposal, change=True)
    try:
        token = await bearer(desk, turn)
        made = await desk.partner_center.get(token, proposal.referral_id)
    except (errors.PartnerCenterError, SignInNeeded, SignInUnavailable) as error:
        _log.info("created, but not read", proposal=proposal.id, error=str(error))
        return _notice(_UNSEEN, proposal, change=False)
    return await _show(desk, turn, made)


def _notice(told: Told, proposal: Proposal, *, change: bool) -> Reply:
    button = (
        (words("Change"), ChangeDeal(proposal.id))
        if change
        else (words("Show the deal"), Show(proposal.referral_id))
    )
    card = notice_card(told.title, told.happened, told.did_not, told.todo, (button,))
    return Reply(card=card, summary=told.title.plain)


_NOT_CREATED = words("Nothing was created.")
_DROPPED = Told(
    words("Dropped"),
    words("You dropped this deal."),
    _NOT_CREATED,
    words("Say create whenever you like."),
)
_REFUSED = Told(
    words("This deal was not created"),
    words("Partner Center refused it earlier."),
    _NOT_CREATED,
    words("Change what it says and try again."),
)
_OUT_OF_DATE = Told(
    words("This deal is out of date"),
    words("What it says was right when it was shown, and is not any more."),
    _NOT_CREATED,
    words("Look at its close date and try again."),
)
_CLOSED = {
    Why.ALTERED: TAMPERED,
    Why.LATE: replace(
        _REFUSED, happened=words("It could not be carried out within a day; ask again.")
    ),
    Why.OUT_OF_DATE: _OUT_OF_DATE,
}
_UNSEEN = Told(
    words("✔ Created"),
    words("Partner Center accepted the deal."),
    words("It did not show it to me afterwards."),
    words("Look at the deal in a moment to see it."),
)


def _sent_at(proposal: Proposal) -> datetime:
    said = _kept(proposal).get("sent")
    return datetime.fromisoformat(said) if isinstance(said, str) else proposal.updated


def _status(proposal: Proposal) -> int | None:
    said = _kept(proposal).get("status")
    return said if isinstance(said, int) else None


def _kept(proposal: Proposal) -> Mapping[str, Json]:
    return proposal.result if isinstance(proposal.result, Mapping) else {}


async def _advance(
    desk: Desk,
    turn: Turn,
    proposal: Proposal,
    to: State,
    *,
    failure: errors.PartnerCenterError | None = None,
    result: Json = None,
    made: str | None = None,
) -> bool:
    """Compare-and-set with its audit entry; False when another turn was faster."""
    async with desk.store.begin() as connection:
        moved = await proposals.advance(
            connection, proposal, to, now=desk.now(), result=result, referral_id=made
        )
        if moved:
            noted = replace(proposal, referral_id=made or proposal.referral_id)
            await note(connection, desk, turn, noted, to, failure)
    return moved
