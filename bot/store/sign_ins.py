"""Sign-in links given out. Only a hash of each link is kept, so that the table opens nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from bot.conversation import Person, Place
from bot.store import jsontext, rows
from bot.store.connection import AsyncConnection
from bot.store.schema import sign_ins

_TABLE = sign_ins.c


@dataclass(frozen=True, slots=True)
class SignIn:
    """One link: who asked for it, where, why, and until when it may be used once."""

    state_hash: str
    person: Person
    place: Place
    reason: str
    claims: str | None
    created: datetime
    expires: datetime
    flow: bytes | None = field(default=None, repr=False)
    """What was agreed with Entra when the link was opened first, sealed."""
    used: datetime | None = None


async def put(connection: AsyncConnection, link: SignIn) -> None:
    """Stores a new link."""
    await connection.execute(
        sign_ins.insert().values(
            state_hash=link.state_hash,
            tenant=link.person.tenant,
            person=link.person.id,
            person_name=link.person.name,
            teams_id=link.person.teams_id,
            place=jsontext.write(link.place.to_json()),
            reason=link.reason,
            claims=link.claims,
            flow=link.flow,
            created=link.created,
            expires=link.expires,
            used=link.used,
        )
    )


async def find(connection: AsyncConnection, state_hash: str) -> SignIn | None:
    """The link with this hash, used or expired ones included."""
    result = await connection.execute(sign_ins.select().where(_TABLE.state_hash == state_hash))
    row = result.one_or_none()
    if row is None:
        return None
    return SignIn(
        state_hash=row.state_hash,
        person=Person(row.tenant, row.person, row.person_name, row.teams_id),
        place=Place.from_json(jsontext.read(row.place)),
        reason=row.reason,
        claims=row.claims,
        created=row.created,
        expires=row.expires,
        flow=None if row.flow is None else bytes(row.flow),
        used=row.used,
    )


async def prepare(connection: AsyncConnection, state_hash: str, flow: bytes) -> bool:
    """Keeps the first flow of a link; False when it had one already."""
    return await rows.changed(
        connection,
        sign_ins.update()
        .where(_TABLE.state_hash == state_hash, _TABLE.flow.is_(None))
        .values(flow=flow),
    )


async def use(connection: AsyncConnection, state_hash: str, now: datetime) -> bool:
    """Uses a link up; False when it was used before or has expired."""
    return await rows.changed(
        connection,
        sign_ins.update()
        .where(_TABLE.state_hash == state_hash, _TABLE.used.is_(None), _TABLE.expires > now)
        .values(used=now, flow=None),
    )


async def is_asked(
    connection: AsyncConnection, tenant: str, person: str, reasons: tuple[str, ...], now: datetime
) -> bool:
    """Whether a person has an open link for one of these reasons."""
    found = await connection.scalar(
        sa.select(sa.literal(1))
        .where(
            _TABLE.tenant == tenant,
            _TABLE.person == person,
            _TABLE.reason.in_(reasons),
            _TABLE.used.is_(None),
            _TABLE.expires > now,
        )
        .limit(1)
    )
    return found is not None


async def prune(connection: AsyncConnection, before: datetime) -> None:
    """Forgets links that expired before a moment."""
    await connection.execute(sign_ins.delete().where(_TABLE.expires < before))
