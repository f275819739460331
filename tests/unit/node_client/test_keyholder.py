"""The holder of the city's keys: what was sealed to an older key stays readable, and nothing else opens."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from ledger.domain import wrapping
from ledger.domain.wrapping import RecipientPrivate
from ledger.errors import AuthorityError, FormatError, InputError, UnavailableError
from ledger.ports import KeyHolder, TypedMessage
from ledger.services.keyholding import ForwardingKeyHolder, socket_address
from ledger.wire.keyholding import decode_answer, read_frame
from node_client.keyholder import DaemonKeyHolder, KeyServer
from node_client.keys import SERVICE_KINDS, KeyRing


def new_ring() -> KeyRing:
    ring = KeyRing(Path(), {role: os.urandom(32) for role in ("operate", "issue", "witness")}, ())
    for kind in SERVICE_KINDS:
        ring = ring.rotated(kind, os.urandom)
    return ring


def test_what_was_sealed_to_an_older_key_opens_after_a_rotation():
    ring = new_ring()
    sealed = wrapping.seal(b"content key", RecipientPrivate(ring.current("hpke").seed).public(), b"info")
    keys = DaemonKeyHolder(ring)
    assert keys.open(sealed, b"info") == b"content key"
    rotated = ring.rotated("hpke", os.urandom)
    keys.replace_ring(rotated)
    assert keys.open(sealed, b"info") == b"content key"
    newer = wrapping.seal(b"another", RecipientPrivate(rotated.current("hpke").seed).public(), b"info")
    assert keys.open(newer, b"info") == b"another"
    with pytest.raises(InputError, match=r"envelopes\.unseal"):
        keys.open(sealed, b"other info")
    with pytest.raises(InputError, match=r"envelopes\.unseal"):
        DaemonKeyHolder(new_ring()).open(sealed, b"info")


class Asked:
    """A key holder that remembers what reached it, and answers simply."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def open(self, sealed: bytes, info: bytes) -> bytes:
        self.asked.append(("open", sealed, info))
        return sealed[::-1]

    def witness(self, seat: int, typed: TypedMessage) -> bytes:
        self.asked.append(("witness", seat, typed))
        raise AuthorityError("keys.no_seat", seat=seat)

    def custody_account(self, person: str, branch: int) -> tuple[int, str]:
        self.asked.append(("custody_account", person, branch))
        return 3, "xpub"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[ForwardingKeyHolder, Asked, Path]]:
    holder, path = Asked(), tmp_path / ("d" * 60) / "keys.sock"
    path.parent.mkdir()
    server = KeyServer(path, cast("KeyHolder", holder))
    yield ForwardingKeyHolder(path), holder, path
    server.close()


def test_what_is_asked_over_the_socket_arrives_whole(served):
    keys, holder, path = served
    assert keys.open(b"abc", b"info") == b"cba"
    assert keys.custody_account("p" * 32, 1) == (3, "xpub")
    message = TypedMessage("WitnessedAct", "0x" + "a" * 40, (("caseId", b"\x01" * 32), ("action", 4)))
    with pytest.raises(AuthorityError, match=r"keys\.no_seat \(seat=2\)"):
        keys.witness(2, message)
    assert holder.asked[-1] == ("witness", 2, message)
    assert path.stat().st_mode & 0o077 == 0


def test_a_request_that_is_none_is_refused_and_the_next_one_is_served(served):
    keys, _, path = served
    address, folder = socket_address(path)
    for content in (b"{}", b'{"method":"burn","arguments":[]}', b"\xff", b'{"method":"open","arguments":[1,2,3,4]}'):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(address)
            connection.sendall(len(content).to_bytes(4) + content)
            with pytest.raises(FormatError, match=r"keys\.request_form"):
                decode_answer(read_frame(connection.recv))
    os.close(folder)
    assert keys.open(b"ab", b"") == b"ba"


def test_a_holder_that_is_gone_is_not_now(tmp_path):
    for keys in (
        ForwardingKeyHolder(tmp_path / "keys.sock"),
        ForwardingKeyHolder(tmp_path / "no folder" / "keys.sock"),
    ):
        for ask in (keys.check, lambda keys=keys: keys.open(b"", b"")):
            with pytest.raises(UnavailableError, match=r"keys\.holder_unreachable"):
                ask()


def test_asking_whether_the_holder_is_there_costs_it_nothing(served):
    keys, holder, _ = served
    for _ in range(20):
        keys.check()
    assert holder.asked == []
    assert keys.open(b"ab", b"") == b"ba"


def test_each_key_signs_its_own_kind_of_thing_and_nothing_else():
    keys = DaemonKeyHolder(new_ring())
    with pytest.raises(AuthorityError, match=r"keys\.not_a_request"):
        keys.sign_request(b"pay the bearer")
    assert len(keys.sign_request(b'"@signature-params": ();tag="tongban-peers-1"')) == 64
    grant = TypedMessage("Consent", "0x" + "a" * 40, ())
    with pytest.raises(AuthorityError, match=r"keys\.not_witnessed"):
        keys.witness(1, grant)
    with pytest.raises(AuthorityError, match=r"keys\.not_witnessed"):
        keys.custodian(TypedMessage("WitnessedAct", "0x" + "a" * 40, ()))
    paper = TypedMessage("PaperConsent", "0x" + "a" * 40, ())
    with pytest.raises(AuthorityError, match=r"keys\.no_seat"):
        keys.witness(2, paper)
    # Before the node is bound there is no picture to judge by.
    for ask in (lambda: keys.release(1, 2, b""), lambda: keys.cosign(b""), lambda: keys.custody_enrol("123456")):
        with pytest.raises(UnavailableError, match=r"keys\.holder_unreachable"):
            ask()
