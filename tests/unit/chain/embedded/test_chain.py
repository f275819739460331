from __future__ import annotations

import pytest
from eth_abi.abi import encode as abi_encode
from eth_utils.abi import function_signature_to_4byte_selector

from ledger.chain.embedded.admission import contract_admission
from ledger.chain.embedded.chain import Engine
from ledger.chain.embedded.crypto import prepare
from ledger.chain.embedded.errors import ExecutionRevertedError
from ledger.chain.embedded.execution import CallRequest, estimate
from ledger.chain.embedded.transactions import decode
from ledger.domain.limits import LIMITS
from ledger.errors import AuthorityError, ConflictError, InputError, NotFoundError, SetupError, UnavailableError
from tests.unit.chain.embedded.bench import (
    CHAIN_ID,
    GENESIS,
    Wall,
    Workbench,
    account,
    build,
    calldata,
    config,
    sign,
)

FAIL = function_signature_to_4byte_selector("fail(string)")


def failing(text: str) -> bytes:
    return FAIL + abi_encode(["string"], [text])


def test_nothing_to_do_closes_no_block(bench):
    before = bench.engine.head
    assert bench.engine.run_once() is None
    assert bench.engine.head == before


def test_a_zero_price_transaction_of_an_unfunded_sender_is_mined(bench):
    receipt = bench.mined(bench.contract, calldata("bump(uint256)", 2))
    assert (receipt["status"], receipt["effectiveGasPrice"], len(receipt["logs"])) == ("0x1", "0x0", 2)
    assert bench.read("count()") == 2


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"accessList": [{"address": "0x" + "11" * 20, "storageKeys": ["0x" + "22" * 32]}], "type": 1},
        {"maxFeePerGas": 0, "maxPriorityFeePerGas": 0, "type": 2},
    ],
)
def test_the_three_kinds_of_transaction(bench, fields):
    receipt = bench.mined(bench.contract, calldata("bump(uint256)", 1), **fields)
    assert receipt["status"] == "0x1"
    assert int(receipt["type"], 16) == fields.get("type", 0)


def test_a_reverted_transaction_has_a_receipt_and_uses_up_its_nonce(bench):
    receipt = bench.mined(bench.contract, failing("not today"))
    assert receipt["status"] == "0x0"
    assert receipt["logs"] == []
    assert int(receipt["gasUsed"], 16) > 21_000
    assert bench.mined(bench.contract, calldata("bump(uint256)", 1))["status"] == "0x1"


def test_receipts_of_one_block_share_its_logs_without_mixing_them(bench):
    sent = [bench.send(bench.contract, calldata("bump(uint256)", n)) for n in (2, 0, 3)]
    sent.append(bench.send(bench.contract, failing("no")))
    closed = bench.engine.run_once()
    assert closed is not None
    assert list(closed.transactions) == sent
    receipts = [bench.engine.receipt(one) for one in sent]
    assert [len(receipt["logs"]) for receipt in receipts] == [2, 0, 3, 0]
    assert [int(log["logIndex"], 16) for receipt in receipts for log in receipt["logs"]] == [0, 1, 2, 3, 4]
    assert [int(log["topics"][2], 16) for receipt in receipts for log in receipt["logs"]] == [1, 2, 3, 4, 5]
    used = [int(receipt["gasUsed"], 16) for receipt in receipts]
    assert [int(receipt["cumulativeGasUsed"], 16) for receipt in receipts] == [sum(used[: n + 1]) for n in range(4)]


def test_call_tells_the_contracts_reason_and_changes_nothing(bench):
    with pytest.raises(ExecutionRevertedError, match="not today") as caught:
        bench.engine.call(bench.contract, failing("not today"))
    assert caught.value.reverted
    assert caught.value.data[:4].hex() == "08c379a0"
    root = bench.engine.head.header.state_root
    bench.engine.call(bench.contract, calldata("bump(uint256)", 3))
    assert bench.read("count()") == 0
    assert bench.engine.head.header.state_root == root


def test_call_with_too_little_gas_is_not_called_a_revert(bench):
    with pytest.raises(ExecutionRevertedError) as caught:
        bench.engine.call(bench.contract, calldata("bump(uint256)", 300), gas=100_000)
    assert (caught.value.reverted, caught.value.reason) == (False, "out of gas")
    with pytest.raises(InputError, match=r"engine\.gas_too_low"):
        bench.engine.call(bench.contract, b"", gas=20_000)


def test_call_at_past_blocks_and_at_the_next(bench):
    first = bench.engine.head.number
    for _ in range(3):
        bench.wall.seconds += 10
        bench.mined(bench.contract, calldata("bump(uint256)", 1))
    bench.wall.seconds += 5
    assert [bench.read("count()", at=first + n) for n in range(4)] == [0, 1, 2, 3]
    assert [bench.read("now()", at=first + n) for n in range(4)] == [GENESIS, GENESIS + 10, GENESIS + 20, GENESIS + 30]
    assert bench.read("height()", at=first + 2) == first + 2
    assert (bench.read("now()"), bench.read("height()")) == (GENESIS + 35, first + 4)
    assert bench.read("ancestor(uint256)", first, at=first + 2) == int.from_bytes(
        bench.engine.header(first).hash, "big"
    )
    with pytest.raises(NotFoundError, match=r"engine\.no_block"):
        bench.read("count()", at=first + 4)


@pytest.mark.parametrize("times", [0, 1, 17, 200])
def test_an_estimate_is_enough_and_not_far_too_much(bench, times):
    request = CallRequest(
        sender=bytes.fromhex(bench.signer.address[2:]), to=bench.contract, data=calldata("bump(uint256)", times)
    )
    found = estimate(bench.engine.state(None), request, cap=100_000_000)
    receipt = bench.mined(bench.contract, request.data, gas=found)
    assert receipt["status"] == "0x1"
    assert int(receipt["gasUsed"], 16) <= found <= int(receipt["gasUsed"], 16) * 1.1 + 5_000


def test_an_estimate_of_what_always_fails_tells_the_reason(bench):
    with pytest.raises(ExecutionRevertedError, match="never"):
        estimate(bench.engine.state(None), CallRequest(to=bench.contract, data=failing("never")), cap=10_000_000)


def test_reopening_goes_on_where_the_chain_was(tmp_path):
    wall = Wall()
    engine = Engine.open(config(path=tmp_path / "chain.db"), wall=wall)
    bench = Workbench(engine, wall)
    bench.deploy()
    first = bench.mined(bench.contract, calldata("bump(uint256)", 2))
    head = engine.head.hash
    engine.close()
    wall.seconds += 100
    again = Engine.open(config(path=tmp_path / "chain.db"), wall=wall)
    assert again.head.hash == head
    assert again.receipt(bytes.fromhex(first["transactionHash"][2:])) == first
    bench.engine = again
    assert bench.mined(bench.contract, calldata("bump(uint256)", 1))["status"] == "0x1"
    assert again.header(again.head.number).parent_hash == head
    assert bench.read("count()") == 3
    again.close()


def test_another_network_is_not_opened(tmp_path):
    Engine.open(config(path=tmp_path / "chain.db"), wall=Wall()).close()
    for other in ({"chain_id": 5}, {"gas_limit": 1_000_000}):
        with pytest.raises(SetupError, match=r"engine\.other_network"):
            Engine.open(config(path=tmp_path / "chain.db", **other), wall=Wall())


def test_a_foreign_file_is_not_opened(tmp_path):
    (tmp_path / "chain.db").write_bytes(b"not a database, by any means " * 100)
    with pytest.raises(Exception, match=r"engine\.store_(damaged|format)"):
        Engine.open(config(path=tmp_path / "chain.db"), wall=Wall())


def test_a_genesis_in_the_future_is_refused():
    with pytest.raises(SetupError, match=r"engine\.genesis_ahead"):
        Engine.open(config(genesis_time=GENESIS + 1), wall=Wall())


@pytest.mark.parametrize(
    "wrong",
    [
        {"chain_id": 0},
        {"gas_limit": 1},
        {"interval": -1},
        {"allowed_senders": frozenset({b"short"})},
        {"admission_contract": bytes(20)},
        {"port": 70_000},
    ],
)
def test_settings_that_cannot_work_are_named(wrong):
    with pytest.raises(SetupError, match=next(iter(wrong))):
        config(**wrong)


def test_a_private_network_takes_only_its_own(tmp_path):
    member, stranger, rotated = account("member"), account("stranger"), account("rotated")
    address = bytes.fromhex(member.address[2:])
    settings = config(path=tmp_path / "chain.db", private=True, allowed_senders=frozenset({address}))
    engine = Engine.open(settings, wall=Wall())
    engine.send_raw(sign(member, 0, bytes(20)))
    with pytest.raises(AuthorityError, match=r"engine\.not_admitted"):
        engine.send_raw(sign(stranger, 0, bytes(20)))
    engine.allow(bytes.fromhex(rotated.address[2:]))
    engine.send_raw(sign(rotated, 0, bytes(20)))
    assert engine.run_once() is not None
    engine.close()
    again = Engine.open(settings, wall=Wall())
    assert again.may_send(bytes.fromhex(rotated.address[2:]))
    assert not again.may_send(bytes.fromhex(stranger.address[2:]))
    again.close()


def test_a_contract_admits_members_as_soon_as_it_knows_them():
    first, second = account("first"), account("second")
    founder = bytes.fromhex(first.address[2:])
    engine = Engine.open(config(private=True, allowed_senders=frozenset({founder})), wall=Wall())
    bench = Workbench(engine, engine.clock.wall)
    newcomer = bytes.fromhex(second.address[2:])
    engine.admission = contract_admission(bench.deploy(), function_signature_to_4byte_selector("members(address)"))
    assert not engine.may_send(newcomer)
    bench.mined(bench.contract, calldata("enrol(address)", int.from_bytes(newcomer, "big")))
    assert engine.may_send(newcomer)
    engine.send_raw(sign(second, 0, bench.contract, calldata("bump(uint256)", 1)))
    assert engine.run_once() is not None
    # A register that is not deployed, or has no such function, admits nobody.
    for contract, selector in ((bytes(20), b"\1\2\3\4"), (bench.contract, b"\1\2\3\4")):
        assert not contract_admission(contract, selector)(newcomer, engine)
    engine.close()


def test_the_clock_of_the_settings_is_kept_and_only_goes_forward(tmp_path):
    wall = Wall()
    settings = config(path=tmp_path / "chain.db", genesis_time=None, clock_offset=-1_000, adjustable_clock=True)
    engine = Engine.open(settings, wall=wall)
    assert engine.head.header.timestamp == GENESIS - 1_000
    engine.set_offset(86_400)
    engine.run_once(empty=True)
    assert engine.head.header.timestamp == GENESIS + 86_400
    with pytest.raises(InputError, match=r"engine\.clock_backwards"):
        engine.set_offset(86_399)
    engine.close()
    again = Engine.open(settings, wall=wall)
    assert again.clock.offset == 86_400
    again.close()
    fixed = Engine.open(config(), wall=wall)
    with pytest.raises(AuthorityError, match=r"engine\.clock_fixed"):
        fixed.set_offset(1)
    fixed.close()


def test_a_wall_clock_set_back_stops_blocks_until_it_has_caught_up(bench):
    bench.wall.seconds += 3_600
    bench.mined(bench.contract, calldata("bump(uint256)", 1))
    bench.wall.seconds -= 2
    assert bench.mined(bench.contract, calldata("bump(uint256)", 1))["status"] == "0x1"
    bench.wall.seconds -= 3_598
    sent = bench.send(bench.contract, calldata("bump(uint256)", 1))
    with pytest.raises(UnavailableError, match=r"engine\.clock_behind") as caught:
        bench.engine.run_once()
    assert (caught.value.retry_after, bench.engine.fault) == (3_600, "engine.clock_behind")
    bench.wall.seconds += 3_600
    assert bench.engine.run_once() is not None
    assert bench.engine.receipt(sent) is not None
    assert bench.engine.fault is None


def test_a_transaction_that_the_chain_refuses_costs_only_itself(bench):
    good = bench.send(bench.contract, calldata("bump(uint256)", 1))
    other = account("spender")
    raw = sign(other, 0, bench.contract, b"", value=5)
    transaction, sender = decode(raw, chain_id=CHAIN_ID, gas_limit=200_000_000, limits=LIMITS)
    with pytest.raises(InputError, match=r"engine\.funds"):
        bench.engine.send_raw(raw)
    # Past the door, as a fault of the pool would have it.
    bad = bench.engine.pool.add(transaction, raw, sender)
    after = bench.send(bench.contract, calldata("bump(uint256)", 1))
    closed = bench.engine.run_once()
    assert closed is not None
    assert closed.transactions == (good, after)
    outcome = bench.engine.pool.outcome(bad.hash)
    assert outcome is not None
    assert outcome.state == "refused"
    assert bench.engine.receipt(bad.hash) is None


def test_a_mined_transaction_sent_again_is_answered(bench):
    raw = sign(bench.signer, bench.nonce, bench.contract, calldata("bump(uint256)", 1))
    bench.engine.send_raw(raw)
    with pytest.raises(ConflictError, match=r"engine\.known"):
        bench.engine.send_raw(raw)
    bench.engine.run_once()
    with pytest.raises(ConflictError, match=r"engine\.known"):
        bench.engine.send_raw(raw)


def test_a_nonce_used_by_another_transaction_is_refused(bench):
    bench.mined(bench.contract, calldata("bump(uint256)", 1))
    with pytest.raises(ConflictError, match=r"engine\.nonce_too_low"):
        bench.engine.send_raw(sign(bench.signer, bench.nonce - 1, bench.contract, calldata("bump(uint256)", 2)))


def test_the_code_of_a_contract_too_large_to_send_is_refused_before_it_waits(bench):
    with pytest.raises(InputError, match=r"engine\.initcode_size"):
        bench.engine.send_raw(sign(bench.signer, bench.nonce, None, bytes(49_153)))
    assert len(build()["bytecode"]) < 49_153


def test_the_fast_curve_is_there():
    prepare()
