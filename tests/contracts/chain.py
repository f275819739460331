"""A chain for contract tests: py-evm's Prague virtual machine, driven one transaction at a time over an in-memory state.

Every transaction is a block of its own at a time that the test sets. The state is a Merkle trie in which nothing is
overwritten, so a snapshot is a root and going back to it costs nothing: a test builds a state once and tries many
things against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from typing import Any, TypeVar

from eth import constants
from eth.chains.base import MiningChain
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague import PragueVM
from eth_abi.abi import decode, encode
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from contracts import load
from ledger.domain.events import EVENTS, Event, Refused
from ledger.domain.reasons import Reason

__all__ = ["CHAIN_ID", "ZERO", "Chain", "Contract", "Receipt", "RevertedError", "Snapshot", "address_of", "key"]

T = TypeVar("T")
CHAIN_ID = 20_261
GAS_LIMIT = 60_000_000
ZERO = bytes(32)
# 2026-03-02 09:00 in China, a Monday.
START = 1_772_413_200
_ERROR_STRING = bytes.fromhex("08c379a0")


class RevertedError(AssertionError):
    """The whole transaction was undone; the message is the contract's own."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a transaction did: gas with the intrinsic part and after refunds, and its events in order."""

    gas: int
    events: tuple[Event, ...]

    def of(self, kind: type[T]) -> list[T]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def one(self, kind: type[T]) -> T:
        """The only event of one kind; anything refused is an error that names the reason."""
        found = self.of(kind)
        assert len(found) == 1, (kind.__name__, self.reasons, self.events)
        return found[0]

    @property
    def refused(self) -> list[Refused]:
        """Operations that were not done."""
        return self.of(Refused)

    @property
    def reasons(self) -> list[Reason]:
        """Their reasons."""
        return [Reason(event.reason) for event in self.refused]

    def reasons_by_index(self, count: int) -> list[Reason]:
        """One reason for each operation of a batch of ``count``, OK where it was done."""
        found = {event.index: Reason(event.reason) for event in self.refused}
        return [found.get(index, Reason.OK) for index in range(count)]

    def done(self) -> Receipt:
        """This receipt, once nothing in it was refused."""
        assert self.reasons == [], self.refused
        return self


@dataclass(frozen=True)
class Contract:
    """A deployed contract."""

    name: str
    address: str
    abi: tuple[dict[str, Any], ...]

    @cached_property
    def functions(self) -> dict[str, dict[str, Any]]:
        """Functions by name."""
        return {entry["name"]: entry for entry in self.abi if entry["type"] == "function"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state to go back to."""

    root: bytes
    now: int
    number: int
    nonces: dict[bytes, int]


class Chain:
    """An EVM in memory. ``now`` is the time of the next block; it does not move by itself."""

    def __init__(self, *, now: int = START, chain_id: int = CHAIN_ID) -> None:
        configured: type[MiningChain] = MiningChain.configure(
            __name__="TestChain", vm_configuration=((0, PragueVM),), chain_id=chain_id
        )
        self._chain = configured.from_genesis(
            AtomicDB(),
            {
                "difficulty": 0,
                "gas_limit": GAS_LIMIT,
                "timestamp": now - 1,
                "base_fee_per_gas": 0,
                "nonce": constants.POST_MERGE_NONCE,
                "mix_hash": constants.POST_MERGE_MIX_HASH,
                "extra_data": b"",
            },
        )
        self.chain_id = chain_id
        self.now = now
        self._number = 1
        self._root: bytes = self._chain.get_canonical_head().state_root
        self._nonces: dict[bytes, int] = {}
        self._topics: dict[bytes, tuple[dict[str, Any], type[Event]]] = {}

    def snapshot(self) -> Snapshot:
        """Remember this state."""
        return Snapshot(self._root, self.now, self._number, dict(self._nonces))

    def revert(self, snapshot: Snapshot) -> None:
        """Go back to a state; may be done any number of times."""
        self._root, self.now, self._number = snapshot.root, snapshot.now, snapshot.number
        self._nonces = dict(snapshot.nonces)

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds

    def deploy(self, name: str, *arguments: Any, sender: PrivateKey | None = None) -> Contract:
        """Deploy a contract from its artifact; events of its constructor are in ``deployment``."""
        artifact = load(name)
        constructor: dict[str, Any] = next(
            (entry for entry in artifact.abi if entry["type"] == "constructor"), {"inputs": []}
        )
        data = artifact.bytecode + _encode(constructor["inputs"], arguments)
        self._learn(artifact.abi)
        receipt, created = self._apply(sender or key("deployer"), b"", data)
        self.deployment = receipt
        return Contract(name, created, artifact.abi)

    def send(self, sender: PrivateKey, contract: Contract, function: str, *arguments: Any) -> Receipt:
        """Send one transaction in a block of its own.

        Raises:
            RevertedError: the contract undid it.
        """
        entry = contract.functions[function]
        data = _selector(entry) + _encode(entry["inputs"], arguments)
        return self._apply(sender, bytes.fromhex(contract.address[2:]), data)[0]

    def call(self, contract: Contract, function: str, *arguments: Any, sender: str | None = None) -> Any:
        """Read: the result of a view now; several results are a tuple.

        Raises:
            RevertedError: the contract undid it.
        """
        entry = contract.functions[function]
        vm = self._vm()
        computation = vm.execute_bytecode(
            origin=bytes.fromhex((sender or address_of(key("deployer")))[2:]),
            gas_price=0,
            gas=GAS_LIMIT,
            to=bytes.fromhex(contract.address[2:]),
            sender=bytes.fromhex((sender or address_of(key("deployer")))[2:]),
            value=0,
            data=_selector(entry) + _encode(entry["inputs"], arguments),
            code=vm.state.get_code(bytes.fromhex(contract.address[2:])),
        )
        if computation.is_error:
            raise RevertedError(_reason(computation.output))
        results = decode([_type(output) for output in entry["outputs"]], computation.output)
        return results[0] if len(results) == 1 else results

    def code_size(self, contract: Contract) -> int:
        """Bytes of the deployed code."""
        return len(self._vm().state.get_code(bytes.fromhex(contract.address[2:])))

    def _vm(self) -> Any:
        header = self._chain.get_canonical_head().copy(
            block_number=self._number,
            timestamp=self.now,
            gas_limit=GAS_LIMIT,
            base_fee_per_gas=0,
            state_root=self._root,
            gas_used=0,
        )
        return self._chain.get_vm(header)

    def _apply(self, sender: PrivateKey, to: bytes, data: bytes) -> tuple[Receipt, str]:
        vm = self._vm()
        account = sender.public_key.to_canonical_address()
        nonce = self._nonces.get(account, 0)
        transaction = vm.create_unsigned_transaction(
            nonce=nonce, gas_price=0, gas=GAS_LIMIT, to=to, value=0, data=data
        ).as_signed_transaction(sender, chain_id=self.chain_id)
        receipt, computation = vm.apply_transaction(vm.get_header(), transaction)
        vm.state.persist()
        self._root = vm.state.state_root
        self._nonces[account] = nonce + 1
        self._number += 1
        if computation.is_error:
            raise RevertedError(_reason(computation.output) or str(computation.error))
        events = tuple(self._decode(log) for log in receipt.logs)
        return Receipt(receipt.gas_used, events), "0x" + computation.msg.storage_address.hex()

    def _learn(self, abi: Sequence[dict[str, Any]]) -> None:
        for entry in abi:
            if entry["type"] == "event":
                types = ",".join(_type(parameter) for parameter in entry["inputs"])
                self._topics[keccak(text=f"{entry['name']}({types})")] = (entry, EVENTS[entry["name"]])

    def _decode(self, log: Any) -> Event:
        topics = [topic.to_bytes(32, "big") for topic in log.topics]
        entry, kind = self._topics[topics[0]]
        indexed = [parameter for parameter in entry["inputs"] if parameter["indexed"]]
        values = {
            parameter["name"]: decode([_type(parameter)], topic)[0]
            for parameter, topic in zip(indexed, topics[1:], strict=True)
        }
        plain = [parameter for parameter in entry["inputs"] if not parameter["indexed"]]
        decoded = decode([_type(parameter) for parameter in plain], log.data)
        values |= {parameter["name"]: value for parameter, value in zip(plain, decoded, strict=True)}
        return kind(**values)


def key(label: str) -> PrivateKey:
    """The private key of a label: for tests, the same in every run."""
    return PrivateKey(keccak(text=f"tongban test key: {label}"))


def address_of(holder: PrivateKey) -> str:
    """A key's address as the contracts know it, in lowercase."""
    return "0x" + holder.public_key.to_canonical_address().hex()


def _selector(entry: dict[str, Any]) -> bytes:
    types = ",".join(_type(parameter) for parameter in entry["inputs"])
    return keccak(text=f"{entry['name']}({types})")[:4]


def _type(parameter: dict[str, Any]) -> str:
    """The canonical type: structs are tuples of their components."""
    if not parameter["type"].startswith("tuple"):
        return str(parameter["type"])
    inner = ",".join(_type(component) for component in parameter["components"])
    return f"({inner}){parameter['type'][5:]}"


def _encode(inputs: Sequence[dict[str, Any]], arguments: Sequence[Any]) -> bytes:
    assert len(inputs) == len(arguments), ([parameter["name"] for parameter in inputs], len(arguments))
    values = [_value(parameter, argument) for parameter, argument in zip(inputs, arguments, strict=True)]
    return encode([_type(parameter) for parameter in inputs], values)


def _value(parameter: dict[str, Any], argument: Any) -> Any:
    """Structs may be tuples, mappings or dataclasses whose fields have the components' names."""
    kind = parameter["type"]
    if kind.endswith("]"):
        inner = {**parameter, "type": kind[: kind.rindex("[")]}
        return [_value(inner, item) for item in argument]
    if kind != "tuple":
        return argument
    components = parameter["components"]
    if is_dataclass(argument) and not isinstance(argument, type):
        argument = {field.name: getattr(argument, field.name) for field in fields(argument)}
    if isinstance(argument, Mapping):
        assert set(argument) == {component["name"] for component in components}, sorted(argument)
        argument = [argument[component["name"]] for component in components]
    return tuple(_value(component, item) for component, item in zip(components, argument, strict=True))


def _reason(output: bytes) -> str:
    if output[:4] == _ERROR_STRING:
        return str(decode(["string"], output[4:])[0])
    return output.hex()
