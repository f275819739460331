"""Matters and agreements on the real engine: published, drafted, accepted and ended once, and again when that is meant."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.domain import canonical
from ledger.domain.agreements import AgreementKind
from ledger.domain.cases import Mode
from ledger.domain.catalogue import mode_bits
from ledger.domain.consortium import ProposalKind
from ledger.domain.events import DelegationSet, MatterPublished
from ledger.domain.matters import Matter
from ledger.domain.reasons import Reason
from ledger.errors import IntegrityError, NotFoundError, UnavailableError
from ledger.projections import journal
from ledger.services import agreements, catalogue, consortium
from ledger.services.catalogue import MatterShown
from ledger.services.consortium import VoteAsked
from ledger.services.context import Node
from ledger.services.synchronising import event_types
from node_client.pilot.catalogue import LICENCE, LOAN, matter_id, matters
from tests.integration.services.custodians import CITIES, Cities, cities_on_an_engine

TEXT = {"title": "样本协议", "parties": ["510107", "510108"]}
OTHER = {"title": "样本协议（修订）", "parties": ["510107", "510108"]}


@pytest.fixture
def cities(tmp_path: Path) -> Iterator[Cities]:
    with cities_on_an_engine(tmp_path) as found:
        yield found


def entry(*, department: int = 1) -> Matter:
    return next(one for one in matters(department) if one.code.id == matter_id(LOAN))


def offered(node: Node, member: int = 1) -> list[tuple[int, bytes]]:
    with node.database.read() as connection:
        return [(one.version, one.digest) for one in catalogue.matters(connection, member)]


def drafted(cities: Cities, text: dict[str, object], *, city: str = "wuhou", **options: object) -> tuple[bytes, str]:
    named, intent = agreements.draft(
        cities.nodes[city],
        text,
        parties=[1, 2],
        matters={matter_id(LOAN): mode_bits(Mode.RECEIVED_HERE)},
        notice_days=1,
        valid_from=0,
        **options,
    )
    cities.pump()
    return named, intent


def agreed(cities: Cities, named: bytes, version: int = 1) -> None:
    for city in CITIES[:2]:
        name = agreements.accept(cities.nodes[city], named, version)
        assert agreements.accept(cities.nodes[city], named, version) == name
        cities.pump()
        assert cities.outcome(city, name) is Reason.OK


def covered(node: Node, *, receiving: int = 1, handling: int = 2, mode: Mode = Mode.RECEIVED_HERE) -> object:
    with node.database.read() as connection:
        return agreements.covering(
            connection, receiving=receiving, handling=handling, matter=matter_id(LOAN), mode=mode, now=node.clock()
        )


# ---- matters --------------------------------------------------------------------------------------------------------


def test_a_matter_published_again_is_one_version_until_another_text_comes_between(cities):
    node, first, second = cities.nodes["wuhou"], entry(), entry(department=2)
    for matter in (first, first, second, first, first):
        catalogue.publish(node, matter)
        cities.pump()
    assert offered(node) == [(3, first.digest)]
    with node.database.read() as connection:
        events = [located.event for located in journal.events_from(connection, event_types())]
    assert [one.digest for one in events if isinstance(one, MatterPublished)] == [
        first.digest,
        second.digest,
        first.digest,
    ]


def test_a_matter_is_withdrawn_published_again_and_withdrawn_again(cities):
    node, matter = cities.nodes["wuhou"], entry()
    for _ in range(2):
        catalogue.publish(node, matter)
        cities.pump()
        assert len(offered(node)) == 1
        name = catalogue.withdraw(node, matter.code.id)
        assert catalogue.withdraw(node, matter.code.id) == name
        cities.pump()
        assert cities.outcome("wuhou", name) is Reason.OK
        assert offered(node) == []


def test_a_withdrawal_of_what_is_not_offered_is_refused_and_can_be_asked_for_later(cities):
    node, matter = cities.nodes["wuhou"], entry()
    name = catalogue.withdraw(node, matter.code.id)
    cities.pump()
    assert cities.outcome("wuhou", name) is Reason.UNKNOWN_MATTER
    catalogue.publish(node, matter)
    cities.pump()
    assert catalogue.withdraw(node, matter.code.id) == name
    cities.pump()
    assert cities.outcome("wuhou", name) is Reason.OK


def test_another_city_reads_the_published_document_and_nothing_else_under_its_digest(cities):
    matter = entry()
    catalogue.publish(cities.nodes["wuhou"], matter)
    cities.pump()
    reader = cities.nodes["mianyang"]
    assert catalogue.matter_document(reader, 1, matter.code.id) == (matter, 1)
    with pytest.raises(NotFoundError, match=r"catalogue\.not_offered"):
        catalogue.matter_document(reader, 2, matter.code.id)

    class Lying:
        """A city that sends another of its documents."""

        def blob(self, _member: int, _cid: str) -> bytes:
            other = next(one for one in matters(1) if one.code.id == matter_id(LICENCE))
            return canonical.encode(other.document())

    with pytest.raises(IntegrityError, match=r"catalogue\.document_differs"):
        catalogue.matter_document(replace(cities.nodes["yuzhong"], peers=Lying()), 1, matter.code.id)


def test_the_entries_of_others_are_fetched_before_anybody_needs_them(cities):
    matter = entry()
    catalogue.publish(cities.nodes["wuhou"], matter)
    cities.pump()
    reader, about = cities.nodes["mianyang"], (1, matter.code.id)
    assert catalogue.entries_here(reader, {about}) == {}
    assert catalogue.fetch_once(reader) == 1
    assert catalogue.fetch_once(reader) == 0
    assert catalogue.entries_here(reader, {about}) == {about: matter}


class Published:
    """Cities of which the first published what is no entry, or one of another matter, and the second does not answer."""

    def __init__(self, document: bytes) -> None:
        self.document = document
        self.asked: list[int] = []

    def blob(self, member: int, _cid: str) -> bytes:
        self.asked.append(member)
        if member == 2:
            raise UnavailableError("peers.unreachable", member=member)
        return self.document


@pytest.mark.parametrize("document", [b"no entry", canonical.encode(matters(1)[3].document())])
def test_what_one_member_published_keeps_nobody_from_the_entries_of_the_others(cities, document):
    peers, reader = Published(document), cities.nodes["yuzhong"]
    found = catalogue.matter_documents(
        replace(reader, peers=peers),
        [
            MatterShown(member, one.code.id, 1, one.code.text, one.rule, digest, offered=True)
            for member, one, digest in (
                (1, entry(), hashlib.sha256(document).digest()),
                (2, matters(1)[1], b"\x01" * 32),
                (2, matters(1)[2], b"\x02" * 32),
            )
        ],
    )
    assert found == {}
    # Who does not answer is asked once.
    assert peers.asked == [1, 2]


# ---- agreements -----------------------------------------------------------------------------------------------------


def test_an_agreement_drafted_twice_is_one_and_binds_once_both_have_accepted(cities):
    named, intent = drafted(cities, TEXT)
    assert drafted(cities, TEXT) == (named, intent)
    node = cities.nodes["wuhou"]
    with node.database.read() as connection:
        (shown,) = agreements.agreements(connection)
    assert (shown.agreement, shown.version, shown.in_force_at) == (named, 1, None)
    assert covered(node) is None
    agreed(cities, named)
    assert covered(node) == (named, 1)
    assert covered(node, mode=Mode.JOINT) is None
    assert covered(node, handling=3) is None


def test_two_cities_and_two_texts_make_agreements_of_their_own(cities):
    names = {
        drafted(cities, TEXT)[0],
        drafted(cities, OTHER)[0],
        drafted(cities, TEXT, city="mianyang")[0],
        drafted(cities, TEXT, salt=b"\x07" * 32)[0],
    }
    assert len(names) == 4


def test_a_text_is_agreed_again_after_notice_was_given(cities):
    named, _ = drafted(cities, TEXT)
    agreed(cities, named)
    node = cities.nodes["wuhou"]
    notice = agreements.end(node, named, {"words": "期满不续"})
    assert agreements.end(node, named, {"words": "期满不续"}) == notice
    cities.pump()
    assert cities.outcome("wuhou", notice) is Reason.OK
    again, _ = drafted(cities, TEXT)
    assert again != named
    assert drafted(cities, TEXT)[0] == again
    agreed(cities, again)
    assert covered(node) == (again, 1)


def test_an_amendment_brings_an_earlier_text_back(cities):
    named, _ = drafted(cities, TEXT)
    agreed(cities, named)
    intents = []
    for version, text in ((2, OTHER), (3, TEXT), (4, OTHER)):
        change = {"kind": AgreementKind.AMENDMENT, "agreement": named}
        _, intent = drafted(cities, text, **change)
        assert drafted(cities, text, **change) == (named, intent)
        agreed(cities, named, version)
        intents.append(intent)
    assert len(set(intents)) == 3
    assert covered(cities.nodes["wuhou"]) == (named, 4)


def test_an_acceptance_that_came_too_early_is_tried_again(cities):
    node = cities.nodes["mianyang"]
    named, _ = drafted(cities, TEXT)
    early = agreements.accept(node, named, 2)
    cities.pump()
    refused = cities.outcome("mianyang", early)
    assert refused is not Reason.OK
    agreed(cities, named)
    drafted(cities, OTHER, kind=AgreementKind.AMENDMENT, agreement=named)
    assert agreements.accept(node, named, 2) == early
    cities.pump()
    assert cities.outcome("mianyang", early) is Reason.OK


def test_an_agreement_covers_nothing_of_a_member_that_is_suspended(cities):
    named, _ = drafted(cities, TEXT)
    agreed(cities, named)
    node = cities.nodes["wuhou"]
    assert covered(node) == (named, 1)
    consortium.propose(node, VoteAsked(ProposalKind.SUSPEND, target=2))
    cities.pump()
    for city in ("wuhou", "yuzhong"):
        consortium.vote(cities.nodes[city], _newest(node), approve=True)
        cities.pump()
    assert covered(node) is None
    assert node.chain.call(_catalogue(cities), "catalogue", "covers", named, 1, 1, 2, matter_id(LOAN), 2) != 0


def _newest(node: Node) -> int:
    with node.database.read() as connection:
        return consortium.proposals(connection)[0].proposal


def _catalogue(cities: Cities) -> str:
    return cities.network.addresses.catalogue


def test_a_delegation_is_given_ended_and_given_again(cities):
    node, matter = cities.nodes["wuhou"], entry()
    catalogue.publish(node, matter)
    cities.pump()
    now = node.clock()
    for until in (now + 86_400, 0, now + 86_400):
        name = catalogue.delegate(node, 2, matter.code.id, {"title": "授权"}, valid_from=0, valid_until=until)
        assert catalogue.delegate(node, 2, matter.code.id, {"title": "授权"}, valid_from=0, valid_until=until) == name
        cities.pump()
        assert cities.outcome("wuhou", name) is Reason.OK
    with node.database.read() as connection:
        events = [located.event for located in journal.events_from(connection, event_types())]
    assert [bool(one.valid_until) for one in events if isinstance(one, DelegationSet)] == [True, False, True]
