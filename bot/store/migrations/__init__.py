"""Brings a database from any earlier shape to today's, with Alembic."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.store.errors import SchemaTooNew

_HERE = Path(__file__).parent


def run(connection: sa.Connection, label: str) -> None:
    """Upgrades inside the transaction of `connection`; `label` names the database in errors.

    Raises SchemaTooNew when the database carries a revision this version does not know.
    """
    config = _config()
    config.attributes["connection"] = connection
    _refuse_newer(connection, ScriptDirectory.from_config(config), label)
    command.upgrade(config, "head")


def newest() -> str:
    """The schema this version needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("there are no migrations")
    return head


def found(connection: sa.Connection) -> str | None:
    """The schema a database has; None when it has no tables of ours."""
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "os")
    return config


def _refuse_newer(connection: sa.Connection, scripts: ScriptDirectory, label: str) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    found = set(MigrationContext.configure(connection).get_current_heads())
    if not found <= known:
        strange = ", ".join(sorted(found - known))
        raise SchemaTooNew(
            f"{label} was written by a newer Dealdesk (schema {strange}); "
            "start that version, or restore a backup made before it."
        )
