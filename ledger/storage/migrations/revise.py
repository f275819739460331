"""For developers: write a revision from the difference between the tables in code and the newest revision.

``python -m ledger.storage.migrations.revise "add the ..."``; with ``--first`` the first revision is written anew, which is
right only as long as nobody has a database of that form.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext

from ledger.storage.database import open_database
from ledger.storage.migrations import newest, upgrade
from ledger.storage.tables import metadata

__all__ = ["main"]

_VERSIONS = Path(__file__).parent / "versions"
_FIRST = "0001"


def main(arguments: list[str]) -> int:
    """Write the file and say where it is."""
    first = "--first" in arguments
    words = " ".join(argument for argument in arguments if argument != "--first") or "create everything"
    with tempfile.TemporaryDirectory() as folder, open_database(Path(folder) / "empty.db") as database:
        if not first:
            upgrade(database)
        with database.begin() as connection:
            script = produce_migrations(MigrationContext.configure(connection), metadata)
    if script.upgrade_ops is None or script.upgrade_ops.is_empty():
        sys.stdout.write("nothing differs\n")
        return 1
    previous = None if first else newest()
    number = _FIRST if previous is None else f"{int(previous) + 1:04}"
    path = _VERSIONS / f"revision_{number}.py"
    path.write_text(_render(number, previous, words, render_python_code(script.upgrade_ops)), encoding="utf-8")
    sys.stdout.write(f"{path}: now ruff format it\n")
    return 0


def _render(number: str, previous: str | None, words: str, code: str) -> str:
    body = "\n".join(line for line in code.splitlines() if not line.strip().startswith("#"))
    return f'''"""{words[0].upper()}{words[1:].removesuffix(".")}."""

# ruff: noqa: PLR0915  # one revision is one list of statements, written by ``revise``

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = {f'"{previous}"' if previous else None}


def upgrade() -> None:
    """Go forward; there is no way back but the backup."""
{body}
'''


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
