"""The three statements every noun needs in both databases' dialects: insert once, put, decide."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from bot.store.direct import Runs

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


async def insert_if_absent(connection: Runs, table: sa.Table, **values: object) -> bool:
    """Inserts a row unless a unique key of it is taken; says whether it did."""
    return await changed(connection, _inserted_once(connection.dialect.name, table), values)


async def put(
    connection: Runs,
    table: sa.Table,
    key: Collection[str],
    values: dict[str, object],
    *,
    keep_when_none: Collection[str] = (),
) -> None:
    """Inserts a row or replaces the one with the same `key` columns.

    A column in `keep_when_none` keeps what is stored when the new value is None.
    """
    statement = _inserted_or_replaced(
        connection.dialect.name, table, tuple(key), tuple(values), tuple(keep_when_none)
    )
    await connection.execute(statement, values)


async def changed(
    connection: Runs,
    statement: sa.Executable,
    values: dict[str, object] | None = None,
) -> bool:
    """Runs a statement meant for one row and says whether it found it: a compare-and-set."""
    if not isinstance(statement, sa.UpdateBase):
        raise TypeError("only inserts, updates and deletes can be decisions")
    result = await connection.execute(statement, values)
    return result.rowcount == 1


@lru_cache
def _inserted_once(dialect: str, table: sa.Table) -> sa.Executable:
    return _insert(dialect, table).on_conflict_do_nothing()


@lru_cache
def _inserted_or_replaced(
    dialect: str,
    table: sa.Table,
    key: tuple[str, ...],
    names: tuple[str, ...],
    keep_when_none: tuple[str, ...],
) -> sa.Executable:
    """Making the statement costs more than running it."""
    statement = _insert(dialect, table)
    new = statement.excluded
    updated = {
        name: sa.func.coalesce(new[name], table.c[name]) if name in keep_when_none else new[name]
        for name in names
        if name not in key
    }
    return statement.on_conflict_do_update(index_elements=key, set_=updated)


def _insert(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    if dialect == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)
