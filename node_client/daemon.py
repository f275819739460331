"""The daemon of a city: one loop over the services' ``run_once()``, and the life of the process around it.

Each step is a use case that may be cut anywhere and run again; the loop only decides when. A step that fails waits
longer each time and says so in ``/readyz``; the others go on. What talks to other cities runs in a lane of its own, so
that a city that is away delays nobody's anchoring.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ledger import logs
from ledger.bootstrap import KEY_SOCKET, opened_node
from ledger.domain.limits import LIMITS
from ledger.errors import LedgerError, UnavailableError
from ledger.log.files import DirectoryFiles
from ledger.log.store import LogStore
from ledger.log.view import LogView
from ledger.ports import Head
from ledger.services import (
    batching,
    catalogue,
    cosigning,
    custody,
    erasing,
    health,
    lookups,
    papers,
    publishing,
    received,
    receiving,
    renewing,
    sending,
    splits,
    synchronising,
)
from ledger.services.context import Node
from ledger.services.cosigning import Witness
from ledger.services.sending import Sender
from ledger.settings import NodeSettings
from ledger.wire.witnessing import Answer, encode_answer
from node_client import taking_over
from node_client.keyholder import DaemonKeyHolder, KeyServer, chain_signers, log_signer, note_signers
from node_client.keys import KeyRing, open_key_ring, read_passphrase
from node_client.peers import ways_to_others

__all__ = ["Daemon", "Lane", "Step", "every", "open_keys", "witness_path"]

_LONGEST = 60.0


@dataclass(slots=True)
class Step:
    """One use case of the loop; ``run`` says whether anything moved."""

    name: str
    run: Callable[[], bool]
    failures: int = 0
    not_before: float = 0.0


@dataclass(slots=True)
class Lane:
    """Steps that follow one another in one thread."""

    name: str
    node: Node
    steps: Sequence[Step]
    clock: Callable[[], float] = time.monotonic
    seen: health.Noted = field(default_factory=health.Noted)

    def run_once(self) -> bool:
        """Run every step whose time has come; says whether anything moved, so that another pass at once makes sense."""
        moved = False
        for step in self.steps:
            if self.clock() < step.not_before:
                continue
            try:
                moved |= step.run()
            except LedgerError as error:
                self._failed(step, error)
            else:
                step.failures, step.not_before = 0, 0.0
                self._note(step, None)
        return moved

    def _failed(self, step: Step, error: LedgerError) -> None:
        step.failures += 1
        pause = min(2.0 ** min(step.failures - 1, 6), _LONGEST)
        if isinstance(error, UnavailableError):
            pause = min(max(pause, float(error.retry_after)), _LONGEST)
        step.not_before = self.clock() + pause
        logs.get().warning("step_failed", step=step.name, code=error.code, failures=step.failures, pause=pause)
        self._note(step, error.code)

    def _note(self, step: Step, code: str | None) -> None:
        try:
            health.note(self.node, step.name, code=code, memory=self.seen)
        except LedgerError as error:
            # A database that is full or locked takes no note either: the log has it, the daemon goes on, and whoever
            # asks whether the node is ready is told that it is silent.
            logs.get().warning("not_noted", step=step.name, code=error.code)


def every(seconds: float, ask: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """Return a step that asks at most this often; once it has failed the loop's own pauses hold."""
    due = 0.0

    def run() -> bool:
        nonlocal due
        if clock() >= due:
            ask()
            due = clock() + seconds
        return False

    return run


def open_keys(settings: NodeSettings) -> KeyRing:
    """Open the node's keys with the passphrase that the settings name.

    Raises:
        SetupError: ``keys.…``.
    """
    return open_key_ring(settings.path("keys"), read_passphrase(settings.path(settings.passphrase_file)))


def witness_path(settings: NodeSettings, ring: KeyRing) -> Path:
    """Return where the memory of the present cosigning keys lies: rotated keys begin a new one."""
    versions = f"{ring.current('cosign-ed25519').version}-{ring.current('cosign-ml-dsa-44').version}"
    return settings.path(f"witness-{versions}.db")


class Daemon:
    """A city's node at work: holds the keys, answers for them on the socket, and runs the steps.

    Args:
        settings: the node's.

    Raises:
        SetupError: a key file, the passphrase or a store is not in order.
        UnavailableError: the database cannot be used now.
    """

    def __init__(self, settings: NodeSettings) -> None:
        self._settings = settings
        self._keys_seen = _key_files(settings)
        ring = open_keys(settings)
        self.keys = DaemonKeyHolder(ring)
        with ExitStack() as stack:
            self.node = stack.enter_context(opened_node(settings, keys=self.keys, peers=ways_to_others(settings)))
            node = self.node
            self.log = LogStore(DirectoryFiles(node.log_folder))
            store = custody.custody_store(node, settings.path("custody.db"), ring.current("custody").seed)
            self.keys.bind(node, store, self._cosign)
            self._use(ring)
            self._memory = synchronising.StatusMemory()
            self._noted = health.Noted()
            self._renewals = renewing.RenewalMemory()
            self._received = receiving.ReceivingMemory()
            self.lanes = (
                Lane("chain", node, self._chain_steps()),
                Lane("log", node, self._log_steps()),
                Lane("cities", node, self._city_steps()),
                # Questions to cities that are away wait for them in a lane of their own.
                Lane("lookups", node, [Step("lookups", lambda: lookups.run_once(node, self.keys.open) > 0)]),
            )
            # From here on ``close`` closes what is open.
            self._opened = stack.pop_all()

    def start(self) -> None:
        """Begin to answer for the keys, and forget what was noted of steps that are switched off now."""
        health.forget_others(self.node, [step.name for lane in self.lanes for step in lane.steps])
        server = KeyServer(self._settings.path(KEY_SOCKET), self.keys)
        self._opened.callback(server.close)

    def run(self, stop: threading.Event, *, ended: Callable[[], bool] = lambda: False) -> None:
        """Run all lanes until told to stop; ``ended`` says that whatever runs beside the daemon is gone.

        Raises:
            Exception: a fault of the program itself ends the process; whoever runs it starts it again.
        """
        faults: list[BaseException] = []

        def work(lane: Lane) -> None:
            try:
                while not stop.is_set():
                    if not lane.run_once():
                        stop.wait(self._settings.poll_interval)
            except BaseException as error:
                faults.append(error)
                stop.set()
                raise

        threads = [threading.Thread(target=work, args=(lane,), name=lane.name) for lane in self.lanes]
        for thread in threads:
            thread.start()
        try:
            while not stop.wait(1.0):
                self._reload_keys()
                if ended():
                    stop.set()
        finally:
            # Whatever ends the watching ends the lanes too: a process of which half goes on looks alive.
            stop.set()
            for thread in threads:
                thread.join()
        if faults:
            raise faults[0]

    def close(self) -> None:
        """Stop answering and close what is open."""
        self._opened.close()

    # ---- steps ------------------------------------------------------------------------------------------------------

    def _chain_steps(self) -> list[Step]:
        node, unseal = self.node, self.keys.open
        return [
            Step("synchronising", self._synchronise),
            Step("renewing", lambda: renewing.run_once(node, unseal, self._renewals) > 0),
            Step("anchoring", lambda: batching.run_once(node, unseal) is not None),
            Step("retrying", every(LIMITS.outbox_replaced_key_seconds, self._retry)),
            Step("sending", self._send),
            Step("opening", lambda: batching.open_batches(node, unseal) > 0),
            Step("erasing", lambda: erasing.run_once(node, unseal) > 0),
        ]

    def _log_steps(self) -> list[Step]:
        # One lane alone writes the log's files; the witness reads them.
        steps = [
            Step("appending", lambda: publishing.append(self.node, self.log) > 0),
            Step(health.STORING, every(LIMITS.health_store_seconds, self.node.blobs.check)),
            Step("cosigning", every(LIMITS.health_note_seconds, lambda: splits.require_none(self._witness.state))),
        ]
        if self._settings.publisher:
            steps.append(Step("publishing", self._publish))
        return steps

    def _city_steps(self) -> list[Step]:
        node, unseal = self.node, self.keys.open
        return [
            Step("papers", lambda: papers.run_once(node, unseal).done > 0),
            Step("releasing", lambda: receiving.run_once(node, unseal, self._received) > 0),
            Step("reading_catalogue", every(LIMITS.catalogue_fetch_seconds, self._read_catalogue)),
            # In the same thread as what copies content here, so that neither takes the other's blocks away.
            Step("forgetting", lambda: received.destroy_once(node) > 0),
        ]

    def _synchronise(self) -> bool:
        return synchronising.run_once(self.node, memory=self._memory, seen=self._saw).added > 0

    def _saw(self, head: Head) -> None:
        health.note_head(self.node, head, memory=self._noted)

    def _send(self) -> bool:
        report = sending.run_once(Sender(self.node.begin, self.node.chain, self._signers, self.node.clock))
        if report.problems:
            code, _, _ = report.problems[0].partition(":")
            raise UnavailableError(code, retry_after=1)
        return report.moved

    def _retry(self) -> None:
        again = taking_over.retry_refused(self.node, {role: key.address for role, key in self._signers.items()})
        if again:
            logs.get().info("retried_for_new_key", count=len(again))

    def _publish(self) -> bool:
        return publishing.publish_once(self.node, self.log, self._log_signer) is not None

    def _read_catalogue(self) -> None:
        catalogue.fetch_once(self.node)

    def _cosign(self, request: bytes) -> bytes:
        answer = self._witness.answer(request)
        return encode_answer(Answer(answer.status, answer.body, answer.content_type, answer.retry_after))

    # ---- keys -------------------------------------------------------------------------------------------------------

    def _use(self, ring: KeyRing) -> None:
        self._signers = chain_signers(ring)
        signers = note_signers(ring, self.node.network, self.node.division)
        state = cosigning.open_witness(witness_path(self._settings, ring), signers)
        self._witness = Witness(self.node, LogView(DirectoryFiles(self.node.log_folder)), state, signers)
        self._log_signer = log_signer(ring, self.node.network, self.node.division)

    def _reload_keys(self) -> None:
        """Finish a rotation that the chain knows of, and read the key files again once one has changed."""
        self._take_over()
        seen = _key_files(self._settings)
        if seen == self._keys_seen:
            return
        self._keys_seen = seen
        try:
            ring = open_keys(self._settings)
            self._use(ring)
            self.keys.replace_ring(ring)
        except LedgerError as error:
            # The keys in use stay in use; a file that cannot be opened is the operator's to mend.
            logs.get().error("keys_not_reloaded", code=error.code)
            return
        logs.get().info("keys_reloaded")

    def _take_over(self) -> None:
        folder = self._settings.path("keys")
        if not any(folder.joinpath("chain").glob("*.pending")):
            return
        try:
            with self.node.database.read() as connection:
                finished = taking_over.finish_rotations(folder, connection, self.node.member)
        except UnavailableError as error:
            # Looked at again in a second; until then the old key goes on.
            logs.get().warning("rotation_not_finished", code=error.code)
            return
        if finished:
            logs.get().info("rotation_finished", roles=finished)


def _key_files(settings: NodeSettings) -> frozenset[tuple[str, int, int, int]]:
    """What is there of key files: one that is put in another's place may well be older than the newest of the others."""
    found = ((path, path.stat()) for path in settings.path("keys").rglob("*.json"))
    return frozenset((str(path), state.st_mtime_ns, state.st_size, state.st_ino) for path, state in found)
