"""The leaves of a batch: what the chain's root commits to, and nothing that tells whose they are.

A leaf entry has 58 bytes: version (0x01 self-held, 0x02 in custody of the anchoring member) ‖ holder address (20) ‖
valid-until (5, big-endian POSIX seconds, always the last second of a calendar quarter of China Standard Time, 0 for
none) ‖ commitment (32), which is SHA-256(0x02 ‖ 32 random bytes ‖ SHA-256 of the record's RFC 8785 form). Rounding
keeps an exact expiry from telling which paper it is; the exact date stands in the record.

A material has several one-time leaves, each with a holder key and random bytes of its own, so that two uses of it
cannot be joined. A batch is secretly permuted and padded with dummies, so that neither position nor size says how many
materials it holds.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import lru_cache
from typing import TypeAlias

from ledger.domain.limits import LIMITS
from ledger.domain.workdays import CHINA
from ledger.errors import FormatError, InputError

__all__ = [
    "BLINDING_BYTES",
    "ENTRY_BYTES",
    "BatchPlan",
    "Holding",
    "LeafEntry",
    "LeafRequest",
    "Randomness",
    "commit",
    "leaf_text",
    "padded_size",
    "plan_batch",
    "quarter_floor",
    "read_leaf",
    "record_digest",
    "verify_entry",
]

ENTRY_BYTES = 58
BLINDING_BYTES = 32
ADDRESS_BYTES = 20

# Gives that many bytes of cryptographic randomness; ``os.urandom`` in the product, a seeded stream in tests.
Randomness: TypeAlias = Callable[[int], bytes]

_sha256 = hashlib.sha256
_PLACE = re.compile(r"(0|[1-9][0-9]{0,19}):(0|[1-9][0-9]{0,9})")


class Holding(IntEnum):
    """Who keeps a leaf's holder key; the entry's version byte."""

    SELF_HELD = 1
    CUSTODY = 2


@dataclass(frozen=True, slots=True)
class LeafEntry:
    """The fields of one entry."""

    holding: Holding
    holder: bytes
    valid_until: int
    commitment: bytes

    def encode(self) -> bytes:
        """Return the 58 bytes.

        Raises:
            InputError: ``leaves.shape`` for an address or a commitment of another length, ``leaves.quarter`` for a
                time that is not a quarter's end.
        """
        if len(self.holder) != ADDRESS_BYTES or len(self.commitment) != 32:
            raise InputError("leaves.shape")
        if self.valid_until and quarter_floor(self.valid_until) != self.valid_until:
            raise InputError("leaves.quarter")
        return bytes((self.holding,)) + self.holder + self.valid_until.to_bytes(5, "big") + self.commitment

    @classmethod
    def decode(cls, data: bytes) -> LeafEntry:
        """Read an entry.

        Raises:
            FormatError: ``leaves.length``, ``leaves.version`` or ``leaves.quarter``.
        """
        if len(data) != ENTRY_BYTES:
            raise FormatError("leaves.length", size=len(data), expected=ENTRY_BYTES)
        if data[0] not in (Holding.SELF_HELD, Holding.CUSTODY):
            raise FormatError("leaves.version", version=data[0])
        valid_until = int.from_bytes(data[21:26], "big")
        if valid_until and not _is_quarter_end(valid_until):
            raise FormatError("leaves.quarter")
        return cls(Holding(data[0]), data[1:21], valid_until, data[26:])


@lru_cache(maxsize=4096)
def leaf_text(leaf: int) -> str:
    """Return a leaf, which contracts number ``batch << 32 | index``, as documents and people write it: ``batch:index``."""
    return f"{leaf >> 32}:{leaf & 0xFFFFFFFF}"


def read_leaf(text: str) -> int:
    """Read a leaf that is written ``batch:index``, in this one spelling of it.

    Raises:
        InputError: ``leaves.place``.
    """
    found = _PLACE.fullmatch(text)
    if not found or int(found[1]) >> 64 or int(found[2]) >> 32:
        raise InputError("leaves.place")
    return int(found[1]) << 32 | int(found[2])


def quarter_floor(timestamp: int) -> int:
    """Return the last second of the latest quarter (China Standard Time) that ends at or before ``timestamp``.

    A material that expires within the running quarter therefore gets a leaf that is no longer usable: it is to be
    renewed first.

    Raises:
        InputError: ``leaves.time`` for a time before 1970's second quarter or beyond the year 9999.
    """
    try:
        moment = datetime.fromtimestamp(timestamp + 1, CHINA)
    except (OverflowError, ValueError, OSError) as error:
        raise InputError("leaves.time") from error
    start = moment.replace(month=(moment.month - 1) // 3 * 3 + 1, day=1, hour=0, minute=0, second=0)
    floor = int(start.timestamp()) - 1
    if floor <= 0:
        raise InputError("leaves.time")
    return floor


def _is_quarter_end(timestamp: int) -> bool:
    try:
        return quarter_floor(timestamp) == timestamp
    except InputError:
        return False


def record_digest(record: bytes) -> bytes:
    """Return the SHA-256 digest of a record's RFC 8785 form."""
    return _sha256(record).digest()


def commit(blinding: bytes, digest: bytes) -> bytes:
    """Commit to a record: SHA-256(0x02 ‖ blinding ‖ record digest).

    The prefix keeps a commitment apart from leaves (0x00) and nodes (0x01); the blinding keeps anybody who guesses the
    record from confirming the guess on the chain.
    """
    return _sha256(b"\x02" + blinding + digest).digest()


def verify_entry(entry: LeafEntry, record: bytes, blinding: bytes) -> None:
    """Require that the entry commits to this record.

    Raises:
        InputError: ``leaves.commitment_mismatch``; ``leaves.shape`` for random bytes of another length.
    """
    if len(blinding) != BLINDING_BYTES:
        raise InputError("leaves.shape")
    if not hmac.compare_digest(commit(blinding, record_digest(record)), entry.commitment):
        raise InputError("leaves.commitment_mismatch")


def padded_size(real: int) -> int:
    """Return how many leaves a batch with ``real`` ones is filled up to.

    At least 256; then the next power of two, so that a size says little; from 4,096 on the next multiple of 4,096,
    because doubling a large batch would cost more than it hides.
    """
    if real <= LIMITS.batch_leaves_least:
        return LIMITS.batch_leaves_least
    step = min(1 << (real - 1).bit_length(), 4096)
    return -(-real // step) * step


@dataclass(frozen=True, slots=True)
class LeafRequest:
    """The leaves that one data subject needs for one material.

    Args:
        digest: SHA-256 of the record.
        expires: the record's own expiry, 0 for none; rounded here.
        holding: who keeps the keys.
        holders: one fresh address for each one-time leaf.
    """

    digest: bytes
    expires: int
    holding: Holding
    holders: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A batch ready to be anchored.

    ``entries`` stand in the secret order; ``blindings`` beside them (empty for a dummy); ``indices[r][k]`` is where the
    *k*-th holder of request *r* stands.
    """

    entries: tuple[bytes, ...]
    blindings: tuple[bytes, ...]
    indices: tuple[tuple[int, ...], ...]


def plan_batch(requests: Sequence[LeafRequest], rand: Randomness) -> BatchPlan:
    """Make the leaves of a batch: blind, pad with dummies, permute.

    A dummy repeats version and validity of some real leaf, and its address and commitment are random, which is what
    real ones look like to anybody without the record.

    Raises:
        InputError: ``leaves.none`` for a material without leaves or no material at all, ``leaves.shape``,
            ``leaves.too_many``.
    """
    real = sum(len(request.holders) for request in requests)
    if not requests or any(not request.holders for request in requests):
        raise InputError("leaves.none")
    size = padded_size(real)
    if size > LIMITS.batch_leaves:
        raise InputError("leaves.too_many", count=real, limit=LIMITS.batch_leaves)
    pool = rand(BLINDING_BYTES * real)
    entries: list[bytes] = []
    blindings: list[bytes] = []
    at = 0
    for request in requests:
        if len(request.digest) != 32 or any(len(holder) != ADDRESS_BYTES for holder in request.holders):
            raise InputError("leaves.shape")
        valid = (quarter_floor(request.expires) if request.expires else 0).to_bytes(5, "big")
        version = bytes((request.holding,))
        digest = request.digest
        for holder in request.holders:
            blinding = pool[at : at + BLINDING_BYTES]
            at += BLINDING_BYTES
            blindings.append(blinding)
            entries.append(version + holder + valid + _sha256(b"\x02" + blinding + digest).digest())
    entries += _dummies(entries, size - real, rand)
    blindings += [b""] * (size - real)
    order = _permutation(size, rand)
    places = [0] * size
    for place, origin in enumerate(order):
        places[origin] = place
    return BatchPlan(
        tuple([entries[origin] for origin in order]),
        tuple([blindings[origin] for origin in order]),
        _by_request(requests, places),
    )


def _dummies(entries: Sequence[bytes], count: int, rand: Randomness) -> list[bytes]:
    made = []
    pool = rand(60 * count)
    for at in range(0, 60 * count, 60):
        # 64 bits reduced by a number below 2**20: the bias is below 2**-44.
        model = entries[int.from_bytes(pool[at + 52 : at + 60], "big") % len(entries)]
        made.append(model[:1] + pool[at : at + 20] + model[21:26] + pool[at + 20 : at + 52])
    return made


def _permutation(size: int, rand: Randomness) -> list[int]:
    """Sort by random 64-bit keys: uniform but for ties, whose chance in the largest batch is below 2**-24."""
    keys = struct.unpack(f">{size}Q", rand(8 * size))
    return sorted(range(size), key=keys.__getitem__)


def _by_request(requests: Sequence[LeafRequest], places: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    found = []
    at = 0
    for request in requests:
        found.append(tuple(places[at : at + len(request.holders)]))
        at += len(request.holders)
    return tuple(found)
