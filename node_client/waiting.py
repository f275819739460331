"""Waiting for what the daemon does: an intent's outcome, and this city's own picture of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import select

from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.errors import ConflictError, NotFoundError, RefusedError, UnavailableError
from ledger.projections import journal
from ledger.services.context import Node
from ledger.storage import outbox
from ledger.storage.tables.outbox import transactions

__all__ = ["Outcome", "caught_up", "done", "outcomes", "patiently"]

T = TypeVar("T")

_SECONDS = 60.0
_PAUSE = 0.05
_NOT_YET = frozenset({"materials.waiting", "receipts.not_published"})
_SETTLED = frozenset({"done", "refused", "failed"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an intent: ``done``, ``refused`` with the contract's reason, or ``failed`` with an error's code."""

    intent: str
    operation: Operation
    state: str
    reason: Reason
    error: str
    block: int


def outcomes(node: Node, intents: Iterable[str], *, seconds: float = _SECONDS) -> dict[str, Outcome]:
    """Wait until intents are settled and this city's picture shows it.

    Raises:
        NotFoundError: ``storage.intent_unknown``.
        UnavailableError: ``outcomes.slow``; nothing is lost, the daemon goes on.
    """
    deadline = time.monotonic() + seconds
    missing, found = list(dict.fromkeys(intents)), dict[str, Outcome]()
    while missing:
        with node.database.read() as connection:
            state = journal.position(connection)
            for name in list(missing):
                stored = outbox.find(connection, name)
                block = connection.execute(
                    select(transactions.c.block).where(transactions.c.id == stored.transaction_id)
                ).scalar()
                if stored.state in _SETTLED and (block is None or (state is not None and state.block >= block)):
                    missing.remove(name)
                    reason = Reason(stored.reason or 0)
                    found[name] = Outcome(name, stored.operation, stored.state, reason, stored.error or "", block or 0)
        if missing:
            _pause(deadline, len(missing))
    return found


def done(node: Node, intents: Sequence[str], *, seconds: float = _SECONDS) -> int:
    """Wait until intents are done and return the last block.

    Raises:
        RefusedError: ``outcomes.refused`` with the contract's reason.
        ConflictError: ``outcomes.failed``.
        UnavailableError: ``outcomes.slow``.
    """
    settled = outcomes(node, intents, seconds=seconds)
    for outcome in settled.values():
        if outcome.state == "refused":
            raise RefusedError("outcomes.refused", reason=outcome.reason.name.lower())
        if outcome.state == "failed":
            raise ConflictError("outcomes.failed", why=outcome.error)
    return max((outcome.block for outcome in settled.values()), default=0)


def caught_up(nodes: Iterable[Node], block: int, *, seconds: float = _SECONDS) -> None:
    """Wait until the pictures of these nodes go up to a block.

    Raises:
        UnavailableError: ``outcomes.slow``.
    """
    deadline = time.monotonic() + seconds
    behind = list(nodes)
    while behind:
        behind = [node for node in behind if _position(node) < block]
        if behind:
            _pause(deadline, len(behind))


def patiently(attempt: Callable[[], T], *, seconds: float = 2 * _SECONDS) -> T:
    """Try again while a material is not anchored yet, or its anchoring not in the published log; then return what came of it.

    Raises:
        NotFoundError: ``materials.waiting``.
        UnavailableError: ``receipts.not_published``.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except (UnavailableError, NotFoundError) as error:
            if error.code not in _NOT_YET or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)


def _position(node: Node) -> int:
    with node.database.read() as connection:
        state = journal.position(connection)
    return -1 if state is None else state.block


def _pause(deadline: float, waiting: int) -> None:
    if time.monotonic() > deadline:
        raise UnavailableError("outcomes.slow", waiting=waiting)
    time.sleep(_PAUSE)
