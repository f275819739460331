"""From a real engine to rows and log entries and back: deployed contracts, signed transactions, the gateway between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger import projections
from ledger.chain.codec import encode_call
from ledger.chain.deployment import Founder, deploy, deploy_consortium
from ledger.chain.embedded.chain import Engine
from ledger.chain.embedded.config import EngineConfig
from ledger.chain.embedded.provider import EngineProvider
from ledger.chain.gateway import Gateway
from ledger.chain.signing import KeySigner
from ledger.domain.case_tables import tables
from ledger.domain.catalogue import LimitRule, MatterCode
from ledger.domain.consortium import ContractKind, Level, ProposalKind, Role
from ledger.domain.entries import EventEntry, StatusEntry, parse_entry
from ledger.domain.events import AgreementDrafted, KeySet, MatterPublished, Proposed, Refused
from ledger.domain.operations import Operation
from ledger.ports import LocatedEvent, UnsignedTransaction
from ledger.services.synchronising import StatusMemory, entries_from, synchronise, synchronise_from_entries
from ledger.services.trace import trace
from ledger.storage.database import Database, open_database
from ledger.storage.tables import metadata

CHAIN_ID, EPOCH, START = 20_262, 3, 1_772_413_200
CITIES = (1, 2, 3, 4)
COMMITMENT = b"\x0c" * 32


def key(member: int, role: Role) -> KeySigner:
    return KeySigner(bytes((*(b"k" * 30), member, role)))


def address(item: str) -> bytes:
    return bytes.fromhex(item[2:])


@dataclass
class Network:
    """An engine with a consortium of four cities, and its gateway."""

    engine: Engine
    gateway: Gateway
    consortium: str

    def send(
        self, member: int, role: Role, contract: str, operation: Operation, *calls: Mapping[str, object]
    ) -> tuple[LocatedEvent, ...]:
        """Send one transaction; a block is closed at once."""
        signer = key(member, role)
        data = encode_call(operation, list(calls))
        unsigned = UnsignedTransaction(CHAIN_ID, self.gateway.nonce(signer.address), contract, data, 8_000_000)
        sent = self.gateway.send(signer.sign_transaction(unsigned).raw)
        receipt = self.gateway.receipt(sent)
        assert receipt is not None
        assert receipt.succeeded
        return receipt.events

    def vote_in(self, kind: ContractKind, *arguments: object) -> str:
        """Deploy a contract and let the members register it."""
        made = deploy(self.gateway, key(1, Role.ADMINISTER), kind.name.lower(), *arguments, wait=never)
        motion = {
            "kind": int(ProposalKind.GENERATION),
            "target": int(kind),
            "subject": bytes(12) + address(made),
            "digest": bytes(32),
        }
        events = self.send(
            1, Role.ADMINISTER, self.consortium, Operation.PROPOSE, {"motions": [motion], "admissions": []}
        )
        (number,) = [located.event.proposal for located in events if isinstance(located.event, Proposed)]
        for member in CITIES[:3]:
            self.send(member, Role.ADMINISTER, self.consortium, Operation.VOTE, {"proposal": number, "approve": True})
        return made


def never() -> None:
    raise AssertionError("the engine closes a block for every transaction")


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    ticks = iter(range(START, START + 10**6, 2))
    engine = Engine.open(EngineConfig(path=None, chain_id=CHAIN_ID), wall=lambda: next(ticks))
    founders = [
        Founder(510_100 + member, Level.CITY, 0, True, f"样本市{member}", key(member, Role.ADMINISTER).address)  # noqa: FBT003  # has the vote
        for member in CITIES
    ]
    first = Gateway([EngineProvider(engine, mine=True)], "0x" + "00" * 20)
    consortium = deploy_consortium(
        first, key(1, Role.ADMINISTER), name="sample", status_epoch=EPOCH, clock_offset=0, founders=founders, wait=never
    )
    made = Network(engine, Gateway([EngineProvider(engine, mine=True)], consortium), consortium)
    for member in CITIES:
        roles = [
            {"key": key(member, role).address, "roles": int(role)} for role in (Role.OPERATE, Role.ISSUE, Role.WITNESS)
        ]
        call = {"recovery": key(member, Role.RECOVER).address, "role_keys": roles}
        made.send(member, Role.ADMINISTER, consortium, Operation.CONFIRM, call)
    tell(made)
    yield made
    engine.close()


def tell(network: Network) -> None:
    """A little of everything: contracts voted in, a matter, an agreement, a batch, a removed key, refusals."""
    catalogue = network.vote_in(ContractKind.CATALOGUE, network.consortium)
    materials = network.vote_in(ContractKind.MATERIALS, network.consortium)
    network.vote_in(ContractKind.CASES, network.consortium, *tables())
    matter = MatterCode("0100000001")
    published = {
        "matter": matter.id,
        "rule": LimitRule.licence().pack(),
        "digest": COMMITMENT,
        "blob": COMMITMENT,
        "code": matter.text,
    }
    for member in CITIES[:2]:
        network.send(member, Role.OPERATE, catalogue, Operation.PUBLISH, published)
    draft = {
        "agreement": COMMITMENT, "kind": 1, "parent": bytes(32), "predecessor": bytes(32), "notice_days": 30, "valid_from": 0,
        "valid_until": 0, "digest": COMMITMENT, "blob": COMMITMENT, "parties": [1, 2], "matters": [matter.id], "modes": [6],
    }  # fmt: skip
    drafted = network.send(1, Role.ADMINISTER, catalogue, Operation.DRAFT, draft)
    agreement = next(located.event.agreement for located in drafted if isinstance(located.event, AgreementDrafted))
    for member in CITIES[:2]:
        network.send(member, Role.ADMINISTER, catalogue, Operation.ACCEPT, {"agreement": agreement, "version": 1})
    batch = {"root": b"\x07" * 32, "size": 256, "blob": b"\x08" * 32, "flags": 0}
    network.send(1, Role.ISSUE, materials, Operation.ANCHOR, batch)
    network.send(1, Role.OPERATE, materials, Operation.ANCHOR, batch)
    network.send(
        1, Role.ISSUE, materials, Operation.REVOKE, {"batch": 1, "cause": 3, "commitment": COMMITMENT, "leaves": [3, 9]}
    )
    gone = {"key": key(2, Role.WITNESS).address, "roles": 0, "previous": "0x" + "00" * 20}
    network.send(2, Role.ADMINISTER, network.consortium, Operation.SET_KEYS, gone)
    # As many blocks more as bring another status entry.
    for member in CITIES[:EPOCH]:
        endpoint = {"url": f"http://127.0.0.1:{9_000 + member}"}
        network.send(member, Role.OPERATE, network.consortium, Operation.PUBLISH_ENDPOINT, endpoint)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "node.db")
    metadata.create_all(opened.engine)
    yield opened
    opened.close()


def test_an_engine_s_events_become_rows_entries_and_rows_again(network: Network, database: Database, tmp_path: Path):
    memory = StatusMemory()
    # A gateway that begins to read in the middle of a run finds the contracts by their registration.
    fresh = Gateway([EngineProvider(network.engine)], network.consortium)
    progress = synchronise(database, fresh, network.consortium, memory=memory, chunk=7)
    assert progress.caught_up
    with database.read() as connection:
        log = list(entries_from(connection, 0))
    entries = [parse_entry(data) for data in log]
    names = {entry.name for entry in entries if isinstance(entry, EventEntry)}
    assert {"Founded", "GenerationAdded", "AgreementAccepted", "Anchored", "LeavesRevoked", "Refused"} <= names
    statuses = [entry for entry in entries if isinstance(entry, StatusEntry)]
    assert [entry.block_number for entry in statuses] == list(range(EPOCH, progress.block + 1, EPOCH))
    assert statuses[-1].status_size >= 2
    assert all(entry.block_hash == bytes(network.engine.header(entry.block_number).hash) for entry in statuses)

    mirrored = open_database(tmp_path / "mirror.db")
    metadata.create_all(mirrored.engine)
    synchronise_from_entries(mirrored, log, consortium=network.consortium, chunk=5)
    synchronise(mirrored, fresh, network.consortium)
    with mirrored.read() as other, database.read() as connection:
        assert list(entries_from(other, 0)) == log
        for table in projections.PICTURE:
            rows = select(table)
            assert sorted(map(repr, other.execute(rows))) == sorted(map(repr, connection.execute(rows)))
    mirrored.close()


def test_what_was_done_is_traced(network: Network, database: Database):
    synchronise(database, network.gateway, network.consortium)
    with database.read() as connection:
        leaf = trace(connection, "1:9")
        assert [line.kind for line in leaf.lines] == ["anchored", "leaves_revoked"]
        assert all(line.who is not None and line.who.roles == ("issue",) for line in leaf.lines)
        member = trace(connection, "510102")
        assert {"member_listed", "member_confirmed", "key_set", "matter_published", "agreement_in_force"} <= {
            line.kind for line in member.lines
        }
        refused = trace(connection, "07" * 32)
        assert [line.refused for line in refused.lines] == [2]
        assert refused.lines[0].who is not None
        assert refused.lines[0].who.member == 1


def test_events_keep_the_values_of_the_chain(network: Network):
    head = network.gateway.head()
    events = [located.event for block in network.gateway.blocks(0, head.finalised) for located in block.events]
    assert sum(isinstance(event, MatterPublished) for event in events) == 2
    assert sum(isinstance(event, Refused) for event in events) == 1
    assert any(isinstance(event, KeySet) and event.roles == 0 for event in events)
