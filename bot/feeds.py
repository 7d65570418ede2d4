"""Subscriptions: what a conversation or a person is told, and who may change that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog

from bot import expiry
from bot.command import NotifyMe, Subscribe, Subscriptions, Unsubscribe
from bot.conversation import Person, Place, PlaceKind, Seat, SendFailed
from bot.desk import Desk, Turn, bearer, view
from bot.feed_lines import BadFilter, read_fields
from bot.feed_rules import Kept, Wish, kept_in, quiet_of, restarted
from bot.outbox import written
from bot.policy import TeamRole, approvers_among
from bot.proposals import not_valid
from bot.replies import Reply, Where
from bot.store import audit, feeds, notices, outbox, people, polls
from bot.store.connection import AsyncConnection
from bot.store.feeds import Feed, Kind, State
from bot.store.jsontext import Json
from bot.team_roles import holds_now
from bot.won_deals import card_of, place_of
from cards import actions
from cards.feeds import FeedView, ended_card, feed_card, feed_form_card, feeds_card
from cards.notice import notice_card
from cards.referral import deal_card
from cards.won import Happening
from cards.wording import Text, sentence, words
from partner_center.query import Query

_log = structlog.get_logger(__name__)
EVERYONE, APPROVERS, OWNERS = "everyone", "approvers", "owners"


@dataclass(frozen=True, slots=True)
class Permits:
    """Who may subscribe a channel or group chat (DEALDESK_SUBSCRIBERS), and who is an approver:
    Entra object ids, sign-in names and roles in the team."""

    subscribers: str = EVERYONE
    approvers: tuple[str, ...] = ()


class Feeds:
    """The commands and buttons of subscriptions."""

    def __init__(self, desk: Desk, permits: Permits) -> None:
        self._desk = desk
        self._permits = permits

    async def say(
        self, turn: Turn, command: Subscribe | NotifyMe | Subscriptions | Unsubscribe
    ) -> Reply:
        """The answer to one of the four commands."""
        match command:
            case Subscribe(kind=kind, wish=wish):
                return await self.subscribe(turn, kind, wish)
            case NotifyMe(kind=kind, wish=wish):
                return await self.notify_me(turn, kind, wish)
            case Subscriptions():
                return await self.listed(turn)
            case Unsubscribe(kind=kind):
                return await self.unsubscribe(turn, kind)

    async def press(
        self, turn: Turn, action: actions.Action, inputs: Mapping[str, str]
    ) -> Reply | None:
        """The answer to a button of a subscription; None when it is not one."""
        match action:
            case actions.Feeds():
                return await self.listed(turn)
            case actions.OpenPersonally(deal=deal):
                return await open_personally(self._desk, turn, deal)
            case actions.Snooze(deal=deal):
                return await expiry.snooze(self._desk, turn, deal)
            case actions.HandOver(deal=deal):
                return await expiry.hand_over(self._desk, turn, deal, inputs)
            case actions.EditFeed(feed=feed_id):
                return await self._with(turn, feed_id, lambda feed: self._edit(turn, feed, inputs))
            case _:
                work = self._works().get(type(action))
                if work is None:
                    return None
                feed_id = getattr(action, "feed", "")
                return await self._with(turn, feed_id, lambda feed: work(turn, feed))

    def _works(self) -> Mapping[type, Callable[[Turn, Feed], Awaitable[Reply]]]:
        return {
            actions.OpenFeed: self._open,
            actions.PauseFeed: self._pause,
            actions.ResumeFeed: self._resume,
            actions.TestFeed: self._test,
            actions.DeleteFeed: self._delete,
            actions.EditFeedForm: self._form,
        }

    async def subscribe(self, turn: Turn, kind: Kind, wish: Wish) -> Reply:
        """`subscribe`: this conversation is told from now on."""
        if turn.is_personal:
            return await self.notify_me(turn, kind, wish)
        refused = await self.refused(turn)
        if refused is not None:
            return refused
        feed, title = await self._keep(turn, turn.place, kind, wish)
        return self._shown(turn, feed, title)

    async def notify_me(self, turn: Turn, kind: Kind, wish: Wish) -> Reply:
        """`notify me`: the person is told in their personal chat from now on."""
        place = turn.place
        if not turn.is_personal:
            place = await personal_of(self._desk, turn.person, turn.place)
        feed, title = await self._keep(turn, place, kind, wish)
        if turn.is_personal:
            return self._shown(turn, feed, title)
        return Reply(
            text=sentence("I will tell you in our personal chat. Say “subscriptions” there to see.")
        )

    async def listed(self, turn: Turn) -> Reply:
        """`subscriptions`: all of this conversation; a single one is opened at once."""
        found = await self._of_here(turn)
        if len(found) == 1:
            return self._shown(turn, found[0], None)
        names = await self._names(found)
        views = [view_of(feed, names.get(feed.owner, "")) for feed in found]
        return Reply(card=feeds_card(views, turn.reader), summary=sentence("Subscriptions"))

    async def unsubscribe(self, turn: Turn, kind: Kind | None) -> Reply:
        """`unsubscribe`: what this conversation is told ends, all of it or one kind."""
        found = [feed for feed in await self._of_here(turn) if kind in (None, feed.kind)]
        for feed in found:
            refused = await self.refused(turn, feed)
            if refused is not None:
                return refused
        for feed in found:
            await self._end(turn, feed)
        if turn.is_personal and kind is Kind.EXPIRING and not found:
            await self._opt_out(turn)
            return Reply(card=ended_card(1), summary=sentence("Unsubscribed"))
        return Reply(card=ended_card(len(found)), summary=sentence("Unsubscribed"))

    async def _opt_out(self, turn: Turn) -> None:
        """A paused feed of one's own says that reminders nobody asked for are not wanted."""
        now = self._desk.now()
        async with self._desk.store.begin() as connection:
            feed_id = await feeds.create(
                connection,
                place=turn.place,
                owner=turn.person.id,
                kind=Kind.EXPIRING,
                filters=Kept(Wish(), now, outsiders=False).to_json(),
                flat=True,
                quiet=None,
                locale=turn.reader.locale,
                now=now,
            )
            feed = await feeds.find(connection, feed_id)
            if feed is not None:
                await feeds.set_state(connection, feed, State.PAUSED, now)
            await self._note(connection, turn, feed_id, "opted out")

    async def _keep(self, turn: Turn, place: Place, kind: Kind, wish: Wish) -> tuple[Feed, Text]:
        """Store the wish: one feed of a kind in a conversation, whose wish the newest replaces.

        Whoever subscribes has to be allowed to see deals at all. Raises PartnerCenterError.
        """
        desk = self._desk
        await self._sees_deals(turn)
        account = await desk.identity.account(turn.person)
        wish = _with_zone(wish, turn.reader.timezone)
        now = desk.now()
        kept = Kept(wish, now, await self._has_outsiders(place), account.email if account else None)
        async with desk.store.begin() as connection:
            found = await feeds.of_conversation(connection, place.tenant, place.channel)
            former = next((feed for feed in found if feed.kind is kind), None)
            feed_id = await _stored(connection, former, turn, place, kind, kept, now)
            await polls.follow(connection, turn.person.tenant, turn.person.id, now)
            await self._note(connection, turn, feed_id, "subscribed")
            stored = await feeds.find(connection, feed_id)
        if stored is None:
            raise LookupError("the feed that was just stored is gone")
        return stored, words("Subscription changed") if former else words("Subscribed")

    async def _open(self, turn: Turn, feed: Feed) -> Reply:
        return self._shown(turn, feed, None)

    async def _form(self, turn: Turn, feed: Feed) -> Reply:
        card = feed_form_card(view_of(feed, ""))
        return Reply(card=card, summary=sentence("Edit the subscription"), only_me=True)

    async def _pause(self, turn: Turn, feed: Feed) -> Reply:
        return await self._switch(turn, feed, State.PAUSED, words("Paused"))

    async def _resume(self, turn: Turn, feed: Feed) -> Reply:
        return await self._switch(turn, feed, State.ON, words("Resumed"))

    async def _switch(self, turn: Turn, feed: Feed, to: State, title: Text) -> Reply:
        """On or off; what happened in a pause is not told afterwards."""
        now = self._desk.now()
        async with self._desk.store.begin() as connection:
            if to is State.ON:
                kept = restarted(kept_in(feed), now)
                await self._write(connection, feed, kept)
                feed = await feeds.find(connection, feed.id) or feed
                await polls.follow(connection, feed.tenant, feed.owner, now)
            await feeds.set_state(connection, feed, to, now)
            await self._note(connection, turn, feed.id, to.value)
            feed = await feeds.find(connection, feed.id) or feed
        return self._shown(turn, feed, title)

    async def _write(self, connection: AsyncConnection, feed: Feed, kept: Kept) -> bool:
        return await feeds.edit(
            connection,
            feed,
            self._desk.now(),
            filters=kept.to_json(),
            flat=kept.wish.flat,
            quiet=_quiet(kept.wish),
        )

    async def _test(self, turn: Turn, feed: Feed) -> Reply:
        """An example, owed as any notice is, so that it goes the same way."""
        now = self._desk.now()
        async with self._desk.store.begin() as connection:
            await outbox.put(
                connection,
                place_of(feed),
                written(card_of(feed, _example(now), now, is_test=True)),
                now,
                key=f"test:{feed.id}:{self._desk.new_id()}",
                feed_id=feed.id,
            )
        return self._shown(turn, feed, words("A test is on its way"))

    async def _delete(self, turn: Turn, feed: Feed) -> Reply:
        await self._end(turn, feed)
        return Reply(card=ended_card(1), summary=sentence("Unsubscribed"))

    async def _end(self, turn: Turn, feed: Feed) -> None:
        """One's own feed of deals that expire is only paused: without one, one is reminded."""
        async with self._desk.store.begin() as connection:
            if feed.kind is Kind.EXPIRING and feed.place.kind is PlaceKind.PERSONAL:
                await feeds.set_state(connection, feed, State.PAUSED, self._desk.now())
            else:
                await feeds.delete(connection, feed.id)
            await notices.forget(connection, feed.id)
            await self._note(connection, turn, feed.id, "unsubscribed")

    async def _edit(self, turn: Turn, feed: Feed, inputs: Mapping[str, str]) -> Reply:
        try:
            wish = _with_zone(read_fields(inputs), turn.reader.timezone)
        except BadFilter as error:
            problem = words("{why} {instead}", why=error.why, instead=error.instead)
            card = feed_form_card(view_of(feed, ""), given=inputs, problem=problem)
            return Reply(card=card, summary=error.why, only_me=True)
        kept = replace(restarted(kept_in(feed), self._desk.now()), wish=wish)
        async with self._desk.store.begin() as connection:
            saved = await self._write(connection, feed, kept)
            if saved:
                await _let_go(connection, feed, wish, self._desk.now())
            await self._note(connection, turn, feed.id, "edited" if saved else "edit lost")
            feed = await feeds.find(connection, feed.id) or feed
        return self._shown(turn, feed, words("Saved") if saved else words("Changed meanwhile"))

    async def _with(
        self, turn: Turn, feed_id: str, work: Callable[[Feed], Awaitable[Reply]]
    ) -> Reply:
        """The feed of a button, when it is of this conversation and this person may change it."""
        async with self._desk.store.read() as connection:
            feed = await feeds.find(connection, feed_id)
        if feed is None or feed.tenant != turn.person.tenant:
            return not_valid()
        if feed.conversation != turn.place.channel:
            _log.warning("feed pressed elsewhere", feed=feed_id, person=turn.person.id)
            return not_valid()
        return await self.refused(turn, feed) or await work(feed)

    async def refused(self, turn: Turn, feed: Feed | None = None) -> Reply | None:
        """None when this person may subscribe here, or change this feed; else why not.

        Raises PartnerCenterError and SignInNeeded when somebody else's feed is touched by a person
        who may not see deals.
        """
        person = turn.person
        if turn.is_personal or (feed is not None and feed.owner == person.id):
            return None
        if self._permits.subscribers == EVERYONE:
            if feed is not None:
                await self._sees_deals(turn)
            return None
        if await self._is_approver(person):
            return None
        if await holds_now(self._desk, turn.place, person.id, self._roles()):
            return None
        who = _WHO[self._permits.subscribers]
        card = notice_card(
            words("You may not change what is told here"),
            words(
                "Here only {who} may subscribe, and they and the subscriber may change it.", who=who
            ),
            words("Nothing was changed."),
            words("Ask one of them, or say “notify me won” to be told yourself."),
        )
        return Reply(
            card=card, summary=sentence("You may not change what is told here"), only_me=True
        )

    async def _sees_deals(self, turn: Turn) -> None:
        """Raises PartnerCenterError for somebody without a role in Partner Center."""
        token = await bearer(self._desk, turn)
        await self._desk.partner_center.list(token, Query(top=1))

    async def _is_approver(self, person: Person) -> bool:
        named, _roles = approvers_among(self._permits.approvers)
        if person.id in named:
            return True
        async with self._desk.store.read() as connection:
            known = await people.find(connection, person.tenant, person.id)
        return known is not None and bool(known.upn) and str(known.upn).lower() in named

    def _roles(self) -> frozenset[TeamRole]:
        """The roles in a team with which somebody may subscribe: the owners', and approvers'."""
        _people, roles = approvers_among(self._permits.approvers)
        return roles | {TeamRole.OWNERS} if self._permits.subscribers == OWNERS else roles

    async def _roster(self, place: Place) -> list[Seat]:
        try:
            return await self._desk.sender.roster(place)
        except SendFailed as error:
            _log.warning("roster not read", conversation=place.channel, error=str(error))
            return []

    async def _has_outsiders(self, place: Place) -> bool:
        return place.kind is not PlaceKind.PERSONAL and has_outsiders(await self._roster(place))

    async def _of_here(self, turn: Turn) -> list[Feed]:
        async with self._desk.store.read() as connection:
            return await feeds.of_conversation(connection, turn.person.tenant, turn.place.channel)

    async def _names(self, found: Sequence[Feed]) -> Mapping[str, str]:
        async with self._desk.store.read() as connection:
            known = [await people.find(connection, feed.tenant, feed.owner) for feed in found]
        return {each.person.id: each.person.name for each in known if each is not None}

    async def _note(
        self, connection: AsyncConnection, turn: Turn, feed_id: str, outcome: str
    ) -> None:
        await audit.record(
            connection,
            audit.Entry(
                at=self._desk.now(),
                tenant=turn.person.tenant,
                person=turn.person.id,
                kind="feed",
                outcome=outcome,
                detail={"feed": feed_id, "conversation": turn.place.channel},
            ),
        )

    def _shown(self, turn: Turn, feed: Feed, title: Text | None) -> Reply:
        owner = turn.person.name if feed.owner == turn.person.id else ""
        card = feed_card(view_of(feed, owner), turn.reader, title=title)
        return Reply(card=card, summary=title.plain if title else sentence("Subscription"))


_WHO = {
    APPROVERS: words("approvers"),
    OWNERS: words("owners of the team and approvers"),
}


def has_outsiders(roster: Sequence[Seat]) -> bool:
    """Whether guests or other organisations read along; a roster that cannot be read says yes."""
    return not roster or any(seat.is_outsider for seat in roster)


async def personal_of(desk: Desk, person: Person, place: Place) -> Place:
    """The personal chat of a person met in `place`, opened if need be. Raises SendFailed."""
    async with desk.store.read() as connection:
        known = await people.find(connection, person.tenant, person.id)
    found = desk.personal(known) if known is not None else None
    if found is not None:
        return found
    opened = await desk.sender.open_personal(person.tenant, person.teams_id, place.service_url)
    async with desk.store.begin() as connection:
        await people.remember(
            connection,
            person,
            place.service_url,
            desk.now(),
            personal_conversation=opened.conversation_id,
        )
    return opened


async def open_personally(desk: Desk, turn: Turn, deal: str) -> Reply:
    """The deal's card in the personal chat of who pressed, read with their own token."""
    token = await bearer(desk, turn)
    referral = await desk.partner_center.get(token, deal)
    shown = await view(desk, turn, referral, related=True)
    reply = Reply(card=deal_card(shown, turn.reader), summary=f"#{shown.handle} {referral.name}")
    if turn.is_personal:
        return replace(reply, where=Where.NEW)
    place = await personal_of(desk, turn.person, turn.place)
    await desk.sender.send(place, reply.message())
    return Reply(
        text=sentence("#{handle} is in our personal chat now.", handle=shown.handle),
        where=Where.NEW,
        only_me=True,
    )


def view_of(feed: Feed, owner: str) -> FeedView:
    """A feed as its card shows it."""
    kept = kept_in(feed)
    filters, quiet = kept.wish.filters, kept.wish.quiet
    return FeedView(
        id=feed.id,
        kind=feed.kind.value,
        state=feed.state.value,
        reason=sentence(feed.reason) if feed.reason else None,
        owner=owner,
        above=filters.above.value if filters.above else None,
        currency=filters.above.currency if filters.above else None,
        countries=filters.countries,
        solution=filters.solution,
        mine=filters.mine,
        names=filters.names,
        outsiders=kept.outsiders,
        flat=feed.flat,
        quiet=(quiet.start, quiet.end) if quiet else None,
        zone=quiet.timezone if quiet else None,
        personal=feed.place.kind is PlaceKind.PERSONAL,
        in_channel=feed.place.kind is PlaceKind.CHANNEL,
    )


def _quiet(wish: Wish) -> Json:
    return wish.quiet.to_json() if wish.quiet is not None else None


async def _stored(
    connection: AsyncConnection,
    former: Feed | None,
    turn: Turn,
    place: Place,
    kind: Kind,
    kept: Kept,
    now: datetime,
) -> str:
    """The id of the feed with this wish: the former one, which keeps what it holds back and knows
    what it was told, or a new one."""
    columns: dict[str, Any] = {
        "place": place,
        "owner": turn.person.id,
        "filters": kept.to_json(),
        "flat": kept.wish.flat,
        "quiet": _quiet(kept.wish),
        "locale": turn.reader.locale,
    }
    if former is not None:
        if await feeds.renew(connection, former, now, **columns):
            await _let_go(connection, former, kept.wish, now)
            return former.id
        await feeds.delete(connection, former.id)
    return await feeds.create(connection, kind=kind, now=now, **columns)


async def _let_go(connection: AsyncConnection, former: Feed, wish: Wish, now: datetime) -> None:
    """What was held back for quiet hours that no longer are now is told now."""
    was = quiet_of(former.quiet)
    was_quiet = was is not None and was.over_at(now) is not None
    is_quiet = wish.quiet is not None and wish.quiet.over_at(now) is not None
    if was_quiet and not is_quiet:
        await notices.release(connection, former.id, now)


def _with_zone(wish: Wish, zone: str | None) -> Wish:
    """Quiet hours are those of where the person sits who says them."""
    return wish if wish.quiet is None else replace(wish, quiet=replace(wish.quiet, timezone=zone))


def _example(now: datetime) -> Happening:
    return Happening(
        deal="00000000-0000-4000-8000-000000000000",
        handle=0,
        at=now,
        name=sentence("Example deal"),
        customer=sentence("Example customer"),
        country="US",
        value=Decimal(100000),
        currency="USD",
        owner=sentence("Example seller"),
        accepted=now - timedelta(days=30),
        expires=now + timedelta(days=3),
        is_cosell=True,
        registration="None",
        approval="waiting",
        asked_by=sentence("Example seller"),
    )
