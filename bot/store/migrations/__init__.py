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
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    _refuse_newer(connection, ScriptDirectory.from_config(config), label)
    command.upgrade(config, "head")


def _refuse_newer(connection: sa.Connection, scripts: ScriptDirectory, label: str) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    found = set(MigrationContext.configure(connection).get_current_heads())
    if not found <= known:
        strange = ", ".join(sorted(found - known))
        raise SchemaTooNew(
            f"{label} was written by a newer Dealdesk (schema {strange}); "
            "start that version, or restore a backup made before it."
        )
