"""New deals that nobody answers: the owner is reminded, later the whole team, until it is too late.

Each rung of the ladder is an event of its own, so it is told once however often it is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.conversation import Message, Person, Place, PlaceKind
from bot.deal_events import Moment, facts_of, happening
from bot.desk import Desk, Turn, fetch, view
from bot.feed_rules import fits, kept_in, on_team
from bot.follow_up import known_team
from bot.outbox import written
from bot.replies import Reply
from bot.store import events, feeds, handles, outbox, snoozes
from bot.store.connection import AsyncConnection
from bot.store.events import Event
from bot.store.feeds import Kind
from bot.store.people import Known
from bot.won_deals import fan_out
from cards.actions import MemberForm, Show
from cards.expiring import hand_over_card
from cards.language import speaking
from cards.notice import notice_card
from cards.reader import Reader
from cards.won import Audience, expiring_card
from cards.wording import Text, sentence, words
from partner_center.client import BACKGROUND, Bearer
from partner_center.query import status
from partner_center.referral import Referral, Status

_log = structlog.get_logger(__name__)
EVERY = timedelta(minutes=30)
MOST_PAGES = 3
SNOOZE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Rung:
    """A moment before the expiry, and whether the whole team is told."""

    name: str
    before: timedelta
    whole_team: bool


LADDER = (
    Rung("4h", timedelta(hours=4), True),
    Rung("1d", timedelta(days=1), True),
    Rung("3d", timedelta(days=3), False),
    Rung("7d", timedelta(days=7), False),
)
LAST = LADDER[0].before


def rung_of(expires: datetime, now: datetime) -> Rung | None:
    """The lowest rung that is reached; None long before and after the expiry. A deal that is seen
    late gets the reminder it is due, not those it missed."""
    left = expires - now
    if left <= timedelta(0):
        return None
    return next((rung for rung in LADDER if left <= rung.before), None)


class Ladder:
    """Looks at the new deals that somebody may see, with their token."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._looked: dict[str, datetime] = {}

    async def look(self, person: Person, token: Bearer) -> None:
        """Tell every rung that was reached. Raises PartnerCenterError, SignInNeeded."""
        now = self._desk.now()
        if now < self._looked.get(person.id, now):
            return
        pages = self._desk.partner_center.all_pages(
            token, status(Status.NEW), MOST_PAGES, budget=BACKGROUND
        )
        async for page in pages:
            for listed in page.referrals:
                await self._consider(person, token, listed)
        self._looked[person.id] = now + EVERY

    async def _consider(self, person: Person, token: Bearer, listed: Referral) -> None:
        if listed.is_microsofts or listed.expires is None or listed.direction == "Outgoing":
            return
        rung = rung_of(listed.expires, self._desk.now())
        if rung is None or await self._is_told(person.tenant, listed, rung):
            return
        fresh = await self._desk.partner_center.get(token, listed.id, budget=BACKGROUND)
        if fresh.status == Status.NEW and fresh.expires == listed.expires:
            await tell(self._desk, person.tenant, fresh, rung)

    async def _is_told(self, tenant: str, referral: Referral, rung: Rung) -> bool:
        async with self._desk.store.read() as connection:
            return await events.is_recorded(
                connection, tenant, referral.id, Kind.EXPIRING, _key(referral, rung)
            )


def _key(referral: Referral, rung: Rung) -> str:
    expires = referral.expires
    return f"{rung.name}:{expires:%Y-%m-%dT%H:%M:%SZ}" if expires else rung.name


async def tell(desk: Desk, tenant: str, referral: Referral, rung: Rung) -> int:
    """Remind once of one rung: the people of the deal and the feeds; how many messages.

    Expiring deals wait neither for quiet hours nor for a burst to end.
    """
    now = desk.now()
    moment = Moment(Kind.EXPIRING, _key(referral, rung), now)
    async with desk.store.begin() as connection:
        handle = (await handles.number_of(connection, tenant, [referral.id]))[referral.id]
        facts = facts_of(referral, moment, handle, "poll")
        event_id = await events.record(
            connection,
            tenant=tenant,
            referral_id=referral.id,
            kind=Kind.EXPIRING.value,
            state_key=moment.state_key,
            facts=facts,
            now=now,
        )
        if event_id is None:
            return 0
        event = Event(
            event_id, tenant, referral.id, Kind.EXPIRING.value, moment.state_key, facts, now
        )
        told = await _tell_people(connection, desk, event, referral, rung)
        return told + await _tell_feeds(connection, event, referral, now)


async def _tell_people(
    connection: AsyncConnection, desk: Desk, event: Event, referral: Referral, rung: Rung
) -> int:
    """The owner is the first of the team who did not hand the deal over."""
    now = desk.now()
    told = 0
    for known, place in await known_team(connection, desk, event.tenant, referral):
        until = await snoozes.until(connection, event.tenant, referral.id, known.person.id, now)
        if until is not None and referral.expires is not None and until >= referral.expires:
            continue
        quiet = until is not None or await _wants_none(connection, known)
        if not quiet:
            await _remind(connection, event, known, place, now)
            told += 1
        if not rung.whole_team:
            break
    return told


async def _wants_none(connection: AsyncConnection, known: Known) -> bool:
    """Whether somebody opted out of, or has a personal feed of, deals that expire."""
    own = await feeds.of_owner(connection, known.person.tenant, known.person.id)
    return any(
        feed.kind is Kind.EXPIRING and feed.conversation == known.personal_conversation
        for feed in own
    )


async def _remind(
    connection: AsyncConnection, event: Event, known: Known, place: Place, now: datetime
) -> None:
    reader = Reader(known.locale or "en-US", None, now)
    what = happening(event)
    with speaking(reader.locale):
        card = expiring_card(what, Audience(personal=True, unasked=True), reader)
        message = Message(card=card, summary=sentence("#{handle} expires soon", handle=what.handle))
    await outbox.put(
        connection, place, written(message), now, key=f"expiring:{event.id}:{known.person.id}"
    )


async def _tell_feeds(
    connection: AsyncConnection, event: Event, referral: Referral, now: datetime
) -> int:
    found = []
    for feed in await feeds.of_kind(connection, event.tenant, Kind.EXPIRING):
        try:
            kept = kept_in(feed)
        except ValueError as error:
            _log.error("feed cannot be read", feed=feed.id, error=str(error))
            continue
        visible = feed.place.kind is not PlaceKind.PERSONAL or on_team(referral, kept.email)
        if visible and fits(kept.wish.filters, referral, kept.email):
            found.append(feed)
    return await fan_out(connection, event, found, now)


async def snooze(desk: Desk, turn: Turn, deal: str) -> Reply:
    """Nothing more of this deal for a day; the last reminder comes all the same."""
    referral = await fetch(desk, turn, deal)
    now, handle = desk.now(), (await view(desk, turn, referral)).handle
    ends = referral.expires
    if referral.status != Status.NEW or ends is None or ends - LAST <= now:
        return _told(
            words("#{handle}: nothing to snooze", handle=handle),
            words("This deal does not wait for an answer, or expires within four hours."),
            deal,
        )
    until = min(now + SNOOZE, ends - LAST)
    async with desk.store.begin() as connection:
        await snoozes.put(connection, turn.person.tenant, deal, turn.person.id, until)
    return _told(
        words("#{handle}: snoozed", handle=handle),
        words("I remind you again after {when}.", when=turn.reader.moment(until)),
        deal,
    )


async def hand_over(desk: Desk, turn: Turn, deal: str, inputs: Mapping[str, str]) -> Reply:
    """First asks to whom; then tells them, and reminds the one who handed over no more."""
    referral = await fetch(desk, turn, deal)
    shown = await view(desk, turn, referral)
    async with desk.store.read() as connection:
        team = await known_team(connection, desk, turn.person.tenant, referral)
    others = [(known, place) for known, place in team if known.person.id != turn.person.id]
    if referral.status != Status.NEW or referral.expires is None:
        title = words("#{handle}: nothing to hand over", handle=shown.handle)
        return _told(title, words("This deal does not wait for an answer any more."), deal)
    if not others:
        return _nobody(shown.handle, deal)
    chosen = next((each for each in others if each[0].person.id == inputs.get("to")), None)
    if chosen is None:
        choices = [(known.person.id, known.person.name) for known, _place in others]
        card = hand_over_card(shown, choices, turn.reader)
        return Reply(card=card, summary=sentence("To whom?"), only_me=True)
    known, place = chosen
    await _hand_over(desk, turn, referral, known, place, shown.handle)
    return _told(
        words("#{handle}: handed over", handle=shown.handle),
        words("{name} was told; I remind you no more.", name=known.person.name),
        deal,
    )


async def _hand_over(
    desk: Desk, turn: Turn, referral: Referral, known: Known, place: Place, handle: int
) -> None:
    now, tenant = desk.now(), turn.person.tenant
    expires = referral.expires or now
    reader = Reader(known.locale or "en-US", None, now)
    moment = Moment(Kind.EXPIRING, "handed over", now)
    facts = facts_of(referral, moment, handle, "save")
    what = happening(Event("", tenant, referral.id, Kind.EXPIRING.value, "", facts, now))
    audience = Audience(personal=True, unasked=True)
    with speaking(reader.locale):
        card = expiring_card(what, audience, reader, handed_by=turn.person.name)
        summary = sentence(
            "#{handle}: {name} hands this deal to you", handle=handle, name=turn.person.name
        )
    message = Message(card=card, summary=summary)
    async with desk.store.begin() as connection:
        await snoozes.put(connection, tenant, referral.id, turn.person.id, expires)
        await snoozes.drop(connection, tenant, referral.id, known.person.id)
        await outbox.put(
            connection,
            place,
            written(message),
            now,
            key=f"handed:{referral.id}:{turn.person.id}:{known.person.id}:{expires:%Y%m%d%H%M}",
        )


def _nobody(handle: int, deal: str) -> Reply:
    card = notice_card(
        words("#{handle}: nobody to hand it to", handle=handle),
        words("Nobody else of this deal's team has talked to me yet."),
        words("Nothing was changed."),
        words("Add somebody to the team, or ask them to say hello to me."),
        ((words("Add to the team"), MemberForm(deal)), (words("Show the deal"), Show(deal))),
    )
    return Reply(card=card, summary=sentence("Nobody to hand it to"), only_me=True)


def _told(title: Text, happened: Text, deal: str) -> Reply:
    card = notice_card(title, happened, actions=((words("Show the deal"), Show(deal)),))
    return Reply(card=card, summary=title.plain)
