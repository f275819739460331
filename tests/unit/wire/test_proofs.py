"""Proofs of logging: the reference implementation's files, and a corpus of proofs that must be refused."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import merkle, policies
from ledger.domain.notes import encode_base64, parse_vkey
from ledger.domain.policies import Policy, PolicyKey
from ledger.domain.status import AbsenceProof, StatusTree, verify_absence
from ledger.errors import FormatError, InputError, LedgerError
from ledger.wire import proofs
from tests.unit.log.network import DIVISIONS, network_policy, signed_checkpoint

VECTORS = Path(__file__).parents[2] / "vectors" / "tlog"

ENTRIES = [b"entry %d" % number for number in range(300)]
LEAVES = merkle.leaf_hashes(ENTRIES)
ROOT = merkle.root(LEAVES)
NOTE = signed_checkpoint(300, ROOT)
POLICY = network_policy()


def _proof(index: int) -> proofs.LogProof:
    return proofs.LogProof(index, merkle.inclusion_proof(LEAVES, index), NOTE)


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / "tlog.json").read_text())
    return found


def _reference_policy(vectors: dict[str, Any]) -> Policy:
    log, ed25519, ml_dsa = (parse_vkey(vectors["note"][name]) for name in ("log_vkey", "ed25519_vkey", "ml_dsa_vkey"))
    witnesses = (PolicyKey("a", ed25519), PolicyKey("b", ml_dsa))
    return Policy((PolicyKey(log.name, log),), witnesses, (policies.Group("both", 2, ("a", "b")),), "both")


@pytest.mark.parametrize(("name", "extra"), [("plain", None), ("extra", b"opaque")])
def test_files_of_the_reference_implementation_verify(vectors: dict[str, Any], name: str, extra: bytes | None) -> None:
    data = vectors["proof"][name].encode()
    proof = proofs.parse_proof(data)
    assert (proof.index, proof.extra) == (vectors["proof"]["index"], extra)
    assert proofs.format_proof(proof) == data
    trusted = proofs.verify_proof(vectors["proof"]["entry"].encode(), proof, _reference_policy(vectors))
    assert trusted.checkpoint.size == 600
    with pytest.raises(InputError, match=r"log\.inclusion_mismatch"):
        proofs.verify_proof(b"entry 301", proof, _reference_policy(vectors))


@given(st.integers(0, 299))
@settings(max_examples=30, deadline=None)
def test_every_entry_is_proven_by_its_own_file(index: int) -> None:
    data = proofs.format_proof(_proof(index))
    proof = proofs.parse_proof(data)
    assert proof == _proof(index)
    trusted = proofs.trust_checkpoint(proof.checkpoint, POLICY)
    proofs.verify_entry(ENTRIES[index], proof.index, proof.path, trusted)


def test_a_log_of_one_entry_needs_no_hash() -> None:
    note = signed_checkpoint(1, merkle.leaf_hash(b"only"))
    proof = proofs.parse_proof(proofs.format_proof(proofs.LogProof(0, (), note)))
    assert proof.path == ()
    assert proofs.verify_proof(b"only", proof, POLICY).checkpoint.size == 1


GOOD = proofs.format_proof(replace(_proof(7), extra=b"extra"))
HASH = encode_base64(_proof(7).path[0]).encode()

MALFORMED = {
    "empty": (b"", "log.proof_lines"),
    "no checkpoint": (GOOD.partition(b"\n\n")[0], "log.proof_lines"),
    "other header": (GOOD.replace(b"@v1", b"@v2"), "log.proof_header"),
    "no header": (GOOD.partition(b"\n")[2], "log.proof_header"),
    "no index": (GOOD.replace(b"index 7\n", b""), "log.proof_index"),
    "index without number": (GOOD.replace(b"index 7\n", b"index\n"), "log.proof_index"),
    "index before extra": (
        GOOD.replace(b"extra ZXh0cmE=\nindex 7\n", b"index 7\nextra ZXh0cmE=\n"),
        "log.base64",
    ),
    "index with a leading zero": (GOOD.replace(b"index 7", b"index 07"), "log.number"),
    "negative index": (GOOD.replace(b"index 7", b"index -7"), "log.number"),
    "hexadecimal index": (GOOD.replace(b"index 7", b"index 0x7"), "log.number"),
    "huge index": (GOOD.replace(b"index 7", b"index " + b"9" * 5000), "log.number"),
    "index above 2^63": (GOOD.replace(b"index 7", b"index %d" % 2**63), "log.number"),
    "malformed base64": (GOOD.replace(HASH, b"!" + HASH[1:]), "log.base64"),
    "base64 without padding": (GOOD.replace(HASH, HASH[:-1]), "log.base64"),
    "base64 with other last bits": (GOOD.replace(HASH, HASH[:-2] + b"B="), "log.base64"),
    "url-safe base64": (GOOD.replace(HASH, b"-_" + HASH[2:]), "log.base64"),
    "short hash": (GOOD.replace(HASH, base64.b64encode(bytes(31))), "log.hash_length"),
    "long hash": (GOOD.replace(HASH, base64.b64encode(bytes(33))), "log.hash_length"),
    "too many hashes": (GOOD.replace(HASH, b"\n".join([HASH] * 64)), "log.proof_long"),
    "carriage returns": (GOOD.replace(b"\n", b"\r\n"), "log.proof_lines"),
    "not UTF-8": (GOOD.replace(b"index", b"ind\xff"), "log.note_utf8"),
    "extra is not base64": (GOOD.replace(b"ZXh0cmE=", b"extra"), "log.base64"),
    "extra too long": (GOOD.replace(b"ZXh0cmE=", base64.b64encode(bytes(70_000))), "log.proof_extra"),
    "too long": (GOOD + b"x" * 300_000, "log.proof_size"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_are_refused(name: str) -> None:
    data, code = MALFORMED[name]
    assert data != GOOD
    with pytest.raises(FormatError) as caught:
        proofs.parse_proof(data)
    assert caught.value.code == code


def _altered(**changes: Any) -> proofs.LogProof:
    return replace(_proof(7), **changes)


_PATH = _proof(7).path
_OTHER = merkle.leaf_hashes([b"altered", *ENTRIES[1:]])

FORGED = {
    "another entry": (b"entry 8", _proof(7), "log.inclusion_mismatch"),
    "another index": (ENTRIES[7], _altered(index=8), "log.inclusion_mismatch"),
    "an index outside": (ENTRIES[7], _altered(index=300), "log.index_range"),
    "truncated": (ENTRIES[7], _altered(path=_PATH[:-1]), "log.proof_short"),
    "extended": (ENTRIES[7], _altered(path=(*_PATH, ROOT)), "log.proof_long"),
    "swapped siblings": (ENTRIES[7], _altered(path=(_PATH[1], _PATH[0], *_PATH[2:])), "log.inclusion_mismatch"),
    "an inner node as entry": (
        LEAVES[6] + LEAVES[7],
        _altered(index=3, path=_PATH[1:]),
        "log.proof_short",
    ),
    "an inner node with a padded path": (
        LEAVES[6] + LEAVES[7],
        _altered(index=7, path=_PATH),
        "log.inclusion_mismatch",
    ),
    "another tree": (ENTRIES[7], _altered(path=merkle.inclusion_proof(_OTHER, 7)), "log.inclusion_mismatch"),
    "a duplicated last leaf": (
        ENTRIES[299],
        proofs.LogProof(299, merkle.inclusion_proof([*LEAVES, LEAVES[299]], 300), NOTE),
        "log.proof_short",
    ),
    "the path of a smaller tree": (
        ENTRIES[7],
        _altered(path=merkle.inclusion_proof(LEAVES[:200], 7)),
        "log.proof_short",
    ),
    "a checkpoint of another size": (
        ENTRIES[7],
        _altered(checkpoint=signed_checkpoint(200, ROOT)),
        "log.proof_long",
    ),
    "a checkpoint that nobody signed": (
        ENTRIES[7],
        _altered(checkpoint=NOTE.replace(b"\n300\n", b"\n301\n")),
        "log.signature_invalid",
    ),
    "too few cities": (
        ENTRIES[7],
        _altered(checkpoint=signed_checkpoint(300, ROOT, by=DIVISIONS[:3])),
        "log.policy_quorum",
    ),
    "another log": (
        ENTRIES[7],
        _altered(checkpoint=NOTE.replace(b"/510107\n", b"/510108\n")),
        "log.policy_log",
    ),
    "a hash of another length": (ENTRIES[7], _altered(path=(b"x", *_PATH[1:])), "log.hash_length"),
    "no checkpoint": (ENTRIES[7], _altered(checkpoint=b""), "log.note_malformed"),
    "an empty tree": (ENTRIES[7], _altered(checkpoint=signed_checkpoint(0, ROOT)), "log.size_range"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_proofs_are_refused(name: str) -> None:
    entry, proof, code = FORGED[name]
    with pytest.raises(InputError) as caught:
        proofs.verify_proof(entry, proof, POLICY)
    assert caught.value.code == code


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_flipped_bit_in_a_file_is_refused_or_changes_nothing_that_counts(data: st.DataObject) -> None:
    plain = proofs.format_proof(_proof(7))
    place = data.draw(st.integers(0, len(plain) - 1))
    flipped = bytearray(plain)
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        proof = proofs.parse_proof(bytes(flipped))
        proofs.verify_proof(ENTRIES[7], proof, POLICY)
    except LedgerError as error:
        outcome = error.code
    else:
        # A cosigner's line that became somebody else's is ignored, and four of five are enough.
        outcome = "log.ignored"
        assert (proof.index, proof.path) == (7, _PATH)
        assert proofs.trust_checkpoint(proof.checkpoint, POLICY).checkpoint.root == ROOT
    assert outcome.startswith("log.")


def test_status_proofs_travel_as_json() -> None:
    tree = StatusTree.of(merkle.leaf_hash(b"%d" % number) for number in range(20))
    for name in (b"absent", b"also absent", b"not there"):
        identifier = merkle.leaf_hash(name)
        proof = tree.absence_proof(identifier)
        again = proofs.absence_from_json(json.loads(json.dumps(proofs.absence_to_json(proof))))
        assert again == proof
        verify_absence(identifier, again, tree.size, tree.root())
    empty = AbsenceProof(None, None)
    assert proofs.absence_from_json(proofs.absence_to_json(empty)) == empty


_NEIGHBOUR = {"identifier": encode_base64(bytes(32)), "index": "0", "path": []}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "log.proof_json"),
        ([], "log.proof_json"),
        ({"left": None}, "log.proof_json"),
        ({"left": None, "right": None, "more": None}, "log.proof_json"),
        ({"left": 1, "right": None}, "log.proof_json"),
        ({"left": {**_NEIGHBOUR, "more": 1}, "right": None}, "log.proof_json"),
        ({"left": {**_NEIGHBOUR, "index": 0}, "right": None}, "log.proof_json"),
        ({"left": {**_NEIGHBOUR, "index": "00"}, "right": None}, "log.number"),
        ({"left": {**_NEIGHBOUR, "identifier": "AAAA"}, "right": None}, "log.hash_length"),
        ({"left": {**_NEIGHBOUR, "path": "x"}, "right": None}, "log.proof_json"),
        ({"left": {**_NEIGHBOUR, "path": [1]}, "right": None}, "log.proof_json"),
        ({"left": {**_NEIGHBOUR, "path": ["!"]}, "right": None}, "log.base64"),
        ({"left": {**_NEIGHBOUR, "path": [encode_base64(bytes(32))] * 64}, "right": None}, "log.proof_long"),
    ],
)
def test_malformed_status_proofs_are_refused(value: Any, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        proofs.absence_from_json(value)
    assert caught.value.code == code


def test_verifying_needs_domain_and_wire_only() -> None:
    program = (
        "import sys, ledger.wire.proofs\n"
        "print(sorted({name.split('.')[1] for name in sys.modules if name.startswith('ledger.')}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['domain', 'errors', 'wire']"
