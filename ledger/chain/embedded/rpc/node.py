"""Methods about the network, the fees that nobody pays, and the engine itself."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from eth_hash.auto import keccak

from ledger.chain.embedded import index
from ledger.chain.embedded.documents import data, quantity
from ledger.chain.embedded.rpc.errors import invalid_params
from ledger.chain.embedded.rpc.params import hex_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.chain.embedded.rpc.params import Params

__all__ = ["METHODS"]

_HISTORY_BLOCKS = 1_024


def _constant(value: object) -> Callable[[Params], object]:
    def answer(params: Params) -> object:
        del params
        return value

    return answer


def chain_id(params: Params) -> object:
    """``eth_chainId``."""
    return quantity(params.engine.config.chain_id)


def network(params: Params) -> object:
    """``net_version``."""
    return str(params.engine.config.chain_id)


def client_version(params: Params) -> object:
    """``web3_clientVersion``."""
    del params
    return f"Tongban-Embedded/1/{platform.system().lower()}/python{platform.python_version()}"


def sha3(params: Params) -> object:
    """``web3_sha3``: Keccak-256."""
    return data(keccak(hex_bytes(params.at(0), "data")))


def fee_history(params: Params) -> object:
    """``eth_feeHistory``: zeros, and how full the blocks were."""
    wanted = params.at(0)
    count = wanted if isinstance(wanted, int) and not isinstance(wanted, bool) else params.number(0)
    percentiles = params.at(2, [])
    if not isinstance(percentiles, list) or len(percentiles) > 100:
        raise invalid_params("rewardPercentiles: expected a list of at most 100")
    newest = params.block(1)
    last = params.engine.head.number if newest is None else newest
    count = max(0, min(count, _HISTORY_BLOCKS, last + 1))
    if count == 0:
        return {"oldestBlock": "0x0", "baseFeePerGas": [], "gasUsedRatio": []}
    headers = [params.engine.header(number) for number in range(last - count + 1, last + 1)]
    answer: dict[str, object] = {
        "oldestBlock": quantity(last - count + 1),
        "baseFeePerGas": ["0x0"] * (count + 1),
        "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
        "baseFeePerBlobGas": ["0x1"] * (count + 1),
        "blobGasUsedRatio": [0.0] * count,
    }
    if percentiles:
        answer["reward"] = [["0x0"] * len(percentiles)] * count
    return answer


def clock(params: Params) -> object:
    """``tongban_clock``: the chain's time; with ``{"offset": seconds}`` or ``{"advance": seconds}`` moves it forward."""
    engine = params.engine
    change = params.at(0)
    if change is not None:
        if not isinstance(change, dict) or len(change) != 1 or set(change) - {"offset", "advance"}:
            raise invalid_params("expected offset or advance, in seconds")
        name, seconds = next(iter(change.items()))
        if not isinstance(seconds, int) or isinstance(seconds, bool) or abs(seconds) >= 2**40:
            raise invalid_params("expected whole seconds")
        engine.set_offset(seconds if name == "offset" else engine.clock.offset + seconds)
    return {
        "now": engine.clock.now(),
        "offset": engine.clock.offset,
        "headTimestamp": engine.head.header.timestamp,
        "adjustable": engine.config.adjustable_clock,
    }


def status(params: Params) -> object:
    """``tongban_status``: how the engine is."""
    engine = params.engine
    ready, waiting = engine.pool.counts()
    head = engine.head
    return {
        "chainId": engine.config.chain_id,
        "height": head.number,
        "head": data(head.hash),
        "genesis": data(index.block_by_number(engine.store, 0).hash),
        "headTimestamp": head.header.timestamp,
        "now": engine.clock.now(),
        "private": engine.config.private,
        "pool": {"ready": ready, "waiting": waiting, "oldestSeconds": engine.pool.oldest()},
        "fault": engine.fault,
        "databaseBytes": engine.store.size(),
    }


def pool_status(params: Params) -> object:
    """``txpool_status``."""
    ready, waiting = params.engine.pool.counts()
    return {"pending": quantity(ready), "queued": quantity(waiting)}


METHODS = {
    "eth_chainId": (chain_id, 0, 0),
    "eth_gasPrice": (_constant("0x0"), 0, 0),
    "eth_maxPriorityFeePerGas": (_constant("0x0"), 0, 0),
    "eth_blobBaseFee": (_constant("0x1"), 0, 0),
    "eth_feeHistory": (fee_history, 2, 3),
    "eth_accounts": (_constant([]), 0, 0),
    "eth_syncing": (_constant(False), 0, 0),  # noqa: FBT003  # the answer is the JSON value false
    "eth_mining": (_constant(False), 0, 0),  # noqa: FBT003  # as above
    "eth_hashrate": (_constant("0x0"), 0, 0),
    "net_version": (network, 0, 0),
    "net_listening": (_constant(True), 0, 0),  # noqa: FBT003  # as above
    "net_peerCount": (_constant("0x0"), 0, 0),
    "web3_clientVersion": (client_version, 0, 0),
    "web3_sha3": (sha3, 1, 1),
    "txpool_status": (pool_status, 0, 0),
    "tongban_clock": (clock, 0, 1),
    "tongban_status": (status, 0, 0),
}
