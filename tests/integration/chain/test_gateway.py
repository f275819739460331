"""The gateway before a real engine: honest, lying, gone, behind HTTP, and of a kind whose headers prove nothing."""

from __future__ import annotations

import copy
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from web3.providers import BaseProvider

from ledger.chain.embedded.provider import EngineProvider
from ledger.chain.embedded.server import running
from ledger.chain.gateway import Gateway
from ledger.chain.rpc import http_provider
from ledger.domain.events import Anchored, GenerationAdded, Refused
from ledger.domain.operations import Operation
from ledger.errors import ConflictError, IntegrityError, SetupError, UnavailableError
from ledger.ports import Block, UnsignedTransaction
from tests.integration.network import CHAIN_ID, Network, config, form, reopen, send, signers


class Altered(BaseProvider):
    """A provider that changes some answers on their way."""

    def __init__(self, inner: BaseProvider, alter: Callable[[str, Any], Any]) -> None:
        super().__init__()
        self.inner, self.alter = inner, alter

    def make_request(self, method: Any, params: Any) -> Any:
        """Ask, and change the answer."""
        answer: Any = copy.deepcopy(self.inner.make_request(method, params))
        if "result" in answer:
            answer["result"] = self.alter(method, answer["result"])
        return answer


class Gone(BaseProvider):
    """A provider whose engine does not answer."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error, self.asked = error, 0

    def make_request(self, method: Any, params: Any) -> Any:
        """Fail."""
        del method, params
        self.asked += 1
        raise self.error


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Network]]:
    where = tmp_path_factory.mktemp("chain")
    network = form(where / "engine.db", "wuhou", "mianyang")
    gateway = network.gateway()
    for number in range(3):
        for city in ("wuhou", "mianyang"):
            calls = [
                {"root": bytes([number + 1, place]) * 16, "size": 256, "blob": b"b" * 32, "flags": place % 2}
                for place in range(4)
            ]
            send(gateway, signers(city)["issue"], network.addresses.materials, Operation.ANCHOR, *calls)
    yield where, network
    network.close()


@pytest.fixture
def network(folder: tuple[Path, Network]) -> Network:
    return folder[1]


def _all(gateway: Gateway) -> list[Block]:
    return list(gateway.blocks(0, gateway.head().number))


def test_both_kinds_of_engine_give_the_same_events(network: Network):
    strict, loose = network.gateway(), network.gateway(kind="kaia")
    blocks = _all(strict)
    assert _all(loose) == blocks
    assert strict.unverified() == ("transaction_hash",)
    assert set(loose.unverified()) == {"header_hash", "receipts_root", "transaction_hash"}
    events = [located for block in blocks for located in block.events]
    assert sum(isinstance(located.event, Anchored) for located in events) == 24
    assert [located.log_index for located in blocks[-1].events] == list(range(len(blocks[-1].events)))
    for before, after in itertools.pairwise(blocks):
        assert after.parent == before.hash
        assert after.time >= before.time


def test_reading_in_pieces_or_from_the_middle_gives_the_same(network: Network):
    whole = _all(network.gateway())
    pieces = network.gateway()
    assert [block for number in range(len(whole)) for block in pieces.blocks(number, number)] == whole
    for kind in ("embedded", "kaia"):
        assert list(network.gateway(kind=kind).blocks(len(whole) - 2, len(whole) - 1)) == whole[-2:]


def test_a_contract_counts_from_the_block_of_its_registration(network: Network):
    blocks = _all(network.gateway())
    registered = {
        located.event.contract: located.block
        for block in blocks
        for located in block.events
        if isinstance(located.event, GenerationAdded)
    }
    assert registered.keys() == {network.addresses.catalogue, network.addresses.materials, network.addresses.cases}
    for block in blocks:
        for located in block.events:
            assert registered.get(located.contract, 0) <= located.block


def _flip(text: str) -> str:
    """Change the last digit."""
    return text[:-1] + ("0" if text[-1] != "0" else "1")


_HEADER_FIELDS = (
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty",
    "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce", "baseFeePerGas", "withdrawalsRoot",
    "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash", "hash",
)  # fmt: skip


@pytest.mark.parametrize("field", _HEADER_FIELDS)
def test_a_header_changed_in_any_field_is_found_out(network: Network, field: str):
    def alter(method: str, result: Any) -> Any:
        if method == "eth_getBlockByNumber" and result["number"] == "0x5":
            # The genesis block's extra data may be empty: then a byte more.
            result[field] = result[field] + "00" if result[field] == "0x" else _flip(result[field])
        return result

    with pytest.raises(IntegrityError) as raised:
        _altered(network, alter).blocks(0, 8)
    assert raised.value.code == "chain.header_false"


def _altered(network: Network, alter: Callable[[str, Any], Any], kind: str = "embedded") -> Gateway:
    provider = Altered(EngineProvider(network.engine), alter)
    return Gateway([provider], network.addresses.consortium, engine=kind)


def _no_more_events(method: str, result: Any) -> Any:
    if method == "eth_getBlockReceipts" and result[0]["logs"]:
        result[0]["logs"].pop()
    return result


def _other_data(method: str, result: Any) -> Any:
    if method == "eth_getBlockReceipts" and result[0]["logs"]:
        result[0]["logs"][0]["data"] = _flip(result[0]["logs"][0]["data"])
    return result


def _other_address(method: str, result: Any) -> Any:
    if method == "eth_getBlockReceipts" and result[0]["logs"]:
        result[0]["logs"][0]["address"] = _flip(result[0]["logs"][0]["address"])
    return result


def _other_status(method: str, result: Any) -> Any:
    if method == "eth_getBlockReceipts":
        result[0]["status"] = "0x0"
    return result


def _no_receipts(method: str, result: Any) -> Any:
    return [] if method == "eth_getBlockReceipts" else result


@pytest.mark.parametrize("alter", [_no_more_events, _other_data, _other_address, _other_status, _no_receipts])
def test_receipts_changed_in_any_way_are_found_out(network: Network, alter: Callable[[str, Any], Any]):
    gateway = _altered(network, alter)
    with pytest.raises(IntegrityError) as raised:
        gateway.blocks(0, gateway.head().number)
    assert raised.value.code == "chain.receipts_false"


def test_a_block_of_another_branch_is_found_out(network: Network):
    """Each header is a true one, but the sixth does not follow from the fifth."""

    def alter(method: str, result: Any) -> Any:
        return {**other, "number": "0x6"} if method == "eth_getBlockByNumber" and result["number"] == "0x6" else result

    other = EngineProvider(network.engine).make_request("eth_getBlockByNumber", ["0x7", False])["result"]
    for kind, code in (("embedded", "chain.header_false"), ("kaia", "chain.links_broken")):
        with pytest.raises(IntegrityError) as raised:
            _altered(network, alter, kind).blocks(0, 8)
        assert raised.value.code == code


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("eth_getBlockByNumber", []),
        ("eth_getBlockByNumber", {"number": "0x0"}),
        ("eth_getBlockByNumber", {"number": 1}),
        ("eth_getBlockReceipts", {}),
        ("eth_chainId", None),
        ("eth_chainId", "0xzz"),
        ("eth_getTransactionCount", 7),
    ],
)
def test_malformed_answers_are_refused_with_one_code(network: Network, method: str, answer: Any):
    gateway = _altered(network, lambda asked, result: answer if asked == method else result)
    with pytest.raises(IntegrityError) as raised:  # noqa: PT012  # whichever of them asks for it
        gateway.chain_id()
        gateway.nonce("0x" + "11" * 20)
        gateway.blocks(0, 8)
    assert raised.value.code == "chain.answer_malformed"


def test_another_address_is_asked_when_one_is_gone(network: Network):
    for error in (ConnectionError("refused"), TimeoutError("slow"), ValueError("no JSON")):
        gone = Gone(error)
        gateway = Gateway([gone, EngineProvider(network.engine)], network.addresses.consortium)
        assert gateway.chain_id() == CHAIN_ID
        gateway.head()
        # The one that answered is asked first from then on.
        assert gone.asked == 1
    with pytest.raises(UnavailableError) as raised:
        Gateway([Gone(ConnectionError()), Gone(ConnectionError())], network.addresses.consortium).head()
    assert (raised.value.code, raised.value.facts) == ("chain.unreachable", {"tried": 2})
    with pytest.raises(SetupError, match="no_address"):
        Gateway([], network.addresses.consortium)


def test_a_block_that_is_not_there_yet_is_asked_for_again_later(network: Network):
    gateway = network.gateway()
    head = gateway.head().number
    with pytest.raises(UnavailableError) as raised:
        gateway.blocks(head, head + 1)
    assert raised.value.code == "chain.block_missing"


def test_views_answer_now_and_at_past_blocks_and_say_why_not(network: Network):
    gateway = network.gateway()
    at = network.addresses
    assert gateway.call(at.consortium, "consortium", "current", 2) == at.materials
    assert gateway.call(at.consortium, "consortium", "current", 2, block=1) == "0x" + "00" * 20
    assert gateway.call(at.consortium, "consortium", "working_days", 20_000, 20_010) == -1
    with pytest.raises(IntegrityError):
        gateway.call("0x" + "12" * 20, "consortium", "pilot")
    with pytest.raises(ConflictError) as raised:
        gateway.call(at.cases, "consortium", "pilot")
    assert raised.value.code == "chain.reverted"


def test_a_transaction_sent_again_is_the_same_and_one_too_late_is_refused(folder: tuple[Path, Network], tmp_path: Path):
    where, formed = folder
    del where
    network = form(tmp_path / "engine.db", "wuhou")
    del formed
    gateway = network.gateway(mine=False)
    key = signers("wuhou")["issue"]
    at = network.addresses.materials
    calls = [UnsignedTransaction(CHAIN_ID, nonce, at, b"\x00" * 4, 100_000) for nonce in (0, 0, 1)]
    first, _, second = (key.sign_transaction(call) for call in calls)
    assert gateway.send(first.raw) == gateway.send(first.raw) == first.hash
    assert gateway.receipt(first.hash) is None
    network.engine.run_once()
    receipt = gateway.receipt(first.hash)
    assert receipt is not None
    assert (receipt.succeeded, receipt.events) == (False, ())
    late = key.sign_transaction(UnsignedTransaction(CHAIN_ID, 0, at, b"\x00" * 5, 100_000))
    with pytest.raises(ConflictError) as raised:
        gateway.send(late.raw)
    assert raised.value.code == "chain.nonce_used"
    with pytest.raises(ConflictError) as raised:
        gateway.send(b"\x01\x02")
    assert raised.value.code == "chain.transaction_refused"
    assert gateway.mined(key.address, 0) is not None
    assert gateway.mined(key.address, 1) is None
    gateway.send(second.raw)
    assert gateway.nonce(key.address) == 1
    network.close()


def test_mined_transactions_are_found_by_nonce(network: Network):
    gateway = network.gateway()
    key = signers("mianyang")["issue"]
    count = gateway.nonce(key.address)
    assert count == 3
    for nonce in range(count):
        mined = gateway.mined(key.address, nonce)
        assert mined is not None
        assert (mined.nonce, mined.sender, mined.contract) == (nonce, key.address, network.addresses.materials)
        receipt = gateway.receipt(mined.hash)
        assert receipt is not None
        assert receipt.block == mined.block
        assert {type(located.event) for located in receipt.events} <= {Anchored, Refused}
    assert gateway.mined("0x" + "77" * 20, 0) is None


def test_over_http_everything_is_the_same(folder: tuple[Path, Network], tmp_path: Path):
    where, network = folder
    expected = _all(network.gateway())
    copied = reopen(where, tmp_path / "copy", network.addresses)
    copied.close()
    with running(config(tmp_path / "copy" / "engine.db")) as (address, _):
        nobody = "http://127.0.0.1:9"
        gateway = Gateway([http_provider(nobody), http_provider(address)], network.addresses.consortium)
        assert _all(gateway) == expected
        gateway.close()


def test_the_ports_load_neither_web3_nor_a_database():
    program = (
        "import sys; import ledger.ports, ledger.chain.codec, ledger.chain.gateway, ledger.chain.signing;"
        "print(sorted(set(sys.modules) & {'web3', 'requests', 'eth', 'eth_tester', 'vyper', 'alembic'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
