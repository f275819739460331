"""Identifiers: of persons and organisations as the state gives them, and our own, which say nothing.

A resident's number has 18 characters (GB 11643, check character by ISO 7064 MOD 11-2); one of 15 digits stands only in
historical papers. An organisation's unified social credit code has 18 (GB 32100, modulo 31). Our identifiers are 32
random bytes; on paper and on the telephone they are a short reference whose check character (ISO 7064 MOD 37,36) finds
every single mistyped character.

Raises:
    InputError: a code of ``identifiers`` for each way to be wrong; never the number or a part of it.
"""

from __future__ import annotations

from datetime import date

from ledger.domain.divisions import is_province_prefix
from ledger.errors import InputError

__all__ = [
    "birth_date",
    "check_credit_code",
    "check_identity_number",
    "check_reference",
    "reference",
]

_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MOD_37_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_REFERENCE_CHARS = 12


def check_identity_number(number: str, *, historical: bool = False) -> str:
    """Check a resident's identity number and return it in its written form.

    Args:
        number: as typed; spaces around it and a lowercase x are taken.
        historical: whether it stands in a historical paper, where 15 digits are allowed.
    """
    text = number.strip().upper()
    if len(text) == 15:
        if not historical:
            raise InputError("identifiers.identity_historical")
        if not _digits(text):
            raise InputError("identifiers.identity_form")
        _require_place_and_date(text, "19" + text[6:12])
        return text
    if len(text) != 18:
        raise InputError("identifiers.identity_length", length=len(text))
    if not _digits(text[:17]) or not (_digits(text[17]) or text[17] == "X"):
        raise InputError("identifiers.identity_form")
    _require_place_and_date(text, text[6:14])
    total = 0
    for character in text[:17]:
        total = (total + int(character)) * 2 % 11
    if "0123456789X"[(12 - total) % 11] != text[17]:
        raise InputError("identifiers.identity_check")
    return text


def _digits(text: str) -> bool:
    """Say whether all are ASCII digits; ``isdigit`` alone takes those of every script."""
    return text.isascii() and text.isdigit()


def _require_place_and_date(text: str, day: str) -> None:
    # The district may be one that no longer exists, or did before the data begins; the province cannot.
    if not is_province_prefix(text[:2]):
        raise InputError("identifiers.identity_place")
    _day(day)


def _day(text: str) -> date:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError as error:
        # Raised without its cause, whose text would repeat a part of the number.
        del error
        raise InputError("identifiers.identity_date") from None


def birth_date(number: str) -> date:
    """Return the date of birth that a checked number states."""
    text = check_identity_number(number, historical=True)
    return _day("19" + text[6:12] if len(text) == 15 else text[6:14])


def check_credit_code(code: str) -> str:
    """Check an organisation's unified social credit code and return it in its written form."""
    text = code.strip().upper()
    if len(text) != 18:
        raise InputError("identifiers.credit_length", length=len(text))
    values = [_CREDIT_ALPHABET.find(character) for character in text]
    if min(values) < 0 or not _digits(text[2:8]):
        raise InputError("identifiers.credit_form")
    total = sum(value * 3**place for place, value in enumerate(values[:17]))
    if -total % 31 != values[17]:
        raise InputError("identifiers.credit_check")
    return text


def reference(identifier: bytes) -> str:
    """Return the short form of an identifier for paper and telephone: ``XXXX-XXXX-XXXX-C``.

    It carries the first 60 bits, in an alphabet without I, L, O and U.
    """
    number = int.from_bytes(identifier[:8], "big") >> 4
    body = "".join(_CROCKFORD[number >> 5 * place & 31] for place in reversed(range(_REFERENCE_CHARS)))
    return "-".join((body[:4], body[4:8], body[8:], _check_character(body)))


def check_reference(text: str) -> str:
    """Check a typed reference and return it in its written form; O is taken for 0, I and L for 1."""
    plain = text.upper().replace("-", "").replace(" ", "")
    body = plain[:-1].replace("O", "0").replace("I", "1").replace("L", "1")
    if len(body) != _REFERENCE_CHARS or any(character not in _CROCKFORD for character in body):
        raise InputError("identifiers.reference_form")
    if _check_character(body) != plain[-1]:
        raise InputError("identifiers.reference_check")
    return "-".join((body[:4], body[4:8], body[8:], plain[-1]))


def _check_character(body: str) -> str:
    product = 36
    for character in body:
        total = (product + _MOD_37_36.index(character)) % 36 or 36
        product = total * 2 % 37
    return _MOD_37_36[(37 - product) % 36]
