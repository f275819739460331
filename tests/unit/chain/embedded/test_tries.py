"""Storage tries with quicker nodes have py-trie's roots, values and errors."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rlp.codec import decode, encode
from trie.exceptions import MissingTrieNode
from trie.hexary import HexaryTrie

from ledger.chain.embedded.tries import SlotTrie, decode_node, encode_node

_ITEM = st.one_of(st.just(b""), st.binary(min_size=32, max_size=32), st.binary(max_size=80))
_NODE = st.one_of(
    st.lists(_ITEM, min_size=2, max_size=2),
    st.lists(st.one_of(_ITEM, st.lists(st.binary(max_size=12), min_size=2, max_size=2)), min_size=17, max_size=17),
)
# Keys of one length, as hashed slots are; many share a prefix, and short values make nodes that stand in place of their hash.
_KEY = st.one_of(
    st.sampled_from((b"\x01\x23\x45", b"\x01\x23\x46", b"\x01\x24\x45", b"\x11\x23\x45", b"\x01\x23\x55")),
    st.binary(min_size=3, max_size=3),
)
_CHANGES = st.lists(st.tuples(_KEY, st.one_of(st.just(b""), st.binary(min_size=1, max_size=40))), max_size=40)


@given(_NODE)
def test_nodes_are_those_of_any_rlp_codec(node):
    assert encode_node(node) == encode(node)
    assert decode_node(encode_node(node)) == decode(encode(node))


@settings(max_examples=80)
@given(_CHANGES, st.booleans(), st.integers(1, 9))
def test_a_trie_has_the_same_root_and_values_after_any_changes(changes, prune, together):
    ours, theirs = SlotTrie({}, prune=prune), HexaryTrie({}, prune=prune)
    for number, (key, value) in enumerate(changes):
        ours[key] = value
        theirs[key] = value
        assert ours[key] == theirs[key]
        if number % together == 0:
            assert ours.root_hash == theirs.root_hash
    assert ours.root_hash == theirs.root_hash
    written = HexaryTrie(ours.db, ours.root_hash)
    for key in {key for key, _ in changes} | {b"\x01\x23\x47", bytes(3)}:
        assert ours[key] == theirs[key] == written[key]
    if prune:
        assert ours.db == theirs.db


def test_a_missing_node_is_named_as_py_trie_names_it():
    whole = HexaryTrie({})
    for number in range(200):
        whole[bytes((number,)) * 32] = b"value %d" % number
    root = whole.root_hash
    below = decode_node(whole.db[root])[0]
    found = []
    for kind in (SlotTrie, HexaryTrie):
        trie = kind({key: value for key, value in whole.db.items() if key != below}, root_hash=root)
        with pytest.raises(MissingTrieNode) as caught:
            trie.get(bytes(32))
        found.append(
            (caught.value.missing_node_hash, caught.value.root_hash, caught.value.requested_key, caught.value.prefix)
        )
    assert found[0] == found[1]
