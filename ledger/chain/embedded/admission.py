"""Who may send transactions on a private network.

Members rotate their keys, and the register of keys is a contract; so beside the addresses of the configuration there is
a port: a function that is asked for each sender it does not know, at the head of the chain. The usual one,
:func:`contract_admission`, asks the consortium's contract by ``eth_call``. Before that contract is deployed it knows
nobody, and the configured addresses form the network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ledger.chain.embedded.errors import ExecutionRevertedError

__all__ = ["Admission", "StateReader", "contract_admission"]


class StateReader(Protocol):
    """The part of the engine that an admission needs: a call at the head of the chain."""

    def call(self, to: bytes, data: bytes, *, sender: bytes = ...) -> bytes:
        """Execute without a transaction; see ``Engine.call``."""


Admission = Callable[[bytes, StateReader], bool]


def contract_admission(contract: bytes, selector: bytes) -> Admission:
    """An admission that asks a contract's function of an address, such as ``standing``, that answers zero for strangers.

    A contract that is not deployed yet, reverts, or answers with anything but one word admits nobody.
    """

    def admitted(sender: bytes, engine: StateReader) -> bool:
        try:
            answer = engine.call(contract, selector + bytes(12) + sender)
        except ExecutionRevertedError:
            return False
        return len(answer) == 32 and any(answer)

    return admitted
