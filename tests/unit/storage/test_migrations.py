"""The revisions build exactly the tables of the code, and refuse what a newer program has built."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from ledger.errors import SetupError
from ledger.storage.database import Database, open_database
from ledger.storage.migrations import newest, revision, upgrade
from ledger.storage.tables import metadata
from ledger.storage.unit_of_work import UnitOfWork


def _statements(database: Database) -> dict[str, list[str]]:
    """Each table and index as SQLite keeps it, whatever the white space and the order of constraints."""
    query = sa.text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'")
    with database.read() as connection:
        return {
            name: sorted(" ".join(sql.split()).removesuffix(" )").split(", "))
            for name, sql in connection.execute(query)
        }


def test_migrated_tables_are_those_of_the_code(tmp_path):
    migrated, direct = open_database(tmp_path / "migrated.db"), open_database(tmp_path / "direct.db")
    upgrade(migrated)
    with direct.begin() as connection:
        metadata.create_all(connection)
        connection.commit()
    with migrated.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    assert _statements(migrated) == _statements(direct)
    migrated.close()
    direct.close()


def test_upgrading_again_changes_nothing(tmp_path):
    database = open_database(tmp_path / "node.db")
    assert revision(database) is None
    upgrade(database)
    before = _statements(database)
    upgrade(database)
    assert _statements(database) == before
    assert revision(database) == newest()
    database.close()


@pytest.mark.parametrize(
    "earlier",
    [
        "ALTER TABLE members DROP COLUMN name",
        "DROP TABLE daemon_steps",
        # From before revisions were counted.
        "DROP TABLE alembic_version",
    ],
)
def test_a_database_of_an_earlier_program_is_called_that_and_left_alone(tmp_path, earlier):
    database = open_database(tmp_path / "node.db")
    upgrade(database)
    with UnitOfWork(database) as uow:
        uow.connection.execute(sa.text(earlier))
        uow.commit()
    before = _statements(database)
    with pytest.raises(SetupError, match=r"storage\.earlier_form"):
        upgrade(database)
    assert _statements(database) == before
    database.close()


def test_a_database_of_a_newer_program_is_refused_and_left_alone(tmp_path):
    database = open_database(tmp_path / "node.db")
    upgrade(database)
    with UnitOfWork(database) as uow:
        uow.connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        uow.commit()
    with pytest.raises(SetupError, match="migration_unknown") as raised:
        upgrade(database)
    assert raised.value.facts == {"revision": "9999"}
    database.close()


def test_nothing_in_the_tables_is_beyond_postgresql():
    dialect = postgresql.dialect()
    for table in metadata.sorted_tables:
        text = str(CreateTable(table).compile(dialect=dialect))
        assert text.strip().startswith(f"CREATE TABLE {dialect.identifier_preparer.quote(table.name)}")
        for index in table.indexes:
            assert table.name in str(CreateIndex(index).compile(dialect=dialect))


def test_every_table_says_whether_it_is_a_projection():
    assert {table.name: table.info.get("kind") for table in metadata.sorted_tables}.keys() == metadata.tables.keys()
    assert {table.info.get("kind") for table in metadata.sorted_tables} == {"local", "projection"}
