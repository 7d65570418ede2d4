"""Tells the feeds that asked for it that a request for approval waits or has ended, once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import structlog

from bot.conversation import PlaceKind
from bot.desk import Desk
from bot.feed_rules import kept_in, tells
from bot.store import approvals, events, feeds, handles, notices, people
from bot.store.approvals import Approval, State
from bot.store.connection import AsyncConnection
from bot.store.events import Event
from bot.store.feeds import Feed, Kind
from bot.store.jsontext import Json
from bot.won_deals import fan_out

_log = structlog.get_logger(__name__)
RECENT = timedelta(days=1)
UNTOLD = State.APPROVED
"""It is carried out at once and then told as done or failed."""


async def tell_approvals(desk: Desk) -> int:
    """Tell what nobody told yet, each request and state in a transaction; how many notices."""
    async with desk.store.each(writes=False) as alone:
        untold = await notices.approvals_untold(alone, desk.now() - RECENT, UNTOLD)
    told = 0
    for approval_id in untold:
        async with desk.store.begin() as connection:
            approval = await approvals.find(connection, approval_id)
            if approval is not None and approval.state is not UNTOLD:
                told += await _tell(connection, desk, approval)
    return told


async def _tell(connection: AsyncConnection, desk: Desk, approval: Approval) -> int:
    now, key = desk.now(), f"{approval.id}:{approval.state.value}"
    known = [approval.referral_id] if approval.referral_id else []
    numbers = await handles.number_of(connection, approval.tenant, known)
    requester = await people.find(connection, approval.tenant, approval.requester)
    facts: dict[str, Json] = {
        "handle": numbers.get(approval.referral_id, 0),
        "happened": approval.updated.isoformat(),
        "approval": approval.state.value,
        "asked_by": requester.person.name if requester else "",
        **_deal(approval.diff),
    }
    event_id = await events.record(
        connection,
        tenant=approval.tenant,
        referral_id=approval.referral_id,
        kind=Kind.APPROVALS.value,
        state_key=key,
        facts=facts,
        now=now,
    )
    if event_id is None:
        return 0
    event = Event(
        event_id, approval.tenant, approval.referral_id, Kind.APPROVALS.value, key, facts, now
    )
    found = []
    for feed in await feeds.of_kind(connection, approval.tenant, Kind.APPROVALS):
        try:
            if tells(Kind.APPROVALS, feed, approval.updated) and _concerns(feed, approval):
                found.append(feed)
        except ValueError as error:
            _log.error("feed cannot be read", feed=feed.id, error=str(error))
    return await fan_out(connection, event, found, now)


def _concerns(feed: Feed, approval: Approval) -> bool:
    """In a personal chat, and with `mine`, only what its owner asked for or may decide."""
    is_theirs = feed.owner == approval.requester or feed.owner in approval.approvers
    personal = feed.place.kind is PlaceKind.PERSONAL
    return is_theirs or not (personal or kept_in(feed).wish.filters.mine)


def _deal(diff: Json) -> dict[str, Json]:
    held = diff if isinstance(diff, Mapping) else {}
    return {name: str(held.get(name) or "")[:255] for name in ("name", "customer")}
