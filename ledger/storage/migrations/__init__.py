"""Bringing a node's database to the form that this program knows.

Revisions are files in ``versions/``; they are applied by the program itself when a node is made or started, all in one
transaction, so that a crash leaves the old form or the new one.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from ledger.errors import SetupError
from ledger.storage.database import Database, storage_errors
from ledger.storage.tables import metadata

__all__ = ["configuration", "newest", "revision", "upgrade"]

_OWN = "alembic_version"


def upgrade(database: Database) -> None:
    """Apply every revision that the database does not have yet.

    Raises:
        SetupError: ``storage.migration_unknown``: a newer program made it; ``storage.earlier_form``: an earlier one did,
            from before the first revision was fixed, and its tables are not those that revisions begin from.
        UnavailableError: ``storage.unavailable``.
    """
    with database.begin() as connection, storage_errors():
        found = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
        if found is not None and found not in known:
            raise SetupError("storage.migration_unknown", revision=found)
        if found is None and _columns(connection):
            raise SetupError("storage.earlier_form")
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if {(table.name, column.name) for table in metadata.tables.values() for column in table.columns} - _columns(
            connection
        ):
            raise SetupError("storage.earlier_form")
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


def _columns(connection: Connection) -> set[tuple[str, str]]:
    """What is there, as pairs of table and column, alembic's own table aside."""
    if connection.dialect.name == "sqlite":
        # One query: every command opens the database, and looking at each table apart takes a tenth of a second.
        found = connection.exec_driver_sql(
            "SELECT m.name, p.name FROM sqlite_master AS m, pragma_table_info(m.name) AS p WHERE m.type = 'table'"
        )
        pairs = {(str(table), str(column)) for table, column in found}
    else:
        listed = inspect(connection).get_multi_columns()
        pairs = {(table, column["name"]) for (_, table), columns in listed.items() for column in columns}
    return {(table, column) for table, column in pairs if table != _OWN and not table.startswith("sqlite_")}


def configuration() -> Config:
    """Alembic's configuration: no file, everything here."""
    config = Config()
    config.set_main_option("script_location", "ledger.storage:migrations")
    config.set_main_option("path_separator", "os")
    return config
