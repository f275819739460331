"""The witness (C2SP tlog-witness): what this city answers when a log asks it to cosign a checkpoint.

Cosigning here says more than the standard asks. For the logs of our own network it says: I have these events from my
own node, and the newest block's time was within 30 seconds of my clock when I first saw it. A city that has not synced
that far answers 503. Outside logs are cosigned on consistency alone.

The answer is a value; the HTTP layer only carries it. What was cosigned last is stored in one transaction before the
answer exists, so a crash can lose an answer and never a memory of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger.domain import merkle
from ledger.domain.checkpoints import Checkpoint, cosign, parse_checkpoint, parse_size, verify_signatures
from ledger.domain.limits import LIMITS
from ledger.domain.notes import NoteSigner, VerifierKey, decode_base64, encode_base64
from ledger.errors import FormatError, InputError
from ledger.log.evidence import NETWORK_SCOPE, Evidence, evidence_against_view

__all__ = [
    "MAX_PROOF_LINES",
    "AddCheckpoint",
    "OwnView",
    "Seen",
    "WitnessAnswer",
    "WitnessState",
    "WitnessedLog",
    "add_checkpoint",
    "format_request",
    "parse_request",
]

MAX_PROOF_LINES = 63
SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"

# A split is settled by people; asking again every few seconds would help nobody.
_HALTED_RETRY = 3_600
_SYNC_RETRY = 5


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request: the size this witness is thought to know, a consistency proof from it, the signed checkpoint."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """An HTTP answer; ``code`` names the reason of a refusal in the message catalogue."""

    status: int
    body: bytes
    content_type: str = TEXT_TYPE
    retry_after: int | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class WitnessedLog:
    """A log that may ask: its keys, and whether this city rebuilds its tree from the chain."""

    keys: tuple[VerifierKey, ...]
    rebuilt: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest checkpoint that was cosigned for one origin."""

    size: int
    root: bytes
    note: bytes


class WitnessState(Protocol):
    """Durable memory of a witness; each method is one transaction that is on the disk when it returns."""

    def latest(self, origin: str) -> Seen | None:
        """The newest checkpoint cosigned for this origin."""
        ...

    def advance(self, origin: str, before: Seen | None, after: Seen) -> bool:
        """Replace the newest checkpoint if it still is ``before``; says whether it did."""
        ...

    def keep_evidence(self, evidence: Evidence) -> None:
        """Keep evidence for good and stop cosigning its scope until it is resolved."""
        ...

    def is_halted(self, scope: str) -> bool:
        """Whether unresolved evidence concerns this scope."""
        ...


class OwnView(Protocol):
    """This city's own tree, built from its own view of the chain."""

    def root_at(self, size: int) -> bytes | None:
        """Head at that size, ``None`` while this city has not synced that far."""
        ...

    def is_timely(self, size: int) -> bool:
        """Whether the newest block of the tree at that size was within the tolerance when it was first seen."""
        ...


def parse_request(data: bytes) -> AddCheckpoint:
    """Read the body of ``add-checkpoint``.

    Raises:
        FormatError: ``log.request_long``, ``log.request_lines``, ``log.number``, ``log.proof_long``, ``log.base64`` or
            ``log.hash_length``.
    """
    if len(data) > LIMITS.log_note_bytes + 4096:
        raise FormatError("log.request_long", limit=LIMITS.log_note_bytes + 4096)
    head, separator, note = data.partition(b"\n\n")
    lines = head.decode("utf-8", "replace").split("\n")
    if not separator or not lines[0].startswith("old "):
        raise FormatError("log.request_lines")
    if len(lines) - 1 > MAX_PROOF_LINES:
        raise FormatError("log.proof_long", expected=MAX_PROOF_LINES, given=len(lines) - 1)
    proof = tuple(decode_base64(line) for line in lines[1:])
    if any(len(value) != merkle.HASH_BYTES for value in proof):
        raise FormatError("log.hash_length")
    return AddCheckpoint(parse_size(lines[0].removeprefix("old ")), proof, note)


def format_request(request: AddCheckpoint) -> bytes:
    """Write the body of ``add-checkpoint``."""
    lines = [f"old {request.old_size}", *(encode_base64(value) for value in request.proof)]
    return "\n".join(lines).encode() + b"\n\n" + request.note


def add_checkpoint(
    body: bytes,
    *,
    logs: Mapping[str, WitnessedLog],
    state: WitnessState,
    view: OwnView,
    signers: Sequence[NoteSigner],
    now: int,
) -> WitnessAnswer:
    """Answer ``POST add-checkpoint``.

    Args:
        body: the request's body.
        logs: logs that may ask, by origin.
        state: what was cosigned so far.
        view: this city's own tree.
        signers: this city's cosigning keys, all of which sign.
        now: POSIX seconds of this city's clock.

    Returns:
        200 with signature lines; 400 malformed; 403 not signed by the log; 404 unknown origin; 409 with the size last
        cosigned; 422 not consistent with it or with this city's own view; 503 not synced so far, or stopped by evidence.
    """
    try:
        request = parse_request(body)
        checkpoint, note = parse_checkpoint(request.note)
    except FormatError as error:
        return _refusal(400, error.code)
    log = logs.get(checkpoint.origin)
    if log is None:
        return _refusal(404, "log.origin_unknown")
    try:
        if not verify_signatures(checkpoint, note.signatures, log.keys):
            return _refusal(403, "log.signature_missing")
    except InputError as error:
        return _refusal(403, error.code)
    if request.old_size > checkpoint.size:
        return _refusal(400, "log.consistency_sizes")
    scope = NETWORK_SCOPE if log.rebuilt else checkpoint.origin
    if state.is_halted(scope):
        return _refusal(503, "log.halted", retry_after=_HALTED_RETRY)
    return _judge(request, checkpoint, log, state, view, signers, now)


def _judge(
    request: AddCheckpoint,
    checkpoint: Checkpoint,
    log: WitnessedLog,
    state: WitnessState,
    view: OwnView,
    signers: Sequence[NoteSigner],
    now: int,
) -> WitnessAnswer:
    latest = state.latest(checkpoint.origin)
    known = 0 if latest is None else latest.size
    if request.old_size != known:
        return _conflict(known, "log.old_size")
    if latest is not None and latest.size == checkpoint.size and latest.root != checkpoint.root:
        scope = NETWORK_SCOPE if log.rebuilt else checkpoint.origin
        # Both notes were verified when they came, perhaps by keys that have been rotated since.
        kept = Evidence(scope, known, latest.note, request.note, right_is_view=False, found_at=now)
        state.keep_evidence(kept)
        return _conflict(known, "log.split_view")
    try:
        old_root = merkle.EMPTY_ROOT if latest is None else latest.root
        merkle.verify_consistency(known, checkpoint.size, request.proof, old_root, checkpoint.root)
    except InputError as error:
        return _refusal(422, error.code)
    if log.rebuilt:
        own = view.root_at(checkpoint.size)
        if own is None:
            return _refusal(503, "log.not_synced", retry_after=_SYNC_RETRY)
        if own != checkpoint.root:
            state.keep_evidence(evidence_against_view(request.note, own, found_at=now))
            return _refusal(422, "log.split_view")
        if not view.is_timely(checkpoint.size):
            return _refusal(503, "log.untimely", retry_after=_SYNC_RETRY)
    seen = Seen(checkpoint.size, checkpoint.root, request.note)
    if not state.advance(checkpoint.origin, latest, seen):
        newest = state.latest(checkpoint.origin)
        return _conflict(0 if newest is None else newest.size, "log.old_size")
    lines = "".join(cosign(checkpoint, signer, now).line() for signer in signers)
    return WitnessAnswer(200, lines.encode())


def _refusal(status: int, code: str, retry_after: int | None = None) -> WitnessAnswer:
    return WitnessAnswer(status, f"{code}\n".encode(), retry_after=retry_after, code=code)


def _conflict(size: int, code: str) -> WitnessAnswer:
    return WitnessAnswer(409, f"{size}\n".encode(), content_type=SIZE_TYPE, code=code)
