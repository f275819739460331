"""City to city over real HTTP: signed, answered for, never twice, and nothing without a use on the record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from ledger.domain.consortium import MemberStatus
from ledger.domain.events import EndpointPublished, MemberStatusChanged
from ledger.domain.limits import LIMITS
from ledger.errors import AuthorityError, IntegrityError, LedgerError, NotFoundError, UnavailableError
from ledger.services import audit, peers
from ledger.storage.tables import drafts
from ledger.wire.deliveries import Delivery, encode_delivery
from tests.integration.services.cities import CONSORTIUM, NOW
from tests.integration.services.peering import Keys, Network, opened_network


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with opened_network(tmp_path) as network:
        yield network


def test_a_block_travels_and_what_is_not_there_is_said_by_the_city_itself(network):
    cid = network.nodes[1].blobs.put(b"encrypted block")
    mianyang = network.peers(2)
    assert mianyang.blob(1, cid) == b"encrypted block"
    with pytest.raises(NotFoundError, match=r"blobs\.not_found"):
        mianyang.blob(1, cid[:-4] + ("aaaa" if not cid.endswith("aaaa") else "bbbb"))


def test_a_release_needs_the_use_and_a_refusal_is_remembered(network):
    mianyang = network.peers(2)
    assert mianyang.release(1, 7, b"document") == b"sealed:document"
    with pytest.raises(NotFoundError, match=r"releases\.no_use"):
        mianyang.release(1, 8, b"document")
    with network.nodes[1].database.read() as connection:
        (noted,) = audit.listed(connection)
    assert (noted.kind, noted.code, noted.member, noted.subject) == ("release", "releases.no_use", 2, "use:8")


def test_a_letter_is_kept_once_and_too_many_wait(network, monkeypatch):
    mianyang, letter = network.peers(2), encode_delivery(Delivery("lookup", bytes(32), b"sealed"))
    mianyang.hand_over(1, letter)
    mianyang.hand_over(1, letter)
    monkeypatch.setattr(peers, "LIMITS", replace(LIMITS, peer_inbox=1))
    with pytest.raises(UnavailableError, match=r"peers\.inbox_full") as full:
        mianyang.hand_over(1, encode_delivery(Delivery("lookup", bytes(32), b"another")))
    assert full.value.retry_after == 60
    with pytest.raises(LedgerError, match=r"canonical\.|peers\.delivery"):
        mianyang.hand_over(1, b"no letter")


def test_the_same_request_is_not_taken_twice(network):
    asked = network.asked("/peers/v1/blobs/x")
    assert peers.verify(network.nodes[1], asked) == 2
    with pytest.raises(AuthorityError, match=r"peers\.replayed"):
        peers.verify(network.nodes[1], asked)
    # Once it has expired its nonce is forgotten, and it is refused for its age.
    later = replace(network.nodes[1], clock=lambda: NOW + 3600)
    with pytest.raises(AuthorityError, match=r"peers\.expired"):
        peers.verify(later, asked)


def test_a_letter_and_its_request_are_kept_together_and_a_refused_one_is_not_asked_again(network):
    wuhou = network.nodes[1]
    good = encode_delivery(Delivery("lookup", bytes(32), b"sealed"))
    for letter, code in ((b"no letter", "canonical.malformed"), (good, None)):
        asked = network.asked("/peers/v1/inbox", letter, method="POST")
        answer = peers.deliver(wuhou, asked)
        assert getattr(answer, "code", None) == code
        with pytest.raises(AuthorityError, match=r"peers\.replayed"):
            peers.deliver(wuhou, asked)
    with wuhou.database.read() as connection:
        assert connection.execute(select(drafts.inbox.c.sealed)).scalars().all() == [b"sealed"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"path": "/peers/v1/blobs/y"}, "peers.signature"),
        ({"method": "POST"}, "peers.signature"),
        ({"body": b"more"}, "peers.digest"),
        ({"headers": {}}, "peers.unsigned"),
    ],
)
def test_what_was_changed_on_the_way_is_refused(network, change, code):
    with pytest.raises(AuthorityError, match=code.replace(".", r"\.")):
        peers.verify(network.nodes[1], replace(network.asked("/peers/v1/blobs/x"), **change))


def test_a_clock_that_is_an_hour_wrong_is_told_so(network):
    for wrong in (NOW - 3600, NOW + 3600):
        with pytest.raises(AuthorityError, match=r"peers\.expired"):
            network.peers(2, now=wrong).blob(1, "x")


def test_only_members_in_good_standing_with_their_own_key_are_answered(network):
    with pytest.raises(AuthorityError, match=r"peers\.signature"):
        network.peers(2, keys=Keys()).blob(1, "x")
    network.cities.say(MemberStatusChanged(2, MemberStatus.SUSPENDED, 1, bytes(32)), contract=CONSORTIUM)
    with pytest.raises(AuthorityError, match=r"peers\.unknown_key"):
        network.peers(2).blob(1, "x")


def test_an_answer_of_somebody_else_is_not_believed(network):
    cid = network.nodes[2].blobs.put(b"block")
    # Wuhou's address leads to Mianyang's own node: what answers signs with another key.
    network.cities.say(EndpointPublished(1, network.urls[2]), contract=CONSORTIUM)
    with pytest.raises((AuthorityError, IntegrityError)):
        network.peers(2).blob(1, cid)


def test_nobody_there_is_not_now(network):
    network.cities.say(EndpointPublished(1, "http://127.0.0.1:9"), contract=CONSORTIUM)
    with pytest.raises(UnavailableError, match=r"peers\.unreachable"):
        network.peers(2).blob(1, "x")


def test_an_unsigned_request_is_a_problem_with_a_next_step(network):
    answer = httpx2.get(f"{network.urls[1]}/peers/v1/blobs/x", headers={"Accept-Language": "en"}, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (403, "peers.unsigned")
    assert answer.json()["next_step"]
