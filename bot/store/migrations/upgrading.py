"""Runs the migrations a database lacks, with Alembic."""

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
    """As `migrations.run`, for a database that is not at the newest revision."""
    config = _config()
    config.attributes["connection"] = connection
    _refuse_newer(connection, ScriptDirectory.from_config(config), label)
    command.upgrade(config, "head")


def head() -> str | None:
    """The newest revision as the migrations themselves tell it."""
    return ScriptDirectory.from_config(_config()).get_current_head()


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
