"""What one city delivers to another's inbox: a sealed document, what sort it is, and what it is about."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass

from ledger.domain import canonical
from ledger.errors import FormatError

__all__ = ["FORMAT", "Delivery", "decode_delivery", "encode_delivery"]

FORMAT = "tongban/delivery/1"
_KIND = re.compile(r"[a-z][a-z_-]{0,31}")
_SUBJECT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A document for another city: ``sealed`` opens with that city's key alone, ``subject`` is 32 bytes."""

    kind: str
    subject: bytes
    sealed: bytes


def encode_delivery(delivery: Delivery) -> bytes:
    """Write a delivery."""
    return canonical.encode(
        {
            "format": FORMAT,
            "kind": delivery.kind,
            "sealed": b64encode(delivery.sealed).decode(),
            "subject": delivery.subject.hex(),
        }
    )


def decode_delivery(data: bytes) -> Delivery:
    """Read a delivery.

    Raises:
        FormatError: ``peers.delivery``, and the codes of canonical JSON.
    """
    document = canonical.decode_object(data)
    kind, subject, sealed = (document.get(name) for name in ("kind", "subject", "sealed"))
    if document.get("format") != FORMAT or len(document) != 4 or not isinstance(sealed, str):
        raise FormatError("peers.delivery")
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise FormatError("peers.delivery")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise FormatError("peers.delivery")
    try:
        return Delivery(kind, bytes.fromhex(subject), b64decode(sealed, validate=True))
    except binascii.Error:
        raise FormatError("peers.delivery") from None
