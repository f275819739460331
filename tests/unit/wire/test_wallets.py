from __future__ import annotations

import os
from typing import Any

import pytest

from ledger.domain import canonical, envelopes, holders
from ledger.domain.holders import Branch
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError
from ledger.wire import wallets
from ledger.wire.wallets import Wallet, WalletLeaf, WalletMaterial

CONTRACT, CASE = "0x" + "ab" * 20, "0c" * 32
WALLET = Wallet(
    2,
    (
        WalletMaterial(
            "m1",
            5,
            1,
            b'{"a":1}',
            ("WyJhIl0",),
            (
                WalletLeaf(CONTRACT, 7 << 32 | 300, 0, b"\x01" * 32, (b"\x02" * 32, b"\x03" * 32)),
                WalletLeaf(CONTRACT, 2**80, 1, b"\x04" * 32, (), CASE),
            ),
            (b"receipt",),
        ),
    ),
    ((CASE, 4),),
    6,
    5,
)


def test_wallets_survive_their_bytes() -> None:
    assert wallets.decode_wallet(wallets.encode_wallet(WALLET)) == WALLET
    assert wallets.decode_wallet(wallets.encode_wallet(Wallet())) == Wallet()
    assert [leaf.spent for leaf in WALLET.materials[0].leaves] == [False, True]


def test_secrets_do_not_show() -> None:
    for secret in (b"\x01" * 32, b"receipt", b'{"a":1}'):
        assert repr(secret)[2:-1] not in repr(WALLET)


def test_a_wallet_opens_under_its_versions_key_only() -> None:
    root = holders.master(os.urandom(32))
    keys = [holders.wallet_content_key(holders.account(root, Branch.WALLET, version)) for version in (2, 3)]
    sealed = wallets.seal_wallet(WALLET, keys[0], os.urandom)
    assert wallets.open_wallet([sealed], keys[0]) == WALLET
    with pytest.raises(InputError, match=r"envelopes\.wrong_key"):
        wallets.open_wallet([sealed], keys[1])


def test_the_length_tells_little() -> None:
    sizes = {len(wallets.seal_wallet(wallet, bytes(32), os.urandom)) for wallet in (Wallet(), WALLET)}
    assert sizes == {envelopes.sealed_size(LIMITS.wallet_step_bytes)}


def test_a_wallet_that_is_too_long_is_neither_written_nor_read_into_memory() -> None:
    many = tuple(f"{'x' * 60_000}{number}" for number in range(80))
    large = Wallet(0, (WalletMaterial("m1", 0, 0, b"{}", many, ()),))
    with pytest.raises(InputError, match=r"wallets\.too_large"):
        wallets.seal_wallet(large, bytes(32), os.urandom)
    sealed = envelopes.encrypt([bytes(5 * 1024 * 1024)], bytes(32), os.urandom, context=wallets.FORMAT.encode())
    with pytest.raises(FormatError, match=r"canonical\.too_long"):
        wallets.open_wallet(sealed, bytes(32))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x00\x00\x01{",
        b"\xff\xff\xff\xff" + bytes(LIMITS.wallet_step_bytes - 4),
        b"\x00\x00\x00\x02{}" + bytes(LIMITS.wallet_step_bytes - 7) + b"\x01",
    ],
)
def test_padding_is_read_strictly(content: bytes) -> None:
    sealed = envelopes.encrypt([content], bytes(32), os.urandom, context=wallets.FORMAT.encode())
    with pytest.raises(FormatError):
        wallets.open_wallet(sealed, bytes(32))


def changed(path: str, value: canonical.JsonValue) -> bytes:
    """Set a value at a path like ``materials.0.leaves``."""
    document = canonical.decode_object(wallets.encode_wallet(WALLET))
    *steps, last = path.split(".")
    node: Any = document
    for step in steps:
        node = node[int(step)] if isinstance(node, list) else node[step]
    node[int(last) if isinstance(node, list) else last] = value
    return canonical.encode(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("extra", 1),
        ("version", -1),
        ("next_case", "1"),
        ("next_material", True),
        ("cases", []),
        ("cases", {"00": 1}),
        ("cases", {CASE: "x"}),
        ("materials", {}),
        ("materials.0.material", "样本甲"),
        ("materials.0.record", "x"),
        ("materials.0.record", "AB=="),
        ("materials.0.receipts", ["é"]),
        ("materials.0.disclosures", [1]),
        ("materials.0.leaves.0.blinding", "00"),
        ("materials.0.leaves.0.contract", "0xAB"),
        ("materials.0.leaves.0.case", "0c"),
        ("materials.0.leaves.0.proof", ["00"]),
        ("materials.0.leaves.0.proof", ["0C" * 32]),
        ("materials.0.leaves.0.leaf", "7"),
        ("materials.0.leaves.0.leaf", "07:1"),
        ("materials.0.leaves.0.leaf", "7:4294967296"),
        ("materials.0.leaves.0.leaf", "7:-1"),
    ],
)
def test_wallets_are_read_strictly(path: str, value: canonical.JsonValue) -> None:
    with pytest.raises(FormatError, match=r"wallets\.document$"):
        wallets.decode_wallet(changed(path, value))


def test_other_versions_are_named() -> None:
    with pytest.raises(FormatError, match=r"wallets\.document_version"):
        wallets.decode_wallet(changed("format", "tongban/other/9"))
    with pytest.raises(FormatError, match=r"canonical\.not_canonical"):
        wallets.decode_wallet(wallets.encode_wallet(WALLET).replace(b",", b", ", 1))
