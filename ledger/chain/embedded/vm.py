"""The virtual machine and the chain of the embedded engine: py-evm's Prague rules under headers of our own.

py-evm decides header fields by the rules of a public network, and three of them are wrong here: the timestamp must be
later than the parent's (one block a second), the gas limit drifts by 1/1024 a block, and the base fee decays to 7 or
climbs from 0 to 1 and stays. On a permissioned network that charges nothing the time is the engine's clock, the gas
limit is the one of genesis and the base fee is zero. :func:`mine` sets them before every block, because
``mine_all(timestamp=…)`` would write the time into the header *after* the contracts have run under another one.

Everything else of Prague stays: opcodes, precompiles, gas schedule, receipts, state and roots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eth.abc import BlockPersistResult
from eth.chains.base import MiningChain
from eth.constants import (
    BLANK_ROOT_HASH,
    GENESIS_PARENT_HASH,
    POST_MERGE_DIFFICULTY,
    POST_MERGE_MIX_HASH,
    POST_MERGE_NONCE,
    POST_MERGE_OMMERS_HASH,
)
from eth.db.chain import ChainDB
from eth.vm.chain_context import ChainContext
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth.vm.forks.prague.state import PragueState, PragueTransactionExecutor
from eth_typing import BlockNumber
from eth_utils.exceptions import ValidationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eth.abc import (
        AtomicDatabaseAPI,
        BlockAPI,
        BlockHeaderAPI,
        ReceiptAPI,
        SignedTransactionAPI,
        StateAPI,
    )

__all__ = [
    "EngineChain",
    "EngineVM",
    "chain_class",
    "first_refused",
    "genesis_block",
    "mine",
    "pending_header",
    "state_at",
]

# The yellow paper's bound on a header's free field.
_EXTRA_DATA_BYTES = 32


class _EngineExecutor(PragueTransactionExecutor):
    """Prague's executor without a second look at what the pool has checked.

    py-evm recovers and verifies the signature of each transaction again inside the block; here no transaction gets so
    far without ``transactions.decode``, and the sender it recovered is kept on the transaction.
    """

    def validate_transaction(self, transaction: SignedTransactionAPI) -> None:
        """Check only what depends on the state: nonce and funds."""
        self.vm_state.validate_transaction(transaction)


class _EngineState(PragueState):
    transaction_executor_class = _EngineExecutor


class EngineVM(PragueVM):
    """Prague with the header rules of a network that charges nothing and may close several blocks in one second."""

    _state_class = _EngineState

    @classmethod
    def validate_header(cls, header: BlockHeaderAPI, parent_header: BlockHeaderAPI) -> None:
        """Hold a header against its parent.

        Raises:
            ValidationError: naming the field that breaks the rule.
        """
        rules = {
            "parent hash": header.parent_hash == parent_header.hash,
            "number": header.block_number == parent_header.block_number + 1,
            "timestamp": header.timestamp >= parent_header.timestamp,
            "gas limit": header.gas_limit == parent_header.gas_limit,
            "gas used": header.gas_used <= header.gas_limit,
            "base fee": header.base_fee_per_gas == 0,
            "extra data": len(header.extra_data) <= _EXTRA_DATA_BYTES,
            "difficulty": header.difficulty == POST_MERGE_DIFFICULTY,
            "nonce": header.nonce == POST_MERGE_NONCE,
            "ommers": header.uncles_hash == POST_MERGE_OMMERS_HASH,
        }
        broken = [name for name, held in rules.items() if not held]
        if broken:
            raise ValidationError(f"block {header.block_number} breaks the rule of: {', '.join(broken)}")


class _EngineChainDB(ChainDB):
    """py-evm's chain records without the nodes of the transaction and receipt tries.

    Transactions and receipts stand in the engine's own index (``index``), where they are found by hash; the header
    keeps both roots, from which anyone with the block's transactions can build the tries again.
    """

    def persist_trie_data_dict(self, trie_data_dict: dict[Any, bytes]) -> None:
        """Store nothing: see the class."""


class EngineChain(MiningChain):
    """py-evm's chain, told not to read back and re-validate the block that it has just built and validated."""

    chaindb_class = _EngineChainDB

    def persist_block(self, block: BlockAPI, perform_validation: bool = True) -> BlockPersistResult:  # noqa: FBT001, FBT002  # py-evm's signature
        """Write the block's records into the overlay; ``mine_all`` has validated the block just before."""
        del perform_validation
        self.chaindb.persist_block(block)
        return BlockPersistResult(imported_block=block, new_canonical_blocks=(block,), old_canonical_blocks=())


def chain_class(chain_id: int) -> type[EngineChain]:
    """The chain's class for one network: py-evm keeps the chain id and the rules on the class."""
    return type("EngineChainOfNetwork", (EngineChain,), {"vm_configuration": ((0, EngineVM),), "chain_id": chain_id})


def genesis_block(*, chain_id: int, gas_limit: int, timestamp: int) -> BlockAPI:
    """Block 0: an empty state, no fee, and the network's number in the header's free field."""
    header = PragueBlockHeader(
        difficulty=POST_MERGE_DIFFICULTY,
        block_number=BlockNumber(0),
        gas_limit=gas_limit,
        timestamp=timestamp,
        parent_hash=GENESIS_PARENT_HASH,
        state_root=BLANK_ROOT_HASH,
        mix_hash=POST_MERGE_MIX_HASH,
        nonce=POST_MERGE_NONCE,
        extra_data=b"tongban %d" % chain_id,
        base_fee_per_gas=0,
    )
    return EngineVM.get_block_class()(header, transactions=[], uncles=[], withdrawals=[])


def _prepared(chain: EngineChain, timestamp: int) -> BlockHeaderAPI:
    parent = chain.get_canonical_head()
    base = chain.create_header_from_parent(parent)
    return base.copy(timestamp=timestamp, gas_limit=parent.gas_limit, base_fee_per_gas=0)


def mine(
    chain: EngineChain, transactions: Sequence[SignedTransactionAPI], *, timestamp: int
) -> tuple[BlockAPI, tuple[ReceiptAPI, ...]]:
    """Close one block over the transactions at the given time.

    The three fields are set on the header *before* execution, so that contracts see the time that the header states.

    Raises:
        ValidationError: a transaction does not stand on the state as the block reaches it, or the header rules break.
    """
    chain.header = _prepared(chain, timestamp)
    imported, receipts, _computations = chain.mine_all(transactions)
    return imported.imported_block, receipts


def first_refused(
    chain: EngineChain, transactions: Sequence[SignedTransactionAPI], *, timestamp: int
) -> tuple[int, str] | None:
    """Which transaction :func:`mine` stumbles over, and why; ``None`` if it is not a transaction's fault."""
    header = _prepared(chain, timestamp)
    vm = chain.get_vm(header)
    for index, transaction in enumerate(transactions):
        try:
            receipt, _computation = vm.apply_transaction(header, transaction)
        except ValidationError as error:
            return index, str(error)
        header = vm.add_receipt_to_header(header, receipt)
    return None


def pending_header(head: BlockHeaderAPI, *, timestamp: int) -> BlockHeaderAPI:
    """The header that the next block would execute under, at this moment."""
    base: BlockHeaderAPI = EngineVM.create_header_from_parent(head)
    return base.copy(timestamp=timestamp, gas_limit=head.gas_limit, base_fee_per_gas=0)


def state_at(db: AtomicDatabaseAPI, header: BlockHeaderAPI, chain_id: int) -> StateAPI:
    """A state to execute on, under the number, time and limits of ``header``; nothing of it is ever stored."""
    ancestors = EngineVM.get_prev_hashes(header.parent_hash, _EngineChainDB(db))
    return EngineVM.build_state(db, header, ChainContext(chain_id), ancestors or ())
