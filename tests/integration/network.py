"""A consortium formed by its own votes on the embedded engine, in this process: what tests of a node start from."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ledger.chain import codec
from ledger.chain.deployment import Founder, deploy, deploy_consortium
from ledger.chain.embedded.chain import Engine
from ledger.chain.embedded.config import EngineConfig
from ledger.chain.embedded.provider import EngineProvider
from ledger.chain.gateway import Gateway
from ledger.chain.signing import KeySigner
from ledger.domain.calls import Fields, Value
from ledger.domain.case_tables import tables
from ledger.domain.consortium import ContractKind, Level, ProposalKind, Role
from ledger.domain.events import ProposalClosed, Refused
from ledger.domain.operations import Operation
from ledger.ports import Receipt, UnsignedTransaction

CHAIN_ID = 20_261
# 2026-03-02 09:00 in China, a Monday: where the pilot's clock begins.
GENESIS = 1_772_413_200
# Blocks between two status entries.
STATUS_EPOCH = 16
ROLES = {
    "operate": Role.OPERATE,
    "witness": Role.WITNESS,
    "issue": Role.ISSUE,
}


def signer(label: str) -> KeySigner:
    """The key of a label: for tests, the same in every run."""
    return KeySigner(hashlib.sha256(f"tongban test key: {label}".encode()).digest())


def signers(city: str) -> dict[str, KeySigner]:
    """A city's keys by role."""
    return {role: signer(f"{city} {role}") for role in ("administer", "recover", *ROLES)}


@dataclass(frozen=True)
class Addresses:
    """Where the contracts are."""

    consortium: str
    catalogue: str
    materials: str
    cases: str


@dataclass
class Network:
    """An open engine with the consortium on it."""

    engine: Engine
    addresses: Addresses

    def gateway(self, *, mine: bool = True, kind: str = "embedded") -> Gateway:
        """A gateway to the engine; with ``mine`` every transaction gets a block at once."""
        return Gateway([EngineProvider(self.engine, mine=mine)], self.addresses.consortium, engine=kind)

    def close(self) -> None:
        """Close the engine."""
        self.engine.close()


def send(
    gateway: Gateway,
    key: KeySigner,
    contract: str,
    operation: Operation,
    *calls: Fields,
    nonce: int | None = None,
    chain_id: int = CHAIN_ID,
    wait: Callable[[], None] | None = None,
) -> Receipt:
    """Send one batch and answer its receipt; the embedded engine mines at once, for another one ``wait`` is called."""
    used = gateway.nonce(key.address) if nonce is None else nonce
    data = codec.encode_call(operation, list(calls))
    signed = key.sign_transaction(UnsignedTransaction(chain_id, used, contract, data, 8_000_000))
    sent = gateway.send(signed.raw)
    while (receipt := gateway.receipt(sent)) is None:
        (wait or _never)()
    return receipt


def config(path: Path | None) -> EngineConfig:
    """The engine's settings: a chain that begins in March 2026, whose clock a test may move forward."""
    return EngineConfig(path=path, chain_id=CHAIN_ID, genesis_time=GENESIS, adjustable_clock=True)


def form(path: Path | None, *cities: str) -> Network:
    """Deploy the contracts and form a consortium of these cities, all of them voters."""
    engine = Engine.open(config(path))
    return Network(
        engine, found(lambda consortium: Gateway([EngineProvider(engine, mine=True)], consortium), cities, wait=_never)
    )


def found(
    connect: Callable[[str], Gateway], cities: tuple[str, ...], *, wait: Callable[[], None], chain_id: int = CHAIN_ID
) -> Addresses:
    """Deploy the contracts to any engine and form a consortium of these cities by its own votes."""
    unbound = connect("0x" + "00" * 20)
    deployer = signer("deployer")
    founders = [
        Founder(510_107 + place, Level.DISTRICT, 0, True, city, signer(f"{city} administer").address)  # noqa: FBT003  # a founder's vote
        for place, city in enumerate(cities)
    ]
    consortium = deploy_consortium(
        unbound,
        deployer,
        name="five cities",
        status_epoch=STATUS_EPOCH,
        clock_offset=0,
        founders=founders,
        wait=wait,
    )
    unbound.close()
    gateway = connect(consortium)
    for city in cities:
        keys = signers(city)
        roles = [{"key": keys[name].address, "roles": int(role)} for name, role in ROLES.items()]
        fields = {"recovery": keys["recover"].address, "role_keys": roles}
        _done(send(gateway, keys["administer"], consortium, Operation.CONFIRM, fields, chain_id=chain_id, wait=wait))
    addresses = Addresses(
        consortium,
        deploy(gateway, deployer, "catalogue", consortium, wait=wait),
        deploy(gateway, deployer, "materials", consortium, wait=wait),
        deploy(gateway, deployer, "cases", consortium, *tables(), wait=wait),
    )
    for kind, address in (
        (ContractKind.CATALOGUE, addresses.catalogue),
        (ContractKind.MATERIALS, addresses.materials),
        (ContractKind.CASES, addresses.cases),
    ):
        _register(gateway, consortium, cities, kind, address, chain_id=chain_id, wait=wait)
    gateway.close()
    return addresses


def reopen(source: Path, target: Path, addresses: Addresses) -> Network:
    """A copy of a closed engine's folder, opened."""
    shutil.copytree(source, target)
    return Network(Engine.open(config(target / "engine.db")), addresses)


def _register(
    gateway: Gateway,
    consortium: str,
    cities: tuple[str, ...],
    kind: ContractKind,
    address: str,
    *,
    chain_id: int,
    wait: Callable[[], None],
) -> None:
    subject = bytes(12) + bytes.fromhex(address[2:])
    motion: dict[str, Value] = {
        "kind": int(ProposalKind.GENERATION),
        "target": int(kind),
        "subject": subject,
        "digest": bytes(32),
    }
    proposer = signer(f"{cities[0]} administer")
    proposed = {"motions": [motion], "admissions": []}
    _done(send(gateway, proposer, consortium, Operation.PROPOSE, proposed, chain_id=chain_id, wait=wait))
    number = gateway.call(consortium, "consortium", "proposal_count")
    for city in cities:
        key = signer(f"{city} administer")
        ballot = {"proposal": number, "approve": True}
        receipt = _done(send(gateway, key, consortium, Operation.VOTE, ballot, chain_id=chain_id, wait=wait))
        if any(isinstance(located.event, ProposalClosed) for located in receipt.events):
            return
    raise AssertionError("the vote did not pass")


def _done(receipt: Receipt) -> Receipt:
    assert receipt.succeeded
    assert not [located.event for located in receipt.events if isinstance(located.event, Refused)]
    return receipt


def _never() -> None:
    raise AssertionError("the engine mines at once")
