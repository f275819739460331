"""Canonical JSON: one value, one sequence of bytes.

Everything that is hashed, signed or logged is JSON in the form of RFC 8785 (JSON Canonicalization Scheme), so that two
programs in two languages get the same digest. Reading is strict: bytes that are not the canonical form of what they say
are refused, because two spellings of one record would have two fingerprints.

Encoding is RFC 8785 as it is. Decoding is narrower (the I-JSON profile of RFC 7493): no number beyond 2^53 - 1, no
duplicate member, bounded depth and length.

Raises:
    FormatError: ``canonical.too_long``, ``canonical.too_deep``, ``canonical.not_utf8``, ``canonical.malformed``,
        ``canonical.duplicate_key``, ``canonical.number``, ``canonical.not_canonical``.
    InputError: ``canonical.unsupported`` for a value that JSON cannot carry.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NoReturn, TypeAlias

import orjson
import rfc8785

from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["JsonObject", "JsonValue", "decode", "decode_object", "encode", "parse"]

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonObject: TypeAlias = "dict[str, JsonValue]"

_SAFE_INTEGER = 2**53 - 1
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_OPTIONS = orjson.OPT_SORT_KEYS


def encode(value: JsonValue) -> bytes:
    """Return the RFC 8785 form of ``value``.

    Values without fractions, whose keys are ASCII, go through orjson: there sorting by bytes is sorting by UTF-16 and
    both write the same escapes, so the bytes are those of the reference library at a twentieth of its time. All else
    goes through that library.

    Raises:
        InputError: ``canonical.unsupported``: not JSON, a lone surrogate, not finite, or an integer beyond 2^53 - 1.
    """
    try:
        if _plain(value, LIMITS.json_depth):
            return orjson.dumps(value, option=_OPTIONS)
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, orjson.JSONEncodeError, UnicodeEncodeError, RecursionError) as error:
        raise InputError("canonical.unsupported") from error


def _plain(value: object, depth: int) -> bool:
    """Say whether orjson gives the canonical bytes of ``value``; exact types only, so that no subclass slips through."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return -_SAFE_INTEGER <= value <= _SAFE_INTEGER  # type: ignore[operator]  # kind is int
    if not depth:
        return False
    if kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]  # kind is dict
            if type(key) is not str or not key.isascii():
                return False
            if type(item) is not str and not _plain(item, depth - 1):
                return False
        return True
    if kind is list:
        # A list of texts, the digests of a record, is by far the commonest and is looked at in one call.
        return set(map(type, value)) == {str} or all(_plain(item, depth - 1) for item in value)  # type: ignore[call-overload,attr-defined]  # kind is list
    return False


def decode(data: bytes, *, limit: int | None = None) -> JsonValue:
    """Read canonical JSON; the result encodes to exactly ``data``.

    Args:
        data: the bytes as received.
        limit: the greatest length accepted, the general one if left out.

    Raises:
        FormatError: with a code of its own for each way to be wrong; see the module.
    """
    most = LIMITS.json_bytes if limit is None else limit
    if len(data) > most:
        raise FormatError("canonical.too_long", size=len(data), limit=most)
    try:
        value: JsonValue = orjson.loads(data)
    except orjson.JSONDecodeError:
        return _carefully(data)
    # A second member of the same name is lost by the parser and so shows as a difference here.
    if not _plain(value, LIMITS.json_depth) or orjson.dumps(value, option=_OPTIONS) != data:
        return _carefully(data)
    return value


def decode_object(data: bytes, *, limit: int | None = None) -> JsonObject:
    """Read canonical JSON that must be an object.

    Raises:
        FormatError: as :func:`decode`, and ``canonical.not_object``.
    """
    value = decode(data, limit=limit)
    if not isinstance(value, dict):
        raise FormatError("canonical.not_object")
    return value


def parse(data: bytes, *, limit: int | None = None) -> JsonValue:
    """Read JSON of others, in whatever spelling, with every check of :func:`decode` but the last.

    For bytes that are themselves what is hashed (the disclosures of RFC 9901) or are not hashed at all.

    Raises:
        FormatError: as :func:`decode`, except ``canonical.not_canonical``.
    """
    most = LIMITS.json_bytes if limit is None else limit
    if len(data) > most:
        raise FormatError("canonical.too_long", size=len(data), limit=most)
    try:
        value: JsonValue = orjson.loads(data)
    except orjson.JSONDecodeError:
        return _step_by_step(data)
    # Compact JSON, which nearly everybody writes, comes back as it was: nothing was lost by the quick parser.
    if _plain(value, LIMITS.json_depth) and orjson.dumps(value) == data:
        return value
    return _step_by_step(data)


def _step_by_step(data: bytes) -> JsonValue:
    """Parse with every check made on its own, so that each fault gets its own code."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("canonical.not_utf8", position=error.start) from error
    _check_depth(text)
    try:
        value: JsonValue = json.loads(
            text,
            object_pairs_hook=_distinct,
            parse_int=_bounded_int,
            parse_float=_bounded_float,
            parse_constant=_no_constant,
        )
    except json.JSONDecodeError as error:
        raise FormatError("canonical.malformed", position=error.pos) from error
    return value


def _carefully(data: bytes) -> JsonValue:
    """Decode what is not evidently canonical."""
    value = _step_by_step(data)
    try:
        again = encode(value)
    except InputError as error:
        raise FormatError("canonical.malformed") from error
    if again != data:
        raise FormatError("canonical.not_canonical")
    return value


def _check_depth(text: str) -> None:
    """Refuse deep nesting before a recursive parser sees it; linear in the text."""
    depth = 0
    for sign in re.findall(r"[\[\]{}]", _STRINGS.sub("", text)):
        depth += 1 if sign in "[{" else -1
        if depth > LIMITS.json_depth:
            raise FormatError("canonical.too_deep", limit=LIMITS.json_depth)


def _distinct(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise FormatError("canonical.duplicate_key")
    return found


def _bounded_int(text: str) -> int:
    # The length first: converting a long numeral takes quadratic time.
    if len(text) > 17 or abs(int(text)) > _SAFE_INTEGER:
        raise FormatError("canonical.number")
    return int(text)


def _bounded_float(text: str) -> float:
    number = float(text)
    if not -_SAFE_INTEGER <= number <= _SAFE_INTEGER:
        raise FormatError("canonical.number")
    return number


def _no_constant(_text: str) -> NoReturn:
    raise FormatError("canonical.number")
