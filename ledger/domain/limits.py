"""Every hard limit of the product in one place, each with its reason.

Limits that the contracts enforce stand here with the same numbers; a test compares them with the contracts' constants.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LIMITS", "Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All limits; sizes in bytes, times in seconds unless the name says otherwise."""

    # Entries travel in tiles with a 16-bit length before each (C2SP tlog-tiles).
    log_entry_bytes: int = 65_535
    # The network engine's transaction limit is 128 KB; the rest is room for the signature and the envelope.
    transaction_calldata_bytes: int = 96 * 1024
    # A batch must fit a block beside others; measured batches of 200 transitions need 5 M.
    transaction_gas: int = 8_000_000
    # A record of twelve fields has 2 KB; a receipt with its proofs, the longest document read in one piece, under 1 MB.
    json_bytes: int = 4 * 1024 * 1024
    # Our documents nest six deep; parsers recurse, so a bound keeps a hostile one from exhausting the stack.
    json_depth: int = 24
    # Fewer leaves would let a reader of the chain guess how many materials a batch holds.
    batch_leaves_least: int = 256
    # The manifest of a batch is read in one piece: a million leaves are 120 MB of it, a year's papers of a county.
    batch_leaves: int = 2**20
    # How often a material is used before its leaves run out and more are anchored; leaves cost nothing on the chain.
    leaves_per_subject: int = 8


LIMITS = Limits()
