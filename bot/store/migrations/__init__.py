"""Brings a database from any earlier shape to today's. Alembic is loaded when there is work."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

_VERSIONS = Path(__file__).parent / "versions"
_TABLE = sa.table("alembic_version", sa.column("version_num"))


def run(connection: sa.Connection, label: str) -> None:
    """Upgrades inside the transaction of `connection`; `label` names the database in errors.

    Raises SchemaTooNew when the database carries a revision this version does not know.
    """
    if found(connection) == newest():
        return
    from bot.store.migrations import upgrading

    upgrading.run(connection, label)


def newest() -> str:
    """The schema this version needs: migrations are numbered, the number is the revision."""
    return max(path.stem.partition("_")[0] for path in _VERSIONS.glob("[0-9]*_*.py"))


def found(connection: sa.Connection) -> str | None:
    """The schema a database has; None when it has no tables of ours."""
    if not sa.inspect(connection).has_table(_TABLE.name):
        return None
    revision: str | None = connection.scalar(sa.select(_TABLE.c.version_num))
    return revision
