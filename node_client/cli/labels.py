"""What the command's screens say beside sentences of faults: headings, states, questions, in the reader's language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ledger.wire.sentences import Language, filled
from node_client.cli.output import language

__all__ = ["label", "labels"]

_LOCALES = Path(__file__).parent.parent / "locales"


def label(name: str, /, **facts: object) -> str:
    """Return what a name stands for in the language of the locale, with the facts in their places."""
    return filled(labels(language())[name], facts)


@cache
def labels(lang: Language) -> Mapping[str, str]:
    """Return all labels of a language; every name is there in both."""
    found: Mapping[str, str] = tomllib.loads((_LOCALES / f"{lang}.toml").read_text(encoding="utf-8"))
    return found
