from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak
from eth_utils.abi import function_signature_to_4byte_selector
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.embedded.chain import Engine
from ledger.chain.embedded.rpc.dispatch import Rpc
from ledger.domain.limits import LIMITS
from ledger.errors import InputError
from tests.unit.chain.embedded.bench import Wall, Workbench, account, calldata, config

COUNTED = "0x" + keccak(b"Counted(address,uint256,uint256)").hex()
NOTED = "0x" + keccak(b"Noted(string)").hex()


@pytest.fixture(scope="module")
def story():
    """Two contracts, two senders, twelve blocks, some empty; the engine, its provider of answers, and every log."""
    wall = Wall()
    engine = Engine.open(config(), wall=wall)
    first = Workbench(engine, wall)
    second = Workbench(engine, wall, signer=account("second"))
    first.deploy()
    second.deploy()
    note = function_signature_to_4byte_selector("note(string)")
    for number in range(10):
        for bench, other in ((first, second), (second, first)):
            if number % 3 == 1 and bench is first:
                continue
            bench.send(bench.contract, calldata("bump(uint256)", number % 4))
            if number % 2:
                bench.send(other.contract, note + abi_encode(["string"], ["x" * number]))
        engine.run_once(empty=True)
    rpc = Rpc(engine)
    logs = []
    for number in range(engine.head.number + 1):
        for receipt in orjson.loads(orjson.dumps(rpc.handle("eth_getBlockReceipts", [hex(number)]))):
            logs.extend(receipt["logs"])
    contracts = ["0x" + bench.contract.hex() for bench in (first, second)]
    yield engine, rpc, logs, contracts
    engine.close()


def model(logs, first, last, addresses, topics):
    """The specification of eth_getLogs, said plainly."""
    found = []
    for log in logs:
        if not first <= int(log["blockNumber"], 16) <= last:
            continue
        if addresses and log["address"] not in addresses:
            continue
        if len(topics) > len(log["topics"]):
            continue
        if all(not wanted or have in wanted for wanted, have in zip(topics, log["topics"], strict=False)):
            found.append(log)
    return found


def test_the_story_has_logs_of_every_kind(story):
    engine, _, logs, contracts = story
    assert {log["topics"][0] for log in logs} == {COUNTED, NOTED}
    assert {log["address"] for log in logs} == set(contracts)
    assert len({log["blockNumber"] for log in logs}) < engine.head.number
    for log in logs:
        assert log["removed"] is False
        assert int(log["blockTimestamp"], 16) == engine.header(int(log["blockNumber"], 16)).timestamp


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_filters_agree_with_the_model(story, data):
    engine, rpc, logs, contracts = story
    first = data.draw(st.integers(0, engine.head.number))
    last = data.draw(st.integers(first, engine.head.number + 3))
    addresses = data.draw(st.lists(st.sampled_from([*contracts, "0x" + "77" * 20]), max_size=3, unique=True))
    known = sorted({topic for log in logs for topic in log["topics"]})
    group = st.one_of(
        st.none(), st.just([]), st.lists(st.sampled_from([*known, "0x" + "99" * 32]), min_size=1, max_size=3)
    )
    topics = data.draw(st.lists(group, max_size=4))
    single = data.draw(st.booleans())
    fields: dict[str, object] = {"fromBlock": hex(first), "toBlock": hex(last)}
    if addresses:
        fields["address"] = addresses[0] if single and len(addresses) == 1 else addresses
    if topics:
        fields["topics"] = [
            wanted[0] if single and wanted is not None and len(wanted) == 1 else wanted for wanted in topics
        ]
    got = orjson.loads(orjson.dumps(rpc.handle("eth_getLogs", [fields])))
    assert got == model(logs, first, last, addresses, [wanted or [] for wanted in topics])


def test_logs_of_one_block_by_its_hash(story):
    engine, rpc, logs, _ = story
    for number in (0, 5, engine.head.number):
        got = orjson.loads(
            orjson.dumps(rpc.handle("eth_getLogs", [{"blockHash": "0x" + engine.header(number).hash.hex()}]))
        )
        assert got == [log for log in logs if int(log["blockNumber"], 16) == number]


def test_logs_in_the_process(story):
    engine, _, logs, contracts = story
    address = bytes.fromhex(contracts[0][2:])
    assert engine.logs(0, 10**6) == logs
    assert engine.logs(0, 10**6, addresses=[address]) == [log for log in logs if log["address"] == contracts[0]]
    assert engine.logs(5, 4) == []
    topic = bytes.fromhex(COUNTED[2:])
    assert engine.logs(0, 100, topics=[[topic], None]) == [log for log in logs if log["topics"][0] == COUNTED]


def test_too_wide_a_range_and_too_many_results_say_what_would_fit(story):
    engine, _, logs, _ = story
    engine.limits = replace(LIMITS, engine_log_blocks=5)
    try:
        with pytest.raises(InputError, match=r"engine\.range_too_wide") as caught:
            engine.logs(2, 12)
        assert (caught.value.facts["first"], caught.value.facts["last"]) == (2, 6)
        engine.limits = replace(LIMITS, engine_log_results=10)
        with pytest.raises(InputError, match=r"engine\.too_many_logs") as caught:
            engine.logs(0, 12)
        fits = engine.logs(int(caught.value.facts["first"]), int(caught.value.facts["last"]))
        assert 0 < len(fits) <= 10
        assert fits == logs[: len(fits)]
        engine.limits = replace(LIMITS, engine_log_bytes=100)
        with pytest.raises(InputError, match=r"engine\.too_many_logs"):
            engine.logs(0, 12)
    finally:
        engine.limits = LIMITS
