"""Translated code is the same machine as py-evm's interpreter: random programs, chosen corners, a real contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.prague.state import PragueState
from eth.vm.message import Message
from eth.vm.transaction_context import BaseTransactionContext
from eth_typing import Address, BlockNumber, Hash32
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.embedded.compiled import CompiledComputation, Program

# py-evm says of SELFDESTRUCT that Ethereum means to change it; random bytes hold it now and then.
pytestmark = pytest.mark.filterwarnings("ignore:SELFDESTRUCT:DeprecationWarning")

HERE, THERE, SENDER = Address(b"\x11" * 20), Address(b"\x22" * 20), Address(b"\x33" * 20)
# Logs its word of calldata, stores it in slot 7, and gives it back: by RETURN where it is even, by REVERT where odd.
CALLEE = bytes.fromhex("5f355f5260205fa05f356007555f3560011660195760205ff35b60205ffd")


class CompiledState(PragueState):
    """Prague's state over translated programs."""

    computation_class = CompiledComputation


@dataclass(frozen=True)
class Seen:
    """What can be seen of an execution."""

    end: str
    output: bytes
    gas: int
    refund: int
    logs: Any
    root: bytes


def execute(kind: type[PragueState], code: bytes, *, gas: int, data: bytes) -> Seen:
    """Run code in an account that has storage, beside one that can be called."""
    context = ExecutionContext(
        coinbase=SENDER, timestamp=1_772_413_200, block_number=BlockNumber(7), difficulty=0, mix_hash=Hash32(b"\x05" * 32),
        gas_limit=30_000_000, prev_hashes=[Hash32(b"\x06" * 32)], chain_id=5, base_fee_per_gas=0, excess_blob_gas=0,
    )  # fmt: skip
    state = kind(AtomicDB(), context, BLANK_ROOT_HASH)
    state.set_code(HERE, code)
    state.set_code(THERE, CALLEE)
    state.set_balance(HERE, 1_000)
    state.set_storage(HERE, 1, 5)
    state.lock_changes()
    message = Message(gas=gas, to=HERE, sender=SENDER, value=0, data=data, code=code)
    computation = kind.computation_class.apply_message(
        state, message, BaseTransactionContext(gas_price=0, origin=SENDER)
    )
    end = "done" if computation.is_success else "failed" if computation.error.burns_gas else "reverted"
    return Seen(
        end=end,
        output=computation.output,
        gas=computation.get_gas_remaining(),
        refund=computation.get_gas_refund() if computation.is_success else 0,
        logs=computation.get_log_entries(),
        root=state.make_state_root(),
    )


def same(code: bytes, *, gas: int = 200_000, data: bytes = b"") -> Seen:
    """Run on both machines, and see the same."""
    expected = execute(PragueState, code, gas=gas, data=data)
    assert execute(CompiledState, code, gas=gas, data=data) == expected
    return expected


def call(op: str, *, value: bool) -> bytes:
    """A call of the other account with the first word of memory, its answer over the second."""
    return bytes.fromhex("6020602060205f" + ("5f" if value else "") + "73" + THERE.hex() + "5a" + op)


_PUSHES = st.one_of(
    st.integers(0, 255).map(lambda value: bytes((0x60, value))),
    st.sampled_from((b"\x7f" + b"\xff" * 32, b"\x7f\x80" + bytes(31), b"\x5f", b"\x61\x01\x00")),
)
_PLAIN = [*range(0x01, 0x0C), *range(0x10, 0x1E), *range(0x80, 0xA0), 0x50, 0x58, 0x59, 0x5A, 0x5B, 0x36, 0x33, 0x42]
_PARTS = st.one_of(
    _PUSHES,
    st.sampled_from(_PLAIN).map(lambda op: bytes((op,))),
    # Memory at small places, whatever else is on the stack; storage; logs; calldata and calls.
    st.integers(0, 130).flatmap(lambda at: st.sampled_from((b"\x51", b"\x52", b"\x53")).map(lambda op: bytes((0x60, at)) + op)),
    st.integers(0, 70).map(lambda size: bytes((0x60, size, 0x60, 3, 0x20))),
    st.integers(0, 3).flatmap(lambda at: st.sampled_from((b"\x54", b"\x55", b"\x5c", b"\x5d", b"\x35")).map(lambda op: bytes((0x60, at)) + op)),
    st.sampled_from((bytes.fromhex("60205fa0"), bytes.fromhex("60016010602037"), bytes.fromhex("6021600260405e"))),
    st.sampled_from((call("f1", value=True), call("f4", value=False), call("fa", value=False))),
    # Jumps, mostly to nowhere, sometimes to a destination that chance has put there.
    st.tuples(st.integers(0, 90), st.sampled_from((b"\x56", b"\x57"))).map(lambda jump: bytes((0x60, jump[0])) + jump[1]),
    st.just(b"\x5b"),
)  # fmt: skip
_ENDS = st.sampled_from((b"", b"\x00", bytes.fromhex("60605ff3"), bytes.fromhex("60605ffd"), b"\xfe"))
_PROGRAMS = st.builds(
    lambda pushes, parts, end: b"".join(pushes) + b"".join(parts) + end,
    st.lists(_PUSHES, min_size=4, max_size=12), st.lists(_PARTS, max_size=40), _ENDS,
)  # fmt: skip


@settings(max_examples=150)
@given(_PROGRAMS, st.sampled_from((200_000, 60_000, 25_000, 3_000, 300, 60)), st.binary(max_size=40))
def test_random_programs_run_as_py_evm_runs_them(code, gas, data):
    same(code, gas=gas, data=data)


@settings(max_examples=60)
@given(st.binary(max_size=60), st.integers(0, 5_000))
def test_random_bytes_run_as_py_evm_runs_them(code, gas):
    same(code, gas=gas)


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("", "done"),
        ("5f5f", "done"),
        ("01", "failed"),  # nothing to add
        ("600456fe5b5f5f5260205ff3", "done"),
        ("600256", "failed"),  # no destination there
        ("6004565b605b600556", "failed"),  # a destination's byte in the data of a push
        ("5f60055700", "done"),
        ("6001600657005b5a5f5260205ff3", "done"),  # GAS sees what is left
        ("7f" + "ff" * 32 + "51", "failed"),  # memory beyond any gas
        ("7f" + "ff" * 32 + "7f" + "ff" * 32 + "20", "failed"),
        ("5f7f" + "ff" * 32 + "20" + "5f52" + "60205ff3", "done"),  # the hash of nothing, from anywhere
        ("5b5f600056", "failed"),  # a loop that fills the stack
        ("5b600056", "failed"),  # a loop that uses up the gas
        ("604260005260206000fd", "reverted"),
        ("600160005260206000600060006000600060205260206000f3", "done"),
        ("6060", "done"),
        ("61", "done"),  # a push cut off by the code's end
        ("0c", "failed"),  # no instruction
    ],
)
def test_corners(code, end):
    assert same(bytes.fromhex(code)).end == end


def test_gas_that_just_suffices_and_gas_that_is_one_short():
    code = bytes.fromhex("600160020160805260405160205260206080f3")
    used = 200_000 - same(code).gas
    assert same(code, gas=used).end == "done"
    assert same(code, gas=used - 1).end == "failed"


@pytest.mark.parametrize("word", [2, 3])
@pytest.mark.parametrize("op", ["f1", "f4", "fa"])
def test_calls_keep_gas_answers_and_what_was_undone(op, word):
    code = bytes.fromhex(f"60{word:02x}5f52") + call(op, value=op == "f1") + bytes.fromhex("3d60405260605260805ff3")
    seen = same(code)
    assert seen.end == "done"
    assert bool(seen.logs) == (op != "fa" and word == 2)


def test_a_block_of_any_length_is_cut_into_pieces():
    code = bytes.fromhex("60035f") + bytes.fromhex("600160020260011b60ff1601") * 900 + bytes.fromhex("5f5260205ff3")
    assert same(code, gas=10_000_000).end == "done"
    program = Program(code)
    program.block(0)
    assert list(program.blocks) == [0]


def test_calls_as_deep_as_a_block_of_gas_allows():
    # Calls itself with all that is left, until nothing is left for one more.
    code = bytes.fromhex("5f5f5f5f5f305af15f5260205ff3")
    assert same(code, gas=200_000_000).end == "done"


def test_an_account_that_ends_itself():
    assert same(bytes.fromhex("33ff")).end == "done"
