"""The publisher: signs the tree's head as the log, collects cosignatures, and serves the checkpoint.

Before anything is signed the files under it are read from the disk and hashed again (a public log was once lost to one
flipped bit): all of them up to a size, beyond it the new ones and each time another stretch of the old ones. A cosigner
that cannot be reached or refuses costs its signature and nothing else; where a policy is given, the older checkpoint
stays until the new one satisfies it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from ledger.domain.checkpoints import (
    Checkpoint,
    parse_checkpoint,
    parse_size,
    sign_checkpoint,
    verify_signature,
)
from ledger.domain.limits import LIMITS
from ledger.domain.notes import NoteSignature, NoteSigner, SignedNote, VerifierKey, format_note, parse_signature_lines
from ledger.domain.policies import Policy, evaluate
from ledger.errors import FormatError, InputError, IntegrityError, LedgerError
from ledger.log.store import LogStore
from ledger.log.witness import SIZE_TYPE, AddCheckpoint, WitnessAnswer, format_request

__all__ = ["Collected", "Cosigner", "Publication", "Publisher", "is_due"]


class Cosigner(Protocol):
    """A witness to ask, another city or an outside one."""

    @property
    def name(self) -> str:
        """What it is called in reports."""
        ...

    @property
    def keys(self) -> Sequence[VerifierKey]:
        """Keys whose cosignatures it is expected to give; others are ignored."""
        ...

    def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        """Post a request.

        Raises:
            UnavailableError: it cannot be reached.
        """
        ...


@dataclass(frozen=True, slots=True)
class Collected:
    """What one cosigner gave: signatures, or the code and the HTTP status of why not."""

    name: str
    signatures: tuple[NoteSignature, ...]
    code: str | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """What became of a checkpoint; ``is_served`` is false while the policy is not satisfied."""

    checkpoint: Checkpoint
    note: bytes
    collected: tuple[Collected, ...]
    is_served: bool


# Applies a function to each cosigner, in order or at once: ``map`` or an executor's.
Run = Callable[[Callable[[Cosigner], Collected], Iterable[Cosigner]], Iterable[Collected]]


def is_due(block_number: int, every: int) -> bool:
    """Whether checkpoints (or status entries) are made after this block: at multiples of ``every``, alike in all cities."""
    return block_number % every == 0


class Publisher:
    """Publishes one log; keeps in memory only how far it has read old files again."""

    def __init__(self, store: LogStore, signer: NoteSigner, policy: Policy | None = None) -> None:
        self._store = store
        self._signer = signer
        self._policy = policy
        self._reread = 0
        # Cosigners may be asked from several threads; the store is read by one at a time.
        self._lock = Lock()

    def publish(self, cosigners: Iterable[Cosigner], *, size: int | None = None, run: Run = map) -> Publication:
        """Sign, collect and serve the head at ``size`` (the newest if left out); again to collect what was missing.

        Raises:
            IntegrityError: ``log.damaged`` or ``log.missing``: a file under the head is not what was written, nothing
                was signed.
            InputError: ``log.size_range``, or ``log.publish_empty`` before the genesis entry.
            ConflictError: ``log.publish_older`` when a larger checkpoint is published already.
            UnavailableError: ``log.disk``.
        """
        target = self._store.head.size if size is None else size
        if target == 0:
            raise InputError("log.publish_empty")
        self._verify_files(target)
        checkpoint = Checkpoint(self._signer.key.name, target, self._store.root_at(target))
        kept = self._kept(checkpoint)
        log_signature = sign_checkpoint(checkpoint, self._signer)
        asked = list(cosigners)
        collected = tuple(run(lambda cosigner: self._ask(cosigner, checkpoint, log_signature, kept), asked))
        given = {(line.name, line.key_id): line for one in collected for line in one.signatures}
        old = [line for line in kept if (line.name, line.key_id) not in given]
        signatures = (log_signature, *old, *given.values())
        note = format_note(checkpoint.text(), signatures)
        is_served = self._satisfies(checkpoint, SignedNote(checkpoint.text(), signatures))
        if is_served:
            self._store.publish(note)
        return Publication(checkpoint, note, collected, is_served)

    def _verify_files(self, size: int) -> None:
        budget = LIMITS.log_reread_entries
        if size <= budget:
            self._store.verify(0, size)
            return
        published = self._store.published
        self._store.verify(published.size if published is not None else 0, size)
        if self._reread >= size:
            self._reread = 0
        self._store.verify(self._reread, min(self._reread + budget, size))
        self._reread += budget

    def _kept(self, checkpoint: Checkpoint) -> tuple[NoteSignature, ...]:
        """Cosignatures that the served checkpoint has already, when it is this very one."""
        served = self._store.published_note
        if served is None:
            return ()
        found, note = parse_checkpoint(served)
        if found != checkpoint:
            return ()
        own = self._signer.key
        return tuple(line for line in note.signatures if not line.is_by(own))

    def _ask(
        self,
        cosigner: Cosigner,
        checkpoint: Checkpoint,
        log_signature: NoteSignature,
        kept: Sequence[NoteSignature],
    ) -> Collected:
        if all(any(line.is_by(key) for line in kept) for key in cosigner.keys):
            return Collected(cosigner.name, ())
        note = format_note(checkpoint.text(), [log_signature])
        try:
            answer = self._post(cosigner, checkpoint, note, self._guess(cosigner))
            known = _known_size(answer)
            if known is not None:
                if known > checkpoint.size:
                    return Collected(cosigner.name, (), "log.cosigner_ahead")
                answer = self._post(cosigner, checkpoint, note, known)
            return self._read(cosigner, checkpoint, answer)
        except IntegrityError:
            raise
        except LedgerError as error:
            return Collected(cosigner.name, (), error.code)

    def _guess(self, cosigner: Cosigner) -> int:
        """Size that the cosigner probably knows: that of the served checkpoint if it signed that, else none."""
        served = self._store.published_note
        if served is None:
            return 0
        found, note = parse_checkpoint(served)
        signed = any(line.is_by(key) for line in note.signatures for key in cosigner.keys)
        return found.size if signed else 0

    def _post(self, cosigner: Cosigner, checkpoint: Checkpoint, note: bytes, old_size: int) -> WitnessAnswer:
        with self._lock:
            proof = self._store.consistency_proof(min(old_size, checkpoint.size), checkpoint.size)
        return cosigner.add_checkpoint(format_request(AddCheckpoint(old_size, proof, note)))

    def _read(self, cosigner: Cosigner, checkpoint: Checkpoint, answer: WitnessAnswer) -> Collected:
        if answer.status != 200:
            return Collected(cosigner.name, (), answer.code or "log.cosigner_refused", answer.status)
        if len(answer.body) > LIMITS.log_note_bytes:
            raise FormatError("log.note_long", limit=LIMITS.log_note_bytes)
        try:
            lines = parse_signature_lines(answer.body.decode("utf-8"))
        except UnicodeDecodeError:
            raise FormatError("log.note_utf8") from None
        good = {}
        for line in lines:
            for key in cosigner.keys:
                if key.type.is_cosignature and line.is_by(key):
                    verify_signature(checkpoint, line, key)
                    good[key] = line
        if not good:
            return Collected(cosigner.name, (), "log.cosigner_unknown_keys")
        return Collected(cosigner.name, tuple(good.values()))

    def _satisfies(self, checkpoint: Checkpoint, note: SignedNote) -> bool:
        if self._policy is None:
            return True
        try:
            evaluate(self._policy, checkpoint, note)
        except InputError as error:
            if error.code != "log.policy_quorum":
                raise
            return False
        return True


def _known_size(answer: WitnessAnswer) -> int | None:
    if answer.status != 409 or not answer.content_type.startswith(SIZE_TYPE):
        return None
    return parse_size(answer.body[:32].decode("ascii", "replace").removesuffix("\n"))
