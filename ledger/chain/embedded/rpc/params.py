"""Reading the parameters of a request: positions, hexadecimal forms, block tags (EIP-1474, EIP-1898)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.chain.embedded import index
from ledger.chain.embedded.execution import CallRequest
from ledger.chain.embedded.rpc.errors import RpcError, invalid_params
from ledger.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.chain.embedded.chain import Engine

__all__ = ["PENDING", "Params", "hex_bytes", "hex_number"]

PENDING = "pending"
_AT_HEAD = frozenset({"latest", "safe", "finalized"})
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}\Z")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*\Z")
_CALL_FIELDS = frozenset({
    "from", "to", "gas", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "value", "data", "input", "nonce",
    "type", "chainId", "accessList",
})  # fmt: skip


def hex_number(value: object, name: str) -> int:
    """A quantity. Leading zeros are let through, as most nodes do.

    Raises:
        RpcError: invalid params.
    """
    if not isinstance(value, str) or not _QUANTITY.match(value):
        raise invalid_params(f"{name}: expected a quantity in hexadecimal")
    return int(value, 16)


def hex_bytes(value: object, name: str, length: int | None = None) -> bytes:
    """Bytes, of the given length if there is one.

    Raises:
        RpcError: invalid params.
    """
    if not isinstance(value, str) or not _DATA.match(value):
        raise invalid_params(f"{name}: expected bytes in hexadecimal")
    raw = bytes.fromhex(value[2:])
    if length is not None and len(raw) != length:
        raise invalid_params(f"{name}: expected {length} bytes, got {len(raw)}")
    return raw


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of one request to one engine."""

    engine: Engine
    values: Sequence[Any]

    def at(self, position: int, default: Any = None) -> Any:  # noqa: ANN401  # JSON is what it is
        """The parameter, or the default where it is missing or null."""
        value = self.values[position] if position < len(self.values) else None
        return default if value is None else value

    def address(self, position: int) -> bytes:
        """A 20-byte address."""
        return hex_bytes(self.at(position), "address", 20)

    def hash(self, position: int) -> bytes:
        """A 32-byte hash."""
        return hex_bytes(self.at(position), "hash", 32)

    def number(self, position: int) -> int:
        """A quantity."""
        return hex_number(self.at(position), f"parameter {position + 1}")

    def flag(self, position: int) -> bool:
        """A truth value, false where it is missing."""
        value = self.at(position, default=False)
        if not isinstance(value, bool):
            raise invalid_params(f"parameter {position + 1}: expected true or false")
        return value

    def block(self, position: int, default: str = "latest") -> int | None:
        """A block's number by number, tag or EIP-1898 object; ``None`` for the pending one.

        Raises:
            NotFoundError: ``engine.no_block``, ``engine.no_block_hash``.
        """
        return self.resolve(self.at(position, default))

    def resolve(self, value: object) -> int | None:
        """See :meth:`block`."""
        head = self.engine.head.number
        if isinstance(value, dict):
            if (
                set(value) - {"blockHash", "blockNumber", "requireCanonical"}
                or len(set(value) & {"blockHash", "blockNumber"}) != 1
            ):
                raise invalid_params("block: expected blockHash or blockNumber")
            if "blockHash" in value:
                wanted = hex_bytes(value["blockHash"], "blockHash", 32)
                block = index.block_by_hash(self.engine.store, wanted)
                if block is None:
                    raise NotFoundError("engine.no_block_hash", hash=wanted.hex())
                return block.number
            value = value["blockNumber"]
        if value in _AT_HEAD:
            return head
        if value == PENDING:
            return None
        if value == "earliest":
            return 0
        number = hex_number(value, "block")
        if number > head:
            raise NotFoundError("engine.no_block", number=number, head=head)
        return number

    def call_request(self, position: int) -> CallRequest:
        """A transaction object of ``eth_call`` or ``eth_estimateGas``; prices mean nothing here and are passed over.

        Raises:
            RpcError: invalid params.
        """
        fields = self.at(position)
        if not isinstance(fields, dict):
            raise invalid_params("transaction: expected an object")
        unknown = sorted(set(fields) - _CALL_FIELDS)
        if unknown:
            raise invalid_params(f"transaction: fields not supported: {', '.join(unknown)}")
        given = {name: value for name, value in fields.items() if value is not None}
        data, body = given.get("data"), given.get("input")
        if data is not None and body is not None and data != body:
            raise RpcError(-32602, 'both "data" and "input" are set and not equal')
        chain = given.get("chainId")
        if chain is not None and hex_number(chain, "chainId") != self.engine.config.chain_id:
            raise invalid_params("chainId does not match the network")
        return CallRequest(
            sender=hex_bytes(given.get("from", "0x" + "00" * 20), "from", 20),
            to=hex_bytes(given["to"], "to", 20) if given.get("to", "0x") != "0x" else b"",
            data=hex_bytes(body if data is None else data, "data") if (body or data) else b"",
            value=hex_number(given.get("value", "0x0"), "value"),
            gas=hex_number(given["gas"], "gas") if "gas" in given else None,
            access_list=tuple(_access(entry) for entry in given.get("accessList", ())),
        )


def _access(entry: object) -> tuple[bytes, tuple[int, ...]]:
    if not isinstance(entry, dict) or not isinstance(entry.get("storageKeys", []), list):
        raise invalid_params("accessList: expected address and storageKeys")
    slots = tuple(int.from_bytes(hex_bytes(key, "storageKeys", 32), "big") for key in entry.get("storageKeys", []))
    return hex_bytes(entry.get("address"), "address", 20), slots
