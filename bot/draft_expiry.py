"""Closes drafts that nobody sent in time, and says so."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.conversation import Message
from bot.outbox import written
from bot.store import drafts, handles, outbox
from bot.store.drafts import Draft, State
from bot.store.engine import Store
from cards.actions import Drafts, Register
from cards.language import speaking
from cards.notice import notice_card
from cards.wording import words

DRAFT_LIFE = timedelta(days=14)
"""How long a draft is kept after its last change."""


async def expire(store: Store, now: datetime) -> int:
    """Close what is overdue, each with a notice in place of its card and one that is seen."""
    async with store.read() as connection:
        overdue = await drafts.overdue(connection, now)
    for draft in overdue:
        await _close(store, draft, now)
    return len(overdue)


async def _close(store: Store, draft: Draft, now: datetime) -> None:
    async with store.begin() as connection:
        closed = await drafts.save(connection, draft, now, state=State.EXPIRED.value)
        if closed is None:
            return
        deal = draft.referral_id
        handle = (await handles.number_of(connection, draft.tenant, [deal]))[deal]
        with speaking(draft.locale):
            message = written(_notice(handle, deal))
        if draft.message_id is not None:
            await outbox.put(
                connection,
                draft.place,
                message,
                now,
                target_message=draft.message_id,
                key=f"draft:{draft.id}:closed",
            )
        await outbox.put(connection, draft.place, message, now, key=f"draft:{draft.id}:expired")


def _notice(handle: int, deal: str) -> Message:
    title = words("#{handle}: registration expired", handle=handle)
    card = notice_card(
        title,
        words("You began to register this deal and did not send it within 14 days."),
        words("Nothing was sent to Partner Center."),
        words("Begin again when you are ready."),
        ((words("Register"), Register(deal)), (words("Open registrations"), Drafts())),
    )
    return Message(card=card, summary=title.plain)
