"""The three statements every noun needs in both databases' dialects: insert once, put, decide."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


async def insert_if_absent(connection: AsyncConnection, table: sa.Table, **values: object) -> bool:
    """Inserts a row unless a unique key of it is taken; says whether it did."""
    statement = _insert(connection, table).values(**values).on_conflict_do_nothing()
    return await changed(connection, statement)


async def put(
    connection: AsyncConnection,
    table: sa.Table,
    key: Collection[str],
    values: dict[str, object],
    *,
    keep_when_none: Collection[str] = (),
) -> None:
    """Inserts a row or replaces the one with the same `key` columns.

    A column in `keep_when_none` keeps what is stored when the new value is None.
    """
    statement = _insert(connection, table).values(**values)
    new = statement.excluded
    updated = {
        name: sa.func.coalesce(new[name], table.c[name]) if name in keep_when_none else new[name]
        for name in values
        if name not in key
    }
    await connection.execute(
        statement.on_conflict_do_update(index_elements=list(key), set_=updated)
    )


async def changed(connection: AsyncConnection, statement: sa.Executable) -> bool:
    """Runs a statement meant for one row and says whether it found it: a compare-and-set."""
    result = await connection.execute(statement)
    if not isinstance(result, sa.CursorResult):
        raise TypeError("only inserts, updates and deletes can be decisions")
    return result.rowcount == 1


def _insert(connection: AsyncConnection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
