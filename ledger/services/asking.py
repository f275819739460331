"""Asking for an act on the chain by what it says: asked twice it is done once, and once more after the state has moved on.

An intent's name follows from its content. That alone would drop an act that somebody repeats on purpose: an address that
is published, changed and published again, a department that is closed and reopened, a text that comes back after another.
So whoever asks also says which thing the act sets and whether the picture still shows what it brought about; where it does
not, the act is a new one, named ``name~2``, ``name~3`` and so on. An act that was refused or has failed is put in line again
when it is asked for again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.engine import Connection

from ledger.chain.codec import canonical_call
from ledger.domain.calls import Fields, call_digest
from ledger.domain.operations import Operation
from ledger.projections import journal
from ledger.services.context import Node
from ledger.services.grouping import NO_SUBJECT
from ledger.storage import outbox, repeating
from ledger.storage.outbox import Intent, StoredIntent
from ledger.storage.tables.outbox import transactions

__all__ = ["ask", "ask_for"]


def ask(connection: Connection, wanted: Intent, *, now: int, thing: str = "", stands: bool = True) -> str:
    """Write down what is to be done, unless it is done or in line already; return the name that it has.

    Args:
        connection: of the unit of work that also writes the row it belongs to.
        wanted: the intent; ``id`` is its first name.
        now: the time.
        thing: beginning of the names of all acts that set the same thing. An act that is overtaken by a later one is
            asked for anew.
        stands: whether the picture shows what the act brings about. Where it does not although the act was done, the act
            is asked for anew. For acts that can be done once only, always true.

    Raises:
        ConflictError: ``storage.intent_differs``: it is done or in line, with another call.
        UnavailableError: ``storage.outbox_full``.
    """
    known = repeating.family(connection, wanted.id)
    if not known:
        outbox.enqueue(connection, wanted, now=now)
        return wanted.id
    last = known[0]
    same = last.digest == call_digest(wanted.contract, wanted.operation, wanted.call)
    if last.state in outbox.STUCK:
        if same:
            repeating.retry(connection, last.id, not_before=wanted.not_before)
            return last.id
    elif not _is_past(connection, last, thing, stands=stands):
        # Says so where the call is another one.
        outbox.enqueue(connection, replace(wanted, id=last.id), now=now)
        return last.id
    again = replace(wanted, id=f"{wanted.id}~{len(known) + 1}")
    outbox.enqueue(connection, again, now=now)
    return again.id


def ask_for(
    node: Node,
    operation: Operation,
    contract: str,
    fields: Fields,
    thing: str,
    said: str,
    *,
    role: str = "administer",
    stands: Callable[[Connection], bool] = lambda _connection: True,
    alone: bool = False,
) -> str:
    """Ask for an act of this member that is about nothing in particular, in a transaction of its own.

    Args:
        node: this city's.
        operation: what.
        contract: which contract is to do it.
        fields: as for ``sending.enqueue``.
        thing: what the act sets.
        said: what it sets it to; both together are the intent's name.
        role: whose key signs.
        stands: whether the picture shows what the act brings about.
        alone: acts on the same thing stand beside one another, and none overtakes another.
    """
    call = canonical_call(operation, fields)
    wanted = Intent(
        id=f"{thing}:{said}", operation=operation, contract=contract, role=role, subject=NO_SUBJECT, call=call
    )
    with node.begin() as uow:
        name = ask(
            uow.connection,
            wanted,
            now=node.clock(),
            thing="" if alone else f"{thing}:",
            stands=stands(uow.connection),
        )
        uow.commit()
    return name


def _is_past(connection: Connection, last: StoredIntent, thing: str, *, stands: bool) -> bool:
    """Whether what was asked for last no longer holds, or will not."""
    if thing:
        newest = repeating.effective(connection, thing)
        if newest is not None and newest.sequence > last.sequence:
            return True
    if last.state != "done" or stands:
        return False
    block = connection.execute(select(transactions.c.block).where(transactions.c.id == last.transaction_id)).scalar()
    state = journal.position(connection)
    # A picture that does not go so far yet cannot say that the act has lost its effect.
    return block is None or (state is not None and state.block >= block)
