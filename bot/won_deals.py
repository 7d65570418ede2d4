"""Tells every feed what happened to a deal, once: one event row, one outbox row for each feed.

A deal reaches `noticed` freshly read, whether through our own save, a webhook or a poll. Event,
notices and outbox rows are one transaction: after any crash either all of them are there or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot import follow_up
from bot.conversation import Message, Person, Place, PlaceKind
from bot.crash import Point, crash_at
from bot.deal_events import Moment, facts_of, happening, moments
from bot.desk import Desk
from bot.feed_rules import fits, kept_in, on_team, tells
from bot.outbox import written
from bot.store import events, feeds, handles, lives, notices, outbox
from bot.store.connection import AsyncConnection
from bot.store.events import Event
from bot.store.feeds import Feed, Kind
from bot.store.jsontext import Json
from bot.store.notices import Load
from cards.language import speaking
from cards.reader import Reader
from cards.won import CARDS, Audience, Happening, digest_card
from cards.wording import counted, marked, sentence
from partner_center.referral import Referral

_log = structlog.get_logger(__name__)
BURST = 5
"""Notices a feed gets one by one in BURST_WINDOW; what comes then is told in one."""
BURST_WINDOW = timedelta(minutes=10)
REPEATED_FOR = timedelta(days=30)
"""How long after an event a personal feed is told of it when only now its owner's token sees it."""
FEWEST_FOLDED = 2
"""Held notices from which a single message tells of all."""


async def noticed(
    desk: Desk,
    tenant: str,
    referral: Referral,
    microsoft: Referral | None = None,
    *,
    source: str,
    by: Person | None = None,
) -> int:
    """Tell what is new about a deal that was just read; how many notices that promised.

    `source` is `save`, `webhook` or `poll`; `by` is whose token read it, and for a save who did it.
    Calling it again with the same deal promises nothing more. Raises StoreError.
    """
    found = await _untold(desk, tenant, referral, moments(referral, microsoft), by)
    if not found:
        return 0
    crash_at(Point.BEFORE_EVENT)
    promised = 0
    async with desk.store.begin() as connection:
        handle = (await handles.number_of(connection, tenant, [referral.id]))[referral.id]
        for moment in found:
            name = by.name if by is not None and source == "save" else ""
            facts = facts_of(referral, moment, handle, source, name)
            promised += await _tell(connection, desk, tenant, referral, moment, facts, by)
        crash_at(Point.BEFORE_FAN_OUT)
    crash_at(Point.AFTER_FAN_OUT)
    _log.info("deal noticed", referral=referral.id, source=source, notices=promised)
    return promised


async def has_news(
    desk: Desk,
    tenant: str,
    referral: Referral,
    microsoft: Referral | None = None,
    *,
    by: Person | None = None,
) -> bool:
    """Whether a deal, as a list shows it, seems to tell something that was not told."""
    return bool(await _untold(desk, tenant, referral, moments(referral, microsoft), by))


async def _untold(
    desk: Desk,
    tenant: str,
    referral: Referral,
    found: tuple[Moment, ...],
    by: Person | None,
) -> list[Moment]:
    """The moments that are new, or new to the own feeds of the person who may see the deal."""
    if not found:
        return []
    async with desk.store.read() as connection:
        known = {
            (event.kind, event.state_key): event
            for event in await events.of_referral(connection, tenant, referral.id)
        }
        own = await feeds.of_owner(connection, tenant, by.id) if by is not None else []
        mine = [feed for feed in own if _is_personal(feed) and feed.state is feeds.State.ON]
        untold = []
        for moment in found:
            event = known.get((moment.kind.value, moment.state_key))
            if event is None or await _lack(connection, mine, event, referral, moment, by, desk):
                untold.append(moment)
    return untold


async def _lack(
    connection: AsyncConnection,
    mine: list[Feed],
    event: Event,
    referral: Referral,
    moment: Moment,
    by: Person | None,
    desk: Desk,
) -> bool:
    """Whether one of a person's own feeds should know an event and does not."""
    if event.at < desk.now() - REPEATED_FOR:
        return False
    for feed in mine:
        hears = tells(moment.kind, feed, moment.at) and _wanted(feed, referral, by)
        if hears and not await notices.is_told(connection, feed.id, event.id):
            return True
    return False


async def _tell(
    connection: AsyncConnection,
    desk: Desk,
    tenant: str,
    referral: Referral,
    moment: Moment,
    facts: dict[str, Json],
    by: Person | None,
) -> int:
    now = desk.now()
    event_id = await events.record(
        connection,
        tenant=tenant,
        referral_id=referral.id,
        kind=moment.kind.value,
        state_key=moment.state_key,
        facts=facts,
        now=now,
    )
    is_new = event_id is not None
    known = await events.of_referral(connection, tenant, referral.id)
    event = next(
        each for each in known if (each.kind, each.state_key) == (moment.kind, moment.state_key)
    )
    crash_at(Point.AFTER_EVENT)
    if is_new and moment.kind is Kind.REGISTERED:
        await follow_up.owe(connection, desk, event, referral)
    found = []
    for feed in await feeds.of_kind(connection, tenant, moment.kind):
        if not is_new and not (_is_personal(feed) and by is not None and feed.owner == by.id):
            continue
        try:
            if tells(moment.kind, feed, moment.at) and _wanted(feed, referral, by):
                found.append(feed)
        except ValueError as error:
            _log.error("feed cannot be read", feed=feed.id, error=str(error))
    return await fan_out(connection, event, found, now)


def _is_personal(feed: Feed) -> bool:
    return feed.place.kind is PlaceKind.PERSONAL


def _wanted(feed: Feed, referral: Referral, by: Person | None) -> bool:
    """Whether the filters let the deal pass, and the reader of a personal feed may see it: they are
    on its team, or it was read with their own token. Nobody's rights are borrowed."""
    kept = kept_in(feed)
    seen = by is not None and by.id == feed.owner
    if _is_personal(feed) and not seen and not on_team(referral, kept.email):
        return False
    return fits(kept.wish.filters, referral, kept.email)


async def fan_out(
    connection: AsyncConnection, event: Event, found: Sequence[Feed], now: datetime
) -> int:
    """Owe each of these feeds the notice of an event, now or when its quiet or burst is over.

    Each is told once, however often this is done; how many were promised. What the feeds hold is
    read once, and feeds that are read alike share one card.
    """
    loads = await notices.loads(connection, now - BURST_WINDOW)
    repeats = await _may_repeat(connection, [event])
    made: dict[tuple[Audience, Reader], Message] = {}
    promised = 0
    for feed in found:
        until = _held_until(feed, loads.get(feed.id, _NO_LOAD), event, now)
        if not await notices.add(connection, feed.id, event.id, now, held_until=until):
            continue
        if until is None:
            alike = (audience_of(feed), reader_of(feed, now))
            if alike not in made:
                made[alike] = message_of(feed, event, now)
            await _owe(connection, feed, made[alike], f"event:{event.id}", now, repeats)
        promised += 1
        crash_at(Point.IN_FAN_OUT)
    return promised


_NO_LOAD = Load(0, None)


def _held_until(feed: Feed, load: Load, event: Event, now: datetime) -> datetime | None:
    """Until when a notice waits; None: it is told at once, as what expires always is."""
    if event.kind == Kind.EXPIRING:
        return None
    wanted = kept_in(feed).wish.quiet
    quiet = wanted.over_at(now) if wanted is not None else None
    if quiet is not None:
        return quiet
    if load.held_until is not None and load.held_until > now:
        return load.held_until
    return now + BURST_WINDOW if load.recent >= BURST else None


async def tell_held(desk: Desk) -> int:
    """Tell what was held back and is due, each feed in one message; how many messages."""
    now = desk.now()
    async with desk.store.each(writes=False) as alone:
        due = await notices.feeds_due(alone, now)
    told = 0
    for feed_id in due:
        async with desk.store.begin() as connection:
            told += await _tell_held(connection, feed_id, now)
    return told


async def _tell_held(connection: AsyncConnection, feed_id: str, now: datetime) -> int:
    feed = await feeds.find(connection, feed_id)
    if feed is None or feed.state is not feeds.State.ON:
        return 0
    taken = await notices.fold(connection, feed_id, now)
    if not taken:
        return 0
    found = [each for each in [await events.find(connection, one) for one in taken] if each]
    repeats = await _may_repeat(connection, found)
    if len(found) < FEWEST_FOLDED:
        for event in found:
            message = message_of(feed, event, now)
            await _owe(connection, feed, message, f"event:{event.id}", now, repeats)
        return len(found)
    many = [happening(event) for event in found]
    with speaking(feed.locale):
        card = digest_card(many, feed.kind.value, audience_of(feed), reader_of(feed, now))
        summary = counted("{count} change", "{count} changes", len(many)).plain
    message = Message(card=card, summary=summary)
    await _owe(connection, feed, message, f"folded:{found[0].id}", now, repeats)
    return 1


async def _may_repeat(connection: AsyncConnection, found: Sequence[Event]) -> bool:
    """Whether any of it happened while the bot worked on a database that is no more."""
    gap = await lives.gap(connection)
    return gap is not None and any(gap.holds(happening(event).at) for event in found)


async def _owe(
    connection: AsyncConnection,
    feed: Feed,
    message: Message,
    what: str,
    now: datetime,
    repeats: bool,
) -> None:
    await outbox.put(
        connection,
        place_of(feed),
        written(message),
        now,
        key=f"{what}:{feed.id}",
        feed_id=feed.id,
        may_repeat=repeats,
    )


def place_of(feed: Feed) -> Place:
    """Where a feed's notices go: the thread where it was asked for, or the conversation itself."""
    if not feed.flat or feed.place.kind is not PlaceKind.CHANNEL:
        return feed.place
    return replace(feed.place, conversation_id=feed.place.channel)


def audience_of(feed: Feed) -> Audience:
    """Who reads a feed's notices."""
    personal = _is_personal(feed)
    return Audience(hidden=not personal and kept_in(feed).hides, personal=personal)


def reader_of(feed: Feed, now: datetime) -> Reader:
    """How a feed's notices write numbers and times."""
    quiet = kept_in(feed).wish.quiet
    return Reader(feed.locale, quiet.timezone if quiet else None, now)


def message_of(feed: Feed, event: Event, now: datetime) -> Message:
    """The notice of an event as this feed gets it."""
    return card_of(feed, happening(event), now)


def card_of(feed: Feed, what: Happening, now: datetime, *, is_test: bool = False) -> Message:
    """The same for something that may be no more than an example."""
    audience = replace(audience_of(feed), is_test=is_test)
    named = "" if audience.hidden else f" {what.name}"
    with speaking(feed.locale):
        card = CARDS[feed.kind.value](what, audience, reader_of(feed, now))
        summary = f"{sentence(_SUMMARIES[feed.kind])}: #{what.handle}{named}"
    return Message(card=card, summary=summary)


_SUMMARIES = {
    Kind.WON: marked("Deal won"),
    Kind.REGISTERED: marked("Registration"),
    Kind.ACCEPTED: marked("Deal accepted"),
    Kind.EXPIRING: marked("A new deal expires"),
    Kind.APPROVALS: marked("Approval"),
}
