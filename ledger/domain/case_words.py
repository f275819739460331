"""The words in which ``cases.vy`` keeps a case, a case's id, and the hash chain over its steps.

A case's *head* changes with every step and is emitted with it: whoever holds the events of a case recomputes it, and a
missing or altered step shows. The functions take the events' own values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from eth_hash.auto import keccak

from ledger.domain.cases import Mode, Outcome, Result, State
from ledger.errors import InputError

__all__ = ["CaseWord", "ClockWord", "TermsWord", "case_id", "first_head", "next_head"]


@dataclass(frozen=True, slots=True)
class CaseWord:
    """The word that every transition rewrites; fields from the lowest bit, with their widths in ``_CASE_LAYOUT``."""

    state: State
    mode: Mode
    receiving: int
    handling: int
    office: int
    department: int
    sequence: int
    records: int = 0
    corrections_receiving: int = 0
    corrections_handling: int = 0
    children: int = 0
    children_open: int = 0
    rating: int = 0
    orders: int = 0
    result: Result = Result.NONE
    outcome: Outcome = Outcome.STANDS
    claim_pending: bool = False
    claim_accepted: bool = False
    extended: bool = False
    child: bool = False
    received: bool = False
    signed: bool = False

    def pack(self) -> int:
        """The contract's word."""
        return _pack(_CASE_LAYOUT, self)

    @staticmethod
    def unpack(word: int) -> CaseWord:
        """Read the contract's word."""
        values: dict[str, Any] = dict(_unpack(_CASE_LAYOUT, word))
        for name, kind in _CASE_KINDS.items():
            values[name] = kind(values[name])
        return CaseWord(**values)


@dataclass(frozen=True, slots=True)
class ClockWord:
    """Times of a case in POSIX seconds, 0 where there is none, and working days suspended and granted by extension."""

    started: int = 0
    asked: int = 0
    accepted: int = 0
    since: int = 0
    decided: int = 0
    suspended: int = 0
    extension: int = 0

    def pack(self) -> int:
        """The contract's word."""
        return _pack(_CLOCK_LAYOUT, self)

    @staticmethod
    def unpack(word: int) -> ClockWord:
        """Read the contract's word."""
        return ClockWord(**_unpack(_CLOCK_LAYOUT, word))


@dataclass(frozen=True, slots=True)
class TermsWord:
    """What a case was opened under and keeps: the limit rule, and versions of the matter and of the agreement."""

    rule: int
    version: int
    agreement_version: int
    channel: int
    helper: int
    catalogue: int

    def pack(self) -> int:
        """The contract's word."""
        return _pack(_TERMS_LAYOUT, self)

    @staticmethod
    def unpack(word: int) -> TermsWord:
        """Read the contract's word."""
        return TermsWord(**_unpack(_TERMS_LAYOUT, word))


# Names and widths in bits, from the lowest.
_CASE_LAYOUT: Final = (
    ("state", 8), ("mode", 8), ("receiving", 16), ("handling", 16), ("office", 16), ("department", 32),
    ("sequence", 32), ("records", 32), ("corrections_receiving", 8), ("corrections_handling", 8), ("children", 8),
    ("children_open", 8), ("rating", 8), ("orders", 8), ("result", 2), ("outcome", 3), ("claim_pending", 1),
    ("claim_accepted", 1), ("extended", 1), ("child", 1), ("received", 1), ("signed", 1),
)  # fmt: skip
_CASE_KINDS: Final[dict[str, Callable[[int], Any]]] = {
    "state": State, "mode": Mode, "result": Result, "outcome": Outcome, "claim_pending": bool, "claim_accepted": bool,
    "extended": bool, "child": bool, "received": bool, "signed": bool,
}  # fmt: skip
_CLOCK_LAYOUT: Final = (
    ("started", 40), ("asked", 40), ("accepted", 40), ("since", 40), ("decided", 40), ("suspended", 16),
    ("extension", 16),
)  # fmt: skip
_TERMS_LAYOUT: Final = (
    ("rule", 144), ("version", 32), ("agreement_version", 16), ("channel", 8), ("helper", 16), ("catalogue", 16),
)  # fmt: skip


def _pack(layout: tuple[tuple[str, int], ...], value: object) -> int:
    word = shift = 0
    for name, bits in layout:
        number = int(getattr(value, name))
        if not 0 <= number < 1 << bits:
            raise InputError("cases.out_of_range", field=name)
        word |= number << shift
        shift += bits
    return word


def _unpack(layout: tuple[tuple[str, int], ...], word: int) -> dict[str, int]:
    values: dict[str, int] = {}
    for name, bits in layout:
        values[name] = word & ((1 << bits) - 1)
        word >>= bits
    return values


def case_id(
    chain_id: int, contract: str, case_key: str, receiving: int, handling: int, matter: bytes, mode: int, salt: bytes
) -> bytes:
    """The id of a case: nobody can take it before the applicant, whose key signs the submission.

    Args:
        chain_id: of the chain of the contract.
        contract: address of the cases contract.
        case_key: address of the applicant's key for this case.
        receiving: number of the receiving member.
        handling: number of the handling member.
        matter: SHA-256 of the matter's code.
        mode: a ``Mode``.
        salt: 32 random bytes.
    """
    return _hash(
        chain_id.to_bytes(32, "big"),
        _address(contract),
        _address(case_key),
        receiving.to_bytes(32, "big"),
        handling.to_bytes(32, "big"),
        matter,
        int(mode).to_bytes(32, "big"),
        salt,
    )


def first_head(case: bytes, submission: bytes, time: int) -> bytes:
    """Where the hash chain of a case begins: ``submission`` is the digest that the case key signed."""
    return _hash(case, submission, time.to_bytes(32, "big"))


def next_head(
    head: bytes,
    *,
    sequence: int,
    action: int,
    state: int,
    actor: int,
    member: int,
    helper: int,
    department: int,
    role: int,
    elapsed: int,
    time: int,
    detail: int,
    commitment: bytes,
    blob: bytes,
) -> bytes:
    """The head after a ``Stepped``, from that event's own values and its block's time."""
    packed = (
        action
        | state << 8
        | actor << 16
        | member << 32
        | helper << 48
        | department << 64
        | role << 96
        | sequence << 104
        | elapsed << 136
        | time << 152
    )
    return _hash(head, packed.to_bytes(32, "big"), detail.to_bytes(32, "big"), commitment, blob)


def _address(address: str) -> bytes:
    return bytes.fromhex(address.removeprefix("0x")).rjust(32, b"\0")


def _hash(*words: bytes) -> bytes:
    return bytes(keccak(b"".join(words)))
