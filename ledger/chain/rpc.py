"""JSON-RPC to an engine through web3's providers, with failover among several addresses.

Only providers are used, not web3's formatters: what an engine sends is read by code of ours that checks it, and reading
five thousand blocks must not make fifty thousand attribute dictionaries. web3 itself is imported by the first gateway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import orjson

from ledger.domain.limits import LIMITS
from ledger.errors import IntegrityError, SetupError, UnavailableError

if TYPE_CHECKING:
    from web3.providers import BaseProvider
    from web3.types import RPCEndpoint

__all__ = ["EngineError", "Request", "Rpc", "http_provider"]

Request: TypeAlias = tuple[str, list[Any]]


@dataclass(frozen=True, slots=True)
class EngineError(Exception):
    """What an engine answered instead of a result; whoever asked knows what it means and translates it."""

    number: int
    message: str
    data: object

    def __str__(self) -> str:
        return f"{self.number}: {self.message}"


class Rpc:
    """Requests to the first of several providers that answers; the one that answered last is asked first."""

    def __init__(self, providers: Sequence[BaseProvider]) -> None:
        if not providers:
            raise SetupError("chain.no_address")
        self._providers = list(providers)
        self._first = 0

    def one(self, method: str, *params: object) -> Any:  # noqa: ANN401  # JSON of an engine; each caller checks it
        """Ask one thing.

        Raises:
            EngineError: the engine answered with an error.
            UnavailableError: ``chain.unreachable``: no address answers.
        """
        return _result(self._ask(lambda provider: provider.make_request(method, list(params))))

    def many(self, requests: Sequence[Request]) -> list[Any]:
        """Ask many things, in as few messages as the engine allows; answers come in the same order.

        Raises:
            EngineError: the engine answered one of them with an error.
            IntegrityError: ``chain.answer_malformed``.
            UnavailableError: ``chain.unreachable``.
        """
        results: list[Any] = []
        for start in range(0, len(requests), LIMITS.chain_batch_requests):
            part = list(requests[start : start + LIMITS.chain_batch_requests])
            answers = self._ask(lambda provider, part=part: _batch(provider, part))
            if not isinstance(answers, list):
                _result(answers)
            if not isinstance(answers, list) or len(answers) != len(part):
                raise IntegrityError("chain.answer_malformed")
            results.extend(_result(answer) for answer in answers)
        return results

    def close(self) -> None:
        """Close the connections of those providers that keep any."""
        for provider in self._providers:
            session = getattr(provider, "tongban_session", None)
            if session is not None:
                session.close()

    def _ask(self, ask: Any) -> Any:  # noqa: ANN401  # as above
        last: Exception | None = None
        for turn in range(len(self._providers)):
            number = (self._first + turn) % len(self._providers)
            try:
                answer = ask(self._providers[number])
            except (OSError, ValueError) as error:
                # requests' errors are OSErrors; a ValueError is an answer that is no JSON: a proxy's error page.
                last = error
                continue
            self._first = number
            return answer
        raise UnavailableError("chain.unreachable", tried=len(self._providers)) from last


def _batch(provider: BaseProvider, part: list[Request]) -> object:
    from web3.providers.base import JSONBaseProvider  # noqa: PLC0415  # loaded by whoever made the provider

    # web3 gives method names a type of their own.
    asked = cast("list[tuple[RPCEndpoint, Any]]", part)
    if isinstance(provider, JSONBaseProvider):
        return provider.make_batch_request(asked)
    return [provider.make_request(method, params) for method, params in asked]


def _result(answer: Any) -> Any:  # noqa: ANN401  # as above
    if not isinstance(answer, dict):
        raise IntegrityError("chain.answer_malformed")
    error = answer.get("error")
    if error is not None:
        if not isinstance(error, dict):
            raise IntegrityError("chain.answer_malformed")
        number = error.get("code")
        raise EngineError(
            number if isinstance(number, int) else 0, str(error.get("message", ""))[:300], error.get("data")
        )
    if "result" not in answer:
        raise IntegrityError("chain.answer_malformed")
    return answer["result"]


def http_provider(address: str) -> BaseProvider:
    """A provider for an engine's HTTP address.

    It never retries by itself, since failover is our own, and it always has a time limit.
    """
    import requests  # noqa: PLC0415  # web3's own client; loaded with it
    from web3 import HTTPProvider  # noqa: PLC0415  # takes seconds to import; commands without an engine do without

    class Provider(HTTPProvider):
        """web3's, with a quicker reader of JSON."""

        tongban_session: requests.Session

        @staticmethod
        def decode_rpc_response(raw_response: bytes) -> Any:  # noqa: ANN401  # as web3 has it
            return orjson.loads(raw_response)

        def encode_rpc_request(self, method: str, params: Any) -> bytes:  # noqa: ANN401  # as web3 has it
            return orjson.dumps(
                {"jsonrpc": "2.0", "method": method, "params": params, "id": next(self.request_counter)}
            )

    session = requests.Session()
    session.trust_env = False
    provider = Provider(
        address,
        request_kwargs={"timeout": LIMITS.chain_request_seconds},
        session=session,
        exception_retry_configuration=None,
    )
    provider.tongban_session = session
    return provider
