"""Requests for approval: asked instead of writing, decided by buttons, told to everybody alike.

A press only decides: it reads and writes our own tables, so it is answered at once whatever
Partner Center does. What was approved is carried out by `approval_work`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot import proposals as writing
from bot.approval_acts import about, drop_subject, expire, noted, notice, placed
from bot.approval_people import Authority, Refusal, authority, deciders
from bot.approval_view import (
    locale_of,
    message_for,
    owe_copies,
    tell,
    view_of,
)
from bot.crash import Point, crash_at
from bot.desk import Desk, Turn
from bot.replies import Reply, Where
from bot.sealed import is_genuine, seal_vote
from bot.store import approval_copies, approvals, people
from bot.store.approvals import Approval, State, Verdict
from bot.store.connection import AsyncConnection
from bot.team_roles import AT_ONCE, SHOWN, renew
from cards import actions
from cards.actions import OpenApproval
from cards.approval import LONGEST_REASON, MOST_ROWS, Role, approvals_card
from cards.language import speaking
from cards.wording import Text, sentence, text, words

_log = structlog.get_logger(__name__)
_TRIES = 6
"""Votes that may come between reading a request and voting on it."""


async def pressed(
    desk: Desk, turn: Turn, action: actions.Action, inputs: Mapping[str, str]
) -> Reply | None:
    """A button of a request; None when it is none of ours."""
    said = inputs.get("reason", "").strip()[:LONGEST_REASON]
    match action:
        case actions.Approve(approval=approval_id):
            return await _decide(desk, turn, approval_id, Verdict.APPROVE, "")
        case actions.Reject(approval=approval_id):
            return await _decide(desk, turn, approval_id, Verdict.REJECT, said)
        case actions.AskBack(approval=approval_id):
            return await _ask_back(desk, turn, approval_id, said)
        case actions.Withdraw(approval=approval_id):
            return await _withdraw(desk, turn, approval_id)
        case actions.Remind(approval=approval_id):
            return await _remind(desk, turn, approval_id)
        case actions.RefreshApproval(approval=approval_id):
            return await _refresh(desk, turn, approval_id)
        case actions.OpenApproval(approval=approval_id):
            return await _open(desk, turn, approval_id)
        case actions.Approvals():
            return await listed(desk, turn)
        case _:
            return None


async def listed(desk: Desk, turn: Turn) -> Reply:
    """`approvals`: what waits for this person, what ends first on top, and what they wait for."""
    now, tenant = desk.now(), turn.person.tenant
    async with desk.store.begin() as connection:
        waiting = [
            each
            for each in await approvals.waiting(connection, tenant)
            if await _waits_for(connection, desk, turn, each, now)
        ]
        own = await approvals.of_requester(connection, tenant, turn.person.id)
        for_me, mine = [
            [await view_of(connection, desk.policy, each) for each in found[:MOST_ROWS]]
            for found in (sorted(waiting, key=lambda each: each.expires), own)
        ]
    more = len(waiting) - len(for_me), len(own) - len(mine)
    card = approvals_card(for_me, mine, turn.reader, more=more)
    return Reply(card=card, summary=sentence("Approvals"))


async def _refresh(desk: Desk, turn: Turn, approval_id: str) -> Reply:
    found = await _found(desk, turn, approval_id)
    if isinstance(found, Reply):
        return found
    await _see_team(desk, found, SHOWN)
    return await _shown(desk, turn, found)


async def _see_team(desk: Desk, approval: Approval, older_than: timedelta) -> None:
    """Look who is in the team when its roles approve and the request still waits."""
    if approval.state is State.WAITING:
        roles = desk.policy.at(approval.tenant, approval.place.channel).roles
        await renew(desk, approval.place, roles, older_than=older_than)


async def _decide(desk: Desk, turn: Turn, approval_id: str, verdict: Verdict, reason: str) -> Reply:
    """Approve or reject. However many press in the same moment, one vote after the other counts."""
    found: Approval
    for attempt in range(_TRIES):
        read = await _found(desk, turn, approval_id)
        if isinstance(read, Reply):
            return read
        found = read
        if found.state is not State.WAITING:
            return await _shown(desk, turn, found)
        if verdict is Verdict.REJECT and not reason:
            return await _shown(desk, turn, found, _WHY_MISSING)
        if attempt == 0:
            await _see_team(desk, found, AT_ONCE)
        outcome = await _vote(desk, turn, found, verdict, reason)
        if outcome is not None:
            crash_at(Point.APPROVAL_DECIDED)
            desk.wake_approvals()
            return outcome
    return await _shown(desk, turn, found, _BUSY)


async def _vote(
    desk: Desk, turn: Turn, read: Approval, verdict: Verdict, reason: str
) -> Reply | None:
    """One try to vote; None when the request changed since it was read."""
    now = desk.now()
    async with desk.store.begin() as connection:
        await people.remember(connection, turn.person, turn.place.service_url, now)
        who = await authority(connection, desk.policy, read, turn.person, now, deciding=True)
        if who.role is not Role.APPROVER:
            await noted(connection, read, turn, f"refused.{who.refusal}", now)
            note: Text | None = _REFUSED[who.refusal or Refusal.NOT_AN_APPROVER]
        elif read.expires <= now:
            note = None
            await expire(connection, desk, read, now)
        elif not await is_genuine(connection, desk.seals, read):
            await noted(connection, read, turn, "refused.tampered", now)
            note = _TAMPERED
        else:
            note = await _mandate_used(connection, read, turn, who)
            counts = note is None
            if counts and not await _count(connection, desk, turn, read, who, verdict, reason):
                return None
    if note is not None:
        _log.warning("decision refused", approval=read.id, person=turn.person.id)
    fresh = await _again(desk, read)
    return await _shown(desk, turn, fresh, note)


async def _mandate_used(
    connection: AsyncConnection, approval: Approval, turn: Turn, who: Authority
) -> Text | None:
    """People count, and each right to decide counts once: the one away or the one standing in."""
    mine = {who.acting_for or turn.person.id, turn.person.id}
    for vote in await approvals.votes(connection, approval.id):
        if mine & {vote.person, vote.acting_for}:
            return _VOTED
    return None


async def _count(
    connection: AsyncConnection,
    desk: Desk,
    turn: Turn,
    read: Approval,
    who: Authority,
    verdict: Verdict,
    reason: str,
) -> bool:
    """Add the vote and, when it decides, the decision, in one compare-and-set."""
    now = desk.now()
    voted = await approvals.vote(
        connection, read, turn.person.id, verdict, now, acting_for=who.acting_for
    )
    if not voted:
        return False
    fresh = await approvals.find(connection, read.id) or read
    given = await approvals.votes(connection, read.id)
    for mine in given:
        if mine.person == turn.person.id:
            await seal_vote(connection, desk.seals, fresh, mine)
    decided: Approval | None = None
    if verdict is Verdict.REJECT:
        decided = await approvals.decide(
            connection, fresh, State.REJECTED, turn.person.id, now, reason=reason
        )
        await drop_subject(connection, fresh, now)
    elif sum(vote.verdict is Verdict.APPROVE for vote in given) >= fresh.quorum:
        decided = await approvals.decide(connection, fresh, State.APPROVED, turn.person.id, now)
    await noted(connection, fresh, turn, verdict.value, now, reason, who.acting_for)
    await owe_copies(connection, desk.policy, decided or fresh, now)
    return True


async def _ask_back(desk: Desk, turn: Turn, approval_id: str, question: str) -> Reply:
    found = await _found(desk, turn, approval_id)
    if isinstance(found, Reply) or found.state is not State.WAITING:
        return found if isinstance(found, Reply) else await _shown(desk, turn, found)
    if not question:
        return await _shown(desk, turn, found, _QUESTION_MISSING)
    await _see_team(desk, found, AT_ONCE)
    now, asked = desk.now(), False
    async with desk.store.begin() as connection:
        who = await authority(connection, desk.policy, found, turn.person, now, deciding=True)
        if who.role is Role.APPROVER:
            said = f"{turn.person.name}: {question}"
            kept = await approvals.advance(connection, found, State.WAITING, now, reason=said)
            if kept is not None:
                asked = True
                await noted(connection, kept, turn, "asked_back", now, question)
                await owe_copies(connection, desk.policy, kept, now)
                await _tell_question(connection, desk, turn, kept, question, now)
    if who.role is not Role.APPROVER:
        return await _shown(desk, turn, found, _REFUSED[who.refusal or Refusal.NOT_AN_APPROVER])
    desk.wake_approvals()
    fresh = await _again(desk, found)
    return await _shown(desk, turn, fresh, _QUESTION_SENT if asked else _BUSY)


async def _tell_question(
    connection: AsyncConnection,
    desk: Desk,
    turn: Turn,
    approval: Approval,
    question: str,
    now: datetime,
) -> None:
    with speaking(await locale_of(connection, approval, approval.requester)):
        card = notice(
            words("{who} asks you something", who=text(turn.person.name or "?", limit=60)),
            await about(connection, desk, approval),
            text(question, limit=LONGEST_REASON),
            words("Answer them in a chat; the request goes on waiting."),
            (words("Open the request"), OpenApproval(approval.id)),
        )
    key = f"approval:{approval.id}:question:{approval.version}"
    await tell(connection, approval, approval.requester, card, key, now)


async def _withdraw(desk: Desk, turn: Turn, approval_id: str) -> Reply:
    found = await _found(desk, turn, approval_id)
    if isinstance(found, Reply):
        return found
    if found.requester != turn.person.id:
        return await _shown(desk, turn, found, _NOT_YOURS)
    now = desk.now()
    async with desk.store.begin() as connection:
        ended = await approvals.withdraw(connection, found, now)
        if ended is not None:
            await drop_subject(connection, ended, now)
            await noted(connection, ended, turn, "withdrawn", now)
            await owe_copies(connection, desk.policy, ended, now)
    desk.wake_approvals()
    return await _shown(desk, turn, await _again(desk, found))


async def _remind(desk: Desk, turn: Turn, approval_id: str) -> Reply:
    found = await _found(desk, turn, approval_id)
    if isinstance(found, Reply) or found.state is not State.WAITING:
        return found if isinstance(found, Reply) else await _shown(desk, turn, found)
    if found.requester != turn.person.id:
        return await _shown(desk, turn, found, _NOT_YOURS)
    now, reminded = desk.now(), 0
    async with desk.store.begin() as connection:
        voted = {vote.person for vote in await approvals.votes(connection, found.id)}
        for person in await deciders(connection, desk.policy, found, now):
            if person in voted:
                continue
            reader = replace(turn.reader, locale=await locale_of(connection, found, person))
            with speaking(reader.locale):
                card = notice(
                    words("{who} waits for you", who=text(turn.person.name or "?", limit=60)),
                    await about(connection, desk, found),
                    words("It was asked {when}.", when=reader.moment(found.created)),
                    words("Open it and decide."),
                    (words("Open the request"), OpenApproval(found.id)),
                )
            key = f"approval:{found.id}:remind:{person}:{now:%Y%m%d%H}"
            reminded += await tell(connection, found, person, card, key, now)
        await noted(connection, found, turn, "reminded", now)
    desk.wake_approvals()
    return await _shown(desk, turn, found, _REMINDED if reminded else _REMINDED_ALREADY)


async def _open(desk: Desk, turn: Turn, approval_id: str) -> Reply:
    """From the list or a reminder: only for those it concerns, in a message of its own."""
    approval = await _stored(desk, approval_id)
    if approval is None or approval.tenant != turn.person.tenant:
        return writing.not_valid()
    async with desk.store.read() as connection:
        who = await authority(connection, desk.policy, approval, turn.person, desk.now())
    if who.role is Role.OTHER:
        return await _shown(desk, turn, approval, _REFUSED[Refusal.NOT_AN_APPROVER])
    return await placed(desk, turn, approval, Where.NEW)


async def _found(desk: Desk, turn: Turn, approval_id: str) -> Approval | Reply:
    """The request whose card was pressed, when it is one of its cards, where we put it (B8)."""
    approval = await _stored(desk, approval_id)
    if approval is None or approval.tenant != turn.person.tenant:
        _log.warning("unknown approval pressed", person=turn.person.id)
        return replace(writing.not_valid(), only_me=True)
    here = turn.place.conversation_id
    async with desk.store.read() as connection:
        copies = await approvals.cards_of(connection, approval.id)
        sent = await approval_copies.promised(connection, approval.id, [turn.person.id])
    mine = [copy for copy in copies if copy.place.conversation_id == here]
    known = any(copy.message_id == turn.pressed for copy in mine)
    expected = {approval.place.conversation_id, *(each.place.conversation_id for each in sent)}
    if known or (not mine and here in expected):
        return approval
    _log.warning(
        "approval card pressed elsewhere",
        approval=approval.id,
        person=turn.person.id,
        conversation=here,
        asked_in=approval.place.conversation_id,
    )
    return replace(writing.not_valid(), only_me=True)


async def _shown(desk: Desk, turn: Turn, approval: Approval, note: Text | None = None) -> Reply:
    """The request as this very person sees it; everybody else's card stays as it is."""
    async with desk.store.begin() as connection:
        message = await message_for(
            connection,
            desk.policy,
            approval,
            turn.person.id,
            desk.now(),
            reader=turn.reader,
            note=note,
        )
    return Reply(card=message.card, summary=message.summary, view=True)


async def _waits_for(
    connection: AsyncConnection, desk: Desk, turn: Turn, approval: Approval, now: datetime
) -> bool:
    if approval.expires <= now:
        return False
    who = await authority(connection, desk.policy, approval, turn.person, now)
    if who.role is not Role.APPROVER:
        return False
    return await _mandate_used(connection, approval, turn, who) is None


async def _stored(desk: Desk, approval_id: str) -> Approval | None:
    async with desk.store.read() as connection:
        return await approvals.find(connection, approval_id)


async def _again(desk: Desk, approval: Approval) -> Approval:
    return await _stored(desk, approval.id) or approval


_REFUSED: Mapping[Refusal, Text] = {
    Refusal.OWN: words("You may not approve this: it is your own request."),
    Refusal.GUEST: words("You may not approve this: guests cannot approve."),
    Refusal.UNKNOWN: words(
        "You may not approve this until I know who you are: say “sign in” to me once."
    ),
    Refusal.UNSEEN: words(
        "You may not approve this right now: I cannot see who is in this team. Try again."
    ),
    Refusal.NOT_AN_APPROVER: words("You may not approve this."),
}
_TAMPERED = words("This request is not as it was asked. It cannot be approved; ask for it again.")
_VOTED = words("This right to decide has been used already; people count once.")
_WHY_MISSING = words("Write the reason below, then press Reject.")
_QUESTION_MISSING = words("Write your question below, then press Ask back.")
_QUESTION_SENT = words("Your question is on its way.")
_NOT_YOURS = words("Only the person who asked for this can do that.")
_REMINDED = words("They have been reminded.")
_REMINDED_ALREADY = words("They were reminded within this hour, or cannot be reached.")
_BUSY = words("Others decide at this very moment; look again.")
