"""A place that has one history's blocks, for what reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.ports import Block, Blocks, Head
from tests.unit.projections.streams import CHAIN_ID

__all__ = ["HistoryChain"]


@dataclass
class HistoryChain(Blocks):
    """Answers from a list of blocks; those beyond ``finalised`` are not final yet."""

    held: list[Block]
    finalised: int
    reads: int = 0

    def chain_id(self) -> int:
        return CHAIN_ID

    def head(self) -> Head:
        last = self.held[-1]
        return Head(last.number, last.hash, last.time, self.finalised)

    def blocks(self, first: int, last: int) -> Sequence[Block]:
        self.reads += 1
        assert last <= self.finalised
        return self.held[first : last + 1]
