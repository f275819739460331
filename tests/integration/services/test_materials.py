"""From a window's hand-in to another city's screen: on real files, databases and blob stores."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select, update

from ledger.blobs.cids import cid_from_digest
from ledger.blobs.content import content_blocks
from ledger.domain import holders, merkle
from ledger.domain.consents import ConsentTerms, Grantee, Purpose, consent_digest
from ledger.domain.events import Anchored, ErasureRecorded, Granted, LeavesRevoked, Used
from ledger.domain.leaves import Holding
from ledger.domain.materials import Assurance, AssuranceLevel, ErasureBasis, Issuer, RevocationCause
from ledger.errors import AuthorityError, ConflictError, FormatError, InputError, IntegrityError, NotFoundError
from ledger.services import batching, erasing, materials, receiving, releasing
from ledger.services.intake import inspect_file
from ledger.services.received import content, read_received
from ledger.storage.tables import drafts
from ledger.storage.tables import materials as tables
from ledger.storage.tables.outbox import intents
from ledger.wire.consents import Disclosed, new_disclosed
from ledger.wire.grants import GrantedConsent
from ledger.wire.materials import SubjectAccount
from tests.integration.services.cities import CASES, CHAIN_ID, KEY, MATERIALS, NOW, Cities, later, two_cities

CASE, MATTER = b"\x11" * 32, b"\x22" * 32
CONTENT = b"%PDF-1.7\n" + bytes(range(256)) * 9000 + b"\n%%EOF\n"


@pytest.fixture
def cities(tmp_path) -> Iterator[Cities]:
    with two_cities(tmp_path) as found:
        yield found


def account(number: int = 0, seed: bytes = bytes(32)) -> SubjectAccount:
    node = holders.account(holders.master(seed), holders.Branch.MATERIAL, number)
    return SubjectAccount(Holding.SELF_HELD, node.public().encode(), 0)


def paper(folder, name: str = "register.pdf", content: bytes = CONTENT) -> materials.Paper:
    (folder / name).write_bytes(content)
    return materials.Paper(
        files=(inspect_file(folder / name),),
        type_code="household-register",
        fields={"head_name": "样本甲", "number": "510107190001010017", "address": "样本路 1 号"},
        issuer=Issuer("11510107MB00000001", "样本派出所"),
        assurance=Assurance(AssuranceLevel.INSPECTED, "window-clerk", NOW),
        accounts=(account(), account(1)),
    )


@dataclass
class Anchor:
    """An anchored material of Wuhou's."""

    material: str
    batch: int
    leaves: list[int]


def anchor(cities: Cities, folder, batch: int = 1) -> Anchor:
    """Hand in, form the batch, let the chain anchor it, open it."""
    wuhou = cities.nodes[1]
    handed = materials.submit(wuhou, "a1" * 16, [paper(folder)])
    formed = batching.run_once(later(wuhou, 60), wuhou.keys.open)
    assert formed is not None
    with wuhou.database.read() as connection:
        call = json.loads(connection.execute(select(intents.c.call).where(intents.c.id == formed.intent)).scalar_one())
    cities.say(
        Anchored(
            batch, 1, KEY, bytes.fromhex(call["root"][2:]), call["size"], bytes.fromhex(call["blob"][2:]), call["flags"]
        )
    )
    assert batching.open_batches(wuhou, wuhou.keys.open) == 1
    with wuhou.database.read() as connection:
        found = connection.execute(
            select(tables.material_leaves.c.index).order_by(
                tables.material_leaves.c.subject, tables.material_leaves.c.turn
            )
        )
        return Anchor(handed.materials[0], batch, list(found.scalars()))


def consent(leaf: int, *names: str, uses: int = 2) -> tuple[ConsentTerms, Disclosed]:
    disclosed = new_disclosed({leaf: names}, os.urandom)
    return (
        ConsentTerms(
            leaves=(leaf,),
            grantees=(Grantee(2, uses),),
            matter=MATTER,
            cases=CASES,
            case=CASE,
            purpose=Purpose.HANDLE,
            disclosed=disclosed.digest,
            valid_from=NOW,
            valid_until=NOW + 86_400,
            salt=bytes(32),
        ),
        disclosed,
    )


def given(terms: ConsentTerms, disclosed: Disclosed) -> GrantedConsent:
    return GrantedConsent(chain_id=CHAIN_ID, contract=MATERIALS, terms=terms, disclosed=disclosed, signatures=())


def record_use(cities: Cities, terms: ConsentTerms, disclosed: Disclosed) -> None:
    digest = consent_digest(terms, CHAIN_ID, MATERIALS)
    releasing.use(cities.nodes[2], given(terms, disclosed), case=CASE, intent="use-1")
    cities.say(
        Granted(
            digest, CASE, CASES, MATTER, 1, terms.disclosed, NOW, NOW + 86_400, terms.leaves, (2 << 16 | 2,), 2, KEY, 0, 0,
            bytes(32), NOW,
        )
    )  # fmt: skip
    cities.say(Used(1, 1, digest, CASE, CASES, 2, KEY, 1, terms.disclosed, terms.leaves, 1, bytes(32), bytes(32)))


def test_what_is_handed_in_waits_and_then_goes_as_one_batch(cities, tmp_path):
    wuhou = cities.nodes[1]
    handed = materials.submit(wuhou, "a1" * 16, [paper(tmp_path), paper(tmp_path, "second.pdf")])
    assert batching.run_once(wuhou, wuhou.keys.open) is None
    materials.submit(wuhou, "a2" * 16, [paper(tmp_path)])
    formed = batching.run_once(wuhou, wuhou.keys.open)
    assert formed is not None
    assert (formed.materials, formed.applicants) == (3, 2)
    assert batching.run_once(later(wuhou, 600), wuhou.keys.open) is None
    with wuhou.database.read() as connection, pytest.raises(NotFoundError, match=r"materials\.waiting"):
        materials.find(connection, handed.materials[0])


def test_no_plaintext_reaches_the_disk(cities, tmp_path):
    (tmp_path / "in").mkdir()
    anchor(cities, tmp_path / "in")
    wanted = ("样本甲".encode(), b"510107190001010017", "样本甲".encode().hex().encode(), CONTENT[2000:2100])
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "in"]
    assert kept
    for path in kept:
        data = path.read_bytes()
        assert not [secret for secret in wanted if secret in data], path


def test_a_bad_file_leaves_nothing_behind(cities, tmp_path):
    wuhou = cities.nodes[1]
    good, bad = paper(tmp_path), paper(tmp_path, "bad.pdf")
    (tmp_path / "bad.pdf").write_bytes(CONTENT + b"changed")
    with pytest.raises(InputError, match=r"files\.changed"):
        materials.submit(wuhou, "a1" * 16, [good, bad])
    assert list(wuhou.blobs.cids()) == []
    with wuhou.database.read() as connection:
        assert connection.execute(select(drafts.material_drafts)).first() is None


def test_another_city_reads_what_the_consent_shows_and_no_more(cities, tmp_path):
    anchored = anchor(cities, tmp_path)
    leaf = anchored.batch << 32 | anchored.leaves[0]
    record_use(cities, *consent(leaf, "address", "file.0"))
    mianyang = cities.nodes[2]
    assert receiving.run_once(mianyang, mianyang.keys.open) == 1
    assert receiving.run_once(mianyang, mianyang.keys.open) == 0
    received = read_received(mianyang, 1, leaf)
    assert set(received.fields) == {"address", "file.0"}
    assert received.fields["address"] == "样本路 1 号"
    assert b"".join(content(mianyang, 1, leaf, received.files[0])) == CONTENT
    assert cities.peers[2].sent > 2
    with pytest.raises(NotFoundError):
        read_received(mianyang, 1, leaf + 1)


def test_no_key_without_a_use_on_the_record(cities, tmp_path):
    anchored = anchor(cities, tmp_path)
    leaf = anchored.batch << 32 | anchored.leaves[0]
    wuhou = cities.nodes[1]
    terms, disclosed = consent(leaf, "address")
    with pytest.raises(NotFoundError, match=r"releases\.no_use"):
        releasing.release(wuhou, wuhou.keys.open, 1, 2, disclosed.encode())
    record_use(cities, terms, disclosed)
    with pytest.raises(NotFoundError, match=r"releases\.no_use"):
        releasing.release(wuhou, wuhou.keys.open, 1, 3, disclosed.encode())
    more = new_disclosed({leaf: ("address", "number")}, os.urandom)
    with pytest.raises(AuthorityError, match=r"releases\.disclosed"):
        releasing.release(wuhou, wuhou.keys.open, 1, 2, more.encode())
    assert releasing.release(wuhou, wuhou.keys.open, 1, 2, disclosed.encode())


def test_the_list_of_fields_must_be_the_consents(cities, tmp_path):
    anchored = anchor(cities, tmp_path)
    leaf = anchored.batch << 32 | anchored.leaves[0]
    terms, _ = consent(leaf, "address")
    _, other = consent(leaf, "number")
    with pytest.raises(ConflictError, match=r"consents\.disclosed_mismatch"):
        releasing.use(cities.nodes[2], given(terms, other), case=CASE, intent="use-2")


def test_what_was_revoked_or_erased_is_not_released(cities, tmp_path):
    anchored = anchor(cities, tmp_path)
    leaf = anchored.batch << 32 | anchored.leaves[0]
    wuhou = cities.nodes[1]
    terms, disclosed = consent(leaf, "address")
    record_use(cities, terms, disclosed)
    materials.revoke(wuhou, anchored.material, RevocationCause.INSPECTION_WITHDRAWN, "样本说明")
    cities.say(LeavesRevoked(1, (anchored.leaves[0],), 1, KEY, 2, bytes(32)))
    with pytest.raises(ConflictError, match=r"releases\.revoked \(cause=2\)"):
        releasing.release(wuhou, wuhou.keys.open, 1, 2, disclosed.encode())
    materials.erase(wuhou, anchored.material, ErasureBasis.CONSENT_WITHDRAWN)
    cities.say(ErasureRecorded(1, tuple(sorted(anchored.leaves)), 1, KEY, bytes(32), 3, bytes(32)))
    with pytest.raises(ConflictError, match=r"releases\.erased"):
        releasing.release(wuhou, wuhou.keys.open, 1, 2, disclosed.encode())
    with pytest.raises(ConflictError, match=r"materials\.erased"):
        materials.document_of(wuhou, anchored.material)


def test_a_custodian_that_lies_is_found_out(cities, tmp_path):
    anchored = anchor(cities, tmp_path)
    leaf = anchored.batch << 32 | anchored.leaves[0]
    record_use(cities, *consent(leaf, "address"))
    mianyang = cities.nodes[2]
    # Mianyang's own picture says another root: what Wuhou shows does not lead there.
    with mianyang.begin() as uow:
        uow.connection.execute(tables.batches.update().values(root=bytes(32)))
        uow.commit()
    with pytest.raises((IntegrityError, InputError)):
        receiving.run_once(mianyang, mianyang.keys.open)
    with mianyang.database.read() as connection:
        assert connection.execute(select(drafts.received)).first() is None


def test_a_dropped_database_comes_back_row_for_row(cities, tmp_path):
    anchor(cities, tmp_path)
    wuhou = cities.nodes[1]
    opened = (tables.materials, tables.material_files, tables.material_subjects, tables.material_leaves)

    def rows():
        with wuhou.database.read() as connection:
            return [sorted(map(repr, connection.execute(select(table)))) for table in opened]

    before = rows()
    with wuhou.begin() as uow:
        for table in opened:
            uow.connection.execute(table.delete())
        uow.commit()
    assert batching.open_batches(wuhou, wuhou.keys.open) == 1
    assert rows() == before


def test_a_manifest_that_is_not_the_roots_is_refused(cities, tmp_path):
    wuhou = cities.nodes[1]
    materials.submit(wuhou, "a1" * 16, [paper(tmp_path)])
    formed = batching.run_once(later(wuhou, 60), wuhou.keys.open)
    assert formed is not None
    with wuhou.database.read() as connection:
        call = json.loads(connection.execute(select(intents.c.call)).scalar_one())
    other = merkle.leaf_hash(b"other")
    cities.say(Anchored(1, 1, KEY, other, call["size"], bytes.fromhex(call["blob"][2:]), 0))
    with pytest.raises(IntegrityError, match=r"materials\.manifest_mismatch"):
        batching.open_batches(wuhou, wuhou.keys.open)


def test_what_was_erased_is_destroyed_and_stays_erased_in_a_new_database(cities, tmp_path):
    anchored = anchor(cities, tmp_path)
    wuhou = cities.nodes[1]
    opened = (tables.materials, tables.material_files, tables.material_subjects, tables.material_leaves)

    def rows():
        with wuhou.database.read() as connection:
            return [sorted(map(repr, connection.execute(select(table)))) for table in opened]

    kept = set(wuhou.blobs.cids())
    materials.erase(wuhou, anchored.material, ErasureBasis.CONSENT_WITHDRAWN)
    cities.say(ErasureRecorded(1, tuple(sorted(anchored.leaves)), 1, KEY, bytes(32), 3, bytes(32)))
    assert erasing.run_once(wuhou, wuhou.keys.open) == 1
    assert erasing.run_once(wuhou, wuhou.keys.open) == 0
    # The document and the file are gone, manifest and blocks of each; the batch's manifest is left.
    left = set(wuhou.blobs.cids())
    assert left < kept
    assert len(kept - left) >= 6
    before = rows()
    with wuhou.begin() as uow:
        for table in opened:
            uow.connection.execute(table.delete())
        uow.commit()
    assert batching.open_batches(wuhou, wuhou.keys.open) == 1
    assert rows() == before
    assert erasing.run_once(wuhou, wuhou.keys.open) == 0


def test_a_document_that_is_lost_is_not_taken_for_erased(cities, tmp_path):
    anchor(cities, tmp_path)
    wuhou = cities.nodes[1]
    with wuhou.begin() as uow:
        for table in (tables.materials, tables.material_files, tables.material_subjects, tables.material_leaves):
            uow.connection.execute(table.delete())
        manifest = cid_from_digest(uow.connection.execute(select(tables.batches.c.blob)).scalar_one())
        uow.commit()
    wuhou.blobs.delete(set(wuhou.blobs.cids()) - set(content_blocks(wuhou.blobs, manifest)))
    with pytest.raises(NotFoundError):
        batching.open_batches(wuhou, wuhou.keys.open)


def test_what_could_never_be_anchored_is_not_taken_in(cities, tmp_path):
    wuhou, good = cities.nodes[1], paper(tmp_path)
    no_account = replace(good, accounts=(SubjectAccount(Holding.SELF_HELD, "xpub123", 0),))
    with pytest.raises(FormatError, match=r"holders\.extended_key"):
        materials.submit(wuhou, "a1" * 16, [good, no_account])
    with pytest.raises(InputError, match=r"materials\.applicant"):
        materials.submit(wuhou, "样本甲", [good])
    assert list(wuhou.blobs.cids()) == []
    with wuhou.database.read() as connection:
        assert connection.execute(select(drafts.material_drafts)).first() is None


def test_a_damaged_draft_holds_up_nobody_elses(cities, tmp_path):
    wuhou = cities.nodes[1]
    bad = materials.submit(wuhou, "a1" * 16, [paper(tmp_path)]).materials[0]
    table = drafts.material_drafts
    with wuhou.begin() as uow:
        uow.connection.execute(update(table).where(table.c.id == bad).values(sealed=b"damaged"))
        uow.commit()
    with pytest.raises(IntegrityError, match=r"materials\.draft_damaged"):
        batching.run_once(later(wuhou, 60), wuhou.keys.open)
    materials.submit(wuhou, "a2" * 16, [paper(tmp_path)])
    formed = batching.run_once(later(wuhou, 60), wuhou.keys.open)
    assert formed is not None
    assert formed.materials == 1
    with wuhou.database.read() as connection:
        assert connection.execute(select(table.c.state).where(table.c.id == bad)).scalar_one() == "waiting"


def test_a_leaf_that_is_not_this_citys_is_not_said_to_be_erased(cities):
    wuhou = cities.nodes[1]
    with pytest.raises(NotFoundError, match=r"materials\.not_found"):
        releasing.own_leaf(wuhou, wuhou.keys.open, MATERIALS, 9 << 32)
