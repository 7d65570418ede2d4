"""Switches feeds off where Teams no longer takes messages, and tells the people who made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby

import structlog

from bot.conversation import Message, Place, PlaceKind, Sender, SendFailed, SendFailure
from bot.store import feeds, notices, outbox, people
from bot.store.connection import AsyncConnection
from bot.store.engine import Store
from bot.store.feeds import Feed, Kind, State
from bot.store.outbox import Op, Owed
from bot.stored_messages import written
from cards.language import speaking
from cards.notice import notice_card
from cards.wording import Text, marked, words

_log = structlog.get_logger(__name__)
_LOOK = words("Look there, or say “list” to see the deals.")
REASON = marked("Teams no longer takes messages here.")
_PLACES: Mapping[PlaceKind, Text] = {
    PlaceKind.CHANNEL: words("a channel"),
    PlaceKind.GROUP: words("a group chat"),
    PlaceKind.PERSONAL: words("a personal chat"),
}
_KINDS: Mapping[Kind, Text] = {
    Kind.WON: words("won deals"),
    Kind.REGISTERED: words("registrations"),
    Kind.ACCEPTED: words("accepted deals"),
    Kind.EXPIRING: words("new deals that expire"),
    Kind.APPROVALS: words("approvals"),
}


async def close(
    store: Store, sender: Sender, owed: Owed, failure: SendFailure, now: datetime, error: str
) -> None:
    """Gives a feed's message up and switches the feed off.

    A bot that may not write there (403) may write none of the conversation's feeds, so all of
    them go off. Each owner gets one note in their personal chat, unless that is what is closed.
    """
    async with store.read() as connection:
        closing = await _closing(connection, owed, failure)
    homes = {feed.owner: await _home(store, sender, owed, feed) for feed in closing}
    async with store.begin() as connection:
        if not await outbox.mark_failed(connection, owed, error):
            return
        closed = [
            feed
            for feed in closing
            if await feeds.set_state(connection, feed, State.OFF, now, reason=REASON)
        ]
        for feed in closed:
            await outbox.drop_of_feed(connection, feed.id, "the feed is off")
            await notices.forget(connection, feed.id)
        for owner, theirs in groupby(sorted(closed, key=_owner), key=_owner):
            if (home := homes[owner]) is not None:
                closed_feeds = list(theirs)
                with speaking(closed_feeds[0].locale):
                    message = written(_off(owed.place, closed_feeds))
                key = f"feed-off:{owed.id}:{owner}"
                await outbox.put(connection, home, message, now, key=key)


async def give_up(
    store: Store, sender: Sender, owed: Owed, now: datetime, error: str, *, in_doubt: bool
) -> None:
    """Gives a message up; when it was a new one for a feed, the feed's owner is told.

    `in_doubt` says that it may have arrived all the same.
    """
    told_of = owed.feed_id if owed.op is Op.SEND else None
    async with store.read() as connection:
        feed = await feeds.find(connection, told_of or "")
    home = None if feed is None else await _home(store, sender, owed, feed)
    async with store.begin() as connection:
        given_up = await outbox.mark_failed(connection, owed, error)
        if given_up and feed is not None and home is not None:
            with speaking(feed.locale):
                message = written((_missing if in_doubt else _lost)(owed.place, feed))
            await outbox.put(connection, home, message, now, key=f"feed-lost:{owed.id}")


async def _closing(connection: AsyncConnection, owed: Owed, failure: SendFailure) -> list[Feed]:
    if failure is SendFailure.FORBIDDEN:
        place = owed.place
        found = await feeds.of_conversation(connection, place.tenant, place.channel)
    else:
        feed = await feeds.find(connection, owed.feed_id or "")
        found = [] if feed is None else [feed]
    return [feed for feed in found if feed.state is not State.OFF]


async def _home(store: Store, sender: Sender, owed: Owed, feed: Feed) -> Place | None:
    """The owner's personal chat; None when there is none or it is the one that fails."""
    async with store.read() as connection:
        known = await people.find(connection, feed.tenant, feed.owner)
    if known is None:
        return None
    home = known.personal(owed.place.bot_id)
    if home is None:
        try:
            home = await sender.open_personal(feed.tenant, known.person.teams_id, known.service_url)
        except SendFailed as error:
            _log.warning("owner of a feed not reached", feed=feed.id, error=str(error))
            return None
    return None if home.channel == owed.place.channel else home


def _owner(feed: Feed) -> str:
    return feed.owner


def _off(place: Place, closed: Sequence[Feed]) -> Message:
    title = words("A subscription was switched off")
    card = notice_card(
        title,
        words(
            "Teams no longer lets me write in {place} where you subscribed to {what}.",
            place=_PLACES[place.kind],
            what=_what(closed),
        ),
        words("Nothing more is sent there. Deals are not touched by this."),
        words("To have it again, add me there once more and subscribe there again."),
    )
    return Message(card=card, summary=title.plain)


def _missing(place: Place, feed: Feed) -> Message:
    title = words("A notice may be missing")
    card = notice_card(
        title,
        words(
            "Teams twice did not confirm a notice of {what} in {place} where you subscribed.",
            what=_what([feed]),
            place=_PLACES[place.kind],
        ),
        words("I do not send it a third time, as it may be there already."),
        _LOOK,
    )
    return Message(card=card, summary=title.plain)


def _lost(place: Place, feed: Feed) -> Message:
    title = words("A notice could not be sent")
    card = notice_card(
        title,
        words(
            "Teams did not take a notice of {what} in {place} where you subscribed.",
            what=_what([feed]),
            place=_PLACES[place.kind],
        ),
        words("It is not there; the next ones are sent as usual."),
        _LOOK,
    )
    return Message(card=card, summary=title.plain)


def _what(closed: Sequence[Feed]) -> Text:
    named = list(dict.fromkeys(_KINDS[feed.kind] for feed in closed))
    said = named[0]
    for other in named[1:]:
        said = words("{these}, {other}", these=said, other=other)
    return said
