"""The gateway: the port ``Chain`` over JSON-RPC, the same for every engine.

Only the consortium's address is configured. It names every other contract by its event ``GenerationAdded``, and each is
watched from the block of its registration on; so whoever reads the chain from its beginning, or from anywhere, knows
the same contracts at the same height.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from ledger.chain import codec
from ledger.chain.abi import data_of, keccak, quantity
from ledger.chain.errors import call_error, engine_error, send_error
from ledger.chain.logs import RawLog, contract_decoder
from ledger.chain.rpc import EngineError, Request, Rpc, http_provider
from ledger.chain.verification import BloomProbe, LinkedHeaders, StandardHeaders, Verification
from ledger.domain.events import GenerationAdded
from ledger.domain.limits import LIMITS
from ledger.errors import InputError, IntegrityError, LedgerError, UnavailableError
from ledger.ports import Block, Head, LocatedEvent, MinedTransaction, Receipt

if TYPE_CHECKING:
    from web3.providers import BaseProvider

__all__ = ["Gateway"]

_EMBEDDED = "embedded"


class Gateway:
    """A ``Chain`` behind one or several providers.

    Args:
        providers: web3 providers, the preferred one first; all of them of one network.
        consortium: address of the network's ``consortium`` contract, lowercase.
        engine: ``embedded``, whose headers are Ethereum's and are verified; any other name for an engine with headers
            of its own, of which ``unverified`` says what is not.
    """

    def __init__(self, providers: Sequence[BaseProvider], consortium: str, *, engine: str = _EMBEDDED) -> None:
        self._rpc = Rpc(providers)
        self._consortium = consortium
        self._verification: Verification = StandardHeaders() if engine == _EMBEDDED else LinkedHeaders()
        self._decoder = contract_decoder()
        # Address → block of registration, complete up to and with block ``_known_to``.
        self._contracts: dict[str, int] = {consortium: 0}
        self._known_to = -1
        self._chain_id: int | None = None

    @classmethod
    def connect(cls, addresses: Sequence[str], consortium: str, *, engine: str = _EMBEDDED) -> Self:
        """Open a gateway to an engine's HTTP addresses; nothing is asked yet."""
        return cls([http_provider(address) for address in addresses], consortium, engine=engine)

    def close(self) -> None:
        """Close the connections."""
        self._rpc.close()

    def chain_id(self) -> int:
        """Answer the chain's number, which every signature names."""
        if self._chain_id is None:
            self._chain_id = quantity(self._ask("eth_chainId"))
        return self._chain_id

    def unverified(self) -> tuple[str, ...]:
        """Name the checks that this kind of engine does not allow."""
        return self._verification.unverified

    # ---- reading blocks ---------------------------------------------------------------------------------------------

    def head(self) -> Head:
        """Answer where the chain stands now."""
        latest, finalised = self._many(
            [("eth_getBlockByNumber", ["latest", False]), ("eth_getBlockByNumber", ["finalized", False])]
        )
        latest, finalised = _header(latest), _header(finalised)
        self._verification.check_header(latest)
        number = quantity(latest["number"])
        # A block may have been closed between the two answers.
        final = min(number, quantity(finalised["number"]))
        return Head(number, data_of(latest["hash"]), quantity(latest["timestamp"]), final)

    def blocks(self, first: int, last: int) -> Sequence[Block]:
        """Read the blocks ``first`` to ``last``, both included, with the events of our contracts.

        Raises:
            IntegrityError: ``chain.header_false``, ``chain.links_broken``, ``chain.receipts_false``,
                ``chain.event_unknown``, ``chain.event_malformed`` or ``chain.answer_malformed``: the engine sent what
                cannot be true.
            UnavailableError: ``chain.unreachable``, or ``chain.block_missing``: it has no such block yet.
        """
        self._learn_up_to(first - 1)
        headers = self._headers(first, last)
        events = self._events_from_receipts(headers) if self._verification.complete else self._events_from_logs(headers)
        self._known_to = max(self._known_to, last)
        return [
            Block(
                number=number,
                hash=data_of(header["hash"]),
                parent=data_of(header["parentHash"]),
                time=quantity(header["timestamp"]),
                receipts_root=data_of(header["receiptsRoot"]),
                events=tuple(events.get(number, ())),
            )
            for number, header in headers.items()
        ]

    def _headers(self, first: int, last: int) -> dict[int, dict[str, Any]]:
        wanted = range(first, last + 1)
        answers = self._many([("eth_getBlockByNumber", [hex(number), False]) for number in wanted])
        headers: dict[int, dict[str, Any]] = {}
        parent: str | None = None
        for number, answer in zip(wanted, answers, strict=True):
            header = _header(answer)
            if quantity(header["number"]) != number:
                raise IntegrityError("chain.answer_malformed")
            self._verification.check_header(header)
            if parent is not None and header["parentHash"] != parent:
                raise IntegrityError("chain.links_broken", block=number)
            parent = header["hash"]
            headers[number] = header
        return headers

    def _events_from_receipts(self, headers: Mapping[int, Mapping[str, Any]]) -> dict[int, list[LocatedEvent]]:
        """Take the events out of receipts that the headers commit to; the bloom filters say which blocks to ask."""
        found: dict[int, list[LocatedEvent]] = {}
        probe = BloomProbe(self._contracts)
        waiting = [number for number, header in headers.items() if probe.may_hold(data_of(header["logsBloom"]))]
        for start in range(0, len(waiting), LIMITS.chain_batch_blocks):
            part = waiting[start : start + LIMITS.chain_batch_blocks]
            answers = self._many([("eth_getBlockReceipts", [hex(number)]) for number in part])
            for number, receipts in zip(part, answers, strict=True):
                self._verification.check_receipts(headers[number], _list(receipts))
                found[number] = self._block_events(headers[number], receipts)
        # A contract registered on the way has events in later blocks that the first probe did not look for.
        added = {
            event.contract
            for events in found.values()
            for located in events
            if isinstance(event := located.event, GenerationAdded)
        }
        fresh = [address for address in added if address not in self._contracts]
        if not fresh:
            return found
        for events in found.values():
            self._learn(events)
        return self._events_from_receipts(headers)

    def _events_from_logs(self, headers: Mapping[int, Mapping[str, Any]]) -> dict[int, list[LocatedEvent]]:
        """Ask an engine for our contracts' logs; it is believed that these are all."""
        found: dict[int, list[LocatedEvent]] = {}
        numbers = list(headers)
        for start in range(0, len(numbers), LIMITS.chain_log_range):
            part = numbers[start : start + LIMITS.chain_log_range]
            while True:
                before = len(self._contracts)
                where = {"fromBlock": hex(part[0]), "toBlock": hex(part[-1]), "address": list(self._contracts)}
                logs: dict[int, list[dict[str, Any]]] = {}
                for log in _list(self._ask("eth_getLogs", where)):
                    logs.setdefault(quantity(log["blockNumber"]), []).append(log)
                for number, items in logs.items():
                    if number not in headers or any(log["blockHash"] != headers[number]["hash"] for log in items):
                        raise IntegrityError("chain.answer_malformed")
                    items.sort(key=lambda log: quantity(log["logIndex"]))
                    found[number] = self._decode(headers[number], items)
                    self._learn(found[number])
                if len(self._contracts) == before:
                    break
        return found

    def _block_events(self, header: Mapping[str, Any], receipts: Sequence[Mapping[str, Any]]) -> list[LocatedEvent]:
        """The events of a whole block; logs are counted here, not by the engine."""
        logs = [
            {**log, "transactionHash": receipt["transactionHash"]} for receipt in receipts for log in receipt["logs"]
        ]
        for index, log in enumerate(logs):
            log["logIndex"] = hex(index)
        return self._decode(header, logs)

    def _decode(
        self, header: Mapping[str, Any], logs: Sequence[Mapping[str, Any]], *, called: str | None = None
    ) -> list[LocatedEvent]:
        """Decode the logs of our contracts; of a contract called by us also before the members have registered it."""
        number, time = quantity(header["number"]), quantity(header["timestamp"])
        return [
            self._decoder.decode(_raw(log), block=number, time=time, transaction=data_of(log["transactionHash"]))
            for log in logs
            if self._contracts.get(address := log["address"].lower(), number + 1) <= number or address == called
        ]

    # ---- which contracts are ours -----------------------------------------------------------------------------------

    def _learn(self, events: Sequence[LocatedEvent]) -> None:
        for located in events:
            if isinstance(located.event, GenerationAdded) and located.contract == self._consortium:
                self._contracts.setdefault(located.event.contract, located.block)

    def _learn_up_to(self, last: int) -> None:
        """Find the contracts registered before a range of blocks that is read out of order."""
        topic = "0x" + self._decoder.topic_of("GenerationAdded").hex()
        for first in range(self._known_to + 1, last + 1, LIMITS.chain_log_range):
            to = min(first + LIMITS.chain_log_range - 1, last)
            where = {"fromBlock": hex(first), "toBlock": hex(to), "address": self._consortium, "topics": [topic]}
            for log in _list(self._ask("eth_getLogs", where)):
                block = quantity(log["blockNumber"])
                self._learn(
                    [self._decoder.decode(_raw(log), block=block, time=0, transaction=data_of(log["transactionHash"]))]
                )
            self._known_to = to

    # ---- asking contracts, sending ----------------------------------------------------------------------------------

    def call(self, contract: str, kind: str, function: str, *args: object, block: int | None = None) -> Any:  # noqa: ANN401  # whatever the view's ABI says
        """Ask a view of a contract; several results are a tuple, structs are tuples.

        Raises:
            ConflictError: ``chain.reverted``.
            UnavailableError: ``chain.unreachable``.
        """
        view = codec.function(kind, function)
        request = {"to": contract, "data": "0x" + codec.encode_arguments(view, args).hex()}
        try:
            answer = self._rpc.one("eth_call", request, "latest" if block is None else hex(block))
        except EngineError as error:
            raise call_error(error) from error
        return codec.decode_result(view, data_of(answer))

    def send(self, raw: bytes) -> bytes:
        """Hand in a signed transaction and answer its hash; one that is already known is no error.

        Raises:
            ConflictError: ``chain.nonce_used``, ``chain.nonce_taken``, ``chain.sender_refused`` or
                ``chain.transaction_refused``.
            UnavailableError: ``chain.pool_full`` or ``chain.unreachable``.
        """
        expected: bytes = keccak(raw)
        try:
            answer = data_of(self._rpc.one("eth_sendRawTransaction", "0x" + raw.hex()))
        except EngineError as error:
            refusal = send_error(error)
            if refusal is not None:
                raise refusal from error
            return expected
        if answer != expected:
            raise IntegrityError("chain.answer_malformed")
        return answer

    def receipt(self, transaction: bytes) -> Receipt | None:
        """Answer what became of a transaction, or ``None`` while it is not mined."""
        answer = self._ask("eth_getTransactionReceipt", "0x" + transaction.hex())
        if answer is None:
            return None
        number = quantity(answer["blockNumber"])
        self._learn_up_to(number)
        header = {"number": answer["blockNumber"], "timestamp": hex(0)}
        if answer["logs"]:
            header = _header(self._ask("eth_getBlockByNumber", hex(number), False))  # noqa: FBT003  # positional by the protocol
        logs = [{**log, "transactionHash": answer["transactionHash"]} for log in answer["logs"]]
        return Receipt(
            transaction=data_of(answer["transactionHash"]),
            succeeded=quantity(answer["status"]) == 1,
            block=number,
            gas_used=quantity(answer["gasUsed"]),
            events=tuple(self._decode(header, logs, called=(answer.get("to") or "").lower())),
        )

    def clock_offset(self) -> int:
        """Answer by how many seconds the network's clock stands before the world's: zero but on a pilot's engine.

        Raises:
            UnavailableError: ``chain.unreachable``.
        """
        if not self._verification.complete:
            return 0
        answer = self._ask("tongban_clock")
        offset = answer.get("offset") if isinstance(answer, dict) else None
        if not isinstance(offset, int):
            raise IntegrityError("chain.answer_malformed")
        return offset

    def advance_clock(self, seconds: int) -> None:
        """Move a pilot's calendar forward.

        Raises:
            InputError: ``chain.clock_fixed``: this engine's clock cannot be moved, or only forward.
            UnavailableError: ``chain.unreachable``.
        """
        try:
            self._rpc.one("tongban_clock", {"advance": seconds})
        except EngineError as error:
            raise InputError("chain.clock_fixed") from error

    def nonce(self, address: str) -> int:
        """Answer how many transactions of an address are mined."""
        return quantity(self._ask("eth_getTransactionCount", address, "latest"))

    def mined(self, address: str, nonce: int) -> MinedTransaction | None:
        """Find the mined transaction of an address with that nonce, or ``None`` where there is none yet.

        No engine indexes transactions by sender, but the count of an address at a past block can be asked: the block is
        found by halving.
        """
        low, high = 0, quantity(self._ask("eth_blockNumber"))
        if quantity(self._ask("eth_getTransactionCount", address, hex(high))) <= nonce:
            return None
        while low < high:
            middle = (low + high) // 2
            if quantity(self._ask("eth_getTransactionCount", address, hex(middle))) > nonce:
                high = middle
            else:
                low = middle + 1
        block = _header(self._ask("eth_getBlockByNumber", hex(low), True))  # noqa: FBT003  # as above
        for item in block["transactions"]:
            if item["from"].lower() == address and quantity(item["nonce"]) == nonce:
                return MinedTransaction(
                    hash=data_of(item["hash"]),
                    sender=address,
                    nonce=nonce,
                    contract=(item["to"] or "0x").lower(),
                    data=data_of(item["input"]),
                    block=low,
                    time=quantity(block["timestamp"]),
                )
        raise IntegrityError("chain.answer_malformed")

    # ---- requests ---------------------------------------------------------------------------------------------------

    def _ask(self, method: str, *params: object) -> Any:  # noqa: ANN401  # JSON of an engine
        try:
            return self._rpc.one(method, *params)
        except EngineError as error:
            raise engine_error(error) from error

    def _many(self, requests: Sequence[Request]) -> list[Any]:
        try:
            return self._rpc.many(requests)
        except EngineError as error:
            raise engine_error(error) from error


def _header(answer: object) -> dict[str, Any]:
    if answer is None:
        raise _missing()
    if not isinstance(answer, dict):
        raise IntegrityError("chain.answer_malformed")
    return answer


def _list(answer: object) -> list[Any]:
    if not isinstance(answer, list):
        raise IntegrityError("chain.answer_malformed")
    return answer


def _raw(log: Mapping[str, Any]) -> RawLog:
    return RawLog(
        address=log["address"].lower(),
        topics=tuple(data_of(topic) for topic in log["topics"]),
        data=data_of(log["data"]),
        index=quantity(log["logIndex"]),
    )


def _missing() -> LedgerError:
    return UnavailableError("chain.block_missing", retry_after=2)
