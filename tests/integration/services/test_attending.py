"""A window in one city, keys in custody of another: the home city signs what two witnesses saw, for that person alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ledger.domain import typed, wrapping
from ledger.domain.consents import Grantee
from ledger.domain.limits import LIMITS
from ledger.domain.materials import RevocationCause
from ledger.domain.reasons import Reason
from ledger.errors import (
    AuthorityError,
    ConflictError,
    FormatError,
    InputError,
    IntegrityError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from ledger.services import attending, audit, consents, custody, holders, lookups, materials
from ledger.services.context import Node
from ledger.services.peers import Unconnected
from ledger.services.registry import readers_of
from ledger.wire import attending as wire
from ledger.wire.grants import GrantedConsent
from tests.integration.services.custodians import Cities, cities_on_an_engine
from tests.integration.services.peering import Keys, opened_network
from tests.integration.services.test_lookups import asked, settle
from tests.integration.services.test_lookups import keep as keep_known
from tests.integration.services.test_materials import paper

PIN = "260117"
CASE = b"\x11" * 32
DIGEST = bytes(range(32))
HOME, WINDOW = 1, 2


@pytest.fixture
def cities(tmp_path) -> Iterator[Cities]:
    with cities_on_an_engine(tmp_path) as found:
        yield found


def kept(cities: Cities, folder, *others) -> tuple[str, str]:
    """A register in Wuhou whose first subject's keys are in custody there: the person's reference, the material."""
    wuhou = cities.nodes["wuhou"]
    person = holders.enrol(wuhou, PIN)
    accounts = (holders.custody_account(wuhou, person), *others)
    handed = materials.submit(wuhou, "a1" * 16, [replace(paper(folder), accounts=accounts)])
    cities.pump()
    return person, handed.materials[0]


def on_paper(cities: Cities, *leaves: int, window: int = WINDOW) -> GrantedConsent:
    """A consent that somebody signed on paper at Mianyang's window."""
    mianyang, addresses = cities.nodes["mianyang"], cities.network.addresses
    prepared = consents.prepare(
        mianyang, addresses.materials, addresses.cases, case=CASE, matter=bytes([2]) * 32,
        shown=dict.fromkeys(leaves, ("address",)), grantees=[Grantee(2, 1)], days=30,
    )  # fmt: skip
    return GrantedConsent(
        chain_id=mianyang.chain_id, contract=addresses.materials, terms=prepared.terms, disclosed=prepared.disclosed,
        signatures=(), attending=window, paper=bytes([7]) * 32,
    )  # fmt: skip


def witnesses(cities: Cities, granted: GrantedConsent, first: str = "mianyang") -> tuple[bytes, bytes]:
    message = attending.paper_consent(granted)
    return cities.nodes[first].keys.witness(1, message), cities.nodes["yuzhong"].keys.witness(1, message)


def refused(cities: Cities, granted: GrantedConsent, person: str, signed=None) -> str:
    """The code with which Wuhou refuses Mianyang, which its audit must have."""
    with pytest.raises((AuthorityError, ConflictError, NotFoundError, RefusedError)) as error:
        attending.countersigned(cities.nodes["mianyang"], granted, signed or witnesses(cities, granted), person=person)
    with cities.nodes["wuhou"].database.read() as connection:
        noted = audit.listed(connection)[-1]
    assert (noted.kind, noted.code, noted.member) == ("attending", error.value.code, WINDOW)
    assert noted.subject == granted.digest.hex()
    return error.value.code


def test_a_consent_on_paper_in_one_city_over_keys_in_another_is_taken_by_the_chain(cities, tmp_path):
    person, material = kept(cities, tmp_path)
    mianyang, wuhou = cities.nodes["mianyang"], cities.nodes["wuhou"]
    granted = on_paper(cities, holders.allot(wuhou, material, 0, CASE))
    both = witnesses(cities, granted)
    shown, signature = attending.countersigned(mianyang, granted, both, person=person)
    intent = consents.grant_witnessed(
        mianyang, granted.contract, granted.terms, shown, attending=WINDOW, paper=granted.paper,
        signatures=[*both, signature],
    )  # fmt: skip
    cities.pump()
    assert cities.outcome("mianyang", intent) is Reason.OK


def test_leaves_that_a_look_up_set_aside_need_no_reference(cities, tmp_path):
    keep_known(cities, tmp_path)
    mianyang = cities.nodes["mianyang"]
    lookup = asked(cities)
    settle(cities)
    (found,) = lookups.read(mianyang, lookup).materials
    granted = on_paper(cities, found.leaves[0].leaf)
    shown, _ = attending.countersigned(mianyang, granted, witnesses(cities, granted))
    assert shown[0].entry == found.leaves[0].entry
    # Set aside for Mianyang: Yuzhong's window gets nothing for it.
    elsewhere = replace(granted, attending=3)
    message = attending.paper_consent(elsewhere)
    signed = tuple(cities.nodes[city].keys.witness(1, message) for city in ("yuzhong", "mianyang"))
    with pytest.raises(AuthorityError, match=r"attending\.whose"):
        attending.countersigned(cities.nodes["yuzhong"], elsewhere, signed)


def test_the_home_city_countersigns_for_that_person_and_that_window_alone(cities, tmp_path):
    person, material = kept(cities, tmp_path, holders.material_account(bytes(64), 0))
    wuhou = cities.nodes["wuhou"]
    stranger = holders.enrol(wuhou, PIN)
    leaf, spouse = (holders.allot(wuhou, material, subject, CASE) for subject in (0, 1))
    granted = on_paper(cities, leaf)
    assert refused(cities, granted, stranger) == "attending.whose"
    assert refused(cities, granted, "") == "attending.whose"
    # The spouse keeps the keys alone: no window signs for them.
    assert refused(cities, on_paper(cities, spouse), person) == "custody.no_leaf"
    assert refused(cities, on_paper(cities, leaf, window=3), person) == "attending.window"
    assert refused(cities, replace(granted, paper=bytes(32)), person) == "attending.window"
    assert refused(cities, granted, person, witnesses(cities, granted, "wuhou")) == "custody.witnesses"
    alone = (witnesses(cities, granted)[0],) * 2
    assert refused(cities, granted, person, alone) == "custody.witnesses"
    assert refused(cities, replace(granted, chain_id=1), person) == "attending.other_contract"
    over = replace(granted, terms=replace(granted.terms, valid_until=granted.terms.valid_from + 1))
    late = cities.nodes["wuhou"].clock() + 10
    cities.nodes["mianyang"].peers.cities[HOME] = replace(wuhou, clock=lambda: late)
    assert refused(cities, over, person) == "consents.refused"
    cities.nodes["mianyang"].peers.cities[HOME] = wuhou
    materials.revoke(wuhou, material, RevocationCause.INSPECTION_WITHDRAWN, "样本说明")
    cities.pump()
    assert refused(cities, granted, person) == "releases.revoked"


def test_one_paper_covers_the_leaves_of_one_city(cities, tmp_path):
    _, material = kept(cities, tmp_path)
    leaf = holders.allot(cities.nodes["wuhou"], material, 0, CASE)
    nowhere = on_paper(cities, leaf + (7 << 32))
    with pytest.raises(ConflictError, match=r"attending\.several"):
        attending.countersigned(cities.nodes["mianyang"], nowhere, (bytes(65), bytes(65)))


def test_the_key_of_a_case_signs_at_another_citys_window(cities):
    mianyang, wuhou = cities.nodes["mianyang"], cities.nodes["wuhou"]
    person = holders.enrol(wuhou, PIN)
    holder = attending.case_key(mianyang, HOME, person)
    assert attending.case_key(mianyang, HOME, person) != holder
    stated = custody.statement(mianyang, holder, DIGEST)
    both = (mianyang.keys.witness(1, stated), cities.nodes["yuzhong"].keys.witness(1, stated))
    signature = attending.case_signature(mianyang, HOME, holder, DIGEST, both)
    assert typed.recover(DIGEST, signature) == holder
    # The window's own city asks itself, by the same rules.
    assert attending.case_signature(wuhou, HOME, holder, DIGEST, at(cities, "wuhou", holder)) == signature
    for signed, digest in ((both[::-1], DIGEST), (both, bytes(32))):
        with pytest.raises(AuthorityError, match=r"custody\.witnesses"):
            attending.case_signature(mianyang, HOME, holder, digest, signed)
    with pytest.raises(NotFoundError, match=r"custody\.unknown_person"):
        attending.case_key(mianyang, HOME, "nobody")
    unknown = "0x" + "ab" * 20
    with pytest.raises(NotFoundError, match=r"custody\.unknown_case"):
        attending.case_signature(mianyang, HOME, unknown, DIGEST, at(cities, "mianyang", unknown))


def at(cities: Cities, city: str, holder: str) -> tuple[bytes, bytes]:
    stated = custody.statement(cities.nodes[city], holder, DIGEST)
    return cities.nodes[city].keys.witness(1, stated), cities.nodes["yuzhong"].keys.witness(1, stated)


class Answering:
    """A home city that answers what it likes."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def attend(self, member: int, sealed: bytes) -> bytes:
        del member, sealed
        return self.answer


def answered(node: Node, answer: bytes) -> Node:
    return replace(node, peers=Answering(answer))


def test_an_answer_that_the_chain_would_not_take_is_not_used(cities, tmp_path):
    person, material = kept(cities, tmp_path)
    mianyang, wuhou = cities.nodes["mianyang"], cities.nodes["wuhou"]
    granted = on_paper(cities, holders.allot(wuhou, material, 0, CASE))
    both = witnesses(cities, granted)
    shown, signature = attending.countersigned(mianyang, granted, both, person=person)
    held = [wire.HeldLeaf(each.leaf, each.entry, each.path) for each in shown]
    for bad, leaves in (
        (both[0], held),
        (bytes(65), held),
        (signature, []),
        (signature, [replace(held[0], entry=bytes(58))]),
        (signature, [replace(held[0], path=held[0].path[1:])]),
    ):
        with pytest.raises(IntegrityError, match=r"attending\.answer"):
            attending.countersigned(answered(mianyang, wire.encode_countersigned(bad, leaves)), granted, both)
    for bad in (both[0], bytes(65)):
        with pytest.raises(IntegrityError, match=r"attending\.answer"):
            attending.case_signature(
                answered(mianyang, wire.encode_case_signature(bad)), HOME, "0x" + "ab" * 20, DIGEST, both
            )
    with pytest.raises(UnavailableError, match=r"peers\.unreachable"):
        attending.case_key(replace(mianyang, peers=Unconnected()), HOME, person)


def test_a_question_counts_for_whoever_it_is_sealed_by_and_to(cities):
    wuhou, person = cities.nodes["wuhou"], holders.enrol(cities.nodes["wuhou"], PIN)
    with wuhou.database.read() as connection:
        recipient = readers_of(connection, [HOME])[HOME]
    sealed = wrapping.seal(wire.encode_ask(wire.CaseKeyAsked(person)), recipient, wire.ask_info(WINDOW, HOME))
    assert wire.decode_case_key(attending.serve(wuhou, WINDOW, sealed)).startswith("0x")
    with pytest.raises(InputError, match=r"envelopes\.unseal"):
        attending.serve(wuhou, 3, sealed)
    for content in (b"{}", b'{"format":"tongban/case-key/1"}', b'{"format":"tongban/case-key/1","more":1,"person":""}'):
        bad = wrapping.seal(content, recipient, wire.ask_info(WINDOW, HOME))
        with pytest.raises(FormatError, match=r"attending\.form"):
            attending.serve(wuhou, WINDOW, bad)
    assert len(sealed) < LIMITS.paper_bytes


class Sealed(Keys):
    """A daemon to which any question is sealed, and which keeps nobody's keys."""

    def open(self, sealed: bytes, info: bytes) -> bytes:
        assert info == wire.ask_info(2, 1)
        return sealed

    def custody_account(self, person: str, branch: int) -> tuple[int, str]:
        assert (person, branch) == ("3f0a", 1)
        raise NotFoundError("custody.unknown_person")


def test_the_question_travels_signed_and_so_does_the_refusal(tmp_path, monkeypatch):
    with opened_network(tmp_path) as network:
        wuhou, mianyang = network.keys[1], network.peers(2)
        for name in ("open", "custody_account"):
            monkeypatch.setattr(wuhou, name, getattr(Sealed, name).__get__(wuhou), raising=False)
        with pytest.raises(NotFoundError, match=r"custody\.unknown_person"):
            mianyang.attend(1, wire.encode_ask(wire.CaseKeyAsked("3f0a")))
        monkeypatch.setattr(wuhou, "custody_account", lambda *_: (0, holders.material_account(bytes(64), 0).account))
        answer = mianyang.attend(1, wire.encode_ask(wire.CaseKeyAsked("3f0a")))
        assert wire.decode_case_key(answer).startswith("0x")
