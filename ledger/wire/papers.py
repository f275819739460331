"""Papers of a case: what stands behind the salted commitment of a transition, for the members of that case alone.

A paper is a canonical JSON document with a salt of its own. The chain holds ``commitment``, which is SHA-256(salt ‖
canonical JSON of the body), and the digest of the encrypted box; whoever may open the box checks the one against the
other. The box is one raw block, so its digest is its CID.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ledger.domain import boxes, canonical
from ledger.domain.limits import LIMITS
from ledger.domain.wrapping import RecipientPublic
from ledger.errors import FormatError, InputError, IntegrityError

__all__ = ["FORMAT", "LABEL", "Paper", "SealedPaper", "commitment_of", "read_paper", "seal_paper"]

FORMAT = "tongban/paper/1"
LABEL = "paper"
_SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class SealedPaper:
    """A paper ready to be stored and committed to; ``blob`` is SHA-256 of ``box``.

    ``salt`` is what the commitment was salted with: whoever signs for the paper and has no key to its box needs it to see
    that the commitment is that of the words they read.
    """

    box: bytes
    blob: bytes
    commitment: bytes
    salt: bytes = b""


@dataclass(frozen=True, slots=True)
class Paper:
    """An opened paper: what kind it is, and what it says."""

    kind: str
    body: canonical.JsonObject


def commitment_of(salt: bytes, kind: str, body: canonical.JsonObject) -> bytes:
    """Return the salted commitment that stands on the chain."""
    return hashlib.sha256(salt + canonical.encode({"body": body, "kind": kind})).digest()


def seal_paper(
    kind: str, body: canonical.JsonObject, recipients: Mapping[int, RecipientPublic], random: Callable[[int], bytes]
) -> SealedPaper:
    """Seal a paper for some members.

    Raises:
        InputError: ``papers.too_large``; codes of :func:`ledger.domain.boxes.seal_box`.
    """
    salt = random(_SALT_BYTES)
    document = canonical.encode({"body": body, "format": FORMAT, "kind": kind, "salt": salt.hex()})
    if len(document) > LIMITS.paper_bytes:
        raise InputError("papers.too_large", size=len(document), limit=LIMITS.paper_bytes)
    box = b"".join(boxes.seal_box([document], recipients, LABEL, random))
    return SealedPaper(box, hashlib.sha256(box).digest(), commitment_of(salt, kind, body), salt)


def read_paper(opened: Iterable[bytes], commitment: bytes) -> Paper:
    """Read an opened paper and hold it against the commitment on the chain.

    Raises:
        FormatError: ``papers.malformed``.
        IntegrityError: ``papers.commitment`` where it is not the paper that was committed to.
    """
    document = canonical.decode(b"".join(opened))
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise FormatError("papers.malformed")
    kind, body, salt = document.get("kind"), document.get("body"), document.get("salt")
    if not (
        isinstance(kind, str) and isinstance(body, dict) and isinstance(salt, str) and len(salt) == 2 * _SALT_BYTES
    ):
        raise FormatError("papers.malformed")
    try:
        raw = bytes.fromhex(salt)
    except ValueError:
        raise FormatError("papers.malformed") from None
    if commitment_of(raw, kind, body) != commitment:
        raise IntegrityError("papers.commitment")
    return Paper(kind, body)
