"""How the engine's errors look to JSON-RPC clients.

The numbers are those of JSON-RPC 2.0 and EIP-1474, and 3 for a revert with its data (go-ethereum); the English words
begin as go-ethereum's do, because clients recognise "nonce too low" and "already known" by them. The product's own
code and facts travel in ``data``, so that a gateway need not read words; with them ``retryAfter`` in seconds where the
right answer is to come again.
"""

from __future__ import annotations

from typing import Any

from ledger.chain.embedded.errors import ExecutionRevertedError
from ledger.errors import IntegrityError, LedgerError, UnavailableError

__all__ = [
    "INTERNAL",
    "INVALID_PARAMS",
    "INVALID_REQUEST",
    "METHOD_NOT_FOUND",
    "PARSE_ERROR",
    "RpcError",
    "from_ledger",
    "invalid_params",
]

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL = -32603
_SERVER = -32000
_REJECTED = -32003
_LIMIT = -32005
_REVERTED = 3

_WORDS: dict[str, tuple[int, str]] = {
    "engine.known": (_SERVER, "already known"),
    "engine.replaced": (_SERVER, "replacement transaction underpriced: already replaced by 0x{by}"),
    "engine.nonce_too_low": (_SERVER, "nonce too low: next nonce {expected}, tx nonce {nonce}"),
    "engine.nonce_too_high": (_SERVER, "nonce too high: next nonce {expected}, tx nonce {nonce}"),
    "engine.pool_full": (_LIMIT, "txpool is full: {most} transactions"),
    "engine.sender_full": (_LIMIT, "account limit exceeded: {most} transactions wait"),
    "engine.waiting_full": (_LIMIT, "txpool is full: {most} transactions wait behind gaps"),
    "engine.transaction_form": (_SERVER, "invalid transaction encoding"),
    "engine.transaction_size": (_SERVER, "oversized data: transaction size {size}, limit {most}"),
    "engine.transaction_type": (_SERVER, "transaction type not supported: {type}"),
    "engine.other_chain": (_SERVER, "invalid chain id for signer: have {found} want {expected}"),
    "engine.signature": (_SERVER, "invalid sender: signature not valid"),
    "engine.gas_too_low": (_SERVER, "intrinsic gas too low: gas {gas}, minimum needed {least}"),
    "engine.gas_too_high": (_SERVER, "exceeds block gas limit: gas {gas}, limit {most}"),
    "engine.initcode_size": (_SERVER, "max initcode size exceeded: code size {size}, limit {most}"),
    "engine.fee_order": (_SERVER, "max priority fee per gas higher than max fee per gas"),
    "engine.funds": (_SERVER, "insufficient funds for gas * price + value: this network charges nothing, send price 0"),
    "engine.not_admitted": (_REJECTED, "transaction rejected: sender {address} is not admitted to this network"),
    "engine.no_block": (_SERVER, "header not found: block {number}, head {head}"),
    "engine.no_block_hash": (_SERVER, "header not found: 0x{hash}"),
    "engine.range_too_wide": (INVALID_PARAMS, "query exceeds max block range {most}"),
    "engine.too_many_logs": (_LIMIT, "query returned more than {most} results"),
    "engine.too_many_filters": (_LIMIT, "too many filters: {most}"),
    "engine.no_filter": (_SERVER, "filter not found"),
    "engine.clock_fixed": (_REJECTED, "the clock of this network is not adjustable"),
    "engine.clock_backwards": (INVALID_PARAMS, "the clock never goes back: offset is {offset}, asked {asked}"),
    "engine.clock_behind": (_SERVER, "the wall clock is {seconds} s behind the chain"),
}


class RpcError(Exception):
    """An answer that is an error.

    Args:
        code: the JSON-RPC number.
        message: English words.
        data: whatever helps the client.
    """

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def document(self) -> dict[str, Any]:
        """The error object of the response."""
        fields: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            fields["data"] = self.data
        return fields


def invalid_params(message: str) -> RpcError:
    """The error for parameters that are not of the method's form."""
    return RpcError(INVALID_PARAMS, message)


def from_ledger(error: LedgerError) -> RpcError:
    """The answer for an error of the engine."""
    if isinstance(error, ExecutionRevertedError):
        if not error.reverted:
            return RpcError(_SERVER, error.reason)
        words = f"execution reverted: {error.reason}" if error.reason else "execution reverted"
        return RpcError(_REVERTED, words, "0x" + error.data.hex())
    data: dict[str, Any] = {"code": error.code, **error.facts}
    if isinstance(error, UnavailableError):
        data["retryAfter"] = error.retry_after
    code, words = _WORDS.get(error.code, (INTERNAL, "the engine cannot answer: {code}"))
    message = words.format(**data)
    if error.code in {"engine.too_many_logs", "engine.range_too_wide"}:
        message += f". Try with this block range [{int(data['first']):#x}, {int(data['last']):#x}]."
    if isinstance(error, IntegrityError):
        message = "the engine's store is damaged, nothing is served over it"
    return RpcError(code, message, data)
