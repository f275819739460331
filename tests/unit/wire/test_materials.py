from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ledger.domain import canonical
from ledger.domain.leaves import Holding
from ledger.errors import FormatError, InputError
from ledger.wire import materials
from ledger.wire.materials import (
    BatchManifest,
    BatchMaterial,
    MaterialDocument,
    SubjectAccount,
)

CID = "b" + "a" * 58
DOCUMENT = MaterialDocument(
    "m1",
    "p1",
    b'{"a":1}',
    ("WyJhIl0",),
    bytes(range(32)),
    ((b"\x01" * 32, b"\x02" * 32), (b"\x03" * 32,)),
    (SubjectAccount(Holding.SELF_HELD, "xpub1", 0), SubjectAccount(Holding.CUSTODY, "xpub2", 8, "c1", 3)),
)
BATCH = BatchManifest(
    3, tuple(bytes([n]) * 58 for n in range(4)), (BatchMaterial("m1", "identity-card", CID, ((2, 0), (1,))),)
)


def test_documents_survive_their_bytes() -> None:
    assert materials.decode_material(materials.encode_material(DOCUMENT)) == DOCUMENT
    assert materials.decode_batch(materials.encode_batch(BATCH)) == BATCH


def test_secrets_do_not_show() -> None:
    for secret in (DOCUMENT.key, DOCUMENT.blindings[0][0]):
        assert repr(secret)[2:-1] not in repr(DOCUMENT)


@pytest.mark.parametrize(
    ("holding", "person", "number"),
    [(Holding.CUSTODY, "", 0), (Holding.CUSTODY, "样本", 0), (Holding.SELF_HELD, "c1", 0), (Holding.SELF_HELD, "", 1)],
)
def test_only_keys_in_custody_are_somebodys_in_this_city(holding: Holding, person: str, number: int) -> None:
    with pytest.raises(InputError, match=r"materials\.account"):
        SubjectAccount(holding, "xpub", 0, person, number)


def changed(data: bytes, path: str, value: canonical.JsonValue) -> bytes:
    """Set a value at a path like ``materials.0.leaves``, or remove it where the value is None."""
    document = canonical.decode_object(data)
    *steps, last = path.split(".")
    node: Any = document
    for step in steps:
        node = node[int(step)] if isinstance(node, list) else node[step]
    if value is None:
        del node[last]
    else:
        node[int(last) if isinstance(node, list) else last] = value
    return canonical.encode(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("extra", 1),
        ("key", None),
        ("key", "AAAA"),
        ("key", "A" * 43),
        ("key", "A" * 42 + "B="),
        ("key", "é"),
        ("material", ""),
        ("material", "样本甲"),
        ("applicant", 1),
        ("record", 1),
        ("disclosures", "x"),
        ("disclosures", [1]),
        ("blindings", ["AAAA"]),
        ("blindings", ["", "A" * 43 + "="]),
        ("blindings", []),
        ("subjects", [1]),
        ("subjects.0.holding", 3),
        ("subjects.0.start", -1),
        ("subjects.0.person", "c1"),
        ("subjects.0.number", 1),
        ("subjects.1.person", ""),
        ("subjects.1.person", "样本甲"),
        ("subjects.0.extra", 1),
    ],
)
def test_material_documents_are_read_strictly(path: str, value: canonical.JsonValue) -> None:
    with pytest.raises(FormatError, match=r"materials.document"):
        materials.decode_material(changed(materials.encode_material(DOCUMENT), path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("extra", 1),
        ("member", "3"),
        ("entries", "AAAA"),
        ("entries", ""),
        ("materials", {}),
        ("materials.0.blob", "Qm"),
        ("materials.0.leaves", []),
        ("materials.0.leaves", [[]]),
        ("materials.0.leaves", [[0, 0]]),
        ("materials.0.leaves", [[4]]),
        ("materials.0.leaves", [[-1]]),
        ("materials.0.leaves", [[True]]),
    ],
)
def test_batch_manifests_are_read_strictly(path: str, value: canonical.JsonValue) -> None:
    with pytest.raises(FormatError, match=r"materials.document"):
        materials.decode_batch(changed(materials.encode_batch(BATCH), path, value))


def test_no_leaf_belongs_to_two_materials() -> None:
    twice = replace(BATCH, materials=BATCH.materials * 2)
    with pytest.raises(FormatError, match=r"materials.document"):
        materials.decode_batch(materials.encode_batch(twice))


def test_other_versions_are_named() -> None:
    for encoded, decode in (
        (materials.encode_material(DOCUMENT), materials.decode_material),
        (materials.encode_batch(BATCH), materials.decode_batch),
    ):
        with pytest.raises(FormatError, match=r"materials.document_version"):
            decode(changed(encoded, "format", "tongban/other/9"))
        with pytest.raises(FormatError, match=r"canonical.not_canonical"):
            decode(encoded.replace(b",", b", ", 1))
