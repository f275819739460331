"""What the asking city believes: only what the other one signed for this very request, and little of all else."""

from __future__ import annotations

import gzip
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ledger.domain.consortium import ServiceKeyKind
from ledger.domain.events import EndpointPublished, ServiceKeyPublished
from ledger.domain.limits import LIMITS
from ledger.errors import AuthorityError, FormatError, LedgerError, UnavailableError
from ledger.services import peers
from ledger.wire.problems import problem_bytes
from node_client.keyholder import DaemonKeyHolder
from node_client.peers import HttpPeers
from tests.integration.services.cities import CONSORTIUM, NOW
from tests.integration.services.line import Heard, Said, forward, on_the_line
from tests.integration.services.peering import Keys, Network, opened_network
from tests.unit.node_client.test_keyholder import new_ring

PROBLEM = {"content-type": "application/problem+json"}


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with opened_network(tmp_path) as network:
        yield network


def said(status: int, document: object, **headers: str) -> Said:
    return Said(status, json.dumps(document).encode(), PROBLEM | headers)


def problem(error: LedgerError, **changed: object) -> Said:
    document: dict[str, Any] = json.loads(problem_bytes(error)) | changed
    return said(error.http_status, document)


def always(answer: Said) -> Callable[[Heard], Said]:
    return lambda _: answer


def asked_over(network: Network, answer: Callable[[Heard], Said]) -> LedgerError:
    """What Mianyang makes of an answer that somebody on the line gives in Wuhou's place."""
    with on_the_line(answer) as url:
        network.cities.say(EndpointPublished(1, url), contract=CONSORTIUM)
        with pytest.raises(LedgerError) as told:
            network.peers(2).release(1, 7, b"document")
    return told.value


@pytest.mark.parametrize(
    "forged",
    [
        problem(AuthorityError("releases.disclosed")),
        problem(LedgerError("releases.no_use", use=7), status=404),
        said(404, {"code": "releases.no_use", "facts": {"use": 7}, "status": 404}),
        said(409, {"code": "releases.erased", "facts": {}, "status": 409}),
        said(503, {"code": "releases.no_use", "facts": {}, "status": 503}),
        said(500, {"code": "peers.signature", "facts": {}, "status": 500}),
        Said(200, b"sealed:document", {}),
        Said(404, b"<html>no such page</html>", {"content-type": "text/html"}),
        Said(302, b"", {"location": "http://127.0.0.1:9/"}),
    ],
)
def test_nobody_refuses_for_good_in_a_citys_name_without_its_signature(network, forged):
    told = asked_over(network, lambda _: forged)
    assert isinstance(told, UnavailableError)
    assert told.code == "peers.answer"


@pytest.mark.parametrize("code", sorted(peers.UNSIGNED_REFUSALS))
def test_what_comes_about_before_the_other_side_knows_whom_to_answer_is_told(network, code):
    told = asked_over(network, lambda _: problem(AuthorityError(code, key="2:1")))
    assert (type(told), told.code) == (AuthorityError, code)


def test_not_now_needs_no_signature_and_says_for_how_long(network):
    told = asked_over(network, lambda _: problem(UnavailableError("storage.unavailable", retry_after=7)))
    assert isinstance(told, UnavailableError)
    assert (told.code, told.retry_after) == ("storage.unavailable", 7)
    for stated, taken in (
        ("17", 17),
        ("0", 1),
        ("-5", 30),
        ("99999", LIMITS.peer_retry_seconds),
        ("soon", 30),
        ("Fri, 20 Nov 2026 08:00:42 GMT", 42),
        ("Fri, 20 Nov 2026 07:59:00 GMT", 1),
        ("Fri, 20 Nov 2026 08:00:42", 30),
    ):
        headers = {"content-type": "text/plain", "retry-after": stated, "date": "Fri, 20 Nov 2026 08:00:00 GMT"}
        plain = Said(503, b"upstream is away", headers)
        told = asked_over(network, always(plain))
        assert isinstance(told, UnavailableError)
        assert (told.code, told.retry_after) == ("peers.answer", taken)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda given: replace(given, body=given.body + b"!"), "peers.digest"),
        (lambda given: replace(given, status=201), "peers.signature"),
        (
            lambda given: replace(given, headers=given.headers | {"signature-input": "tongban=()"}),
            "peers.signature_form",
        ),
        (lambda given: replace(given, headers=given.headers | {"signature": "tongban=::"}), "peers.signature_form"),
        (Said.without_signature, "peers.answer"),
    ],
)
def test_an_answer_that_was_changed_on_the_way_is_not_taken(network, change, code):
    real = network.urls[1]

    def tamper(heard: Heard) -> Said:
        # Signed is the address that was asked: let the city answer as if it stood there.
        changed: Said = change(forward(real, heard))
        return changed

    told = asked_over(network, tamper)
    assert isinstance(told, (AuthorityError, FormatError, UnavailableError))
    assert told.code == code


def test_an_answer_to_another_request_is_not_taken(network):
    kept: list[Said] = []

    def first_for_all(heard: Heard) -> Said:
        if not kept:
            kept.append(forward(network.urls[1], heard))
        return kept[0]

    with on_the_line(first_for_all) as url:
        network.cities.say(EndpointPublished(1, url), contract=CONSORTIUM)
        mianyang = network.peers(2)
        assert mianyang.release(1, 7, b"document") == b"sealed:document"
        with pytest.raises(AuthorityError, match=r"peers\.signature"):
            mianyang.release(1, 7, b"document")


def test_an_answer_that_is_too_long_is_not_read_to_its_end(network):
    long = b" " * (LIMITS.key_request_bytes + LIMITS.problem_bytes + 1)
    told = asked_over(network, lambda _: Said(200, long, {}))
    assert (told.code, type(told)) == ("peers.answer_long", UnavailableError)


def test_an_answer_is_not_unpacked(network):
    asked: list[str | None] = []

    def packed(heard: Heard) -> Said:
        asked.append(heard.headers.get("accept-encoding"))
        document = json.dumps({"code": "peers.expired", "facts": {}, "status": 403}).encode()
        return Said(403, gzip.compress(document), PROBLEM | {"content-encoding": "gzip"})

    assert asked_over(network, packed).code == "peers.answer"
    assert asked == ["identity"]


def test_a_city_that_drips_its_answer_does_not_hold_the_lane(network):
    turns = iter((0.0, LIMITS.peer_answer_seconds + 1.0, LIMITS.peer_answer_seconds + 1.0))
    slow = HttpPeers(
        network.nodes[2].database, 2, network.keys[2], lambda: NOW, os.urandom, timeout=5, monotonic=lambda: next(turns)
    )
    with pytest.raises(UnavailableError, match=r"peers\.unreachable"):
        slow.release(1, 7, b"document")
    slow.close()


def test_a_city_that_lets_time_run_out_is_left_alone_for_a_moment(network):
    heard: list[str] = []
    over, now = threading.Event(), [0.0]

    def never(request: Heard) -> Said:
        heard.append(request.path)
        over.wait(20)
        return Said(200, b"", {})

    with on_the_line(never) as url:
        network.cities.say(EndpointPublished(1, url), contract=CONSORTIUM)
        mianyang = HttpPeers(
            network.nodes[2].database,
            2,
            network.keys[2],
            lambda: NOW,
            os.urandom,
            timeout=0.3,
            monotonic=lambda: now[0],
        )
        network.opened.append(mianyang)
        for _ in range(5):
            with pytest.raises(UnavailableError, match=r"peers\.unreachable"):
                mianyang.blob(1, "x")
        assert len(heard) == 1
        now[0] = float(LIMITS.peer_silent_seconds)
        with pytest.raises(UnavailableError, match=r"peers\.unreachable"):
            mianyang.blob(1, "x")
        assert len(heard) == 2
        over.set()


def test_an_answer_that_was_signed_too_long_ago_is_not_taken(network):
    times = iter((NOW, NOW + LIMITS.peer_signature_seconds + 1))
    late = HttpPeers(network.nodes[2].database, 2, network.keys[2], lambda: next(times), os.urandom, timeout=5)
    network.opened.append(late)
    with pytest.raises(AuthorityError, match=r"peers\.expired"):
        late.release(1, 7, b"document")


@pytest.mark.parametrize(
    "address",
    ["http://[::1", "http://..:1", "http://a\x00b", "http://\u200d例.x", "ftp://127.0.0.1", "//", "http://127.0.0.1:x"],
)
def test_an_address_that_is_none_is_a_city_that_is_not_reached(network, address):
    network.cities.say(EndpointPublished(1, address), contract=CONSORTIUM)
    for ask in (lambda city: city.release(1, 7, b""), lambda city: city.add_checkpoint(1, b"old 0\n\n")):
        with pytest.raises(UnavailableError, match=r"peers\.unreachable"):
            ask(network.peers(2))


def test_a_member_that_nobody_knows_is_not_answered(network):
    asked = network.asked("/peers/v1/blobs/x")
    headers = dict(asked.headers) | {"signature-input": asked.headers["signature-input"].replace('"2:1"', '"77:1"')}
    with pytest.raises(AuthorityError, match=r"peers\.unknown_key"):
        peers.verify(network.nodes[1], replace(asked, headers=headers))


def test_a_number_of_a_use_beyond_all_uses_and_a_strange_path_are_no_faults(network):
    headers = network.asked("/peers/v1/blobs/x").headers
    for path, code in (("releases/9223372036854775808", "api.malformed"), ("releases/-1", "api.malformed")):
        answer = httpx2.post(f"{network.urls[1]}/peers/v1/{path}", trust_env=False)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    answer = httpx2.get(f"{network.urls[1]}/peers/v1/blobs/%C3%A9", headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (403, "peers.signature")


def rotate(network: Network, member: int) -> Keys:
    """The register has a second key of that member."""
    fresh = Keys()
    public = fresh.key.public_key().public_bytes_raw()
    network.cities.say(ServiceKeyPublished(member, ServiceKeyKind.REQUESTS_ED25519, 2, public), contract=CONSORTIUM)
    return fresh


def test_a_replaced_key_counts_for_a_while_and_not_for_ever(network):
    before = network.asked("/peers/v1/blobs/x")
    rotate(network, 2)
    assert peers.verify(network.nodes[1], before) == 2
    # The chain says when it was replaced; the clock of these tests stands still a second a block before that.
    for late, good in ((LIMITS.peer_key_grace_seconds, True), (LIMITS.peer_key_grace_seconds + 60, False)):
        then = NOW + late
        asking, node = (
            network.asked("/peers/v1/blobs/x", now=then),
            replace(network.nodes[1], clock=lambda now=then: now),
        )
        if good:
            assert peers.verify(node, asking) == 2
        else:
            with pytest.raises(AuthorityError, match=r"peers\.unknown_key"):
                peers.verify(node, asking)


def test_a_key_that_is_not_read_yet_is_not_now_on_both_sides(network):
    asked = network.asked("/peers/v1/blobs/x")
    newer = dict(asked.headers) | {"signature-input": asked.headers["signature-input"].replace('"2:1"', '"2:2"')}
    with pytest.raises(UnavailableError, match=r"peers\.key_not_yet"):
        peers.verify(network.nodes[1], replace(asked, headers=newer))

    def sign_with_a_newer_key(heard: Heard) -> Said:
        given = forward(network.urls[1], heard)
        stated = given.headers["signature-input"].replace('"1:1"', '"1:2"')
        return replace(given, headers=given.headers | {"signature-input": stated})

    told = asked_over(network, sign_with_a_newer_key)
    assert (type(told), told.code) == (UnavailableError, "peers.key_not_yet")


def test_between_a_new_key_and_its_publication_the_daemon_signs_with_the_one_that_is_known(network):
    ring = new_ring()
    first = ring.current("requests-ed25519").ed25519().public_key().public_bytes_raw()
    holder = DaemonKeyHolder(ring)
    holder.bind(network.nodes[2], custody=None, cosign=bytes)
    mianyang = HttpPeers(network.nodes[2].database, 2, holder, lambda: NOW, os.urandom, timeout=5)
    network.opened.append(mianyang)
    say = network.cities.say
    say(ServiceKeyPublished(2, ServiceKeyKind.REQUESTS_ED25519, 2, first), contract=CONSORTIUM)
    assert mianyang.release(1, 7, b"1") == b"sealed:1"
    rotated = ring.rotated("requests-ed25519", os.urandom)
    holder.replace_ring(rotated)
    assert mianyang.release(1, 7, b"2") == b"sealed:2"
    second = rotated.current("requests-ed25519").ed25519().public_key().public_bytes_raw()
    say(ServiceKeyPublished(2, ServiceKeyKind.REQUESTS_ED25519, 3, second), contract=CONSORTIUM)
    assert mianyang.release(1, 7, b"3") == b"sealed:3"
    # Published before this process has read its file: not now, rather than a signature that nobody believes.
    third = rotated.rotated("requests-ed25519", os.urandom)
    public = third.current("requests-ed25519").ed25519().public_key().public_bytes_raw()
    say(ServiceKeyPublished(2, ServiceKeyKind.REQUESTS_ED25519, 4, public), contract=CONSORTIUM)
    with pytest.raises(UnavailableError, match=r"keys\.unread"):
        mianyang.release(1, 7, b"4")
    holder.replace_ring(third)
    assert mianyang.release(1, 7, b"4") == b"sealed:4"
