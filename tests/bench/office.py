"""An office with cases to handle, as signed transactions that run on any engine: whoever is measured gets the same bytes.

The office is founded once on an embedded engine (three cities, one matter, one agreement, by their own votes); what it
took is then a list of transactions to play elsewhere. Chain number and fees are chosen so that every peer takes them:
the number is the one that eth-tester has built in, and no transaction pays.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from web3 import Web3

from contracts import load
from ledger.chain import codec
from ledger.chain.embedded import index
from ledger.chain.embedded.chain import Engine
from ledger.chain.embedded.config import EngineConfig
from ledger.chain.embedded.provider import EngineProvider
from ledger.chain.gateway import Gateway
from ledger.chain.signing import KeySigner
from ledger.domain import typed
from ledger.domain.calls import Fields
from ledger.domain.case_words import CaseWord, case_id
from ledger.domain.cases import Action, Channel, Mode, OfficerRole, RecordKind
from ledger.domain.catalogue import CaseType, ClockStart, LimitRule, MatterCode, MatterType, mode_bits
from ledger.domain.events import AgreementDrafted, Refused
from ledger.domain.operations import Operation
from ledger.ports import Receipt, UnsignedTransaction
from tests.integration.network import GENESIS, Addresses, found, send, signer, signers

__all__ = [
    "BATCH",
    "CHAIN_ID",
    "LIFE",
    "OPEN_BATCH",
    "RECORD_BATCH",
    "ROUNDS",
    "Office",
    "expect",
    "found_office",
    "history",
    "open_engine",
    "play",
    "sequence_of",
]

CHAIN_ID = 131_277_322_940_537
BATCH = 200
OPEN_BATCH = 32
RECORD_BATCH = 128
# Rounds of a measurement, the warm-up counted: a case lives once, so each round has cases of its own.
ROUNDS = 6
CITIES = ("wuhou", "mianyang", "yuzhong")
MATTER = MatterCode("0500000001")
HANDLING = 2
COMMITMENT, BLOB = b"\x0c" * 32, b"\x0b" * 32
_GAS = 8_000_000
_ZERO = bytes(32)
_RULE = LimitRule(
    matter_type=MatterType.BENEFIT, case_type=CaseType.COMMITMENT, correction_days=5, decision_days=15,
    extension_days=5, commitment_days=10, delivery_days=5, supply_days=10, start=ClockStart.HANDLING_RECEIPT,
)  # fmt: skip

# An ordinary case from acceptance to delivery: each step with its detail, department and officer's role.
LIFE: tuple[tuple[Action, int, int, OfficerRole | int], ...] = (
    (Action.ACCEPT, 0, 1, OfficerRole.RECEIVER),
    (Action.REVIEW, 0, 0, 0),
    (Action.GRANT, 0, 1, OfficerRole.DECIDER),
    (Action.CLOSE, 0, 0, 0),
    (Action.DELIVER, 1, 0, 0),
)


@dataclass
class Office:
    """Signs what happens to its cases; the engine it was founded on is the caller's to close."""

    addresses: Addresses
    agreement: bytes
    nonces: dict[str, int]
    case_key: KeySigner = field(default_factory=lambda: signer("bench case"))

    def case(self, number: int) -> bytes:
        """The id of the case with a number."""
        return case_id(
            CHAIN_ID, self.addresses.cases, self.case_key.address, HANDLING, HANDLING, MATTER.id,
            Mode.FULLY_ONLINE, number.to_bytes(32, "big"),
        )  # fmt: skip

    def openings(self, first: int, count: int) -> list[bytes]:
        """Transactions that open the cases from a number on, as many in each as the contract takes."""
        numbers = range(first, first + count)
        return [
            self._signed(
                "wuhou", Operation.OPEN, [self._submission(number) for number in numbers[at : at + OPEN_BATCH]]
            )
            for at in range(0, count, OPEN_BATCH)
        ]

    def steps(
        self, cases: Sequence[int], action: Action, detail: int = 0, department: int = 0, role: int = 0,
        *, batch: int = BATCH,
    ) -> list[bytes]:  # fmt: skip
        """Transactions that take one step in each of the cases, so many in one transaction."""
        calls: list[Fields] = [
            {
                "case": self.case(number), "action": int(action), "sequence": 0, "detail": detail,
                "department": department, "role": int(role), "commitment": COMMITMENT, "blob": BLOB,
            }
            for number in cases
        ]  # fmt: skip
        return [self._signed("mianyang", Operation.STEP, calls[at : at + batch]) for at in range(0, len(calls), batch)]

    def lives(self, cases: Sequence[int], *, batch: int = BATCH) -> list[bytes]:
        """Transactions that take the cases from acceptance to delivery."""
        return [raw for one in LIFE for raw in self.steps(cases, *one, batch=batch)]

    def records(self, cases: Sequence[int], *, batch: int = RECORD_BATCH) -> list[bytes]:
        """Transactions that put a paper seen on the record of each of the cases."""
        calls: list[Fields] = [
            {"case": self.case(number), "kind": int(RecordKind.PAPER_SEEN), "commitment": COMMITMENT, "blob": BLOB}
            for number in cases
        ]
        return [
            self._signed("mianyang", Operation.RECORD, calls[at : at + batch]) for at in range(0, len(calls), batch)
        ]

    def _submission(self, number: int) -> Fields:
        message: dict[str, int | bytes] = {
            "receiving": HANDLING, "handling": HANDLING, "matter": MATTER.id, "mode": int(Mode.FULLY_ONLINE),
            "channel": int(Channel.WINDOW), "version": 1, "agreement": self.agreement, "agreementVersion": 1,
            "parent": _ZERO, "holders": _ZERO, "commitment": COMMITMENT, "blob": BLOB,
            "salt": number.to_bytes(32, "big"),
        }  # fmt: skip
        raw = self.case_key.sign_digest(typed.digest("Submission", message, CHAIN_ID, self.addresses.cases))
        message["agreement_version"] = message.pop("agreementVersion")
        return message | {
            "case_key": self.case_key.address, "attending": 0, "signatures": [],
            "r": int.from_bytes(raw[:32], "big"), "s": int.from_bytes(raw[32:64], "big"), "v": raw[64],
        }  # fmt: skip

    def _signed(self, city: str, operation: Operation, calls: Sequence[Fields]) -> bytes:
        key = signers(city)["operate"]
        nonce = self.nonces[city]
        self.nonces[city] = nonce + 1
        data = codec.encode_call(operation, calls)
        return key.sign_transaction(UnsignedTransaction(CHAIN_ID, nonce, self.addresses.cases, data, _GAS)).raw


def _config(path: Path | None) -> EngineConfig:
    """The engine as in production, under the number that every peer can take."""
    return EngineConfig(path=path, chain_id=CHAIN_ID, genesis_time=GENESIS)


def open_engine(path: Path | None) -> Engine:
    """The engine at a path, ``None`` in memory; its clock begins with the chain, and goes on where a stored one ended."""
    began, start = time.monotonic(), GENESIS + 60

    def wall() -> float:
        return start + time.monotonic() - began

    engine = Engine.open(_config(path), wall=wall)
    start = max(start, int(engine.head.header.timestamp))
    return engine


def found_office(engine: Engine) -> Office:
    """Form the consortium on an engine, publish the matter and bind the cities by an agreement."""
    addresses = found(lambda consortium: _gateway(engine, consortium), CITIES, wait=_never, chain_id=CHAIN_ID)
    gateway = _gateway(engine, addresses.consortium)
    body: Fields = {"department": 1, "active": True, "name": "样本中心"}
    publication: Fields = {
        "matter": MATTER.id, "rule": _RULE.pack(), "digest": COMMITMENT, "blob": BLOB, "code": MATTER.text,
    }  # fmt: skip
    for city in CITIES:
        key = signers(city)["operate"]
        _done(send(gateway, key, addresses.consortium, Operation.SET_DEPARTMENTS, body, chain_id=CHAIN_ID))
        _done(send(gateway, key, addresses.catalogue, Operation.PUBLISH, publication, chain_id=CHAIN_ID))
    text: Fields = {
        "agreement": b"\x05" * 32, "kind": 1, "parent": _ZERO, "predecessor": _ZERO, "notice_days": 30, "valid_from": 0,
        "valid_until": 0, "digest": COMMITMENT, "blob": BLOB, "parties": [1, 2, 3], "matters": [MATTER.id],
        "modes": [mode_bits(Mode.FULLY_ONLINE)],
    }  # fmt: skip
    first = signers(CITIES[0])["administer"]
    drafted = _done(send(gateway, first, addresses.catalogue, Operation.DRAFT, text, chain_id=CHAIN_ID))
    agreement = next(one.event.agreement for one in drafted.events if isinstance(one.event, AgreementDrafted))
    for city in CITIES:
        acceptance: Fields = {"agreement": agreement, "version": 1}
        key = signers(city)["administer"]
        _done(send(gateway, key, addresses.catalogue, Operation.ACCEPT, acceptance, chain_id=CHAIN_ID))
    return Office(addresses, agreement, {city: gateway.nonce(signers(city)["operate"].address) for city in CITIES})


def history(engine: Engine) -> list[bytes]:
    """Every transaction of an engine's chain, in order."""
    blocks = index.blocks_between(engine.store, 1, engine.head.number)
    return [one.raw for block in blocks for one in index.block_transactions(engine.store, block)]


def play(engine: Engine, transactions: Iterable[bytes]) -> None:
    """Run transactions on an engine, a block each."""
    for raw in transactions:
        engine.send_raw(raw)
        engine.run_once()


def expect(found: int) -> None:
    """Hold whoever is measured to the same result: a case's sequence after its whole life."""
    if found != 1 + len(LIFE):
        raise SystemExit(f"a case stands at step {found}")


def sequence_of(web3: Web3, office: Office, number: int) -> int:
    """How many steps a case has taken, by the contract's own word."""
    contract = web3.eth.contract(Web3.to_checksum_address(office.addresses.cases), abi=load("cases").abi)
    word: int = contract.functions.case_of(office.case(number)).call()[0]
    return CaseWord.unpack(word).sequence


def _gateway(engine: Engine, consortium: str) -> Gateway:
    return Gateway([EngineProvider(engine, mine=True)], consortium)


def _done(receipt: Receipt) -> Receipt:
    refused = [one.event for one in receipt.events if isinstance(one.event, Refused)]
    if refused or not receipt.succeeded:
        raise SystemExit(f"the office could not be founded: {refused}")
    return receipt


def _never() -> None:
    raise SystemExit("the engine mines at once")
