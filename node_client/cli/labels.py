"""What the command's screens say beside sentences of faults: headings, states, questions, in the reader's language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ledger.domain.materials import MATERIAL_TYPES
from ledger.wire.sentences import Language, filled
from node_client.cli.output import language

__all__ = ["label", "labels", "type_name"]

_LOCALES = Path(__file__).parent.parent / "locales"


def label(name: str, /, **facts: object) -> str:
    """Return what a name stands for in the language of the locale, with the facts in their places."""
    return filled(labels(language())[name], facts)


def type_name(code: str) -> str:
    """Return what a type of material is called; its code where this program does not know it."""
    known = MATERIAL_TYPES.get(code)
    return code if known is None else (known.zh if language() == "zh" else known.en)


@cache
def labels(lang: Language) -> Mapping[str, str]:
    """Return all labels of a language; every name is there in both."""
    found: Mapping[str, str] = tomllib.loads((_LOCALES / f"{lang}.toml").read_text(encoding="utf-8"))
    return found
