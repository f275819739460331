"""Beginning a chain in an empty store, and holding a stored one against itself before anything is served from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ledger.chain.embedded import index
from ledger.chain.embedded.errors import damaged
from ledger.chain.embedded.vm import genesis_block
from ledger.errors import IntegrityError, SetupError

if TYPE_CHECKING:
    from eth.abc import BlockAPI, BlockHeaderAPI

    from ledger.chain.embedded.clock import ChainClock
    from ledger.chain.embedded.config import EngineConfig
    from ledger.chain.embedded.overlay import Overlay
    from ledger.chain.embedded.store import Store
    from ledger.chain.embedded.vm import EngineChain

__all__ = ["begin", "check_head", "check_network", "head_meta"]


def begin(config: EngineConfig, store: Store, clock: ChainClock, overlay: Overlay, kind: type[EngineChain]) -> None:
    """Write block 0 and the network's settings, in one transaction.

    Raises:
        SetupError: ``engine.genesis_ahead``, the genesis time has not come yet.
    """
    timestamp = clock.now() if config.genesis_time is None else config.genesis_time
    if timestamp > clock.now():
        raise SetupError("engine.genesis_ahead", seconds=timestamp - clock.now())
    block = genesis_block(chain_id=config.chain_id, gas_limit=config.gas_limit, timestamp=timestamp)
    kind.from_genesis_header(overlay, block.header)
    settings = {"chain_id": config.chain_id, "gas_limit": config.gas_limit}
    meta = {
        "network": json.dumps(settings, sort_keys=True).encode(),
        "clock_offset": str(config.clock_offset).encode(),
        "head": head_meta(block),
    }
    store.commit(index.build_rows(block, (), ()), overlay.pending, meta)
    overlay.pending.clear()


def check_network(config: EngineConfig, store: Store) -> None:
    """Refuse settings of another network than the stored one.

    Raises:
        SetupError: ``engine.other_network``.
    """
    settings = json.loads(store.meta("network") or b"{}")
    for name in ("chain_id", "gas_limit"):
        if settings.get(name) != getattr(config, name):
            raise SetupError(
                "engine.other_network", name=name, stored=settings.get(name), configured=getattr(config, name)
            )


def head_meta(block: BlockAPI) -> bytes:
    """The head as it is kept among the settings: number and hash."""
    return int(block.header.block_number).to_bytes(8, "big") + bytes(block.header.hash)


def check_head(store: Store, header: BlockHeaderAPI) -> None:
    """Hold the places that name the head against each other, and all of them against what was answered for.

    Raises:
        IntegrityError: ``engine.store_damaged``, ``engine.store_behind``, ``engine.watermark_damaged``.
    """
    number, block_hash = int(header.block_number), bytes(header.hash)
    if store.meta("head") != number.to_bytes(8, "big") + block_hash:
        raise damaged("meta", "head")
    if index.block_by_number(store, number).hash != block_hash:
        raise damaged("blocks", str(number))
    with store.reading() as connection:
        last = connection.execute("SELECT max(number) FROM blocks").fetchone()[0]
    if last != number:
        raise damaged("blocks", str(last))
    mark = None if store.watermark is None else store.watermark.read()
    if mark is None:
        return
    height, expected = mark
    if height > number or index.block_by_number(store, height).hash != expected:
        raise IntegrityError("engine.store_behind", stored=number, answered=height)
