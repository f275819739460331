"""The catalogue: matters and their limit rules, agreements between members, delegations.

A limit is a property of a matter's version, not of the system: each version names its days and its legal basis, and the
contract computes from them. The defaults of the Administrative Licence Law (arts. 32, 42, 43, 44) hold for matter type
01 only (``LimitRule.licence``); a promise may be shorter than the law, never longer.

Codes: matter type, case type and service object by GB/T 39046-2020; codes of matters by GB/T 39554.1-2020 (10 and 24
characters) or by the national exchange schema (12 and 36).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from eth_hash.auto import keccak

from ledger.domain.cases import Mode
from ledger.errors import FormatError, InputError

__all__ = [
    "CaseType",
    "ClockStart",
    "LimitRule",
    "MatterCode",
    "MatterType",
    "agreement_id",
    "mode_bits",
    "modes_of",
]


class MatterType(IntEnum):
    """Kinds of matters 事项类型 (GB/T 39046-2020)."""

    LICENCE = 1  # 行政许可
    PENALTY = 2  # 行政处罚
    COERCION = 3  # 行政强制
    LEVY = 4  # 行政征收
    BENEFIT = 5  # 行政给付
    INSPECTION = 6  # 行政检查
    CONFIRMATION = 7  # 行政确认
    REWARD = 8  # 行政奖励
    RULING = 9  # 行政裁决
    OTHER = 10  # 其他行政权力
    PUBLIC_SERVICE = 20  # 公共服务


class CaseType(IntEnum):
    """How a matter is done 办件类型 (GB/T 39046-2020)."""

    INSTANT = 1  # 即办件
    COMMITMENT = 2  # 承诺件
    OTHER = 9


class ClockStart(IntEnum):
    """From whose dated receipt the clock runs: the receiving window's, unless an agreement lawfully says otherwise."""

    RECEIVING_RECEIPT = 1
    HANDLING_RECEIPT = 2


# Fields of the contract's word from the lowest bit, with their widths.
_LAYOUT: Final[Mapping[str, int]] = MappingProxyType(
    {
        "correction_days": 8,
        "decision_days": 16,
        "extension_days": 8,
        "silence": 1,
        "start": 8,
        "commitment_days": 16,
        "delivery_days": 8,
        "matter_type": 8,
        "case_type": 8,
        "joint_days": 8,
        "joint_extension_days": 8,
        "supply_days": 8,
        "lower_review_days": 8,
    }
)
_BITS: Final = sum(_LAYOUT.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRule:
    """The limits of one version of a matter; days are working days, 0 where the matter has no such limit.

    Attributes:
        matter_type: what kind of matter it is.
        case_type: done on the spot, or by a promised day.
        correction_days: within which a notice of corrections is given, once and complete.
        decision_days: within which the decision is made, by law.
        extension_days: by which the decision may be put off, once.
        silence: whether a case with no notice in time counts as accepted from the day of receipt.
        start: whose receipt starts the clock.
        commitment_days: the promised limit; not above ``decision_days``.
        delivery_days: within which the result is delivered.
        joint_days: instead of ``decision_days`` in unified or joint handling.
        joint_extension_days: instead of ``extension_days`` there.
        supply_days: that the applicant has to supply corrections.
        lower_review_days: that a lower level has to review, where one does.
    """

    matter_type: MatterType
    case_type: CaseType
    correction_days: int = 0
    decision_days: int = 0
    extension_days: int = 0
    silence: bool = False
    start: ClockStart = ClockStart.RECEIVING_RECEIPT
    commitment_days: int = 0
    delivery_days: int = 0
    joint_days: int = 0
    joint_extension_days: int = 0
    supply_days: int = 0
    lower_review_days: int = 0

    def __post_init__(self) -> None:
        """Refuse a rule that the contract would refuse.

        Raises:
            InputError: ``catalogue.rule_range`` (a number its field cannot hold), ``catalogue.rule_commitment``
                (a promise longer than the law), ``catalogue.rule_silence`` (silence without a term to run out).
        """
        for name, width in _LAYOUT.items():
            if not 0 <= int(getattr(self, name)) < 1 << width:
                raise InputError("catalogue.rule_range", field=name, limit=(1 << width) - 1)
        if self.commitment_days > self.decision_days:
            raise InputError("catalogue.rule_commitment", days=self.commitment_days, limit=self.decision_days)
        if self.silence and self.correction_days == 0:
            raise InputError("catalogue.rule_silence")

    @classmethod
    def licence(cls, *, commitment_days: int = 0, supply_days: int = 0) -> LimitRule:
        """The Administrative Licence Law's own limits: for matters of type 01.

        Notice within 5 days, else accepted from receipt (art. 32); decision within 20, 10 more on extension, 45 and 15
        for joint handling (art. 42); lower review within 20 (art. 43); delivery within 10 (art. 44).
        """
        return cls(
            matter_type=MatterType.LICENCE,
            case_type=CaseType.COMMITMENT,
            correction_days=5,
            decision_days=20,
            extension_days=10,
            silence=True,
            commitment_days=commitment_days,
            delivery_days=10,
            joint_days=45,
            joint_extension_days=15,
            supply_days=supply_days,
            lower_review_days=20,
        )

    def pack(self) -> int:
        """The contract's word."""
        word = 0
        for name, (shift, _) in self.layout().items():
            word |= int(getattr(self, name)) << shift
        return word

    @staticmethod
    def layout() -> dict[str, tuple[int, int]]:
        """Each field's place in the word: its lowest bit and its width."""
        places: dict[str, tuple[int, int]] = {}
        shift = 0
        for name, width in _LAYOUT.items():
            places[name] = (shift, width)
            shift += width
        return places

    @classmethod
    def unpack(cls, word: int) -> LimitRule:
        """Read the contract's word.

        Raises:
            FormatError: ``catalogue.bad_rule``: not a rule that the contract would take.
        """
        if not 0 < word < 1 << _BITS:
            raise FormatError("catalogue.bad_rule")
        found = {name: word >> shift & ((1 << width) - 1) for name, (shift, width) in cls.layout().items()}
        try:
            return cls(
                matter_type=MatterType(found.pop("matter_type")),
                case_type=CaseType(found.pop("case_type")),
                start=ClockStart(found.pop("start")),
                silence=bool(found.pop("silence")),
                **found,
            )
        except (ValueError, InputError) as fault:
            raise FormatError("catalogue.bad_rule") from fault


@dataclass(frozen=True, slots=True)
class MatterCode:
    """A matter's code; its SHA-256 digest is the matter's id on the chain, so that two cities name one matter alike.

    Attributes:
        text: 10 or 24 characters by GB/T 39554.1, 12 or 36 by the national exchange schema, or a local code of a member
            (``local:…``) where no catalogue has one yet.
    """

    text: str

    def __post_init__(self) -> None:
        """Refuse what is no code.

        Raises:
            InputError: ``catalogue.matter_code``.
        """
        if not _CODE.fullmatch(self.text):
            raise InputError("catalogue.matter_code", length=len(self.text))

    @property
    def id(self) -> bytes:
        """The matter's id."""
        return hashlib.sha256(self.text.encode()).digest()


_LOCAL: Final = "local:"
_LENGTHS: Final = (10, 12, 24, 36)
_CODE: Final = re.compile(
    "|".join([*(rf"[0-9A-Z]{{{length}}}" for length in _LENGTHS), rf"{_LOCAL}[0-9A-Za-z][0-9A-Za-z.:-]{{0,57}}"])
)


def mode_bits(*modes: Mode) -> int:
    """The bitmap under which an agreement lists a matter: bit m for mode m.

    Raises:
        InputError: ``catalogue.no_modes``.
    """
    if not modes:
        raise InputError("catalogue.no_modes")
    bits = 0
    for mode in modes:
        bits |= 1 << mode
    return bits


def modes_of(bits: int) -> tuple[Mode, ...]:
    """The modes of a bitmap, in order.

    Raises:
        FormatError: ``catalogue.bad_modes``: no mode, or bits that are none.
    """
    modes = tuple(mode for mode in Mode if bits >> mode & 1)
    if not modes or bits != mode_bits(*modes):
        raise FormatError("catalogue.bad_modes", bits=bits)
    return modes


def agreement_id(*, chain_id: int, contract: str, member: int, salt: bytes) -> bytes:
    """The id that the contract gives a new agreement, known before it is drafted.

    Args:
        chain_id: the network's chain.
        contract: the catalogue contract's address.
        member: the drafting member.
        salt: 32 random bytes, handed in with the draft.
    """
    words = (chain_id, int(contract, 16), member, int.from_bytes(salt, "big"))
    digest: bytes = keccak(b"".join(word.to_bytes(32, "big") for word in words))
    return digest
