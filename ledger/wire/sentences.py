"""Sentences: what a code means, in Chinese and English, and what to do next.

One catalogue for commands, API and pages: ``messages/<area>.toml`` has a table for each name, so the code of an error
is the key. ``terms.toml`` and ``trace.toml`` hold words rather than errors: states, actions and roles as the field says
them, and the lines of a timeline.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

__all__ = ["LANGUAGES", "PHRASES", "Language", "Sentence", "catalogue", "filled", "is_known", "sentence", "term"]

Language: TypeAlias = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

PHRASES = frozenset({"terms", "trace", "classes"})
"""Areas that are words and lines, not errors: their entries have no next step."""

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)(?::(?:(bytes)|([^{}|]*)\|([^{}|]*)))?\}")
_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"))
_UNKNOWN = "general.unknown"


@dataclass(frozen=True, slots=True)
class Sentence:
    """What to tell a person: what it is, and what to do next (empty for words and lines)."""

    code: str
    text: str
    next_step: str = ""


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Every entry by its code, ``area.name`` (``terms`` and ``trace``: ``area.group.name``)."""
    found: dict[str, Mapping[str, str]] = {}
    for file in sorted((files("ledger.wire") / "messages").iterdir(), key=lambda item: item.name):
        if file.name.endswith(".toml"):
            _collect(found, file.name.removesuffix(".toml"), tomllib.loads(file.read_text(encoding="utf-8")))
    return MappingProxyType(found)


def is_known(code: str) -> bool:
    """Whether there is an entry for a code."""
    return code in catalogue()


def sentence(code: str, lang: Language, /, **facts: object) -> Sentence:
    """The sentences of a code, with the facts in their places; a fact that was not given is shown as ``…``.

    A code without an entry is shown by its own name rather than raising: whoever reads a sentence has trouble already.
    """
    entry = catalogue().get(code)
    if entry is None:
        entry, facts = catalogue()[_UNKNOWN], {"code": code}
    return Sentence(code, filled(entry[lang], facts), filled(entry.get(f"{lang}_next", ""), facts))


def term(group: str, name: str, lang: Language) -> str:
    """A word of the field: ``term("states", "accepted", "zh")`` is 受理; the name itself where there is none."""
    entry = catalogue().get(f"terms.{group}.{name.lower()}")
    return name if entry is None else entry[lang]


def filled(template: str, facts: Mapping[str, object]) -> str:
    """Put facts in their places: ``{count}`` is the fact itself, ``{count:leaf|leaves}`` the word for one or for others.

    ``{size:bytes}`` is a number of bytes as people read it: 60 MB. A fact that was not given is shown as ``…``.
    """

    def said(found: re.Match[str]) -> str:
        value = str(facts.get(found[1], "…"))
        if found[2]:
            return _size(int(value)) if value.isascii() and value.isdecimal() else value
        if found[3] is None:
            return value
        return found[3] if value == "1" else found[4]

    return _PLACEHOLDER.sub(said, template)


def _size(count: int) -> str:
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{count} B"


def _collect(found: dict[str, Mapping[str, str]], prefix: str, table: Mapping[str, object]) -> None:
    if "zh" in table and "en" in table:
        found[prefix] = MappingProxyType({key: value for key, value in table.items() if isinstance(value, str)})
        return
    for name, inner in table.items():
        if isinstance(inner, Mapping):
            _collect(found, f"{prefix}.{name}", inner)
