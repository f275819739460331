from __future__ import annotations

import logging
import tomllib
from dataclasses import replace
from importlib import resources
from typing import Any

import orjson
import pytest
from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak
from eth_utils.abi import function_signature_to_4byte_selector
from rlp.codec import decode
from trie.hexary import HexaryTrie
from web3 import Web3
from web3.exceptions import ContractLogicError
from web3.middleware import SignAndSendRawMiddlewareBuilder

from ledger.chain.embedded import index
from ledger.chain.embedded.codec import encode
from ledger.chain.embedded.provider import EngineProvider
from ledger.chain.embedded.rpc.dispatch import Rpc
from ledger.chain.embedded.rpc.errors import _WORDS, RpcError
from ledger.chain.embedded.rpc.logs import Filters
from ledger.chain.embedded.rpc.params import Params
from ledger.domain.limits import LIMITS
from tests.unit.chain.embedded.bench import CHAIN_ID, GENESIS, account, build, calldata, sign

ZERO = "0x" + "00" * 20
ZERO_BYTES = bytes(20)
# The second parameter of eth_getBlockBy…: whole transactions, or their hashes.
FULL, HASHES = True, False


class Client:
    """Raw requests, answered by the dispatcher alone."""

    def __init__(self, engine) -> None:
        self.rpc = Rpc(engine)

    def post(self, document: object) -> Any:
        body = document if isinstance(document, bytes) else orjson.dumps(document)
        answer = self.rpc.respond(body)
        return None if answer is None else orjson.loads(answer)

    def ask(self, method: str, *params: object) -> Any:
        return self.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})

    def result(self, method: str, *params: object) -> Any:
        answer = self.ask(method, *params)
        assert "error" not in answer, answer
        return answer["result"]

    def error(self, method: str, *params: object) -> dict[str, Any]:
        error: dict[str, Any] = self.ask(method, *params)["error"]
        return error


@pytest.fixture
def client(bench):
    return Client(bench.engine)


def at(bench) -> str:
    return f"0x{bench.contract.hex()}"


# The protocol


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 2_000, -32700),
        (b"1", -32600),
        (b"[]", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_nothing"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_sendTransaction","params":[{}]}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":{"a":1}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[1]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":[]}', -32602),
    ],
)
def test_malformed_requests(client, body, code):
    assert client.post(body)["error"]["code"] == code


def test_batches_are_answered_in_order_with_their_own_errors(client):
    answers = client.post(
        [
            {"jsonrpc": "2.0", "id": "a", "method": "eth_chainId"},
            7,
            {"jsonrpc": "2.0", "method": "eth_chainId"},
            {"jsonrpc": "2.0", "id": 2, "method": "nope"},
            {"jsonrpc": "2.0", "id": None, "method": "eth_chainId", "params": None},
        ]
    )
    assert [answer.get("id") for answer in answers] == ["a", None, 2, None]
    assert answers[0]["result"] == answers[3]["result"] == hex(CHAIN_ID)
    assert answers[1]["error"]["code"] == -32600
    assert answers[2]["error"]["code"] == -32601


def test_notifications_get_no_answer(client):
    assert client.post({"jsonrpc": "2.0", "method": "eth_chainId"}) is None
    assert client.post([{"jsonrpc": "2.0", "method": "eth_chainId"}]) is None


def test_a_batch_too_large_is_refused_whole(client, bench):
    bench.engine.limits = replace(LIMITS, engine_batch_requests=2)
    request = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}
    assert len(client.post([request] * 2)) == 2
    assert client.post([request] * 3)["error"]["code"] == -32600


def test_an_unforeseen_fault_is_answered_without_its_details(client, monkeypatch, caplog):
    monkeypatch.setitem(client.rpc._methods, "eth_chainId", (lambda _: 1 // 0, 0, 0))
    with caplog.at_level(logging.ERROR):
        answer = client.error("eth_chainId")
    assert answer == {"code": -32603, "message": "internal error"}
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("eth_getBalance", ["0x12"]),
        ("eth_getBalance", [7]),
        ("eth_getBalance", [ZERO, "newest"]),
        ("eth_getBalance", [ZERO, 5]),
        ("eth_getBalance", [ZERO, {"blockHash": "0x" + "00" * 32, "blockNumber": "0x0"}]),
        ("eth_getBalance", [ZERO, {"other": 1}]),
        ("eth_getStorageAt", [ZERO, "0x" + "f" * 65]),
        ("eth_getTransactionReceipt", ["0x1234"]),
        ("eth_getBlockByNumber", ["0x0", "yes"]),
        ("eth_call", ["0x"]),
        ("eth_call", [{"to": "0x1"}]),
        ("eth_call", [{"to": ZERO, "sender": ZERO}]),
        ("eth_call", [{"to": ZERO, "data": "0x01", "input": "0x02"}]),
        ("eth_call", [{"to": ZERO, "chainId": "0x1"}]),
        ("eth_call", [{"to": ZERO, "accessList": [1]}]),
        ("eth_call", [{"to": ZERO}, "latest", {ZERO: {"balance": "0x1"}}]),
        ("eth_getLogs", ["x"]),
        ("eth_getLogs", [{"topic": []}]),
        ("eth_getLogs", [{"topics": "0x"}]),
        ("eth_getLogs", [{"topics": [None] * 5}]),
        ("eth_getLogs", [{"topics": [["0x" + "00" * 32] * 1_001]}]),
        ("eth_getLogs", [{"address": [ZERO] * 1_001}]),
        ("eth_getLogs", [{"blockHash": "0x" + "00" * 32, "fromBlock": "0x0"}]),
        ("eth_getLogs", [{"fromBlock": "0x1", "toBlock": "0x0"}]),
        ("eth_getProof", [ZERO, "0x0", "latest"]),
        ("eth_getProof", [ZERO, [1], "latest"]),
        ("eth_getProof", [ZERO, ["0xzz"], "latest"]),
        ("eth_feeHistory", ["0x1", "latest", [0] * 101]),
        ("eth_sendRawTransaction", ["zz"]),
        ("tongban_clock", [5]),
        ("tongban_clock", [{"offset": "1"}]),
        ("tongban_clock", [{"offset": 1, "advance": 1}]),
        ("tongban_clock", [{"advance": True}]),
    ],
)
def test_parameters_of_the_wrong_form(client, method, params):
    assert client.error(method, *params)["code"] == -32602


def test_every_error_of_the_engine_has_words_here_and_sentences_there():
    text = resources.files("ledger.wire").joinpath("messages/engine.toml").read_text(encoding="utf-8")
    sentences = tomllib.loads(text)
    for code in _WORDS:
        entry = sentences[code.removeprefix("engine.")]
        assert set(entry) == {"zh", "zh_next", "en", "en_next"}


# Sending


@pytest.mark.parametrize(
    ("make", "code", "words", "name"),
    [
        (lambda b: sign(b.signer, 0, ZERO_BYTES), -32000, "nonce too low", "engine.nonce_too_low"),
        (lambda b: sign(b.signer, 99_999, ZERO_BYTES), -32000, "nonce too high", "engine.nonce_too_high"),
        (lambda b: sign(b.signer, 1, ZERO_BYTES, gas=20_000), -32000, "intrinsic gas too low", "engine.gas_too_low"),
        (lambda b: sign(b.signer, 1, ZERO_BYTES, gas=10**9), -32000, "exceeds block gas limit", "engine.gas_too_high"),
        (lambda b: sign(b.signer, 1, ZERO_BYTES, value=1), -32000, "insufficient funds", "engine.funds"),
        (lambda b: sign(b.signer, 1, ZERO_BYTES, gasPrice=1), -32000, "insufficient funds", "engine.funds"),
        (lambda b: sign(b.signer, 1, ZERO_BYTES, chainId=1), -32000, "invalid chain id", "engine.other_chain"),
        (lambda _: b"\3abc", -32000, "transaction type not supported", "engine.transaction_type"),
        (lambda _: b"\xc1\1", -32000, "invalid transaction encoding", "engine.transaction_form"),
        (lambda _: bytes(200_000), -32000, "oversized data", "engine.transaction_size"),
    ],
)
def test_refused_transactions_have_the_words_that_clients_know(client, bench, make, code, words, name):
    error = client.error("eth_sendRawTransaction", "0x" + make(bench).hex())
    assert (error["code"], error["data"]["code"]) == (code, name)
    assert error["message"].startswith(words)


def test_known_and_full_are_answered(client, bench):
    bench.engine.pool.limits = replace(LIMITS, engine_pool_transactions=1)
    raw = "0x" + sign(bench.signer, 1, ZERO_BYTES).hex()
    sent = client.result("eth_sendRawTransaction", raw)
    assert client.error("eth_sendRawTransaction", raw)["message"] == "already known"
    full = client.error("eth_sendRawTransaction", "0x" + sign(bench.signer, 2, ZERO_BYTES).hex())
    assert full["code"] == -32005
    assert full["data"]["retryAfter"] > 0
    assert client.result("eth_getRawTransactionByHash", sent) == raw
    bench.engine.run_once()
    assert client.error("eth_sendRawTransaction", raw)["message"] == "already known"
    assert client.result("eth_getRawTransactionByHash", sent) == raw


def test_what_became_of_a_transaction(client, bench):
    first, second = account("fate"), bench.signer
    ready = client.result("eth_sendRawTransaction", "0x" + sign(second, 1, ZERO_BYTES).hex())
    waiting = client.result("eth_sendRawTransaction", "0x" + sign(first, 4, ZERO_BYTES).hex())
    assert client.result("tongban_transaction", ready)["state"] == "ready"
    assert client.result("tongban_transaction", waiting)["state"] == "waiting"
    assert client.result("txpool_status") == {"pending": "0x1", "queued": "0x1"}
    replacing = client.result("eth_sendRawTransaction", "0x" + sign(first, 4, ZERO_BYTES, b"x").hex())
    assert client.result("tongban_transaction", waiting) == {"state": "replaced", "detail": replacing[2:]}
    bench.engine.run_once()
    assert client.result("tongban_transaction", ready) == {"state": "mined", "blockNumber": "0x2"}
    bench.wall.seconds += LIMITS.engine_waiting_seconds + 1
    bench.engine.run_once()
    assert client.result("tongban_transaction", replacing)["state"] == "expired"
    assert client.result("tongban_transaction", "0x" + "ab" * 32) == {"state": "unknown"}


# Reading


def test_transactions_and_blocks_from_every_side(client, bench):
    sent = [
        bench.send(bench.contract, calldata("bump(uint256)", 1)),
        bench.send(bench.contract, calldata("bump(uint256)", 2), maxFeePerGas=0, maxPriorityFeePerGas=0),
    ]
    pending = client.result("eth_getTransactionByHash", "0x" + sent[0].hex())
    assert (pending["blockHash"], pending["blockNumber"], pending["nonce"]) == (None, None, "0x1")
    assert client.result("eth_getTransactionCount", bench.signer.address, "pending") == "0x3"
    assert client.result("eth_getTransactionCount", bench.signer.address, "latest") == "0x1"
    assert client.result("eth_getBlockTransactionCountByNumber", "pending") == "0x2"
    block = client.result("eth_getBlockByNumber", "pending", HASHES)
    assert (block["number"], block["hash"], block["transactions"]) == ("0x2", None, ["0x" + one.hex() for one in sent])
    closed = bench.engine.run_once()
    number, block_hash = hex(closed.number), "0x" + closed.hash.hex()
    by_number = client.result("eth_getBlockByNumber", number, FULL)
    by_hash = client.result("eth_getBlockByHash", block_hash, HASHES)
    assert [one["hash"] for one in by_number["transactions"]] == by_hash["transactions"]
    assert {**by_number, "transactions": 0} == {**by_hash, "transactions": 0}
    for position, one in enumerate(by_number["transactions"]):
        assert client.result("eth_getTransactionByHash", one["hash"]) == one
        assert client.result("eth_getTransactionByBlockNumberAndIndex", number, hex(position)) == one
        assert client.result("eth_getTransactionByBlockHashAndIndex", block_hash, hex(position)) == one
        assert one["from"] == bench.signer.address.lower()
    assert client.result("eth_getTransactionByBlockNumberAndIndex", number, "0x2") is None
    receipts = client.result("eth_getBlockReceipts", number)
    assert receipts == [client.result("eth_getTransactionReceipt", "0x" + one.hex()) for one in sent]
    assert client.result("eth_getBlockTransactionCountByHash", block_hash) == "0x2"
    assert client.result("eth_getUncleCountByBlockNumber", number) == "0x0"
    assert client.result("eth_getUncleByBlockHashAndIndex", block_hash, "0x0") is None
    assert by_number["parentHash"] == client.result("eth_getBlockByNumber", "0x1", HASHES)["hash"]


def test_what_is_not_there_is_null_or_said_so(client, bench):
    nothing = "0x" + "12" * 32
    for method in ("eth_getTransactionByHash", "eth_getTransactionReceipt", "eth_getRawTransactionByHash"):
        assert client.result(method, nothing) is None
    assert client.result("eth_getBlockByHash", nothing, HASHES) is None
    assert client.result("eth_getBlockByNumber", "0x999", HASHES) is None
    assert client.result("eth_getBlockReceipts", "0x999") is None
    assert client.result("eth_getBlockTransactionCountByNumber", "0x999") is None
    assert client.result("eth_getTransactionByBlockHashAndIndex", nothing, "0x0") is None
    assert client.error("eth_getBalance", ZERO, "0x999")["message"].startswith("header not found")
    assert client.error("eth_getBalance", ZERO, {"blockHash": nothing})["message"].startswith("header not found")
    assert client.error("eth_getLogs", {"blockHash": nothing})["message"].startswith("header not found")
    assert client.result("eth_getLogs", {"fromBlock": "0x998", "toBlock": "0x999"}) == []
    assert bench.engine.head.number == 1


def test_a_nodes_hash_is_no_blocks_hash(client, bench):
    root = "0x" + bench.engine.head.header.state_root.hex()
    assert client.result("eth_getBlockByHash", root, HASHES) is None
    assert client.result("eth_getTransactionReceipt", root) is None


def test_state_at_any_block(client, bench):
    bench.mined(bench.contract, calldata("bump(uint256)", 4))
    slot = hex(0)
    assert int(client.result("eth_getStorageAt", at(bench), slot, "latest"), 16) == 4
    assert int(client.result("eth_getStorageAt", at(bench), slot, "0x1"), 16) == 0
    head = {"blockHash": "0x" + bench.engine.head.hash.hex()}
    assert int(client.result("eth_getStorageAt", at(bench), slot, head), 16) == 4
    assert int(client.result("eth_getStorageAt", at(bench), slot, {"blockNumber": "0x1"}), 16) == 0
    assert client.result("eth_getStorageAt", ZERO, slot, "latest") == "0x" + "00" * 32
    code = client.result("eth_getCode", at(bench), "safe")
    assert len(code) > 100
    assert client.result("eth_getCode", at(bench), "earliest") == "0x"
    assert client.result("eth_getBalance", at(bench), "finalized") == "0x0"
    count = {"to": at(bench), "data": "0x" + calldata("count()").hex()}
    assert int(client.result("eth_call", count, "latest"), 16) == 4
    assert int(client.result("eth_call", count, "0x1"), 16) == 0
    assert client.result("eth_call", {"to": at(bench), "input": count["data"]}, "pending") == f"0x{4:064x}"


def test_time_in_a_call_is_the_blocks_and_in_a_pending_one_the_clocks(client, bench):
    bench.wall.seconds += 50
    now = {"to": at(bench), "data": "0x" + calldata("now()").hex()}
    assert int(client.result("eth_call", now, "latest"), 16) == GENESIS
    assert int(client.result("eth_call", now, "pending"), 16) == GENESIS + 50


def test_reverts_have_code_three_and_the_contracts_bytes(client, bench):
    fail = function_signature_to_4byte_selector("fail(string)") + abi_encode(["string"], ["no"])
    raw = function_signature_to_4byte_selector("fail_raw(bytes)") + abi_encode(["bytes"], [b"\xde\xad\xbe\xef"])
    for method in ("eth_call", "eth_estimateGas"):
        error = client.error(method, {"to": at(bench), "data": "0x" + fail.hex()})
        assert (error["code"], error["message"]) == (3, "execution reverted: no")
        assert error["data"].startswith("0x08c379a0")
        error = client.error(method, {"to": at(bench), "data": "0x" + raw.hex()})
        assert error == {"code": 3, "message": "execution reverted", "data": "0xdeadbeef"}
    error = client.error(
        "eth_call", {"to": at(bench), "data": "0x" + calldata("bump(uint256)", 9).hex(), "gas": "0xc350"}
    )
    assert (error["code"], error["message"]) == (-32000, "out of gas")


def test_creating_a_contract_by_call_and_estimate(client, bench):
    code = build()["bytecode"]
    runtime = client.result("eth_call", {"data": code}, "latest")
    assert runtime == client.result("eth_getCode", at(bench), "latest")
    assert int(client.result("eth_estimateGas", {"data": code}), 16) > 100_000


@pytest.mark.parametrize("number", ["0x1", "latest"])
def test_proofs_lead_from_the_state_root_to_every_word(client, bench, number):
    bench.mined(bench.contract, calldata("bump(uint256)", 5))
    mapping = keccak((1).to_bytes(32, "big") + (3).to_bytes(32, "big"))
    keys = ["0x0", "0x1", "0x" + mapping.hex(), "0x" + "77" * 32]
    proof = client.result("eth_getProof", at(bench), keys, number)
    root = bytes.fromhex(client.result("eth_getBlockByNumber", number, HASHES)["stateRoot"][2:])
    nodes = [decode(bytes.fromhex(node[2:])) for node in proof["accountProof"]]
    account_rlp = HexaryTrie.get_from_proof(root, keccak(bench.contract), nodes)
    storage_root = bytes.fromhex(proof["storageHash"][2:])
    nonce, balance, found_root, code_hash = decode(account_rlp)
    assert (found_root, code_hash) == (storage_root, bytes.fromhex(proof["codeHash"][2:]))
    assert int.from_bytes(nonce, "big") == int(proof["nonce"], 16)
    assert int.from_bytes(balance, "big") == int(proof["balance"], 16)
    for key, entry in zip(keys, proof["storageProof"], strict=True):
        slot = int(key, 16).to_bytes(32, "big")
        stored = int(client.result("eth_getStorageAt", at(bench), key, number), 16)
        assert (entry["key"], int(entry["value"], 16)) == (key, stored)
        if entry["proof"]:
            nodes = [decode(bytes.fromhex(node[2:])) for node in entry["proof"]]
            value = HexaryTrie.get_from_proof(storage_root, keccak(slot), nodes)
            assert int.from_bytes(decode(value) if value else b"", "big") == stored
    assert (int(proof["storageProof"][0]["value"], 16) == 5) == (number == "latest")
    absent = client.result("eth_getProof", "0x" + "55" * 20, ["0x0"], number)
    nodes = [decode(bytes.fromhex(node[2:])) for node in absent["accountProof"]]
    assert HexaryTrie.get_from_proof(root, keccak(b"\x55" * 20), nodes) == b""
    assert absent["nonce"] == "0x0"


def test_headers_hash_to_their_hash(client, bench):
    bench.mined(bench.contract, calldata("bump(uint256)", 1))
    header = bench.engine.header(bench.engine.head.number)
    block = client.result("eth_getBlockByNumber", "latest", HASHES)
    assert block["hash"] == "0x" + keccak(encode(header)).hex()
    rows = index.block_transactions(bench.engine.store, index.block_by_number(bench.engine.store, header.block_number))
    raws = [row.raw for row in rows]
    encoded = encode([header, [decode(raw) for raw in raws], [], []])
    assert int(block["size"], 16) == len(encoded)
    assert block["baseFeePerGas"] == "0x0"


def test_fees_are_zero_and_there_are_no_accounts(client, bench):
    assert client.result("eth_gasPrice") == client.result("eth_maxPriorityFeePerGas") == "0x0"
    assert client.result("eth_accounts") == []
    assert client.result("eth_syncing") is False
    assert client.result("net_version") == str(CHAIN_ID)
    assert client.result("net_listening") is True
    assert client.result("net_peerCount") == "0x0"
    assert client.result("web3_clientVersion").startswith("Tongban-Embedded/")
    assert client.result("web3_sha3", "0x") == "0x" + keccak(b"").hex()
    history = client.result("eth_feeHistory", "0x5", "latest", [25, 75])
    assert history["baseFeePerGas"] == ["0x0"] * 3
    assert history["reward"] == [["0x0", "0x0"]] * 2
    assert len(history["gasUsedRatio"]) == 2
    assert client.result("eth_feeHistory", 0, "latest", [])["baseFeePerGas"] == []
    for method in ("eth_sign", "eth_signTransaction", "eth_sendTransaction"):
        assert "holds no keys" in client.error(method, {})["message"]
    assert bench.engine.head.number == 1


def test_the_clock_by_rpc(client, bench):
    assert client.result("tongban_clock") == {
        "now": GENESIS, "offset": 0, "headTimestamp": GENESIS, "adjustable": True,
    }  # fmt: skip
    assert client.result("tongban_clock", {"advance": 5})["now"] == GENESIS + 5
    assert client.result("tongban_clock", {"offset": 60})["offset"] == 60
    assert client.error("tongban_clock", {"advance": -1})["data"]["code"] == "engine.clock_backwards"
    bench.engine.run_once(empty=True)
    assert client.result("tongban_clock")["headTimestamp"] == GENESIS + 60


def test_the_status_by_rpc(client, bench):
    bench.send(bench.contract, calldata("count()"))
    bench.wall.seconds += 3
    status = client.result("tongban_status")
    assert status["height"] == 1
    assert status["pool"] == {"ready": 1, "waiting": 0, "oldestSeconds": 3}
    assert status["databaseBytes"] > 0
    assert status["fault"] is None
    assert status["genesis"] == "0x" + bench.engine.header(0).hash.hex()


def test_filters_tell_what_is_new(client, bench):
    blocks = client.result("eth_newBlockFilter")
    logs = client.result("eth_newFilter", {"address": at(bench)})
    past = client.result("eth_newFilter", {"fromBlock": "0x0", "toBlock": "0x1"})
    assert client.result("eth_getFilterChanges", blocks) == []
    assert client.result("eth_getFilterChanges", logs) == []
    receipt = bench.mined(bench.contract, calldata("bump(uint256)", 2))
    assert client.result("eth_getFilterChanges", blocks) == [receipt["blockHash"]]
    assert client.result("eth_getFilterChanges", blocks) == []
    assert client.result("eth_getFilterChanges", logs) == receipt["logs"]
    assert client.result("eth_getFilterChanges", logs) == []
    assert client.result("eth_getFilterLogs", logs) == receipt["logs"]
    assert client.result("eth_getFilterChanges", past) == []
    assert client.error("eth_getFilterLogs", blocks)["message"] == "filter not found"
    assert client.result("eth_uninstallFilter", logs) is True
    assert client.result("eth_uninstallFilter", logs) is False
    assert client.error("eth_getFilterChanges", logs)["message"] == "filter not found"


def test_filters_are_bounded_and_forgotten(bench):
    now = [0.0]
    filters = Filters(lambda size: bytes(size - 1) + bytes([int(now[0]) % 256]), clock=lambda: now[0])
    bench.engine.limits = replace(LIMITS, engine_filters=1)
    first = filters.new_blocks(Params(bench.engine, []))
    with pytest.raises(Exception, match=r"engine\.too_many_filters"):
        filters.new_blocks(Params(bench.engine, []))
    now[0] += LIMITS.engine_filter_seconds + 1
    second = filters.new_blocks(Params(bench.engine, []))
    assert first != second
    with pytest.raises(Exception, match=r"engine\.no_filter"):
        filters.changes(Params(bench.engine, [first]))


# web3.py in the process


def test_web3_over_the_provider(bench):
    w3 = Web3(EngineProvider(bench.engine, mine=True))
    signer = account("web3")
    w3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(signer), layer=0)
    w3.eth.default_account = signer.address
    assert w3.is_connected()
    created = w3.eth.wait_for_transaction_receipt(
        w3.eth.contract(abi=build()["abi"], bytecode=build()["bytecode"]).constructor().transact()
    )
    contract = w3.eth.contract(abi=build()["abi"], address=created["contractAddress"])
    receipt = w3.eth.wait_for_transaction_receipt(contract.functions.bump(3).transact())
    assert contract.functions.count().call() == 3
    assert [event["args"]["count"] for event in contract.events.Counted().process_receipt(receipt)] == [1, 2, 3]
    assert len(contract.events.Counted().get_logs(from_block=0, argument_filters={"count": 2})) == 1
    with pytest.raises(ContractLogicError, match="no luck"):
        contract.functions.fail("no luck").call()
    with pytest.raises(ContractLogicError, match="no luck"):
        contract.functions.fail("no luck").transact()
    failed = contract.functions.fail("no luck").transact({"gas": 200_000})
    assert w3.eth.get_transaction_receipt(failed)["status"] == 0
    whole: Any = w3.eth.get_block("latest", full_transactions=True)["transactions"][0]
    assert whole["hash"] == failed
    assert w3.eth.fee_history(2, "latest", [50])["reward"] == [[0], [0]]


def test_the_dispatchers_errors_carry_their_number():
    error = RpcError(-32000, "words")
    assert error.document() == {"code": -32000, "message": "words"}
