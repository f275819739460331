"""Places: the codes of administrative divisions, with their history.

The code is the key and the name an attribute, because names collide (Jiangbei and Baoshan each exist twice) and change.
Codes are those of GB/T 2260 since 1980; old identity numbers and papers carry codes that are no longer current, and none
is refused for that. A place with a statistical code only, or without any of its own (a new area, a park), is marked by
its code set; an extension code is the code of the place it lies in and three digits.

Raises:
    InputError: ``divisions.unknown``, with the code as ``division``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ledger.errors import InputError

__all__ = [
    "GB_T_2260",
    "LOCAL",
    "STATISTICAL",
    "Division",
    "Name",
    "city_of",
    "division",
    "english_name",
    "full_name",
    "is_province_prefix",
    "province_of",
    "within",
]

GB_T_2260 = "GB/T 2260"
STATISTICAL = "statistical"
LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Name:
    """What a code stood for, in which years, both included; 0 where the data begins or the name is still in use."""

    text: str
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Division:
    """A code, everything it stood for in order of time, its code set, and an English name where there is one."""

    code: str
    names: tuple[Name, ...]
    code_set: str
    en: str

    @property
    def zh(self) -> str:
        """The latest name."""
        return self.names[-1].text

    @property
    def current(self) -> bool:
        """Say whether the code is still in use."""
        return not self.names[-1].until

    def name_in(self, year: int) -> str:
        """Return the name in a year; the latest where the year is not covered, for no paper is refused for its code."""
        for name in self.names:
            if name.since <= year and (not name.until or year <= name.until):
                return name.text
        return self.zh


@cache
def _table() -> dict[str, Division]:
    table: dict[str, Division] = {}
    text = resources.files("ledger.domain").joinpath("data/divisions.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        name = Name(row["name"], int(row["since"] or 0), int(row["until"] or 0))
        known = table.get(row["code"])
        names = (*known.names, name) if known else (name,)
        table[row["code"]] = Division(row["code"], names, row["code_set"], row["en"])
    return table


def division(code: str) -> Division:
    """Return the place that a code stands for, current or not."""
    try:
        return _table()[code]
    except KeyError:
        # What is no code may be anything that was typed into the wrong field: only digits are repeated.
        shown = code if code.isascii() and code.isdigit() and len(code) <= 9 else ""
        raise InputError("divisions.unknown", division=shown) from None


def province_of(code: str) -> Division:
    """Return the province, autonomous region or municipality."""
    return division(division(code).code[:2] + "0000")


def city_of(code: str) -> Division:
    """Return the city or prefecture; the province itself for what lies directly below it."""
    known = division(code)
    return _table().get(known.code[:4] + "00") or province_of(code)


def full_name(code: str) -> str:
    """Return province, city and place, each once: 四川省成都市武侯区."""
    parts: list[str] = []
    for place in (province_of(code), city_of(code), division(code)):
        # Directly governed districts stand below a row that is only called so (市辖区, 县).
        if place.zh not in {*parts, "市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"}:
            parts.append(place.zh)
    return "".join(parts)


def english_name(code: str) -> str:
    """Return the English name of a place; empty where no table has one, as for a park with a local code."""
    known = _table().get(code)
    return "" if known is None else known.en


def is_province_prefix(prefix: str) -> bool:
    """Say whether two digits begin the codes of a province."""
    return prefix + "0000" in _table()


def within(code: str) -> tuple[Division, ...]:
    """Return the current places that lie in a province or a city, in order of their codes."""
    known = division(code)
    prefix = (
        known.code[:2] if known.code.endswith("0000") else known.code[:4] if known.code.endswith("00") else known.code
    )
    return tuple(
        place
        for place in _table().values()
        if place.code.startswith(prefix) and place.code != known.code and place.current
    )
