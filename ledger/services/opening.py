"""Opening what is sealed to this city: a material's document, a batch's manifest.

Whatever opens them says with what (``unseal``): the daemon's keys, or those a command has just unlocked.
"""

from __future__ import annotations

from collections.abc import Callable

from ledger.blobs.content import read_content
from ledger.domain import boxes
from ledger.services.context import Node
from ledger.wire.materials import (
    BATCH_LABEL,
    MATERIAL_LABEL,
    BatchManifest,
    MaterialDocument,
    decode_batch,
    decode_material,
)

__all__ = ["Unseal", "open_batch", "open_material"]

# Opens what was wrapped to this city: (wrapped key, HPKE info) to the key.
Unseal = Callable[[bytes, bytes], bytes]


def open_material(node: Node, unseal: Unseal, box: bytes, label: str = MATERIAL_LABEL) -> MaterialDocument:
    """Open a material's document; ``label`` says what it was sealed as.

    Raises:
        LedgerError: codes of ``envelopes`` and ``materials``, and whatever ``unseal`` raises.
    """
    return decode_material(b"".join(boxes.open_box_with([box], node.member, unseal, label)))


def open_batch(node: Node, unseal: Unseal, cid: str) -> BatchManifest:
    """Open the manifest of one of this city's batches.

    Raises:
        LedgerError: as :func:`read_content` and :func:`open_material`.
    """
    sealed = read_content(node.blobs, cid)
    return decode_batch(b"".join(boxes.open_box_with(sealed, node.member, unseal, BATCH_LABEL)))
