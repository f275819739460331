"""Code sets: what the numbers of the national standards mean, each with the edition it comes from.

A stored code always carries its set's name, because editions order things differently. The names are those of the
standards; the English beside them is ours.

Raises:
    InputError: ``identifiers.unknown_code_set``, ``identifiers.unknown_code``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CODE_SETS", "CodeSet", "label"]


@dataclass(frozen=True, slots=True)
class CodeSet:
    """A set's name with its edition, and for each code the Chinese and the English name."""

    name: str
    values: Mapping[str, tuple[str, str]]


CODE_SETS = {
    each.name: each
    for each in (
        CodeSet(
            "GB/T 39046-2020 matter type",
            {
                "01": ("行政许可", "licence"),
                "02": ("行政处罚", "penalty"),
                "03": ("行政强制", "enforcement"),
                "04": ("行政征收", "levy"),
                "05": ("行政给付", "benefit"),
                "06": ("行政检查", "inspection"),
                "07": ("行政确认", "confirmation"),
                "08": ("行政奖励", "award"),
                "09": ("行政裁决", "ruling"),
                "10": ("其他行政权力", "other power"),
                "20": ("公共服务", "public service"),
            },
        ),
        CodeSet(
            "GB/T 39046-2020 service object",
            {
                "1": ("自然人", "natural person"),
                "2": ("企业法人", "enterprise with legal personality"),
                "3": ("事业法人", "public institution"),
                "4": ("社会组织法人", "social organisation"),
                "5": ("非法人企业", "enterprise without legal personality"),
                "6": ("行政机关", "administrative organ"),
                "9": ("其他组织", "other organisation"),
            },
        ),
        CodeSet(
            "GB/T 39046-2020 channel",
            {
                "1": ("窗口", "window"),
                "2": ("电脑端", "web"),
                "3": ("移动端", "mobile"),
                "4": ("快递", "post"),
                "9": ("其他", "other"),
            },
        ),
        CodeSet(
            "GB/T 39046-2020 case type",
            {"1": ("即办件", "instant case"), "2": ("承诺件", "commitment case"), "9": ("其他", "other")},
        ),
        CodeSet(
            "GB/T 39046-2020 satisfaction",
            {
                "5": ("非常满意", "very satisfied"),
                "4": ("满意", "satisfied"),
                "3": ("基本满意", "fairly satisfied"),
                "2": ("不满意", "dissatisfied"),
                "1": ("非常不满意", "very dissatisfied"),
            },
        ),
        CodeSet(
            # Words of our own: the numbers of GA/T 2000.156 are entered with an edition that lies before whoever does.
            "tongban-identity-documents-2026",
            {
                "resident-card": ("居民身份证", "resident identity card"),
                "temporary-card": ("临时居民身份证", "temporary identity card"),
                "passport": ("护照", "passport"),
                "hk-macao-permit": ("港澳居民来往内地通行证", "Mainland travel permit, Hong Kong and Macao residents"),
                "taiwan-permit": ("台湾居民来往大陆通行证", "Mainland travel permit, Taiwan residents"),
                "residence-permit": ("港澳台居民居住证", "residence permit, Hong Kong, Macao and Taiwan residents"),
                "permanent-residence": ("外国人永久居留身份证", "foreigner's permanent-resident card"),
            },
        ),
    )
}


def label(code_set: str, code: str, *, english: bool = False) -> str:
    """Return what a code of a set means."""
    known = CODE_SETS.get(code_set)
    if known is None:
        raise InputError("identifiers.unknown_code_set", code_set=code_set[:60])
    names = known.values.get(code)
    if names is None:
        raise InputError("identifiers.unknown_code", code_set=code_set, value=code[:12])
    return names[int(english)]
