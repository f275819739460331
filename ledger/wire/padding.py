"""Padding: a document's length must not tell how much it says.

Four bytes of length, the document, zeros up to a multiple of the step.
"""

from __future__ import annotations

from ledger.errors import FormatError

__all__ = ["pad", "unpad"]

_LENGTH_BYTES = 4


def pad(document: bytes, step: int) -> bytes:
    """Return the document with its length in front and zeros behind, a multiple of ``step`` long."""
    content = len(document).to_bytes(_LENGTH_BYTES, "big") + document
    return content + bytes(-len(content) % step)


def unpad(content: bytes, step: int, code: str) -> bytes:
    """Return the document again.

    Raises:
        FormatError: ``code`` where it was not padded like this.
    """
    end = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "big")
    if not content or len(content) % step or end > len(content) or any(content[end:]):
        raise FormatError(code)
    return content[_LENGTH_BYTES:end]
