"""The status tree: what is in it can be shown, what is not can be shown too, and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import merkle
from ledger.domain.status import (
    AbsenceProof,
    Neighbour,
    PresenceProof,
    StatusKind,
    StatusTree,
    leaf_status_identifier,
    status_identifier,
    verify_absence,
    verify_presence,
)
from ledger.errors import FormatError, InputError

CONTRACT = "0x" + "ab" * 20


def _identifier(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def _tree(count: int) -> StatusTree:
    return StatusTree.of(_identifier(number) for number in range(count))


numbers = st.sets(st.integers(0, 60), max_size=12)


@given(st.lists(st.tuples(numbers, numbers), max_size=6))
@settings(max_examples=60, deadline=None)
def test_any_history_of_changes_gives_the_tree_over_what_is_left(changes: list[tuple[set[int], set[int]]]) -> None:
    tree = StatusTree()
    present: set[bytes] = set()
    for inserted, removed in changes:
        insert, remove = {_identifier(n) for n in inserted}, {_identifier(n) for n in removed}
        tree = tree.changed(insert=insert, remove=remove)
        present = (present | insert) - remove
    assert list(tree.identifiers) == sorted(present)
    assert tree.size == len(present)
    assert tree.root() == merkle.root_of_entries(sorted(present))
    for number in range(61):
        identifier = _identifier(number)
        assert (identifier in tree) == (identifier in present)
        if identifier in present:
            verify_presence(identifier, tree.presence_proof(identifier), tree.size, tree.root())
            with pytest.raises(InputError, match=r"log\.status_present"):
                tree.absence_proof(identifier)
        else:
            verify_absence(identifier, tree.absence_proof(identifier), tree.size, tree.root())
            with pytest.raises(InputError, match=r"log\.status_absent"):
                tree.presence_proof(identifier)


def test_a_change_leaves_the_older_tree_as_it_was() -> None:
    before = _tree(9)
    root = before.root()
    after = before.changed(insert=[_identifier(100)])
    assert before.root() == root
    assert after.root() != root
    assert before.changed(insert=[_identifier(3)]) is before
    assert before.changed(remove=[_identifier(100)]) is before
    # What is added and removed in one change is not there.
    assert before.changed(insert=[_identifier(100)], remove=[_identifier(100)]) is before


def test_no_proof_of_absence_for_what_is_present_can_be_put_together() -> None:
    tree = _tree(8)
    target = tree.identifiers[3]
    size, head = tree.size, tree.root()

    def neighbour(index: int) -> Neighbour:
        return Neighbour(tree.identifiers[index], tree.presence_proof(tree.identifiers[index]))

    forged = [
        (AbsenceProof(neighbour(2), neighbour(4)), "log.status_adjacent"),
        (AbsenceProof(neighbour(3), neighbour(4)), "log.status_order"),
        (AbsenceProof(neighbour(2), neighbour(3)), "log.status_order"),
        (AbsenceProof(None, neighbour(4)), "log.status_adjacent"),
        (AbsenceProof(neighbour(2), None), "log.status_adjacent"),
        (AbsenceProof(None, None), "log.status_neighbour_missing"),
        (AbsenceProof(neighbour(4), neighbour(2)), "log.status_order"),
    ]
    left, right = neighbour(2), neighbour(4)
    lying = replace(right, proof=replace(right.proof, index=3))
    forged.append((AbsenceProof(left, lying), "log.inclusion_mismatch"))
    for proof, code in forged:
        with pytest.raises(InputError) as caught:
            verify_absence(target, proof, size, head)
        assert caught.value.code == code
    with pytest.raises(InputError, match=r"log\.status_empty"):
        verify_absence(target, AbsenceProof(None, None), 0, head)


def test_a_proof_holds_for_its_own_tree_only() -> None:
    tree, later = _tree(8), _tree(9)
    absent = _identifier(500)
    proof = tree.absence_proof(absent)
    verify_absence(absent, proof, tree.size, tree.root())
    with pytest.raises(InputError):
        verify_absence(absent, proof, later.size, later.root())
    with pytest.raises(InputError):
        verify_absence(absent, proof, tree.size, later.root())
    shown = tree.presence_proof(tree.identifiers[0])
    with pytest.raises(InputError, match=r"log\.inclusion_mismatch"):
        verify_presence(tree.identifiers[1], shown, tree.size, tree.root())


def test_an_empty_tree_proves_every_absence_and_nothing_more() -> None:
    tree = StatusTree()
    proof = tree.absence_proof(_identifier(1))
    assert proof == AbsenceProof(None, None)
    verify_absence(_identifier(1), proof, 0, merkle.EMPTY_ROOT)
    stray = Neighbour(_identifier(2), PresenceProof(0, ()))
    with pytest.raises(InputError, match=r"log\.status_empty"):
        verify_absence(_identifier(1), AbsenceProof(stray, None), 0, merkle.EMPTY_ROOT)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_identifiers_of_another_length_are_refused(length: int) -> None:
    tree = _tree(3)
    odd = bytes(length)
    with pytest.raises(InputError, match=r"log\.status_identifier"):
        tree.changed(insert=[odd])
    with pytest.raises(InputError, match=r"log\.status_identifier"):
        tree.absence_proof(odd)
    with pytest.raises(FormatError, match=r"log\.status_identifier"):
        verify_absence(odd, AbsenceProof(None, None), tree.size, tree.root())
    with pytest.raises(FormatError, match=r"log\.status_identifier"):
        verify_presence(odd, PresenceProof(0, ()), tree.size, tree.root())


def test_identifiers_tell_kind_contract_and_key_apart() -> None:
    known = {status_identifier(kind, CONTRACT, b"\x01" * 32) for kind in StatusKind}
    assert len(known) == len(StatusKind)
    assert status_identifier(StatusKind.LEAF, CONTRACT, b"") != status_identifier(
        StatusKind.LEAF, "0x" + "ac" * 20, b""
    )
    assert status_identifier(StatusKind.LEAF, CONTRACT.upper().replace("0X", "0x"), b"") == status_identifier(
        StatusKind.LEAF, CONTRACT, b""
    )
    assert leaf_status_identifier(CONTRACT, 1, 2) != leaf_status_identifier(CONTRACT, 2, 1)
    assert leaf_status_identifier(CONTRACT, 7, 3) == status_identifier(
        StatusKind.LEAF, CONTRACT, bytes(7) + b"\x07" + bytes(7) + b"\x03"
    )
    # Frozen: other cities' trees depend on it.
    assert (
        leaf_status_identifier(CONTRACT, 7, 3).hex()
        == hashlib.sha256(
            b"tongban-ledger/status/v1\nleaf\n" + b"\xab" * 20 + (7).to_bytes(8, "big") + (3).to_bytes(8, "big")
        ).hexdigest()
    )


@pytest.mark.parametrize("address", ["", "0x", "0x12", "0x" + "zz" * 20, "0x" + "ab" * 21])
def test_a_malformed_contract_is_refused(address: str) -> None:
    with pytest.raises(InputError, match=r"log\.status_contract"):
        status_identifier(StatusKind.CONSENT, address, b"")
