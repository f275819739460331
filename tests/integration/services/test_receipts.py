"""Receipts of a use on the real engine: what the reading city shows to others, and what everybody can check of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ledger.domain import holders, typed
from ledger.domain.cases import Channel, Mode
from ledger.domain.catalogue import CaseType, LimitRule, MatterCode, MatterType
from ledger.domain.checkpoints import parse_checkpoint
from ledger.domain.consents import Grantee
from ledger.domain.files import digests_of
from ledger.domain.materials import RevocationCause
from ledger.domain.operations import Operation
from ledger.domain.policies import format_policy
from ledger.domain.reasons import Reason
from ledger.errors import ConflictError, InputError, NotFoundError, UnavailableError
from ledger.log.files import DirectoryFiles
from ledger.log.proofs import make_proof_file
from ledger.log.store import LogStore
from ledger.ports import TypedMessage
from ledger.services import cases, consents, materials, receipts, receiving, releasing, synchronising
from ledger.services import holders as holders_service
from ledger.services.context import Node
from ledger.wire.grants import GrantedConsent
from ledger.wire.receipts import encode_receipt, read_receipt
from ledger.wire.verification import Outcome, verify_receipt
from node_client import offline
from tests.integration.network import CHAIN_ID
from tests.integration.services.custodians import Cities, cities_on_an_engine
from tests.integration.services.test_materials import CONTENT, paper
from tests.unit.log.network import network_policy, signed_checkpoint

MATTER = MatterCode("0500000001")
CASE_KEY = bytes(range(1, 33))
PAPER = bytes([7]) * 32
PIN = "246813"


@pytest.fixture
def cities(tmp_path) -> Iterator[Cities]:
    with cities_on_an_engine(tmp_path) as found:
        yield found


@dataclass
class Handed:
    """A register anchored in Wuhou whose first leaf another city may read."""

    material: str
    leaf: int
    consent: GrantedConsent

    @property
    def case(self) -> bytes:
        """The case it may be read for."""
        return self.consent.terms.case


def pump(cities: Cities) -> None:
    """Let the cities work, and the readers fetch what their uses let them read."""
    cities.pump()
    for node in cities.nodes.values():
        receiving.run_once(node, node.keys.open)


def opened(cities: Cities) -> bytes:
    """A case that is received and decided in Mianyang."""
    mianyang, addresses = cities.nodes["mianyang"], cities.network.addresses
    rule = LimitRule(matter_type=MatterType.BENEFIT, case_type=CaseType.COMMITMENT)
    fields = {"matter": MATTER.id, "rule": rule.pack(), "digest": PAPER, "blob": PAPER, "code": MATTER.text}
    cities.enqueue("mianyang", "matter", Operation.PUBLISH, addresses.catalogue, "operate", fields)
    cities.pump()
    paper = cases.seal_for(mianyang, [2], "submission", {"applicant": "样本甲"})
    submission = cases.Submission(
        case_key=holders.address_text(holders.address_of(CASE_KEY)), receiving=2, handling=2, matter=MATTER.id,
        mode=Mode.FULLY_ONLINE, channel=Channel.WINDOW, version=1, agreement=bytes(32), agreement_version=0,
        commitment=paper.commitment, blob=paper.blob, salt=PAPER,
    )  # fmt: skip
    signature = typed.sign(cases.submission_digest(mianyang, addresses.cases, submission), CASE_KEY)
    case, intent = cases.open_case(mianyang, addresses.cases, submission, signature)
    cities.pump()
    assert cities.outcome("mianyang", intent) is Reason.OK
    return case


def granted(cities: Cities, folder: Path, *, witnessed: bool = False) -> Handed:
    """Hand in at Wuhou, and let Mianyang read twice: by the holder's own signature, or on paper at Mianyang's window."""
    wuhou, mianyang, addresses = cities.nodes["wuhou"], cities.nodes["mianyang"], cities.network.addresses
    seed = bytes(64)
    account = (
        holders_service.custody_account(wuhou, holders_service.enrol(wuhou, PIN))
        if witnessed
        else holders_service.material_account(seed, 0)
    )
    handed = materials.submit(wuhou, "a1" * 16, [replace(paper(folder), accounts=(account,))])
    cities.pump()
    material = handed.materials[0]
    case = opened(cities)
    leaf = holders_service.allot(wuhou, material, 0, case)
    prepared = consents.prepare(
        mianyang, addresses.materials, addresses.cases, case=case, matter=MATTER.id,
        shown={leaf: ("address", "file.0")}, grantees=[Grantee(2, 2)], days=30,
    )  # fmt: skip
    consent = GrantedConsent(
        chain_id=CHAIN_ID,
        contract=addresses.materials,
        terms=prepared.terms,
        disclosed=prepared.disclosed,
        signatures=(),
    )
    if witnessed:
        consent = replace(consent, attending=2, paper=PAPER)
        fields = (("consent", consent.digest), ("paper", PAPER), ("attending", 2))
        stated = TypedMessage("PaperConsent", addresses.materials, fields)
        keys = [cities.nodes[city].keys for city in ("mianyang", "yuzhong", "wuhou")]
        intent = consents.grant_witnessed(
            mianyang, addresses.materials, consent.terms, [holders_service.show_leaf(wuhou, material, leaf, b"")],
            attending=2, paper=PAPER,
            signatures=[keys[0].witness(1, stated), keys[1].witness(1, stated), keys[2].custodian(stated)],
        )  # fmt: skip
    else:
        signature = typed.sign(consent.digest, _leaf_key(cities, seed, leaf))
        consent = replace(consent, signatures=(signature,))
        shown = holders_service.show_leaf(wuhou, material, leaf, signature)
        intent = consents.grant(mianyang, addresses.materials, consent.terms, [shown])
    cities.pump()
    assert cities.outcome("mianyang", intent) is Reason.OK
    return Handed(material, leaf, consent)


def _leaf_key(cities: Cities, seed: bytes, leaf: int) -> bytes:
    """The key of a leaf, found by its address as a wallet finds it."""
    wuhou = cities.nodes["wuhou"]
    entry = releasing.own_leaf(wuhou, wuhou.keys.open, cities.network.addresses.materials, leaf).entry
    account = holders.account(holders.master(seed), holders.Branch.MATERIAL, 0)
    return next(key for key in holders.leaf_keys(account, 0, 16) if holders.address_of(key) == entry[1:21])


def read_by(cities: Cities, city: str, consent: GrantedConsent, name: str) -> None:
    """A use, recorded and read."""
    releasing.use(cities.nodes[city], consent, case=consent.terms.case, intent=name)
    pump(cities)
    assert cities.outcome(city, name) is Reason.OK


def age(cities: Cities) -> None:
    """Let so many blocks pass that a status entry follows."""
    consortium = cities.network.addresses.consortium
    for number in range(17):
        fields = {"url": f"https://city{number}.example"}
        cities.enqueue("wuhou", f"url-{number}", Operation.PUBLISH_ENDPOINT, consortium, "administer", fields)
        cities.pump()


def published(node: Node, folder: Path) -> LogStore:
    """The city's log with a checkpoint that all have cosigned."""
    store = LogStore(DirectoryFiles(folder))
    with node.database.read() as connection:
        head = store.append(list(synchronising.entries_from(connection, 0)))
    store.publish(signed_checkpoint(head.size, head.root))
    return store


def test_the_reading_city_shows_its_use_and_anybody_checks_it(cities, tmp_path):
    handed = granted(cities, tmp_path)
    read_by(cities, "mianyang", handed.consent, "use-1")
    mianyang, contract = cities.nodes["mianyang"], cities.network.addresses.materials
    early = published(mianyang, tmp_path / "early")
    age(cities)
    log = published(mianyang, tmp_path / "tiles")
    with pytest.raises(UnavailableError, match=r"receipts\.not_published"):
        receipts.issue_for_use(mianyang, mianyang.keys.open, early, contract, 1, handed.leaf)

    receipt = receipts.issue_for_use(mianyang, mianyang.keys.open, log, contract, 1, handed.leaf)
    assert read_receipt(encode_receipt(receipt)) == receipt
    verdict = verify_receipt(receipt, network_policy(), [digests_of([CONTENT])], now=mianyang.clock())
    assert verdict.good, verdict
    facts = dict(verdict.check("consent").evidence)
    assert (facts["use"], facts["reader"], facts["signatures"], facts["remaining"]) == (1, 2, 1, 1)
    assert (facts["case"], facts["matter"]) == (handed.case.hex(), MATTER.id.hex())

    # Less may be shown than was read, never more.
    less = receipts.issue_for_use(mianyang, mianyang.keys.open, log, contract, 1, handed.leaf, ["address"])
    assert len(less.disclosures) == 1
    alone = verify_receipt(less, network_policy(), now=mianyang.clock())
    assert alone.good
    assert alone.check("fingerprint").outcome is Outcome.NOT_CLAIMED
    with pytest.raises(InputError, match=r"records\.field_missing"):
        receipts.issue_for_use(mianyang, mianyang.keys.open, log, contract, 1, handed.leaf, ["number"])

    # Who has not read has nothing to show.
    yuzhong = cities.nodes["yuzhong"]
    with pytest.raises(NotFoundError, match=r"releases\.not_received"):
        receipts.issue_for_use(yuzhong, yuzhong.keys.open, log, contract, 1, handed.leaf)
    with pytest.raises(NotFoundError, match=r"releases\.not_received"):
        receipts.issue_for_use(mianyang, mianyang.keys.open, log, contract, 2, handed.leaf)

    # A folder with all of it, and a proof of the use as other tools take it.
    index = receipt.use.used.index if receipt.use else 0
    folder = tmp_path / "shown"
    folder.mkdir()
    (folder / "receipt.json").write_bytes(encode_receipt(receipt))
    (folder / "register.pdf").write_bytes(CONTENT)
    (folder / "policy").write_bytes(format_policy(network_policy()))
    (folder / "used.json").write_bytes(log.entry(index))
    (folder / "used.json.tlog-proof").write_bytes(make_proof_file(log, index))
    report = offline.verify_all([folder], now=mianyang.clock())
    assert report.good, report
    assert [item.about for item in report.items] == ["household-register", "Used"]

    # The issuing city withdraws its inspection: the use stays on the record, a new receipt of it there is not.
    intent = materials.revoke(cities.nodes["wuhou"], handed.material, RevocationCause.INSPECTION_WITHDRAWN, "样本说明")
    cities.pump()
    assert cities.outcome("wuhou", intent) is Reason.OK
    with pytest.raises(ConflictError, match=r"releases\.revoked"):
        receipts.issue_for_use(mianyang, mianyang.keys.open, log, contract, 1, handed.leaf)


def test_a_use_under_a_consent_on_paper_rests_on_its_entry(cities, tmp_path):
    handed = granted(cities, tmp_path, witnessed=True)
    read_by(cities, "mianyang", handed.consent, "use-1")
    age(cities)
    mianyang, contract = cities.nodes["mianyang"], cities.network.addresses.materials
    log = published(mianyang, tmp_path / "tiles")
    receipt = receipts.issue_for_use(mianyang, mianyang.keys.open, log, contract, 1, handed.leaf)
    verdict = verify_receipt(receipt, network_policy(), [digests_of([CONTENT])], now=mianyang.clock())
    assert verdict.good, verdict
    facts = dict(verdict.check("consent").evidence)
    assert (facts["witnessed_by"], facts["custodian"], "signatures" in facts) == (2, 1, False)


def test_a_consent_handed_over_without_signatures_makes_no_receipt(cities, tmp_path):
    handed = granted(cities, tmp_path)
    read_by(cities, "mianyang", replace(handed.consent, signatures=()), "use-1")
    age(cities)
    mianyang, contract = cities.nodes["mianyang"], cities.network.addresses.materials
    log = published(mianyang, tmp_path / "tiles")
    with pytest.raises(NotFoundError, match=r"receipts\.signatures_missing"):
        receipts.issue_for_use(mianyang, mianyang.keys.open, log, contract, 1, handed.leaf)
    # The applicant shows the signed document at the next reading; then both uses can be shown.
    read_by(cities, "mianyang", handed.consent, "use-2")
    receipt = receipts.issue_for_use(mianyang, mianyang.keys.open, log, contract, 1, handed.leaf)
    verdict = verify_receipt(receipt, network_policy(), [digests_of([CONTENT])], now=mianyang.clock())
    assert verdict.good, verdict
    size = parse_checkpoint(receipt.checkpoint)[0].size
    assert receipt.use is not None
    assert receipt.use.used.index < size
