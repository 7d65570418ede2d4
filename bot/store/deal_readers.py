"""Whose token may show a deal that was announced: people who asked to hear of deals, or worked on
this one."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from bot.conversation import Person
from bot.store.connection import AsyncConnection
from bot.store.schema import feeds, people, proposals, registrations, token_caches

ABOUT_DEALS = ("won", "registered", "accepted", "expiring")
"""Kinds of feeds that tell of deals."""


async def of_deal(
    connection: AsyncConnection, tenants: Collection[str], referral_id: str, limit: int = 25
) -> list[Person]:
    """People of these tenants whose tokens are kept, those who worked on the deal first."""
    worked = sa.union(
        sa.select(proposals.c.tenant, proposals.c.person).where(
            proposals.c.tenant.in_(tenants), proposals.c.referral_id == referral_id
        ),
        sa.select(registrations.c.tenant, registrations.c.requester).where(
            registrations.c.tenant.in_(tenants), registrations.c.referral_id == referral_id
        ),
    ).subquery()
    listens = sa.select(feeds.c.tenant, feeds.c.owner).where(
        feeds.c.tenant.in_(tenants), feeds.c.kind.in_(ABOUT_DEALS), feeds.c.state == "on"
    )
    whose = sa.tuple_(people.c.tenant, people.c.person)
    has_worked = whose.in_(sa.select(worked.c.tenant, worked.c.person))
    signed_in = whose.in_(sa.select(token_caches.c.tenant, token_caches.c.person))
    found = await connection.execute(
        sa.select(people)
        .where(people.c.tenant.in_(tenants), signed_in, sa.or_(has_worked, whose.in_(listens)))
        .order_by(sa.case((has_worked, 0), else_=1), people.c.updated.desc(), people.c.person)
        .limit(limit)
    )
    return [Person(row.tenant, row.person, row.name, row.teams_id) for row in found]
