"""RFC 9162 trees: published vectors, the definition itself as an oracle, and proofs that must be refused."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import merkle
from ledger.errors import FormatError, InputError, LedgerError

VECTORS = Path(__file__).parents[2] / "vectors" / "tlog"

# The reference inputs and heads of the Certificate Transparency test suite.
CT_ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def _leaves(count: int) -> list[bytes]:
    return merkle.leaf_hashes(b"entry %d" % index for index in range(count))


def _definition(leaves: Sequence[bytes]) -> bytes:
    """Follow the text of RFC 9162, 2.1.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + _definition(leaves[:split]) + _definition(leaves[split:])).digest()


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / "tlog.json").read_text())
    return found


@pytest.mark.parametrize("size", range(9))
def test_heads_of_the_certificate_transparency_suite(size: int) -> None:
    assert merkle.root_of_entries(CT_ENTRIES[:size]).hex() == CT_ROOTS[size]


def test_heads_and_proofs_are_those_of_the_reference_implementation(vectors: dict[str, Any]) -> None:
    leaves = _leaves(600)
    edge = merkle.CompactRange()
    for size, expected in enumerate(vectors["roots"]):
        assert edge.root().hex() == expected
        assert edge.size == size
        edge = edge.extended(leaves[size : size + 1])
    for case in vectors["inclusion"]:
        proof = merkle.inclusion_proof(leaves[: case["size"]], case["index"])
        assert [value.hex() for value in proof] == case["proof"]
    for case in vectors["consistency"]:
        proof = merkle.consistency_proof(leaves[: case["new"]], case["old"])
        assert [value.hex() for value in proof] == case["proof"]
        merkle.verify_consistency(
            case["old"],
            case["new"],
            proof,
            bytes.fromhex(vectors["roots"][case["old"]]),
            bytes.fromhex(vectors["roots"][case["new"]]),
        )


def test_proofs_of_a_public_log_of_nearly_a_billion_entries() -> None:
    log = json.loads((VECTORS / "argon2020.json").read_text())
    decode = base64.b64decode
    path = [decode(value) for value in log["audit_path"]]
    head = decode(log["root"])
    merkle.verify_inclusion(decode(log["leaf_hash"]), log["leaf_index"], log["size"], path, head)
    proof = [decode(value) for value in log["consistency"]]
    merkle.verify_consistency(log["old_size"], log["size"], proof, decode(log["old_root"]), head)
    with pytest.raises(InputError, match=r"log\.inclusion_mismatch"):
        merkle.verify_inclusion(decode(log["leaf_hash"]), log["leaf_index"] + 1, log["size"], path, head)


@given(size=st.integers(0, 140), data=st.data())
@settings(max_examples=40, deadline=None)
def test_every_way_to_the_head_and_to_a_proof_agrees(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    head = _definition(leaves)
    tree = merkle.levels(leaves)
    old = data.draw(st.integers(0, size))

    def node(level: int, index: int) -> bytes:
        return _definition(leaves[index << level : (index + 1) << level])

    assert merkle.root(leaves) == head
    assert merkle.CompactRange().extended(leaves[:old]).extended(leaves[old:]).root() == head
    proof = merkle.consistency_proof(leaves, old)
    assert proof == merkle.consistency_proof_from(node, old, size)
    merkle.verify_consistency(old, size, proof, _definition(leaves[:old]), head)
    every = [merkle.inclusion_proof_from_levels(tree, index) for index in range(size)]
    for index, path in enumerate(every):
        merkle.verify_inclusion(leaves[index], index, size, path, head)
    if size:
        index = data.draw(st.integers(0, size - 1))
        assert every[index] == merkle.inclusion_proof(leaves, index) == merkle.inclusion_proof_from(node, index, size)


@given(size=st.integers(2, 64), data=st.data())
@settings(max_examples=80, deadline=None)
def test_whatever_is_changed_in_an_inclusion_proof_is_refused(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    index = data.draw(st.integers(0, size - 1))
    path = list(merkle.inclusion_proof(leaves, index))
    head = merkle.root(leaves)
    place = data.draw(st.integers(0, len(path) - 1))
    change = data.draw(
        st.sampled_from(["truncated", "extended", "flipped", "swapped", "index", "other leaf", "other head"])
    )
    leaf, at = leaves[index], index
    code = "log.inclusion_mismatch"
    match change:
        case "truncated":
            path, code = path[:-1], "log.proof_short"
        case "extended":
            path, code = [*path, path[-1]], "log.proof_long"
        case "flipped":
            path[place] = bytes([path[place][0] ^ 1]) + path[place][1:]
        case "swapped":
            leaf, path[0] = path[0], leaf
        case "index":
            at = data.draw(st.integers(0, size - 1).filter(lambda other: other != index))
            code = ""
        case "other leaf":
            leaf = leaves[(index + 1) % size]
        case _:
            head = merkle.root(leaves[:-1])
    with pytest.raises(InputError) as caught:
        merkle.verify_inclusion(leaf, at, size, path, head)
    assert not code or caught.value.code == code


@given(size=st.integers(2, 64), data=st.data())
@settings(max_examples=80, deadline=None)
def test_whatever_is_changed_in_a_consistency_proof_is_refused(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    old = data.draw(st.integers(1, size - 1))
    proof = list(merkle.consistency_proof(leaves, old))
    old_head, head = merkle.root(leaves[:old]), merkle.root(leaves)
    codes: set[str]
    match data.draw(st.sampled_from(["truncated", "extended", "flipped", "old head", "new head", "rewritten"])):
        case "truncated":
            proof, codes = proof[:-1], {"log.proof_short"}
        case "extended":
            proof, codes = [*proof, head], {"log.proof_long"}
        case "flipped":
            place = data.draw(st.integers(0, len(proof) - 1))
            proof[place] = bytes(32)
            codes = {"log.consistency_old", "log.consistency_new"}
        case "old head":
            old_head, codes = head, {"log.consistency_old", "log.consistency_new"}
        case "new head":
            head, codes = old_head, {"log.consistency_new"}
        case _:
            # Another history: the first entry was altered after the old head had been seen.
            other = [merkle.leaf_hash(b"altered"), *leaves[1:]]
            proof, head = list(merkle.consistency_proof(other, old)), merkle.root(other)
            codes = {"log.consistency_old", "log.consistency_new"}
    with pytest.raises(InputError) as caught:
        merkle.verify_consistency(old, size, proof, old_head, head)
    assert caught.value.code in codes


def test_an_inner_node_never_passes_for_a_leaf() -> None:
    leaves = _leaves(4)
    left, right = merkle.node_hash(*leaves[:2]), merkle.node_hash(*leaves[2:])
    head = merkle.root(leaves)
    # As an entry its bytes get the leaf's prefix, so the forged two-leaf tree has another head.
    with pytest.raises(InputError, match=r"log\.inclusion_mismatch"):
        merkle.verify_inclusion(merkle.leaf_hash(leaves[0] + leaves[1]), 0, 2, [right], head)
    # As a leaf hash it would need another size, which the checkpoint fixes.
    with pytest.raises(FormatError, match=r"log\.proof_short"):
        merkle.verify_inclusion(left, 0, 4, [right], head)


def test_a_duplicated_last_leaf_is_another_tree() -> None:
    leaves = _leaves(3)
    doubled = [*leaves, leaves[-1]]
    assert merkle.root(leaves) != merkle.root(doubled)
    with pytest.raises(InputError, match=r"log\.proof_long|log\.inclusion_mismatch"):
        merkle.verify_inclusion(leaves[2], 2, 3, merkle.inclusion_proof(doubled, 3), merkle.root(leaves))


@pytest.mark.parametrize(
    ("index", "size", "path", "code"),
    [
        (0, 0, [], "log.size_range"),
        (0, 2**63, [], "log.size_range"),
        (0, -1, [], "log.size_range"),
        (-1, 5, [], "log.index_range"),
        (5, 5, [], "log.index_range"),
        (2**200, 2**63 - 1, [], "log.index_range"),
        (0, 1, [bytes(32)], "log.proof_long"),
        (0, 2, [], "log.proof_short"),
        (0, 2, [bytes(31)], "log.hash_length"),
        (0, 2, [bytes(33)], "log.hash_length"),
        (0, 2**63 - 1, [bytes(32)] * 64, "log.proof_long"),
    ],
)
def test_shapes_that_no_tree_gives_are_refused(index: int, size: int, path: list[bytes], code: str) -> None:
    with pytest.raises(FormatError) as caught:
        merkle.verify_inclusion(bytes(32), index, size, path, bytes(32))
    assert caught.value.code == code


def test_the_longest_possible_proof_is_computed() -> None:
    size = 2**63 - 1
    assert len(merkle.inclusion_ranges(0, size)) == 63
    head = merkle.root_from_inclusion(bytes(32), 0, size, [bytes(32)] * 63)
    merkle.verify_inclusion(bytes(32), 0, size, [bytes(32)] * 63, head)


@pytest.mark.parametrize(
    ("old", "new", "old_head", "new_head", "code"),
    [
        (2, 1, bytes(32), bytes(32), "log.consistency_sizes"),
        (-1, 1, bytes(32), bytes(32), "log.size_range"),
        (1, 2**63, bytes(32), bytes(32), "log.size_range"),
        (0, 5, bytes(32), bytes(32), "log.consistency_old"),
        (5, 5, bytes(32), bytes(31) + b"\x01", "log.consistency_new"),
        (5, 5, bytes(31), bytes(31), "log.hash_length"),
    ],
)
def test_sizes_and_heads_that_do_not_fit_are_refused(
    old: int, new: int, old_head: bytes, new_head: bytes, code: str
) -> None:
    with pytest.raises(LedgerError) as caught:
        merkle.verify_consistency(old, new, [], old_head, new_head)
    assert caught.value.code == code


def test_proofs_of_what_is_not_there_are_not_made() -> None:
    leaves = _leaves(3)
    for call in (
        lambda: merkle.inclusion_proof(leaves, 3),
        lambda: merkle.inclusion_proof(leaves, -1),
        lambda: merkle.inclusion_ranges(0, 2**63),
        lambda: merkle.consistency_proof(leaves, 4),
        lambda: merkle.consistency_ranges(-1, 3),
        lambda: merkle.CompactRange(3, (bytes(32),)),
        lambda: merkle.CompactRange(1, (bytes(31),)),
        lambda: merkle.CompactRange(-1, ()),
    ):
        with pytest.raises(InputError):
            call()


def test_empty_trees() -> None:
    assert merkle.root([]) == merkle.EMPTY_ROOT == merkle.CompactRange().root()
    assert merkle.levels([]) == [[]]
    assert merkle.range_hash(lambda _level, _index: b"", 3, 3) == merkle.EMPTY_ROOT
    merkle.verify_consistency(0, 0, [], merkle.EMPTY_ROOT, merkle.EMPTY_ROOT)
