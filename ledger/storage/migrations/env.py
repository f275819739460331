"""What alembic runs around the revisions: on the connection that it is given, inside the caller's transaction."""

from __future__ import annotations

from alembic import context

from ledger.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite alters a table by copying it.
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
