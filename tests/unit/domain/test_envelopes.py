from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import envelopes
from ledger.domain.envelopes import HEADER_BYTES, Suite
from ledger.errors import FormatError, InputError, IntegrityError, LedgerError

KEY = bytes(range(32))
CHUNK = 1 << 16


def seeded(seed: int = 1) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes  # noqa: S311 -- repeatable tests


def sealed(content: bytes, suite: Suite = Suite.AES_256_GCM, context: bytes = b"") -> bytes:
    return b"".join(envelopes.encrypt([content], KEY, seeded(), suite=suite, context=context, chunk_bits=16))


def opened(data: Iterable[bytes] | bytes, key: bytes = KEY, context: bytes = b"") -> bytes:
    return b"".join(envelopes.decrypt([data] if isinstance(data, bytes) else data, key, context=context))


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([0, 1, 15, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7]),
    st.sampled_from(Suite),
    st.lists(st.integers(0, 2 * CHUNK), max_size=5),
    st.lists(st.integers(0, 2 * CHUNK), max_size=5),
)
def test_content_comes_back_however_it_is_cut(size: int, suite: Suite, written: list[int], read: list[int]) -> None:
    content = seeded(size)(size)
    stored = b"".join(
        envelopes.encrypt(cut(content, written), KEY, seeded(), suite=suite, context=b"file.0", chunk_bits=16)
    )
    assert len(stored) == envelopes.sealed_size(size, 16)
    assert opened(cut(stored, read), context=b"file.0") == content


@pytest.mark.parametrize("suite", Suite)
def test_the_content_does_not_show(suite: Suite) -> None:
    content = "样本甲的户口簿".encode() * 100
    first, second = (b"".join(envelopes.encrypt([content], KEY, os.urandom, suite=suite)) for _ in range(2))
    assert content[:21] not in first
    assert first[:6] == second[:6]
    assert first[6:HEADER_BYTES] != second[6:HEADER_BYTES]
    assert first[HEADER_BYTES:] != second[HEADER_BYTES:]


def _flip(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


STEP = CHUNK + 16
BODY = HEADER_BYTES


@pytest.mark.parametrize("suite", Suite)
@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda _: b"", "envelopes.header"),
        (lambda data: data[: BODY - 1], "envelopes.header"),
        (lambda data: b"PDF" + data[3:], "envelopes.header"),
        (lambda data: data[:3] + b"\x02" + data[4:], "envelopes.version"),
        (lambda data: data[:4] + b"\x09" + data[5:], "envelopes.suite"),
        (lambda data: data[:5] + b"\x1f" + data[6:], "envelopes.chunk_size"),
        (lambda data: data[:5] + b"\x11" + data[6:], "envelopes.wrong_key"),
        (_flip(10), "envelopes.wrong_key"),
        (_flip(BODY - 1), "envelopes.wrong_key"),
        (_flip(BODY), "envelopes.damaged"),
        (_flip(BODY + STEP + 5), "envelopes.damaged"),
        (_flip(-1), "envelopes.damaged"),
        (lambda data: data[:BODY], "envelopes.truncated"),
        (lambda data: data[: BODY + 10], "envelopes.truncated"),
        (lambda data: data[: BODY + STEP], "envelopes.truncated"),
        (lambda data: data[: BODY + 2 * STEP], "envelopes.truncated"),
        (lambda data: data[:-1], "envelopes.damaged"),
        (lambda data: data + b"\x00", "envelopes.damaged"),
        (lambda data: data[:BODY] + data[BODY + STEP :], "envelopes.damaged"),
        (
            lambda data: (
                data[:BODY] + data[BODY + STEP : BODY + 2 * STEP] + data[BODY : BODY + STEP] + data[BODY + 2 * STEP :]
            ),
            "envelopes.damaged",
        ),
        (lambda data: data[: BODY + STEP] + data[BODY:], "envelopes.damaged"),
    ],
    ids=range(21),
)
def test_every_change_is_found(suite: Suite, spoil: Callable[[bytes], bytes], code: str) -> None:
    content = seeded()(2 * CHUNK + 100)
    with pytest.raises(LedgerError) as caught:
        opened(spoil(sealed(content, suite)))
    assert caught.value.code == code


def test_what_is_appended_after_a_whole_last_chunk_is_named() -> None:
    stored = sealed(bytes(2 * CHUNK))
    with pytest.raises(IntegrityError) as caught:
        opened(stored + b"more")
    assert caught.value.code == "envelopes.extended"
    assert caught.value.facts == {"chunk": 1}


def test_nothing_is_yielded_of_a_damaged_chunk() -> None:
    stored = _flip(BODY + STEP)(sealed(b"a" * CHUNK + b"b" * CHUNK))
    found: list[bytes] = []
    with pytest.raises(IntegrityError):
        found.extend(envelopes.decrypt([stored], KEY))
    assert b"b" not in b"".join(found)


@pytest.mark.parametrize(("key", "context"), [(bytes(32), b"file.0"), (KEY, b"file.1"), (KEY, b"")])
def test_another_key_or_context_is_told_from_damage(key: bytes, context: bytes) -> None:
    with pytest.raises(InputError, match=r"envelopes.wrong_key"):
        opened(sealed(b"content", context=b"file.0"), key, context)


def test_suites_are_not_interchangeable() -> None:
    stored = sealed(b"content", Suite.AES_256_GCM)
    with pytest.raises(InputError, match=r"envelopes.wrong_key"):
        opened(stored[:4] + bytes((Suite.SM4_GCM,)) + stored[5:])


def test_memory_stays_small() -> None:
    """A chunk goes out before the second next piece is asked for."""
    asked: list[int] = []

    def pieces() -> Iterable[bytes]:
        for number in range(50):
            asked.append(number)
            yield bytes(CHUNK)

    for count, _ in enumerate(envelopes.encrypt(pieces(), KEY, seeded(), chunk_bits=16)):
        assert len(asked) - count <= 2
    assert len(asked) == 50


@pytest.mark.parametrize(
    ("key", "bits", "code"), [(b"", 16, "key_length"), (KEY, 15, "chunk_size"), (KEY, 21, "chunk_size")]
)
def test_wrong_arguments(key: bytes, bits: int, code: str) -> None:
    with pytest.raises(InputError, match=rf"envelopes.{code}"):
        envelopes.encrypt([], key, seeded(), chunk_bits=bits)


def test_an_envelope_has_at_most_two_to_the_32_chunks() -> None:
    state, _ = envelopes._stream(Suite.AES_256_GCM, bytes(38), KEY, b"")
    with pytest.raises(InputError, match=r"envelopes.too_long"):
        state.nonce(2**32, last=False)


def test_keys_do_not_show() -> None:
    state, _ = envelopes._stream(Suite.AES_256_GCM, bytes(38), KEY, b"")
    assert repr(state.key) not in repr(state)
    assert len(envelopes.new_key(os.urandom)) == 32


def test_a_short_envelope_is_a_format_error() -> None:
    with pytest.raises(FormatError, match=r"envelopes.header"):
        opened([])
