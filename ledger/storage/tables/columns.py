"""Columns that most projection tables share, so that a digest, a member or a moment is the same everywhere.

Integers wider than 63 bits (the contracts' words) are text: no database shares a type for them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, String

__all__ = ["address", "digest", "flag", "member", "moment", "number", "placed", "small", "text", "word"]

# 2**256 has 78 decimal digits.
_WORD_DIGITS = 78


def digest(name: str, *, key: bool = False, null: bool = False) -> Column[bytes]:
    """32 bytes."""
    return Column(name, LargeBinary(32), primary_key=key, nullable=null)


def address(name: str, *, key: bool = False, null: bool = False) -> Column[str]:
    """A chain address, lowercase ``0x`` hex."""
    return Column(name, String(42), primary_key=key, nullable=null)


def member(name: str = "member", *, key: bool = False, null: bool = False) -> Column[int]:
    """A member's number; 0 where the event says nobody."""
    return Column(name, Integer, primary_key=key, nullable=null, autoincrement=False)


def small(name: str, *, key: bool = False, null: bool = False) -> Column[int]:
    """A code, a count, a version."""
    return Column(name, Integer, primary_key=key, nullable=null, autoincrement=False)


def number(name: str, *, key: bool = False, null: bool = False) -> Column[int]:
    """An integer of up to 63 bits."""
    return Column(name, BigInteger, primary_key=key, nullable=null, autoincrement=False)


def moment(name: str, *, null: bool = False) -> Column[int]:
    """A time of the chain, POSIX seconds."""
    return Column(name, BigInteger, nullable=null)


def flag(name: str, *, null: bool = False) -> Column[bool]:
    """Yes or no."""
    return Column(name, Boolean(create_constraint=False), nullable=null)


def text(name: str, length: int, *, key: bool = False, null: bool = False) -> Column[str]:
    """Text of at most ``length`` characters."""
    return Column(name, String(length), primary_key=key, nullable=null)


def word(name: str) -> Column[str]:
    """A word of the contracts, in decimal digits."""
    return Column(name, String(_WORD_DIGITS), nullable=False)


def placed(*, key: bool = False) -> tuple[Column[int], Column[int], Column[int]]:
    """Where the event stands that a row comes from: block, log index within it, and the block's time."""
    return number("block", key=key), small("log_index", key=key), moment("time")
