from __future__ import annotations

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.embedded.codec import encode
from ledger.chain.embedded.transactions import decode, floor_gas
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError
from tests.unit.chain.embedded.bench import CHAIN_ID, account, sign

SIGNER = account("decode")
TO = b"\x11" * 20
HALF = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
ORDER = 2 * HALF + 1


def read(raw: bytes):
    return decode(raw, chain_id=CHAIN_ID, gas_limit=30_000_000, limits=LIMITS)


def test_the_sender_is_whoever_signed():
    transaction, sender = read(sign(SIGNER, 3, TO, b"data"))
    assert sender.hex() == SIGNER.address[2:].lower()
    assert (transaction.nonce, transaction.data) == (3, b"data")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "engine.transaction_form"),
        (b"\xc0", "engine.transaction_form"),
        (b"\x02\xc0", "engine.transaction_form"),
        (b"\xf8" + b"\xff" * 40, "engine.transaction_form"),
        (b"\x03" + b"\x00" * 40, "engine.transaction_type"),
        (b"\x04" + b"\x00" * 40, "engine.transaction_type"),
        (b"\x7f" + b"\x00" * 40, "engine.transaction_type"),
        (bytes(LIMITS.engine_transaction_bytes + 1), "engine.transaction_size"),
    ],
)
def test_malformed_bytes_have_each_their_code(raw, code):
    with pytest.raises(FormatError, match=code):
        read(raw)


def test_trailing_bytes_are_refused():
    with pytest.raises(FormatError, match=r"engine\.transaction_form"):
        read(sign(SIGNER, 0, TO) + b"\0")


@pytest.mark.parametrize("fields", [{"chainId": 1}, {"chainId": 1, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0}])
def test_a_transaction_for_another_network_is_refused(fields):
    with pytest.raises(InputError, match=r"engine\.other_chain"):
        read(sign(SIGNER, 0, TO, **fields))


def test_a_signature_without_a_network_is_refused():
    unsigned = {"nonce": 0, "gas": 21_000, "gasPrice": 0, "value": 0, "data": b"", "to": TO}
    raw = bytes(Account.sign_transaction(unsigned, SIGNER.key).raw_transaction)
    with pytest.raises(InputError, match=r"engine\.other_chain"):
        read(raw)


def remade(raw: bytes, *, r: int | None = None, s: int | None = None, flip: bool = False) -> bytes:
    """The legacy transaction with another signature."""
    transaction, _ = read(raw)
    return encode(
        transaction.copy(
            # 35 + 2 * chain + parity: odd for an even point.
            v=transaction.v + (1 if transaction.v % 2 else -1) if flip else transaction.v,
            r=transaction.r if r is None else r,
            s=transaction.s if s is None else s,
        )
    )


def test_malleable_and_impossible_signatures_are_refused():
    raw = sign(SIGNER, 0, TO)
    transaction, _ = read(raw)
    for bad in (
        # The same signature in its other form: valid on the curve, refused since EIP-2.
        remade(raw, s=ORDER - transaction.s, flip=True),
        remade(raw, s=HALF + 1),
        remade(raw, r=0),
        remade(raw, s=0),
        remade(raw, r=ORDER),
    ):
        with pytest.raises(InputError, match=r"engine\.signature"):
            read(bad)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"gas": 20_999}, "engine.gas_too_low"),
        ({"gas": 30_000_001}, "engine.gas_too_high"),
        ({"maxFeePerGas": 1, "maxPriorityFeePerGas": 2}, "engine.fee_order"),
    ],
)
def test_fields_out_of_order(fields, code):
    with pytest.raises(InputError, match=code):
        read(sign(SIGNER, 0, TO, **fields))


def test_calldata_has_a_floor():
    data = b"\1" * 1_000 + b"\0" * 100
    assert floor_gas(data) == 21_000 + 40 * 1_000 + 10 * 100
    read(sign(SIGNER, 0, TO, data, gas=floor_gas(data)))
    with pytest.raises(InputError, match=r"engine\.gas_too_low"):
        read(sign(SIGNER, 0, TO, data, gas=floor_gas(data) - 1))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_crash_the_decoder(raw):
    with pytest.raises(InputError):
        read(raw)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 100), st.integers(0, 7))
def test_one_flipped_bit_is_never_the_same_transaction(position, bit):
    raw = bytearray(sign(SIGNER, 0, TO, b"abcdef"))
    raw[position % len(raw)] ^= 1 << bit
    try:
        _, sender = read(bytes(raw))
    except InputError:
        return
    assert sender.hex() != SIGNER.address[2:].lower()
