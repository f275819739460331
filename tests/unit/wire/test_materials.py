from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from ledger.domain import canonical, envelopes, holders
from ledger.domain.holders import Branch
from ledger.domain.leaves import Holding
from ledger.errors import FormatError, InputError
from ledger.wire import materials
from ledger.wire.materials import (
    BatchManifest,
    BatchMaterial,
    MaterialDocument,
    SubjectAccount,
    Wallet,
    WalletLeaf,
    WalletMaterial,
)

CID = "b" + "a" * 58
DOCUMENT = MaterialDocument(
    "m1",
    "p1",
    b'{"a":1}',
    ("WyJhIl0",),
    bytes(range(32)),
    ((b"\x01" * 32, b"\x02" * 32), (b"\x03" * 32,)),
    (SubjectAccount(Holding.SELF_HELD, "xpub1", 0), SubjectAccount(Holding.CUSTODY, "xpub2", 8)),
)
BATCH = BatchManifest(3, tuple(bytes([n]) * 58 for n in range(4)), (BatchMaterial("m1", "identity-card", CID, ((2, 0), (1,))),))
WALLET = Wallet(
    2,
    (
        WalletMaterial(
            5, 1, b'{"a":1}', ("WyJhIl0",),
            (WalletLeaf("0x" + "ab" * 20, 7 << 32 | 300, 0, spent=False, blinding=b"\x01" * 32), WalletLeaf("0x" + "ab" * 20, 2**80, 1, spent=True, blinding=b"\x02" * 32)),
        ),
    ),
    (("0c" * 32, 4),),
)  # fmt: skip


def test_documents_survive_their_bytes() -> None:
    assert materials.decode_material(materials.encode_material(DOCUMENT)) == DOCUMENT
    assert materials.decode_batch(materials.encode_batch(BATCH)) == BATCH
    assert materials.decode_wallet(materials.encode_wallet(WALLET)) == WALLET
    assert materials.decode_wallet(materials.encode_wallet(Wallet(0, ()))) == Wallet(0, ())


def test_secrets_do_not_show() -> None:
    for secret in (DOCUMENT.key, DOCUMENT.blindings[0][0]):
        assert repr(secret)[2:-1] not in repr(DOCUMENT)
    assert repr(WALLET.materials[0].leaves[0].blinding)[2:-1] not in repr(WALLET)


def test_a_wallet_opens_under_its_versions_key_only() -> None:
    root = holders.master(os.urandom(32))
    keys = [holders.wallet_content_key(holders.account(root, Branch.WALLET, version)) for version in (2, 3)]
    sealed = materials.seal_wallet(WALLET, keys[0], os.urandom)
    assert materials.open_wallet([sealed], keys[0]) == WALLET
    with pytest.raises(InputError, match=r"envelopes.wrong_key"):
        materials.open_wallet([sealed], keys[1])


def test_a_wallet_that_is_too_long_is_not_read_into_memory() -> None:
    key = bytes(32)
    sealed = envelopes.encrypt([bytes(5 * 1024 * 1024)], key, os.urandom, context=materials.WALLET_FORMAT.encode())
    with pytest.raises(FormatError, match=r"canonical.too_long"):
        materials.open_wallet(sealed, key)


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


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("extra", 1),
        ("version", -1),
        ("cases", []),
        ("cases", {"00": "x"}),
        ("materials.0.record", "x"),
        ("materials.0.leaves.0.blinding", "00"),
        ("materials.0.leaves.0.contract", "0xAB"),
        ("materials.0.leaves.0.spent", 0),
        ("materials.0.leaves.0.leaf", "7"),
        ("materials.0.leaves.0.leaf", "07:1"),
        ("materials.0.leaves.0.leaf", "7:4294967296"),
        ("materials.0.leaves.0.leaf", "7:-1"),
    ],
)
def test_wallets_are_read_strictly(path: str, value: canonical.JsonValue) -> None:
    with pytest.raises(FormatError, match=r"materials.document"):
        materials.decode_wallet(changed(materials.encode_wallet(WALLET), path, value))


def test_other_versions_are_named() -> None:
    for encoded, decode in (
        (materials.encode_material(DOCUMENT), materials.decode_material),
        (materials.encode_batch(BATCH), materials.decode_batch),
        (materials.encode_wallet(WALLET), materials.decode_wallet),
    ):
        with pytest.raises(FormatError, match=r"materials.document_version"):
            decode(changed(encoded, "format", "tongban/other/9"))
        with pytest.raises(FormatError, match=r"canonical.not_canonical"):
            decode(encoded.replace(b",", b", ", 1))
