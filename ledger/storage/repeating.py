"""The outbox asked twice: intents that asked for the same before, and those that are to be tried again."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import or_, select
from sqlalchemy.engine import Connection

from ledger.errors import ConflictError
from ledger.storage.outbox import (
    DEPENDENCY_FAILED,
    STUCK,
    StoredIntent,
    find,
    last_sequence,
    read_intent,
    update_intents,
)
from ledger.storage.tables.outbox import intents

__all__ = ["effective", "family", "retry", "retry_stuck"]


def family(connection: Connection, name: str) -> list[StoredIntent]:
    """Read the intent of a name and those that asked for the same later (``name~2``, ``name~3`` …), the newest first."""
    query = (
        select(intents)
        .where(or_(intents.c.id == name, intents.c.id.between(f"{name}~", f"{name}~:")))
        .order_by(intents.c.sequence.desc())
    )
    return [read_intent(row) for row in connection.execute(query)]


def effective(connection: Connection, prefix: str) -> StoredIntent | None:
    """Read the newest intent whose name begins with ``prefix`` and that was, or may yet be, carried out."""
    query = (
        select(intents)
        # Names are ASCII: nothing that begins with the prefix comes after the prefix and a DEL.
        .where(intents.c.id.between(prefix, f"{prefix}\x7f"), intents.c.state.not_in(STUCK))
        .order_by(intents.c.sequence.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else read_intent(row)


def retry(connection: Connection, intent: str, *, not_before: int = 0) -> list[str]:
    """Put a refused or failed intent in line again, as if it came now: somebody has removed the cause.

    What it waits for is put in line before it where that was refused or failed too, and behind it whatever failed for
    its sake alone.

    Args:
        connection: of the caller's unit of work.
        intent: its name.
        not_before: earliest time to send it.

    Returns:
        The names of all that are in line again, in their order.

    Raises:
        NotFoundError: ``storage.intent_unknown``.
        ConflictError: ``storage.intent_unsettled``: it was neither refused nor failed.
    """
    found = find(connection, intent)
    if found.state not in STUCK:
        raise ConflictError("storage.intent_unsettled")
    line: list[str] = []
    if found.after is not None and find(connection, found.after).state in STUCK:
        line = retry(connection, found.after)
    if intent not in line:
        line.append(intent)
        update_intents(
            connection,
            [intent],
            sequence=last_sequence(connection) + 1,
            state="waiting",
            reason=None,
            error=None,
            settled_at=None,
            transaction_id=None,
            position=None,
            attempts=0,
            not_before=not_before,
        )
    stranded = select(intents.c.id).where(
        intents.c.after == intent, intents.c.state == "failed", intents.c.error == DEPENDENCY_FAILED
    )
    for name in list(connection.execute(stranded.order_by(intents.c.sequence)).scalars()):
        line += retry(connection, name)
    return line


def retry_stuck(connection: Connection, names: Iterable[str]) -> list[str]:
    """Put those of these intents in line again that were refused or have failed; answers all that are."""
    line: list[str] = []
    for name in names:
        if name not in line and find(connection, name).state in STUCK:
            line += retry(connection, name)
    return line
