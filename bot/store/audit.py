"""Who did what to which deal, and how it ended. Rows are only ever added."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from bot.store import jsontext
from bot.store.connection import AsyncConnection
from bot.store.jsontext import Json
from bot.store.schema import audit

_TABLE = audit.c


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `client_request_id` and `request_id` are what Partner Center's support asks for."""

    at: datetime
    tenant: str
    person: str
    kind: str
    outcome: str
    referral_id: str | None = None
    detail: Json = None
    client_request_id: str | None = None
    request_id: str | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


async def record(connection: AsyncConnection, entry: Entry) -> None:
    """Adds an entry, in the transaction of the act itself."""
    await connection.execute(
        audit.insert().values(
            id=entry.id,
            at=entry.at,
            tenant=entry.tenant,
            person=entry.person,
            kind=entry.kind,
            referral_id=entry.referral_id,
            detail=jsontext.write(entry.detail),
            client_request_id=entry.client_request_id,
            request_id=entry.request_id,
            outcome=entry.outcome,
        )
    )


async def of_referral(
    connection: AsyncConnection, tenant: str, referral_id: str, *, limit: int = 50
) -> list[Entry]:
    """What happened to a deal through the bot, newest first."""
    return await _newest(
        connection, limit, _TABLE.tenant == tenant, _TABLE.referral_id == referral_id
    )


async def _newest(
    connection: AsyncConnection, limit: int, *conditions: sa.ColumnElement[bool]
) -> list[Entry]:
    result = await connection.execute(
        audit.select().where(*conditions).order_by(_TABLE.at.desc(), _TABLE.id).limit(limit)
    )
    return [
        Entry(
            at=row.at,
            tenant=row.tenant,
            person=row.person,
            kind=row.kind,
            outcome=row.outcome,
            referral_id=row.referral_id,
            detail=jsontext.read(row.detail),
            client_request_id=row.client_request_id,
            request_id=row.request_id,
            id=row.id,
        )
        for row in result
    ]
