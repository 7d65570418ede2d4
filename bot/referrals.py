"""Listing and showing deals."""

from __future__ import annotations

from collections.abc import Mapping

from bot import looks
from bot.command import Filter, ListDeals
from bot.desk import Desk, Turn, bearer, fetch, view, views
from bot.finding import MOST_PAGES, not_among_the_first
from bot.replies import Reply
from bot.targets import ranked
from cards.deals import list_card
from cards.referral import deal_card
from cards.wording import Text, words
from partner_center import query
from partner_center.referral import Referral, Status, Substatus

ROWS = 10
"""Deals on one card."""


async def show(desk: Desk, turn: Turn, referral_id: str) -> Reply:
    """One deal as Partner Center holds it now."""
    referral = await fetch(desk, turn, referral_id)
    shown = await view(desk, turn, referral, related=True)
    news = await looks.since(desk, turn, shown)
    card = deal_card(shown, turn.reader, since=news)
    return Reply(card=card, summary=f"#{shown.handle} {referral.name}")


_STATUSES: Mapping[Filter, tuple[Status, Substatus | None]] = {
    Filter.NEW: (Status.NEW, None),
    Filter.ACTIVE: (Status.ACTIVE, None),
    Filter.WON: (Status.CLOSED, Substatus.WON),
    Filter.LOST: (Status.CLOSED, Substatus.LOST),
}
_TITLES: Mapping[Filter, Text] = {
    Filter.ALL: words("Deals you may see"),
    Filter.MINE: words("My deals"),
    Filter.NEW: words("New deals"),
    Filter.ACTIVE: words("Active deals"),
    Filter.WON: words("Won deals"),
    Filter.LOST: words("Lost deals"),
}


async def list_deals(desk: Desk, turn: Turn, wanted: ListDeals) -> Reply:
    """A page of deals, the latest change first. Of what Partner Center lists only the deals that
    are shown are kept while it is read on."""
    token = await bearer(desk, turn)
    rows: list[Referral] = []
    pages, read, fitting, following = 0, 0, 0, None
    first = (wanted.page - 1) * ROWS
    async for page in desk.partner_center.all_pages(
        token, await query_of(desk, turn, wanted.filter), MOST_PAGES
    ):
        fits = [referral for referral in page.referrals if _fits(referral, wanted.text)]
        rows += fits[max(first - fitting, 0) : max(first + ROWS - fitting, 0)]
        pages, read, following = pages + 1, read + len(page.referrals), page.next_link
        fitting += len(fits)
        del page, fits
        if fitting > first + ROWS:
            break
    if wanted.text and not fitting and following is not None and pages == MOST_PAGES:
        return not_among_the_first(f"“{wanted.text}”", read)
    shown = await views(desk, turn, rows)
    title = _TITLES[wanted.filter]
    if wanted.filter is Filter.MINE and not turn.is_personal:
        title = words("Deals of {name}", name=turn.person.name)
    if wanted.text:
        title = words("{title} with “{text}”", title=title, text=wanted.text)
    card = list_card(
        title, shown, wanted.page, fitting > first + ROWS, wanted.filter, wanted.text, turn.reader
    )
    return Reply(card=card, summary=title.plain)


async def query_of(desk: Desk, turn: Turn, chosen: Filter) -> query.Query:
    """What Partner Center is asked for one of the filters."""
    if chosen in _STATUSES:
        status, substatus = _STATUSES[chosen]
        return query.status(status, substatus)
    if chosen is Filter.MINE:
        account = await desk.identity.account(turn.person)
        if account is not None and account.email:
            return query.mine(account.email)
    return query.everything()


def _fits(referral: Referral, text: str) -> bool:
    if referral.is_microsofts:
        return False
    return not text or bool(ranked(text, [referral]))
