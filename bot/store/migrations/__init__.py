"""Brings a database from any earlier shape to today's.

An empty one gets today's tables at once: Alembic, which takes half a second and 10 MB to load, is
for those that hold something.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from bot.store.schema import metadata

_VERSIONS = Path(__file__).parent / "versions"
_TABLE = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32)),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""As Alembic makes it."""


def run(connection: sa.Connection, label: str) -> None:
    """Upgrades inside the transaction of `connection`; `label` names the database in errors.

    Raises SchemaTooNew when the database carries a revision this version does not know.
    """
    if (there := found(connection)) == newest():
        return
    if there is None and not sa.inspect(connection).get_table_names():
        _make(connection)
        return
    from bot.store.migrations import upgrading

    upgrading.run(connection, label)


def _make(connection: sa.Connection) -> None:
    """Today's tables, in an empty database."""
    metadata.create_all(connection, checkfirst=False)
    _TABLE.create(connection)
    connection.execute(_TABLE.insert().values(version_num=newest()))


def newest() -> str:
    """The schema this version needs: migrations are numbered, the number is the revision."""
    return max(path.stem.partition("_")[0] for path in _VERSIONS.glob("[0-9]*_*.py"))


def found(connection: sa.Connection) -> str | None:
    """The schema a database has; None when it has no tables of ours."""
    if not sa.inspect(connection).has_table(_TABLE.name):
        return None
    revision: str | None = connection.scalar(sa.select(_TABLE.c.version_num))
    return revision
