"""A person asks at one window what another city keeps: on the record first, witnessed, and answered in one length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import insert, select

from ledger.blobs.cids import cid_from_digest, digest_of
from ledger.domain import boxes, typed, wrapping
from ledger.domain.consents import Grantee, Purpose
from ledger.domain.consortium import ServiceKeyKind
from ledger.domain.limits import LIMITS
from ledger.domain.materials import RevocationCause
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.errors import AuthorityError, InputError, IntegrityError, NotFoundError, UnavailableError
from ledger.ports import TypedMessage
from ledger.services import consents, holders, lookups, materials, peers, persons
from ledger.services.consents import LeafShown
from ledger.services.context import Node
from ledger.services.lookups import Prepared
from ledger.services.persons import RESIDENT, Identity
from ledger.services.registry import service_key
from ledger.storage.tables import drafts
from ledger.storage.tables import holders as local
from ledger.storage.tables import materials as tables
from ledger.wire import lookups as wire
from ledger.wire.deliveries import Delivery, encode_delivery
from tests.integration.network import signer
from tests.integration.services.custodians import Cities, cities_on_an_engine
from tests.integration.services.test_materials import paper

PERSON = Identity(RESIDENT, "510107199001010018", "样本甲")
STRANGER = Identity(RESIDENT, "510107199001010034", "样本乙")
PAPER = bytes([7]) * 32
PIN = "260117"


@pytest.fixture
def cities(tmp_path) -> Iterator[Cities]:
    with cities_on_an_engine(tmp_path) as found:
        yield found


def keep(cities: Cities, folder, identity: Identity = PERSON) -> str:
    """A household register in Wuhou, its subject's keys in custody."""
    wuhou = cities.nodes["wuhou"]
    accounts = (holders.custody_account(wuhou, holders.enrol(wuhou, PIN)),)
    handed = materials.submit(wuhou, persons.reference(wuhou, identity), [replace(paper(folder), accounts=accounts)])
    cities.pump()
    return handed.materials[0]


def prepared(cities: Cities, identity: Identity = PERSON, types: tuple[str, ...] = ()) -> Prepared:
    (one,) = lookups.prepare(cities.nodes["mianyang"], [1], identity, types=types, purpose=Purpose.HANDLE, paper=PAPER)
    return one


def witnesses(cities: Cities, statement: TypedMessage) -> tuple[bytes, bytes]:
    return cities.nodes["mianyang"].keys.witness(1, statement), cities.nodes["yuzhong"].keys.witness(1, statement)


def asked(cities: Cities, identity: Identity = PERSON, types: tuple[str, ...] = ()) -> bytes:
    """Mianyang's question, on the record; returns its id."""
    one = prepared(cities, identity, types)
    intent = lookups.ask(cities.nodes["mianyang"], one, witnesses(cities, one.statement))
    cities.pump()
    assert cities.outcome("mianyang", intent) is Reason.OK
    return one.question.lookup


def settle(cities: Cities) -> None:
    """Let all daemons and the deliveries between them run until nothing moves."""
    moved = True
    while moved:
        cities.pump()
        moved = sum(lookups.run_once(node, node.keys.open) for node in cities.nodes.values()) > 0
        for member, documents in list(cities.delivered.items()):
            for sender, document in documents:
                take_in(list(cities.nodes.values())[member - 1], sender, document)
                moved = True
            documents.clear()


def take_in(node: Node, member: int, document: bytes) -> None:
    """Have a document delivered to a city, as one of its requests would."""
    with node.begin() as uow:
        peers.take_in(uow.connection, member, document, node.clock())
        uow.commit()


def states(cities: Cities) -> list[str]:
    with cities.nodes["mianyang"].database.read() as connection:
        return [state.state for state in lookups.listed(connection)]


def test_what_is_there_is_told_and_can_be_consented_to(cities, tmp_path):
    material = keep(cities, tmp_path)
    one = prepared(cities)
    mianyang, addresses = cities.nodes["mianyang"], cities.network.addresses
    lookups.ask(mianyang, one, witnesses(cities, one.statement))
    lookup = one.question.lookup
    assert states(cities) == ["waiting"]
    with pytest.raises(NotFoundError, match=r"lookups\.no_answer"):
        lookups.read(mianyang, lookup)
    settle(cities)
    assert states(cities) == ["here"]
    answer = lookups.read(mianyang, lookup)
    (found,) = answer.materials
    assert (answer.refused, answer.more, found.material, found.type_code) == ("", False, material, "household-register")
    assert lookups.question(mianyang, lookup).name == PERSON.name
    # The leaf that was set aside carries a consent, signed in the city that keeps the key.
    (leaf,) = found.leaves
    consent = consents.prepare(
        mianyang, addresses.materials, addresses.cases, case=b"\x11" * 32, matter=bytes([2]) * 32,
        shown={leaf.leaf: ("address",)}, grantees=[Grantee(2, 1)], days=30,
    )  # fmt: skip
    signature = holders.sign_leaf(cities.nodes["wuhou"], material, leaf.leaf, consent.digest, PIN)
    shown = LeafShown(leaf.leaf, leaf.entry, leaf.proof, signature)
    intent = consents.grant(mianyang, addresses.materials, consent.terms, [shown])
    cities.pump()
    assert cities.outcome("mianyang", intent) is Reason.OK


def test_nothing_is_answered_before_it_stands_on_the_record(cities, tmp_path):
    keep(cities, tmp_path)
    one = prepared(cities)
    mianyang, wuhou = cities.nodes["mianyang"], cities.nodes["wuhou"]
    lookups.ask(mianyang, one, witnesses(cities, one.statement))
    assert lookups.run_once(mianyang, mianyang.keys.open) == 0
    assert cities.delivered == {}
    recipient = wrapping.RecipientPublic(_hpke(cities, 1))
    content = wire.encode_question(wire.SignedQuestion(one.question, one.salt, witnesses(cities, one.statement)))
    sealed = wrapping.seal(content, recipient, wire.question_info(one.question.lookup, 1))
    # Nor is another city's word taken for the asker's.
    take_in(wuhou, 3, delivery(one.question.lookup, sealed))
    assert lookups.run_once(wuhou, wuhou.keys.open) == 0
    cities.pump()
    with wuhou.database.read() as connection:
        assert connection.execute(select(tables.lookups.c.answered_at)).scalars().all() == [None]
    assert lookups.run_once(wuhou, wuhou.keys.open) == 1
    cities.pump()
    with wuhou.database.read() as connection:
        assert connection.execute(select(tables.lookups.c.answered_at)).scalars().all() == [None]
        assert connection.execute(select(drafts.inbox)).all() == []
    take_in(wuhou, 2, delivery(one.question.lookup, sealed))
    assert lookups.run_once(wuhou, wuhou.keys.open) == 1
    cities.pump()
    with wuhou.database.read() as connection:
        assert None not in connection.execute(select(tables.lookups.c.answered_at)).scalars().all()


def test_what_never_comes_onto_the_record_is_dropped_after_a_day(cities):
    wuhou = cities.nodes["wuhou"]
    take_in(wuhou, 2, delivery(bytes([9]) * 32, b"sealed"))
    assert lookups.run_once(wuhou, wuhou.keys.open) == 0
    later = replace(wuhou, clock=lambda: cities.nodes["wuhou"].clock() + LIMITS.lookup_unasked_seconds + 5)
    assert lookups.run_once(later, wuhou.keys.open) == 1
    with wuhou.database.read() as connection:
        assert connection.execute(select(drafts.inbox)).all() == []


def test_full_empty_and_refused_answers_look_alike(cities, tmp_path):
    keep(cities, tmp_path)
    full, empty, other_type = asked(cities), asked(cities, STRANGER), asked(cities, types=("marriage-certificate",))
    refused = _forged(cities)
    settle(cities)
    mianyang, wuhou = cities.nodes["mianyang"], cities.nodes["wuhou"]
    assert len(lookups.read(mianyang, full).materials) == 1
    assert lookups.read(mianyang, empty) == wire.Answer(empty)
    assert lookups.read(mianyang, other_type) == wire.Answer(other_type)
    with wuhou.database.read() as connection:
        blobs = dict(connection.execute(select(tables.lookups.c.lookup, tables.lookups.c.answer_blob)).all())
    assert set(blobs) == {full, empty, other_type, refused}
    assert len({len(wuhou.blobs.get(cid_from_digest(blob))) for blob in blobs.values()}) == 1
    # Who was asked about is not kept once it is answered.
    with wuhou.database.read() as connection:
        assert connection.execute(select(drafts.inbox)).all() == []


def _forged(cities: Cities) -> bytes:
    """A question whose second witness is nobody's, put on the record past the rules of the asking city's own node."""
    one, mianyang = prepared(cities), cities.nodes["mianyang"]
    first, _ = witnesses(cities, one.statement)
    second = signer("nobody").sign_digest(_digest(cities, one))
    commitment = wire.commitment_of(one.question, one.salt)
    fields = {"lookup": one.question.lookup, "asked": 1, "purpose": one.question.purpose, "commitment": commitment}
    cities.enqueue("mianyang", "forged", Operation.ASK, cities.network.addresses.materials, "operate", fields)
    cities.pump()
    content = wire.encode_question(wire.SignedQuestion(one.question, one.salt, (first, second)))
    sealed = wrapping.seal(
        content, wrapping.RecipientPublic(_hpke(cities, 1)), wire.question_info(one.question.lookup, 1)
    )
    mianyang.peers.hand_over(1, delivery(one.question.lookup, sealed))
    with pytest.raises(AuthorityError, match=r"lookups\.not_authorised"):
        lookups.ask(mianyang, one, (first, second))
    return one.question.lookup


def test_a_refusal_says_why_to_the_asker_alone(cities, tmp_path):
    keep(cities, tmp_path)
    lookup = _forged(cities)
    settle(cities)
    wuhou, mianyang = cities.nodes["wuhou"], cities.nodes["mianyang"]
    with wuhou.database.read() as connection:
        row = connection.execute(select(tables.lookups).where(tables.lookups.c.lookup == lookup)).one()
    box = wuhou.blobs.get(cid_from_digest(row.answer_blob))
    content = b"".join(boxes.open_box_with([box], 2, mianyang.keys.open, wire.ANSWER_LABEL))
    answer, salt = wire.decode_answer(content)
    assert answer == wire.Answer(lookup, refused="lookups.not_authorised")
    assert wire.answer_commitment(answer, salt) == row.answer_commitment
    with pytest.raises(AuthorityError, match=r"envelopes\.not_a_reader"):
        list(boxes.open_box_with([box], 3, cities.nodes["yuzhong"].keys.open, wire.ANSWER_LABEL))


def test_one_witness_or_the_wrong_first_one_does_not_ask(cities):
    one, mianyang = prepared(cities), cities.nodes["mianyang"]
    here, video = witnesses(cities, one.statement)
    for signatures in ((here, here), (video, here), (here, b"")):
        with pytest.raises(AuthorityError, match=r"lookups\.not_authorised"):
            lookups.ask(mianyang, one, signatures)
    other = prepared(cities)
    with pytest.raises(AuthorityError, match=r"lookups\.not_authorised"):
        lookups.ask(mianyang, other, (here, video))


def test_a_document_that_is_not_the_question_on_the_record_is_dropped(cities, tmp_path):
    keep(cities, tmp_path)
    lookup = asked(cities)
    wuhou = cities.nodes["wuhou"]
    other = prepared(cities, STRANGER)
    swapped = replace(other.question, lookup=lookup)
    content = wire.encode_question(wire.SignedQuestion(swapped, other.salt, witnesses(cities, other.statement)))
    for sealed in (
        b"rubbish",
        wrapping.seal(content, wrapping.RecipientPublic(_hpke(cities, 1)), wire.question_info(lookup, 1)),
    ):
        take_in(wuhou, 2, delivery(lookup, sealed))
        assert lookups.run_once(wuhou, wuhou.keys.open) == 1
        with wuhou.database.read() as connection:
            assert connection.execute(select(drafts.inbox)).all() == []
    settle(cities)
    assert len(lookups.read(cities.nodes["mianyang"], lookup).materials) == 1


def test_an_answer_that_is_not_the_one_on_the_record_is_not_shown(cities, tmp_path):
    keep(cities, tmp_path)
    lookup = asked(cities)
    wuhou, mianyang = cities.nodes["wuhou"], cities.nodes["mianyang"]
    contract = cities.network.addresses.materials
    blob = wuhou.blobs.put(b"something else")
    fields = {"lookup": lookup, "commitment": bytes([1]) * 32, "blob": digest_of(blob)}
    cities.enqueue("wuhou", "other", Operation.ANSWER, contract, "operate", fields)
    cities.pump()
    assert lookups.run_once(mianyang, mianyang.keys.open) >= 1
    with pytest.raises(IntegrityError, match=r"lookups\.answer_mismatch"):
        lookups.read(mianyang, lookup)


def test_revoked_expired_and_other_peoples_papers_are_not_told(cities, tmp_path):
    material = keep(cities, tmp_path)
    keep(cities, tmp_path, STRANGER)
    materials.revoke(cities.nodes["wuhou"], material, RevocationCause.INSPECTION_WITHDRAWN, "样本说明")
    cities.pump()
    lookup = asked(cities)
    settle(cities)
    assert lookups.read(cities.nodes["mianyang"], lookup).materials == ()


def test_papers_that_cannot_be_read_now_keep_nobody_else_waiting(cities, tmp_path):
    wuhou, mianyang = cities.nodes["wuhou"], cities.nodes["mianyang"]
    keep(cities, tmp_path)
    first = asked(cities)
    second = asked(cities, STRANGER)
    lookups.run_once(mianyang, mianyang.keys.open)
    for sender, document in cities.delivered.pop(1):
        take_in(wuhou, sender, document)
    with wuhou.database.read() as connection:
        manifest = cid_from_digest(connection.execute(select(tables.batches.c.blob)).scalar_one())
    block = wuhou.blobs.get(manifest)
    wuhou.blobs.delete([manifest])
    with pytest.raises(NotFoundError, match=r"blobs\.not_found"):
        lookups.run_once(wuhou, wuhou.keys.open)
    assert wuhou.blobs.put(block) == manifest
    cities.pump()
    lookups.run_once(mianyang, mianyang.keys.open)
    assert lookups.read(mianyang, second) == wire.Answer(second)
    with pytest.raises(NotFoundError, match=r"lookups\.no_answer"):
        lookups.read(mianyang, first)
    settle(cities)
    assert len(lookups.read(mianyang, first).materials) == 1


def test_a_long_answer_says_that_there_is_more(cities, tmp_path):
    wuhou = cities.nodes["wuhou"]
    applicant = persons.reference(wuhou, PERSON)
    accounts = tuple(holders.custody_account(wuhou, holders.enrol(wuhou, PIN)) for _ in range(2))
    papers = [replace(paper(tmp_path, content=b"%PDF-1.7\n%%EOF\n"), accounts=accounts) for _ in range(70)]
    materials.submit(wuhou, applicant, papers)
    cities.pump()
    lookup = asked(cities)
    settle(cities)
    answer = lookups.read(cities.nodes["mianyang"], lookup)
    assert answer.more
    assert 10 < len(answer.materials) < 70


def test_at_most_three_other_cities_are_named(cities):
    mianyang = cities.nodes["mianyang"]
    for named in ([], [2], [1, 1], [1, 3, 4, 5]):
        with pytest.raises(InputError, match=r"lookups\.cities"):
            lookups.prepare(mianyang, named, PERSON, types=(), purpose=Purpose.HANDLE, paper=PAPER)
    with pytest.raises(InputError, match=r"lookups\.types"):
        lookups.prepare(
            mianyang, [1], PERSON, types=[str(number) for number in range(LIMITS.lookup_types + 1)],
            purpose=Purpose.HANDLE, paper=PAPER,
        )  # fmt: skip
    several = lookups.prepare(mianyang, [1, 3], PERSON, types=(), purpose=Purpose.HANDLE, paper=PAPER)
    assert len({one.question.lookup for one in several}) == 2


def test_a_quota_that_is_used_up_says_when_to_come_again(cities):
    mianyang = cities.nodes["mianyang"]
    row = {
        "contract": cities.network.addresses.materials, "asker": 2, "asked": 1, "purpose": 1, "key": signer("x").address,
        "commitment": bytes(32), "block": 1, "log_index": 0, "time": mianyang.clock(),
    }  # fmt: skip
    rows = [
        {name: value for name, value in row.items() if name in tables.lookups.c} | {"lookup": number.to_bytes(32)}
        for number in range(LIMITS.lookups_a_day)
    ]
    with mianyang.begin() as uow:
        uow.connection.execute(insert(tables.lookups), rows)
        uow.commit()
    one = prepared(cities)
    with pytest.raises(UnavailableError, match=r"lookups\.daily_limit"):
        lookups.ask(mianyang, one, witnesses(cities, one.statement))


def test_a_copy_of_the_database_does_not_tell_who_is_in_it(cities):
    wuhou = cities.nodes["wuhou"]
    reference = persons.reference(wuhou, PERSON)
    spelled = Identity(RESIDENT, " 510107199001010018 ", "样本 甲")
    assert persons.reference(wuhou, spelled) == persons.find(wuhou, wuhou.keys.open, spelled) == reference
    assert persons.find(wuhou, wuhou.keys.open, STRANGER) is None
    with wuhou.database.read() as connection:
        (secret,) = connection.execute(select(local.sealed_secrets.c.sealed)).scalars()
    with pytest.raises(InputError, match=r"envelopes\.unseal"):
        cities.nodes["yuzhong"].keys.open(secret, b"tongban/persons/1")
    assert PERSON.number not in repr(PERSON)
    with pytest.raises(InputError, match=r"persons\.identity"):
        Identity("passport", "E00000000", "  ")
    for kind in ("Passport", "护照", "resident"):
        with pytest.raises(InputError, match=r"persons\.kind"):
            Identity(kind, "E00000000", "样本甲")
    for name in ("样\u202e本", "样本\x1b", "样" * 201):
        with pytest.raises(InputError, match=r"persons\.characters"):
            Identity("passport", "E00000000", name)
    with pytest.raises(InputError, match=r"identifiers\.identity"):
        Identity(RESIDENT, "510107199001010017", "样本甲")


def delivery(lookup: bytes, sealed: bytes) -> bytes:
    return encode_delivery(Delivery(wire.DELIVERY_KIND, lookup, sealed))


def _hpke(cities: Cities, member: int) -> bytes:
    with cities.nodes["mianyang"].database.read() as connection:
        return service_key(connection, member, ServiceKeyKind.HPKE)


def _digest(cities: Cities, one: Prepared) -> bytes:
    statement = one.statement
    return typed.digest(statement.kind, dict(statement.fields), cities.nodes["mianyang"].chain_id, statement.contract)
