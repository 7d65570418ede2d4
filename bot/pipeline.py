"""The pipeline: a seller's deals added up, from a bounded number of reads."""

from __future__ import annotations

from bot.command import Filter
from bot.command import Pipeline as Wanted
from bot.desk import Desk, Turn, bearer
from bot.referrals import query_of
from bot.replies import Reply
from cards.pipeline import pipeline_card
from cards.wording import Text, words
from partner_center.pipeline import pipeline
from partner_center.referral import Referral

MOST_PAGES = 3
"""Pages of Partner Center read for one picture: 300 deals, the latest change first."""


async def show(desk: Desk, turn: Turn, wanted: Wanted) -> Reply:
    """Counts and values by state, and the share of won deals."""
    token = await bearer(desk, turn)
    chosen = Filter.MINE if wanted.mine else Filter.ALL
    deals: list[Referral] = []
    more: str | None = None
    pages = desk.partner_center.all_pages(token, await query_of(desk, turn, chosen), MOST_PAGES)
    async for page in pages:
        deals += [each for each in page.referrals if not each.is_microsofts]
        more = page.next_link
    card = pipeline_card(
        _title(turn, wanted), pipeline(deals), turn.reader, mine=wanted.mine, complete=more is None
    )
    return Reply(card=card, summary=_title(turn, wanted).plain)


def _title(turn: Turn, wanted: Wanted) -> Text:
    if not wanted.mine:
        return words("Pipeline of the deals {name} may see", name=turn.person.name)
    if turn.is_personal:
        return words("My pipeline")
    return words("Pipeline of {name}", name=turn.person.name)
