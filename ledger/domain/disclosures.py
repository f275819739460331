"""Disclosures of RFC 9901: the salted statements that open one field of a record each.

A disclosure is base64url(JSON [salt, name, value]) and its digest is taken over that text, so whatever spelling of the
JSON the issuer chose stays valid: the bytes are not rebuilt, only read.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from typing import TYPE_CHECKING

import pybase64

from ledger.domain import canonical
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["disclosure_digest", "disclosure_digests", "parse_disclosure", "select_disclosures"]

_DISCLOSURE = re.compile(r"[A-Za-z0-9_-]+")
_DIGEST_CHARS = 43
# What a text lacks to a whole number of base64's groups, by its length modulo four; one character too many is an error.
_PADDING = ("", "===", "==", "=")
_MOST_CHARS = 2 * LIMITS.record_field_bytes
# Members by which RFC 9901 itself marks digests.
_NOT_NAMES = frozenset({"_sd", "..."})
_sha256 = hashlib.sha256


def disclosure_digest(disclosure: str) -> str:
    """Return the digest that stands in ``_sd`` for a disclosure: base64url(SHA-256(its ASCII text)), RFC 9901, 4.2.3."""
    return disclosure_digests([disclosure.encode("ascii")])[0]


def disclosure_digests(texts: Iterable[bytes]) -> list[str]:
    """Return the digests of many disclosures, each given as its ASCII text."""
    sha256 = _sha256
    # 33 bytes make 44 characters without padding, so one call encodes them all; the filler's character is left out.
    joined = b"".join([sha256(text).digest() + b"\x00" for text in texts])
    encoded = pybase64.urlsafe_b64encode(joined).decode("ascii")
    return [encoded[at : at + _DIGEST_CHARS] for at in range(0, len(encoded), _DIGEST_CHARS + 1)]


def parse_disclosure(disclosure: str) -> tuple[str, str, canonical.JsonValue]:
    """Split a disclosure into salt, name and value.

    Raises:
        FormatError: ``records.disclosure``, or a code of ``canonical`` for its JSON.
    """
    if len(disclosure) > _MOST_CHARS or not _DISCLOSURE.fullmatch(disclosure):
        raise FormatError("records.disclosure")
    try:
        content = pybase64.b64decode(disclosure + _PADDING[len(disclosure) & 3], b"-_", validate=True)
    except binascii.Error as error:
        raise FormatError("records.disclosure") from error
    array = canonical.parse(content)
    if not isinstance(array, list) or len(array) != 3:
        raise FormatError("records.disclosure")
    salt, name, value = array
    if not isinstance(salt, str) or not isinstance(name, str) or name in _NOT_NAMES:
        raise FormatError("records.disclosure")
    return salt, name, value


def select_disclosures(disclosures: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """Choose the disclosures of exactly these fields, in their order: least necessity.

    Raises:
        InputError: ``records.field_missing`` for a field that the material does not have.
    """
    by_name = {parse_disclosure(disclosure)[1]: disclosure for disclosure in disclosures}
    chosen = []
    for name in names:
        if name not in by_name:
            raise InputError("records.field_missing", field=name[:64])
        chosen.append(by_name[name])
    return tuple(chosen)
