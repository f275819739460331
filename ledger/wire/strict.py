"""Reading documents strictly: exactly the members that a format has, each of its type, nothing else.

Each document has one code for whatever is wrong with its form: which member it is helps an attacker more than a reader.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass

from ledger.domain import canonical
from ledger.domain.leaves import read_leaf
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError

__all__ = ["Strict", "base64_text", "is_kind"]

_HEX = re.compile(r"(?:[0-9a-f]{2})*")


def base64_text(data: bytes) -> str:
    """Write bytes as base64."""
    return b64encode(data).decode("ascii")


def is_kind(data: bytes, named: str) -> bool:
    """Whether a document says that it is of this format, in whatever version. Nothing else of it is read.

    Raises:
        FormatError: codes of ``canonical``.
    """
    return _same_kind(canonical.decode_object(data, limit=LIMITS.case_document_bytes).get("format"), named)


def _same_kind(written: canonical.JsonValue, named: str) -> bool:
    return isinstance(written, str) and written.rpartition("/")[0] == named.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Strict:
    """Reads values of one kind of document.

    Raises:
        FormatError: ``code``, by every method.
    """

    code: str

    def wrong(self) -> FormatError:
        """Return the error to raise."""
        return FormatError(self.code)

    def document(
        self, value: canonical.JsonValue, members: set[str], *, named: str, otherwise: str
    ) -> canonical.JsonObject:
        """Read a document of a format with exactly these members, ``format`` among them.

        Raises:
            FormatError: ``otherwise`` where it is of another version of the format.
        """
        written = value.get("format") if isinstance(value, dict) else None
        if written != named:
            raise FormatError(otherwise, expected=named) if _same_kind(written, named) else self.wrong()
        return self.fields(value, members)

    def fields(self, value: canonical.JsonValue, members: set[str]) -> canonical.JsonObject:
        """Read an object with exactly these members."""
        if not isinstance(value, dict) or set(value) != members:
            raise self.wrong()
        return value

    def items(self, value: canonical.JsonValue) -> list[canonical.JsonValue]:
        """Read a list."""
        if not isinstance(value, list):
            raise self.wrong()
        return value

    def text(self, value: canonical.JsonValue) -> str:
        """Read text."""
        if not isinstance(value, str):
            raise self.wrong()
        return value

    def matching(self, value: canonical.JsonValue, pattern: re.Pattern[str]) -> str:
        """Read text of a certain form."""
        text = self.text(value)
        if not pattern.fullmatch(text):
            raise self.wrong()
        return text

    def number(self, value: canonical.JsonValue) -> int:
        """Read a whole number that is not negative."""
        if type(value) is not int or value < 0:
            raise self.wrong()
        return value

    def flag(self, value: canonical.JsonValue) -> bool:
        """Read yes or no."""
        if not isinstance(value, bool):
            raise self.wrong()
        return value

    def hex(self, value: canonical.JsonValue, size: int = 0) -> bytes:
        """Read bytes in lowercase hex; with ``size``, exactly so many."""
        data = bytes.fromhex(self.matching(value, _HEX))
        if size and len(data) != size:
            raise self.wrong()
        return data

    def base64(self, value: canonical.JsonValue) -> bytes:
        """Read bytes in base64, in its one canonical spelling."""
        try:
            data = b64decode(self.text(value), validate=True)
        except (binascii.Error, ValueError):
            raise self.wrong() from None
        if base64_text(data) != value:
            raise self.wrong()
        return data

    def leaf(self, value: canonical.JsonValue) -> int:
        """Read a leaf as ``batch:index``; the packed number is wider than JSON's integers."""
        try:
            return read_leaf(self.text(value))
        except InputError:
            raise self.wrong() from None
