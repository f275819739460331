"""Bringing a node's database to the form that this program knows.

Revisions are files in ``versions/``; they are applied by the program itself when a node is made or started, all in one
transaction, so that a crash leaves the old form or the new one.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from ledger.errors import SetupError
from ledger.storage.database import Database, storage_errors

__all__ = ["configuration", "newest", "revision", "upgrade"]


def upgrade(database: Database) -> None:
    """Apply every revision that the database does not have yet.

    Raises:
        SetupError: ``storage.migration_unknown``: a newer program made it.
        UnavailableError: ``storage.unavailable``.
    """
    with database.begin() as connection, storage_errors():
        found = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
        if found is not None and found not in known:
            raise SetupError("storage.migration_unknown", revision=found)
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def revision(database: Database) -> str | None:
    """The revision that a database has; ``None`` for an empty one."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """The newest revision that this program knows."""
    found = ScriptDirectory.from_config(configuration()).get_current_head()
    if found is None:
        raise SetupError("storage.migration_unknown", revision="none")
    return found


def configuration() -> Config:
    """Alembic's configuration: no file, everything here."""
    config = Config()
    config.set_main_option("script_location", "ledger.storage:migrations")
    config.set_main_option("path_separator", "os")
    return config
