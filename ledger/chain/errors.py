"""What engines answer instead of results, in the product's words.

Engines agree on little more than the English sentences of go-ethereum, so these are what is looked for. A revert comes
in three forms on this stack: an error of ``eth_call`` (number 3, or only words), a receipt of status 0, and, in eth-tester,
an exception of its own; all of them mean ``chain.reverted``.
"""

from __future__ import annotations

import re

from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError

from ledger.chain.rpc import EngineError
from ledger.errors import ConflictError, LedgerError, UnavailableError

__all__ = ["call_error", "engine_error", "revert_reason", "send_error"]

_ERROR_STRING = "0x08c379a0"
_REVERTED = 3
_LIMIT_EXCEEDED = -32005
# Internal error, and what engines answer with while they start or close a block.
_INTERNAL = frozenset({-32603, -32002})
_WHY_CHARS = 200
_REVERT_WORDS = re.compile(r"^(vm exception.*?: )?execution reverted:? ?", re.IGNORECASE)

# Words of go-ethereum, of Kaia, of Besu and of the embedded engine → what they mean for a sender.
_KNOWN = ("already known", "known transaction", "already imported")
_MEANINGS = (
    (("nonce too low", "invalid nonce", "nonce below"), "chain.nonce_used"),
    (("underpriced", "was replaced", "there is another tx which has the same nonce"), "chain.nonce_taken"),
    (("pool is full", "pool full", "too many", "limit exceeded", "nonce too high"), "chain.pool_full"),
    (("not admitted", "not allowed", "not permitted", "not authorized", "unauthorized"), "chain.sender_refused"),
)


def send_error(error: EngineError) -> LedgerError | None:
    """What an error of ``eth_sendRawTransaction`` means; ``None``: the engine has this transaction already."""
    words = error.message.lower()
    if any(part in words for part in _KNOWN):
        return None
    if isinstance(error.data, dict) and isinstance(wait := error.data.get("retryAfter"), int):
        # The embedded engine says itself that this will pass, and when.
        return UnavailableError("chain.pool_full", retry_after=wait)
    if error.number in _INTERNAL:
        return engine_error(error)
    if error.number == _LIMIT_EXCEEDED:
        return UnavailableError("chain.pool_full", retry_after=2)
    found = next((meaning for parts, meaning in _MEANINGS if any(part in words for part in parts)), None)
    if found == "chain.pool_full":
        return UnavailableError(found, retry_after=2)
    if found is not None:
        return ConflictError(found)
    return ConflictError("chain.transaction_refused", why=_printable(error.message))


def call_error(error: EngineError) -> LedgerError:
    """What an error of ``eth_call`` means."""
    words = error.message.lower()
    if error.number == _REVERTED or "revert" in words or "out of gas" in words or "invalid opcode" in words:
        return ConflictError("chain.reverted", why=revert_reason(error))
    return engine_error(error)


def engine_error(error: EngineError) -> LedgerError:
    """What an error of any other request means: the engine cannot answer just now."""
    return UnavailableError("chain.engine_error", number=error.number)


def revert_reason(error: EngineError) -> str:
    """The contract's own words (``module: reason``), or the engine's where it gave none."""
    data = error.data
    if isinstance(data, str) and data.startswith(_ERROR_STRING):
        try:
            return _printable(abi_decode(["string"], bytes.fromhex(data[10:]))[0])
        except (DecodingError, ValueError, OverflowError):
            return "unreadable reason"
    return _printable(_REVERT_WORDS.sub("", error.message)) or "no reason"


def _printable(words: str) -> str:
    """Words of others end in logs: printable ASCII only, and not many."""
    return "".join(letter for letter in words if " " <= letter <= "~")[:_WHY_CHARS]
