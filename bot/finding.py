"""Finds the one deal a person means, or asks which."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.command import Choice
from bot.desk import Desk, Turn, bearer, views
from bot.questions import ask
from bot.replies import Reply
from bot.store import handles
from bot.targets import Fragment, Handle, ReferralId, Target, named_by, ranked
from bot.words import split
from cards.actions import ListDeals as ListButton
from cards.notice import notice_card
from cards.wording import sentence, words
from partner_center import query
from partner_center.referral import Referral

MOST_PAGES = 10
"""Pages of Partner Center read for one search: 1,000 deals."""
MOST_HITS = 8


async def find(desk: Desk, turn: Turn, target: Target, text: str) -> str | Reply:
    """The id of the deal a person means, or the answer when it is none or not clear.

    `text` is the whole command; a pick-one card says it again with the deal picked.
    """
    match target:
        case ReferralId(id=referral_id):
            return referral_id
        case Handle(number=number):
            async with desk.store.each(writes=False) as connection:
                known = await handles.referral_of(connection, turn.person.tenant, number)
            return known or _no_such_deal(str(target))
        case Fragment(text=fragment):
            return await _search(desk, turn, fragment, text)


async def with_reason(desk: Desk, turn: Turn, said: str) -> tuple[str, str]:
    """Split `northwind budget was cut` into the deal and the reason behind it.

    The longest beginning that fits a deal is the deal; when none does, everything is.
    """
    seen = await _everything(desk, turn)
    parts = said.split()
    length = max((named_by(parts, each) for each in seen.deals), default=0)
    return (" ".join(parts[:length]), " ".join(parts[length:])) if length else (said, "")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a search read. There are more deals when `is_cut`."""

    deals: tuple[Referral, ...]
    read: int
    is_cut: bool


async def _everything(desk: Desk, turn: Turn) -> _Seen:
    """The deals this person may see, as far as a search goes."""
    token = await bearer(desk, turn)
    found: list[Referral] = []
    pages, following = 0, None
    async for page in desk.partner_center.all_pages(token, query.everything(), MOST_PAGES):
        found.extend(page.referrals)
        pages, following = pages + 1, page.next_link
    deals = tuple(each for each in found if not each.is_microsofts)
    return _Seen(deals, len(found), following is not None and pages == MOST_PAGES)


async def _search(desk: Desk, turn: Turn, fragment: str, text: str) -> str | Reply:
    seen = await _everything(desk, turn)
    hits = ranked(fragment, seen.deals)
    if not hits:
        said = str(Fragment(fragment))
        return not_among_the_first(said, seen.read) if seen.is_cut else _no_such_deal(said)
    if len(hits) == 1:
        return hits[0].id
    shown = await views(desk, turn, hits[:MOST_HITS])
    choices = tuple(
        Choice(
            f"#{hit.handle} {hit.referral.name} · {hit.referral.customer}",
            _with_deal(text, fragment, hit.handle),
        )
        for hit in shown
    )
    prompt = sentence("“{said}” fits more than one deal. Which do you mean?", said=fragment)
    return await ask(desk, turn, prompt, choices)


def _with_deal(text: str, fragment: str, handle: int) -> str:
    """The command again, with the deal's number in place of the fragment."""
    said = split(text)
    spaced = r"\s+".join(re.escape(part) for part in fragment.split())
    whole = re.compile(rf"(?<!\w){spaced}(?!\w)", re.IGNORECASE)
    found = whole.search(text, said[0].end) or whole.search(text)
    if found is None:
        return f"{said[0].text} #{handle}"
    before, after = text[: found.start()], text[found.end() :]
    if before[-1:] in "\"'“„«「" and after[:1] in "\"'”“»」":
        before, after = before[:-1], after[1:]
    return f"{before}#{handle}{after}"


def not_among_the_first(said: str, read: int) -> Reply:
    """Nothing fits, but there are more deals than a search reads."""
    card = notice_card(
        words("I did not find that deal"),
        words(
            "I looked at the first {count} deals only, and none of them fits {said}.",
            count=read,
            said=said,
        ),
        words("There are more deals, which I did not look at."),
        words(
            "Say its number, paste its link or ID from Partner Center, or search among fewer "
            "deals: “list active” and part of the name."
        ),
        ((words("My deals"), ListButton()),),
    )
    return Reply(card=card, summary=sentence("I did not find that deal"))


def _no_such_deal(said: str) -> Reply:
    card = notice_card(
        words("I cannot find that deal"),
        words("No deal you may see fits {said}.", said=said),
        "",
        words("Check the number or name, or ask a Referral Admin to add you to its team."),
        ((words("My deals"), ListButton()),),
    )
    return Reply(card=card, summary=sentence("I cannot find that deal"))
