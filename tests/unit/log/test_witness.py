"""The witness: every answer of the standard, durable memory, and what happens when two heads contradict."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import merkle
from ledger.domain.checkpoints import Checkpoint, cosign, parse_checkpoint, sign_checkpoint, verify_signatures
from ledger.domain.notes import KeySigner, KeyType, format_note, parse_signature_lines
from ledger.errors import (
    ConflictError,
    FormatError,
    InputError,
    IntegrityError,
    NotFoundError,
    SetupError,
    UnavailableError,
)
from ledger.log.evidence import (
    NETWORK_SCOPE,
    Evidence,
    diagnose,
    evidence_of,
    first_difference,
    resolution_checkpoint,
    verify_resolution,
)
from ledger.log.store import LogStore
from ledger.log.witness import (
    AddCheckpoint,
    Seen,
    WitnessAnswer,
    WitnessedLog,
    add_checkpoint,
    format_request,
    parse_request,
)
from ledger.log.witness_store import WitnessStore
from tests.unit.log.disk import Disk
from tests.unit.log.network import DIVISIONS, NETWORK, log_signer, network_policy, signed_checkpoint, signers

LEAVES = merkle.leaf_hashes(b"entry %d" % number for number in range(40))
OTHER = [merkle.leaf_hash(b"altered"), *LEAVES[1:]]
ORIGIN = log_signer().key.name
NOW = 1_767_225_600
KEYS = signers("510700")


def _note(size: int, leaves: list[bytes] = LEAVES) -> bytes:
    return signed_checkpoint(size, merkle.root(leaves[:size]), by=())


def _request(old: int, size: int, leaves: list[bytes] = LEAVES) -> bytes:
    proof = merkle.consistency_proof(leaves[:size], min(old, size))
    return format_request(AddCheckpoint(old, proof, _note(size, leaves)))


@dataclass
class View:
    """A city that has synced ``synced`` entries of its own chain."""

    synced: int = 40
    timely: bool = True

    def root_at(self, size: int) -> bytes | None:
        return merkle.root(LEAVES[:size]) if size <= self.synced else None

    def is_timely(self, size: int) -> bool:
        return self.timely and size > 0


@pytest.fixture
def state(tmp_path: Path) -> WitnessStore:
    return WitnessStore.create(tmp_path / "witness.db", [signer.key for signer in KEYS])


def _ask(
    state: WitnessStore, body: bytes, *, view: View | None = None, rebuilt: bool = True, now: int = NOW
) -> WitnessAnswer:
    logs = {ORIGIN: WitnessedLog((log_signer().key,), rebuilt)}
    return add_checkpoint(body, logs=logs, state=state, view=view or View(), signers=KEYS, now=now)


def _check_cosigned(answer: WitnessAnswer, size: int, now: int = NOW) -> None:
    assert (answer.status, answer.code) == (200, None)
    checkpoint, _ = parse_checkpoint(_note(size))
    lines = parse_signature_lines(answer.body.decode())
    verified = verify_signatures(checkpoint, lines, [signer.key for signer in KEYS])
    assert [found.key.type for found in verified] == [KeyType.COSIGN_ED25519, KeyType.COSIGN_ML_DSA_44]
    assert {found.timestamp for found in verified} == {now}


# ---- the answers ----


def test_a_log_that_grows_is_cosigned_step_by_step(state: WitnessStore) -> None:
    for old, size in ((0, 1), (1, 5), (5, 5), (5, 32), (32, 40)):
        _check_cosigned(_ask(state, _request(old, size)), size)
        assert state.latest(ORIGIN) == Seen(size, merkle.root(LEAVES[:size]), _note(size))
    assert state.origins() == (ORIGIN,)


def test_the_size_that_was_cosigned_last_is_answered(state: WitnessStore) -> None:
    _ask(state, _request(0, 20))
    for old, size in ((0, 30), (10, 30), (21, 30), (0, 20)):
        answer = _ask(state, _request(old, size))
        assert (answer.status, answer.body, answer.content_type) == (409, b"20\n", "text/x.tlog.size")
    assert _ask(state, _request(10, 15)).status == 409
    _check_cosigned(_ask(state, _request(20, 30)), 30)


def test_an_empty_log_is_cosigned_too(state: WitnessStore) -> None:
    answer = _ask(state, _request(0, 0), rebuilt=False)
    assert answer.status == 200
    wrong = signed_checkpoint(0, bytes(32), by=())
    assert _ask(state, format_request(AddCheckpoint(0, (), wrong)), rebuilt=False).status == 409


GOOD = _request(0, 20)
MALFORMED = {
    "empty": (b"", "log.request_lines"),
    "no old line": (GOOD.partition(b"\n")[2], "log.request_lines"),
    "no empty line": (GOOD.replace(b"\n\n", b"\n"), "log.request_lines"),
    "old without number": (GOOD.replace(b"old 0", b"old "), "log.number"),
    "old with zeros": (GOOD.replace(b"old 0", b"old 00"), "log.number"),
    "old negative": (GOOD.replace(b"old 0", b"old -1"), "log.number"),
    "old huge": (GOOD.replace(b"old 0", b"old " + b"9" * 4000), "log.number"),
    "old above the size": (GOOD.replace(b"old 0", b"old 21"), "log.consistency_sizes"),
    "a proof line of no base64": (GOOD.replace(b"old 0\n", b"old 0\n!\n"), "log.base64"),
    "a proof line in bad UTF-8": (GOOD.replace(b"old 0\n", b"old 0\n\xff\n"), "log.base64"),
    "a short hash": (GOOD.replace(b"old 0\n", b"old 0\nAAAA\n"), "log.hash_length"),
    "64 proof lines": (GOOD.replace(b"old 0\n", b"old 0\n" + b"AAAA\n" * 64), "log.proof_long"),
    "no note": (GOOD.partition(b"\n\n")[0] + b"\n\n", "log.note_malformed"),
    "a malformed checkpoint": (GOOD.replace(b"\n20\n", b"\n020\n"), "log.number"),
    "too long": (GOOD + b"x" * 200_000, "log.request_long"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_requests_are_answered_400(state: WitnessStore, name: str) -> None:
    body, code = MALFORMED[name]
    answer = _ask(state, body)
    assert (answer.status, answer.code, answer.body) == (400, code, f"{code}\n".encode())
    assert state.latest(ORIGIN) is None


@given(st.binary(max_size=200))
@settings(max_examples=50, deadline=None)
def test_any_body_is_read_or_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_request(data + b"\n\nold")


def test_requests_read_back() -> None:
    request = AddCheckpoint(5, (bytes(32), bytes(range(32))), _note(20))
    assert parse_request(format_request(request)) == request


def test_an_unknown_log_is_answered_404(state: WitnessStore) -> None:
    answer = _ask(state, GOOD.replace(ORIGIN.encode(), b"tongban.example/five-cities/999999"))
    assert (answer.status, answer.code) == (404, "log.origin_unknown")


def test_a_checkpoint_that_its_log_did_not_sign_is_answered_403(state: WitnessStore) -> None:
    checkpoint = Checkpoint(ORIGIN, 20, merkle.root(LEAVES[:20]))
    stray = KeySigner.from_seed(ORIGIN, KeyType.LOG_ED25519, bytes(32))
    cosigned = cosign(checkpoint, KEYS[0], NOW)
    for line, code in (
        (sign_checkpoint(checkpoint, stray), "log.signature_missing"),
        (cosigned, "log.signature_missing"),
        (sign_checkpoint(replace(checkpoint, size=21), log_signer()), "log.signature_invalid"),
        (replace(sign_checkpoint(checkpoint, log_signer()), signature=b"short"), "log.signature_length"),
    ):
        answer = _ask(state, format_request(AddCheckpoint(0, (), format_note(checkpoint.text(), [line]))))
        assert (answer.status, answer.code) == (403, code)
    assert state.latest(ORIGIN) is None


def test_an_inconsistent_checkpoint_is_answered_422(state: WitnessStore) -> None:
    _ask(state, _request(0, 20))
    proof = merkle.consistency_proof(LEAVES[:30], 20)
    for bad, code in (
        (proof[:-1], "log.proof_short"),
        ((*proof, bytes(32)), "log.proof_long"),
        ((bytes(32), *proof[1:]), "log.consistency_old"),
        ((proof[0], bytes(32), *proof[2:]), "log.consistency_new"),
    ):
        answer = _ask(state, format_request(AddCheckpoint(20, bad, _note(30))))
        assert (answer.status, answer.code) == (422, code)
    # Another history of the same log cannot be shown to follow.
    assert _ask(state, _request(20, 30, OTHER), rebuilt=False).status == 422
    latest = state.latest(ORIGIN)
    assert latest is not None
    assert latest.size == 20


def test_a_city_that_has_not_synced_so_far_asks_for_patience(state: WitnessStore) -> None:
    answer = _ask(state, _request(0, 20), view=View(synced=19))
    assert (answer.status, answer.code, answer.retry_after) == (503, "log.not_synced", 5)
    untimely = _ask(state, _request(0, 20), view=View(timely=False))
    assert (untimely.status, untimely.code, untimely.retry_after) == (503, "log.untimely", 5)
    assert state.latest(ORIGIN) is None
    _check_cosigned(_ask(state, _request(0, 20)), 20)


# ---- evidence ----


def test_two_heads_of_one_size_are_kept_and_stop_the_witness(state: WitnessStore) -> None:
    _ask(state, _request(0, 20))
    answer = _ask(state, format_request(AddCheckpoint(20, (), _note(20, OTHER))), now=NOW + 9)
    assert (answer.status, answer.code, answer.body) == (409, "log.split_view", b"20\n")
    ((number, evidence, resolution),) = state.evidence()
    assert resolution is None
    assert evidence == Evidence(NETWORK_SCOPE, 20, _note(20), _note(20, OTHER), right_is_view=False, found_at=NOW + 9)
    assert evidence.roots() == (merkle.root(LEAVES[:20]), merkle.root(OTHER[:20]))
    halted = _ask(state, _request(20, 30))
    assert (halted.status, halted.code, halted.retry_after) == (503, "log.halted", 3600)
    # The same evidence again is no news.
    state.keep_evidence(replace(evidence, found_at=NOW + 99, left=evidence.right, right=evidence.left))
    assert len(state.evidence()) == 1
    state.resolve(number, _resolution(20, LEAVES))
    _check_cosigned(_ask(state, _request(20, 30)), 30)
    with pytest.raises(NotFoundError, match=r"log\.evidence_absent"):
        state.resolve(99, _resolution(20, LEAVES))


def test_a_log_that_differs_from_the_own_view_is_evidence(state: WitnessStore) -> None:
    answer = _ask(state, _request(0, 20, OTHER))
    assert (answer.status, answer.code) == (422, "log.split_view")
    ((_, evidence, _),) = state.evidence()
    assert evidence.right_is_view
    assert evidence.roots() == (merkle.root(OTHER[:20]), merkle.root(LEAVES[:20]))
    assert state.latest(ORIGIN) is None
    assert _ask(state, _request(0, 20)).status == 503


def test_an_outside_log_is_cosigned_on_consistency_and_stops_nobody_else(state: WitnessStore) -> None:
    assert _ask(state, _request(0, 20, OTHER), rebuilt=False).status == 200
    assert _ask(state, format_request(AddCheckpoint(20, (), _note(20))), rebuilt=False).code == "log.split_view"
    assert _ask(state, _request(20, 30, OTHER), rebuilt=False).code == "log.halted"
    assert not state.is_halted(NETWORK_SCOPE)
    assert state.is_halted(ORIGIN)


def test_evidence_needs_two_signed_notes_of_one_size() -> None:
    keys = [log_signer().key, *(signer.key for signer in KEYS)]
    assert evidence_of(_note(20), _note(20), keys, found_at=NOW) is None
    assert evidence_of(_note(20), _note(21), keys, found_at=NOW) is None
    # Publishers of one network log the same events, so another origin contradicts as well.
    checkpoint = Checkpoint(log_signer("510700").key.name, 20, merkle.root(OTHER[:20]))
    other = format_note(checkpoint.text(), [sign_checkpoint(checkpoint, log_signer("510700"))])
    assert evidence_of(_note(20), other, [*keys, log_signer("510700").key], found_at=NOW) is not None
    with pytest.raises(InputError, match=r"log\.evidence_unsigned"):
        evidence_of(_note(20), other, keys, found_at=NOW)
    cosigned = format_note(checkpoint.text(), [cosign(checkpoint, KEYS[0], NOW)])
    assert evidence_of(_note(20), cosigned, keys, found_at=NOW) is not None


@given(size=st.integers(1, 300), data=st.data())
@settings(max_examples=30, deadline=None)
def test_the_first_entry_that_differs_is_found(size: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, size - 1))
    stores = []
    for altered in (False, True):
        store = LogStore(Disk())
        entries = [b"entry %d" % number for number in range(size)]
        if altered:
            entries[place:] = [b"other " + entry for entry in entries[place:]]
        store.append(entries)
        stores.append(store)
    left, right = stores
    difference = diagnose(left, right, size)
    assert difference is not None
    assert (difference.index, difference.right) == (place, b"other " + difference.left)
    assert diagnose(left, left, size) is None
    assert first_difference(left.node, right.node, place) is None


def _resolution(size: int, leaves: list[bytes], by: tuple[str, ...] = DIVISIONS[:4]) -> bytes:
    checkpoint = resolution_checkpoint(NETWORK, size, merkle.root(leaves[:size]))
    return format_note(checkpoint.text(), [cosign(checkpoint, signer, NOW) for city in by for signer in signers(city)])


def test_a_split_ends_by_a_note_of_two_thirds() -> None:
    evidence = evidence_of(_note(20), _note(20, OTHER), [log_signer().key], found_at=NOW)
    assert evidence is not None
    for leaves in (LEAVES, OTHER):
        verdict = verify_resolution(_resolution(20, leaves), NETWORK, evidence, network_policy())
        assert len(verdict.cosigned) == 8
    for data, code in (
        (_resolution(20, LEAVES, DIVISIONS[:3]), "log.policy_quorum"),
        (_resolution(21, LEAVES), "log.resolution_other"),
        (_resolution(20, [bytes(32)] * 20), "log.resolution_other"),
        (signed_checkpoint(20, merkle.root(LEAVES[:20])), "log.resolution_other"),
    ):
        with pytest.raises(InputError) as caught:
            verify_resolution(data, NETWORK, evidence, network_policy())
        assert caught.value.code == code


# ---- the durable store ----


def test_the_store_belongs_to_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "witness.db"
    keys = [signer.key for signer in KEYS]
    with pytest.raises(SetupError, match=r"log\.witness_lost"):
        WitnessStore.open(path, keys)
    WitnessStore.create(path, keys)
    with pytest.raises(ConflictError, match=r"log\.witness_exists"):
        WitnessStore.create(path, keys)
    with pytest.raises(SetupError, match=r"log\.witness_keys"):
        WitnessStore.open(path, [signer.key for signer in signers("510107")])
    assert WitnessStore.open(path, reversed(keys)).latest(ORIGIN) is None


def test_a_store_that_vanished_or_was_never_finished_is_lost(tmp_path: Path, state: WitnessStore) -> None:
    keys = [signer.key for signer in KEYS]
    (tmp_path / "witness.db").unlink()
    with pytest.raises(UnavailableError, match=r"log\.disk"):
        state.latest(ORIGIN)
    assert not (tmp_path / "witness.db").exists()
    (tmp_path / "witness.db").touch()
    with pytest.raises(SetupError, match=r"log\.witness_lost"):
        WitnessStore.open(tmp_path / "witness.db", keys)
    WitnessStore.create(tmp_path / "witness.db", keys)
    assert WitnessStore.open(tmp_path / "witness.db", keys).origins() == ()


def test_evidence_is_kept_although_the_log_has_a_new_key(state: WitnessStore) -> None:
    _ask(state, _request(0, 20))
    renewed = KeySigner.from_seed(ORIGIN, KeyType.LOG_ED25519, bytes(32))
    checkpoint = Checkpoint(ORIGIN, 20, merkle.root(OTHER[:20]))
    body = format_request(AddCheckpoint(20, (), format_note(checkpoint.text(), [sign_checkpoint(checkpoint, renewed)])))
    logs = {ORIGIN: WitnessedLog((renewed.key,), rebuilt=True)}
    answer = add_checkpoint(body, logs=logs, state=state, view=View(), signers=KEYS, now=NOW)
    assert answer.code == "log.split_view"
    assert len(state.evidence()) == 1


def test_what_was_cosigned_is_there_after_a_restart(tmp_path: Path, state: WitnessStore) -> None:
    _ask(state, _request(0, 20))
    again = WitnessStore.open(tmp_path / "witness.db", [signer.key for signer in KEYS])
    assert again.latest(ORIGIN) == Seen(20, merkle.root(LEAVES[:20]), _note(20))
    assert _ask(again, _request(0, 20)).body == b"20\n"


def test_of_two_requests_at_once_one_is_answered_409(state: WitnessStore) -> None:
    _ask(state, _request(0, 5))
    barrier = threading.Barrier(2)

    class Slow(View):
        def root_at(self, size: int) -> bytes | None:
            # Both have read the old state before either stores the new one.
            barrier.wait(timeout=20)
            return super().root_at(size)

    answers: dict[int, WitnessAnswer] = {}

    def ask(size: int) -> None:
        answers[size] = _ask(state, _request(5, size), view=Slow())

    threads = [threading.Thread(target=ask, args=(size,)) for size in (10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers.values()) == [200, 409]
    latest = state.latest(ORIGIN)
    assert latest is not None
    assert answers[latest.size].status == 200
    assert next(answer.body for answer in answers.values() if answer.status == 409) == b"%d\n" % latest.size


def test_an_answer_that_could_not_be_stored_is_not_given(tmp_path: Path, state: WitnessStore) -> None:
    lock = sqlite3.connect(tmp_path / "witness.db", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    impatient = WitnessStore(tmp_path / "witness.db", timeout=0.01)
    with pytest.raises(UnavailableError, match=r"log\.disk"):
        _ask(impatient, _request(0, 20))
    lock.execute("ROLLBACK")
    lock.close()
    assert state.latest(ORIGIN) is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE latest SET size = size - 1",
        "UPDATE latest SET root = zeroblob(32)",
        "UPDATE latest SET note = x'00'",
        "UPDATE latest SET digest = zeroblob(32)",
    ],
)
def test_a_changed_row_is_found_before_anything_is_signed(tmp_path: Path, state: WitnessStore, change: str) -> None:
    _ask(state, _request(0, 20))
    with sqlite3.connect(tmp_path / "witness.db") as database:
        database.execute(change)
    database.close()
    with pytest.raises(IntegrityError, match=r"witness\.db"):
        _ask(state, _request(20, 30))


def test_a_store_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "witness.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(IntegrityError, match=r"witness\.db"):
        WitnessStore.open(path, [signer.key for signer in KEYS])


def test_evidence_that_was_tampered_with_is_damaged(tmp_path: Path, state: WitnessStore) -> None:
    _ask(state, _request(0, 20, OTHER))
    with sqlite3.connect(tmp_path / "witness.db") as database:
        database.execute("UPDATE evidence SET resolution = x'00'")
    database.close()
    with pytest.raises(IntegrityError, match=r"witness\.db"):
        state.is_halted(NETWORK_SCOPE)
