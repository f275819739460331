"""From a request's bytes to a response's bytes (JSON-RPC 2.0), for the HTTP server and for a provider in the process."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from ledger.chain.embedded.rpc import blocks, logs, node, state, transactions
from ledger.chain.embedded.rpc.errors import (
    INTERNAL,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RpcError,
    from_ledger,
    invalid_params,
)
from ledger.chain.embedded.rpc.params import Params
from ledger.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.chain.embedded.chain import Engine

__all__ = ["Rpc"]

_log = logging.getLogger(__name__)
_METHOD_LENGTH = 64


@dataclass(slots=True)
class Rpc:
    """The methods of one engine.

    Args:
        engine: what answers.
        randomness: for the identifiers of filters.
    """

    engine: Engine
    randomness: Callable[[int], bytes] = os.urandom
    _methods: dict[str, tuple[Callable[[Params], object], int, int]] = field(init=False)

    def __post_init__(self) -> None:
        filters = logs.Filters(self.randomness)
        self._methods = {
            **blocks.METHODS,
            **logs.METHODS,
            **logs.filter_methods(filters),
            **node.METHODS,
            **state.METHODS,
            **transactions.METHODS,
        }

    @property
    def methods(self) -> frozenset[str]:
        """The names of all methods."""
        return frozenset(self._methods)

    def handle(self, method: str, params: object = ()) -> object:
        """Answer one call; what comes back is for orjson, which alone can read the parts that are JSON already.

        Raises:
            RpcError: every refusal and failure.
        """
        entry = self._methods.get(method)
        if entry is None:
            raise RpcError(METHOD_NOT_FOUND, f"the method {method[:_METHOD_LENGTH]} does not exist/is not available")
        function, least, most = entry
        if not isinstance(params, list | tuple):
            raise invalid_params("expected params as a list")
        if not least <= len(params) <= most:
            raise invalid_params(f"expected {least} to {most} parameters, got {len(params)}")
        try:
            return function(Params(self.engine, params))
        except LedgerError as error:
            if error.http_status >= 500:
                _log.warning("%s failed: %s", method, error)
            raise from_ledger(error) from error

    def respond(self, body: bytes) -> bytes | None:
        """Answer the body of a request, single or batch; ``None`` if nothing in it wants an answer."""
        try:
            request = orjson.loads(body)
        except orjson.JSONDecodeError:
            return orjson.dumps(_failure(None, RpcError(PARSE_ERROR, "parse error")))
        if not isinstance(request, list):
            answer = self._answer(request)
            return None if answer is None else orjson.dumps(answer)
        if not request:
            return orjson.dumps(_failure(None, RpcError(INVALID_REQUEST, "empty batch")))
        most = self.engine.limits.engine_batch_requests
        if len(request) > most:
            return orjson.dumps(_failure(None, RpcError(INVALID_REQUEST, f"batch too large: at most {most} requests")))
        answers = [answer for answer in map(self._answer, request) if answer is not None]
        return orjson.dumps(answers) if answers else None

    def _answer(self, request: object) -> dict[str, Any] | None:
        if not isinstance(request, dict):
            return _failure(None, RpcError(INVALID_REQUEST, "invalid request"))
        identity = request.get("id")
        method = request.get("method")
        well_formed = (
            request.get("jsonrpc") == "2.0"
            and isinstance(method, str)
            and (identity is None or (isinstance(identity, str | int | float) and not isinstance(identity, bool)))
        )
        if not well_formed:
            return _failure(None, RpcError(INVALID_REQUEST, "invalid request"))
        try:
            result = self.handle(str(method), request.get("params") or [])
        except RpcError as error:
            answer = _failure(identity, error)
        except Exception:  # noqa: BLE001  # the boundary: it is logged with its trace and answered
            # Whatever it was, the client gets an answer and the log the trace; parameters are in neither.
            _log.exception("%s failed", str(method)[:_METHOD_LENGTH])
            answer = _failure(identity, RpcError(INTERNAL, "internal error"))
        else:
            answer = {"jsonrpc": "2.0", "id": identity, "result": result}
        return answer if "id" in request else None


def _failure(identity: object, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identity, "error": error.document()}
