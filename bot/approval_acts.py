"""What every part does to a request alike: place its card, note an act, end it unanswered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.approval_view import locale_of, message_for, owe_copies, tell, view_of
from bot.conversation import Message
from bot.desk import Desk, Turn
from bot.replies import Reply, Row, Stand, Where
from bot.store import approvals, audit, proposals
from bot.store.approvals import Approval, State, Subject
from bot.store.connection import AsyncConnection
from bot.store.jsontext import Json
from cards import actions
from cards.actions import ChangeDeal, Show
from cards.approval import summary_of_request
from cards.language import speaking
from cards.notice import notice_card
from cards.wording import Text, words


async def expire(
    connection: AsyncConnection, desk: Desk, approval: Approval, now: datetime
) -> None:
    """End a request nobody decided in time, if it still waits."""
    ended = await approvals.advance(connection, approval, State.EXPIRED, now)
    if ended is not None:
        await told_expired(connection, desk, ended, now)


async def told_expired(
    connection: AsyncConnection, desk: Desk, ended: Approval, now: datetime
) -> None:
    """The rest of an expiry: nothing will be written, and every card says so."""
    await drop_subject(connection, ended, now)
    await record(connection, ended, ended.requester, "expired", now)
    await owe_copies(connection, desk.policy, ended, now)
    with speaking(await locale_of(connection, ended, ended.requester)):
        card = notice(
            words("Nobody decided in time"),
            await about(connection, desk, ended),
            words("Nothing was changed."),
            words("Ask again when somebody is there."),
            _way_on(ended),
        )
    await tell(connection, ended, ended.requester, card, f"approval:{ended.id}:expired", now)


def _way_on(ended: Approval) -> tuple[Text, actions.Action]:
    """To the deal, or back to the form of one that was not created."""
    if ended.referral_id:
        return words("Show the deal"), Show(ended.referral_id)
    return words("Change and ask again"), ChangeDeal(ended.subject_id)


async def placed(desk: Desk, turn: Turn, approval: Approval, where: Where) -> Reply:
    """A new copy of the card: the person's own in a personal chat, everybody's elsewhere."""
    for_person = turn.person.id if turn.is_personal else None
    async with desk.store.begin() as connection:
        message = await message_for(
            connection, desk.policy, approval, for_person, desk.now(), reader=turn.reader
        )
        own = await message_for(
            connection, desk.policy, approval, turn.person.id, desk.now(), reader=turn.reader
        )

    async def wake(_message_id: str) -> None:
        desk.wake_approvals()

    return Reply(
        card=message.card,
        summary=message.summary,
        where=where,
        own=None if turn.is_personal else own.card,
        stands=Stand(Row.APPROVAL, approval.id, for_person, approval.version),
        shown=wake,
    )


async def drop_subject(connection: AsyncConnection, approval: Approval, now: datetime) -> None:
    """What was not approved is not written: its proposal is closed. A draft was closed before."""
    if approval.subject is not Subject.PROPOSAL:
        return
    proposal = await proposals.find(connection, approval.subject_id)
    if proposal is not None and proposal.state is proposals.State.OPEN:
        await proposals.advance(connection, proposal, proposals.State.DISCARDED, now=now)


async def record(
    connection: AsyncConnection,
    approval: Approval,
    person: str,
    outcome: str,
    now: datetime,
    detail: Mapping[str, Json] | None = None,
) -> None:
    """Note an act on a request."""
    await audit.record(
        connection,
        audit.Entry(
            at=now,
            tenant=approval.tenant,
            person=person,
            kind="approval",
            outcome=outcome,
            referral_id=approval.referral_id or None,
            detail={
                "approval": approval.id,
                "kind": approval.kind,
                "subject": approval.subject_id,
                "base_etag": approval.base_etag,
                "fingerprint": approval.fingerprint,
                **(detail or {}),
            },
        ),
    )


async def noted(
    connection: AsyncConnection,
    approval: Approval,
    turn: Turn,
    outcome: str,
    now: datetime,
    said: str = "",
    acting_for: str | None = None,
) -> None:
    """Note what somebody pressed."""
    detail: dict[str, Json] = {"said": said} if said else {}
    detail |= {"acting_for": acting_for} if acting_for else {}
    await record(connection, approval, turn.person.id, outcome, now, detail)


async def about(connection: AsyncConnection, desk: Desk, approval: Approval) -> Text:
    """The request in a sentence."""
    return summary_of_request(await view_of(connection, desk.policy, approval))


def notice(
    title: Text, happened: Text, did_not: Text, todo: Text, button: tuple[Text, actions.Action]
) -> Message:
    """A notice with one button, for a personal chat."""
    card = notice_card(title, happened, did_not, todo, (button,))
    return Message(card=card, summary=title.plain)
