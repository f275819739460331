"""Verifying with the network cable out: a receipt, a policy, and the files that are held against it.

Reads files and nothing else; needs no network, no database, no key, and imports neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ledger.domain.files import FileDigests, digests_of
from ledger.domain.limits import LIMITS
from ledger.domain.policies import parse_policy
from ledger.errors import InputError, NotFoundError
from ledger.wire.receipts import read_receipt
from ledger.wire.verification import Verdict, verify_receipt

__all__ = ["verify"]

_PIECE = 1024 * 1024


def verify(receipt: Path, policy: Path, files: Sequence[Path] = (), *, now: int) -> Verdict:
    """Check a receipt file against a policy file and, where given, the files themselves.

    Args:
        receipt: the receipt, as a window issued it.
        policy: the ``tlog-policy`` file of the network, had from elsewhere.
        files: the files that the receipt is about.
        now: POSIX seconds.

    Raises:
        NotFoundError: ``offline.missing``.
        InputError: ``offline.too_long``; what is malformed in receipt or policy.
    """
    parsed = read_receipt(_read(receipt, LIMITS.receipt_bytes))
    trusted = parse_policy(_read(policy, LIMITS.log_policy_bytes))
    return verify_receipt(parsed, trusted, [_digests(path) for path in files], now=now)


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (FileNotFoundError, IsADirectoryError):
        raise NotFoundError("offline.missing", file=path.name) from None
    if len(data) > limit:
        raise InputError("offline.too_long", file=path.name, limit=limit)
    return data


def _digests(path: Path) -> FileDigests:
    try:
        return digests_of(_pieces(path))
    except (FileNotFoundError, IsADirectoryError):
        raise NotFoundError("offline.missing", file=path.name) from None


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
