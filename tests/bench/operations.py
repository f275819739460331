"""Operations on cases, in batches on the durable embedded engine, against eth-tester and against py-evm in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from eth.chains.base import MiningChain
from eth.constants import POST_MERGE_MIX_HASH, POST_MERGE_NONCE
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.transactions import PragueTransactionBuilder
from eth_tester.backends.pyevm.main import PyEVMBackend
from eth_tester.main import EthereumTester
from web3 import EthereumTesterProvider, Web3

from ledger.chain.embedded.chain import Engine
from ledger.chain.embedded.provider import EngineProvider
from tests.bench.office import (
    CHAIN_ID,
    LIFE,
    ROUNDS,
    Office,
    expect,
    found_office,
    history,
    open_engine,
    play,
    sequence_of,
)
from tests.bench.row import Row
from tests.integration.network import GENESIS

__all__ = ["FREE_PARAMETERS", "GAS_LIMIT", "durable", "eth_tester", "operations", "operations_memory"]

GAS_LIMIT = 200_000_000
FREE_PARAMETERS: dict[str, Any] = {"base_fee_per_gas": 0, "gas_limit": GAS_LIMIT, "timestamp": GENESIS}


@contextmanager
def durable() -> Iterator[tuple[Engine, Office]]:
    """The engine over a file with full synchronisation, as in production, and a founded office."""
    with tempfile.TemporaryDirectory(prefix="tongban-bench-") as folder:
        engine = open_engine(Path(folder) / "engine.db")
        try:
            yield engine, found_office(engine)
        finally:
            engine.close()


def eth_tester(transactions: list[bytes]) -> Web3:
    """eth-tester behind web3, with the same transactions run."""
    parameters = PyEVMBackend.generate_genesis_params() | FREE_PARAMETERS
    web3 = Web3(EthereumTesterProvider(EthereumTester(PyEVMBackend(genesis_parameters=parameters))))
    for raw in transactions:
        web3.eth.send_raw_transaction(raw)
    return web3


class _FreeVM(PragueVM):
    """Prague without a look at a header's fees, which would make transactions pay; one check less for the peer."""

    @classmethod
    def validate_header(cls, header: Any, parent_header: Any) -> None:
        """Trust the header that was just made here."""


def in_memory(transactions: list[bytes]) -> Callable[[bytes], int]:
    """What mines one more transaction on py-evm's own chain in memory, with these run, and says how many logs it left."""
    kind = MiningChain.configure(__name__="BenchChain", vm_configuration=((0, _FreeVM),), chain_id=CHAIN_ID)
    fixed = {"difficulty": 0, "nonce": POST_MERGE_NONCE, "mix_hash": POST_MERGE_MIX_HASH, "extra_data": b""}
    chain = cast("MiningChain", kind.from_genesis(AtomicDB(), fixed | FREE_PARAMETERS))

    def mine(raw: bytes) -> int:
        chain.header = chain.header.copy(gas_limit=GAS_LIMIT, base_fee_per_gas=0)
        _, receipts, _ = chain.mine_all([PragueTransactionBuilder.decode(raw)])
        return sum(len(receipt.logs) for receipt in receipts)

    for raw in transactions:
        mine(raw)
    return mine


@contextmanager
def operations(scale: int) -> Iterator[Row]:
    """Steps of cases in batches of 200 on the durable engine against one a transaction in eth-tester, both by web3."""
    many, few = 200, 40 // min(scale, 4)
    with durable() as (engine, office):
        past = history(engine)
        opened = office.openings(1, ROUNDS * many)
        play(engine, opened)
        ours_web3 = Web3(EngineProvider(engine, mine=True))
        theirs = eth_tester(past + opened[: -(-ROUNDS * few // 32)])
        lone = Office(office.addresses, office.agreement, dict(office.nonces))
        ours = [office.lives(range(1 + turn * many, 1 + (turn + 1) * many)) for turn in range(ROUNDS)]
        peer = [lone.lives(range(1 + turn * few, 1 + (turn + 1) * few), batch=1) for turn in range(ROUNDS)]

        def run(web3: Web3, lives: list[list[bytes]], cases: int) -> int:
            for raw in lives.pop(0):
                web3.eth.send_raw_transaction(raw)
            expect(sequence_of(web3, office, (ROUNDS - len(lives)) * cases))
            return cases * len(LIFE)

        yield Row(
            "eth-tester, one operation a transaction",
            12.0,
            lambda: run(ours_web3, ours, many),
            lambda: run(theirs, peer, few),
        )


@contextmanager
def operations_memory(scale: int) -> Iterator[Row]:
    """The same batches against py-evm's mine_all in memory, which keeps nothing."""
    many = 200 // min(scale, 5)
    with durable() as (engine, office):
        past = history(engine)
        opened = office.openings(1, ROUNDS * many)
        play(engine, opened)
        mine = in_memory(past + opened)
        lives = [office.lives(range(1 + turn * many, 1 + (turn + 1) * many)) for turn in range(ROUNDS)]
        left = list(lives)
        web3 = Web3(EngineProvider(engine))

        def ours() -> int:
            play(engine, lives.pop(0))
            expect(sequence_of(web3, office, (ROUNDS - len(lives)) * many))
            return many * len(LIFE)

        def peer() -> int:
            done = sum(mine(raw) for raw in left.pop(0))
            expect(1 + done // many)
            return done

        yield Row("py-evm mine_all in memory, same batches", 0.85, ours, peer)
