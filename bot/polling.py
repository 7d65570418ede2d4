"""Looks for news with the tokens of those who asked for it: bounded, polite, after every outage.

Webhooks may be missed or never registered. So each subscriber's deals are listed now and then, the
latest change first, down to where the last look ended; what seems new is read again and told.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from bot.approval_feed import tell_approvals
from bot.conversation import Message, Person, PlaceKind, SendFailed
from bot.desk import Desk
from bot.expiry import Ladder
from bot.feed_rules import kept_in
from bot.feeds import has_outsiders
from bot.identity import SignInNeeded, SignInUnavailable
from bot.store import feeds, notices, outbox, people, polls
from bot.store.errors import StoreError
from bot.store.feeds import Feed, Kind, State
from bot.store.polls import Poll
from bot.stored_messages import written
from bot.won_deals import has_news, noticed, tell_held
from cards.actions import Feeds, SignIn
from cards.language import speaking
from cards.notice import notice_card
from cards.wording import words
from partner_center import errors
from partner_center.client import BACKGROUND, Bearer
from partner_center.query import everything
from partner_center.referral import Referral

_log = structlog.get_logger(__name__)
EVERY = timedelta(minutes=5)
"""How often a subscriber's deals are looked at."""
LONGEST_WAIT = timedelta(hours=6)
"""However often it fails, it is tried again after this time."""
SIGNED_OUT_WAIT = timedelta(minutes=15)
LEASE = timedelta(minutes=10)
OVERLAP = timedelta(minutes=5)
"""A change may become visible in the list later than its time says."""
MOST_PAGES = 10
MOST_READS = 100
"""Deals read in one look; what is left comes soon after."""
FOLLOWED = timedelta(days=90)
"""How long a registration is followed after it was made."""
JUST_NOW = timedelta(hours=24)
"""A registration of ours that ended within this time and was not told is told."""
RETRY = timedelta(minutes=1)
ROSTERS_EVERY = timedelta(hours=1)
ROSTERS_AT_ONCE = 5
AT_ONCE = 4
NAP = 2.0


class Poller:
    """Looks at whatever is due. `owner` names this process; `tenants` are those it serves."""

    def __init__(self, desk: Desk, owner: str, tenants: tuple[str, ...]) -> None:
        self._desk = desk
        self._owner = owner
        self._tenants = tenants
        self._ladder = Ladder(desk)
        self._rosters_at: datetime | None = None
        self._tried: dict[str, datetime] = {}
        self._unread: list[Feed] = []

    async def run(self) -> None:
        """Look until cancelled; what is told from here does not wait for Partner Center."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._again_and_again(self.poll_due))
            group.create_task(self._again_and_again(self._tell_registered))
            group.create_task(
                self._again_and_again(self._tell_approvals, self._tell_held, self._rosters)
            )

    async def _again_and_again(self, *looks: Callable[[], Awaitable[None]]) -> None:
        while True:
            for look in looks:
                try:
                    await look()
                except StoreError as error:
                    _log.warning("looking for news waits for the store", error=str(error))
                except Exception:
                    _log.exception("looking for news failed", look=getattr(look, "__name__", ""))
            await asyncio.sleep(NAP)

    async def poll_due(self) -> None:
        """One look for each person whose time has come."""
        now = self._desk.now()
        async with self._desk.store.each(writes=False) as alone:
            if not await polls.is_due(alone, now):
                return
        async with self._desk.store.begin() as connection:
            due = await polls.due(connection, now, self._owner, now + LEASE, AT_ONCE)
        await asyncio.gather(*(self._poll_safely(poll) for poll in due))

    async def _poll_safely(self, poll: Poll) -> None:
        """One person's fault keeps nobody else's news back."""
        try:
            await self._poll(poll)
        except StoreError:
            raise
        except Exception as error:
            _log.exception("poll failed", person=poll.person)
            await self._again(
                poll, poll.cursor, wait_after(error, poll.failures), poll.failures + 1
            )

    async def _poll(self, poll: Poll) -> None:
        person, since = await self._reason(poll)
        if person is None or since is None:
            async with self._desk.store.begin() as connection:
                await polls.drop(connection, poll.tenant, poll.person)
            return
        cursor = datetime.fromisoformat(poll.cursor) if poll.cursor else since
        try:
            token = await self._desk.identity.bearer(person)
            reached, is_all = await self._look(person, token, cursor)
            await self._ladder.look(person, token)
        except SignInNeeded:
            await self._ask_to_sign_in(poll)
            await self._again(poll, poll.cursor, SIGNED_OUT_WAIT, poll.failures)
        except (errors.PartnerCenterError, SignInUnavailable) as error:
            wait = wait_after(error, poll.failures)
            _log.warning("poll failed", person=poll.person, error=str(error), wait=str(wait))
            await self._again(poll, poll.cursor, wait, poll.failures + 1)
        else:
            await self._again(poll, reached.isoformat(), EVERY if is_all else EVERY / 10, 0)

    async def _again(self, poll: Poll, cursor: str | None, wait: timedelta, failures: int) -> None:
        now = self._desk.now()
        spread = wait * random.uniform(1.0, 1.2)  # noqa: S311 - so that not all look at once
        async with self._desk.store.begin() as connection:
            await polls.save(
                connection,
                poll,
                last_polled=poll.last_polled if failures else now,
                next_poll=now + spread,
                cursor=cursor,
                failures=failures,
            )

    async def _ask_to_sign_in(self, poll: Poll) -> None:
        """Say once, in the personal chat, that nothing can be seen with this person's token."""
        async with self._desk.store.begin() as connection:
            known = await people.find(connection, poll.tenant, poll.person)
            place = self._desk.personal(known) if known is not None else None
            if known is not None and place is not None:
                with speaking(known.locale):
                    message = written(_sign_in())
                seen = poll.last_polled.isoformat() if poll.last_polled else "never"
                await outbox.put(
                    connection,
                    place,
                    message,
                    self._desk.now(),
                    key=f"poll:{poll.tenant}:{poll.person}:{seen}",
                )

    async def _reason(self, poll: Poll) -> tuple[Person | None, datetime | None]:
        """Who it is, and since when they want to know; None when nobody wants it any more."""
        async with self._desk.store.read() as connection:
            known = await people.find(connection, poll.tenant, poll.person)
            own = await feeds.of_owner(connection, poll.tenant, poll.person)
            since = self._desk.now() - FOLLOWED
            first = await notices.first_registered(connection, poll.tenant, poll.person, since)
        wanted = [
            kept_in(feed).since
            for feed in own
            if feed.kind is not Kind.APPROVALS and feed.state is State.ON
        ]
        wanted += [first] if first is not None else []
        return (known.person if known else None), min(wanted, default=None)

    async def _look(self, person: Person, token: Bearer, cursor: datetime) -> tuple[datetime, bool]:
        """Tell what changed since `cursor`, oldest first; how far it came, and if to the end."""
        changed = await self._changed(token, cursor - OVERLAP)
        reached, reads = cursor, 0
        for listed in reversed(changed):
            if reads >= MOST_READS:
                return reached, False
            reads += await self._consider(person, token, listed)
            reached = max(reached, listed.updated or reached)
        return reached, True

    async def _changed(self, token: Bearer, since: datetime) -> list[Referral]:
        """What was changed since then, the latest first, within the bounds."""
        found: list[Referral] = []
        pages = self._desk.partner_center.all_pages(
            token, everything(), MOST_PAGES, budget=BACKGROUND
        )
        async for page in pages:
            for referral in page.referrals:
                if referral.updated is not None and referral.updated < since:
                    return found
                found.append(referral)
        return found

    async def _consider(self, person: Person, token: Bearer, listed: Referral) -> bool:
        """Read a deal again and tell it, when its entry in the list seems to tell something."""
        try:
            if listed.is_microsofts:
                return await self._consider_microsofts(person, token, listed)
            if not _may_hide_news(listed) and not await has_news(
                self._desk, person.tenant, listed, by=person
            ):
                return False
            fresh = await self._desk.partner_center.get(token, listed.id, budget=BACKGROUND)
        except (errors.NotFound, errors.Forbidden):
            return True
        await noticed(self._desk, person.tenant, fresh, source="poll", by=person)
        return True

    async def _consider_microsofts(
        self, person: Person, token: Bearer, microsoft: Referral
    ) -> bool:
        """Microsoft's record of a co-sell deal changed: it may have accepted ours."""
        if microsoft.substatus != "Accepted":
            return False
        center = self._desk.partner_center
        others = await center.related(token, microsoft.engagement_id, budget=BACKGROUND)
        own = next((each for each in others if not each.is_microsofts), None)
        if own is not None and await has_news(self._desk, person.tenant, own, microsoft, by=person):
            fresh = await center.get(token, own.id, budget=BACKGROUND)
            await noticed(self._desk, person.tenant, fresh, microsoft, source="poll", by=person)
        return True

    async def _tell_registered(self) -> None:
        """What was registered through Dealdesk is told at once, not at the next look."""
        now = self._desk.now()
        async with self._desk.store.each(writes=False) as connection:
            untold = await notices.registered_untold(connection, now - JUST_NOW)
        waits = {referral_id for _tenant, referral_id, _requester in untold}
        self._tried = {each: at for each, at in self._tried.items() if each in waits}
        for tenant, referral_id, requester in untold:
            if now >= self._tried.get(referral_id, now):
                self._tried[referral_id] = now + RETRY
                await self._tell_one(tenant, referral_id, requester)

    async def _tell_one(self, tenant: str, referral_id: str, requester: str) -> None:
        async with self._desk.store.begin() as connection:
            known = await people.find(connection, tenant, requester)
            await polls.follow(connection, tenant, requester, self._desk.now())
        if known is None:
            return
        try:
            token = await self._desk.identity.bearer(known.person)
            fresh = await self._desk.partner_center.get(token, referral_id)
            await noticed(self._desk, tenant, fresh, source="save", by=known.person)
        except (SignInNeeded, SignInUnavailable, errors.PartnerCenterError) as error:
            _log.info("registration not told yet", referral=referral_id, error=str(error))

    async def _tell_approvals(self) -> None:
        await tell_approvals(self._desk)

    async def _tell_held(self) -> None:
        await tell_held(self._desk)

    async def _rosters(self) -> None:
        """Look who reads along in subscribed channels, so that a new guest sees no names; a few at
        a time, because Teams counts it."""
        now = self._desk.now()
        if self._rosters_at is None or now >= self._rosters_at + ROSTERS_EVERY:
            self._rosters_at = now
            self._unread = await self._shared_feeds()
        for feed in [self._unread.pop() for _ in self._unread[:ROSTERS_AT_ONCE]]:
            await self._roster(feed)

    async def _shared_feeds(self) -> list[Feed]:
        async with self._desk.store.read() as connection:
            return [
                feed
                for tenant in self._tenants
                for kind in Kind
                for feed in await feeds.of_kind(connection, tenant, kind)
                if feed.place.kind is not PlaceKind.PERSONAL
            ]

    async def _roster(self, feed: Feed) -> None:
        try:
            outsiders = has_outsiders(await self._desk.sender.roster(feed.place))
        except SendFailed as error:
            _log.info("roster not read", feed=feed.id, error=str(error))
            return
        kept = kept_in(feed)
        if outsiders == kept.outsiders:
            return
        async with self._desk.store.begin() as connection:
            await feeds.edit(
                connection,
                feed,
                self._desk.now(),
                filters={**kept.to_json(), "outsiders": outsiders},
                flat=feed.flat,
                quiet=feed.quiet,
            )


_TITLE = words("I cannot look for news for you")


def _sign_in() -> Message:
    return Message(
        card=notice_card(
            _TITLE,
            words("Your subscriptions look at deals with your sign-in, and it has ended."),
            words("What is done through Dealdesk is still told."),
            words("Sign in, or say “subscriptions” to end them."),
            ((words("Sign in"), SignIn()), (words("Subscriptions"), Feeds())),
        ),
        summary=_TITLE.plain,
    )


def _may_hide_news(listed: Referral) -> bool:
    """An entry of a list that leaves out the registrations it says there are."""
    return not listed.registrations and listed.registration_status not in ("", "None")


def wait_after(error: Exception, failures: int) -> timedelta:
    """How long to leave Partner Center alone: what it asks for, else doubling, bounded."""
    wait = min(LONGEST_WAIT, EVERY * (1 << min(failures, 10)))
    asked = error.retry_after if isinstance(error, errors.Throttled) else None
    return max(wait, timedelta(seconds=asked or 0))
