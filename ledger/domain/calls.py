"""One operation of a contract as its caller writes it down: nested, without offsets, in one canonical text.

Contracts take flat arguments: structs that point into shared arrays by offset and count. Callers do not: they nest a
list where the contract has an offset, and ``ledger.chain.codec`` flattens the operations of a whole batch at once. The
canonical text is what the outbox keeps; its digest recognises the same operation inside a transaction that the chain
already holds, whichever batch it travelled in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ledger.domain.operations import Operation
from ledger.errors import FormatError

__all__ = ["Fields", "Value", "call_digest", "call_text", "parse_call"]

Value: TypeAlias = "int | str | bytes | Sequence[Value] | Mapping[str, Value]"
Fields: TypeAlias = Mapping[str, Value]


def call_text(fields: Fields) -> str:
    """Write a call canonically: sorted names, bytes as lowercase 0x hex, integers of any size in digits."""
    return json.dumps(_plain(fields), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def parse_call(text: str) -> dict[str, Value]:
    """Read what ``call_text`` wrote; bytes stay hex, which the codec reads by the contract's types.

    Raises:
        FormatError: ``chain.call_malformed``.
    """
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise FormatError("chain.call_malformed", field="text") from error
    if not isinstance(fields, dict):
        raise FormatError("chain.call_malformed", field="text")
    return fields


def call_digest(contract: str, operation: Operation, text: str) -> bytes:
    """Digest what is asked of which contract: SHA-256(contract ‖ operation ‖ canonical text)."""
    return hashlib.sha256(bytes.fromhex(contract[2:]) + bytes([operation]) + text.encode()).digest()


def _plain(value: Value) -> object:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
