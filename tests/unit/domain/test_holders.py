from __future__ import annotations

import hashlib
import hmac

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import holders
from ledger.domain.holders import HARDENED, Branch, ExtendedPublic
from ledger.errors import FormatError, InputError

H = HARDENED
SEED = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
# Published vectors of BIP-32, numbers 1, 2 and 3: seed, path, xpub.
VECTORS = [
    (SEED.hex(), (), "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8"),
    (SEED.hex(), (H,), "xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw"),
    (SEED.hex(), (H, 1), "xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527Hqck2AxYysAA7xmALppuCkwQ"),
    (
        "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542",
        (0, 2147483647 | H, 1, 2147483646 | H, 2),
        "xpub6FnCn6nSzZAw5Tw7cgR9bi15UV96gLZhjDstkXXxvCLsUXBGXPdSnLFbdpq8p9HmGsApME5hQTZ3emM2rnY5agb9rXpVGyy3bdW6EEgAtqt",
    ),
    (
        "4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be",
        (H,),
        "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("seed", "path", "xpub"), VECTORS)
def test_published_vectors(seed: str, path: tuple[int, ...], xpub: str) -> None:
    node = holders.master(bytes.fromhex(seed)).derive(path).public()
    assert node == ExtendedPublic.decode(xpub)


def test_the_text_of_a_master_key_is_the_published_one() -> None:
    """Only a master key has an empty fingerprint of its own accord."""
    assert holders.master(SEED).public().encode() == VECTORS[0][2]


def test_accounts_of_one_seed_are_not_joined_by_their_text() -> None:
    root = holders.master(SEED)
    texts = [holders.account(root, Branch.MATERIAL, number).public().encode() for number in (0, 1)]
    for text, number in zip(texts, (0, 1), strict=True):
        node = ExtendedPublic.decode(text)
        assert (node.depth, node.number) == (4, number | H)
        assert node == holders.account(root, Branch.MATERIAL, number).public()
    raw = [_base58(text) for text in texts]
    assert raw[0][5:9] == raw[1][5:9] == bytes(4)


def _base58(text: str) -> bytes:
    number = 0
    for character in text:
        number = number * 58 + holders._BASE58.index(character)
    return number.to_bytes(82, "big")


@settings(max_examples=20, deadline=None)
@given(st.binary(min_size=16, max_size=64), st.integers(0, H - 1), st.integers(0, H - 6))
def test_city_and_holder_derive_the_same_addresses(seed: bytes, number: int, start: int) -> None:
    node = holders.account(holders.master(seed), Branch.MATERIAL, number)
    keys = holders.leaf_keys(node, start, 5)
    addresses = holders.leaf_addresses(ExtendedPublic.decode(node.public().encode()), start, 5)
    assert [holders.address_of(key) for key in keys] == addresses
    assert keys == [node.child(start + step).key for step in range(5)]
    assert len(set(addresses)) == 5
    child = node.public().child(start)
    assert child == node.child(start).public()


def test_keys_are_those_of_an_ordinary_wallet() -> None:
    words = "abandon " * 11 + "about"
    Account.enable_unaudited_hdwallet_features()
    seed = hashlib.pbkdf2_hmac("sha512", words.encode(), b"mnemonic", 2048)
    node = holders.account(holders.master(seed), Branch.CASE, 7)
    [key] = holders.leaf_keys(node, 3, 1)
    theirs = Account.from_mnemonic(words, account_path="m/44'/60'/1'/7'/3")
    assert key == bytes(theirs.key)
    assert holders.address_text(holders.address_of(key)) == theirs.address.lower()


def test_nothing_secret_is_shown() -> None:
    node = holders.master(SEED)
    assert node.key.hex() not in repr(node)
    assert repr(node.key) not in repr(node)
    assert repr(node.chain) not in repr(node)


def test_wallet_keys_differ_by_version_and_from_the_pointer_key() -> None:
    root = holders.master(SEED)
    nodes = [holders.account(root, Branch.WALLET, version) for version in (0, 1)]
    found = {holders.wallet_content_key(node) for node in nodes} | {node.child(0).key for node in nodes}
    assert len(found) == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "xprv" + "1" * 107,
        "xpub" + "0" * 107,
        "xpub" + "1" * 107,
        VECTORS[0][2][:-1] + "9",
        VECTORS[0][2] + "1",
        "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6LBpB85b3D2yc8sfvZU521AAwdZafEz7mnzBBsz4wKY5fTtTQBm",
        "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6Txnt3siSujt9RCVYsx4qHZGc62TG4McvMGcAUjeuwZdduYEvFn",
    ],
    ids=range(8),
)
def test_text_that_is_no_extended_public_key(text: str) -> None:
    """The last two are the invalid keys of BIP-32's vector 5: prefix 04 and a point not on the curve."""
    with pytest.raises(FormatError, match=r"holders.extended_key"):
        ExtendedPublic.decode(text)


def test_indices_and_lengths_are_bounded() -> None:
    root = holders.master(SEED)
    node = holders.account(root, Branch.MATERIAL, 0)
    with pytest.raises(InputError, match=r"holders.index"):
        node.public().child(H)
    for attempt in (
        lambda: node.child(2 * H),
        lambda: node.child(-1),
        lambda: holders.account(root, Branch.MATERIAL, H),
        lambda: holders.leaf_keys(node, H - 1, 2),
        lambda: holders.leaf_addresses(node.public(), -1, 2),
    ):
        with pytest.raises(InputError, match=r"holders.index"):
            attempt()
    for size in (0, 15, 65):
        with pytest.raises(InputError, match=r"holders.seed"):
            holders.master(bytes(size))
    for key in (bytes(32), b"\xff" * 32):
        with pytest.raises(InputError, match=r"holders.key"):
            holders.address_of(key)


def test_a_child_that_bip_32_calls_invalid_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    node = holders.master(SEED)
    monkeypatch.setattr(hmac, "digest", lambda *_: b"\xff" * 64)
    with pytest.raises(InputError, match=r"holders.index"):
        node.child(0)
    with pytest.raises(InputError, match=r"holders.index"):
        holders.leaf_keys(node, 0, 1)


def test_a_cases_key_is_found_by_its_address() -> None:
    root = holders.master(SEED)
    key = holders.leaf_keys(holders.account(root, Branch.CASE, 2), 0, 1)[0]
    address = holders.address_text(holders.address_of(key))
    assert holders.find_case_key(root, address, 3) == key
    assert holders.find_case_key(root, address, 2) is None
    # A material's key is no case's.
    other = holders.leaf_keys(holders.account(root, Branch.MATERIAL, 0), 0, 1)[0]
    assert holders.find_case_key(root, holders.address_text(holders.address_of(other)), 3) is None
