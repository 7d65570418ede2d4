"""Whether a deal can be registered, and what is missing: both checks of Partner Center."""

from __future__ import annotations

import asyncio

from bot.desk import Desk, Turn, bearer, view
from bot.replies import Reply
from cards.checklist import checklist_card, partner_card
from cards.wording import sentence


async def of_deal(desk: Desk, turn: Turn, referral_id: str) -> Reply:
    """The checklist of a deal: the company's eligibility and the deal's own policies."""
    token = await bearer(desk, turn)
    referral = await desk.partner_center.get(token, referral_id)
    partner, checklist = await asyncio.gather(
        desk.partner_center.partner_eligibility(token),
        desk.partner_center.referral_eligibility(token, referral_id),
    )
    shown = await view(desk, turn, referral)
    card = checklist_card(shown, partner, checklist, turn.reader)
    return Reply(
        card=card, summary=sentence("#{handle}: can it be registered?", handle=shown.handle)
    )


async def of_company(desk: Desk, turn: Turn) -> Reply:
    """Whether the company may register deals at all."""
    token = await bearer(desk, turn)
    partner = await desk.partner_center.partner_eligibility(token)
    return Reply(
        card=partner_card(partner, turn.reader), summary=sentence("Can we register deals?")
    )
