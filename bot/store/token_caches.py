"""The sealed token cache of each person. What is inside is the business of `bot.identity`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from bot.store import rows
from bot.store.connection import AsyncConnection
from bot.store.direct import Runs
from bot.store.schema import token_caches

_TABLE = token_caches.c
_OF_PERSON = sa.select(_TABLE.blob, _TABLE.key_id, _TABLE.version).where(
    _TABLE.tenant == sa.bindparam("tenant"), _TABLE.person == sa.bindparam("person")
)
ABSENT = 0
"""The version of a cache that is not there: `save` with it only inserts."""


@dataclass(frozen=True, slots=True)
class SealedCache:
    """An encrypted cache as stored; `version` changes with every write and never comes back."""

    blob: bytes = field(repr=False)
    key_id: str
    version: int


async def load(connection: Runs, tenant: str, person: str) -> SealedCache | None:
    """The cache of a person, or None when they are signed out."""
    result = await connection.execute(_OF_PERSON, {"tenant": tenant, "person": person})
    row = result.one_or_none()
    return None if row is None else SealedCache(bytes(row.blob), row.key_id, row.version)


async def save(
    connection: AsyncConnection,
    tenant: str,
    person: str,
    blob: bytes,
    key_id: str,
    *,
    expected: int,
    now: datetime,
) -> bool:
    """Stores a cache if the stored one still has the version `expected`; says whether it did."""
    if expected == ABSENT:
        return await rows.insert_if_absent(
            connection,
            token_caches,
            tenant=tenant,
            person=person,
            blob=blob,
            key_id=key_id,
            version=secrets.randbelow(2**60) + 1,
            updated=now,
        )
    return await rows.changed(
        connection,
        token_caches.update()
        .where(_is(tenant, person), _TABLE.version == expected)
        .values(blob=blob, key_id=key_id, version=expected + 1, updated=now),
    )


async def delete(
    connection: AsyncConnection, tenant: str, person: str, *, expected: int | None = None
) -> bool:
    """Forgets a cache, only at version `expected` when given; says whether there was one."""
    statement = token_caches.delete().where(_is(tenant, person))
    if expected is not None:
        statement = statement.where(_TABLE.version == expected)
    return await rows.changed(connection, statement)


def _is(tenant: str, person: str) -> sa.ColumnElement[bool]:
    return sa.and_(_TABLE.tenant == tenant, _TABLE.person == person)
