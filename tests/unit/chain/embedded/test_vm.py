from __future__ import annotations

import pytest
from eth_utils.exceptions import ValidationError

from ledger.chain.embedded.chain import Engine
from ledger.chain.embedded.vm import EngineVM, genesis_block
from tests.unit.chain.embedded.bench import CHAIN_ID, GENESIS, Wall, Workbench, calldata, config

GAS_LIMIT = 200_000_000


def assert_rules(engine: Engine) -> None:
    header = engine.head.header
    assert header.gas_limit == GAS_LIMIT
    assert header.base_fee_per_gas == 0
    assert header.timestamp <= engine.clock.now()


def test_genesis_charges_nothing_and_names_the_network():
    header = genesis_block(chain_id=CHAIN_ID, gas_limit=GAS_LIMIT, timestamp=GENESIS).header
    assert (header.base_fee_per_gas, header.gas_limit, header.timestamp) == (0, GAS_LIMIT, GENESIS)
    assert header.extra_data == b"tongban 7070"


def test_header_rules_hold_after_three_thousand_empty_blocks_and_a_full_one(wall):
    engine = Engine.open(config(), wall=wall)
    bench = Workbench(engine, wall)
    for _ in range(3_000):
        engine.run_once(empty=True)
    assert engine.head.number == 3_000
    assert_rules(engine)
    assert engine.head.header.timestamp == GENESIS, "blocks may share a second"
    bench.deploy()
    # Over half of the block: where py-evm's own rule raises a zero base fee to one, for good.
    burned = bench.mined(bench.contract, calldata("burn()"), gas=GAS_LIMIT - 1_000_000)
    assert int(burned["gasUsed"], 16) > GAS_LIMIT // 2
    assert burned["status"] == "0x0"
    assert_rules(engine)
    engine.run_once(empty=True)
    assert_rules(engine)
    assert bench.mined(bench.contract, calldata("bump(uint256)", 1))["status"] == "0x1"
    assert bench.read("price()") == 0
    engine.close()


def test_contract_sees_the_time_that_the_header_states(bench):
    for step in (0, 1, 0, 86_400):
        bench.wall.seconds += step
        receipt = bench.mined(bench.contract, calldata("bump(uint256)", 1))
        header = bench.engine.header(int(receipt["blockNumber"], 16))
        assert header.timestamp == int(bench.wall.seconds)
        assert int(receipt["logs"][0]["data"], 16) == header.timestamp


def test_several_blocks_in_one_second(bench):
    stamps = []
    for _ in range(5):
        bench.mined(bench.contract, calldata("bump(uint256)", 1))
        stamps.append(bench.engine.head.header.timestamp)
    assert stamps == [GENESIS] * 5


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("timestamp", GENESIS - 1, "timestamp"),
        ("gas_limit", GAS_LIMIT + 1, "gas limit"),
        ("gas_limit", GAS_LIMIT - 1, "gas limit"),
        ("gas_used", GAS_LIMIT + 1, "gas used"),
        ("base_fee_per_gas", 1, "base fee"),
        ("block_number", 2, "number"),
        ("parent_hash", bytes(31) + b"\1", "parent hash"),
        ("difficulty", 1, "difficulty"),
        ("nonce", b"\1" * 8, "nonce"),
        ("uncles_hash", bytes(32), "ommers"),
        ("extra_data", bytes(33), "extra data"),
    ],
)
def test_a_header_that_breaks_a_rule_is_refused(field, value, named):
    parent = genesis_block(chain_id=CHAIN_ID, gas_limit=GAS_LIMIT, timestamp=GENESIS).header
    good = EngineVM.create_header_from_parent(parent).copy(timestamp=GENESIS, gas_limit=GAS_LIMIT, base_fee_per_gas=0)
    EngineVM.validate_header(good, parent)
    with pytest.raises(ValidationError, match=named):
        EngineVM.validate_header(good.copy(**{field: value}), parent)


def test_same_transactions_give_the_same_chain():
    hashes = []
    for _ in range(2):
        engine = Engine.open(config(), wall=Wall())
        bench = Workbench(engine, Wall())
        bench.deploy()
        bench.mined(bench.contract, calldata("bump(uint256)", 3))
        hashes.append(engine.head.hash)
        engine.close()
    assert hashes[0] == hashes[1]
