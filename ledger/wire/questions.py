"""What is asked of a city that verifies for somebody: a receipt, and the digests of the files that it is about.

A receipt alone is sent as it is. With files it stands in an object beside them; their content never leaves whoever asks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ledger.domain import canonical
from ledger.domain.files import FileDigests
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError
from ledger.wire.strict import Strict

__all__ = ["Question", "read_question"]

# How a receipt begins: its members are sorted. It is read once, by whoever reads receipts.
_RECEIPT: Final = b'{"absence":'
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_READ = Strict("receipts.question")


@dataclass(frozen=True, slots=True)
class Question:
    """The receipt's own bytes, and the files to hold against it."""

    receipt: bytes
    files: tuple[FileDigests, ...] = ()


def read_question(body: bytes) -> Question:
    """Read what was sent: a receipt, or ``{"receipt": …, "files": [{"size": …, "sha256": …, "sm3": …}]}``.

    What is neither is handed on as a receipt: whoever reads that says what is wrong with it.

    Raises:
        FormatError: ``receipts.question`` where the object has other members, or a file's are not what they must be.
    """
    if body.startswith(_RECEIPT):
        return Question(body)
    try:
        value = canonical.parse(body, limit=LIMITS.request_bytes)
    except FormatError:
        return Question(body)
    if not isinstance(value, dict) or "receipt" not in value:
        return Question(body)
    asked = _READ.fields(value, {"receipt", "files"})
    listed = _READ.items(asked["files"])
    if len(listed) > LIMITS.intake_files:
        raise _READ.wrong()
    return Question(canonical.encode(asked["receipt"]), tuple(_digests(item) for item in listed))


def _digests(value: canonical.JsonValue) -> FileDigests:
    told = _READ.fields(value, {"size", "sha256", "sm3"})
    return FileDigests(
        _READ.number(told["size"]), _READ.matching(told["sha256"], _DIGEST), _READ.matching(told["sm3"], _DIGEST)
    )
