"""What may be wrong with a node, looked at one after the other: each answer is good, wrong with a code, or not checked.

Nothing is changed. A check that cannot be made because an earlier one failed says so and is not called good.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

from ledger.bootstrap import opened_node
from ledger.errors import Fact, LedgerError, SetupError, UnavailableError
from ledger.log.files import DirectoryFiles
from ledger.log.view import LogView
from ledger.log.witness_store import WitnessStore
from ledger.services import health, splits
from ledger.services.context import Node
from ledger.settings import NodeSettings
from node_client.daemon import open_keys, witness_path
from node_client.keys import KeyRing

__all__ = ["Checked", "examine"]

# Below this the next large scan does not fit, and databases begin to refuse.
_LEAST_FREE = 1024**3
_CLOCK_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Checked:
    """One check: its name, ``good``, ``wrong`` or ``skipped``, and where wrong the code of its sentence with its facts."""

    name: str
    outcome: str
    code: str = ""
    facts: tuple[tuple[str, Fact], ...] = ()


def examine(settings: NodeSettings) -> Iterator[Checked]:
    """Check a node's keys, stores, engine, clock, log and daemon, in this order."""
    with ExitStack() as stack:
        yield from _examined(settings, stack)


def _examined(settings: NodeSettings, stack: ExitStack) -> Iterator[Checked]:
    rings: list[KeyRing] = []
    nodes: list[Node] = []
    yield _one("keys", lambda: rings.append(open_keys(settings)))
    yield _one("database", lambda: _database(settings))
    yield _one("open", lambda: nodes.append(stack.enter_context(opened_node(settings))))
    node = nodes[0] if nodes else None
    checks: list[tuple[str, Callable[[Node], object]]] = [
        ("blobs", lambda node: _blobs(settings, node)),
        ("engine", lambda node: _engine(settings, node)),
        ("clock", _clock),
        ("log", _log),
    ]
    for name, check in checks:
        if node is None:
            yield Checked(name, "skipped")
        else:
            yield _one(name, lambda check=check: check(node))  # type: ignore[misc]  # bound early
    yield from _daemon(node) if node is not None else [Checked("daemon", "skipped")]
    if rings:
        yield _one("witness", lambda: _witness(settings, rings[0]))
    else:
        yield Checked("witness", "skipped")


def _one(name: str, check: Callable[[], object]) -> Checked:
    try:
        check()
    except LedgerError as error:
        return Checked(name, "wrong", error.code, tuple(error.facts.items()))
    return Checked(name, "good")


def _database(settings: NodeSettings) -> None:
    path = settings.path("node.db")
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (found,) = connection.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.DatabaseError as error:
        raise SetupError("doctor.database", why="unreadable") from error
    if found != "ok":
        raise SetupError("doctor.database", why="damaged")


def _blobs(settings: NodeSettings, node: Node) -> None:
    cid = node.blobs.put(b"tongban doctor")
    node.blobs.delete([cid])
    free = shutil.disk_usage(settings.folder).free
    if free < _LEAST_FREE:
        raise UnavailableError("doctor.disk", retry_after=60, free=free)


def _engine(settings: NodeSettings, node: Node) -> None:
    if node.chain.chain_id() != settings.chain_id:
        raise SetupError("doctor.other_chain", expected=settings.chain_id, found=node.chain.chain_id())
    node.chain.call(settings.consortium, "consortium", "members")


def _clock(node: Node) -> None:
    head = node.chain.head()
    ahead = head.time - node.clock()
    if ahead > _CLOCK_SECONDS:
        raise SetupError("doctor.clock", seconds=ahead, machine=int(time.time()))


def _log(node: Node) -> None:
    tree = LogView(DirectoryFiles(node.log_folder)).tree()
    tree.verify()


def _daemon(node: Node) -> Iterator[Checked]:
    """All that the daemon noted and what of it does not answer, not only the first."""
    try:
        found = health.findings(node)
    except LedgerError as error:
        yield Checked("daemon", "wrong", error.code, tuple(error.facts.items()))
        return
    for finding in found:
        yield Checked("daemon", "wrong", finding.code, tuple(finding.facts.items()))
    if not found:
        yield Checked("daemon", "good")


def _witness(settings: NodeSettings, ring: KeyRing) -> None:
    path = witness_path(settings, ring)
    if not path.is_file():
        raise SetupError("log.witness_lost")
    splits.require_none(WitnessStore(path))
