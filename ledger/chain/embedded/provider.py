"""web3.py in the engine's own process, without HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import orjson
from web3.providers import BaseProvider

from ledger.chain.embedded.rpc.dispatch import Rpc
from ledger.chain.embedded.rpc.errors import RpcError

if TYPE_CHECKING:
    from web3.types import RPCEndpoint, RPCResponse

    from ledger.chain.embedded.chain import Engine

__all__ = ["EngineProvider"]


class EngineProvider(BaseProvider):
    """A provider over an open engine.

    Args:
        engine: stays the caller's to close.
        mine: close a block after every transaction taken, as test chains do; otherwise call ``engine.run_once()``.
    """

    def __init__(self, engine: Engine, *, mine: bool = False) -> None:
        super().__init__()
        self.engine = engine
        self.rpc = Rpc(engine)
        self._mine = mine

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:  # noqa: ANN401  # web3's signature
        """Answer one request the way the server would."""
        # Through JSON and back: parameters and results have then exactly the forms that they have over HTTP.
        try:
            result = self.rpc.handle(method, orjson.loads(orjson.dumps(params)))
        except RpcError as error:
            return cast("RPCResponse", {"jsonrpc": "2.0", "id": 1, "error": error.document()})
        if self._mine and method == "eth_sendRawTransaction":
            self.engine.run_once()
        return cast("RPCResponse", {"jsonrpc": "2.0", "id": 1, "result": orjson.loads(orjson.dumps(result))})

    def is_connected(self, show_traceback: bool = False) -> bool:  # noqa: FBT001, FBT002  # web3's signature
        """Always: the engine is in this process."""
        del show_traceback
        return True
