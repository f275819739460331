"""Encodings that everybody shares are the ones that others compute."""

from __future__ import annotations

import pytest
import rlp.codec
from eth_bloom.bloom import BloomFilter
from hypothesis import given, settings
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from ledger.chain.abi import data_of, quantity, rlp_encode
from ledger.chain.verification import BloomProbe, _trie_root
from ledger.errors import IntegrityError


def _library(value: object) -> bytes:
    return bytes(rlp.codec.encode(value))


_ITEMS = st.recursive(
    st.one_of(st.binary(max_size=70), st.integers(0, 2**260)), lambda inner: st.lists(inner, max_size=6), max_leaves=30
)


@settings(max_examples=150, deadline=None)
@given(_ITEMS)
def test_rlp_is_that_of_the_library(value):
    assert rlp_encode(value) == _library(value)


def test_long_values_too():
    for value in (b"x" * 55, b"x" * 56, b"x" * 70_000, [b"x" * 300] * 300, 0, 127, 128, b"", []):
        assert rlp_encode(value) == _library(value)


def _root_key_by_key(pairs: dict[bytes, bytes]) -> bytes:
    trie = HexaryTrie({})
    for key, value in pairs.items():
        trie[key] = value
    return bytes(trie.root_hash)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=90), max_size=150))
def test_a_trie_built_at_once_has_the_root_of_one_built_key_by_key(values):
    pairs = {_library(index): value for index, value in enumerate(values)}
    assert _trie_root(list(pairs.items())) == _root_key_by_key(pairs)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.binary(min_size=1, max_size=3), st.binary(min_size=1, max_size=40), max_size=40))
def test_whatever_the_keys(pairs):
    assert _trie_root(list(pairs.items())) == _root_key_by_key(pairs)


def test_numbers_and_bytes_of_an_engine_are_read_strictly():
    assert quantity("0x1a") == 26
    assert data_of("0x00ff") == b"\x00\xff"
    for value in (None, 7, "", "0x", "0xzz", "0x_1", " 0x1", "1a", ["0x1"], "-0x1", "0x1 "):
        with pytest.raises(IntegrityError):
            quantity(value)
    for other in (None, 7, "", "ff", "0xf", "0xzz", "0x f0", b"0x00"):
        with pytest.raises(IntegrityError):
            data_of(other)


def test_a_bloom_filter_says_no_only_where_there_is_nothing():
    ours, theirs = "0x" + "11" * 20, "0x" + "22" * 20
    bloom = int(BloomFilter.from_iterable([bytes.fromhex(ours[2:]), b"topic"])).to_bytes(256, "big")
    assert BloomProbe([ours]).may_hold(bloom)
    assert BloomProbe([theirs, ours]).may_hold(bloom)
    assert not BloomProbe([theirs]).may_hold(bloom)
    assert not BloomProbe([]).may_hold(bloom)
