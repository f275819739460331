"""EIP-712: the same digests as eth-account gives, for every message; signatures by the contracts' rules."""

from __future__ import annotations

import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import typed
from ledger.errors import FormatError, InputError

CONTRACT = "0x" + "ab" * 20
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
bytes32 = st.binary(min_size=32, max_size=32)


def value_of(kind: str) -> st.SearchStrategy[typed.Value]:
    if kind.endswith("[]"):
        return st.lists(fields_of(kind.removesuffix("[]")), max_size=4)
    if kind.startswith("uint"):
        return st.integers(0, 2 ** int(kind[4:]) - 1)
    if kind == "address":
        return st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
    return bytes32


def fields_of(kind: str) -> st.SearchStrategy[typed.Fields]:
    return st.fixed_dictionaries({name: value_of(type_) for name, type_ in typed.STRUCTS[kind]})


@pytest.mark.parametrize("kind", sorted(typed.STRUCTS.keys() - {"Leaf", "Grantee"}))
def test_digests_are_those_of_eth_account(kind):
    @given(fields_of(kind), st.integers(1, 2**31))
    def compare(fields, chain_id) -> None:
        message = encode_typed_data(full_message=typed.full_message(kind, fields, chain_id, CONTRACT))
        assert typed.digest(kind, fields, chain_id, CONTRACT) == _hash_eip191_message(message)

    compare()


def test_a_wallet_signature_recovers_and_ours_is_the_same():
    key = bytes(range(1, 33))
    fields = {"consent": bytes(32)}
    message = encode_typed_data(full_message=typed.full_message("ConsentRevocation", fields, 7, CONTRACT))
    theirs = Account.sign_message(message, key)
    digest = typed.digest("ConsentRevocation", fields, 7, CONTRACT)
    assert typed.sign(digest, key) == bytes(theirs.signature)
    assert typed.recover(digest, bytes(theirs.signature)) == Account.from_key(key).address.lower()


def test_the_twin_with_high_s_is_refused():
    digest = bytes(32)
    good = typed.sign(digest, bytes(range(1, 33)))
    high = ORDER - int.from_bytes(good[32:64], "big")
    with pytest.raises(FormatError):
        typed.recover(digest, good[:32] + high.to_bytes(32, "big") + bytes((55 - good[64],)))


@pytest.mark.parametrize("signature", [b"", bytes(65), bytes(64) + b"\x1b", b"\xff" * 32 + bytes(31) + b"\x01\x1b"])
def test_what_is_no_signature_is_refused(signature):
    with pytest.raises(FormatError):
        typed.recover(bytes(32), signature)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("Leaf", {"batch": 2**64, "index": 0}),
        ("Leaf", {"batch": -1, "index": 0}),
        ("Leaf", {"batch": True, "index": 0}),
        ("Leaf", {"batch": 1}),
        ("Leaf", {"batch": 1, "other": 0}),
        ("ConsentRevocation", {"consent": bytes(31)}),
        ("ConsentRevocation", {"consent": "0x"}),
        ("Nothing", {}),
    ],
)
def test_what_does_not_fit_is_refused(kind, fields):
    with pytest.raises(InputError):
        typed.digest(kind, fields, 1, CONTRACT)


@pytest.mark.parametrize("contract", ["", "0x", "0xzz", "ab" * 20])
def test_a_contract_that_is_no_address_is_refused(contract):
    with pytest.raises(InputError):
        typed.digest("ConsentRevocation", {"consent": bytes(32)}, 1, contract)


def test_a_list_must_be_one():
    fields = {name: bytes(32) for name, _ in typed.STRUCTS["Consent"]}
    with pytest.raises(InputError):
        typed.digest("Consent", fields, 1, CONTRACT)
