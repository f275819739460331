"""Everything that is wrong with a matter's document, each fault with its place in it.

``read_matter`` stops at the first fault, as whoever only wants the matter does. Whoever writes documents wants to hear of all
of them at once: ``matter_faults`` finds none exactly where ``read_matter`` takes the document's canonical form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum
from typing import Any, Final, TypeAlias

from ledger.domain import canonical
from ledger.domain.catalogue import CaseType, ClockStart, LimitRule, MatterCode, MatterType
from ledger.domain.materials import MATERIAL_TYPES, AssuranceLevel
from ledger.domain.matters import (
    FORMAT,
    MAX_REQUIREMENTS,
    SERVICE_OBJECTS,
    Necessity,
    PaperForm,
    Whose,
    read_matter,
)
from ledger.errors import FormatError, InputError, LedgerError

__all__ = ["MatterFault", "matter_faults"]

# A member's name may be anything; of a long one the beginning says which is meant.
_NAME_CHARS: Final = 48
_KINDS: Final[Mapping[type, str]] = {str: "text", int: "integer", bool: "true or false", list: "list", dict: "table"}


@dataclass(frozen=True, slots=True)
class MatterFault:
    """One fault: where, written as ``requirements[2].fields[0]`` (empty: the whole document), and what."""

    path: str
    error: LedgerError


# A parsed value; each check looks at its kind first.
_Value: TypeAlias = Any
_Faults: TypeAlias = Iterator[MatterFault]
_Check: TypeAlias = Callable[[_Value, str], _Faults]


def matter_faults(document: object) -> list[MatterFault]:
    """Return every fault of a matter's document, in the document's order of elements; none if it can be published."""
    found = list(_matter(document, ""))
    if not found:
        try:
            read_matter(canonical.encode(document))  # type: ignore[arg-type]  # what it is made of was looked at
        except LedgerError as error:
            found = [MatterFault("", error)]
    return found


# ---- elements of any document ---------------------------------------------------------------------------------------


def _kind(kind: type) -> _Check:
    def check(value: _Value, path: str) -> _Faults:
        if type(value) is not kind:
            yield MatterFault(path, FormatError("catalogue.element_kind", element=path, expected=_KINDS[kind]))

    return check


def _text(code: str = "") -> _Check:
    """A text; with ``code`` the error of an empty one."""

    def check(value: _Value, path: str) -> _Faults:
        wrong = list(_kind(str)(value, path))
        yield from wrong
        if code and not wrong and not value:
            yield MatterFault(path, InputError(code, element=path, requirement=path))

    return check


def _one_of(values: type[Enum]) -> _Check:
    known = [member.value for member in values]

    def check(value: _Value, path: str) -> _Faults:
        wrong = list(_kind(type(known[0]) if issubclass(values, StrEnum) else int)(value, path))
        yield from wrong
        if not wrong and value not in known:
            yield MatterFault(
                path, InputError("catalogue.element_value", element=path, allowed=", ".join(map(str, known)))
            )

    return check


def _list_of(check: _Check, *, empty: str = "") -> _Check:
    """A list; with ``empty`` the error of one that has nothing in it."""

    def look(value: _Value, path: str) -> _Faults:
        wrong = list(_kind(list)(value, path))
        yield from wrong
        if wrong:
            return
        if empty and not value:
            yield MatterFault(path, InputError(empty, element=path, requirement=path))
        for number, item in enumerate(value):
            yield from check(item, f"{path}[{number}]")

    return look


def _table(members: Mapping[str, _Check]) -> _Check:
    """A table with exactly these members."""

    def look(value: _Value, path: str) -> _Faults:
        wrong = list(_kind(dict)(value, path))
        yield from wrong
        if wrong:
            return
        for name, check in members.items():
            place = f"{path}.{name}" if path else name
            if name in value:
                yield from check(value[name], place)
            else:
                yield MatterFault(place, FormatError("catalogue.element_missing", element=place))
        for name in value:
            if name not in members:
                place = f"{path}.{name}"[: len(path) + _NAME_CHARS] if path else str(name)[:_NAME_CHARS]
                yield MatterFault(place, FormatError("catalogue.element_unknown", element=place))

    return look


# ---- what a matter says ---------------------------------------------------------------------------------------------


def _format(value: _Value, path: str) -> _Faults:
    if value != FORMAT:
        yield MatterFault(path, FormatError("catalogue.matter_format", expected=FORMAT))


def _code(value: _Value, path: str) -> _Faults:
    wrong = list(_kind(str)(value, path))
    yield from wrong
    if not wrong:
        try:
            MatterCode(value)
        except InputError as error:
            yield MatterFault(path, error)


def _department(value: _Value, path: str) -> _Faults:
    wrong = list(_kind(int)(value, path))
    yield from wrong
    if not wrong and value <= 0:
        yield MatterFault(path, InputError("catalogue.matter_incomplete", element=path))


def _object_code(value: _Value, path: str) -> _Faults:
    wrong = list(_kind(str)(value, path))
    yield from wrong
    if not wrong and value not in SERVICE_OBJECTS:
        known = ", ".join(sorted(SERVICE_OBJECTS))
        yield MatterFault(path, InputError("catalogue.element_value", element=path, allowed=known))


def _within(width: int) -> _Check:
    limit = (1 << width) - 1

    def check(value: _Value, path: str) -> _Faults:
        wrong = list(_kind(int)(value, path))
        yield from wrong
        if not wrong and not 0 <= value <= limit:
            yield MatterFault(path, InputError("catalogue.rule_range", field=path, limit=limit))

    return check


_CHOSEN: Final[Mapping[str, type[IntEnum]]] = {
    "matter_type": MatterType,
    "case_type": CaseType,
    "start": ClockStart,
}
_RULE: Final = _table(
    {
        name: _one_of(_CHOSEN[name]) if name in _CHOSEN else _within(width)
        for name, (_, width) in LimitRule.layout().items()
    }
)


def _rule(value: _Value, path: str) -> _Faults:
    wrong = list(_RULE(value, path))
    yield from wrong
    if wrong:
        return
    if value["commitment_days"] > value["decision_days"]:
        error = InputError("catalogue.rule_commitment", days=value["commitment_days"], limit=value["decision_days"])
        yield MatterFault(f"{path}.commitment_days", error)
    if value["silence"] and value["correction_days"] == 0:
        yield MatterFault(f"{path}.correction_days", InputError("catalogue.rule_silence"))


def _type(value: _Value, path: str) -> _Faults:
    wrong = list(_kind(str)(value, path))
    yield from wrong
    if not wrong and value not in MATERIAL_TYPES:
        yield MatterFault(path, InputError("catalogue.element_value", element=path, allowed=", ".join(MATERIAL_TYPES)))


_REQUIREMENT: Final = _table(
    {
        "key": _text("catalogue.requirement"),
        "name": _table({"zh": _text("catalogue.requirement"), "en": _text("catalogue.requirement")}),
        "types": _list_of(_type, empty="catalogue.requirement"),
        "fields": _list_of(_text()),
        "whose": _one_of(Whose),
        "every": _kind(bool),
        "least": _one_of(AssuranceLevel),
        "necessity": _one_of(Necessity),
        "paper": _one_of(PaperForm),
    }
)


def _requirement(value: _Value, path: str) -> _Faults:
    wrong = list(_REQUIREMENT(value, path))
    yield from wrong
    # Which fields its types state can be said only once the types are known.
    places = (f"{path}.key", f"{path}.types", f"{path}.fields")
    if type(value) is not dict or any(fault.path == path or fault.path.startswith(places) for fault in wrong):
        return
    stated = {name for code in value["types"] for name in MATERIAL_TYPES[code].fields}
    for number, name in enumerate(value["fields"]):
        if name not in stated:
            error = InputError("catalogue.requirement_fields", requirement=value["key"])
            yield MatterFault(f"{path}.fields[{number}]", error)


def _requirements(value: _Value, path: str) -> _Faults:
    yield from _list_of(_requirement)(value, path)
    if type(value) is not list:
        return
    if len(value) > MAX_REQUIREMENTS:
        yield MatterFault(path, InputError("catalogue.matter_long", count=len(value), limit=MAX_REQUIREMENTS))
    seen: set[str] = set()
    for number, item in enumerate(value):
        key = item.get("key") if type(item) is dict else None
        if type(key) is not str:
            continue
        if key in seen:
            yield MatterFault(f"{path}[{number}].key", InputError("catalogue.matter_duplicate"))
        seen.add(key)


_INCOMPLETE: Final = "catalogue.matter_incomplete"
_matter: Final = _table(
    {
        "format": _format,
        "code": _code,
        "name": _table({"zh": _text(_INCOMPLETE), "en": _text(_INCOMPLETE)}),
        "department": _department,
        "rule": _rule,
        "limit_basis": _list_of(_text(), empty=_INCOMPLETE),
        "setting_basis": _list_of(_text(), empty=_INCOMPLETE),
        "service_objects": _list_of(_object_code, empty=_INCOMPLETE),
        "conditions": _list_of(_text()),
        "requirements": _requirements,
    }
)
