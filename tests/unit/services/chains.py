"""A chain that holds one history, for services that read blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.ports import Block, Head, MinedTransaction, Receipt
from tests.unit.projections.streams import CHAIN_ID

__all__ = ["HistoryChain"]


@dataclass
class HistoryChain:
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

    def unverified(self) -> tuple[str, ...]:
        return ()

    def call(self, contract: str, kind: str, function: str, *args: object, block: int | None = None) -> object:
        raise NotImplementedError

    def send(self, raw: bytes) -> bytes:
        raise NotImplementedError

    def receipt(self, transaction: bytes) -> Receipt | None:
        raise NotImplementedError

    def nonce(self, address: str) -> int:
        raise NotImplementedError

    def mined(self, address: str, nonce: int) -> MinedTransaction | None:
        raise NotImplementedError
