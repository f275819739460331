"""Proofs of logging (C2SP tlog-proof) and the JSON form of status proofs: what an offline verifier reads.

A ``.tlog-proof`` file says that an entry stands at an index of a log whose checkpoint so many cosigners have seen. It is
checked with nothing but a policy: no network, no database, no key. Several entries may share one checkpoint, so its
signatures are verified once (:func:`trust_checkpoint`) and each entry against the head that this gives.

Whatever a prover sends is bounded before it is read and refused with a code of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ledger.domain import merkle
from ledger.domain.canonical import JsonObject, JsonValue
from ledger.domain.checkpoints import Checkpoint, parse_checkpoint, parse_size
from ledger.domain.limits import LIMITS
from ledger.domain.notes import decode_base64, encode_base64
from ledger.domain.policies import Policy, Verdict, evaluate
from ledger.domain.status import AbsenceProof, Neighbour, PresenceProof
from ledger.errors import FormatError

__all__ = [
    "PROOF_HEADER",
    "LogProof",
    "TrustedCheckpoint",
    "absence_from_json",
    "absence_to_json",
    "format_proof",
    "parse_proof",
    "path_from_json",
    "path_to_json",
    "trust_checkpoint",
    "verify_entry",
    "verify_proof",
]

PROOF_HEADER = "c2sp.org/tlog-proof@v1"
# Tree sizes are below 2^63, so no inclusion proof is longer.
MAX_PATH = 63


@dataclass(frozen=True, slots=True)
class LogProof:
    """A parsed proof; ``checkpoint`` is the signed note as bytes, ``extra`` opaque and never to be trusted."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


@dataclass(frozen=True, slots=True)
class TrustedCheckpoint:
    """A head whose signatures satisfied a policy, and who gave them."""

    checkpoint: Checkpoint
    verdict: Verdict


def parse_proof(data: bytes) -> LogProof:
    """Read a ``.tlog-proof`` file; form only, nothing verified.

    Raises:
        FormatError: ``log.proof_size`` (file too long), ``log.proof_header``, ``log.proof_extra``, ``log.proof_index``,
            ``log.number``, ``log.proof_long``, ``log.base64``, ``log.hash_length``, ``log.proof_lines`` or
            ``log.note_utf8``.
    """
    if len(data) > LIMITS.log_proof_bytes:
        raise FormatError("log.proof_size", limit=LIMITS.log_proof_bytes)
    head, separator, checkpoint = data.partition(b"\n\n")
    if not separator:
        raise FormatError("log.proof_lines")
    try:
        lines = head.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise FormatError("log.note_utf8") from None
    if lines.pop(0) != PROOF_HEADER:
        raise FormatError("log.proof_header")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = decode_base64(lines.pop(0).removeprefix("extra "))
        if len(extra) > LIMITS.log_proof_extra_bytes:
            raise FormatError("log.proof_extra", limit=LIMITS.log_proof_extra_bytes)
    if not lines or not lines[0].startswith("index "):
        raise FormatError("log.proof_index")
    index = parse_size(lines.pop(0).removeprefix("index "))
    return LogProof(index, _path(lines), checkpoint, extra)


def format_proof(proof: LogProof) -> bytes:
    """Write a ``.tlog-proof`` file."""
    lines = [PROOF_HEADER]
    if proof.extra is not None:
        lines.append(f"extra {encode_base64(proof.extra)}")
    lines.append(f"index {proof.index}")
    lines.extend(encode_base64(value) for value in proof.path)
    return "\n".join(lines).encode() + b"\n\n" + proof.checkpoint


def trust_checkpoint(note: bytes, policy: Policy, *, not_after: int | None = None) -> TrustedCheckpoint:
    """Require that a signed checkpoint satisfies a policy.

    Raises:
        FormatError: the note is malformed (see :func:`ledger.domain.checkpoints.parse_checkpoint`).
        InputError: the policy refuses it (see :func:`ledger.domain.policies.evaluate`).
    """
    return _trusted(note, policy, not_after)


# A pure function of its bytes: the many receipts that are made under one checkpoint share the work of its signatures.
@lru_cache(maxsize=16)
def _trusted(note: bytes, policy: Policy, not_after: int | None) -> TrustedCheckpoint:
    checkpoint, signed = parse_checkpoint(note)
    return TrustedCheckpoint(checkpoint, evaluate(policy, checkpoint, signed, not_after=not_after))


def verify_entry(entry: bytes, index: int, path: Sequence[bytes], trusted: TrustedCheckpoint) -> None:
    """Require that ``entry`` stands at ``index`` under a trusted head.

    Raises:
        FormatError: the path has not the form that index and tree size demand.
        InputError: ``log.inclusion_mismatch``.
    """
    checkpoint = trusted.checkpoint
    merkle.verify_inclusion(merkle.leaf_hash(entry), index, checkpoint.size, path, checkpoint.root)


def verify_proof(entry: bytes, proof: LogProof, policy: Policy, *, not_after: int | None = None) -> TrustedCheckpoint:
    """Check one proof whole: the checkpoint against the policy, then the entry against its head.

    Raises:
        FormatError: something is malformed.
        InputError: something does not verify.
    """
    trusted = trust_checkpoint(proof.checkpoint, policy, not_after=not_after)
    verify_entry(entry, proof.index, proof.path, trusted)
    return trusted


def path_to_json(path: Sequence[bytes]) -> JsonValue:
    """Write a Merkle path as base64 strings, the leaf's sibling first."""
    return [encode_base64(value) for value in path]


def path_from_json(value: JsonValue) -> tuple[bytes, ...]:
    """Read a Merkle path.

    Raises:
        FormatError: ``log.proof_json``, ``log.proof_long``, ``log.base64`` or ``log.hash_length``.
    """
    if not isinstance(value, list):
        raise FormatError("log.proof_json")
    lines = [item for item in value if isinstance(item, str)]
    if len(lines) != len(value):
        raise FormatError("log.proof_json")
    return _path(lines)


def absence_to_json(proof: AbsenceProof) -> JsonObject:
    """Write a status tree's absence proof; a missing neighbour is ``null``."""
    return {"left": _neighbour_to_json(proof.left), "right": _neighbour_to_json(proof.right)}


def absence_from_json(value: JsonValue) -> AbsenceProof:
    """Read a status tree's absence proof; form only.

    Raises:
        FormatError: ``log.proof_json``, ``log.number``, ``log.proof_long``, ``log.base64`` or ``log.hash_length``.
    """
    if not isinstance(value, Mapping) or set(value) != {"left", "right"}:
        raise FormatError("log.proof_json")
    return AbsenceProof(_neighbour_from_json(value["left"]), _neighbour_from_json(value["right"]))


def _neighbour_to_json(neighbour: Neighbour | None) -> JsonValue:
    if neighbour is None:
        return None
    return {
        "identifier": encode_base64(neighbour.identifier),
        "index": str(neighbour.proof.index),
        "path": path_to_json(neighbour.proof.path),
    }


def _neighbour_from_json(value: JsonValue) -> Neighbour | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or set(value) != {"identifier", "index", "path"}:
        raise FormatError("log.proof_json")
    identifier, index = value["identifier"], value["index"]
    if not isinstance(identifier, str) or not isinstance(index, str):
        raise FormatError("log.proof_json")
    return Neighbour(_hash(identifier), PresenceProof(parse_size(index), path_from_json(value["path"])))


def _path(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > MAX_PATH:
        raise FormatError("log.proof_long", expected=MAX_PATH, given=len(lines))
    return tuple(_hash(line) for line in lines)


def _hash(text: str) -> bytes:
    value = decode_base64(text)
    if len(value) != merkle.HASH_BYTES:
        raise FormatError("log.hash_length")
    return value
