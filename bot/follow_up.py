"""What becomes of a registration reaches the person who asked for it, with Microsoft's reason."""

from __future__ import annotations

from datetime import timedelta

from bot.conversation import Message, Place
from bot.deal_events import happening
from bot.desk import Desk
from bot.outbox import written
from bot.registration_rules import OPEN, State
from bot.store import outbox, people, registrations
from bot.store.connection import AsyncConnection
from bot.store.events import Event
from bot.store.people import Known
from bot.store.registrations import Submission
from cards.language import speaking
from cards.reader import Reader
from cards.registered import state_words
from cards.won import Happening, follow_up_card
from cards.wording import sentence
from partner_center.referral import Referral

TOLD = frozenset({"ActionRequired", "Approved", "Passed", "Failed"})
"""States that reach the requester."""
FRESH = timedelta(days=3)
"""What began longer ago is no news, also when the bot sees it for the first time."""
SEEN = timedelta(minutes=2)
"""A state that begins so soon after the registration is the one its own card shows."""
MOST_MEMBERS = 20


async def owe(connection: AsyncConnection, desk: Desk, event: Event, referral: Referral) -> bool:
    """Owe the requester the new state of a registration, in their personal chat, once.

    A registration made elsewhere reaches the first person of the team whom the bot knows. Says
    whether anybody is told.
    """
    what, now = happening(event), desk.now()
    if what.registration not in TOLD or what.at < now - FRESH:
        return False
    submission = await registrations.latest(connection, event.tenant, referral.id)
    if submission is not None and _has_seen(submission, referral, event, what):
        return False
    reader = await _reader(connection, desk, event.tenant, referral, submission)
    if reader is None:
        return False
    known, place = reader
    with speaking(known.locale):
        card = follow_up_card(what, Reader(known.locale or "en-US", None, now))
        title = state_words(what.registration)[0]
        summary = sentence("#{handle}: registration {title}", handle=what.handle, title=title)
    message = Message(card=card, summary=summary)
    return await outbox.put(
        connection, place, written(message), now, key=f"follow:{event.id}:{known.person.id}"
    )


def _has_seen(submission: Submission, referral: Referral, event: Event, what: Happening) -> bool:
    """Whether the requester's own card told it, as it tells the first state, or is going to."""
    if submission.state in OPEN:
        return True
    if submission.state is not State.DONE:
        return False
    began = [
        each.registered
        for each in referral.registrations
        if each.registered is not None and event.state_key.startswith(f"{each.id}:")
    ]
    return any(what.at <= moment + SEEN for moment in began)


async def _reader(
    connection: AsyncConnection,
    desk: Desk,
    tenant: str,
    referral: Referral,
    submission: Submission | None,
) -> tuple[Known, Place] | None:
    if submission is not None and submission.state is State.DONE:
        known = await people.find(connection, tenant, submission.requester)
        place = desk.personal(known) if known is not None else None
        if known is not None and place is not None:
            return known, place
    team = await known_team(connection, desk, tenant, referral)
    return team[0] if team else None


async def known_team(
    connection: AsyncConnection, desk: Desk, tenant: str, referral: Referral
) -> list[tuple[Known, Place]]:
    """Everybody of the team who has a personal chat with the bot, in the team's order."""
    reached = []
    for member in referral.team[:MOST_MEMBERS]:
        known = await people.find_by_upn(connection, tenant, member.email)
        place = desk.personal(known) if known is not None else None
        if known is not None and place is not None:
            reached.append((known, place))
    return reached
