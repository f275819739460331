"""What a consent lets be seen: the document behind the ``disclosed`` digest of a consent.

The typed data that an applicant signs names leaves and a digest; this document says which fields of which leaf, and the
consent screen shows it in words. Whoever asks for a release shows it, and the custodian holds it against the consent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ledger.domain import canonical
from ledger.domain.leaves import leaf_text, read_leaf
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError

__all__ = ["FORMAT", "Disclosed", "new_disclosed", "read_disclosed"]

FORMAT = "tongban/disclosed/1"
_SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Disclosed:
    """Which fields of which leaf a consent discloses; leaves are ``batch << 32 | index``."""

    salt: bytes
    leaves: tuple[tuple[int, tuple[str, ...]], ...]

    def encode(self) -> bytes:
        """Return the canonical document."""
        leaves: list[canonical.JsonValue] = [
            {"fields": list(fields), "leaf": leaf_text(leaf)} for leaf, fields in self.leaves
        ]
        return canonical.encode({"format": FORMAT, "leaves": leaves, "salt": self.salt.hex()})

    @property
    def digest(self) -> bytes:
        """SHA-256 of the document: what the consent names."""
        return hashlib.sha256(self.encode()).digest()

    def fields(self, leaf: int) -> tuple[str, ...]:
        """Return the fields of one leaf that may be seen; none for a leaf that is not named."""
        return dict(self.leaves).get(leaf, ())


def new_disclosed(leaves: Mapping[int, tuple[str, ...]], random: Callable[[int], bytes]) -> Disclosed:
    """Make the document for a consent over these leaves.

    Raises:
        InputError: ``consents.nothing_disclosed`` where a leaf shows no field.
    """
    if not leaves or not all(leaves.values()):
        raise InputError("consents.nothing_disclosed")
    return Disclosed(random(_SALT_BYTES), tuple(sorted((leaf, tuple(sorted(names))) for leaf, names in leaves.items())))


def read_disclosed(document: bytes) -> Disclosed:
    """Read the document strictly.

    Raises:
        FormatError: ``consents.disclosed_form``, and the codes of canonical JSON.
    """
    if len(document) > LIMITS.paper_bytes:
        raise FormatError("consents.disclosed_form")
    value = canonical.decode(document)
    try:
        if not isinstance(value, dict) or set(value) != {"format", "leaves", "salt"} or value["format"] != FORMAT:
            raise FormatError("consents.disclosed_form")
        salt = bytes.fromhex(_text(value["salt"]))
        listed = value["leaves"]
        if len(salt) != _SALT_BYTES or not isinstance(listed, list):
            raise FormatError("consents.disclosed_form")
        disclosed = Disclosed(salt, tuple(_leaf(item) for item in listed))
    except (ValueError, KeyError, InputError):
        raise FormatError("consents.disclosed_form") from None
    if disclosed.encode() != document:
        raise FormatError("consents.disclosed_form")
    return disclosed


def _leaf(item: canonical.JsonValue) -> tuple[int, tuple[str, ...]]:
    if not isinstance(item, dict) or set(item) != {"fields", "leaf"} or not isinstance(item["fields"], list):
        raise FormatError("consents.disclosed_form")
    return read_leaf(_text(item["leaf"])), tuple(_text(name) for name in item["fields"])


def _text(value: canonical.JsonValue) -> str:
    if not isinstance(value, str):
        raise FormatError("consents.disclosed_form")
    return value
