"""Reading the state of any block: calls, estimates, accounts and proofs. Nothing here changes the chain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eth.constants import BLANK_ROOT_HASH, EMPTY_SHA3
from eth.vm.forks.berlin.transactions import calculate_txn_intrinsic_gas_berlin
from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak
from eth_utils.exceptions import ValidationError
from trie.hexary import HexaryTrie

from ledger.chain.embedded.codec import decode_account, decode_number, encode
from ledger.chain.embedded.errors import ExecutionRevertedError, damaged, missing_data_is_damage
from ledger.chain.embedded.transactions import floor_gas
from ledger.chain.embedded.vm import EngineVM
from ledger.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eth.abc import AtomicDatabaseAPI, ComputationAPI, StateAPI
    from eth.rlp.accounts import Account

__all__ = ["CallRequest", "Proof", "account_at", "call", "code_at", "estimate", "prove", "revert_reason", "storage_at"]

_ERROR_STRING = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
# A call hands a callee at most 63/64 of what is left, and a transfer 2,300 for nothing (EIP-150, yellow paper).
_STIPEND = 2_300


@dataclass(frozen=True, slots=True)
class CallRequest:
    """What a call or an estimate is asked for; py-evm executes it in place of a signed transaction.

    Args:
        sender: whom the contract takes the call to come from; nothing is signed.
        to: the contract, empty to create one.
        data: calldata, or the code to create from.
        value: sent along; the sender must have it.
        gas: at most so much; ``None`` for the engine's own cap.
        access_list: addresses and slots that are warm from the start (EIP-2930).
    """

    sender: bytes = bytes(20)
    to: bytes = b""
    data: bytes = b""
    value: int = 0
    gas: int | None = None
    access_list: Sequence[tuple[bytes, Sequence[int]]] = ()


@dataclass(slots=True)
class _Unsigned:
    """The face of a transaction that py-evm's executor looks at."""

    sender: bytes
    to: bytes
    data: bytes
    value: int
    gas: int
    access_list: Sequence[tuple[bytes, Sequence[int]]]
    nonce: int
    s: int = 1
    type_id: int = 0
    gas_price: int = 0
    max_fee_per_gas: int = 0
    max_priority_fee_per_gas: int = 0
    intrinsic_gas: int = field(init=False)

    def __post_init__(self) -> None:
        self.intrinsic_gas = calculate_txn_intrinsic_gas_berlin(self)  # type: ignore[arg-type]  # reads data, to and access list only


def call(state: StateAPI, request: CallRequest, *, cap: int) -> bytes:
    """Execute and give back what the contract returned.

    Raises:
        ExecutionRevertedError: with the contract's bytes, or the machine's reason.
        InputError: ``engine.gas_too_low``, ``engine.funds``.
    """
    gas = cap if request.gas is None else min(request.gas, cap)
    computation = _execute(state, request, gas)
    if computation.is_error:
        raise _failure(computation)
    return computation.output


def estimate(state: StateAPI, request: CallRequest, *, cap: int) -> int:
    """The gas limit, to within a sixty-fourth, under which the transaction succeeds, found by search.

    A transaction needs more than it uses: refunds come at the end, and each call keeps back a sixty-fourth.

    Raises:
        ExecutionRevertedError: it fails however much gas it is given.
        InputError: ``engine.gas_too_low``, ``engine.funds``.
    """
    high = cap if request.gas is None else min(request.gas, cap)
    computation = _execute(state, request, high)
    if computation.is_error:
        raise _failure(computation)
    low = _used(request, high, computation) - 1
    gross = high - computation.get_gas_remaining()
    hopeful = (gross + _STIPEND) * 64 // 63
    if low < hopeful < high:
        if _execute(state, request, hopeful).is_error:
            low = hopeful
        else:
            high = hopeful
    while high - low > max(1, high // 64):
        middle = (high + low) // 2
        if _execute(state, request, middle).is_error:
            low = middle
        else:
            high = middle
    return high


def _execute(state: StateAPI, request: CallRequest, gas: int) -> ComputationAPI:
    transaction = _Unsigned(
        sender=request.sender,
        to=request.to,
        data=request.data,
        value=request.value,
        gas=gas,
        access_list=request.access_list,
        nonce=state.get_nonce(request.sender),  # type: ignore[arg-type]  # eth_typing's Address is bytes
    )
    least = max(transaction.intrinsic_gas, floor_gas(request.data))
    if gas < least:
        raise InputError("engine.gas_too_low", gas=gas, least=least)
    # Forget what an earlier run of a search has warmed: it would make this one cheaper than the transaction.
    state.lock_changes()
    snapshot = state.snapshot()
    try:
        with missing_data_is_damage():
            return state.apply_transaction(transaction)  # type: ignore[arg-type]  # see _Unsigned
    except ValidationError as error:
        raise InputError("engine.funds", value=str(request.value)) from error
    finally:
        state.revert(snapshot)


def _used(request: CallRequest, gas: int, computation: ComputationAPI) -> int:
    consumed = gas - computation.get_gas_remaining()
    net = consumed - EngineVM.calculate_net_gas_refund(consumed, computation.get_gas_refund())
    return max(net, floor_gas(request.data))


def _failure(computation: ComputationAPI) -> ExecutionRevertedError:
    error = computation.error
    name = type(error).__name__
    if name == "Revert":
        return ExecutionRevertedError(revert_reason(computation.output), computation.output, reverted=True)
    words = {
        "OutOfGas": "out of gas",
        "InvalidInstruction": "invalid opcode",
        "InsufficientFunds": "insufficient balance for transfer",
        "StackDepthLimit": "max call depth exceeded",
        "WriteProtection": "write protection",
        "ContractCreationCollision": "contract address collision",
    }
    return ExecutionRevertedError(words.get(name, name), b"", reverted=False)


def revert_reason(output: bytes) -> str:
    """The words that a contract gave, if it gave any by the usual conventions (``Error(string)``, ``Panic(uint)``)."""
    try:
        if output[:4] == _ERROR_STRING:
            return str(abi_decode(["string"], output[4:])[0])
        if output[:4] == _PANIC:
            return f"panic 0x{abi_decode(['uint256'], output[4:])[0]:02x}"
    except (DecodingError, UnicodeDecodeError, OverflowError):
        return ""
    return ""


def account_at(db: AtomicDatabaseAPI, state_root: bytes, address: bytes) -> Account:
    """The account at a state root; an empty one if there is none.

    Raises:
        IntegrityError: ``engine.store_damaged``.
    """
    with missing_data_is_damage():
        encoded = HexaryTrie(db, state_root)[keccak(address)]
    return decode_account(encoded)


def code_at(db: AtomicDatabaseAPI, state_root: bytes, address: bytes) -> bytes:
    """The code of an account.

    Raises:
        IntegrityError: ``engine.store_damaged``.
    """
    account = account_at(db, state_root, address)
    if account.code_hash == EMPTY_SHA3:
        return b""
    try:
        return db[account.code_hash]
    except KeyError as error:
        raise damaged("kv", account.code_hash.hex()) from error


def storage_at(db: AtomicDatabaseAPI, state_root: bytes, address: bytes, slot: int) -> int:
    """A word of an account's storage.

    Raises:
        IntegrityError: ``engine.store_damaged``.
    """
    account = account_at(db, state_root, address)
    if account.storage_root == BLANK_ROOT_HASH:
        return 0
    with missing_data_is_damage():
        encoded = HexaryTrie(db, account.storage_root)[keccak(slot.to_bytes(32, "big"))]
    return decode_number(encoded)


@dataclass(frozen=True, slots=True)
class Proof:
    """An account with its Merkle proof to the state root, and slots with theirs to its storage root (EIP-1186)."""

    account: Account
    nodes: list[bytes]
    slots: list[tuple[int, int, list[bytes]]]


def prove(db: AtomicDatabaseAPI, state_root: bytes, address: bytes, slots: Sequence[int]) -> Proof:
    """Prove an account and some of its storage, present or absent.

    Raises:
        IntegrityError: ``engine.store_damaged``.
    """
    account = account_at(db, state_root, address)
    proven = [
        (
            slot,
            storage_at(db, state_root, address, slot),
            _nodes(db, account.storage_root, keccak(slot.to_bytes(32, "big"))),
        )
        for slot in slots
    ]
    return Proof(account, _nodes(db, state_root, keccak(address)), proven)


def _nodes(db: AtomicDatabaseAPI, root: bytes, key: bytes) -> list[bytes]:
    if root == BLANK_ROOT_HASH:
        return []
    with missing_data_is_damage():
        encoded = [encode(node) for node in HexaryTrie(db, root).get_proof(key)]  # type: ignore[no-untyped-call]  # py-trie is not annotated
    # A node under 32 bytes stands inside its parent; a proof lists only what is reached by hash.
    return [node for at, node in enumerate(encoded) if at == 0 or len(node) >= 32]
