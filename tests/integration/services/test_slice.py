"""The main job through every layer, on the real engine and the real contracts: handed in once in Wuhou, used in Mianyang.

Anchor, open a case, grant, use, release, read; then what must not work. Nothing is said by hand here: each city learns
everything from the chain.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ledger.blobs.directory import DirectoryStore
from ledger.domain import holders, typed, wrapping
from ledger.domain.calls import Fields
from ledger.domain.cases import Action, Channel, Mode, State
from ledger.domain.catalogue import CaseType, LimitRule, MatterCode, MatterType, mode_bits
from ledger.domain.checkpoints import parse_checkpoint
from ledger.domain.consents import Grantee
from ledger.domain.consortium import ServiceKeyKind
from ledger.domain.files import digests_of
from ledger.domain.materials import RevocationCause
from ledger.domain.operations import Operation
from ledger.domain.policies import format_policy
from ledger.domain.reasons import Reason
from ledger.errors import NotFoundError, RefusedError, UnavailableError
from ledger.log.files import DirectoryFiles
from ledger.log.store import LogStore
from ledger.ports import Signer
from ledger.services import (
    batching,
    cases,
    consents,
    materials,
    papers,
    receipts,
    receiving,
    releasing,
    sending,
    synchronising,
)
from ledger.services.context import Node
from ledger.services.received import content, read_received
from ledger.services.sending import Sender
from ledger.services.trace import trace
from ledger.storage import outbox
from ledger.storage.database import open_database
from ledger.storage.migrations import upgrade
from ledger.storage.tables import cases as case_tables
from ledger.storage.tables import catalogue as catalogue_tables
from ledger.storage.tables import drafts
from ledger.storage.tables import materials as material_tables
from ledger.storage.tables.outbox import intents
from ledger.wire.grants import GrantedConsent
from ledger.wire.receipts import Receipt, encode_receipt, read_receipt
from ledger.wire.verification import Outcome, verify_receipt
from tests.integration.network import CHAIN_ID, Network, form, signers
from tests.integration.services.cities import Holder, Neighbours
from tests.integration.services.test_materials import CONTENT, account, paper
from tests.integration.validators import Validators
from tests.unit.log.network import DIVISIONS, network_policy, signed_checkpoint

MATTER = MatterCode("0500000001")
CITIES = ("wuhou", "mianyang", "yuzhong")
CASE_KEY = bytes(range(1, 33))


def wall() -> int:
    """The engine's clock is the wall clock."""
    return int(time.time())


@dataclass
class Pilot:
    """The engine, and each city's node and chain keys."""

    network: Network | Validators
    nodes: dict[str, Node]
    keys: dict[str, Mapping[str, Signer]]
    agreement: bytes = b""

    def enqueue(self, city: str, name: str, operation: Operation, contract: str, role: str, fields: Fields) -> None:
        node = self.nodes[city]
        with node.begin() as uow:
            sending.enqueue(
                uow.connection, intent=name, operation=operation, contract=contract, role=role,
                subject=bytes(32), fields=fields, now=node.clock(),
            )  # fmt: skip
            uow.commit()

    def pump(self) -> None:
        """Let every daemon work until nothing moves."""
        moved = True
        while moved:
            moved = False
            for city, node in self.nodes.items():
                sender = Sender(node.begin, node.chain, self.keys[city], node.clock)
                moved |= batching.run_once(node, node.keys.open) is not None
                moved |= sending.run_once(sender).moved
                moved |= synchronising.run_once(node).added > 0
                moved |= batching.open_batches(node, node.keys.open) > 0
            for node in self.nodes.values():
                moved |= receiving.run_once(node, node.keys.open) > 0

    def outcome(self, city: str, name: str) -> Reason:
        """What became of an intent."""
        with self.nodes[city].database.read() as connection:
            found = outbox.find(connection, name)
        assert found.state in {"done", "refused"}, found
        return Reason(found.reason or 0)


@pytest.fixture
def pilot(tmp_path) -> Iterator[Pilot]:
    with opened_pilot(tmp_path) as made:
        yield made


@contextmanager
def opened_pilot(folder: Path) -> Iterator[Pilot]:
    """Three cities furnished on an engine in this process, all of it closed at the end."""
    with closing(form(None, *CITIES)) as network:
        made = Pilot(network, {}, {city: signers(city) for city in CITIES})
        with furnished(made, folder):
            yield made


@contextmanager
def furnished(pilot: Pilot, folder: Path, *, engine: str = "embedded") -> Iterator[None]:
    """Furnish a pilot, and close its nodes' databases at the end."""
    try:
        furnish(pilot, folder, engine=engine)
        yield
    finally:
        for node in pilot.nodes.values():
            node.database.close()


def furnish(pilot: Pilot, tmp_path: Path, *, engine: str = "embedded") -> None:
    """Give each city a node on the pilot's network, a published matter, and a part in one agreement."""
    network, nodes = pilot.network, pilot.nodes
    everybody: dict[int, Node] = {}
    peers: dict[int, Neighbours] = {}
    holder = {city: Holder(wrapping.new_recipient(os.urandom)) for city in CITIES}
    for number, city in enumerate(CITIES, start=1):
        database = open_database(tmp_path / f"{city}.db")
        upgrade(database)
        peers[number] = Neighbours(everybody, number)
        nodes[city] = everybody[number] = Node(
            network="test/slice", chain_id=CHAIN_ID, consortium=network.addresses.consortium, engine=engine,
            clock_offset=0, division="510107", member=number, database=database,
            blobs=DirectoryStore.create(tmp_path / f"{city}-blobs"), keys=holder[city],
            peers=peers[number], chain=network.gateway(), clock=wall, random=os.urandom,
            log_folder=tmp_path / f"{city}-log", batch_applicants=1, batch_wait=0, publisher=False, publish_blocks=16,
        )  # fmt: skip
    consortium, catalogue = network.addresses.consortium, network.addresses.catalogue
    for city in nodes:
        public = holder[city].key.public().data
        pilot.enqueue(
            city,
            "hpke",
            Operation.PUBLISH_KEYS,
            consortium,
            "administer",
            {"kind": int(ServiceKeyKind.HPKE), "key": public},
        )
        pilot.enqueue(
            city,
            "department",
            Operation.SET_DEPARTMENTS,
            consortium,
            "operate",
            {"department": 1, "active": True, "name": "样本中心"},
        )
        rule = LimitRule(matter_type=MatterType.BENEFIT, case_type=CaseType.COMMITMENT)
        published = {
            "matter": MATTER.id,
            "rule": rule.pack(),
            "digest": bytes([1]) * 32,
            "blob": bytes([2]) * 32,
            "code": MATTER.text,
        }
        pilot.enqueue(city, "matter", Operation.PUBLISH, catalogue, "operate", published)
    modes = mode_bits(Mode.FULLY_ONLINE, Mode.RECEIVED_HERE)
    draft = {
        "agreement": bytes([5]) * 32, "kind": 1, "parent": bytes(32), "predecessor": bytes(32), "notice_days": 30,
        "valid_from": 0, "valid_until": 0, "digest": bytes([1]) * 32, "blob": bytes([2]) * 32, "parties": [1, 2, 3],
        "matters": [MATTER.id], "modes": [modes],
    }  # fmt: skip
    pilot.enqueue("wuhou", "draft", Operation.DRAFT, catalogue, "administer", draft)
    pilot.pump()
    with nodes["wuhou"].database.read() as connection:
        agreement = connection.execute(select(catalogue_tables.agreements.c.agreement)).scalar_one()
    for city in CITIES:
        pilot.enqueue(city, "accept", Operation.ACCEPT, catalogue, "administer", {"agreement": agreement, "version": 1})
    pilot.pump()
    pilot.agreement = agreement


def anchored(pilot: Pilot, folder) -> tuple[str, int]:
    """A household register in Wuhou, and its first leaf."""
    wuhou = pilot.nodes["wuhou"]
    material = materials.submit(wuhou, "a1" * 16, [paper(folder)]).materials[0]
    pilot.pump()
    with wuhou.database.read() as connection:
        table = material_tables.material_leaves
        row = connection.execute(
            select(table.c.batch, table.c.index.label("place")).where(
                table.c.material == material, table.c.subject == 0, table.c.turn == 0
            )
        ).one()
    return material, row.batch << 32 | row.place


def opened(pilot: Pilot, salt: bytes = bytes([1]) * 32, **changes) -> bytes:
    """A case received and handled in Mianyang."""
    mianyang = pilot.nodes["mianyang"]
    submitted = cases.seal_for(mianyang, [2], "submission", {"applicant": "样本甲"})
    values = {
        "case_key": holders.address_text(holders.address_of(CASE_KEY)), "receiving": 2, "handling": 2, "matter": MATTER.id,
        "mode": Mode.FULLY_ONLINE, "channel": Channel.WINDOW, "version": 1, "agreement": pilot.agreement,
        "agreement_version": 1, "commitment": submitted.commitment, "blob": submitted.blob, "salt": salt,
    } | changes  # fmt: skip
    submission = cases.Submission(**values)
    contract = pilot.network.addresses.cases
    signature = typed.sign(cases.submission_digest(mianyang, contract, submission), CASE_KEY)
    case, intent = cases.open_case(mianyang, contract, submission, signature)
    pilot.pump()
    assert pilot.outcome("mianyang", intent) is Reason.OK
    return case


def granted(pilot: Pilot, leaf: int, case: bytes, material: str, *, uses: int = 2) -> consents.Prepared:
    """The applicant's consent, signed with the leaf's own key and relayed by Yuzhong."""
    addresses = pilot.network.addresses
    wuhou, yuzhong = pilot.nodes["wuhou"], pilot.nodes["yuzhong"]
    prepared = consents.prepare(
        yuzhong, addresses.materials, addresses.cases, case=case, matter=MATTER.id,
        shown={leaf: ("address", "file.0")}, grantees=[Grantee(2, uses)], days=30,
    )  # fmt: skip
    shown = releasing.own_leaf(wuhou, wuhou.keys.open, addresses.materials, leaf)
    node = holders.account(holders.master(bytes(32)), holders.Branch.MATERIAL, 0)
    key = holders.leaf_keys(node, 0, 1)[0]
    signed = consents.LeafShown(leaf, shown.entry, shown.proof, typed.sign(prepared.digest, key))
    intent = consents.grant(yuzhong, addresses.materials, prepared.terms, [signed])
    pilot.pump()
    assert pilot.outcome("yuzhong", intent) is Reason.OK
    assert account().account == node.public().encode()
    assert material
    return prepared


def given(pilot: Pilot, prepared: consents.Prepared) -> GrantedConsent:
    """The consent as the applicant hands it to a grantee."""
    contract = pilot.network.addresses.materials
    return GrantedConsent(
        chain_id=CHAIN_ID, contract=contract, terms=prepared.terms, disclosed=prepared.disclosed, signatures=()
    )


def test_handed_in_once_and_served_elsewhere(pilot, tmp_path):
    material, leaf = anchored(pilot, tmp_path)
    case = opened(pilot)
    prepared = granted(pilot, leaf, case, material)
    mianyang = pilot.nodes["mianyang"]
    releasing.use(
        mianyang,
        given(pilot, prepared),
        case=case,
        intent="use-1",
    )
    pilot.pump()
    assert pilot.outcome("mianyang", "use-1") is Reason.OK
    received = read_received(mianyang, 1, leaf)
    assert received.fields["address"] == "样本路 1 号"
    assert "number" not in received.fields
    assert b"".join(content(mianyang, 1, leaf, received.files[0])) == CONTENT
    with pilot.nodes["wuhou"].database.read() as connection:
        (reading,) = consents.feed(connection, [(pilot.network.addresses.materials, leaf)], limit=2)
        assert (reading.member, reading.case, reading.use) == (2, case, 1)
    contract = pilot.network.addresses.cases
    for action, options in (
        (Action.ACCEPT, {"department": 1, "role": 1}),
        (Action.REVIEW, {}),
        (Action.GRANT, {"department": 1, "role": 3}),
        (Action.CLOSE, {}),
        (Action.DELIVER, {"detail": 1}),
    ):
        with mianyang.database.read() as connection:
            sequence = cases.sequence_of(connection, case)
        intent = cases.step(mianyang, contract, case, action, sequence=sequence, **options)
        pilot.pump()
        assert pilot.outcome("mianyang", intent) is Reason.OK
    for node in pilot.nodes.values():
        with node.database.read() as connection:
            state = connection.execute(
                select(case_tables.cases.c.state).where(case_tables.cases.c.case == case)
            ).scalar_one()
            assert state == State.DELIVERED
            timeline = trace(connection, case.hex())
            assert len(timeline.lines) >= 8


def test_the_papers_of_a_case_reach_its_cities_and_no_other(pilot):
    mianyang, wuhou = pilot.nodes["mianyang"], pilot.nodes["wuhou"]
    contract = pilot.network.addresses.cases
    case = opened(pilot, mode=Mode.RECEIVED_HERE, handling=1)
    notice = cases.seal_for(wuhou, [2], "notice", {"text": "请补充一份样本"})
    intent = cases.step(wuhou, contract, case, Action.REQUEST_CORRECTION, sequence=1, detail=2, paper=notice)
    pilot.pump()
    assert pilot.outcome("wuhou", intent) is Reason.OK
    # The submission was sealed before the case had another city; it says so instead of failing.
    assert papers.run_once(wuhou, wuhou.keys.open) == papers.OpenedPapers(1, 0, ("papers.not_for_us",))
    assert papers.run_once(mianyang, mianyang.keys.open) == papers.OpenedPapers(2, 0, ())
    assert papers.run_once(mianyang, mianyang.keys.open).done == 0
    assert [paper.kind for _, paper in papers.read_case(mianyang, case)] == ["submission", "notice"]
    assert papers.read_case(wuhou, case)[-1][1].body == {"text": "请补充一份样本"}
    yuzhong = pilot.nodes["yuzhong"]
    assert papers.run_once(yuzhong, yuzhong.keys.open) == papers.OpenedPapers(0, 0, ())


def test_what_a_consent_does_not_cover_is_refused_on_the_chain(pilot, tmp_path):
    material, leaf = anchored(pilot, tmp_path)
    case, other = opened(pilot), opened(pilot, salt=bytes([2]) * 32)
    prepared = granted(pilot, leaf, case, material, uses=1)
    mianyang, yuzhong = pilot.nodes["mianyang"], pilot.nodes["yuzhong"]

    def use(node, city, name, case):
        releasing.use(node, given(pilot, prepared), case=case, intent=name)
        pilot.pump()
        return pilot.outcome(city, name)

    assert use(mianyang, "mianyang", "other-case", other) is Reason.WRONG_CASE
    assert use(yuzhong, "yuzhong", "other-city", case) is Reason.NOT_A_GRANTEE
    assert use(mianyang, "mianyang", "first", case) is Reason.OK
    assert use(mianyang, "mianyang", "second", case) is Reason.USED_UP
    with mianyang.database.read() as connection:
        assert len(connection.execute(select(drafts.received)).all()) == 1


def test_a_material_its_city_revoked_is_of_no_more_use(pilot, tmp_path):
    material, leaf = anchored(pilot, tmp_path)
    case = opened(pilot)
    prepared = granted(pilot, leaf, case, material)
    intent = materials.revoke(pilot.nodes["wuhou"], material, RevocationCause.INSPECTION_WITHDRAWN, "样本说明")
    pilot.pump()
    assert pilot.outcome("wuhou", intent) is Reason.OK
    releasing.use(
        pilot.nodes["mianyang"],
        given(pilot, prepared),
        case=case,
        intent="late",
    )
    pilot.pump()
    assert pilot.outcome("mianyang", "late") is Reason.LEAF_REVOKED


def test_a_signature_of_somebody_else_is_refused_before_it_is_sent(pilot, tmp_path):
    _, leaf = anchored(pilot, tmp_path)
    case = opened(pilot)
    addresses = pilot.network.addresses
    wuhou = pilot.nodes["wuhou"]
    prepared = consents.prepare(
        wuhou, addresses.materials, addresses.cases, case=case, matter=MATTER.id, shown={leaf: ("address",)},
        grantees=[Grantee(2, 1)], days=30,
    )  # fmt: skip
    shown = releasing.own_leaf(wuhou, wuhou.keys.open, addresses.materials, leaf)
    forged = consents.LeafShown(leaf, shown.entry, shown.proof, typed.sign(prepared.digest, CASE_KEY))
    with pytest.raises(RefusedError, match="bad_signature"):
        consents.grant(wuhou, addresses.materials, prepared.terms, [forged])
    with wuhou.database.read() as connection:
        assert connection.execute(select(intents).where(intents.c.subject == prepared.digest)).first() is None


def test_a_database_that_is_dropped_comes_back_from_chain_and_blobs(pilot, tmp_path):
    anchored(pilot, tmp_path)
    opened(pilot)
    wuhou = pilot.nodes["wuhou"]
    tables = (
        material_tables.materials,
        material_tables.material_leaves,
        case_tables.cases,
        catalogue_tables.agreements,
    )

    def rows(node: Node) -> list[list[str]]:
        with node.database.read() as connection:
            return [sorted(map(repr, connection.execute(select(table)))) for table in tables]

    before = rows(wuhou)
    with open_database(tmp_path / "again.db") as database:
        upgrade(database)
        again = replace(wuhou, database=database, chain=pilot.network.gateway())
        synchronising.run_once(again)
        batching.open_batches(again, again.keys.open)
        assert rows(again) == before


def test_nothing_is_released_before_the_use_is_on_the_record(pilot, tmp_path):
    material, leaf = anchored(pilot, tmp_path)
    case = opened(pilot)
    prepared = granted(pilot, leaf, case, material)
    wuhou = pilot.nodes["wuhou"]
    with pytest.raises(NotFoundError, match=r"releases\.no_use"):
        releasing.release(wuhou, wuhou.keys.open, 1, 2, prepared.disclosed.encode())


def published(pilot: Pilot, folder) -> LogStore:
    """Every city builds the tree from its own picture; the trees are one; the first city's gets the cosigned note."""
    heads, stores = set(), []
    for city, node in pilot.nodes.items():
        store = LogStore(DirectoryFiles(folder / f"{city}-tiles"))
        with node.database.read() as connection:
            head = store.append(list(synchronising.entries_from(connection, 0)))
        heads.add((head.size, head.root))
        stores.append(store)
    ((size, root),) = heads
    stores[0].publish(signed_checkpoint(size, root))
    return stores[0]


def receipt_of(pilot: Pilot, folder) -> Receipt:
    """A receipt for the first leaf of a register, with the address and the file opened."""
    _, leaf = anchored(pilot, folder)
    wuhou = pilot.nodes["wuhou"]
    # A status entry comes at every 16th block.
    for number in range(20):
        pilot.enqueue(
            "wuhou",
            f"endpoint-{number}",
            Operation.PUBLISH_ENDPOINT,
            pilot.network.addresses.consortium,
            "administer",
            {"url": f"https://city{number}.example"},
        )
        pilot.pump()
    contract = pilot.network.addresses.materials
    return receipts.issue(wuhou, wuhou.keys.open, published(pilot, folder), contract, leaf, ["address", "file.0"])


def test_a_receipt_is_verified_offline_and_every_change_is_found(pilot, tmp_path):
    receipt = read_receipt(encode_receipt(receipt_of(pilot, tmp_path)))
    policy = network_policy()
    file = digests_of([CONTENT])
    verdict = verify_receipt(receipt, policy, [file], now=wall())
    assert verdict.good, verdict
    assert dict(verdict.check("assurance").evidence) == {"level": 2, "genuine": 0}
    assert dict(verdict.check("seen").evidence)["engine"] == "single-sequencer"
    assert dict(verdict.check("anchored").evidence)["member"] == 1
    assert verify_receipt(receipt, policy, now=wall()).check("fingerprint").outcome is Outcome.COULD_NOT_CHECK

    def failed(name: str, **changes: object) -> str:
        check = verify_receipt(replace(receipt, **changes), policy, [file], now=wall()).check(name)
        assert check.outcome is Outcome.FAILED, check
        return check.code

    changed = digests_of([CONTENT[:-1] + b"x"])
    assert verify_receipt(receipt, policy, [changed], now=wall()).check("fingerprint").code == "receipts.other_file"
    assert failed("anchored", leaf=receipt.leaf + (1 << 32)) == "receipts.other_batch"
    assert failed("anchored", blinding=bytes(32)) == "leaves.commitment_mismatch"
    assert failed("anchored", entry=receipt.entry[:-1] + b"\0") == "log.inclusion_mismatch"
    assert failed("anchored", anchored=receipt.status) == "receipts.other_entry"
    assert failed("not_revoked", status=receipt.anchored) == "receipts.other_entry"
    assert failed("anchored", anchored=replace(receipt.anchored, index=receipt.anchored.index + 1))
    assert (
        failed("fingerprint", disclosures=(*receipt.disclosures, receipt.disclosures[0])) == "records.duplicate_field"
    )
    note = receipt.checkpoint.replace(b"\n\n", b"\nmore\n\n", 1)
    spoiled = verify_receipt(replace(receipt, checkpoint=note), policy, [file], now=wall())
    assert spoiled.check("seen").outcome is Outcome.FAILED
    # Without a trusted checkpoint nothing is called false or true that rests on it.
    assert spoiled.check("anchored").outcome is Outcome.COULD_NOT_CHECK
    assert spoiled.check("not_revoked").outcome is Outcome.COULD_NOT_CHECK
    few = signed_checkpoint(*_head(receipt), by=DIVISIONS[:2])
    assert failed("seen", checkpoint=few)


def _head(receipt: Receipt) -> tuple[int, bytes]:
    checkpoint, _ = parse_checkpoint(receipt.checkpoint)
    return checkpoint.size, checkpoint.root


def test_there_is_no_receipt_before_a_checkpoint(pilot, tmp_path):
    _, leaf = anchored(pilot, tmp_path)
    wuhou = pilot.nodes["wuhou"]
    store = LogStore(DirectoryFiles(tmp_path / "tiles"))
    with pytest.raises(UnavailableError, match=r"receipts\.not_published"):
        receipts.issue(wuhou, wuhou.keys.open, store, pilot.network.addresses.materials, leaf, ["address"])


def test_the_command_verifies_a_receipt_with_the_cable_out(pilot, tmp_path):
    receipt = receipt_of(pilot, tmp_path)
    (tmp_path / "receipt.json").write_bytes(encode_receipt(receipt))
    (tmp_path / "policy").write_bytes(format_policy(network_policy()))
    (tmp_path / "register.pdf").write_bytes(CONTENT)

    def run(*files: str) -> tuple[int, dict[str, Any]]:
        program = "from node_client.cli.app import main; main()"
        arguments = ["verify", "receipt.json", *files, "--policy", "policy", "--json"]
        found = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=tmp_path, check=False, timeout=60,
            env={"PYTHONPATH": ":".join([str(Path.cwd()), *sys.path]), "LANG": "en_US.UTF-8"},
        )  # fmt: skip
        return found.returncode, json.loads(found.stdout)

    status, verdict = run("register.pdf")
    assert (status, verdict["good"]) == (0, True)
    # One byte changed.
    (tmp_path / "register.pdf").write_bytes(CONTENT[:-2] + b"!" + CONTENT[-1:])
    status, verdict = run("register.pdf")
    assert (status, verdict["good"]) == (1, False)
    assert verdict["items"][0]["checks"][0] == {
        "name": "fingerprint",
        "outcome": "failed",
        "code": "receipts.other_file",
        "evidence": {},
    }
