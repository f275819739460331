"""Implementation lists 实施清单: what a member's version of a matter says, as one published document.

The document's digest stands on the chain beside the limit rule; the document itself is public and read by applicants
before they come. Its elements follow GB/T 39554.2-2020 as far as the pilot needs them: setting basis, service objects,
implementing body, acceptance conditions, limits with their legal basis, and each material that is required, whose it
is, which papers serve for it, how far it must have been looked at, and only the fields that are needed (Personal
Information Protection Law art. 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ledger.domain import canonical
from ledger.domain.agreements import text_digest
from ledger.domain.catalogue import LimitRule, MatterCode
from ledger.domain.materials import MATERIAL_TYPES, AssuranceLevel
from ledger.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "FORMAT",
    "MAX_REQUIREMENTS",
    "SERVICE_OBJECTS",
    "Matter",
    "Necessity",
    "PaperForm",
    "Requirement",
    "Whose",
    "read_matter",
]

T = TypeVar("T")

FORMAT: Final = "tongban-matter/1"
# The longest list of the published catalogues asks for under thirty papers.
MAX_REQUIREMENTS: Final = 64
SERVICE_OBJECTS: Final = frozenset("1234569")


class Whose(StrEnum):
    """Whose material is meant, by role in the case."""

    APPLICANT = "applicant"
    CO_APPLICANT = "co_applicant"
    SPOUSE = "spouse"
    AGENT = "agent"
    GUARDIAN = "guardian"
    LEGAL_REPRESENTATIVE = "legal_representative"
    THIRD_PERSON = "third_person"


class Necessity(StrEnum):
    """Whether the material must be there 材料必要性."""

    REQUIRED = "required"  # 必要
    TOLERABLE = "tolerable"  # 容缺后补: may follow after tolerant acceptance
    OPTIONAL = "optional"  # 非必要


class PaperForm(StrEnum):
    """What happens to the paper, where there is one."""

    NONE = "none"
    SEE_ORIGINAL = "see_original"
    COPY = "copy"
    HAND_IN = "hand_in"
    SURRENDER = "surrender"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One material that a matter asks for.

    Attributes:
        key: the requirement's name in this matter.
        zh: how it is called on screen.
        en: the same in English.
        types: types of material that serve; any one of them does.
        fields: the fields that are opened to the reader, and no other.
        whose: whose material it is.
        every: of several such people, everyone's (True) or anyone's.
        least: the least assurance accepted.
        necessity: whether it must be there.
        paper: what happens to the paper.
    """

    key: str
    zh: str
    en: str
    types: tuple[str, ...]
    fields: tuple[str, ...]
    whose: Whose = Whose.APPLICANT
    every: bool = True
    least: AssuranceLevel = AssuranceLevel.INSPECTED
    necessity: Necessity = Necessity.REQUIRED
    paper: PaperForm = PaperForm.NONE

    def __post_init__(self) -> None:
        """Refuse what nobody could hand in.

        Raises:
            InputError: ``catalogue.requirement`` (no name, no or an unknown type), ``catalogue.requirement_fields``
                (a field that no type of this requirement states).
        """
        if not (self.key and self.zh and self.en and self.types) or not set(self.types) <= set(MATERIAL_TYPES):
            raise InputError("catalogue.requirement", requirement=self.key)
        stated = {name for code in self.types for name in MATERIAL_TYPES[code].fields}
        if not set(self.fields) <= stated:
            raise InputError("catalogue.requirement_fields", requirement=self.key)

    def serves(self, type_code: str, level: AssuranceLevel) -> bool:
        """Whether a material of this type and assurance is good for this requirement."""
        return type_code in self.types and level >= self.least


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """A member's entry of a matter, in one version.

    Attributes:
        code: the matter's code.
        zh: its name.
        en: the same in English.
        department: the implementing body's number at the member.
        rule: the limits, as the contract computes with them.
        limit_basis: the law that each limit rests on, as citations.
        setting_basis: the law that the matter rests on.
        service_objects: who may apply, codes of GB/T 39046-2020.
        conditions: acceptance conditions, a sentence each.
        requirements: the materials asked for.
    """

    code: MatterCode
    zh: str
    en: str
    department: int
    rule: LimitRule
    limit_basis: tuple[str, ...]
    setting_basis: tuple[str, ...]
    service_objects: tuple[str, ...] = ("1",)
    conditions: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an entry that says less than the law asks, or the same thing twice.

        Raises:
            InputError: ``catalogue.matter_incomplete`` with the element that is missing, ``catalogue.matter_duplicate``,
                ``catalogue.matter_long``.
        """
        stated = {
            "name": self.zh and self.en,
            "department": self.department > 0,
            "limit_basis": self.limit_basis,
            "setting_basis": self.setting_basis,
            "service_objects": self.service_objects and set(self.service_objects) <= SERVICE_OBJECTS,
        }
        missing = [name for name, given in stated.items() if not given]
        if missing:
            raise InputError("catalogue.matter_incomplete", element=missing[0])
        if len(self.requirements) > MAX_REQUIREMENTS:
            raise InputError("catalogue.matter_long", count=len(self.requirements), limit=MAX_REQUIREMENTS)
        if len({requirement.key for requirement in self.requirements}) != len(self.requirements):
            raise InputError("catalogue.matter_duplicate")

    def document(self) -> dict[str, canonical.JsonValue]:
        """The published document."""
        return {
            "format": FORMAT,
            "code": self.code.text,
            "name": {"zh": self.zh, "en": self.en},
            "department": self.department,
            "rule": {name: int(value) for name, value in _rule_fields(self.rule)},
            "limit_basis": list(self.limit_basis),
            "setting_basis": list(self.setting_basis),
            "service_objects": list(self.service_objects),
            "conditions": list(self.conditions),
            "requirements": [_requirement_document(requirement) for requirement in self.requirements],
        }

    @property
    def digest(self) -> bytes:
        """The digest that stands on the chain."""
        return text_digest(self.document())


def read_matter(data: bytes) -> Matter:
    """Read a published document.

    Args:
        data: its RFC 8785 form.

    Raises:
        FormatError: ``canonical.…`` (not canonical JSON), ``catalogue.matter_format`` (another version),
            ``catalogue.matter_malformed`` (an element is missing, unknown or of another kind).
        InputError: what it says cannot be, as ``Matter`` and its parts.
    """
    document = canonical.decode_object(data)
    if document.get("format") != FORMAT:
        raise FormatError("catalogue.matter_format", expected=FORMAT)
    try:
        matter = _matter(document)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise FormatError("catalogue.matter_malformed") from fault
    if canonical.encode(matter.document()) != data:
        raise FormatError("catalogue.matter_malformed")
    return matter


def _rule_fields(rule: LimitRule) -> Iterable[tuple[str, int]]:
    return ((name, getattr(rule, name)) for name in LimitRule.__dataclass_fields__)


def _requirement_document(requirement: Requirement) -> dict[str, canonical.JsonValue]:
    return {
        "key": requirement.key,
        "name": {"zh": requirement.zh, "en": requirement.en},
        "types": list(requirement.types),
        "fields": list(requirement.fields),
        "whose": requirement.whose.value,
        "every": requirement.every,
        "least": int(requirement.least),
        "necessity": requirement.necessity.value,
        "paper": requirement.paper.value,
    }


def _matter(document: Mapping[str, Any]) -> Matter:
    rule: Mapping[str, int] = document["rule"]
    word = 0
    packed = LimitRule.layout()
    if set(rule) != set(packed):
        raise ValueError
    for name, (shift, width) in packed.items():
        if type(rule[name]) is not int or not 0 <= rule[name] < 1 << width:
            raise ValueError
        word |= rule[name] << shift
    return Matter(
        code=MatterCode(_a(str, document["code"])),
        zh=_a(str, document["name"]["zh"]),
        en=_a(str, document["name"]["en"]),
        department=_a(int, document["department"]),
        rule=LimitRule.unpack(word),
        limit_basis=_texts(document["limit_basis"]),
        setting_basis=_texts(document["setting_basis"]),
        service_objects=_texts(document["service_objects"]),
        conditions=_texts(document["conditions"]),
        requirements=tuple(_requirement(entry) for entry in document["requirements"]),
    )


def _requirement(entry: Mapping[str, Any]) -> Requirement:
    return Requirement(
        key=_a(str, entry["key"]),
        zh=_a(str, entry["name"]["zh"]),
        en=_a(str, entry["name"]["en"]),
        types=_texts(entry["types"]),
        fields=_texts(entry["fields"]),
        whose=Whose(entry["whose"]),
        every=_a(bool, entry["every"]),
        least=AssuranceLevel(_a(int, entry["least"])),
        necessity=Necessity(entry["necessity"]),
        paper=PaperForm(entry["paper"]),
    )


def _a(kind: type[T], value: object) -> T:
    if type(value) is not kind:
        raise TypeError
    return value


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError
    return tuple(_a(str, value) for value in values)
