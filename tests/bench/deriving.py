"""Holder keys and tree heads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from eth_account import Account

from ledger.domain import holders, merkle
from tests.bench.row import Row

__all__ = ["holder_keys", "tree_head"]

_WORDS = "abandon " * 11 + "about"


@contextmanager
def holder_keys(scale: int) -> Iterator[Row]:
    """Derive holder keys from one seed (BIP-32) against eth-account's HD derivation."""
    Account.enable_unaudited_hdwallet_features()
    node = holders.account(holders.master(bytes(64)), holders.Branch.MATERIAL, 0)
    count, theirs = 10_000 // scale, 100 // scale

    def ours() -> int:
        return len(holders.leaf_keys(node, 0, count))

    def peer() -> int:
        for index in range(theirs):
            Account.from_mnemonic(_WORDS, account_path=f"m/44'/60'/0'/0'/{index}")
        return theirs

    yield Row("eth-account HD derivation", 10.0, ours, peer)


@contextmanager
def tree_head(scale: int) -> Iterator[Row]:
    """Rebuild a tree's head from its entries against a plain hashlib loop that builds the same tree."""
    count = 1_000_000 // scale
    entries = [b"entry %d" % number for number in range(count)]
    known = merkle.root_of_entries(entries)

    def peer() -> int:
        level = [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
        while len(level) > 1:
            above = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
            level = above + ([level[-1]] if len(level) % 2 else [])
        if level[0] != known:
            raise SystemExit("the peer builds another tree")
        return count

    def ours() -> int:
        merkle.root_of_entries(entries)
        return count

    yield Row("hashlib loop, same tree", 0.9, ours, peer)
