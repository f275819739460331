"""A small contract, a key and a clock for the engine's tests."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eth_account import Account
from eth_utils.abi import function_signature_to_4byte_selector
from eth_utils.crypto import keccak
from vyper.compiler import compile_code

from ledger.chain.embedded.chain import Engine
from ledger.chain.embedded.config import EngineConfig

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

__all__ = ["CHAIN_ID", "GENESIS", "SOURCE", "Wall", "Workbench", "account", "build", "calldata", "config", "sign"]

CHAIN_ID = 7_070
GENESIS = 1_780_000_000

SOURCE = """
# pragma version 0.4.3

event Counted:
    who: indexed(address)
    count: indexed(uint256)
    stamp: uint256

event Noted:
    text: String[64]

count: public(uint256)
at: public(HashMap[uint256, uint256])
members: public(HashMap[address, bool])

@external
def bump(times: uint256):
    for i: uint256 in range(times, bound=400):
        self.count += 1
        self.at[self.count] = block.timestamp
        log Counted(who=msg.sender, count=self.count, stamp=block.timestamp)

@external
def note(text: String[64]):
    log Noted(text=text)

@external
def fail(text: String[64]):
    assert False, text

@external
def fail_raw(data: Bytes[64]):
    raw_revert(data)

@external
def burn():
    for i: uint256 in range(1_000_000):
        self.at[i] = i + 1

@external
def enrol(who: address):
    self.members[who] = True

@external
@view
def now() -> uint256:
    return block.timestamp

@external
@view
def height() -> uint256:
    return block.number

@external
@view
def ancestor(number: uint256) -> bytes32:
    return blockhash(number)

@external
@view
def price() -> uint256:
    return block.basefee + tx.gasprice
"""


@functools.cache
def build() -> dict[str, Any]:
    """The compiled contract: ``abi`` and ``bytecode``."""
    compiled: dict[str, Any] = compile_code(SOURCE, output_formats=["abi", "bytecode"])
    return compiled


def account(name: str) -> LocalAccount:
    """A key that is the same in every run."""
    signer: LocalAccount = Account.from_key(keccak(text=f"engine test {name}"))
    return signer


def calldata(signature: str, *words: int) -> bytes:
    """Calldata of a function whose arguments are words."""
    return function_signature_to_4byte_selector(signature) + b"".join(word.to_bytes(32, "big") for word in words)


def sign(
    signer: LocalAccount, nonce: int, to: bytes | None = None, data: bytes = b"", *, gas: int = 3_000_000, **fields: Any
) -> bytes:
    """A signed transaction at price zero; legacy unless the fields say otherwise."""
    price = {} if "maxFeePerGas" in fields else {"gasPrice": 0}
    transaction = {"nonce": nonce, "gas": gas, "value": 0, "data": data, "chainId": CHAIN_ID, **price, **fields}
    if to is not None:
        transaction["to"] = to
    return bytes(signer.sign_transaction(transaction).raw_transaction)


@dataclass(slots=True)
class Wall:
    """A wall clock that stands until it is moved."""

    seconds: float = GENESIS

    def __call__(self) -> float:
        return self.seconds


def config(**fields: Any) -> EngineConfig:
    """Settings of a test network, in memory unless a path is given."""
    return EngineConfig(**{"path": None, "chain_id": CHAIN_ID, "genesis_time": GENESIS, **fields})


@dataclass(slots=True)
class Workbench:
    """An engine with the contract deployed and a sender that counts its nonces."""

    engine: Engine
    wall: Wall
    signer: LocalAccount = field(default_factory=lambda: account("first"))
    contract: bytes = b""
    nonce: int = 0

    def deploy(self) -> bytes:
        """Deploy the contract and give back its address."""
        receipt = self.mined(None, bytes.fromhex(build()["bytecode"][2:]))
        self.contract = bytes.fromhex(receipt["contractAddress"][2:])
        return self.contract

    def send(self, to: bytes | None, data: bytes, **fields: Any) -> bytes:
        """Sign and send with the next nonce."""
        raw = sign(self.signer, self.nonce, to, data, **fields)
        self.nonce += 1
        return self.engine.send_raw(raw)

    def mined(self, to: bytes | None, data: bytes, **fields: Any) -> dict[str, Any]:
        """Send, close a block, and give back the receipt."""
        sent = self.send(to, data, **fields)
        self.engine.run_once()
        receipt = self.engine.receipt(sent)
        assert receipt is not None
        return receipt

    def read(self, signature: str, *words: int, at: int | None = None) -> int:
        """Call a view of the contract."""
        return int.from_bytes(self.engine.call(self.contract, calldata(signature, *words), at=at), "big")
