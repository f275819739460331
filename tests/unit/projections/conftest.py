"""A fresh database for projections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from ledger.storage.database import open_database
from ledger.storage.tables import metadata


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    database = open_database(tmp_path / "node.db")
    metadata.create_all(database.engine)
    with database.begin() as connection, connection.begin():
        yield connection
    database.close()
