"""Checking what an engine sends, as far as its formats allow.

With standard Ethereum headers (the embedded engine's are) a node believes very little: the header's hash is computed
again from its RLP, and it commits to the parent, to the time, to the bloom filter of all logs and to the receipts. A
block whose bloom filter speaks of none of our contracts therefore holds none of their events, and for any other block
the receipts root is computed again from all its receipts: no event can be added, changed or left out. Receipts do not
commit to the hash of their transaction, which is therefore named among the things not verified.

Kaia derives header hashes and receipts roots in ways of its own (``deriveShaImpl``); of such an engine only the links
between blocks are checked, and ``unverified`` says so in every report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from ledger.chain.abi import data_of, keccak, quantity, rlp_encode
from ledger.errors import IntegrityError

__all__ = ["BloomProbe", "LinkedHeaders", "StandardHeaders", "Verification", "header_hash", "receipts_root"]

# Fields of a header in the order of its RLP. The later ones came with hard forks, each only after all before it.
_NUMBERS = frozenset(
    {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas"}
)
_FIELDS = (
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty",
    "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce",
)  # fmt: skip
_FORKS = (
    "baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash",
)  # fmt: skip
_EMPTY_TRIE = keccak(rlp_encode(b""))


class Verification(Protocol):
    """What can be checked of one kind of engine."""

    @property
    def unverified(self) -> tuple[str, ...]:
        """Names of the checks that this kind of engine does not allow."""
        ...

    @property
    def complete(self) -> bool:
        """Whether headers prove which blocks hold our events; else the engine is asked for them."""
        ...

    def check_header(self, header: Mapping[str, Any]) -> None:
        """Check one header by itself.

        Raises:
            IntegrityError: ``chain.header_false``.
        """
        ...

    def check_receipts(self, header: Mapping[str, Any], receipts: Sequence[Mapping[str, Any]]) -> None:
        """Check that these are all the receipts of the block.

        Raises:
            IntegrityError: ``chain.receipts_false``.
        """
        ...


class StandardHeaders:
    """Ethereum's own headers: headers, links, receipts and events are checked."""

    unverified: tuple[str, ...] = ("transaction_hash",)
    complete = True

    def check_header(self, header: Mapping[str, Any]) -> None:
        """Compute the header's hash again.

        Raises:
            IntegrityError: ``chain.header_false``.
        """
        if header_hash(header) != data_of(header["hash"]):
            raise IntegrityError("chain.header_false", block=quantity(header["number"]))

    def check_receipts(self, header: Mapping[str, Any], receipts: Sequence[Mapping[str, Any]]) -> None:
        """Compute the receipts root again.

        Raises:
            IntegrityError: ``chain.receipts_false``.
        """
        if receipts_root(receipts) != data_of(header["receiptsRoot"]):
            raise IntegrityError("chain.receipts_false", block=quantity(header["number"]))


class LinkedHeaders:
    """Headers in a format of the engine's own: only their links are checked, by whoever reads them."""

    unverified: tuple[str, ...] = ("header_hash", "receipts_root", "transaction_hash")
    complete = False

    def check_header(self, header: Mapping[str, Any]) -> None:
        """Nothing can be checked of one such header."""

    def check_receipts(self, header: Mapping[str, Any], receipts: Sequence[Mapping[str, Any]]) -> None:
        """Nothing can be checked of its receipts."""


def header_hash(header: Mapping[str, Any]) -> bytes:
    """The Keccak digest of a header's RLP.

    Raises:
        IntegrityError: ``chain.answer_malformed``: a field is missing.
    """
    names = [*_FIELDS, *(name for name in _FORKS if header.get(name) is not None)]
    try:
        values = [quantity(header[name]) if name in _NUMBERS else data_of(header[name]) for name in names]
    except KeyError as error:
        raise IntegrityError("chain.answer_malformed") from error
    return keccak(rlp_encode(values))


# ---- receipts -------------------------------------------------------------------------------------------------------


def receipts_root(receipts: Sequence[Mapping[str, Any]]) -> bytes:
    """The root of the trie of a block's receipts, which a standard header commits to."""
    return _trie_root([(rlp_encode(index), _receipt(receipt)) for index, receipt in enumerate(receipts)])


def _receipt(receipt: Mapping[str, Any]) -> bytes:
    try:
        logs = [
            [data_of(log["address"]), [data_of(topic) for topic in log["topics"]], data_of(log["data"])]
            for log in receipt["logs"]
        ]
        body = rlp_encode(
            [quantity(receipt["status"]), quantity(receipt["cumulativeGasUsed"]), data_of(receipt["logsBloom"]), logs]
        )
        kind = quantity(receipt.get("type", "0x0"))
    except (KeyError, TypeError) as error:
        raise IntegrityError("chain.answer_malformed") from error
    return body if kind == 0 else bytes([kind]) + body


def _trie_root(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """The root of Ethereum's Merkle Patricia trie over some pairs, built at once instead of key by key."""
    if not pairs:
        return _EMPTY_TRIE
    nibbles = [(tuple(part for byte in key for part in (byte >> 4, byte & 15)), value) for key, value in pairs]
    return keccak(rlp_encode(_trie_node(sorted(nibbles), 0)))


def _trie_node(pairs: Sequence[tuple[tuple[int, ...], bytes]], depth: int) -> list[Any]:
    first, last = pairs[0][0], pairs[-1][0]
    if len(pairs) == 1:
        return [_compact(first[depth:], leaf=True), pairs[0][1]]
    # The pairs are sorted: what the first and the last have in common, all have.
    common = depth
    while common < len(first) and common < len(last) and first[common] == last[common]:
        common += 1
    if common > depth:
        return [_compact(first[depth:common], leaf=False), _reference(_trie_node(pairs, common))]
    branch: list[Any] = [b""] * 17
    for nibble in range(16):
        inside = [pair for pair in pairs if len(pair[0]) > depth and pair[0][depth] == nibble]
        if inside:
            branch[nibble] = _reference(_trie_node(inside, depth + 1))
    if len(first) == depth:
        branch[16] = pairs[0][1]
    return branch


def _reference(node: list[Any]) -> Any:  # noqa: ANN401  # RLP's own kind of value: bytes, or a list of them
    encoded = rlp_encode(node)
    return node if len(encoded) < 32 else keccak(encoded)


def _compact(nibbles: Sequence[int], *, leaf: bool) -> bytes:
    """Hex-prefix encoding of a path."""
    flag = 2 if leaf else 0
    path = [flag + 1, *nibbles] if len(nibbles) % 2 else [flag, 0, *nibbles]
    return bytes(path[at] << 4 | path[at + 1] for at in range(0, len(path), 2))


# ---- bloom filters --------------------------------------------------------------------------------------------------


class BloomProbe:
    """Asks bloom filters whether a block can hold a log of any of some contracts."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._masks = [_bloom_bits(bytes.fromhex(address[2:])) for address in addresses]

    def may_hold(self, bloom: bytes) -> bool:
        """Whether such a log is possible; no means that there is none."""
        bits = int.from_bytes(bloom)
        return any(bits & mask == mask for mask in self._masks)


def _bloom_bits(value: bytes) -> int:
    digest = keccak(value)
    bits = 0
    for at in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[at : at + 2]) & 2047)
    return bits
