"""How the web process asks the daemon, which alone holds the city's keys: one request, one answer, over a Unix socket.

A message is its length (4 bytes, big-endian) and that many bytes of JSON; bytes inside travel as ``{"hex": …}``. An
error travels as its kind, code and facts, so that whoever asked raises the same error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TypeAlias

from ledger import errors
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, LedgerError, UnavailableError

__all__ = [
    "METHODS",
    "Value",
    "decode_answer",
    "decode_request",
    "encode_answer",
    "encode_error",
    "encode_request",
    "read_frame",
]

Value: TypeAlias = "bool | int | str | bytes | Sequence[Value] | None"

# What may be asked; anything else is refused before it is looked at.
METHODS = frozenset(
    {
        "cosign",
        "custodian",
        "custody_account",
        "custody_enrol",
        "custody_sign",
        "open",
        "release",
        "sign_request",
        "witness",
    }
)

_KINDS = {name: getattr(errors, name) for name in errors.__all__}


def encode_request(method: str, arguments: Sequence[Value]) -> bytes:
    """Write a request as a frame."""
    return _frame({"arguments": [_plain(item) for item in arguments], "method": method})


def decode_request(content: bytes) -> tuple[str, list[Value]]:
    """Read a request.

    Raises:
        FormatError: ``keys.request_form`` for anything but a known method with a list of arguments.
    """
    value = _object(content)
    method, arguments = value.get("method"), value.get("arguments")
    if method not in METHODS or not isinstance(method, str) or not isinstance(arguments, list):
        raise FormatError("keys.request_form")
    return method, [_rich(item) for item in arguments]


def encode_answer(value: Value) -> bytes:
    """Write an answer as a frame."""
    return _frame({"value": _plain(value)})


def encode_error(error: LedgerError) -> bytes:
    """Write an error as a frame."""
    retry = error.retry_after if isinstance(error, UnavailableError) else None
    return _frame({"code": error.code, "facts": error.facts, "kind": type(error).__name__, "retry_after": retry})


def decode_answer(content: bytes) -> Value:
    """Read an answer, raising the error that it carries.

    Raises:
        LedgerError: whatever the daemon raised; ``keys.request_form`` for what is no answer.
    """
    value = _object(content)
    if "value" in value:
        return _rich(value["value"])
    kind, code, facts = _KINDS.get(str(value.get("kind"))), value.get("code"), value.get("facts")
    if kind is None or not isinstance(code, str) or not isinstance(facts, dict):
        raise FormatError("keys.request_form")
    if kind is UnavailableError:
        raise UnavailableError(code, retry_after=int(str(value.get("retry_after") or 5)), **facts)
    raise kind(code, **facts)


def read_frame(read: Callable[[int], bytes]) -> bytes:
    """Read one frame's content with ``read(count)``, which answers at most that many bytes and none at the end.

    Raises:
        FormatError: ``keys.request_form`` where the other side broke off or announces too much.
    """
    size = int.from_bytes(_exactly(read, 4))
    if size > LIMITS.key_request_bytes:
        raise FormatError("keys.request_form")
    return _exactly(read, size)


def _exactly(read: Callable[[int], bytes], count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = read(count - len(parts))
        if not part:
            raise FormatError("keys.request_form")
        parts += part
    return bytes(parts)


def _frame(value: object) -> bytes:
    content = json.dumps(value, separators=(",", ":")).encode()
    return len(content).to_bytes(4) + content


def _object(content: bytes) -> dict[str, object]:
    try:
        value = json.loads(content)
    except ValueError:
        raise FormatError("keys.request_form") from None
    if not isinstance(value, dict):
        raise FormatError("keys.request_form")
    return value


def _plain(value: Value) -> object:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def _rich(value: object) -> Value:
    if isinstance(value, dict):
        try:
            return bytes.fromhex(value["hex"])
        except (KeyError, TypeError, ValueError):
            raise FormatError("keys.request_form") from None
    if isinstance(value, list):
        return [_rich(item) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    raise FormatError("keys.request_form")
